// SPDX-License-Identifier: GPL-2.0
/*
 * The index of a region: a radix tree whose nodes several regions may share.
 *
 * Who may change a node: whoever holds the lock of the one index that it belongs to. A
 * node that is shared belongs to none; so before a change the nodes from the root down
 * are copied as far as they are shared (own_leaf()), each copy taking a share of what
 * lies below. That a node is not shared is stable under the index's lock, and while
 * invalidate_lock is held: only vmlab_index_share() makes it so.
 *
 * Reading needs no lock but RCU: see walk().
 */
#include "index_node.h"

#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "page.h"
#include "swap.h"

static struct kmem_cache *node_cache;
static atomic64_t serials = ATOMIC64_INIT(0);

int vmlab_index_init_cache(void)
{
	node_cache = KMEM_CACHE(vmlab_node, SLAB_ACCOUNT);
	return node_cache ? 0 : -ENOMEM;
}

/* All indexes are gone, and an RCU barrier was passed since. */
void vmlab_index_exit_cache(void)
{
	kmem_cache_destroy(node_cache);
}

void vmlab_index_init(struct vmlab_index *index)
{
	RCU_INIT_POINTER(index->root, NULL);
	spin_lock_init(&index->lock);
	seqcount_spinlock_init(&index->moved, &index->lock);
	index->serial = atomic64_inc_return(&serials);
}

static struct vmlab_node *take_node(struct vmlab_reserve *reserve)
{
	struct vmlab_node *node = reserve->node;

	reserve->node = NULL;
	return node ?: kmem_cache_alloc(node_cache, GFP_NOWAIT | __GFP_NOWARN);
}

/* After there was no memory for a node under the lock, and without it. */
bool vmlab_reserve_refill(struct vmlab_reserve *reserve, gfp_t gfp)
{
	reserve->node = kmem_cache_alloc(node_cache, gfp);
	return reserve->node;
}

void vmlab_reserve_release(struct vmlab_reserve *reserve)
{
	if (reserve->node)
		kmem_cache_free(node_cache, reserve->node);
}

static void free_node_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(node_cache, container_of(rcu, struct vmlab_node, rcu));
}

static void free_node(struct vmlab_node *node)
{
	call_rcu(&node->rcu, free_node_rcu);
}

/* A node with one owner, or NULL if there is no memory. */
struct vmlab_node *vmlab_node_new(struct vmlab_index *index, struct vmlab_reserve *reserve,
				  unsigned int shift)
{
	struct vmlab_node *node = take_node(reserve);

	if (!node)
		return NULL;
	memset(node, 0, sizeof(*node));
	refcount_set(&node->owners, 1);
	node->shift = shift;
	node->marks_of = index->serial;
	return node;
}

/* One more leaf has what is in a slot of one. Caller holds slots_lock. */
void vmlab_slot_share(void *slot)
{
	if (vmlab_slot_is_swap(slot))
		vmlab_swap_get(vmlab_slot_swap(slot));
	else
		vmlab_page_share(page_folio((struct page *)slot));
}

/**
 * vmlab_slot_put - give up what a leaf had in a slot
 * @slot: that; not NULL
 *
 * Context: may sleep.
 */
void vmlab_slot_put(void *slot)
{
	if (vmlab_slot_is_swap(slot))
		vmlab_swap_put(vmlab_slot_swap(slot));
	else
		vmlab_page_unshare(page_folio((struct page *)slot));
}

/* Another node has what this one has. */
static void share_slots(const struct vmlab_node *node)
{
	unsigned int i;

	if (node->whole) {
		vmlab_page_share(vmlab_leaf_huge(node));
		return;
	}
	for (i = 0; i < VMLAB_NODE_SLOTS; i++) {
		struct vmlab_node *child = vmlab_node_entry(node, i);

		if (child && node->shift)
			refcount_inc(&child->owners);
		else if (child)
			vmlab_slot_share(child);
	}
}

/*
 * Gives up one's part of a node, and of what is below if it was the last. Recursion ends
 * with the levels.
 */
void vmlab_node_put(struct vmlab_node *node)
{
	unsigned int i;

	if (!refcount_dec_and_test(&node->owners))
		return;
	for (i = 0; i < VMLAB_NODE_SLOTS && node->used; i++) {
		if (!vmlab_node_entry(node, i))
			continue;
		node->used = node->whole ? 0 : node->used - 1;
		if (node->shift)
			vmlab_node_put(vmlab_node_entry(node, i));
		else
			vmlab_slot_put(vmlab_node_entry(node, i));
	}
	free_node(node);
	cond_resched();
}

/* The same for a node that was copied just now: what is below has the copy as owner. */
static void put_copied_node(struct vmlab_node *node)
{
	unsigned int i;

	if (!refcount_dec_and_test(&node->owners))
		return;
	if (node->whole)
		vmlab_page_unshare_copied(vmlab_leaf_huge(node));
	for (i = 0; i < VMLAB_NODE_SLOTS && !node->whole; i++) {
		struct vmlab_node *child = vmlab_node_entry(node, i);

		if (child && node->shift)
			refcount_dec(&child->owners);
		else if (vmlab_slot_is_swap(child))
			vmlab_swap_put_copied(vmlab_slot_swap(child));
		else if (child)
			vmlab_page_unshare_copied(page_folio(vmlab_leaf_page(node, i)));
	}
	free_node(node);
}

/* What a slot had is not to be believed any more. */
static void supersede(struct vmlab_index *index, void __rcu **where, void *what)
{
	write_seqcount_begin(&index->moved);
	rcu_assign_pointer(*where, what);
	write_seqcount_end(&index->moved);
}

/* Has @where point to a copy of its node, which is shared. Returns NULL without memory. */
static struct vmlab_node *copy_node(struct vmlab_index *index, struct vmlab_node __rcu **where,
				    struct vmlab_node *node, struct vmlab_reserve *reserve)
{
	struct vmlab_node *copy = take_node(reserve);

	if (!copy)
		return NULL;
	refcount_set(&copy->owners, 1);
	copy->shift = node->shift;
	copy->whole = node->whole;
	copy->marks_of = index->serial;
	copy->dirty = node->marks_of == index->serial ? node->dirty : 0;
	copy->writable = 0;
	spin_lock(index->slots_lock);	/* till both have the same shares */
	copy->used = node->used;
	copy->swapped = node->swapped;
	memcpy(copy->slots, node->slots, sizeof(copy->slots));
	share_slots(copy);
	supersede(index, (void __rcu **)where, copy);
	put_copied_node(node);
	spin_unlock(index->slots_lock);
	return copy;
}

/* The shift of the lowest node that is a root for @pgoff. */
static unsigned int lowest_root(pgoff_t pgoff)
{
	unsigned int shift = 0;

	while (pgoff >> shift >= VMLAB_NODE_SLOTS)
		shift += VMLAB_NODE_BITS;
	return shift;
}

/* Makes the tree high enough for @pgoff. */
static bool grow(struct vmlab_index *index, pgoff_t pgoff, struct vmlab_reserve *reserve)
{
	struct vmlab_node *root = vmlab_index_root(index), *node;

	while (!vmlab_node_covers(root, pgoff)) {
		node = vmlab_node_new(index, reserve,
				      root ? root->shift + VMLAB_NODE_BITS : lowest_root(pgoff));
		if (!node)
			return false;
		if (root) {
			RCU_INIT_POINTER(node->slots[0], root);
			node->used = 1;
			node->dirty = root->marks_of == index->serial && root->dirty;
			node->writable = !!root->writable;
		}
		rcu_assign_pointer(index->root, node);
		root = node;
	}
	return true;
}

/*
 * The node of @pgoff with @shift, to be changed: what is missing on the way is made, what is
 * shared copied. The nodes above it are marked as having pages that are @writable. Caller
 * holds the lock. Returns NULL if that takes more memory: what was done so far stays, and
 * helps the next time.
 */
struct vmlab_node *vmlab_index_own_node(struct vmlab_index *index, pgoff_t pgoff,
					unsigned int shift, bool writable,
					struct vmlab_reserve *reserve)
{
	struct vmlab_node __rcu **where = &index->root;
	struct vmlab_node *node, *parent = NULL;

	lockdep_assert_held(&index->lock);
	if (!grow(index, pgoff, reserve))
		return NULL;
	for (;;) {
		node = rcu_dereference_protected(*where, true);
		if (!node) {
			node = vmlab_node_new(index, reserve, parent->shift - VMLAB_NODE_BITS);
			if (!node)
				return NULL;
			rcu_assign_pointer(*where, node);
			parent->used++;
		} else if (vmlab_node_is_shared(node)) {
			node = copy_node(index, where, node, reserve);
			if (!node)
				return NULL;
		}
		if (node->shift == shift)
			return node;
		if (writable)
			node->writable |= BIT(vmlab_node_slot(node, pgoff));
		parent = node;
		where = (struct vmlab_node __rcu **)&node->slots[vmlab_node_slot(node, pgoff)];
	}
}

static struct vmlab_node *own_leaf(struct vmlab_index *index, pgoff_t pgoff, bool writable,
				   struct vmlab_reserve *reserve)
{
	return vmlab_index_own_node(index, pgoff, 0, writable, reserve);
}

/* Puts pages into a leaf up to the first slot that is taken; returns how many. */
static unsigned int store(struct vmlab_node *leaf, unsigned int first, struct page **pages,
			  unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr && !vmlab_node_entry(leaf, first + i); i++) {
		leaf->swapped += vmlab_slot_is_swap(pages[i]);
		rcu_assign_pointer(leaf->slots[first + i], pages[i]);
	}
	leaf->used += i;
	return i;
}

/**
 * vmlab_index_insert - put pages where none are
 * @index: the index
 * @place: what vmlab_index_gather() said of @pgoff; says where they are afterwards
 * @pgoff: offset of the first page
 * @pages: the pages, each with one share that is the index's from here on
 * @nr: how many; they belong into one leaf
 * @gfp: how to get memory
 *
 * Context: caller holds invalidate_lock shared, since vmlab_index_gather(). May sleep.
 * Return: how many went in, up to the first place that was taken; or -ENOMEM.
 */
int vmlab_index_insert(struct vmlab_index *index, struct vmlab_place *place, pgoff_t pgoff,
		       struct page **pages, unsigned int nr, gfp_t gfp)
{
	struct vmlab_reserve reserve = { NULL };
	struct vmlab_node *leaf;
	int done = -ENOMEM;

	do {
		spin_lock(&index->lock);
		leaf = place->own ? place->leaf : own_leaf(index, pgoff, false, &reserve);
		if (leaf)
			done = store(leaf, pgoff % VMLAB_NODE_SLOTS, pages, nr);
		spin_unlock(&index->lock);
	} while (!leaf && vmlab_reserve_refill(&reserve, gfp));
	vmlab_reserve_release(&reserve);
	*place = (struct vmlab_place){ .leaf = leaf, .own = leaf };
	return done;
}

/*
 * Replaces pages of a leaf up to the first that has gone, or was claimed meanwhile. Nobody
 * may see a page that is replaced with the mark of its copy.
 */
static int replace_run(struct vmlab_index *index, struct vmlab_node *leaf, unsigned int first,
		       struct page **old, struct page **new, unsigned int nr)
{
	unsigned int i;

	if (leaf->whole)
		return 0;
	write_seqcount_begin(&index->moved);
	for (i = 0; i < nr; i++) {
		if (vmlab_leaf_page(leaf, first + i) != old[i] || leaf->writable & BIT(first + i))
			break;
		rcu_assign_pointer(leaf->slots[first + i], new[i]);
		WRITE_ONCE(leaf->writable, leaf->writable | BIT(first + i));
	}
	write_seqcount_end(&index->moved);
	return i;
}

/**
 * vmlab_index_replace - put copies in the places of pages that are or were shared
 * @index: the index
 * @pgoff: the first offset
 * @old: the pages; the shares of those that are replaced are the caller's from here on
 * @new: the copies, each with one share that is the index's from here on; they are marked
 *	as writable
 * @nr: how many; in one leaf
 * @place: set to where they are then
 * @gfp: how to get memory
 *
 * Context: may sleep. Caller holds the folio locks of @old, and invalidate_lock unless
 * @index is not in use yet.
 * Return: how many were replaced, up to the first that is not there, or that is writable
 * by now; or -ENOMEM.
 */
int vmlab_index_replace(struct vmlab_index *index, pgoff_t pgoff, struct page **old,
			struct page **new, unsigned int nr, struct vmlab_place *place, gfp_t gfp)
{
	unsigned int first = pgoff % VMLAB_NODE_SLOTS;
	struct vmlab_reserve reserve = { NULL };
	struct vmlab_node *leaf;
	int done = -ENOMEM;

	do {
		spin_lock(&index->lock);
		leaf = own_leaf(index, pgoff, true, &reserve);
		if (leaf)
			done = replace_run(index, leaf, first, old, new, nr);
		spin_unlock(&index->lock);
	} while (!leaf && vmlab_reserve_refill(&reserve, gfp));
	vmlab_reserve_release(&reserve);
	*place = (struct vmlab_place){ .leaf = leaf, .own = leaf };
	return done;
}

/* Counts what a subtree holds, which does not change: it is shared, or ours alone. */
static void count_subtree(const struct vmlab_index *index, const struct vmlab_node *node,
			  struct vmlab_removed *removed)
{
	unsigned int i;

	if (!node->shift) {
		removed->dropped += node->used;
		if (node->marks_of == index->serial)
			removed->dirty += hweight_long(node->dirty);
		return;
	}
	for (i = 0; i < VMLAB_NODE_SLOTS; i++) {
		if (vmlab_node_entry(node, i))
			count_subtree(index, vmlab_node_entry(node, i), removed);
	}
	cond_resched();
}

/*
 * Takes the first pages in a row in [pgoff, last] out of a leaf. Returns the last offset
 * that was dealt with.
 */
static pgoff_t take(struct vmlab_index *index, struct vmlab_node *leaf, pgoff_t pgoff,
		    pgoff_t last, struct vmlab_removed *removed)
{
	pgoff_t end = min(last, pgoff | vmlab_node_span(leaf));
	unsigned int i;

	for (; pgoff <= end; pgoff++) {
		i = vmlab_node_slot(leaf, pgoff);
		if (!vmlab_node_entry(leaf, i)) {
			if (removed->nr)
				return pgoff;
			continue;
		}
		if (!removed->nr++)
			removed->first = pgoff;
		if (!leaf->whole || !removed->shares)
			removed->slots[removed->shares++] = vmlab_node_entry(leaf, i);
		leaf->swapped -= vmlab_slot_is_swap(vmlab_node_entry(leaf, i));
		RCU_INIT_POINTER(leaf->slots[i], NULL);
		leaf->used--;
		if (leaf->marks_of == index->serial && __test_and_clear_bit(i, &leaf->dirty))
			removed->dirty++;
		__clear_bit(i, &leaf->writable);
	}
	return end;
}

static struct vmlab_node __rcu **path_end(struct vmlab_index *index, const struct vmlab_path *path,
					  pgoff_t pgoff)
{
	struct vmlab_node *parent;

	if (!path->nr)
		return &index->root;
	parent = path->nodes[path->nr - 1];
	return (struct vmlab_node __rcu **)&parent->slots[vmlab_node_slot(parent, pgoff)];
}

/* After something went from below @path: nodes that are empty go, marks are put right. */
static void prune(struct vmlab_index *index, struct vmlab_path *path, pgoff_t pgoff)
{
	struct vmlab_node *node, *child = NULL;
	unsigned int i;

	while (path->nr) {
		node = path->nodes[--path->nr];
		if (node->shift) {
			i = vmlab_node_slot(node, pgoff);
			child = vmlab_node_entry(node, i);
			if (!child || !child->dirty)
				__clear_bit(i, &node->dirty);
			if (!child || !child->writable)
				__clear_bit(i, &node->writable);
		}
		if (node->used)
			continue;
		RCU_INIT_POINTER(*path_end(index, path, pgoff), NULL);
		if (path->nr)
			path->nodes[path->nr - 1]->used--;
		free_node(node);
	}
}

/*
 * Takes out the pages of the leaf of @pgoff, from there to @last; or, as a whole, the
 * largest shared subtree that begins in [first, @pgoff] and ends before @last: returned
 * in *@subtree. *@pgoff, for which there is a leaf, is moved to the last offset that was
 * dealt with. Returns false, and has done nothing, if that takes more memory.
 */
static bool remove_some(struct vmlab_index *index, pgoff_t first, pgoff_t *pgoff,
			pgoff_t last, struct vmlab_removed *removed,
			struct vmlab_node **subtree, struct vmlab_reserve *reserve)
{
	struct vmlab_path path = { .nr = 0 };
	struct vmlab_node __rcu **where;
	struct vmlab_node *node;
	pgoff_t start, end;

	for (;;) {
		where = path_end(index, &path, *pgoff);
		node = rcu_dereference_protected(*where, true);
		start = *pgoff & ~vmlab_node_span(node);
		end = start + vmlab_node_span(node);
		if (vmlab_node_is_shared(node) && first <= start && end <= last) {
			*subtree = node;
			supersede(index, (void __rcu **)where, NULL);
			if (path.nr)
				path.nodes[path.nr - 1]->used--;
			break;
		}
		if (vmlab_node_is_shared(node)) {
			node = copy_node(index, where, node, reserve);
			if (!node)
				return false;
		}
		path.nodes[path.nr++] = node;
		if (!node->shift) {
			end = take(index, node, *pgoff, last, removed);
			break;
		}
	}
	prune(index, &path, *pgoff);
	*pgoff = end;
	return true;
}

/**
 * vmlab_index_remove - take pages out
 * @index: the index
 * @first: where to begin; moved behind what was dealt with
 * @last: the last offset
 * @removed: filled; pages are taken out of one leaf at a time
 *
 * Context: may sleep. Caller holds invalidate_lock exclusive and has unmapped the range.
 * Return: may there be more?
 */
bool vmlab_index_remove(struct vmlab_index *index, pgoff_t *first, pgoff_t last,
			struct vmlab_removed *removed)
{
	struct vmlab_reserve reserve = { NULL };
	struct vmlab_node *subtree = NULL;
	bool found, done, own;
	pgoff_t pgoff;

	removed->nr = 0;
	removed->shares = 0;
	removed->dropped = 0;
	removed->dirty = 0;
	do {
		pgoff = *first;
		spin_lock(&index->lock);
		rcu_read_lock();
		found = vmlab_index_next_leaf(index, &pgoff, last, &own);
		rcu_read_unlock();
		done = !found || remove_some(index, *first, &pgoff, last, removed, &subtree,
					     &reserve);
		spin_unlock(&index->lock);
	} while (!done && vmlab_reserve_refill(&reserve, GFP_KERNEL | __GFP_NOFAIL));
	vmlab_reserve_release(&reserve);
	if (subtree) {
		count_subtree(index, subtree, removed);
		vmlab_node_put(subtree);
	}
	*first = pgoff + 1;
	return found && pgoff < last;
}

/**
 * vmlab_index_share - make an index that has the same pages as another
 * @from: the other
 * @to: the index, empty
 *
 * Context: caller holds @from's invalidate_lock exclusive.
 */
void vmlab_index_share(struct vmlab_index *from, struct vmlab_index *to)
{
	struct vmlab_node *root;

	spin_lock(&from->lock);
	root = vmlab_index_root(from);
	if (root)
		refcount_inc(&root->owners);
	spin_unlock(&from->lock);
	rcu_assign_pointer(to->root, root);
}

/* Has it no page? Caller holds invalidate_lock exclusive. */
bool vmlab_index_is_empty(const struct vmlab_index *index)
{
	return !vmlab_index_root(index);
}

/* Gives up all pages. Nobody else uses the index. May sleep. */
void vmlab_index_destroy(struct vmlab_index *index)
{
	struct vmlab_node *root;

	spin_lock(&index->lock);	/* reclaim may be looking for a page here */
	root = vmlab_index_root(index);
	RCU_INIT_POINTER(index->root, NULL);
	spin_unlock(&index->lock);
	if (root)
		vmlab_node_put(root);
}
