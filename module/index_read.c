// SPDX-License-Identifier: GPL-2.0
/* Reading an index: needs no lock but RCU, see walk(). */
#include "index_node.h"

#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "page.h"

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

/**
 * vmlab_index_load - the folio of the page at an offset
 * @index: the index
 * @pgoff: the offset
 *
 * Context: inside rcu_read_lock(); the page may be on its way out.
 * Return: the folio, without a reference; or NULL.
 */
struct folio *vmlab_index_load(struct vmlab_index *index, pgoff_t pgoff)
{
	struct vmlab_node *leaf;
	struct page *page;
	unsigned int seq;
	bool own;

	do {
		seq = read_seqcount_begin(&index->moved);
		leaf = walk(index, pgoff, &own);
		page = leaf ? rcu_dereference(leaf->slots[vmlab_node_slot(leaf, pgoff)]) : NULL;
	} while (read_seqcount_retry(&index->moved, seq));
	return page ? page_folio(page) : NULL;
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
	struct page *page = rcu_dereference(leaf->slots[first]);
	unsigned int nr = 0;

	if (!page)
		return 0;
	place->shared = !place->own || !is_settled(index, leaf, first);
	do {
		pages[nr++] = page;
		if (nr == max)
			break;
		page = rcu_dereference(leaf->slots[first + nr]);
	} while (page && (!place->own ||
			  is_settled(index, leaf, first + nr) != place->shared));
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
	struct page *page;

	run->nr = 0;
	run->dirty = 0;
	run->shared = 0;
	run->whole = leaf->whole;
	for (; i < VMLAB_NODE_SLOTS && pgoff <= last; i++, pgoff++) {
		page = rcu_dereference(leaf->slots[i]);
		if (!page && run->nr)
			break;
		if (!page)
			continue;
		folio = page_folio(page);
		if (!run->nr)
			run->first = pgoff;
		if (dirty & BIT(i))
			run->dirty |= BIT(run->nr);
		if (!own || vmlab_page_is_shared(folio))
			run->shared |= BIT(run->nr);
		run->folios[run->nr++] = folio;
	}
}

/**
 * vmlab_index_next_run - the next pages that are there
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
