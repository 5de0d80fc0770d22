// SPDX-License-Identifier: GPL-2.0
/*
 * FIFO: who came first leaves first, referenced or not.
 *
 * L. A. Belady: A study of replacement algorithms for a virtual-storage computer. IBM Systems
 * Journal 5 (2), 1966.
 */
#include "policy.h"

struct fifo {
	struct vmlab_policy policy;
	struct vmlab_queue queue;
};

static struct fifo *fifo_of(struct vmlab_policy *policy)
{
	return container_of(policy, struct fifo, policy);
}

static void init(struct vmlab_policy *policy, u64 seed)
{
	vmlab_queue_init(&fifo_of(policy)->queue);
}

static struct vmlab_entry *coldest(struct vmlab_policy *policy)
{
	return vmlab_queue_oldest(&fifo_of(policy)->queue);
}

static void removed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	vmlab_queue_del(&fifo_of(policy)->queue, entry);
}

static struct vmlab_entry *victim(struct vmlab_policy *policy, struct vmlab_entry *incoming)
{
	struct vmlab_entry *entry = coldest(policy);

	if (entry)
		removed(policy, entry);
	return entry;
}

static void inserted(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	vmlab_queue_add(&fifo_of(policy)->queue, entry);
}

const struct vmlab_policy_ops vmlab_policy_fifo = {
	.name = "fifo",
	.size = sizeof(struct fifo),
	.init = init,
	.victim = victim,
	.refused = inserted,
	.inserted = inserted,
	.removed = removed,
	.coldest = coldest,
};
