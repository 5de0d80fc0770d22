// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of a pool with a budget: what is known of each, and bringing its content to the store.
 *
 *              swap out (invalidate_lock exclusive, folio lock; then BUSY)
 *   RESIDENT ----------------------------------> STORED
 *            <----------------------------------
 *              swap in (invalidate_lock shared, BUSY)
 *
 * Who chooses the pages that are to go is in victim.c. When a page is taken out of its
 * slots, the content is still in it; then it is stored, and the page freed. If that fails it
 * stays as it is, CACHED: whoever needs it takes it from here. The way back is in swap_in.c.
 *
 * Locks: BUSY is waited for while invalidate_lock is held shared; who has it waits for no
 * such lock. slots_lock is inside policy_lock, and only the locks of pressure.c's list inside it.
 */
#include "swap.h"

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "compat.h"
#include "index.h"
#include "page.h"
#include "pool.h"
#include "pressure.h"
#include "region.h"
#include "tiers.h"

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
	if (!list_empty(&swap->lru)) {
		spin_lock(&pool->slots_lock);
		vmlab_tiers_forget(swap);
		spin_unlock(&pool->slots_lock);
	}
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
	list_lru_del_obj(&vmlab_pressure_lru, &swap->lru);
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

/*
 * Its page is one that may leave: the policy knows of it from now on, and so does who is short of
 * memory. Caller holds policy_lock.
 */
void vmlab_swap_admit(struct vmlab_swap *swap)
{
	vmlab_policy_missed(swap->pool->policy, &swap->entry);
	vmlab_policy_inserted(swap->pool->policy, &swap->entry);
	list_lru_add_obj(&vmlab_pressure_lru, &swap->lru);
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
	struct vmlab_swap *swap;

	/* Charged to the same memory cgroup as the page, it can be on that one's list. */
	swap = kmem_cache_alloc_lru(swap_cache, &vmlab_pressure_lru, gfp | __GFP_ZERO);
	if (!swap)
		return -ENOMEM;
	vmlab_entry_init(&swap->entry);
	INIT_LIST_HEAD(&swap->lru);
	refcount_set(&swap->refs, 1);
	swap->pool = vmlab_pool_get(pool);
	swap->folio = folio;
	vmlab_folio_set_swap(folio, swap);
	spin_lock(&pool->policy_lock);
	vmlab_swap_admit(swap);
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
	list_lru_del_obj(&vmlab_pressure_lru, &swap->lru);
	swap->folio = NULL;
	vmlab_tiers_stored(swap);
	content = !swap->tags;	/* nobody wants it any more */
	spin_unlock(&pool->slots_lock);
	free_folio(folio, content);
	vmlab_swap_release(swap);
}

/**
 * vmlab_swap_begin_out - see whether the content of a page has to be stored for it to go
 * @swap: its swap: caller has BUSY, and a reference
 * @folio: the page, in no leaf any more, not locked: the reference of all shares is the caller's
 * @job: set to what is to be done
 *
 * Either way vmlab_swap_end_out() is due.
 * Context: may sleep.
 * Return: is there anything to be done?
 */
bool vmlab_swap_begin_out(struct vmlab_swap *swap, struct folio *folio,
			  struct vmlab_store_job *job)
{
	if (is_stored(swap, folio))
		return false;
	if (swap->copy.flags & VMLAB_COPY_VALID)
		vmlab_store_drop(swap->pool->store, &swap->copy);
	swap->copy.flags = 0;
	*job = (struct vmlab_store_job){ .page = &folio->page, .copy = &swap->copy };
	return true;
}

/**
 * vmlab_swap_end_out - free a page that is stored
 * @swap: its swap, as for vmlab_swap_begin_out()
 * @folio: the page; the reference goes
 * @ret: what became of the job; not 0: the page stays, CACHED
 *
 * Context: may sleep.
 */
void vmlab_swap_end_out(struct vmlab_swap *swap, struct folio *folio, int ret)
{
	struct vmlab_pool *pool = swap->pool;
	bool wanted;

	if (!ret) {
		clear_bit(VMLAB_SWAP_WRITTEN, &swap->flags);
		drop_folio(swap, folio);
		return;
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
}
