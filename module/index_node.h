/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the index (index*.c) share, and nobody else needs. */
#ifndef VMLAB_INDEX_NODE_H
#define VMLAB_INDEX_NODE_H

#include <linux/kernel.h>
#include <linux/math.h>
#include <linux/mm.h>

#include "index.h"

/* From the root to a leaf: offsets have up to 52 bits. */
#define VMLAB_INDEX_LEVELS DIV_ROUND_UP(52, VMLAB_NODE_BITS)

/**
 * struct vmlab_path - the way from the root down
 * @nodes: the nodes, the root first
 * @nr: how many
 */
struct vmlab_path {
	struct vmlab_node *nodes[VMLAB_INDEX_LEVELS];
	unsigned int nr;
};

/* The pages that a node covers, minus one. */
static inline pgoff_t vmlab_node_span(const struct vmlab_node *node)
{
	return ((pgoff_t)VMLAB_NODE_SLOTS << node->shift) - 1;
}

/* Is @pgoff inside what a root covers? */
static inline bool vmlab_node_covers(const struct vmlab_node *root, pgoff_t pgoff)
{
	return root && pgoff <= vmlab_node_span(root);
}

static inline unsigned int vmlab_node_slot(const struct vmlab_node *node, pgoff_t pgoff)
{
	return (pgoff >> node->shift) % VMLAB_NODE_SLOTS;
}

/* Pairs with the release of ownership: what another owner did with the node came before. */
static inline bool vmlab_node_is_shared(const struct vmlab_node *node)
{
	return atomic_read_acquire(&node->owners.refs) != 1;
}

/* What is in a slot, for whoever may change the node, or when it cannot change. */
static inline void *vmlab_node_entry(const struct vmlab_node *node, unsigned int i)
{
	return rcu_dereference_protected(node->slots[i], true);
}

/* The page in a slot of a leaf; NULL: there is none, or it is not in memory. */
static inline struct page *vmlab_leaf_page(const struct vmlab_node *leaf, unsigned int i)
{
	void *slot = vmlab_node_entry(leaf, i);

	return vmlab_slot_is_swap(slot) ? NULL : slot;
}

/* The huge folio of a leaf that is whole. */
static inline struct folio *vmlab_leaf_huge(const struct vmlab_node *leaf)
{
	return page_folio(vmlab_leaf_page(leaf, 0));
}

/* Caller holds the lock, or invalidate_lock exclusive. */
static inline struct vmlab_node *vmlab_index_root(const struct vmlab_index *index)
{
	return rcu_dereference_protected(index->root, true);
}

/**
 * struct vmlab_reserve - a node for a change, had in advance where memory must not be
 *	waited for
 */
struct vmlab_reserve {
	struct vmlab_node *node;
};

/* index.c */
bool vmlab_reserve_refill(struct vmlab_reserve *reserve, gfp_t gfp);
void vmlab_reserve_release(struct vmlab_reserve *reserve);
struct vmlab_node *vmlab_node_new(struct vmlab_index *index, struct vmlab_reserve *reserve,
				  unsigned int shift);
void vmlab_node_put(struct vmlab_node *node);
void vmlab_slot_share(void *slot);
struct vmlab_node *vmlab_index_own_node(struct vmlab_index *index, pgoff_t pgoff,
					unsigned int shift, bool writable,
					struct vmlab_reserve *reserve);

/* index_marks.c */
struct vmlab_node *vmlab_index_find_path(struct vmlab_index *index, pgoff_t pgoff,
					 struct vmlab_path *path);
bool vmlab_path_is_own(const struct vmlab_path *path);
void vmlab_path_mark_writable(struct vmlab_path *path, pgoff_t pgoff, unsigned long mask);

/* index_huge.c */
void vmlab_path_mark_huge(struct vmlab_path *path, pgoff_t pgoff);

/* index_read.c */
struct vmlab_node *vmlab_index_next_leaf(struct vmlab_index *index, pgoff_t *pgoff,
					 pgoff_t last, bool *own);

#endif
