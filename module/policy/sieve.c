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
	struct vmlab_entry *entry;

	while ((entry = coldest(policy)) && entry->hits) {
		entry->hits = 0;
		sieve->hand = newer(sieve, entry);
	}
	if (entry) {
		sieve->hand = newer(sieve, entry);
		removed(policy, entry);
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

/*
 * The hand clears the mark, and passes. If that may be of the reference that brought the page in,
 * it is new again, to be sifted soon: to stay here until the hand has been round is for pages that
 * are wanted.
 */
static bool spared(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct sieve *sieve = sieve_of(policy);

	inserted(policy, entry);
	if (entry->looked && sieve->hand)
		list_move(&entry->node, &sieve->hand->node);
	return true;
}

const struct vmlab_policy_ops vmlab_policy_sieve = {
	.name = "sieve",
	.size = sizeof(struct sieve),
	.init = init,
	.victim = victim,
	.refused = refused,
	.spared = spared,
	.inserted = inserted,
	.referenced = referenced,
	.removed = removed,
	.coldest = coldest,
};
