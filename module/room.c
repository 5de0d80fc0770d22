// SPDX-License-Identifier: GPL-2.0
/*
 * Room in a pool's budget: who needs some has pages evicted, or waits for a worker who does; in
 * the background the worker sees to it that there mostly is some.
 */
#include "room.h"

#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "noio.h"
#include "pool.h"
#include "reclaim.h"
#include "store.h"
#include "victim.h"

/* How often, and for how long in between, it is tried to make room before an error is told. */
#define ROOM_TRIES 20
#define ROOM_PAUSE max(HZ / 100, 1)

/* How long who wants memory waits for a worker, which he may be in the way of. */
#define PRESS_PAUSE max(HZ / 50, 1)

/* What comes with a page, its swap and nodes of the index, may take one more each. */
#define MEMORY_PAGES 4

/* While the file system of a store is frozen: half a minute. */
#define FROZEN_TRIES 3000

/*
 * How many pages are to leave for now, one at least: so many that there is room for who comes
 * next, and no more. Policies count on the others to stay.
 */
static long shortage(const struct vmlab_pool *pool)
{
	return clamp(READ_ONCE(pool->high) - vmlab_pool_frames_left(pool), 1L, (long)VMLAB_VICTIMS);
}

/*
 * Is it in vain to wait? Not for pages that are in use just now; but where the store is full, a
 * page that it has will have its place there to give. @full: how often it was, before.
 */
static bool is_futile(const struct vmlab_pool *pool, bool stored, long full)
{
	return stored && atomic_long_read(&pool->store_full) != full;
}

/* Has a round of the worker's ended since there were so many? */
static bool has_ended(const struct vmlab_pool *pool, unsigned int rounds)
{
	return READ_ONCE(pool->rounds) != rounds;
}

/* Has the worker reclaim, and waits for that. Returns 0, or -EINTR. */
static int await_round(struct vmlab_pool *pool, bool (*enough)(const struct vmlab_pool *pool))
{
	unsigned int rounds = READ_ONCE(pool->rounds);
	int ret;

	atomic_long_set(&pool->wanted, shortage(pool));
	vmlab_pool_wake_reclaim(pool);
	ret = wait_event_killable(pool->room, enough(pool) || has_ended(pool, rounds));
	return ret ? -EINTR : 0;
}

/* The same by a worker, who may wait for what the caller's locks are in the way of. */
static int await_room(struct vmlab_pool *pool, bool stored)
{
	long full = atomic_long_read(&pool->store_full);
	unsigned int tries = ROOM_TRIES, frozen = FROZEN_TRIES, stuck;

	while (!vmlab_pool_has_room(pool)) {
		if (!tries || is_futile(pool, stored, full))
			return -ENOSPC;
		stuck = READ_ONCE(pool->stuck);
		if (await_round(pool, vmlab_pool_has_room))
			return -EINTR;
		/* Or others have taken what there was, or the budget was lowered. */
		if (READ_ONCE(pool->stuck) == stuck)
			continue;
		if (READ_ONCE(pool->frozen) && frozen)
			frozen--;
		else
			tries--;
		schedule_timeout_killable(ROOM_PAUSE);
	}
	return 0;
}

static bool within_budget(const struct vmlab_pool *pool)
{
	return vmlab_pool_frames_left(pool) >= 0;
}

/**
 * vmlab_room_excess - evict what a pool has in memory beyond its budget, as far as it can be
 * @pool: the pool; it has a policy
 *
 * Context: may sleep, until a signal is fatal; no lock of a region's or an address space's held.
 */
void vmlab_room_excess(struct vmlab_pool *pool)
{
	unsigned int stuck = READ_ONCE(pool->stuck);

	if (vmlab_store_waits(pool->store)) {
		while (!within_budget(pool) && READ_ONCE(pool->stuck) == stuck) {
			if (await_round(pool, within_budget))
				return;
		}
		return;
	}
	mutex_lock(&pool->reclaim_lock);
	while (!within_budget(pool)) {
		if (!vmlab_reclaim(pool, -vmlab_pool_frames_left(pool)))
			break;
	}
	mutex_unlock(&pool->reclaim_lock);
}

/* See vmlab_room_press(); waits for a worker no longer than @timeout. */
static long press(struct vmlab_pool *pool, unsigned int nr, long timeout)
{
	long evicted = atomic_long_read(&pool->evicted), errors, gone;
	unsigned int rounds = READ_ONCE(pool->rounds);

	if (!vmlab_store_waits(pool->store)) {
		errors = atomic_long_read(&pool->store_errors);
		gone = vmlab_reclaim_try(pool, nr);
		if (gone || atomic_long_read(&pool->store_errors) != errors)
			return gone;	/* else locks were in the way, or pages were spared */
	}
	atomic_long_set(&pool->pressed, nr);
	vmlab_pool_wake_reclaim(pool);
	if (!current_is_kswapd())
		wait_event_timeout(pool->room, has_ended(pool, rounds), timeout);
	return atomic_long_read(&pool->evicted) - evicted;
}

/**
 * vmlab_room_press - have pages of a pool evicted because the kernel is short of memory
 * @pool: the pool; it has a policy
 * @nr: how many
 *
 * What cannot be done at once a worker does: to write to a store in a file, and to wait for locks.
 * Who wants memory may have these, so that he waits for the worker no longer than for a moment; but
 * if he did not wait at all, he would be through with all that can be reclaimed, and somebody be
 * killed, before the worker has begun.
 * Context: as vmlab_reclaim_try().
 * Return: how many have gone meanwhile.
 */
long vmlab_room_press(struct vmlab_pool *pool, unsigned int nr)
{
	return press(pool, nr, PRESS_PAUSE);
}

/*
 * Waits for a page, as far as there is to be any: pages can leave now. The kernel asks pools by
 * what it knows of them (pressure.c); this one is asked in any case, for other pages of it may be
 * charged to who wants one. If that does not help, it is for the kernel to choose who is killed.
 */
static struct page *await_page(struct vmlab_pool *pool)
{
	unsigned int tries = ROOM_TRIES;
	struct page *page;

	do {
		page = alloc_page(VMLAB_GFP | __GFP_NORETRY | __GFP_NOWARN);
	} while (!page && tries-- && press(pool, VMLAB_VICTIMS, HZ));
	return page ?: alloc_page(VMLAB_GFP);
}

/* What is freed is there for who tries again. If it were less than he needs he would fail again. */
static int await_memory(struct vmlab_pool *pool)
{
	struct page *pages[MEMORY_PAGES];
	unsigned int nr = 0;
	bool enough;

	WRITE_ONCE(pool->refused_memory, false);
	while (nr < MEMORY_PAGES && (pages[nr] = await_page(pool)))
		nr++;
	enough = nr == MEMORY_PAGES;
	while (nr)
		__free_page(pages[--nr]);
	return enough ? 0 : -ENOMEM;
}

/**
 * vmlab_room_make - make room for a page, which the budget did not allow, or memory
 * @pool: the pool
 * @stored: the page is in the store
 *
 * Who finds that nothing can leave waits a little: pages may be in use for a moment only, and
 * a store that is full may have room again.
 * Context: may sleep. No lock of a region's held, but the inode lock, and mmap_lock.
 * Return: 0: try again; -ENOSPC: nothing can leave. -ENOMEM, -EINTR.
 */
int vmlab_room_make(struct vmlab_pool *pool, bool stored)
{
	long full = atomic_long_read(&pool->store_full);
	int tries, ret = -ENOSPC;

	if (READ_ONCE(pool->refused_memory))
		return await_memory(pool);
	if (vmlab_store_waits(pool->store))
		return await_room(pool, stored);
	if (mutex_lock_killable(&pool->reclaim_lock))
		return -EINTR;
	for (tries = ROOM_TRIES; tries && ret == -ENOSPC; tries--) {
		if (vmlab_pool_has_room(pool) || vmlab_reclaim(pool, shortage(pool)))
			ret = 0;
		else if (fatal_signal_pending(current))
			ret = -EINTR;
		else if (is_futile(pool, stored, full))
			tries = 1;
		else
			schedule_timeout_killable(ROOM_PAUSE);
	}
	mutex_unlock(&pool->reclaim_lock);
	return ret;
}

/* In the background. */
void vmlab_room_work(struct work_struct *work)
{
	struct vmlab_pool *pool = container_of(work, struct vmlab_pool, reclaim_work);
	unsigned int flags = vmlab_noio_begin();
	long missing, wanted, gone = 1;

	/*
	 * Where hardly anything can leave, that would be what has just come: who faulted on it is
	 * to use it before, or it would come and go for ever where there is one processor.
	 */
	if (pool->hard_pressed && !atomic_long_read(&pool->wanted))
		schedule_timeout_uninterruptible(1);
	while (gone) {
		mutex_lock(&pool->reclaim_lock);
		missing = READ_ONCE(pool->high) - vmlab_pool_frames_left(pool);
		wanted = atomic_long_xchg(&pool->wanted, 0);
		if (!vmlab_pool_has_room(pool))
			missing = max(missing, wanted);
		missing = max(missing, atomic_long_xchg(&pool->pressed, 0));
		gone = missing > 0 ? vmlab_reclaim(pool, min_t(long, missing, VMLAB_VICTIMS)) : 0;
		mutex_unlock(&pool->reclaim_lock);
		pool->hard_pressed = missing > 0 && !gone;
		if (pool->hard_pressed)
			WRITE_ONCE(pool->stuck, pool->stuck + 1);
		WRITE_ONCE(pool->rounds, pool->rounds + 1);
		wake_up_all(&pool->room);
	}
	vmlab_noio_end(flags);
	vmlab_pool_put(pool);
}
