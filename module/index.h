/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_INDEX_H
#define VMLAB_INDEX_H

#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/mm_types.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "page.h"

struct folio;
struct vmlab_swap;

#define VMLAB_NODE_BITS 6
#define VMLAB_NODE_SLOTS 64U	/* two to that */

/**
 * struct vmlab_node - a node of an index: a leaf holds pages, others hold nodes
 * @owners: how many slots and roots point here. With more than one, or if that is so of
 *	a node above, the node is shared: it belongs to several indexes and does not
 *	change.
 * @shift: a slot covers 1 << @shift pages; 0: this is a leaf
 * @used: slots in use
 * @swapped: of a leaf: pages that are not in memory
 * @whole: of a leaf: all its pages are of one huge folio, and so are those of the other
 *	leaves that it covers (index_huge.c). The leaf has one share of it.
 * @marks_of: the serial of the index whose marks @dirty are; for another it has none
 * @dirty: a bit for each slot: the page is dirty, or one below is
 * @writable: a bit for each slot: somebody may write to the page, or to one below,
 *	without asking first: through a page table, or because a device or write() has
 *	it. Such a page is its index's alone, and is not replaced by a copy. Zero in a
 *	shared node.
 * @rcu: frees it
 * @slots: struct vmlab_node, or in a leaf struct page, or a page that is not in memory
 *	(vmlab_slot_swap()); read under RCU
 */
struct vmlab_node {
	refcount_t owners;
	u8 shift;
	u8 used;
	u8 swapped;
	bool whole;
	u64 marks_of;
	unsigned long dirty;
	unsigned long writable;
	struct rcu_head rcu;
	void __rcu *slots[VMLAB_NODE_SLOTS];
};

/**
 * struct vmlab_index - from page offset to page: a radix tree that shares its nodes
 * @root: the topmost node
 * @lock: changes of the tree, but for those of other indexes in what is shared with them
 * @moved: counts when something in the tree was replaced: a reader who went on in what
 *	was there before may have seen what the other owners did with it since
 * @serial: tells this index from all that were and will be
 * @shares: it has or had nodes in common with others. Set under invalidate_lock exclusive.
 * @slots_lock: of the pool that all owners of its nodes are in. Pages go out of the slots of
 *	leaves, and come in again, under it, though the leaf be shared; inside @lock.
 *
 * Two indexes share subtrees, as one is made by vmlab_index_share(). What is shared is
 * copied on its way to a change: path copying, as in functional data structures (Driscoll
 * et al., "Making Data Structures Persistent", 1986) and in file systems that copy on
 * write (Rodeh, "B-trees, Shadowing, and Clones", 2008), from where the counts are.
 */
struct vmlab_index {
	struct vmlab_node __rcu *root;
	spinlock_t lock;
	seqcount_spinlock_t moved;
	u64 serial;
	bool shares;
	spinlock_t *slots_lock;
};

static_assert(BITS_PER_LONG == VMLAB_NODE_SLOTS, "marks are one word: vmlab is for 64 bits");

/**
 * struct vmlab_place - what vmlab_index_gather() found
 * @leaf: the leaf of the place, NULL if there is none
 * @own: @leaf is there and not shared: it stays as long as invalidate_lock is held
 * @shared: the pages found have other owners, or had: nobody may write to them without
 *	asking, and they may be replaced by copies
 * @swapped: nothing was found, as the first page is not in memory
 */
struct vmlab_place {
	struct vmlab_node *leaf;
	bool own;
	bool shared;
	bool swapped;
};

/**
 * struct vmlab_run - pages of one leaf, as they were at one moment
 * @first: offset of the first page found
 * @nr: pages in a row from there
 * @dirty: a bit for each that is dirty
 * @shared: a bit for each that has other owners, too
 * @whole: all are of one huge folio
 * @swapped: none is in memory
 * @folios: the pages' folios, without references: valid under RCU only; unless @swapped
 */
struct vmlab_run {
	pgoff_t first;
	unsigned int nr;
	unsigned long dirty;
	unsigned long shared;
	bool whole;
	bool swapped;
	struct folio *folios[VMLAB_NODE_SLOTS];
};

/**
 * struct vmlab_removed - what vmlab_index_remove() took out
 * @nr: pages, in a row
 * @shares: slots in @slots; the index's share of each is the caller's now
 * @first: the offset of the first of them
 * @dropped: more pages that went with subtrees, whose other owners have them still
 * @dirty: pages of both that were marked dirty
 */
struct vmlab_removed {
	unsigned int nr;
	unsigned int shares;
	pgoff_t first;
	u64 dropped;
	u64 dirty;
	void *slots[VMLAB_NODE_SLOTS];
};

/**
 * struct vmlab_leaves - the leaves of a huge folio's range, which are no part of an index
 * @leaf: NULL: there is none
 */
struct vmlab_leaves {
	struct vmlab_node *leaf[VMLAB_HUGE_LEAVES];
};

/*
 * A page that is not in memory is in a slot as what its pool knows of it (swap.h), marked by
 * the lowest bit.
 */
static inline bool vmlab_slot_is_swap(const void *slot)
{
	return (unsigned long)slot & 1;
}

static inline struct vmlab_swap *vmlab_slot_swap(void *slot)
{
	return slot - 1;
}

static inline void *vmlab_swap_slot(struct vmlab_swap *swap)
{
	return (void *)swap + 1;
}

/*
 * Looks at pages of a leaf: @mask has a bit for each, from the page at @first on. Returns
 * 0, having taken bits away, or an errno. Of a huge folio only the first leaf is shown: all
 * bits are set, and if they are taken away that is so for all of its pages.
 */
typedef int vmlab_visit_fn(pgoff_t first, struct page **pages, unsigned long *mask,
			   void *data);

/*
 * A page is to become its index's alone. Returns whether it may: whether it is in nobody's
 * hands who believes it not to change. Called with the lock held.
 */
typedef bool vmlab_claim_fn(pgoff_t pgoff, struct folio *folio, void *data);

int vmlab_index_init_cache(void);
void vmlab_index_exit_cache(void);

void vmlab_index_init(struct vmlab_index *index);
void vmlab_index_destroy(struct vmlab_index *index);
void vmlab_index_share(struct vmlab_index *from, struct vmlab_index *to);
bool vmlab_index_is_empty(const struct vmlab_index *index);

struct folio *vmlab_index_load(struct vmlab_index *index, pgoff_t pgoff);
unsigned int vmlab_index_gather(struct vmlab_index *index, pgoff_t pgoff, unsigned int max,
				struct page **pages, struct vmlab_place *place);
bool vmlab_index_next_run(struct vmlab_index *index, pgoff_t first, pgoff_t last,
			  struct vmlab_run *run);
bool vmlab_index_next(struct vmlab_index *index, pgoff_t *pgoff, pgoff_t last);
bool vmlab_index_has(struct vmlab_index *index, pgoff_t pgoff);
u64 vmlab_index_count(struct vmlab_index *index, pgoff_t first, pgoff_t last);
u64 vmlab_index_count_swapped(struct vmlab_index *index);

int vmlab_index_insert(struct vmlab_index *index, struct vmlab_place *place, pgoff_t pgoff,
		       struct page **pages, unsigned int nr, gfp_t gfp);
int vmlab_index_replace(struct vmlab_index *index, pgoff_t pgoff, struct page **old,
			struct page **new, unsigned int nr, struct vmlab_place *place, gfp_t gfp);
void *vmlab_index_share_slot(struct vmlab_index *index, pgoff_t pgoff);
void vmlab_slot_put(void *slot);
bool vmlab_index_remove(struct vmlab_index *index, pgoff_t *first, pgoff_t last,
			struct vmlab_removed *removed);

int vmlab_leaves_new(struct vmlab_index *index, struct vmlab_leaves *leaves, gfp_t gfp);
void vmlab_leaves_fill(struct vmlab_leaves *leaves, struct folio *folio);
void vmlab_leaves_store(struct vmlab_leaves *leaves, unsigned int i, struct page *page);
void vmlab_leaves_trim(struct vmlab_leaves *leaves);
void vmlab_leaves_put(struct vmlab_leaves *leaves);
bool vmlab_index_is_vacant(struct vmlab_index *index, pgoff_t head);
int vmlab_index_exchange(struct vmlab_index *index, pgoff_t head, struct folio *old,
			 struct vmlab_leaves *leaves, gfp_t gfp);
bool vmlab_index_claim_huge(struct vmlab_index *index, pgoff_t head, struct folio *folio,
			    vmlab_claim_fn *claim, void *data);

struct vmlab_swap *vmlab_index_get_swap(struct vmlab_index *index, pgoff_t pgoff);
bool vmlab_index_swap_out(struct vmlab_index *index, pgoff_t pgoff, struct page *page,
			  struct vmlab_swap *swap);
bool vmlab_index_swap_in(struct vmlab_index *index, pgoff_t pgoff, struct vmlab_swap *swap,
			 struct page *page);

bool vmlab_index_any_dirty(struct vmlab_index *index);
bool vmlab_index_is_dirty(struct vmlab_index *index, pgoff_t pgoff);
bool vmlab_index_set_dirty(struct vmlab_index *index, pgoff_t pgoff);
bool vmlab_index_clear_dirty(struct vmlab_index *index, pgoff_t pgoff);
unsigned int vmlab_index_find_dirty(struct vmlab_index *index, pgoff_t *first, pgoff_t last,
				    struct folio **folios);

unsigned int vmlab_index_claim(struct vmlab_index *index, pgoff_t pgoff, struct page **pages,
			       unsigned int nr, struct vmlab_place *place,
			       vmlab_claim_fn *claim, void *data);
void vmlab_index_set_writable(struct vmlab_index *index, const struct vmlab_place *place,
			      pgoff_t pgoff, unsigned int nr);
bool vmlab_index_is_writable(struct vmlab_index *index, pgoff_t pgoff);
void vmlab_index_set_all_writable(struct vmlab_index *index);
bool vmlab_index_next_writable(struct vmlab_index *index, pgoff_t *first, pgoff_t *last,
			       pgoff_t max);
int vmlab_index_visit_writable(struct vmlab_index *index, pgoff_t first, pgoff_t last,
			       vmlab_visit_fn *fn, void *data);

#endif
