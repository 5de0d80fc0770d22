// SPDX-License-Identifier: GPL-2.0
/*
 * S3-FIFO: three FIFOs. Most new pages are not wanted again soon, and leave through the small
 * queue S; those that are wanted move to the main queue M, where a counter spares them; G
 * remembers who left S, and who comes back from there goes to M at once.
 *
 * J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi: FIFO queues are all you need for cache
 * eviction. SOSP 2023. S is 10 % of the frames, G remembers 90 % of their number.
 */
#include "policy.h"

#include <linux/minmax.h>

#define MAX_HITS	3	/* two bits */
#define TO_MAIN		2	/* as many hits move a page from S to M: "freq > 1" */

struct s3fifo {
	struct vmlab_policy policy;
	struct vmlab_queue s;
	struct vmlab_queue m;
	struct vmlab_queue g;	/* remembered */
	u32 max_m;
	u32 max_g;
};

/* vmlab_entry.queue */
enum {
	S = 1,
	M,
	G
};

static struct s3fifo *s3fifo_of(struct vmlab_policy *policy)
{
	return container_of(policy, struct s3fifo, policy);
}

static void resize(struct vmlab_policy *policy, void *room)
{
	struct s3fifo *s3fifo = s3fifo_of(policy);
	u32 max_s = max(policy->frames / 10, 1U);

	s3fifo->max_m = max(policy->frames - max_s, 1U);
	s3fifo->max_g = max((u32)((u64)policy->frames * 9 / 10), 1U);
	while (s3fifo->g.nr > s3fifo->max_g)
		vmlab_policy_drop(policy, vmlab_queue_oldest(&s3fifo->g));
}

static void init(struct vmlab_policy *policy, u64 seed)
{
	struct s3fifo *s3fifo = s3fifo_of(policy);

	vmlab_queue_init(&s3fifo->s);
	vmlab_queue_init(&s3fifo->m);
	vmlab_queue_init(&s3fifo->g);
	resize(policy, NULL);
}

static struct vmlab_queue *queue_of(struct s3fifo *s3fifo, const struct vmlab_entry *entry)
{
	switch (entry->queue) {
	case S:
		return &s3fifo->s;
	case G:
		return &s3fifo->g;
	default:
		return &s3fifo->m;
	}
}

static void removed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	vmlab_queue_del(queue_of(s3fifo_of(policy), entry), entry);
}

/* A page comes to a queue, and its references are counted anew. */
static void add(struct vmlab_queue *queue, struct vmlab_entry *entry, u8 name)
{
	entry->queue = name;
	entry->hits = 0;
	vmlab_queue_add(queue, entry);
}

/* It leaves G, but what it was in is kept for inserted(). */
static void missed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	if (entry->queue == G)
		removed(policy, entry);
}

static void inserted(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct s3fifo *s3fifo = s3fifo_of(policy);

	if (entry->queue == G)
		add(&s3fifo->m, entry, M);
	else
		add(&s3fifo->s, entry, S);
}

static void referenced(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	if (entry->hits < MAX_HITS)
		entry->hits++;
}

static bool from_m(const struct s3fifo *s3fifo)
{
	return s3fifo->m.nr > s3fifo->max_m || !s3fifo->s.nr;
}

static struct vmlab_entry *coldest(struct vmlab_policy *policy)
{
	struct s3fifo *s3fifo = s3fifo_of(policy);

	return vmlab_queue_oldest(from_m(s3fifo) ? &s3fifo->m : &s3fifo->s);
}

/* Whether a page at the end of a queue has hits that keep it in memory, which are used up. */
static bool stays(struct s3fifo *s3fifo, struct vmlab_entry *entry)
{
	if (entry->queue == S && entry->hits >= TO_MAIN) {
		vmlab_queue_del(&s3fifo->s, entry);
		add(&s3fifo->m, entry, M);
		return true;
	}
	if (entry->queue == M && entry->hits) {
		entry->hits--;
		vmlab_queue_renew(&s3fifo->m, entry);
		return true;
	}
	return false;
}

/* Hits are used up, and S runs empty: it ends. */
static struct vmlab_entry *victim(struct vmlab_policy *policy, struct vmlab_entry *incoming)
{
	struct s3fifo *s3fifo = s3fifo_of(policy);
	bool out_of_s = !from_m(s3fifo);
	struct vmlab_entry *entry;

	do {
		/* Once begun, it goes through S to the end, however full M gets. */
		out_of_s = out_of_s ? s3fifo->s.nr > 0 : !from_m(s3fifo);
		entry = vmlab_queue_oldest(out_of_s ? &s3fifo->s : &s3fifo->m);
		if (!entry)
			return NULL;
	} while (stays(s3fifo, entry));
	removed(policy, entry);
	entry->from = entry->queue;
	entry->queue = 0;
	if (entry->from == M)
		return entry;
	entry->queue = G;
	vmlab_queue_add(&s3fifo->g, entry);
	if (s3fifo->g.nr > s3fifo->max_g)
		vmlab_policy_drop(policy, vmlab_queue_oldest(&s3fifo->g));
	return entry;
}

/* To M, wherever it came from, and with as many hits as the others can have. */
static void refused(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	if (entry->queue == G)
		removed(policy, entry);
	add(&s3fifo_of(policy)->m, entry, M);
	entry->hits = MAX_HITS;
}

/*
 * One hit more. With too few for M it gets another round of S: it may have been referenced many
 * times and was asked only once, or only by who brought it in. In M the hit is used up at once.
 */
static bool spared(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct s3fifo *s3fifo = s3fifo_of(policy);

	if (entry->queue == G)
		removed(policy, entry);
	referenced(policy, entry);
	if (entry->from == S && entry->hits < TO_MAIN) {
		entry->queue = S;
		vmlab_queue_add(&s3fifo->s, entry);
	} else {
		add(&s3fifo->m, entry, M);
	}
	return true;
}

static struct vmlab_entry *oldest(struct vmlab_policy *policy)
{
	return vmlab_queue_oldest(&s3fifo_of(policy)->g);
}

const struct vmlab_policy_ops vmlab_policy_s3fifo = {
	.name = "s3fifo",
	.size = sizeof(struct s3fifo),
	.init = init,
	.resize = resize,
	.missed = missed,
	.victim = victim,
	.refused = refused,
	.spared = spared,
	.inserted = inserted,
	.referenced = referenced,
	.removed = removed,
	.coldest = coldest,
	.oldest = oldest,
};
