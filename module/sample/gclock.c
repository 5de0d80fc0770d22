// SPDX-License-Identifier: GPL-2.0
/*
 * A victim policy in a module of its own: the example of Documentation/policies.rst, which is CLOCK
 * with a counter instead of a bit.
 *
 * A. J. Smith: Sequentiality and prefetching in database systems. ACM Transactions on Database
 * Systems 3 (3), 1978.
 */
#include "policy/policy.h"

#include <linux/module.h>

struct gclock {
	struct vmlab_policy policy;
	struct vmlab_queue queue;
};

#define QUEUE(p) (&container_of(p, struct gclock, policy)->queue)

static void init(struct vmlab_policy *policy, u64 seed)
{
	vmlab_queue_init(QUEUE(policy));
}

static struct vmlab_entry *coldest(struct vmlab_policy *policy)
{
	return vmlab_queue_oldest(QUEUE(policy));
}

static void referenced(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	if (entry->hits < 3)
		entry->hits++;
}

static void inserted(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	entry->hits = 0;
	vmlab_queue_add(QUEUE(policy), entry);
}

static void refused(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	entry->hits = 3;
	vmlab_queue_add(QUEUE(policy), entry);
}

static bool spared(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	inserted(policy, entry);
	return true;
}

static void removed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	vmlab_queue_del(QUEUE(policy), entry);
}

static struct vmlab_entry *victim(struct vmlab_policy *policy, struct vmlab_entry *incoming)
{
	struct vmlab_entry *entry;

	while ((entry = coldest(policy)) && entry->hits) {
		entry->hits--;
		vmlab_queue_renew(QUEUE(policy), entry);
	}
	if (entry)
		removed(policy, entry);
	return entry;
}

static char *name = "gclock";
module_param(name, charp, 0444);
MODULE_PARM_DESC(name, "how users call it");

static struct vmlab_policy_ops ops = {
	.owner = THIS_MODULE,
	.size = sizeof(struct gclock),
	.init = init,
	.victim = victim,
	.refused = refused,
	.spared = spared,
	.inserted = inserted,
	.referenced = referenced,
	.removed = removed,
	.coldest = coldest,
};

static int __init gclock_init(void)
{
	ops.name = name;
	return vmlab_policy_register(&ops);
}

static void __exit gclock_exit(void)
{
	vmlab_policy_unregister(&ops);
}

module_init(gclock_init);
module_exit(gclock_exit);

MODULE_DESCRIPTION("A victim policy for vmlab, as an example");
MODULE_LICENSE("GPL");
