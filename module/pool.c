// SPDX-License-Identifier: GPL-2.0
/* How many pages there may be: of all regions together, and of those of a pool. */
#include "pool.h"

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "latency.h"
#include "policy/policy.h"
#include "policy_list.h"
#include "region.h"
#include "room.h"
#include "store.h"
#include "tiers.h"

static unsigned long max_pages;
module_param(max_pages, ulong, 0644);
MODULE_PARM_DESC(max_pages, "cap on the pages of all regions together (default: half of RAM)");

static atomic_long_t total_pages = ATOMIC_LONG_INIT(0);

/* Where pools reclaim, and end. */
static struct workqueue_struct *pool_wq;

int vmlab_pages_init(void)
{
	if (!max_pages)
		max_pages = totalram_pages() / 2;
	pool_wq = alloc_workqueue("vmlab_pool", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return pool_wq ? 0 : -ENOMEM;
}

/* All regions are gone; the last pools end here. */
void vmlab_pages_exit(void)
{
	destroy_workqueue(pool_wq);
}

u64 vmlab_pages_total(void)
{
	return atomic_long_read(&total_pages);
}

u64 vmlab_pages_max(void)
{
	return READ_ONCE(max_pages);
}

/* How many more pages the limit of @pool allows. */
u64 vmlab_pool_pages_left(struct vmlab_pool *pool)
{
	return max(READ_ONCE(pool->max_pages) - atomic_long_read(&pool->pages), 0L);
}

/* How many more pages could be had for a region, as far as the cap and its pool go. */
u64 vmlab_pages_left(struct vmlab_pool *pool)
{
	u64 max = vmlab_pages_max();
	u64 total = vmlab_pages_total();

	if (READ_ONCE(pool->swapping))	/* what is more than memory allows, its store has */
		return vmlab_pool_pages_left(pool);
	return min(total < max ? max - total : 0, vmlab_pool_pages_left(pool));
}

/* take(), where that is not all, or others count, too. */
static noinline unsigned int take_some(atomic_long_t *used, long max, unsigned int least,
				       unsigned int nr)
{
	long old = atomic_long_read(used), fit;

	do {
		fit = clamp(max - old, 0L, (long)nr);
		if (unlikely(fit < least))
			return 0;
	} while (!atomic_long_try_cmpxchg(used, &old, old + fit));
	return fit;
}

/*
 * Counts up to @nr of something against @max, but no less than @least. Returns how many; never
 * are there more for a moment, which others would hear of as a limit.
 */
static __always_inline unsigned int take(atomic_long_t *used, long max, unsigned int least,
					 unsigned int nr)
{
	long old = atomic_long_read(used);

	if (likely(max - old >= (long)nr && atomic_long_try_cmpxchg(used, &old, old + nr)))
		return nr;
	return take_some(used, max, least, nr);
}

/* Has pages reclaimed in the background. */
void vmlab_pool_wake_reclaim(struct vmlab_pool *pool)
{
	bool waits = vmlab_store_waits(pool->store);

	vmlab_pool_get(pool);
	if (!queue_work(waits ? pool->store->wq : pool_wq, &pool->reclaim_work))
		vmlab_pool_put(pool);
}

/* The same if the budget is nearly reached. */
static void wake_reclaim(struct vmlab_pool *pool)
{
	if (vmlab_pool_frames_left(pool) < READ_ONCE(pool->low) &&
	    !work_pending(&pool->reclaim_work))
		vmlab_pool_wake_reclaim(pool);
}

/**
 * vmlab_pool_charge - count pages that are to carry the mapping of a region
 * @pool: the region's pool
 * @least: none unless so many fit, at least one
 * @nr: at most so many
 *
 * Against the cap on all pages, and the limit and the budget of the pool.
 * Context: any.
 * Return: how many.
 */
unsigned int vmlab_pool_charge(struct vmlab_pool *pool, unsigned int least, unsigned int nr)
{
	long cap = min_t(unsigned long, READ_ONCE(max_pages), LONG_MAX);
	unsigned int allowed = take(&pool->pages, READ_ONCE(pool->max_pages), least, nr);
	unsigned int frames, got;

	frames = allowed ? take(&pool->frames, READ_ONCE(pool->budget), least, allowed) : 0;
	got = frames ? take(&total_pages, cap, least, frames) : 0;
	if (unlikely(got < frames))
		atomic_long_sub(frames - got, &pool->frames);
	if (unlikely(got < allowed))
		atomic_long_sub(allowed - got, &pool->pages);
	if (unlikely(READ_ONCE(pool->swapping)))
		wake_reclaim(pool);
	return got;
}

/* Why vmlab_pool_charge() gave nothing: -EAGAIN if reclaim may help, or -ENOSPC. */
int vmlab_pool_full_error(const struct vmlab_pool *pool)
{
	if (READ_ONCE(pool->swapping) &&
	    atomic_long_read(&pool->pages) < READ_ONCE(pool->max_pages))
		return -EAGAIN;
	return -ENOSPC;
}

/* May another page come into memory, as far as the budget and the cap on all pages go? */
bool vmlab_pool_has_room(const struct vmlab_pool *pool)
{
	return vmlab_pool_frames_left(pool) > 0 && vmlab_pages_total() < vmlab_pages_max();
}

/**
 * vmlab_pool_gfp - how to ask for memory while a lock of a region's is held
 * @pool: its pool
 *
 * Where pages can leave for it memory is not waited for: they cannot as long as the lock is held,
 * and who waited with it would be in everybody's way.
 * Context: any.
 * Return: the flags. After a failure vmlab_pool_no_memory() tells what to do.
 */
gfp_t vmlab_pool_gfp(const struct vmlab_pool *pool)
{
	if (READ_ONCE(pool->swapping))
		return (VMLAB_GFP & ~__GFP_DIRECT_RECLAIM) | __GFP_NOWARN;
	return VMLAB_GFP;
}

/* There was no memory by @gfp: -EAGAIN if vmlab_room_make() is to wait for some, or -ENOMEM. */
int vmlab_pool_no_memory(struct vmlab_pool *pool, gfp_t gfp)
{
	if (gfp & __GFP_DIRECT_RECLAIM)
		return -ENOMEM;
	WRITE_ONCE(pool->refused_memory, true);
	return -EAGAIN;
}

/* A page comes back into memory; returns whether the budget, and the cap, allow that. */
bool vmlab_pool_charge_frame(struct vmlab_pool *pool)
{
	long cap = min_t(unsigned long, READ_ONCE(max_pages), LONG_MAX);
	bool charged = take(&pool->frames, READ_ONCE(pool->budget), 1, 1);

	if (charged && !take(&total_pages, cap, 1, 1)) {
		atomic_long_dec(&pool->frames);
		charged = false;
	}
	wake_reclaim(pool);
	return charged;
}

void vmlab_pool_charge_frame_anyway(struct vmlab_pool *pool)
{
	atomic_long_inc(&total_pages);
	atomic_long_inc(&pool->frames);
	wake_reclaim(pool);
}

/* A page is in memory no more. */
void vmlab_pool_uncharge_frame(struct vmlab_pool *pool)
{
	atomic_long_dec(&total_pages);
	atomic_long_dec(&pool->frames);
}

/* A page that is not in memory is none of the pool's any more. */
void vmlab_pool_uncharge_content(struct vmlab_pool *pool)
{
	atomic_long_dec(&pool->pages);
}

/* The same, whatever the limits are. */
void vmlab_pool_charge_anyway(struct vmlab_pool *pool, unsigned int nr)
{
	atomic_long_add(nr, &total_pages);
	atomic_long_add(nr, &pool->frames);
	atomic_long_add(nr, &pool->pages);
}

/* So many pages less carry the mapping of a region of @pool, or are gone. */
void vmlab_pool_uncharge(struct vmlab_pool *pool, unsigned int nr)
{
	atomic_long_sub(nr, &total_pages);
	atomic_long_sub(nr, &pool->frames);
	atomic_long_sub(nr, &pool->pages);
}

static void free_pool(struct work_struct *work)
{
	struct vmlab_pool *pool = container_of(work, struct vmlab_pool, free_work);

	vmlab_pool_unregister(pool);
	if (pool->policy)
		vmlab_policy_end(pool->policy);
	if (pool->store)
		vmlab_store_free(pool->store);
	vmlab_tiers_free(pool->tiers);
	kfree(pool->workingset);
	vmlab_latency_free(pool);
	kfree(pool);
}

/**
 * vmlab_pool_new - a pool that nothing is counted in
 * @max_pages: its limit of pages
 * @max_inodes: its limit of inodes
 * @huge: enum vmlab_huge_policy
 *
 * Context: may sleep.
 * Return: a reference for the caller, or NULL.
 */
struct vmlab_pool *vmlab_pool_new(long max_pages, long max_inodes, unsigned int huge)
{
	struct vmlab_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	refcount_set(&pool->refs, 1);
	pool->max_pages = max_pages;
	pool->max_inodes = max_inodes;
	pool->huge = huge;
	spin_lock_init(&pool->slots_lock);
	mutex_init(&pool->regions_lock);
	INIT_LIST_HEAD(&pool->regions);
	pool->budget = VMLAB_POOL_UNLIMITED;
	spin_lock_init(&pool->policy_lock);
	mutex_init(&pool->reclaim_lock);
	mutex_init(&pool->config_lock);
	INIT_WORK(&pool->reclaim_work, vmlab_room_work);
	init_waitqueue_head(&pool->room);
	INIT_WORK(&pool->free_work, free_pool);
	return pool;
}

/* Another reference. @pool may be NULL. */
struct vmlab_pool *vmlab_pool_get(struct vmlab_pool *pool)
{
	if (pool)
		refcount_inc(&pool->refs);
	return pool;
}

/* Gives up a reference. @pool may be NULL. Any context. */
void vmlab_pool_put(struct vmlab_pool *pool)
{
	if (!pool || !refcount_dec_and_test(&pool->refs))
		return;
	if (pool->id)
		queue_work(pool_wq, &pool->free_work);	/* that may sleep */
	else
		kfree(pool);
}

/* A region becomes one of its pool's. It has no pages yet. May sleep. */
void vmlab_pool_join(struct vmlab_region *region)
{
	struct vmlab_pool *pool = region->pool;

	region->index.slots_lock = &pool->slots_lock;
	mutex_lock(&pool->regions_lock);
	list_add_tail(&region->pool_node, &pool->regions);
	mutex_unlock(&pool->regions_lock);
}

/* It will have no more pages than it has. It keeps its reference. May sleep. */
void vmlab_pool_leave(struct vmlab_region *region)
{
	if (!region->index.slots_lock)
		return;		/* it is no region */
	mutex_lock(&region->pool->regions_lock);
	list_del_init(&region->pool_node);
	vmlab_pool_count_faults(region, region->pool->gone);
	mutex_unlock(&region->pool->regions_lock);
}

/**
 * vmlab_pool_take_inodes - count inodes, or what counts as such
 * @pool: the pool
 * @nr: how many
 *
 * Context: any.
 * Return: -ENOSPC if the limit does not allow all of them: then none is counted.
 */
int vmlab_pool_take_inodes(struct vmlab_pool *pool, unsigned int nr)
{
	return take(&pool->inodes, READ_ONCE(pool->max_inodes), nr, nr) == nr ? 0 : -ENOSPC;
}

void vmlab_pool_give_inodes(struct vmlab_pool *pool, unsigned int nr)
{
	atomic_long_sub(nr, &pool->inodes);
}
