// SPDX-License-Identifier: GPL-2.0
/* Reading an index: needs no lock but RCU, see walk(). */
#include "index_node.h"

#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "page.h"
#include "swap.h"

/*
 * Goes down to the leaf of @pgoff, under RCU. @own is cleared if what was found is
 * shared. What was found is to be believed only if @index->moved is what it was before:
 * a node that was shared and then copied by this index may have changed in the hands of
 * its other owner.
 */
static struct vmlab_node *walk(struct vmlab_index *index, pgoff_t pgoff, bool *own)
{
	struct vmlab_node *node = rcu_dereference(index->root);

	*own = vmlab_node_covers(node, pgoff);
	if (!*own)
		return NULL;
	while (node) {
		if (vmlab_node_is_shared(node))
			*own = false;
		if (!node->shift)
			break;
		node = rcu_dereference(node->slots[vmlab_node_slot(node, pgoff)]);
	}
	*own = *own && node;
	return node;
}

/* What is in the slot of a page, which may change. Caller is inside rcu_read_lock(). */
static void *load_slot(struct vmlab_index *index, pgoff_t pgoff)
{
	struct vmlab_node *leaf;
	unsigned int seq;
	void *slot;
	bool own;

	do {
		seq = read_seqcount_begin(&index->moved);
		leaf = walk(index, pgoff, &own);
		slot = leaf ? rcu_dereference(leaf->slots[vmlab_node_slot(leaf, pgoff)]) : NULL;
	} while (read_seqcount_retry(&index->moved, seq));
	return slot;
}

/**
 * vmlab_index_load - the folio of the page at an offset
 * @index: the index
 * @pgoff: the offset
 *
 * Context: inside rcu_read_lock(); the page may be on its way out.
 * Return: the folio, without a reference; or NULL, also if it is not in memory.
 */
struct folio *vmlab_index_load(struct vmlab_index *index, pgoff_t pgoff)
{
	void *slot = load_slot(index, pgoff);

	return slot && !vmlab_slot_is_swap(slot) ? page_folio((struct page *)slot) : NULL;
}

/* Is there a page at an offset, in memory or not? Any context. */
bool vmlab_index_has(struct vmlab_index *index, pgoff_t pgoff)
{
	bool has;

	rcu_read_lock();
	has = load_slot(index, pgoff);
	rcu_read_unlock();
	return has;
}

/**
 * vmlab_index_get_swap - what its pool knows of a page that is not in memory
 * @index: the index
 * @pgoff: its offset
 *
 * Context: any.
 * Return: that, with a reference for the caller; NULL: the page is in memory, or there is none.
 */
struct vmlab_swap *vmlab_index_get_swap(struct vmlab_index *index, pgoff_t pgoff)
{
	struct vmlab_swap *swap = NULL;
	void *slot;

	rcu_read_lock();
	for (;;) {
		slot = load_slot(index, pgoff);
		if (!vmlab_slot_is_swap(slot))
			break;
		if (vmlab_swap_tryget(vmlab_slot_swap(slot))) {
			swap = vmlab_slot_swap(slot);
			break;
		}
	}
	rcu_read_unlock();
	return swap;
}

/*
 * Is the page in a slot its index's for good, as long as invalidate_lock is held? In an
 * index that shares, whose page it is may just have changed, and only the mark tells.
 */
static bool is_settled(const struct vmlab_index *index, const struct vmlab_node *leaf,
		       unsigned int i)
{
	return !index->shares || READ_ONCE(leaf->writable) & BIT(i);
}

static unsigned int gather(const struct vmlab_index *index, const struct vmlab_node *leaf,
			   unsigned int first, unsigned int max, struct page **pages,
			   struct vmlab_place *place)
{
	void *slot = rcu_dereference(leaf->slots[first]);
	unsigned int nr = 0;

	place->swapped = vmlab_slot_is_swap(slot);
	if (!slot || place->swapped)
		return 0;
	place->shared = !place->own || !is_settled(index, leaf, first);
	do {
		pages[nr++] = slot;
		if (nr == max)
			break;
		slot = rcu_dereference(leaf->slots[first + nr]);
		if (!slot || vmlab_slot_is_swap(slot))
			break;
	} while (!place->own || is_settled(index, leaf, first + nr) != place->shared);
	return nr;
}

/**
 * vmlab_index_gather - pages that are there, in a row, and all shared or all not
 * @index: the index
 * @pgoff: the first one wanted
 * @max: at most so many; never more than are in one leaf
 * @pages: set to them; without references
 * @place: says what was found
 *
 * Pages that are not shared stay as long as the lock is held, and so does it that they
 * are not shared. A page that is may be replaced by a copy any time.
 * Context: caller holds invalidate_lock, at least shared.
 * Return: how many were found, 0 if not even the first is there.
 */
unsigned int vmlab_index_gather(struct vmlab_index *index, pgoff_t pgoff, unsigned int max,
				struct page **pages, struct vmlab_place *place)
{
	unsigned int first = pgoff % VMLAB_NODE_SLOTS;
	unsigned int seq, nr;

	max = min(max, VMLAB_NODE_SLOTS - first);
	rcu_read_lock();
	do {
		seq = read_seqcount_begin(&index->moved);
		place->leaf = walk(index, pgoff, &place->own);
		place->shared = false;
		place->swapped = false;
		nr = place->leaf ? gather(index, place->leaf, first, max, pages, place) : 0;
	} while (read_seqcount_retry(&index->moved, seq));
	rcu_read_unlock();
	return nr;
}

/*
 * Finds the next leaf with pages in [*pgoff, last], under RCU. *pgoff is moved to its
 * start, or stays if that is before it.
 */
struct vmlab_node *vmlab_index_next_leaf(struct vmlab_index *index, pgoff_t *pgoff, pgoff_t last,
					 bool *own)
{
	struct vmlab_node *node, *child;
	unsigned int i;

from_root:
	*own = true;
	node = rcu_dereference(index->root);
	if (!vmlab_node_covers(node, *pgoff) || *pgoff > last)
		return NULL;
	for (;;) {
		if (vmlab_node_is_shared(node))
			*own = false;
		if (!node->shift)
			return node;
		child = NULL;
		for (i = vmlab_node_slot(node, *pgoff); i < VMLAB_NODE_SLOTS; i++) {
			child = rcu_dereference(node->slots[i]);
			if (child)
				break;
			*pgoff = ((*pgoff >> node->shift) + 1) << node->shift;
		}
		if (!child)
			goto from_root;
		if (*pgoff > last)
			return NULL;
		node = child;
	}
}

static void fill_run(struct vmlab_index *index, const struct vmlab_node *leaf, bool own,
		     pgoff_t pgoff, pgoff_t last, struct vmlab_run *run)
{
	unsigned int i = pgoff % VMLAB_NODE_SLOTS;
	unsigned long dirty = leaf->marks_of == index->serial ? READ_ONCE(leaf->dirty) : 0;
	struct folio *folio;
	void *slot;

	run->nr = 0;
	run->dirty = 0;
	run->shared = 0;
	run->whole = leaf->whole;
	for (; i < VMLAB_NODE_SLOTS && pgoff <= last; i++, pgoff++) {
		slot = rcu_dereference(leaf->slots[i]);
		if (run->nr && (!slot || vmlab_slot_is_swap(slot) != run->swapped))
			break;
		if (!slot)
			continue;
		if (!run->nr) {
			run->first = pgoff;
			run->swapped = vmlab_slot_is_swap(slot);
		}
		if (dirty & BIT(i))
			run->dirty |= BIT(run->nr);
		folio = run->swapped ? NULL : page_folio((struct page *)slot);
		if (!own || (folio && vmlab_page_is_shared(folio)))
			run->shared |= BIT(run->nr);
		run->folios[run->nr++] = folio;
	}
}

/**
 * vmlab_index_next_run - the next pages that are there, in memory or not
 * @index: the index
 * @first: where to begin
 * @last: the last offset to look at
 * @run: filled
 *
 * Context: inside rcu_read_lock().
 * Return: is there any?
 */
bool vmlab_index_next_run(struct vmlab_index *index, pgoff_t first, pgoff_t last,
			  struct vmlab_run *run)
{
	struct vmlab_node *leaf;
	unsigned int seq;
	pgoff_t pgoff;
	bool own;

	do {
		do {
			seq = read_seqcount_begin(&index->moved);
			pgoff = first;
			run->nr = 0;
			leaf = vmlab_index_next_leaf(index, &pgoff, last, &own);
			if (leaf)
				fill_run(index, leaf, own, pgoff, last, run);
		} while (read_seqcount_retry(&index->moved, seq));
		first = round_down(pgoff, VMLAB_NODE_SLOTS) + VMLAB_NODE_SLOTS;
	} while (leaf && !run->nr && first <= last);
	return run->nr;
}

/**
 * vmlab_index_next - the offset of the next page that is there
 * @index: the index
 * @pgoff: where to begin; moved to the page
 * @last: the last offset to look at
 *
 * Context: any.
 * Return: is there any?
 */
bool vmlab_index_next(struct vmlab_index *index, pgoff_t *pgoff, pgoff_t last)
{
	struct vmlab_run run;
	bool found;

	rcu_read_lock();
	found = vmlab_index_next_run(index, *pgoff, last, &run);
	rcu_read_unlock();
	if (found)
		*pgoff = run.first;
	return found;
}

/* How many pages of a range are there. May sleep. */
u64 vmlab_index_count(struct vmlab_index *index, pgoff_t first, pgoff_t last)
{
	struct vmlab_run run;
	bool found;
	u64 nr = 0;

	while (first <= last) {
		rcu_read_lock();
		found = vmlab_index_next_run(index, first, last, &run);
		rcu_read_unlock();
		if (!found)
			break;
		nr += run.nr;
		first = run.first + run.nr;
		cond_resched();
	}
	return nr;
}

/* How many pages are not in memory. May sleep. */
u64 vmlab_index_count_swapped(struct vmlab_index *index)
{
	struct vmlab_node *leaf;
	pgoff_t pgoff = 0;
	bool more, own;
	u64 nr = 0;

	do {
		rcu_read_lock();
		leaf = vmlab_index_next_leaf(index, &pgoff, ULONG_MAX, &own);
		more = leaf;
		if (more)
			nr += READ_ONCE(leaf->swapped);
		rcu_read_unlock();
		pgoff = round_down(pgoff, VMLAB_NODE_SLOTS) + VMLAB_NODE_SLOTS;
		cond_resched();
	} while (more);
	return nr;
}
