// SPDX-License-Identifier: GPL-2.0
/*
 * 2Q, the full version: new pages go through a short FIFO, A1in. A page that is wanted again
 * after it has left that, while A1out still remembers it, goes to Am, an LRU queue, at once.
 *
 * T. Johnson, D. Shasha: 2Q: a low overhead high performance buffer management replacement
 * algorithm. VLDB 1994. Kin is 25 % of the frames, Kout 50 %.
 */
#include "policy.h"

#include <linux/minmax.h>

struct twoq {
	struct vmlab_policy policy;
	struct vmlab_queue a1in;
	struct vmlab_queue a1out;	/* remembered */
	struct vmlab_queue am;
	u32 kin;
	u32 kout;
};

/* vmlab_entry.queue */
enum {
	A1IN = 1,
	A1OUT,
	AM
};

static struct twoq *twoq_of(struct vmlab_policy *policy)
{
	return container_of(policy, struct twoq, policy);
}

static void resize(struct vmlab_policy *policy, void *room)
{
	struct twoq *twoq = twoq_of(policy);

	twoq->kin = policy->frames / 4;
	twoq->kout = max(policy->frames / 2, 1U);
	while (twoq->a1out.nr > twoq->kout)
		vmlab_policy_drop(policy, vmlab_queue_oldest(&twoq->a1out));
}

static void init(struct vmlab_policy *policy, u64 seed)
{
	struct twoq *twoq = twoq_of(policy);

	vmlab_queue_init(&twoq->a1in);
	vmlab_queue_init(&twoq->a1out);
	vmlab_queue_init(&twoq->am);
	resize(policy, NULL);
}

static struct vmlab_queue *queue_of(struct twoq *twoq, const struct vmlab_entry *entry)
{
	switch (entry->queue) {
	case A1IN:
		return &twoq->a1in;
	case A1OUT:
		return &twoq->a1out;
	default:
		return &twoq->am;
	}
}

static void removed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	vmlab_queue_del(queue_of(twoq_of(policy), entry), entry);
}

static void add(struct vmlab_queue *queue, struct vmlab_entry *entry, u8 name)
{
	entry->queue = name;
	vmlab_queue_add(queue, entry);
}

/* It leaves A1out, but what it was in is kept for inserted(). */
static void missed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	if (entry->queue == A1OUT)
		removed(policy, entry);
}

static void inserted(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct twoq *twoq = twoq_of(policy);

	if (entry->queue == A1OUT)
		add(&twoq->am, entry, AM);
	else
		add(&twoq->a1in, entry, A1IN);
}

/* References to a page in A1in are taken for one: they do not count. */
static void referenced(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	if (entry->queue == AM)
		vmlab_queue_renew(&twoq_of(policy)->am, entry);
}

static struct vmlab_entry *coldest(struct vmlab_policy *policy)
{
	struct twoq *twoq = twoq_of(policy);
	bool from_a1in = twoq->a1in.nr > twoq->kin || !twoq->am.nr;

	return vmlab_queue_oldest(from_a1in ? &twoq->a1in : &twoq->am);
}

static struct vmlab_entry *victim(struct vmlab_policy *policy, struct vmlab_entry *incoming)
{
	struct twoq *twoq = twoq_of(policy);
	struct vmlab_entry *entry = coldest(policy);

	if (!entry)
		return NULL;
	removed(policy, entry);
	entry->from = entry->queue;
	entry->queue = 0;
	if (entry->from == AM)
		return entry;
	add(&twoq->a1out, entry, A1OUT);
	if (twoq->a1out.nr > twoq->kout)
		vmlab_policy_drop(policy, vmlab_queue_oldest(&twoq->a1out));
	return entry;
}

/*
 * Back to the queue that it came from, as the newest, or, if it would be alone there and so
 * the next victim, to the other one.
 */
static void refused(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct twoq *twoq = twoq_of(policy);
	bool to_am = entry->from == AM;

	if (entry->queue == A1OUT)
		removed(policy, entry);
	if (to_am ? !twoq->am.nr : !twoq->a1in.nr)
		to_am = !to_am;
	add(to_am ? &twoq->am : &twoq->a1in, entry, to_am ? AM : A1IN);
}

/* What leaves A1in leaves, referenced or not. */
static bool spared(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	if (entry->from != AM)
		return false;
	add(&twoq_of(policy)->am, entry, AM);
	return true;
}

static struct vmlab_entry *oldest(struct vmlab_policy *policy)
{
	return vmlab_queue_oldest(&twoq_of(policy)->a1out);
}

const struct vmlab_policy_ops vmlab_policy_2q = {
	.name = "2q",
	.size = sizeof(struct twoq),
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
