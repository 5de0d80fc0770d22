// SPDX-License-Identifier: GPL-2.0
/*
 * LIRS: what counts is how many other pages were referenced between the last two references to
 * a page (its inter-reference recency), and not how long the last one was ago. Pages where
 * that is low (LIR) stay; the others (HIR) have few frames, and leave first.
 *
 * S. Jiang, X. Zhang: LIRS: an efficient low inter-reference recency set replacement policy to
 * improve buffer cache performance. SIGMETRICS 2002. HIR pages have 1 % of the frames.
 *
 * The stack S has LIR pages and those HIR pages, resident or not, that were referenced since
 * the LIR page at its bottom was. The list Q has the resident HIR pages. The paper leaves S
 * without a bound; here it has twice as many pages as there are frames at most, and those
 * that have been gone from memory for longest are forgotten.
 *
 * With policy.as_counted it counts as libCacheSim does, which departs from the paper where a
 * HIR page is hit that is not in S (counted_hit() below).
 */
#include "policy.h"

#include <linux/minmax.h>

struct lirs {
	struct vmlab_policy policy;
	struct list_head s;		/* by vmlab_entry.stack, the top first */
	u32 in_s;			/* pages in S */
	struct vmlab_queue q;
	struct vmlab_queue gone;	/* remembered: the HIR pages in S that left memory */
	u32 lirs;			/* LIR pages */
	u32 llirs;			/* as many there are to be, */
	u32 lhirs;			/* and the frames for the others */
};

/*
 * vmlab_entry.queue. UNCOUNTED: a resident HIR page in S, but not in Q (counted_hit()).
 * vmlab_entry.from is LIR for a page that was, until it was its turn to give that up, and
 * HIR for others that leave.
 */
enum {
	LIR = 1,
	HIR,
	GONE,
	UNCOUNTED
};

static struct lirs *lirs_of(struct vmlab_policy *policy)
{
	return container_of(policy, struct lirs, policy);
}

static bool in_s(const struct vmlab_entry *entry)
{
	return !list_empty(&entry->stack);
}

static struct vmlab_entry *bottom(struct lirs *lirs)
{
	return list_empty(&lirs->s) ? NULL : list_last_entry(&lirs->s, struct vmlab_entry, stack);
}

static void push(struct lirs *lirs, struct vmlab_entry *entry)
{
	list_add(&entry->stack, &lirs->s);
	lirs->in_s++;
}

static void pull(struct lirs *lirs, struct vmlab_entry *entry)
{
	if (!in_s(entry))
		return;
	list_del_init(&entry->stack);
	lirs->in_s--;
}

/* Takes a page out of S and of where else it is. */
static void take(struct lirs *lirs, struct vmlab_entry *entry)
{
	pull(lirs, entry);
	switch (entry->queue) {
	case LIR:
		lirs->lirs--;
		break;
	case HIR:
		vmlab_queue_del(&lirs->q, entry);
		break;
	case GONE:
		vmlab_queue_del(&lirs->gone, entry);
		break;
	case UNCOUNTED:
		lirs->policy.uncounted--;
		break;
	}
}

/* A page that is in no list becomes a LIR page at the top of S, */
static void add_lir(struct lirs *lirs, struct vmlab_entry *entry)
{
	entry->queue = LIR;
	push(lirs, entry);
	lirs->lirs++;
}

/* and here a HIR page at the end of Q. Whether it is in S as well is for the caller to see. */
static void add_hir(struct lirs *lirs, struct vmlab_entry *entry)
{
	entry->queue = HIR;
	vmlab_queue_add(&lirs->q, entry);
}

/* The paper's stack pruning: the bottom of S is a LIR page. */
static void prune(struct lirs *lirs)
{
	struct vmlab_entry *entry;

	while ((entry = bottom(lirs)) && entry->queue != LIR) {
		switch (entry->queue) {
		case GONE:
			vmlab_policy_drop(&lirs->policy, entry);
			break;
		case UNCOUNTED:
			take(lirs, entry);
			entry->queue = HIR;
			vmlab_queue_add_oldest(&lirs->q, entry);
			break;
		default:
			pull(lirs, entry);
		}
	}
}

/* What is too much in S, and, as libCacheSim counts, in Q. */
static void cut(struct lirs *lirs)
{
	u32 q = lirs->q.nr;

	while (lirs->in_s > 2 * lirs->policy.frames && lirs->gone.nr)
		vmlab_policy_drop(&lirs->policy, vmlab_queue_oldest(&lirs->gone));
	if (lirs->policy.as_counted)
		lirs->policy.surplus = q > lirs->lhirs ? q - lirs->lhirs : 0;
}

static void renew(struct lirs *lirs, struct vmlab_entry *entry)
{
	list_move(&entry->stack, &lirs->s);
	prune(lirs);
}

/* The LIR page at the bottom of S becomes a HIR page. */
static void demote(struct lirs *lirs)
{
	struct vmlab_entry *entry = bottom(lirs);

	if (!entry)
		return;
	take(lirs, entry);
	entry->from = LIR;
	add_hir(lirs, entry);
	prune(lirs);
}

/* A page becomes a LIR page, and another one has to give that up. */
static void promote(struct lirs *lirs, struct vmlab_entry *entry)
{
	add_lir(lirs, entry);
	if (lirs->lirs > lirs->llirs)
		demote(lirs);
}

static void resize(struct vmlab_policy *policy, void *room)
{
	struct lirs *lirs = lirs_of(policy);

	lirs->lhirs = max(policy->frames / 100, 1U);
	lirs->llirs = policy->frames - lirs->lhirs;
	while (lirs->lirs > lirs->llirs)
		demote(lirs);
	cut(lirs);
}

static void init(struct vmlab_policy *policy, u64 seed)
{
	struct lirs *lirs = lirs_of(policy);

	INIT_LIST_HEAD(&lirs->s);
	vmlab_queue_init(&lirs->q);
	vmlab_queue_init(&lirs->gone);
	resize(policy, NULL);
}

/* Called by prune(), too, for pages that are gone. */
static void removed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	take(lirs_of(policy), entry);
	if (entry->queue == LIR)
		prune(lirs_of(policy));
}

/* It leaves S, but that it was there is kept for inserted(). */
static void missed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	if (entry->queue == GONE)
		take(lirs_of(policy), entry);
}

static void inserted(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct lirs *lirs = lirs_of(policy);

	if (entry->queue == GONE || lirs->lirs < lirs->llirs) {
		promote(lirs, entry);
	} else {
		push(lirs, entry);
		entry->from = HIR;
		add_hir(lirs, entry);
		prune(lirs);
	}
	cut(lirs);
}

/*
 * A HIR page was hit that is not in S, but in Q, as libCacheSim has it: the bottom of S is
 * demoted as if the page became LIR, which it does not; the next page that comes in does. Q
 * has one page too many then, which leaves at once. If Q has one frame only, that is the page
 * itself: it stays resident, but nobody counts it until it leaves S.
 */
static void counted_hit(struct lirs *lirs, struct vmlab_entry *entry)
{
	if (lirs->llirs && lirs->lirs == lirs->llirs) {
		demote(lirs);
		if (vmlab_queue_oldest(&lirs->q) == entry && lirs->q.nr > lirs->lhirs) {
			take(lirs, entry);
			entry->queue = UNCOUNTED;
			lirs->policy.uncounted++;
		}
	}
	push(lirs, entry);
}

static void referenced(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct lirs *lirs = lirs_of(policy);

	if (entry->queue == LIR) {
		renew(lirs, entry);
	} else if (in_s(entry)) {
		take(lirs, entry);
		promote(lirs, entry);
	} else {
		vmlab_queue_renew(&lirs->q, entry);
		if (policy->as_counted)
			counted_hit(lirs, entry);
		else
			push(lirs, entry);
		prune(lirs);
	}
	cut(lirs);
}

/* Out of Q; if that is empty, because pages were removed, out of S. */
static struct vmlab_entry *coldest(struct vmlab_policy *policy)
{
	struct lirs *lirs = lirs_of(policy);

	return lirs->q.nr ? vmlab_queue_oldest(&lirs->q) : bottom(lirs);
}

static struct vmlab_entry *victim(struct vmlab_policy *policy, struct vmlab_entry *incoming)
{
	struct lirs *lirs = lirs_of(policy);
	struct vmlab_entry *entry = coldest(policy);

	if (!entry)
		return NULL;
	if (entry->queue == LIR || !in_s(entry)) {
		if (entry->queue == LIR)
			entry->from = LIR;
		removed(policy, entry);
		entry->queue = 0;
		return entry;
	}
	vmlab_queue_del(&lirs->q, entry);
	entry->queue = GONE;
	vmlab_queue_add(&lirs->gone, entry);
	return entry;
}

/*
 * A HIR page again, the last one in Q, and in S if it is there. If it would be alone in Q, and
 * so the next victim, it becomes a LIR page.
 */
static void refused(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct lirs *lirs = lirs_of(policy);

	if (!lirs->q.nr && lirs->lirs) {
		if (entry->queue == GONE)
			take(lirs, entry);
		promote(lirs, entry);
		return;
	}
	if (entry->queue == GONE)
		vmlab_queue_del(&lirs->gone, entry);
	add_hir(lirs, entry);
}

/*
 * A page that was LIR is so again: had its references been known, it would not have been at the
 * bottom of S. For others the one that brought them in does not count: back to the end of Q.
 */
static bool spared(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct lirs *lirs = lirs_of(policy);
	bool was_in_s = entry->queue == GONE;

	if (entry->from == LIR || (was_in_s && entry->looked)) {
		if (was_in_s)
			take(lirs, entry);
		promote(lirs, entry);
	} else {
		if (was_in_s)
			vmlab_queue_del(&lirs->gone, entry);
		else if (entry->looked)
			push(lirs, entry);
		add_hir(lirs, entry);
		prune(lirs);
	}
	cut(lirs);
	return true;
}

static struct vmlab_entry *oldest(struct vmlab_policy *policy)
{
	return vmlab_queue_oldest(&lirs_of(policy)->gone);
}

const struct vmlab_policy_ops vmlab_policy_lirs = {
	.name = "lirs",
	.size = sizeof(struct lirs),
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
