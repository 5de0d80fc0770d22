// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that go out of an index's slots, and come in again.
 *
 * That changes nothing of what a region has, and so it is done to leaves that are shared as
 * well, in their place: for all their owners at once. Who copies such a leaf has slots_lock,
 * too, so that a copy has either the page or what became of it.
 */
#include "index_node.h"

#include <linux/bitops.h>
#include <linux/mm.h>

#include "page.h"
#include "swap.h"

/* The page in slot @i of the leaf that @path leads to cannot be written to any more. */
static void unmark(struct vmlab_path *path, pgoff_t pgoff)
{
	struct vmlab_node *node;

	while (path->nr) {
		node = path->nodes[--path->nr];
		WRITE_ONCE(node->writable, node->writable & ~BIT(vmlab_node_slot(node, pgoff)));
		if (node->writable)
			break;
	}
}

/**
 * vmlab_index_swap_out - have a slot name what its pool knows of a page, instead of the page
 * @index: the index
 * @pgoff: where the page may be
 * @page: the page, locked, small, mapped by nobody
 * @swap: what its pool knows of it
 *
 * Context: caller holds invalidate_lock exclusive if the page may be the index's alone.
 * Return: was the page there? The leaf's share of it is the caller's then.
 */
bool vmlab_index_swap_out(struct vmlab_index *index, pgoff_t pgoff, struct page *page,
			  struct vmlab_swap *swap)
{
	unsigned int i = pgoff % VMLAB_NODE_SLOTS;
	struct vmlab_node *leaf;
	struct vmlab_path path;
	bool done = false;

	spin_lock(&index->lock);
	leaf = vmlab_index_find_path(index, pgoff, &path);
	if (leaf && !leaf->whole) {
		spin_lock(index->slots_lock);
		done = vmlab_node_entry(leaf, i) == page;
		if (done) {
			vmlab_swap_get(swap);
			rcu_assign_pointer(leaf->slots[i], vmlab_swap_slot(swap));
			leaf->swapped++;
		}
		spin_unlock(index->slots_lock);
	}
	if (done && leaf->writable & BIT(i))
		unmark(&path, pgoff);
	spin_unlock(&index->lock);
	return done;
}

/**
 * vmlab_index_swap_in - put a page that is in memory again into its slot
 * @index: the index
 * @pgoff: its offset
 * @swap: what the slot names now
 * @page: the page; one share of it is the index's from here on
 *
 * Context: caller holds invalidate_lock shared, and a reference to @swap.
 * Return: was it so?
 */
bool vmlab_index_swap_in(struct vmlab_index *index, pgoff_t pgoff, struct vmlab_swap *swap,
			 struct page *page)
{
	unsigned int i = pgoff % VMLAB_NODE_SLOTS;
	struct vmlab_node *leaf;
	struct vmlab_path path;
	bool done = false;

	spin_lock(&index->lock);
	leaf = vmlab_index_find_path(index, pgoff, &path);
	if (leaf) {
		spin_lock(index->slots_lock);
		done = vmlab_node_entry(leaf, i) == vmlab_swap_slot(swap);
		if (done) {
			rcu_assign_pointer(leaf->slots[i], page);
			leaf->swapped--;
			vmlab_swap_put_copied(swap);
		}
		spin_unlock(index->slots_lock);
	}
	spin_unlock(&index->lock);
	return done;
}

/**
 * vmlab_index_share_slot - what is in a slot, with a share of it for the caller
 * @index: the index
 * @pgoff: the page; it is there
 *
 * Context: caller holds invalidate_lock exclusive.
 * Return: that; vmlab_slot_put() is due.
 */
void *vmlab_index_share_slot(struct vmlab_index *index, pgoff_t pgoff)
{
	struct vmlab_node *leaf;
	struct vmlab_path path;
	void *slot;

	spin_lock(&index->lock);
	leaf = vmlab_index_find_path(index, pgoff, &path);
	spin_lock(index->slots_lock);
	slot = vmlab_node_entry(leaf, pgoff % VMLAB_NODE_SLOTS);
	vmlab_slot_share(slot);
	spin_unlock(index->slots_lock);
	spin_unlock(&index->lock);
	return slot;
}
