// SPDX-License-Identifier: GPL-2.0
/*
 * LRU: who has not been referenced for the longest time leaves.
 *
 * R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger: Evaluation techniques for storage
 * hierarchies. IBM Systems Journal 9 (2), 1970.
 */
#include "policy.h"

struct lru {
	struct vmlab_policy policy;
	struct vmlab_queue queue;
};

static struct lru *lru_of(struct vmlab_policy *policy)
{
	return container_of(policy, struct lru, policy);
}

static void init(struct vmlab_policy *policy, u64 seed)
{
	vmlab_queue_init(&lru_of(policy)->queue);
}

static struct vmlab_entry *coldest(struct vmlab_policy *policy)
{
	return vmlab_queue_oldest(&lru_of(policy)->queue);
}

static void referenced(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	vmlab_queue_renew(&lru_of(policy)->queue, entry);
}

static void removed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	vmlab_queue_del(&lru_of(policy)->queue, entry);
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
	vmlab_queue_add(&lru_of(policy)->queue, entry);
}

static bool spared(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	inserted(policy, entry);
	return true;
}

const struct vmlab_policy_ops vmlab_policy_lru = {
	.name = "lru",
	.size = sizeof(struct lru),
	.init = init,
	.victim = victim,
	.refused = inserted,
	.spared = spared,
	.inserted = inserted,
	.referenced = referenced,
	.removed = removed,
	.coldest = coldest,
};
