// SPDX-License-Identifier: GPL-2.0
/*
 * References to pages, in the order of the input: no policy misses less often than Belady's
 * optimum, or than there are pages, or more often than there are references.
 */
#include "fuzz.h"

#include "policy/policy.h"
#include "replay.h"

static const char *const policies[] = { "random", "fifo",  "clock",  "lru",  "2q",
					"arc",	  "sieve", "s3fifo", "lirs" };

/* One byte for each, with pages numbered as they come. */
static void read_refs(struct refs *refs, const uint8_t *data, size_t size)
{
	uint32_t numbers[256];

	memset(numbers, 0xff, sizeof(numbers));
	refs->pages = malloc(size * sizeof(*refs->pages));
	PROMISE(refs->pages);
	for (refs->count = 0; refs->count < size; refs->count++) {
		uint32_t *number = &numbers[data[refs->count]];

		if (*number == UINT32_MAX)
			*number = refs->distinct++;
		refs->pages[refs->count] = *number;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct refs refs = { .count = 0 };
	struct replay replay = { .refs = &refs };
	uint64_t least, misses;
	uint32_t frames, *next;

	if (size < 3)
		return 0;
	frames = 1 + data[0] % 64;
	replay.seed = data[1];
	replay.lirs_paper = data[1] & 1;
	read_refs(&refs, data + 2, size - 2);
	PROMISE(refs.distinct);
	replay.entries = malloc(refs.distinct * sizeof(*replay.entries));
	next = opt_next(&refs);
	PROMISE(replay.entries && next && !replay_opt(&refs, next, frames, &least));
	PROMISE(least >= refs.distinct && least <= refs.count);
	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		const struct vmlab_policy_ops *ops = vmlab_policy_find(policies[i]);

		PROMISE(ops && !replay_policy(&replay, ops, frames, &misses));
		PROMISE(misses >= least && misses <= refs.count);
	}
	free(next);
	free(replay.entries);
	free(refs.pages);
	return 0;
}
