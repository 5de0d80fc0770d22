// SPDX-License-Identifier: GPL-2.0
/*
 * The marks of an index: dirty pages, and pages that somebody may write to.
 *
 * Marks of dirty pages are one index's own even in a node that is shared: @marks_of says
 * whose, and only it changes them, under its lock. An index that comes to own a node alone
 * takes them over, empty. The other marks are there only in nodes that are not shared.
 */
#include "index_node.h"

#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "page.h"

/* The way to the leaf of @pgoff. Caller holds the lock. Returns NULL if there is none. */
struct vmlab_node *vmlab_index_find_path(struct vmlab_index *index, pgoff_t pgoff,
					 struct vmlab_path *path)
{
	struct vmlab_node *node = vmlab_index_root(index);

	path->nr = 0;
	if (!vmlab_node_covers(node, pgoff))
		return NULL;
	while (node) {
		path->nodes[path->nr++] = node;
		if (!node->shift)
			break;
		node = vmlab_node_entry(node, vmlab_node_slot(node, pgoff));
	}
	return node;
}

/* Are the marks of all nodes of @path this index's, or can they become so? */
static bool own_marks(struct vmlab_index *index, const struct vmlab_path *path)
{
	bool shared = false;
	unsigned int i;

	for (i = 0; i < path->nr; i++) {
		struct vmlab_node *node = path->nodes[i];

		shared = shared || vmlab_node_is_shared(node);
		if (node->marks_of == index->serial)
			continue;
		if (shared)
			return false;
		node->marks_of = index->serial;
		node->dirty = 0;
	}
	return true;
}

/**
 * vmlab_index_set_dirty - mark a page that was or may be written to
 * @index: the index
 * @pgoff: its offset
 *
 * Context: caller holds the lock.
 * Return: is it marked only now? Not so if it is a page that others have, too, and which
 * was not written to since it was shared.
 */
bool vmlab_index_set_dirty(struct vmlab_index *index, pgoff_t pgoff)
{
	struct vmlab_node *leaf;
	struct vmlab_path path;
	unsigned int i;

	leaf = vmlab_index_find_path(index, pgoff, &path);
	if (!leaf || !own_marks(index, &path) || leaf->dirty & BIT(vmlab_node_slot(leaf, pgoff)))
		return false;
	for (i = 0; i < path.nr; i++)
		path.nodes[i]->dirty |= BIT(vmlab_node_slot(path.nodes[i], pgoff));
	return true;
}

/* Takes the mark away. Caller holds the lock. Returns whether there was one. */
bool vmlab_index_clear_dirty(struct vmlab_index *index, pgoff_t pgoff)
{
	struct vmlab_node *leaf, *node;
	struct vmlab_path path;

	leaf = vmlab_index_find_path(index, pgoff, &path);
	if (!leaf || leaf->marks_of != index->serial ||
	    !(leaf->dirty & BIT(vmlab_node_slot(leaf, pgoff))))
		return false;
	while (path.nr) {
		node = path.nodes[--path.nr];
		node->dirty &= ~BIT(vmlab_node_slot(node, pgoff));
		if (node->dirty)
			break;
	}
	return true;
}

/* Is the page at @pgoff marked? Any context. What it says may be over when it does. */
bool vmlab_index_is_dirty(struct vmlab_index *index, pgoff_t pgoff)
{
	struct vmlab_node *node;
	bool dirty;

	rcu_read_lock();
	node = rcu_dereference(index->root);
	if (!vmlab_node_covers(node, pgoff))
		node = NULL;
	while (node && node->shift)
		node = rcu_dereference(node->slots[vmlab_node_slot(node, pgoff)]);
	dirty = node && node->marks_of == index->serial &&
		READ_ONCE(node->dirty) & BIT(vmlab_node_slot(node, pgoff));
	rcu_read_unlock();
	return dirty;
}

static unsigned long marks(const struct vmlab_index *index, const struct vmlab_node *node)
{
	return node->marks_of == index->serial ? READ_ONCE(node->dirty) : 0;
}

/* Is any page marked? Any context. */
bool vmlab_index_any_dirty(struct vmlab_index *index)
{
	struct vmlab_node *root;
	bool any;

	rcu_read_lock();
	root = rcu_dereference(index->root);
	any = root && marks(index, root);
	rcu_read_unlock();
	return any;
}

/* The leaf with the next marked page from *@pgoff on, which is moved there. */
static struct vmlab_node *next_dirty(struct vmlab_index *index, pgoff_t *pgoff, pgoff_t last)
{
	struct vmlab_node *node;
	unsigned long dirty;
	unsigned int i;

from_root:
	node = vmlab_index_root(index);
	if (!vmlab_node_covers(node, *pgoff) || *pgoff > last)
		return NULL;
	for (;;) {
		i = vmlab_node_slot(node, *pgoff);
		dirty = marks(index, node) & (~0UL << i);
		if (!dirty) {
			*pgoff = (*pgoff | vmlab_node_span(node)) + 1;
			goto from_root;
		}
		if (__ffs(dirty) != i)
			*pgoff = ((*pgoff >> node->shift) + __ffs(dirty) - i) << node->shift;
		if (*pgoff > last)
			return NULL;
		if (!node->shift)
			return node;
		node = vmlab_node_entry(node, __ffs(dirty));
	}
}

/**
 * vmlab_index_find_dirty - the next marked pages that lie in a row in one leaf
 * @index: the index
 * @first: where to begin; moved behind them
 * @last: the last offset to look at
 * @folios: set to the pages, with references
 *
 * Context: any that may take the lock.
 * Return: how many.
 */
unsigned int vmlab_index_find_dirty(struct vmlab_index *index, pgoff_t *first, pgoff_t last,
				    struct folio **folios)
{
	struct vmlab_node *leaf;
	unsigned int i, nr = 0;
	pgoff_t pgoff = *first;

	spin_lock(&index->lock);
	leaf = next_dirty(index, &pgoff, last);
	for (i = pgoff % VMLAB_NODE_SLOTS; leaf && i < VMLAB_NODE_SLOTS && pgoff <= last; i++) {
		if (!(leaf->dirty & BIT(i)))
			break;
		folios[nr] = page_folio(vmlab_leaf_page(leaf, i));
		folio_get(folios[nr++]);	/* the index has one of its own */
		*first = ++pgoff;
	}
	spin_unlock(&index->lock);
	return nr;
}

/*
 * Marks pages of the leaf that @path leads to: those in @mask, or all of a huge folio. Uses
 * @path up. Caller holds the lock.
 */
void vmlab_path_mark_writable(struct vmlab_path *path, pgoff_t pgoff, unsigned long mask)
{
	struct vmlab_node *node, *leaf = path->nodes[path->nr - 1];

	if (leaf->whole) {
		vmlab_path_mark_huge(path, pgoff);
		return;
	}
	while (path->nr > 1) {
		node = path->nodes[path->nr - 2];
		node->writable |= BIT(vmlab_node_slot(node, pgoff));
		path->nr--;
	}
	/* Last: who sees them need not look at the others. */
	WRITE_ONCE(leaf->writable, leaf->writable | mask);
}

/* Is none of its nodes shared? Caller holds the lock. */
bool vmlab_path_is_own(const struct vmlab_path *path)
{
	unsigned int i;

	for (i = 0; i < path->nr; i++) {
		if (vmlab_node_is_shared(path->nodes[i]))
			return false;
	}
	return true;
}

/**
 * vmlab_index_claim - mark pages as writable that nobody else has any more
 * @index: the index
 * @pgoff: offset of the first
 * @pages: the pages, locked
 * @nr: how many; in one leaf
 * @place: set to where they are, if any is claimed
 * @claim: asked for each
 * @data: given to @claim
 *
 * Those that somebody else has marked meanwhile count as claimed: they may be mapped any time.
 * Context: caller holds invalidate_lock shared.
 * Return: how many, from the first on, were in their places and could be claimed.
 */
unsigned int vmlab_index_claim(struct vmlab_index *index, pgoff_t pgoff, struct page **pages,
			       unsigned int nr, struct vmlab_place *place,
			       vmlab_claim_fn *claim, void *data)
{
	unsigned int first = pgoff % VMLAB_NODE_SLOTS, done = 0;
	struct vmlab_node *leaf;
	struct vmlab_path path;

	spin_lock(&index->lock);
	leaf = vmlab_index_find_path(index, pgoff, &path);
	if (leaf && !leaf->whole && vmlab_path_is_own(&path)) {
		for (; done < nr; done++) {
			struct folio *folio = page_folio(pages[done]);

			if (vmlab_leaf_page(leaf, first + done) != pages[done])
				break;
			if (!(leaf->writable & BIT(first + done)) &&
			    (vmlab_page_is_shared(folio) || !claim(pgoff + done, folio, data)))
				break;
		}
	}
	if (done) {
		vmlab_path_mark_writable(&path, pgoff, GENMASK(first + done - 1, first));
		*place = (struct vmlab_place){ .leaf = leaf, .own = true };
	}
	spin_unlock(&index->lock);
	return done;
}

/**
 * vmlab_index_set_writable - mark pages that somebody may write to from now on
 * @index: the index
 * @place: where vmlab_index_gather() found them; not shared
 * @pgoff: the first
 * @nr: how many, in this leaf
 *
 * Context: caller holds invalidate_lock shared. The pages are not writable yet.
 */
void vmlab_index_set_writable(struct vmlab_index *index, const struct vmlab_place *place,
			      pgoff_t pgoff, unsigned int nr)
{
	unsigned int i = pgoff % VMLAB_NODE_SLOTS;
	unsigned long mask = GENMASK(i + nr - 1, i);
	struct vmlab_path path;

	if ((READ_ONCE(place->leaf->writable) & mask) == mask)
		return;
	spin_lock(&index->lock);
	if (vmlab_index_find_path(index, pgoff, &path))
		vmlab_path_mark_writable(&path, pgoff, mask);
	spin_unlock(&index->lock);
}

/* Is the page at @pgoff marked as writable? Caller holds invalidate_lock exclusive. */
bool vmlab_index_is_writable(struct vmlab_index *index, pgoff_t pgoff)
{
	struct vmlab_path path;
	struct vmlab_node *leaf = vmlab_index_find_path(index, pgoff, &path);

	return leaf && leaf->writable & BIT(vmlab_node_slot(leaf, pgoff));
}

static bool mark_all(struct vmlab_node *node)
{
	unsigned int i;

	if (vmlab_node_is_shared(node))
		return false;
	if (!node->shift && node->used == VMLAB_NODE_SLOTS && !node->swapped) {
		node->writable = ~0UL;
		return true;
	}
	for (i = 0; i < VMLAB_NODE_SLOTS; i++) {
		void *entry = vmlab_node_entry(node, i);

		if (entry && (node->shift ? mark_all(entry) : !vmlab_slot_is_swap(entry)))
			node->writable |= BIT(i);
	}
	if (node->shift)
		cond_resched();
	return node->writable;
}

/**
 * vmlab_index_set_all_writable - mark all pages but those of shared nodes
 * @index: the index
 *
 * Context: caller holds invalidate_lock exclusive.
 */
void vmlab_index_set_all_writable(struct vmlab_index *index)
{
	struct vmlab_node *root = vmlab_index_root(index);

	if (root)
		mark_all(root);
}

/* The leaf with the next page that may be written to from *@pgoff on, moved to it. */
static struct vmlab_node *next_writable(struct vmlab_index *index, pgoff_t *pgoff)
{
	struct vmlab_node *node;
	unsigned long writable;
	unsigned int i;

from_root:
	node = vmlab_index_root(index);
	if (!vmlab_node_covers(node, *pgoff))
		return NULL;
	for (;;) {
		i = vmlab_node_slot(node, *pgoff);
		writable = node->writable & (~0UL << i);
		if (!writable) {
			*pgoff = (*pgoff | vmlab_node_span(node)) + 1;
			goto from_root;
		}
		if (__ffs(writable) != i)
			*pgoff = ((*pgoff >> node->shift) + __ffs(writable) - i)
				 << node->shift;
		if (!node->shift)
			return node;
		node = vmlab_node_entry(node, __ffs(writable));
	}
}

/**
 * vmlab_index_next_writable - the next range with pages that somebody may write to
 * @index: the index
 * @first: where to begin; moved to the range's first page
 * @last: set to its last page
 * @max: about how long it may be
 *
 * Pages that nobody may write to are in the range as well if they lie in between, in the
 * same leaf or the next.
 * Context: caller holds invalidate_lock exclusive.
 */
bool vmlab_index_next_writable(struct vmlab_index *index, pgoff_t *first, pgoff_t *last,
			       pgoff_t max)
{
	pgoff_t next = *first;
	struct vmlab_node *leaf = next_writable(index, &next);

	if (!leaf)
		return false;
	*first = next;
	do {
		*last = next | ((leaf->whole ? VMLAB_HUGE_PAGES : VMLAB_NODE_SLOTS) - 1);
		next = *last + 1;
	} while (*last - *first < max && (leaf = next_writable(index, &next)) != NULL &&
		 next <= *last + VMLAB_NODE_SLOTS);
	return true;
}

/* The slots of a node, which begins at @start, that have something of [first, last]. */
static unsigned long slots_in_range(const struct vmlab_node *node, pgoff_t start, pgoff_t first,
				    pgoff_t last)
{
	pgoff_t end = start + vmlab_node_span(node);

	if (first > end || last < start)
		return 0;
	return GENMASK((min(last, end) - start) >> node->shift,
		       (max(first, start) - start) >> node->shift);
}

struct visit {
	pgoff_t first;
	pgoff_t last;
	vmlab_visit_fn *fn;
	void *data;
};

static int visit_leaf(struct vmlab_node *leaf, pgoff_t start, const struct visit *visit)
{
	unsigned long range = slots_in_range(leaf, start, visit->first, visit->last);
	unsigned long mask = leaf->writable & range;
	int ret = visit->fn(start, (struct page **)leaf->slots, &mask, visit->data);

	leaf->writable = (leaf->writable & ~range) | mask;
	return ret;
}

/* The leaves of a huge folio from slot @i of @node on, which begin at @start: all as one. */
static int visit_huge(struct vmlab_node *node, unsigned int i, pgoff_t start,
		      const struct visit *visit)
{
	struct vmlab_node *leaf = vmlab_node_entry(node, i);
	unsigned long mask = ~0UL;
	int ret = visit->fn(start, (struct page **)leaf->slots, &mask, visit->data);
	unsigned int end = i + VMLAB_HUGE_LEAVES;

	if (!mask)
		node->writable &= ~GENMASK(end - 1, i);
	for (; !mask && i < end; i++) {
		leaf = vmlab_node_entry(node, i);
		leaf->writable = 0;
	}
	return ret;
}

static int visit_node(struct vmlab_node *node, pgoff_t start, const struct visit *visit)
{
	struct vmlab_node *child;
	unsigned long left;
	unsigned int i;
	int ret = 0;

	if (!node->shift)
		return visit_leaf(node, start, visit);
	left = node->writable & slots_in_range(node, start, visit->first, visit->last);
	for (; left && !ret; left &= left - 1) {
		i = __ffs(left);
		child = vmlab_node_entry(node, i);
		if (child->whole) {
			i = round_down(i, VMLAB_HUGE_LEAVES);
			left = (left & ~GENMASK(i + VMLAB_HUGE_LEAVES - 1, i)) | BIT(i);
			ret = visit_huge(node, i, start + ((pgoff_t)i << node->shift), visit);
			continue;
		}
		ret = visit_node(child, start + ((pgoff_t)i << node->shift), visit);
		if (!child->writable)
			node->writable &= ~BIT(i);
	}
	cond_resched();
	return ret;
}

/**
 * vmlab_index_visit_writable - look at the pages that somebody may write to
 * @index: the index
 * @first: the first offset to look at
 * @last: the last one
 * @fn: called for those of each leaf; takes the marks away that do not hold any more
 * @data: given to @fn
 *
 * Context: caller holds invalidate_lock exclusive.
 * Return: 0, or the errno.
 */
int vmlab_index_visit_writable(struct vmlab_index *index, pgoff_t first, pgoff_t last,
			       vmlab_visit_fn *fn, void *data)
{
	const struct visit visit = { .first = first, .last = last, .fn = fn, .data = data };
	struct vmlab_node *root = vmlab_index_root(index);

	return root ? visit_node(root, 0, &visit) : 0;
}
