// SPDX-License-Identifier: GPL-2.0
/*
 * RANDOM: any page leaves, each as likely as the others.
 *
 * L. A. Belady: A study of replacement algorithms for a virtual-storage computer. IBM Systems
 * Journal 5 (2), 1966.
 *
 * The dice: G. Marsaglia: Xorshift RNGs. Journal of Statistical Software 8 (14), 2003; with the
 * multiplier of S. Vigna: An experimental exploration of Marsaglia's xorshift generators,
 * scrambled. ACM TOMS 42 (4), 2016.
 */
#include "policy.h"

#include <linux/minmax.h>
#include <linux/overflow.h>

/*
 * The pages are in an array, policy.room, without gaps. Those that do not fit, because there
 * are more than frames for a moment, wait in a queue until they do.
 */
struct random {
	struct vmlab_policy policy;
	u64 state;	/* of the dice; not 0 */
	u32 filled;	/* slots of the array */
	u32 slots;	/* that it has */
	struct vmlab_queue waiting;
};

/* vmlab_entry.queue: in a slot of the array, or waiting for one. */
enum {
	IN_SLOT = 1,
	WAITING
};

static struct random *random_of(struct vmlab_policy *policy)
{
	return container_of(policy, struct random, policy);
}

static struct vmlab_entry **slots_of(struct random *random)
{
	return random->policy.room;
}

static size_t room(u32 frames)
{
	return size_mul(frames, sizeof(struct vmlab_entry *));
}

static void init(struct vmlab_policy *policy, u64 seed)
{
	struct random *random = random_of(policy);

	random->state = seed ? seed : 1;
	random->slots = policy->frames;
	vmlab_queue_init(&random->waiting);
}

/* From 0 to @below - 1. */
static u32 roll(struct random *random, u32 below)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return ((random->state * 0x2545f4914f6cdd1dULL >> 32) * below) >> 32;
}

static void put(struct random *random, struct vmlab_entry **slots, struct vmlab_entry *entry)
{
	entry->queue = IN_SLOT;
	entry->slot = random->filled++;
	slots[entry->slot] = entry;
}

static void inserted(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct random *random = random_of(policy);

	if (random->filled < random->slots) {
		put(random, slots_of(random), entry);
		return;
	}
	entry->queue = WAITING;
	vmlab_queue_add(&random->waiting, entry);
}

/* The last page takes the free slot, and one that waits takes the slot of that. */
static void removed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct random *random = random_of(policy);
	struct vmlab_entry **slots = slots_of(random);
	struct vmlab_entry *next;

	if (entry->queue == WAITING) {
		vmlab_queue_del(&random->waiting, entry);
		entry->queue = 0;
		return;
	}
	slots[entry->slot] = slots[--random->filled];
	slots[entry->slot]->slot = entry->slot;
	entry->queue = 0;
	next = vmlab_queue_oldest(&random->waiting);
	if (next) {
		vmlab_queue_del(&random->waiting, next);
		put(random, slots, next);
	}
}

static struct vmlab_entry *coldest(struct vmlab_policy *policy)
{
	struct random *random = random_of(policy);

	return random->filled ? slots_of(random)[random->filled - 1] : NULL;
}

static struct vmlab_entry *victim(struct vmlab_policy *policy, struct vmlab_entry *incoming)
{
	struct random *random = random_of(policy);
	struct vmlab_entry *entry;

	if (!random->filled)
		return NULL;
	entry = slots_of(random)[roll(random, random->filled)];
	removed(policy, entry);
	return entry;
}

/* All pages move to the new array, as far as they fit. */
static void resize(struct vmlab_policy *policy, void *room)
{
	struct random *random = random_of(policy);
	struct vmlab_entry **from = slots_of(random), *entry;
	u32 nr = random->filled, i;

	random->slots = policy->frames;
	random->filled = 0;
	for (i = 0; i < nr; i++) {
		if (i < random->slots) {
			put(random, room, from[i]);
		} else {
			from[i]->queue = WAITING;
			vmlab_queue_add(&random->waiting, from[i]);
		}
	}
	while (random->filled < random->slots && (entry = vmlab_queue_oldest(&random->waiting))) {
		vmlab_queue_del(&random->waiting, entry);
		put(random, room, entry);
	}
}

const struct vmlab_policy_ops vmlab_policy_random = {
	.name = "random",
	.size = sizeof(struct random),
	.room = room,
	.init = init,
	.resize = resize,
	.victim = victim,
	.refused = inserted,
	.inserted = inserted,
	.removed = removed,
	.coldest = coldest,
};
