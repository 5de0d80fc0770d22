// SPDX-License-Identifier: GPL-2.0
/*
 * Reclaim: how many pages of a pool, or which ones of a region, leave memory. How one does is
 * in victim.c, who wants that so that there is room in room.c.
 */
#include "reclaim.h"

#include <linux/completion.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "noio.h"
#include "pool.h"
#include "region.h"
#include "store.h"
#include "victim.h"

/* After so many pages that the store did not take, those alone are tried that it has already. */
#define FUTILE 64

/**
 * vmlab_reclaim - evict pages of a pool
 * @pool: the pool; it has a policy
 * @nr: how many
 *
 * Gives up when all pages were looked at three times. A page that was referenced is spared, and
 * once more if it was referenced again; the third time that does not matter: where all are in use
 * all the time, one of these has to leave.
 * Context: may sleep. Caller holds reclaim_lock, and no lock of a region's, but the inode
 * lock, and mmap_lock.
 * Return: how many have gone.
 */
long vmlab_reclaim(struct vmlab_pool *pool, long nr)
{
	long frames = atomic_long_read(&pool->frames), left = 3 * frames + VMLAB_VICTIMS, gone = 0;
	long enough = atomic_long_read(&pool->store_errors) + FUTILE;
	struct vmlab_victim victims[VMLAB_VICTIMS];
	unsigned int tried = 1;

	lockdep_assert_held(&pool->reclaim_lock);
	while (gone < nr && left > 0 && tried && !fatal_signal_pending(current)) {
		tried = vmlab_victims_choose(pool, victims, min_t(long, nr - gone, VMLAB_VICTIMS),
					     atomic_long_read(&pool->store_errors) >= enough,
					     left <= frames);
		gone += vmlab_victims_evict(pool, victims, tried, true);
		left -= tried;
		cond_resched();
	}
	return gone;
}

/**
 * vmlab_reclaim_try - evict pages of a pool without waiting for locks of it or its regions
 * @pool: the pool; it has a policy, and a store that is not for workers only
 * @nr: how many are looked at, as far as that can be done at once
 *
 * Context: memory is being reclaimed, by whoever wants some, whatever he holds.
 * Return: how many have gone.
 */
long vmlab_reclaim_try(struct vmlab_pool *pool, unsigned int nr)
{
	struct vmlab_victim victims[VMLAB_VICTIMS];
	long gone;

	if (!mutex_trylock(&pool->reclaim_lock))
		return 0;
	nr = vmlab_victims_choose(pool, victims, min_t(unsigned int, nr, VMLAB_VICTIMS),
				  false, false);
	gone = vmlab_victims_evict(pool, victims, nr, false);
	mutex_unlock(&pool->reclaim_lock);
	return gone;
}

/* Evicts what a region has in [*first, last]. Returns 0, or -EINTR after a signal. */
static int evict_range(struct vmlab_region *region, pgoff_t first, pgoff_t last, u64 *gone,
		       const bool *given_up)
{
	struct vmlab_pool *pool = region->pool;
	struct vmlab_victim victims[VMLAB_VICTIMS];
	unsigned int nr;

	do {
		if (mutex_lock_killable(&pool->reclaim_lock))
			return -EINTR;
		nr = vmlab_victims_choose_in_range(region, &first, last, victims, VMLAB_VICTIMS);
		/* Who waited for it may look any time. */
		WRITE_ONCE(*gone, *gone + vmlab_victims_evict(pool, victims, nr, true));
		mutex_unlock(&pool->reclaim_lock);
		if (signal_pending(current) || READ_ONCE(*given_up))
			return -EINTR;
	} while (nr == VMLAB_VICTIMS);
	return 0;
}

/**
 * struct evict_request - a range that a worker evicts
 * @work: queued
 * @refs: the worker's, and that of who waits
 * @done: when it has ended
 * @region: kept by its @carried
 * @first: the first page
 * @last: the last one
 * @gone: how many have gone
 * @given_up: nobody waits any more
 */
struct evict_request {
	struct work_struct work;
	refcount_t refs;
	struct completion done;
	struct vmlab_region *region;
	pgoff_t first;
	pgoff_t last;
	u64 gone;
	bool given_up;
};

static void put_request(struct evict_request *request)
{
	if (refcount_dec_and_test(&request->refs))
		kfree(request);
}

static void serve_evict(struct work_struct *work)
{
	struct evict_request *request = container_of(work, struct evict_request, work);
	struct vmlab_region *region = request->region;
	unsigned int flags = vmlab_noio_begin();

	evict_range(region, request->first, request->last, &request->gone, &request->given_up);
	vmlab_noio_end(flags);
	complete(&request->done);
	put_request(request);
	vmlab_region_put_carried(region);
}

/* The same by a worker: an output that is under way does not end with who began it. */
static int have_evicted(struct vmlab_region *region, pgoff_t first, pgoff_t last, u64 *gone)
{
	struct evict_request *request = kzalloc(sizeof(*request), GFP_KERNEL);
	int ret;

	if (!request)
		return -ENOMEM;
	refcount_set(&request->refs, 2);
	init_completion(&request->done);
	atomic_long_inc(&region->carried);
	request->region = region;
	request->first = first;
	request->last = last;
	INIT_WORK(&request->work, serve_evict);
	queue_work(region->pool->store->wq, &request->work);
	ret = wait_for_completion_interruptible(&request->done) ? -EINTR : 0;
	WRITE_ONCE(request->given_up, ret);
	*gone = READ_ONCE(request->gone);
	put_request(request);
	return ret;
}

/**
 * vmlab_reclaim_range - evict pages of a region
 * @region: the region
 * @first: the first page
 * @last: the last one
 * @gone: set to how many have gone
 *
 * Those that are in use stay.
 * Context: may sleep; no lock held.
 * Return: 0, -EINTR, -ENOMEM.
 */
int vmlab_reclaim_range(struct vmlab_region *region, pgoff_t first, pgoff_t last, u64 *gone)
{
	static const bool never;

	*gone = 0;
	if (vmlab_store_waits(region->pool->store))
		return have_evicted(region, first, last, gone);
	return evict_range(region, first, last, gone, &never);
}

/**
 * vmlab_reclaim_age - forget that a page was referenced
 * @region: the region
 * @pgoff: the page
 *
 * Context: may sleep.
 * Return: 1 if it was, as far as the region's own mappings tell, or 0.
 */
int vmlab_reclaim_age(struct vmlab_region *region, pgoff_t pgoff)
{
	return vmlab_victim_test_young(region, pgoff);
}
