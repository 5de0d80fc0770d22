// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of a pool with a budget that come back: their content is brought into memory, by who wants
 * it or by a worker, where it is CACHED first, and from there into the indexes that name it.
 * swap.c has the states and the locks.
 */
#include <linux/completion.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "index.h"
#include "noio.h"
#include "page.h"
#include "pool.h"
#include "region.h"
#include "stats.h"
#include "swap.h"
#include "tiers.h"
#include "trace.h"
#include "workingset.h"

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

/* Why content is to come back. */
enum cause {
	AHEAD,	/* it may be wanted next */
	WANTED,
	BEYOND,	/* the same, though that may exceed the budget */
	MUST,	/* who wants it cannot do without, and cannot be killed either */
};

/* A page for content that comes back, which is charged; or an ERR_PTR(). */
static struct folio *alloc_frame(struct vmlab_pool *pool, enum cause cause)
{
	gfp_t gfp = cause >= BEYOND ? VMLAB_GFP : vmlab_pool_gfp(pool);
	struct folio *folio;

	if (cause >= BEYOND)
		vmlab_pool_charge_frame_anyway(pool);
	else if (!vmlab_pool_charge_frame(pool))
		return ERR_PTR(-EAGAIN);
	folio = folio_alloc(gfp | (cause == MUST ? __GFP_NOFAIL : 0), 0);
	if (!folio) {
		vmlab_pool_uncharge_frame(pool);
		return ERR_PTR(cause == AHEAD ? -ENOMEM : vmlab_pool_no_memory(pool, gfp));
	}
	return folio;
}

static void free_frame(struct vmlab_pool *pool, struct folio *folio)
{
	vmlab_pool_uncharge_frame(pool);
	folio_put(folio);
}

/* When content began to come back, for the tracepoint alone: nobody else pays for the clock. */
static u64 read_begins(void)
{
	return trace_vmlab_swap_in_enabled() ? ktime_get_ns() : 0;
}

static u64 since(u64 begun)
{
	return begun ? ktime_get_ns() - begun : 0;
}

/*
 * A page that has the content now becomes CACHED; or goes, if no slot names that any more. Caller
 * has BUSY.
 */
static void install(struct vmlab_region *region, pgoff_t pgoff, struct vmlab_swap *swap,
		    struct folio *folio, u64 begun)
{
	struct vmlab_pool *pool = swap->pool;
	unsigned long distance = 0, frames = atomic_long_read(&pool->frames);
	bool wanted;

	vmlab_page_init(region, pgoff, folio);
	atomic_long_set(vmlab_page_sharers(folio), 0);
	vmlab_folio_set_swap(folio, swap);
	clear_bit(VMLAB_SWAP_WRITTEN, &swap->flags);
	spin_lock(&pool->policy_lock);
	spin_lock(&pool->slots_lock);
	vmlab_tiers_forget(swap);
	wanted = swap->tags;
	if (wanted) {
		atomic_long_inc(&region->carried);
		refcount_inc(&swap->refs);
		vmlab_swap_admit(swap);
		distance = atomic_long_read(&pool->evicted) - swap->evicted;
		vmlab_workingset_refault(pool->workingset, distance, frames);
		swap->folio = folio;
		set_bit(VMLAB_SWAP_CACHED, &swap->flags);
	}
	spin_unlock(&pool->slots_lock);
	spin_unlock(&pool->policy_lock);
	if (wanted) {
		vmlab_count(region, VMLAB_SWAPPED_IN, 1);
		trace_vmlab_swap_in(region->id, pgoff, distance, frames, since(begun));
	} else {
		folio->mapping = NULL;
		vmlab_folio_set_swap(folio, NULL);
		free_frame(pool, folio);
	}
}

/* Fills a page with what the store has. Caller has BUSY. Returns 0 or an errno. */
static int fill(struct vmlab_region *region, pgoff_t pgoff, struct vmlab_swap *swap,
		struct folio *folio, enum cause cause, u64 begun)
{
	struct vmlab_pool *pool = swap->pool;
	int ret = vmlab_store_load(pool->store, &swap->copy, &folio->page);

	if (ret) {
		free_frame(pool, folio);
		return ret;
	}
	/* The store may have been full, or its first tier is: now it is less so. */
	if (cause >= BEYOND || vmlab_tiers_want_room(swap))
		vmlab_store_drop(pool->store, &swap->copy);
	install(region, pgoff, swap, folio, begun);
	return 0;
}

/**
 * struct read_request - content that a worker brings back
 * @work: queued
 * @refs: the worker's, and that of who waits
 * @done: when it has ended
 * @ret: then: 0 or an errno
 * @region: kept by its @carried
 * @pgoff: where it will be there
 * @swap: a reference, BUSY
 * @folio: the page, charged
 * @cause: why
 * @begun: when it was queued, if anybody traces that
 */
struct read_request {
	struct work_struct work;
	refcount_t refs;
	struct completion done;
	int ret;
	struct vmlab_region *region;
	pgoff_t pgoff;
	struct vmlab_swap *swap;
	struct folio *folio;
	enum cause cause;
	u64 begun;
};

static void put_request(struct read_request *request)
{
	if (refcount_dec_and_test(&request->refs))
		kfree(request);
}

static void serve_read(struct work_struct *work)
{
	struct read_request *request = container_of(work, struct read_request, work);
	struct vmlab_swap *swap = request->swap;
	unsigned int flags = vmlab_noio_begin();

	request->ret = fill(request->region, request->pgoff, swap, request->folio,
			    request->cause, request->begun);
	vmlab_noio_end(flags);
	vmlab_swap_unlock(swap);
	vmlab_region_put_carried(request->region);
	complete(&request->done);
	put_request(request);
	vmlab_swap_release(swap);	/* and with it, perhaps, the pool */
}

/*
 * Has a worker bring the content back; BUSY is its then. Returns the request, which is the
 * caller's to wait for or to put; or an ERR_PTR().
 */
static struct read_request *begin_read(struct vmlab_region *region, pgoff_t pgoff,
				       struct vmlab_swap *swap, enum cause cause)
{
	const gfp_t must = cause == MUST ? __GFP_NOFAIL : 0;
	struct read_request *request;
	struct folio *folio = alloc_frame(swap->pool, cause);

	if (IS_ERR(folio))
		return ERR_CAST(folio);
	request = kmalloc(sizeof(*request), GFP_KERNEL | must);
	if (!request) {
		free_frame(swap->pool, folio);
		return ERR_PTR(-ENOMEM);
	}
	*request = (struct read_request){
		.region = region,
		.pgoff = pgoff,
		.swap = swap,
		.folio = folio,
		.cause = cause,
		.begun = read_begins(),
	};
	refcount_set(&request->refs, 2);
	init_completion(&request->done);
	atomic_long_inc(&region->carried);
	refcount_inc(&swap->refs);
	INIT_WORK(&request->work, serve_read);
	queue_work(swap->pool->store->read_wq, &request->work);
	return request;
}

/* Waits for it, as far as that goes. */
static int end_read(struct read_request *request)
{
	int ret = -EINTR;

	if (request->cause == MUST)
		wait_for_completion(&request->done);
	if (request->cause == MUST || !wait_for_completion_killable(&request->done))
		ret = request->ret;
	put_request(request);
	return ret;
}

/* Is there content that only a worker may bring back? Caller has BUSY. */
static bool is_far(const struct vmlab_swap *swap)
{
	return !READ_ONCE(swap->folio) && vmlab_store_is_far(swap->pool->store, &swap->copy);
}

/* Is the content in no page, and does it come back without input? */
bool vmlab_swap_wants_frame(const struct vmlab_swap *swap)
{
	/* By the time that is known it may have changed. */
	bool valid = data_race(swap->copy.flags & VMLAB_COPY_VALID);

	return valid && !READ_ONCE(swap->folio) &&
	       !vmlab_store_is_far(swap->pool->store, &swap->copy);
}

/* Brings the content out of the store into a page. Caller has BUSY. Returns 0 or an errno. */
static int load(struct vmlab_region *region, pgoff_t pgoff, struct vmlab_swap *swap,
		enum cause cause)
{
	struct folio *folio = alloc_frame(swap->pool, cause);

	if (IS_ERR(folio))
		return PTR_ERR(folio);
	return fill(region, pgoff, swap, folio, cause, read_begins());
}

/*
 * Caller has BUSY, and it is not far. Returns 0 if there is something to look at again, or an
 * errno.
 */
static int bring_in(struct vmlab_region *region, pgoff_t pgoff, struct vmlab_swap *swap,
		    enum cause cause)
{
	struct folio *folio = share_folio(swap);
	int ret;

	if (!folio) {
		ret = load(region, pgoff, swap, cause);
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

/* Brings it in from afar, beyond the budget. Caller has BUSY, which goes. */
static int bring_in_from_afar(struct vmlab_region *region, pgoff_t pgoff,
			      struct vmlab_swap *swap)
{
	struct read_request *request = begin_read(region, pgoff, swap, MUST);

	return end_read(request);
}

/**
 * vmlab_swap_in - bring a page that is not in memory back into an index
 * @region: the index's region
 * @pgoff: the page
 * @must: do not fail for want of memory; that may exceed the budget
 *
 * Context: may sleep. Caller holds invalidate_lock, at least shared.
 * Return: 0: look again; -EAGAIN if the budget does not allow it, memory is short or, unless @must,
 * only a worker can do it, or does: vmlab_page_make_room() sees to that; -ENOMEM, -EINTR, -EIO: the
 * store has lost it.
 */
int vmlab_swap_in(struct vmlab_region *region, pgoff_t pgoff, bool must)
{
	struct vmlab_swap *swap = vmlab_index_get_swap(&region->index, pgoff);
	int ret = 0;

	if (!swap)
		return 0;
	if (!must && vmlab_store_waits(swap->pool->store))
		ret = vmlab_swap_trylock(swap) ? 0 : -EAGAIN;
	else
		ret = wait_on_bit_lock(&swap->flags, VMLAB_SWAP_BUSY,
				       must ? TASK_UNINTERRUPTIBLE : TASK_KILLABLE);
	if (!ret && is_far(swap) && must) {
		ret = bring_in_from_afar(region, pgoff, swap);
	} else if (!ret) {
		ret = -EAGAIN;
		if (!is_far(swap))
			ret = bring_in(region, pgoff, swap, must ? MUST : WANTED);
		vmlab_swap_unlock(swap);
	}
	vmlab_swap_release(swap);
	return ret;
}

/**
 * vmlab_swap_fetch - have content that only a worker can bring back brought into memory
 * @region: the region
 * @pgoff: the page
 * @beyond: that may exceed the budget
 *
 * It is in no slot then: vmlab_swap_in() finds it without waiting.
 * Context: may sleep, until a signal is fatal. No lock of the region's held, but the inode lock;
 * and mmap_lock, though better not.
 * Return: 0: it is, or there is nothing to be brought back; -EAGAIN: the budget does not allow it,
 * or memory is short; -ENOMEM, -EINTR, -EIO: the store has lost it.
 */
int vmlab_swap_fetch(struct vmlab_region *region, pgoff_t pgoff, bool beyond)
{
	struct vmlab_swap *swap = vmlab_index_get_swap(&region->index, pgoff);
	struct read_request *request;
	int ret = 0;

	if (!swap)
		return 0;
	/* A page on its way out is waited for, too: who needs it would ask over and over. */
	ret = wait_on_bit_lock(&swap->flags, VMLAB_SWAP_BUSY, TASK_KILLABLE) ? -EINTR : 0;
	if (ret)
		goto release;
	request = is_far(swap) ? begin_read(region, pgoff, swap, beyond ? BEYOND : WANTED) : NULL;
	if (IS_ERR_OR_NULL(request))
		vmlab_swap_unlock(swap);
	ret = IS_ERR_OR_NULL(request) ? PTR_ERR_OR_ZERO(request) : end_read(request);
release:
	vmlab_swap_release(swap);
	return ret;
}

/*
 * Has a page brought in that may be wanted next; @far: only if a worker has to do it. Returns
 * whether to go on.
 */
static bool read_ahead(struct vmlab_region *region, pgoff_t pgoff, bool far)
{
	struct vmlab_swap *swap = vmlab_index_get_swap(&region->index, pgoff);
	struct read_request *request;
	bool go_on = true;

	if (!swap)
		return true;
	if (READ_ONCE(swap->folio) || !vmlab_swap_trylock(swap))
		goto release;
	if (is_far(swap)) {
		request = begin_read(region, pgoff, swap, AHEAD);
		go_on = !IS_ERR(request);
		if (go_on)
			put_request(request);
		else
			vmlab_swap_unlock(swap);
	} else {
		go_on = far || !bring_in(region, pgoff, swap, AHEAD);
		vmlab_swap_unlock(swap);
	}
release:
	vmlab_swap_release(swap);
	return go_on;
}

/**
 * vmlab_swap_read_ahead - have pages brought in that will be wanted next
 * @region: the region
 * @pgoff: the first page
 * @nr: how many pages
 * @far: those alone that only workers can bring in
 *
 * As far as there is room in the pool, without waiting for those that workers bring in.
 * Context: may sleep. Caller holds invalidate_lock shared.
 */
void vmlab_swap_read_ahead(struct vmlab_region *region, pgoff_t pgoff, unsigned int nr, bool far)
{
	while (nr-- && vmlab_pool_has_spare(region->pool) && read_ahead(region, pgoff, far))
		pgoff++;
}

/**
 * vmlab_swap_in_around - bring a page back, and more that may be wanted next
 * @region: the region
 * @pgoff: the page
 * @nr: how many pages from there on
 *
 * The others come only as far as there is room in the pool, and as they are where the first
 * was: not in memory. If a worker has to bring in the first, it is told so at once.
 * Context: as vmlab_swap_in().
 * Return: as vmlab_swap_in() of the first.
 */
int vmlab_swap_in_around(struct vmlab_region *region, pgoff_t pgoff, unsigned int nr)
{
	int ret = vmlab_swap_in(region, pgoff, false);

	if (!ret)
		vmlab_swap_read_ahead(region, pgoff + 1, nr - 1, false);
	else if (ret == -EAGAIN && vmlab_store_waits(region->pool->store))
		vmlab_swap_read_ahead(region, pgoff, nr, false);
	return ret;
}
