// SPDX-License-Identifier: GPL-2.0
/*
 * ARC: pages seen once lately are in T1, those seen more often in T2; B1 and B2 remember who
 * left them. A miss that B1 remembers says that T1 should have been larger, one that B2
 * remembers the contrary: p, the size that T1 is to have, follows.
 *
 * N. Megiddo, D. S. Modha: ARC: a self-tuning, low overhead replacement cache. FAST 2003.
 */
#include "policy.h"

#include <linux/bits.h>
#include <linux/math64.h>
#include <linux/minmax.h>

struct arc {
	struct vmlab_policy policy;
	struct vmlab_queue t1;
	struct vmlab_queue t2;
	struct vmlab_queue b1;	/* remembered */
	struct vmlab_queue b2;	/* remembered */
	u64 p;			/* in units of ONE */
};

/* vmlab_entry.queue */
enum {
	T1 = 1,
	T2,
	B1,
	B2
};

/* p is a fraction: 32 bits of it behind the point. */
#define ONE	BIT_ULL(32)

static struct arc *arc_of(struct vmlab_policy *policy)
{
	return container_of(policy, struct arc, policy);
}

static struct vmlab_queue *queue_of(struct arc *arc, u8 name)
{
	switch (name) {
	case T1:
		return &arc->t1;
	case T2:
		return &arc->t2;
	case B1:
		return &arc->b1;
	default:
		return &arc->b2;
	}
}

static void removed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	vmlab_queue_del(queue_of(arc_of(policy), entry->queue), entry);
}

static void add(struct arc *arc, struct vmlab_entry *entry, u8 name)
{
	entry->queue = name;
	vmlab_queue_add(queue_of(arc, name), entry);
}

static void drop_oldest(struct arc *arc, struct vmlab_queue *queue)
{
	vmlab_policy_drop(&arc->policy, vmlab_queue_oldest(queue));
}

/*
 * The paper's invariants, |L1| <= c and |L1| + |L2| <= 2c, where they do not hold by
 * themselves: pages were removed, victims chosen before their time, or c changed. @kept, if
 * it is remembered, is not dropped.
 */
static void cut(struct arc *arc, const struct vmlab_entry *kept)
{
	u32 c = arc->policy.frames;

	while (arc->t1.nr + arc->b1.nr > c && vmlab_queue_oldest(&arc->b1) &&
	       vmlab_queue_oldest(&arc->b1) != kept)
		drop_oldest(arc, &arc->b1);
	while (arc->t1.nr + arc->b1.nr + arc->t2.nr + arc->b2.nr > 2 * c &&
	       vmlab_queue_oldest(&arc->b2) && vmlab_queue_oldest(&arc->b2) != kept)
		drop_oldest(arc, &arc->b2);
}

static void resize(struct vmlab_policy *policy, void *room)
{
	struct arc *arc = arc_of(policy);

	arc->p = min(arc->p, policy->frames * ONE);
	cut(arc, NULL);
}

static void init(struct vmlab_policy *policy, u64 seed)
{
	struct arc *arc = arc_of(policy);

	vmlab_queue_init(&arc->t1);
	vmlab_queue_init(&arc->t2);
	vmlab_queue_init(&arc->b1);
	vmlab_queue_init(&arc->b2);
}

/* max(@other / @hit, 1), the paper's delta, in units of ONE; the nearest there is. */
static u64 delta(u32 other, u32 hit)
{
	if (other <= hit)
		return ONE;
	return div_u64(other * ONE + hit / 2, hit);
}

/* Cases II and III: p adapts, and the page leaves the history. */
static void missed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct arc *arc = arc_of(policy);

	if (entry->queue == B1)
		arc->p = min(arc->p + delta(arc->b2.nr, arc->b1.nr), policy->frames * ONE);
	else if (entry->queue == B2)
		arc->p -= min(arc->p, delta(arc->b1.nr, arc->b2.nr));
	else
		return;
	removed(policy, entry);
}

/* Whether the next victim comes out of T1. */
static bool from_t1(struct arc *arc, const struct vmlab_entry *incoming)
{
	u64 t1 = arc->t1.nr * ONE;

	if (!arc->t1.nr || !arc->t2.nr)
		return arc->t1.nr;
	return t1 > arc->p || (t1 == arc->p && incoming && incoming->queue == B2);
}

static void referenced(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	removed(policy, entry);
	add(arc_of(policy), entry, T2);
}

/*
 * Case IV, where the page is in no history, makes room in the history first. If T1 alone fills
 * L1, there is none in B1, and who leaves T1 is not remembered.
 */
static void make_room(struct arc *arc)
{
	u32 c = arc->policy.frames;
	u32 l1 = arc->t1.nr + arc->b1.nr;

	if (l1 >= c) {
		if (arc->b1.nr)
			drop_oldest(arc, &arc->b1);
	} else if (l1 + arc->t2.nr + arc->b2.nr >= 2 * c) {
		if (arc->b2.nr)
			drop_oldest(arc, &arc->b2);
	}
}

/* The rest of it is the paper's REPLACE. */
static struct vmlab_entry *victim(struct vmlab_policy *policy, struct vmlab_entry *incoming)
{
	struct arc *arc = arc_of(policy);
	bool known = incoming && incoming->queue;
	struct vmlab_entry *entry;
	bool full;

	if (!known)
		make_room(arc);
	full = !known && arc->t1.nr >= policy->frames;
	entry = vmlab_queue_oldest(full || from_t1(arc, incoming) ? &arc->t1 : &arc->t2);
	if (!entry)
		return NULL;
	removed(policy, entry);
	entry->from = entry->queue;
	if (full)
		entry->queue = 0;
	else
		add(arc, entry, entry->from == T1 ? B1 : B2);
	cut(arc, entry);
	return entry;
}

static void inserted(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct arc *arc = arc_of(policy);

	add(arc, entry, entry->queue ? T2 : T1);
	cut(arc, NULL);
}

/* A victim is resident again. Who was forgotten for it stays so. */
static void take_back(struct arc *arc, struct vmlab_entry *entry, u8 name)
{
	if (entry->queue)
		removed(&arc->policy, entry);
	add(arc, entry, name);
	cut(arc, NULL);
}

/*
 * Back to where it came from, as the newest, or, if it would be alone there and so the next
 * victim, to the other one.
 */
static void refused(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	struct arc *arc = arc_of(policy);
	u8 name = entry->from == T2 ? T2 : T1;

	if (!queue_of(arc, name)->nr)
		name = name == T1 ? T2 : T1;
	take_back(arc, entry, name);
}

/* For T2 the reference that brought it in is not enough, unless a history had it. */
static bool spared(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	take_back(arc_of(policy), entry, entry->from == T2 || entry->looked ? T2 : T1);
	return true;
}

static struct vmlab_entry *coldest(struct vmlab_policy *policy)
{
	struct arc *arc = arc_of(policy);

	return vmlab_queue_oldest(from_t1(arc, NULL) ? &arc->t1 : &arc->t2);
}

static struct vmlab_entry *oldest(struct vmlab_policy *policy)
{
	struct arc *arc = arc_of(policy);

	return vmlab_queue_oldest(arc->b1.nr ? &arc->b1 : &arc->b2);
}

const struct vmlab_policy_ops vmlab_policy_arc = {
	.name = "arc",
	.size = sizeof(struct arc),
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
