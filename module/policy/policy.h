/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_POLICY_H
#define VMLAB_POLICY_H

#include <linux/container_of.h>
#include <linux/list.h>
#include <linux/types.h>

/*
 * Victim policies: which page leaves memory when another one is to come in. A policy is one
 * file here that knows of nothing but entries and lists, so that the same source is compiled
 * into the simulator (tools/vmlab, "vmlab sim") and can be compiled into the kernel.
 * Documentation/policies.rst says how to write one.
 */

struct module;
struct vmlab_policy;

/* What has become of a page, as the core sees it. */
enum vmlab_entry_state {
	VMLAB_ENTRY_UNKNOWN,	/* the policy knows nothing of it */
	VMLAB_ENTRY_REMEMBERED,	/* it was evicted, and is in the policy's history */
	VMLAB_ENTRY_INCOMING,	/* between missed() and inserted(): in no list */
	VMLAB_ENTRY_RESIDENT,
};

/**
 * struct vmlab_entry - what a policy knows of a page, resident or remembered
 * @node: in one of the policy's queues
 * @stack: in another list of the policy, if it has pages that are in two
 * @slot: in an array of the policy, if it has one
 * @state: enum vmlab_entry_state; of the core (policies.c), and not changed by policies
 * @looked: of the core, too: it was spared since it came in, so this is not the first look
 * @queue: the policy's own: which of its queues the page is in, and while it is incoming,
 *	in which one it was. 0: in none, and not remembered.
 * @hits: the policy's own: references that it counts
 * @from: the policy's own: which queue it was a victim out of, or whatever else tells @refused
 *	and @spared where it belongs
 *
 * Who embeds policies owns it, and finds it by the page's number; the lock that serializes
 * the calls of the policy protects it. It may be freed when its state is unknown.
 */
struct vmlab_entry {
	struct list_head node;
	struct list_head stack;
	u32 slot;
	u8 state : 7;
	u8 looked : 1;
	u8 queue;
	u8 hits;
	u8 from;
};

/* So many frames at most, so that sums of pages and ghosts are far from overflowing. */
#define VMLAB_FRAMES_MAX	0x40000000U

/**
 * struct vmlab_policy - a policy at work
 * @ops: what it does
 * @frames: pages that are to be resident at most. More may be, for a moment.
 * @resident: how many are
 * @remembered: entries in its history
 * @room: its memory beside this structure: see @room of the operations
 * @as_counted: the simulator's: LIRS does what libCacheSim does (lirs.c), so that its counts
 *	can be compared. The next two are 0 without.
 * @uncounted: resident pages that take no frame there
 * @surplus: pages that are to leave now, though nobody comes in
 *
 * A policy puts it at the beginning of its own structure. The core (policies.c) changes it,
 * and LIRS the last two.
 */
struct vmlab_policy {
	const struct vmlab_policy_ops *ops;
	u32 frames;
	u32 resident;
	u32 remembered;
	void *room;
	bool as_counted;
	u32 uncounted;
	u32 surplus;
};

/**
 * struct vmlab_policy_ops - a policy
 * @owner: the module that it is in; NULL for vmlab's own
 * @name: how users call it: at most 15 of a-z, 0-9, _ and -
 * @size: of its structure, which begins with a struct vmlab_policy
 * @room: bytes of memory that it wants besides, for so many frames; may be NULL
 * @init: begins; @frames and @room of the policy are set, all else is 0. @seed is
 *	for those that throw dice.
 * @resize: @frames of the policy is another one now, and maybe there are more pages than
 *	that. @room, if it is not NULL, is new memory, which the policy takes instead of its
 *	own. May be NULL if it keeps nothing that depends on @frames.
 * @missed: a page is about to be brought in, which may be remembered: it leaves the history.
 *	Called before room is made for it. May be NULL if it has no history.
 * @victim: chooses the page that is to leave, and puts it into its history or lets go of it
 *	(@queue of the entry is 0). @incoming is the page that it has to leave for, or NULL if
 *	nobody knows yet. NULL if none is resident.
 * @refused: the page that @victim has just chosen cannot leave: it is resident again, and
 *	is to be no victim before others were
 * @spared: the page that @victim has just chosen was referenced, unseen, since it came in or
 *	since it was last spared (@looked of the entry). The policy takes it back, and as far as
 *	it can to where it would be had it been told in time, and returns true; or it lets it
 *	leave. NULL if references do not matter to it.
 * @inserted: the page is resident now
 * @referenced: a resident page was referenced. May be NULL.
 * @removed: the page, resident or remembered, is gone for good
 * @coldest: a resident page, where it has an opinion the next victim; NULL if none is
 *	resident. Changes nothing.
 * @oldest: the page that has been remembered longest, or NULL. May be NULL, as @missed, if it
 *	has no history.
 *
 * Between @victim and @refused or @spared, other pages may come, go and be chosen, and the history
 * may forget the page: its @queue is 0 then.
 *
 * Looking twice: hardware marks a page that is accessed, and so also one that has just been
 * brought in, for the very access that it was brought in for. A mark at the first look at a page
 * may be no more than that, and says nothing about how soon the page is wanted again; at a later
 * look it does. Where one reference more decides how long a page stays, @spared goes by @looked,
 * or each page of a scan would be taken for one that is used often.
 *
 * All but @room are called under the lock of who embeds the policy, with interrupts as they
 * are: they do not sleep, allocate nothing, cannot fail, and take time for as many pages as
 * are resident at most (@victim, where references are cleared on the way; a few otherwise).
 */
struct vmlab_policy_ops {
	struct module *owner;
	const char *name;
	size_t size;
	size_t (*room)(u32 frames);
	void (*init)(struct vmlab_policy *policy, u64 seed);
	void (*resize)(struct vmlab_policy *policy, void *room);
	void (*missed)(struct vmlab_policy *policy, struct vmlab_entry *entry);
	struct vmlab_entry *(*victim)(struct vmlab_policy *policy, struct vmlab_entry *incoming);
	void (*refused)(struct vmlab_policy *policy, struct vmlab_entry *entry);
	bool (*spared)(struct vmlab_policy *policy, struct vmlab_entry *entry);
	void (*inserted)(struct vmlab_policy *policy, struct vmlab_entry *entry);
	void (*referenced)(struct vmlab_policy *policy, struct vmlab_entry *entry);
	void (*removed)(struct vmlab_policy *policy, struct vmlab_entry *entry);
	struct vmlab_entry *(*coldest)(struct vmlab_policy *policy);
	struct vmlab_entry *(*oldest)(struct vmlab_policy *policy);
};

extern const struct vmlab_policy_ops vmlab_policy_2q;
extern const struct vmlab_policy_ops vmlab_policy_arc;
extern const struct vmlab_policy_ops vmlab_policy_clock;
extern const struct vmlab_policy_ops vmlab_policy_fifo;
extern const struct vmlab_policy_ops vmlab_policy_lirs;
extern const struct vmlab_policy_ops vmlab_policy_lru;
extern const struct vmlab_policy_ops vmlab_policy_random;
extern const struct vmlab_policy_ops vmlab_policy_s3fifo;
extern const struct vmlab_policy_ops vmlab_policy_sieve;

/* For other modules that have one: policy_list.c. */
int vmlab_policy_register(const struct vmlab_policy_ops *ops);
void vmlab_policy_unregister(const struct vmlab_policy_ops *ops);

/* For who embeds policies: policies.c. */
const struct vmlab_policy_ops *vmlab_policy_find(const char *name);
const struct vmlab_policy_ops *vmlab_policy_nth(unsigned int nr);
struct vmlab_policy *vmlab_policy_new(const struct vmlab_policy_ops *ops, u32 frames, u64 seed);
void vmlab_policy_free(struct vmlab_policy *policy);
int vmlab_policy_room(const struct vmlab_policy *policy, u32 frames, void **room);
void *vmlab_policy_resize(struct vmlab_policy *policy, u32 frames, void *room);
void vmlab_policy_missed(struct vmlab_policy *policy, struct vmlab_entry *entry);
struct vmlab_entry *vmlab_policy_victim(struct vmlab_policy *policy, struct vmlab_entry *incoming);
void vmlab_policy_refused(struct vmlab_policy *policy, struct vmlab_entry *entry);
bool vmlab_policy_spared(struct vmlab_policy *policy, struct vmlab_entry *entry);
void vmlab_policy_inserted(struct vmlab_policy *policy, struct vmlab_entry *entry);
void vmlab_policy_referenced(struct vmlab_policy *policy, struct vmlab_entry *entry);
void vmlab_policy_removed(struct vmlab_policy *policy, struct vmlab_entry *entry);
void vmlab_policy_adopt(struct vmlab_policy *policy, struct vmlab_policy *from);

/**
 * vmlab_policy_forget - a page is not remembered any more
 * @policy: whose history it was in
 * @entry: the page; its state is unknown, and it may be freed
 *
 * Provided by who embeds policies, and called under its lock. It is never the page that
 * @victim is about to return, nor one that is coming in or back.
 */
void vmlab_policy_forget(struct vmlab_policy *policy, struct vmlab_entry *entry);

/* For policies: policies.c. */
void vmlab_policy_drop(struct vmlab_policy *policy, struct vmlab_entry *entry);

/* A list of entries by their @node, the newest one first, that knows its length. */
struct vmlab_queue {
	struct list_head list;
	u32 nr;
};

static inline void vmlab_queue_init(struct vmlab_queue *queue)
{
	INIT_LIST_HEAD(&queue->list);
	queue->nr = 0;
}

/* Adds an entry that is in no queue as the newest. */
static inline void vmlab_queue_add(struct vmlab_queue *queue, struct vmlab_entry *entry)
{
	list_add(&entry->node, &queue->list);
	queue->nr++;
}

static inline void vmlab_queue_del(struct vmlab_queue *queue, struct vmlab_entry *entry)
{
	list_del_init(&entry->node);
	queue->nr--;
}

/* Adds an entry that is in no queue as the oldest. */
static inline void vmlab_queue_add_oldest(struct vmlab_queue *queue, struct vmlab_entry *entry)
{
	list_add_tail(&entry->node, &queue->list);
	queue->nr++;
}

/* An entry of the queue becomes its newest. */
static inline void vmlab_queue_renew(struct vmlab_queue *queue, struct vmlab_entry *entry)
{
	list_move(&entry->node, &queue->list);
}

static inline struct vmlab_entry *vmlab_queue_oldest(struct vmlab_queue *queue)
{
	if (list_empty(&queue->list))
		return NULL;
	return list_last_entry(&queue->list, struct vmlab_entry, node);
}

/* Before its first use. */
static inline void vmlab_entry_init(struct vmlab_entry *entry)
{
	INIT_LIST_HEAD(&entry->node);
	INIT_LIST_HEAD(&entry->stack);
	entry->slot = 0;
	entry->state = VMLAB_ENTRY_UNKNOWN;
	entry->looked = 0;
	entry->queue = 0;
	entry->hits = 0;
	entry->from = 0;
}

#endif
