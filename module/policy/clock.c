// SPDX-License-Identifier: GPL-2.0
/*
 * CLOCK: FIFO in which a page that was referenced since it was last looked at goes back to
 * the end instead of out.
 *
 * F. J. Corbato: A paging experiment with the Multics system. MIT Project MAC, MAC-M-384, 1968.
 */
#include "policy.h"

struct clock {
	struct vmlab_policy policy;
	struct vmlab_queue queue;	/* its oldest page is the one under the hand */
};

static struct clock *clock_of(struct vmlab_policy *policy)
{
	return container_of(policy, struct clock, policy);
}

static void init(struct vmlab_policy *policy, u64 seed)
{
	vmlab_queue_init(&clock_of(policy)->queue);
}

static struct vmlab_entry *coldest(struct vmlab_policy *policy)
{
	return vmlab_queue_oldest(&clock_of(policy)->queue);
}

static void referenced(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	entry->hits = 1;
}

static void removed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	vmlab_queue_del(&clock_of(policy)->queue, entry);
}

/* Each page is passed once at most because of its bit, so it ends. */
static struct vmlab_entry *victim(struct vmlab_policy *policy, struct vmlab_entry *incoming)
{
	struct vmlab_entry *entry;

	while ((entry = coldest(policy)) && entry->hits) {
		entry->hits = 0;
		vmlab_queue_renew(&clock_of(policy)->queue, entry);
	}
	if (entry)
		removed(policy, entry);
	return entry;
}

static void inserted(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	entry->hits = 0;
	vmlab_queue_add(&clock_of(policy)->queue, entry);
}

/* With its bit set, or it would be the first one without, where all others have theirs. */
static void refused(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	inserted(policy, entry);
	entry->hits = 1;
}

/* The hardware's bit is as good as its own: it was set, and is clear now. */
static bool spared(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	inserted(policy, entry);
	return true;
}

const struct vmlab_policy_ops vmlab_policy_clock = {
	.name = "clock",
	.size = sizeof(struct clock),
	.init = init,
	.victim = victim,
	.refused = refused,
	.spared = spared,
	.inserted = inserted,
	.referenced = referenced,
	.removed = removed,
	.coldest = coldest,
};
