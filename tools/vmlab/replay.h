/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "refs.h"

struct vmlab_entry;
struct vmlab_policy_ops;

/**
 * struct replay - what a trace is replayed with
 * @refs:	the trace
 * @entries:	one for each page, for replay_policy(); their contents do not matter
 * @seed:	for the policy that throws dice
 * @lirs_paper:	LIRS by the paper, and not as libCacheSim counts
 */
struct replay {
	const struct refs *refs;
	struct vmlab_entry *entries;
	uint64_t seed;
	bool lirs_paper;
};

/* Sets @misses to those of a policy with so many frames. Returns 0 or -ENOMEM. */
int replay_policy(const struct replay *replay, const struct vmlab_policy_ops *ops,
		  uint32_t frames, uint64_t *misses);

/* When the page of each reference is referenced again; REFS_NEVER. NULL if memory runs out. */
uint32_t *opt_next(const struct refs *refs);

#define REFS_NEVER	UINT32_MAX

/* The same for Belady's optimum; @next is what opt_next() said. */
int replay_opt(const struct refs *refs, const uint32_t *next, uint32_t frames, uint64_t *misses);

#endif /* REPLAY_H */
