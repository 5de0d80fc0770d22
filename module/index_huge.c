// SPDX-License-Identifier: GPL-2.0
/*
 * Huge folios in an index.
 *
 * An index has all pages of a huge folio or none of them. They are in their slots as small
 * pages are; but the leaves that they fill are *whole*, have one share of the folio each,
 * and come and go together: all of them are exchanged at once in the node above, which they
 * have in common.
 */
#include "index_node.h"

#include <linux/bitops.h>
#include <linux/mm.h>

#include "page.h"

static_assert(VMLAB_BATCH == VMLAB_NODE_SLOTS);
static_assert(VMLAB_HUGE_LEAVES <= VMLAB_NODE_SLOTS);

/**
 * vmlab_leaves_new - leaves without pages, for the range of a huge folio
 * @index: the index that they are to be put into
 * @leaves: set to them
 * @gfp: how to get memory
 *
 * Return: 0, and vmlab_index_exchange() or vmlab_leaves_put() is due; or -ENOMEM.
 */
int vmlab_leaves_new(struct vmlab_index *index, struct vmlab_leaves *leaves, gfp_t gfp)
{
	struct vmlab_reserve reserve = { NULL };
	unsigned int i;

	*leaves = (struct vmlab_leaves){};
	for (i = 0; i < VMLAB_HUGE_LEAVES; i++) {
		if (!vmlab_reserve_refill(&reserve, gfp)) {
			vmlab_leaves_put(leaves);
			return -ENOMEM;
		}
		leaves->leaf[i] = vmlab_node_new(index, &reserve, 0);
	}
	return 0;
}

/* Puts a huge folio into new leaves; its shares are theirs. */
void vmlab_leaves_fill(struct vmlab_leaves *leaves, struct folio *folio)
{
	struct page *page = &folio->page;
	unsigned int i, j;

	for (i = 0; i < VMLAB_HUGE_LEAVES; i++) {
		struct vmlab_node *leaf = leaves->leaf[i];

		for (j = 0; j < VMLAB_NODE_SLOTS; j++)
			RCU_INIT_POINTER(leaf->slots[j], page++);
		leaf->used = VMLAB_NODE_SLOTS;
		leaf->whole = true;
	}
}

/* Puts a small page at place @i of the range into new leaves; its share is theirs. */
void vmlab_leaves_store(struct vmlab_leaves *leaves, unsigned int i, struct page *page)
{
	struct vmlab_node *leaf = leaves->leaf[i / VMLAB_NODE_SLOTS];

	RCU_INIT_POINTER(leaf->slots[i % VMLAB_NODE_SLOTS], page);
	leaf->used++;
	leaf->writable |= BIT(i % VMLAB_NODE_SLOTS);
}

/* Leaves without pages go. */
void vmlab_leaves_trim(struct vmlab_leaves *leaves)
{
	unsigned int i;

	for (i = 0; i < VMLAB_HUGE_LEAVES; i++) {
		if (leaves->leaf[i]->used)
			continue;
		vmlab_node_put(leaves->leaf[i]);
		leaves->leaf[i] = NULL;
	}
}

/* Gives up leaves, and their pages. May sleep. */
void vmlab_leaves_put(struct vmlab_leaves *leaves)
{
	unsigned int i;

	for (i = 0; i < VMLAB_HUGE_LEAVES; i++) {
		if (leaves->leaf[i])
			vmlab_node_put(leaves->leaf[i]);
	}
}

/* Where the leaves of @head are. Caller holds the lock, or reads under RCU. */
static unsigned int first_slot(pgoff_t head)
{
	return (head >> VMLAB_NODE_BITS) % VMLAB_NODE_SLOTS;
}

/**
 * vmlab_index_is_vacant - is there no leaf in the range of a huge folio?
 * @index: the index
 * @head: where the range begins, a multiple of its size
 *
 * Context: any. What it says may be over when it does.
 */
bool vmlab_index_is_vacant(struct vmlab_index *index, pgoff_t head)
{
	unsigned int i = first_slot(head), end = i + VMLAB_HUGE_LEAVES;
	struct vmlab_node *node;

	rcu_read_lock();
	node = rcu_dereference(index->root);
	if (!vmlab_node_covers(node, head))
		node = NULL;
	while (node && node->shift > VMLAB_NODE_BITS)
		node = rcu_dereference(node->slots[vmlab_node_slot(node, head)]);
	while (node && node->shift && i < end && !rcu_access_pointer(node->slots[i]))
		i++;
	rcu_read_unlock();
	return !node || i == end;	/* the root may be a leaf */
}

/* Are they what @old says? */
static bool are_there(const struct vmlab_node *node, unsigned int first, struct folio *old)
{
	struct vmlab_node *leaf;
	unsigned int i;

	for (i = 0; i < VMLAB_HUGE_LEAVES; i++) {
		leaf = vmlab_node_entry(node, first + i);
		if (old ? !leaf || !leaf->whole || vmlab_leaf_huge(leaf) != old : !!leaf)
			return false;
	}
	return true;
}

static void exchange(struct vmlab_index *index, struct vmlab_node *node, unsigned int first,
		     struct vmlab_leaves *leaves)
{
	unsigned int i;

	write_seqcount_begin(&index->moved);
	for (i = 0; i < VMLAB_HUGE_LEAVES; i++) {
		struct vmlab_node *new = leaves->leaf[i], *old = vmlab_node_entry(node, first + i);

		rcu_assign_pointer(node->slots[first + i], new);
		__assign_bit(first + i, &node->writable, new ? new->writable : 0);
		node->used += !!new - !!old;
		leaves->leaf[i] = old;
	}
	write_seqcount_end(&index->moved);
}

static bool any_writable(const struct vmlab_leaves *leaves)
{
	unsigned int i;

	for (i = 0; i < VMLAB_HUGE_LEAVES; i++) {
		if (leaves->leaf[i] && leaves->leaf[i]->writable)
			return true;
	}
	return false;
}

/**
 * vmlab_index_exchange - exchange the leaves of the range of a huge folio
 * @index: the index
 * @head: where the range begins
 * @old: the huge folio that must be there; NULL: nothing
 * @leaves: those that are to be there, at least one; set to those that were: the caller's
 *	from here on
 * @gfp: how to get memory
 *
 * Context: may sleep. Caller holds the folio lock of @old, and invalidate_lock unless
 * @index is not in use yet.
 * Return: 0; -EEXIST if something else is there, -ENOMEM: @leaves are what they were then.
 */
int vmlab_index_exchange(struct vmlab_index *index, pgoff_t head, struct folio *old,
			 struct vmlab_leaves *leaves, gfp_t gfp)
{
	struct vmlab_reserve reserve = { NULL };
	bool writable = any_writable(leaves);
	struct vmlab_node *node;
	int ret = -ENOMEM;

	do {
		spin_lock(&index->lock);
		node = vmlab_index_own_node(index, head + VMLAB_HUGE_PAGES - 1, VMLAB_NODE_BITS,
					    writable, &reserve);
		if (node) {
			ret = are_there(node, first_slot(head), old) ? 0 : -EEXIST;
			if (!ret)
				exchange(index, node, first_slot(head), leaves);
		}
		spin_unlock(&index->lock);
	} while (!node && vmlab_reserve_refill(&reserve, gfp));
	vmlab_reserve_release(&reserve);
	return ret;
}

/* Marks all pages of the huge folio that @path leads to as writable. Uses @path up. */
void vmlab_path_mark_huge(struct vmlab_path *path, pgoff_t pgoff)
{
	struct vmlab_node *node = path->nodes[path->nr - 2], *leaf;
	unsigned int first = first_slot(round_down(pgoff, VMLAB_HUGE_PAGES)), i;

	node->writable |= GENMASK(first + VMLAB_HUGE_LEAVES - 1, first);
	for (path->nr -= 2; path->nr; path->nr--) {
		struct vmlab_node *above = path->nodes[path->nr - 1];

		above->writable |= BIT(vmlab_node_slot(above, pgoff));
	}
	/* Last: who sees them need not look at the others. */
	for (i = 0; i < VMLAB_HUGE_LEAVES; i++) {
		leaf = vmlab_node_entry(node, first + i);
		WRITE_ONCE(leaf->writable, ~0UL);
	}
}

static bool leaves_are_own(const struct vmlab_node *node, unsigned int first)
{
	unsigned int i;

	for (i = 0; i < VMLAB_HUGE_LEAVES; i++) {
		if (vmlab_node_is_shared(vmlab_node_entry(node, first + i)))
			return false;
	}
	return true;
}

/**
 * vmlab_index_claim_huge - mark a huge folio as writable that nobody else has any more
 * @index: the index
 * @head: its offset
 * @folio: the folio, locked
 * @claim: asked for it
 * @data: given to @claim
 *
 * One that somebody else has marked meanwhile counts as claimed: it may be mapped any time.
 * Context: caller holds invalidate_lock shared.
 * Return: was it in its place, and could it be claimed?
 */
bool vmlab_index_claim_huge(struct vmlab_index *index, pgoff_t head, struct folio *folio,
			    vmlab_claim_fn *claim, void *data)
{
	struct vmlab_path path;
	struct vmlab_node *leaf;
	bool done;

	spin_lock(&index->lock);
	leaf = vmlab_index_find_path(index, head, &path);
	done = leaf && leaf->whole && vmlab_leaf_huge(leaf) == folio && vmlab_path_is_own(&path) &&
	       leaves_are_own(path.nodes[path.nr - 2], first_slot(head)) &&
	       (leaf->writable || (!vmlab_page_is_shared(folio) && claim(head, folio, data)));
	if (done)
		vmlab_path_mark_huge(&path, head);
	spin_unlock(&index->lock);
	return done;
}
