// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of a pool with a budget: bringing their content to its store and back.
 *
 *              swap out (invalidate_lock exclusive, folio lock; then BUSY)
 *   RESIDENT ----------------------------------> STORED
 *            <----------------------------------
 *              swap in (invalidate_lock shared, BUSY)
 *
 * Who chooses the pages that are to go is in reclaim.c. When a page is taken out of its
 * slots, the content is still in it; then it is stored, and the page freed. If that fails it
 * stays as it is, CACHED: whoever needs it takes it from here.
 *
 * Locks: BUSY is waited for while invalidate_lock is held shared; who has it waits for no
 * such lock. slots_lock is the innermost, inside policy_lock.
 */
#include "swap.h"

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "index.h"
#include "page.h"
#include "pool.h"
#include "region.h"
#include "stats.h"
#include "trace.h"

static struct kmem_cache *swap_cache;

int vmlab_swap_init_cache(void)
{
	swap_cache = KMEM_CACHE(vmlab_swap, SLAB_ACCOUNT);
	return swap_cache ? 0 : -ENOMEM;
}

/* All pools are gone. */
void vmlab_swap_exit_cache(void)
{
	rcu_barrier();
	kmem_cache_destroy(swap_cache);
}

static void free_swap_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(swap_cache, container_of(rcu, struct vmlab_swap, rcu));
}

/* Nobody has a reference any more, and so it has neither a page nor a slot. */
static void free_swap(struct vmlab_swap *swap)
{
	struct vmlab_pool *pool = swap->pool;

	spin_lock(&pool->policy_lock);
	if (swap->entry.state != VMLAB_ENTRY_UNKNOWN)
		vmlab_policy_removed(pool->policy, &swap->entry);
	spin_unlock(&pool->policy_lock);
	if (swap->copy.flags & VMLAB_COPY_VALID)
		vmlab_store_drop(pool->store, &swap->copy);
	call_rcu(&swap->rcu, free_swap_rcu);
	vmlab_pool_put(pool);
}

/* Gives up a reference of somebody who worked on it. */
void vmlab_swap_release(struct vmlab_swap *swap)
{
	if (refcount_dec_and_test(&swap->refs))
		free_swap(swap);
}

/* One more slot names it. Caller holds slots_lock, and has a reference. */
void vmlab_swap_get(struct vmlab_swap *swap)
{
	swap->tags++;
	refcount_inc(&swap->refs);
}

/* A slot does not name it any more, and that cannot have been the last reference. */
void vmlab_swap_put_copied(struct vmlab_swap *swap)
{
	swap->tags--;
	refcount_dec(&swap->refs);
}

/* Its page may be evicted again; or goes. Caller holds policy_lock. */
void vmlab_swap_unpin(struct vmlab_swap *swap)
{
	if (test_and_clear_bit(VMLAB_SWAP_PINNED, &swap->flags))
		swap->pool->pinned--;
}

/*
 * The page that the swap has is to go: it is nobody's. It leaves the policy at the same moment:
 * who gets it from there believes it to be there. Caller holds policy_lock and slots_lock. Returns
 * it.
 */
static struct folio *forget_folio(struct vmlab_swap *swap)
{
	struct folio *folio = swap->folio;

	if (swap->entry.state != VMLAB_ENTRY_UNKNOWN)
		vmlab_policy_removed(swap->pool->policy, &swap->entry);
	vmlab_swap_unpin(swap);
	swap->folio = NULL;
	return folio;
}

/* Gives back a page that is in no leaf, and the reference of all shares. It is not locked. */
static void free_folio(struct folio *folio, bool content)
{
	struct vmlab_region *region;

	folio_lock(folio);
	region = vmlab_inode_region(folio->mapping->host);
	folio->mapping = NULL;
	folio_clear_dirty(folio);
	vmlab_folio_set_swap(folio, NULL);
	folio_unlock(folio);
	if (content)
		vmlab_pool_uncharge(region->pool, 1);
	else
		vmlab_pool_uncharge_frame(region->pool);
	vmlab_region_put_carried(region);
	folio_put(folio);
}

/**
 * vmlab_swap_put - a slot does not name it any more
 * @swap: the swap
 *
 * Context: may sleep.
 */
void vmlab_swap_put(struct vmlab_swap *swap)
{
	struct vmlab_pool *pool = swap->pool;
	struct folio *folio = NULL;
	bool last, stored;

	spin_lock(&pool->policy_lock);
	spin_lock(&pool->slots_lock);
	last = !--swap->tags;
	/* Stored only: nothing of the content is left. Somebody moving it sees to that himself. */
	stored = !swap->folio;
	if (last && test_and_clear_bit(VMLAB_SWAP_CACHED, &swap->flags))
		folio = forget_folio(swap);
	spin_unlock(&pool->slots_lock);
	spin_unlock(&pool->policy_lock);
	if (last && stored)
		vmlab_pool_uncharge_content(pool);
	if (folio) {
		free_folio(folio, true);
		vmlab_swap_release(swap);
	}
	vmlab_swap_release(swap);
}

/* Is the content of a page named by a slot of another leaf? Caller has the folio lock. */
bool vmlab_swap_is_named(struct folio *folio)
{
	struct vmlab_swap *swap = vmlab_folio_swap(folio);
	bool named = false;

	if (swap) {
		spin_lock(&swap->pool->slots_lock);
		named = swap->tags;
		spin_unlock(&swap->pool->slots_lock);
	}
	return named;
}

/**
 * vmlab_swap_attach - have a pool with a budget know of a page
 * @region: a region of the pool
 * @folio: the page; nobody else can find it yet, or it is locked
 * @gfp: how to get memory
 *
 * Return: 0 or -ENOMEM.
 */
int vmlab_swap_attach(struct vmlab_region *region, struct folio *folio, gfp_t gfp)
{
	struct vmlab_pool *pool = region->pool;
	struct vmlab_swap *swap = kmem_cache_zalloc(swap_cache, gfp);

	if (!swap)
		return -ENOMEM;
	vmlab_entry_init(&swap->entry);
	refcount_set(&swap->refs, 1);
	swap->pool = vmlab_pool_get(pool);
	swap->folio = folio;
	vmlab_folio_set_swap(folio, swap);
	spin_lock(&pool->policy_lock);
	vmlab_policy_missed(pool->policy, &swap->entry);
	vmlab_policy_inserted(pool->policy, &swap->entry);
	spin_unlock(&pool->policy_lock);
	return 0;
}

/**
 * vmlab_swap_keep - the last leaf has given up its share of a page
 * @folio: the page, locked; the reference of all shares is the caller's
 *
 * Context: may take spinlocks.
 * Return: is it to stay, as slots of other leaves name its content? Then the reference is the
 * swap's.
 */
bool vmlab_swap_keep(struct folio *folio)
{
	struct vmlab_swap *swap = vmlab_folio_swap(folio);
	bool keep;

	if (!swap)
		return false;
	spin_lock(&swap->pool->policy_lock);
	spin_lock(&swap->pool->slots_lock);
	keep = swap->tags;
	if (keep)
		set_bit(VMLAB_SWAP_CACHED, &swap->flags);
	else
		forget_folio(swap);
	spin_unlock(&swap->pool->slots_lock);
	spin_unlock(&swap->pool->policy_lock);
	if (keep)
		return true;
	vmlab_folio_set_swap(folio, NULL);
	vmlab_swap_release(swap);
	return false;
}

bool vmlab_swap_trylock(struct vmlab_swap *swap)
{
	return !test_and_set_bit_lock(VMLAB_SWAP_BUSY, &swap->flags);
}

void vmlab_swap_unlock(struct vmlab_swap *swap)
{
	clear_and_wake_up_bit(VMLAB_SWAP_BUSY, &swap->flags);
}

/*
 * A share of the page that has the content; NULL: the store has it. -EAGAIN: the page is being
 * given up just now, and will be CACHED; or it was, as no slot names the content any more, and
 * no store has it. Caller has BUSY.
 */
static struct folio *share_folio(struct vmlab_swap *swap)
{
	struct folio *folio;

	spin_lock(&swap->pool->slots_lock);
	folio = swap->folio;
	if (folio && test_and_clear_bit(VMLAB_SWAP_CACHED, &swap->flags))
		atomic_long_set(vmlab_page_sharers(folio), 1);
	else if (folio ? !atomic_long_inc_not_zero(vmlab_page_sharers(folio)) :
			 !(swap->copy.flags & VMLAB_COPY_VALID))
		folio = ERR_PTR(-EAGAIN);
	spin_unlock(&swap->pool->slots_lock);
	return folio;
}

/* A page for content that comes back, which is charged; or an ERR_PTR(). */
static struct folio *alloc_frame(struct vmlab_pool *pool, bool must)
{
	struct folio *folio;

	if (must)
		vmlab_pool_charge_frame_anyway(pool);
	else if (!vmlab_pool_charge_frame(pool))
		return ERR_PTR(-EAGAIN);
	folio = folio_alloc(GFP_USER | __GFP_ACCOUNT | (must ? __GFP_NOFAIL : 0), 0);
	if (!folio) {
		vmlab_pool_uncharge_frame(pool);
		return ERR_PTR(-ENOMEM);
	}
	return folio;
}

static void free_frame(struct vmlab_pool *pool, struct folio *folio)
{
	vmlab_pool_uncharge_frame(pool);
	folio_put(folio);
}

/*
 * A page that has the content now becomes CACHED; or goes, if no slot names that any more. Caller
 * has BUSY.
 */
static void install(struct vmlab_region *region, pgoff_t pgoff, struct vmlab_swap *swap,
		    struct folio *folio)
{
	struct vmlab_pool *pool = swap->pool;
	bool wanted;

	vmlab_page_init(region, pgoff, folio);
	atomic_long_set(vmlab_page_sharers(folio), 0);
	vmlab_folio_set_swap(folio, swap);
	clear_bit(VMLAB_SWAP_WRITTEN, &swap->flags);
	spin_lock(&pool->policy_lock);
	spin_lock(&pool->slots_lock);
	wanted = swap->tags;
	if (wanted) {
		atomic_long_inc(&region->carried);
		refcount_inc(&swap->refs);
		vmlab_policy_missed(pool->policy, &swap->entry);
		vmlab_policy_inserted(pool->policy, &swap->entry);
		swap->folio = folio;
		set_bit(VMLAB_SWAP_CACHED, &swap->flags);
	}
	spin_unlock(&pool->slots_lock);
	spin_unlock(&pool->policy_lock);
	if (wanted) {
		vmlab_count(region, VMLAB_SWAPPED_IN, 1);
	} else {
		folio->mapping = NULL;
		vmlab_folio_set_swap(folio, NULL);
		free_frame(pool, folio);
	}
}

/* Brings the content out of the store into a page. Caller has BUSY. Returns 0 or an errno. */
static int load(struct vmlab_region *region, pgoff_t pgoff, struct vmlab_swap *swap, bool must)
{
	struct vmlab_pool *pool = swap->pool;
	struct folio *folio = alloc_frame(pool, must);
	int ret;

	if (IS_ERR(folio))
		return PTR_ERR(folio);
	ret = vmlab_store_load(pool->store, &swap->copy, &folio->page);
	if (ret) {
		free_frame(pool, folio);
		return ret;
	}
	/* The store may have been full: now it is less so. */
	if (must)
		vmlab_store_drop(pool->store, &swap->copy);
	install(region, pgoff, swap, folio);
	return 0;
}

/* Caller has BUSY. Returns 0 if there is something to look at again, or an errno. */
static int bring_in(struct vmlab_region *region, pgoff_t pgoff, struct vmlab_swap *swap, bool must)
{
	struct folio *folio = share_folio(swap);
	int ret;

	if (!folio) {
		ret = load(region, pgoff, swap, must);
		if (ret)
			return ret;
		folio = share_folio(swap);
	}
	if (!folio)
		return 0;	/* no slot names it any more */
	if (IS_ERR(folio)) {
		cond_resched();
		return 0;
	}
	/* Such a page is not written back: its mark stays till it is gone. */
	if (vmlab_region_tracks_writes(region) && vmlab_index_is_dirty(&region->index, pgoff))
		folio_set_dirty(folio);
	if (!vmlab_index_swap_in(&region->index, pgoff, swap, &folio->page))
		vmlab_page_unshare(folio);
	else
		trace_vmlab_page_state(region->id, pgoff, 1, VMLAB_PS_STORED, VMLAB_PS_CLEAN);
	return 0;
}

/**
 * vmlab_swap_in - bring a page that is not in memory back into an index
 * @region: the index's region
 * @pgoff: the page
 * @must: do not fail for want of memory; that may exceed the budget
 *
 * Context: may sleep. Caller holds invalidate_lock, at least shared.
 * Return: 0: look again; -EAGAIN if the budget does not allow it, -ENOMEM, -EINTR, -EIO: the
 * store has lost it.
 */
int vmlab_swap_in(struct vmlab_region *region, pgoff_t pgoff, bool must)
{
	struct vmlab_swap *swap = vmlab_index_get_swap(&region->index, pgoff);
	int ret;

	if (!swap)
		return 0;
	ret = wait_on_bit_lock(&swap->flags, VMLAB_SWAP_BUSY,
			       must ? TASK_UNINTERRUPTIBLE : TASK_KILLABLE);
	if (!ret) {
		ret = bring_in(region, pgoff, swap, must);
		vmlab_swap_unlock(swap);
	}
	vmlab_swap_release(swap);
	return ret;
}

/**
 * vmlab_swap_in_around - bring a page back, and more that may be wanted next
 * @region: the region
 * @pgoff: the page
 * @nr: how many pages from there on
 *
 * The others come only as far as there is room in the pool, and as they are where the first
 * was: not in memory.
 * Context: as vmlab_swap_in().
 * Return: as vmlab_swap_in() of the first.
 */
int vmlab_swap_in_around(struct vmlab_region *region, pgoff_t pgoff, unsigned int nr)
{
	int ret = vmlab_swap_in(region, pgoff, false);
	unsigned int i;

	for (i = 1; i < nr && !ret; i++) {
		if (!vmlab_pool_has_spare(region->pool) ||
		    vmlab_swap_in(region, pgoff + i, false))
			break;
	}
	return ret;
}

static bool is_stored(const struct vmlab_swap *swap, struct folio *folio)
{
	return swap->copy.flags & VMLAB_COPY_VALID &&
	       !test_bit(VMLAB_SWAP_WRITTEN, &swap->flags) && !folio_test_dirty(folio);
}

/* The content is in the store: the page can go. */
static void drop_folio(struct vmlab_swap *swap, struct folio *folio)
{
	struct vmlab_pool *pool = swap->pool;
	bool content;

	spin_lock(&pool->slots_lock);
	swap->folio = NULL;
	content = !swap->tags;	/* nobody wants it any more */
	spin_unlock(&pool->slots_lock);
	free_folio(folio, content);
	vmlab_swap_release(swap);
}

/**
 * vmlab_swap_out - store the content of a page that is in no leaf any more, and free it
 * @swap: its swap: caller has BUSY, and a reference
 * @folio: the page, not locked: the reference of all shares is the caller's, and goes
 *
 * Context: may sleep.
 * Return: 0; -ENOSPC, -ENOMEM, -EIO: the page is CACHED.
 */
int vmlab_swap_out(struct vmlab_swap *swap, struct folio *folio)
{
	struct vmlab_pool *pool = swap->pool;
	bool wanted;
	int ret = 0;

	if (!is_stored(swap, folio)) {
		if (swap->copy.flags & VMLAB_COPY_VALID)
			vmlab_store_drop(pool->store, &swap->copy);
		swap->copy.flags = 0;
		ret = vmlab_store_page(pool->store, &folio->page, &swap->copy);
	}
	if (!ret) {
		clear_bit(VMLAB_SWAP_WRITTEN, &swap->flags);
		drop_folio(swap, folio);
		return 0;
	}
	spin_lock(&pool->policy_lock);
	spin_lock(&pool->slots_lock);
	wanted = swap->tags;
	if (wanted)
		set_bit(VMLAB_SWAP_CACHED, &swap->flags);
	else
		forget_folio(swap);
	spin_unlock(&pool->slots_lock);
	spin_unlock(&pool->policy_lock);
	if (!wanted) {
		free_folio(folio, true);
		vmlab_swap_release(swap);
	}
	return ret;
}
