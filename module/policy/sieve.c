// SPDX-License-Identifier: GPL-2.0
/*
 * SIEVE: a hand goes through a FIFO from old to new, clears marks of references, and takes the
 * first page without one. Pages that are spared stay where they are, and new ones come in
 * behind the hand: they are sifted soon.
 *
 * Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson, K. V. Rashmi: SIEVE is simpler than LRU: an
 * efficient turn-key eviction algorithm for web caches. NSDI 2024.
 */
#include "policy.h"

struct sieve {
	struct vmlab_policy policy;
	struct vmlab_queue queue;
	struct vmlab_entry *hand;	/* NULL: at the oldest page */
};

static struct sieve *sieve_of(struct vmlab_policy *policy)
{
	return container_of(policy, struct sieve, policy);
}

static void init(struct vmlab_policy *policy, u64 seed)
{
	vmlab_queue_init(&sieve_of(policy)->queue);
}

/* The page that came in next after @entry, or NULL. */
static struct vmlab_entry *newer(struct sieve *sieve, struct vmlab_entry *entry)
{
	if (list_is_first(&entry->node, &sieve->queue.list))
		return NULL;
	return list_entry(entry->node.prev, struct vmlab_entry, node);
}

static struct vmlab_entry *coldest(struct vmlab_policy *policy)
{
	struct sieve *sieve = sieve_of(policy);

	return sieve->hand ? sieve->hand : vmlab_queue_oldest(&sieve->queue);
}

static void referenced(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	entry->hits = 1;
}

static void removed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct sieve *sieve = sieve_of(policy);

	if (sieve->hand == entry)
		sieve->hand = newer(sieve, entry);
	vmlab_queue_del(&sieve->queue, entry);
}

/* Each page is passed once at most because of its mark, so it ends. */
static struct vmlab_entry *victim(struct vmlab_policy *policy, struct vmlab_entry *incoming)
{
	struct sieve *sieve = sieve_of(policy);
	unsigned int chances = VMLAB_CHANCES;
	struct vmlab_entry *entry;

	while ((entry = coldest(policy))) {
		bool taken = !entry->hits && !vmlab_policy_spared(policy, entry, &chances);

		entry->hits = 0;
		sieve->hand = newer(sieve, entry);
		if (taken) {
			removed(policy, entry);
			break;
		}
	}
	return entry;
}

static void inserted(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	entry->hits = 0;
	vmlab_queue_add(&sieve_of(policy)->queue, entry);
}

/*
 * It was in front of the hand, which may be at the newest page, or back at the oldest: behind
 * the hand again, but with a mark, so that others are looked at first.
 */
static void refused(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	inserted(policy, entry);
	entry->hits = 1;
}

const struct vmlab_policy_ops vmlab_policy_sieve = {
	.name = "sieve",
	.size = sizeof(struct sieve),
	.init = init,
	.victim = victim,
	.refused = refused,
	.inserted = inserted,
	.referenced = referenced,
	.removed = removed,
	.coldest = coldest,
};
