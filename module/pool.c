// SPDX-License-Identifier: GPL-2.0
/* How many pages there may be: of all regions together, and of the files of a mount. */
#include "pool.h"

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

static unsigned long max_pages;
module_param(max_pages, ulong, 0644);
MODULE_PARM_DESC(max_pages, "cap on the pages of all regions together (default: half of RAM)");

static atomic_long_t total_pages = ATOMIC_LONG_INIT(0);

void vmlab_pages_init(void)
{
	if (!max_pages)
		max_pages = totalram_pages() / 2;
}

u64 vmlab_pages_total(void)
{
	return atomic_long_read(&total_pages);
}

u64 vmlab_pages_max(void)
{
	return READ_ONCE(max_pages);
}

/* How many more pages the limit of @pool, which may be NULL, allows. */
u64 vmlab_pool_pages_left(struct vmlab_pool *pool)
{
	if (!pool)
		return U64_MAX;
	return max(READ_ONCE(pool->max_pages) - atomic_long_read(&pool->pages), 0L);
}

/* How many more pages could be had for a region, as far as the cap and its pool go. */
u64 vmlab_pages_left(struct vmlab_pool *pool)
{
	u64 max = vmlab_pages_max();
	u64 total = vmlab_pages_total();

	return min(total < max ? max - total : 0, vmlab_pool_pages_left(pool));
}

/*
 * Counts up to @nr of something against @max, but no less than @least. Returns how many; never
 * are there more for a moment, which others would hear of as a limit.
 */
static unsigned int take(atomic_long_t *used, long max, unsigned int least, unsigned int nr)
{
	long old = atomic_long_read(used), fit;

	do {
		fit = clamp(max - old, 0L, (long)nr);
		if (unlikely(fit < least))
			return 0;
	} while (!atomic_long_try_cmpxchg(used, &old, old + fit));
	return fit;
}

/**
 * vmlab_pool_charge - count pages that are to carry the mapping of a region
 * @pool: the region's pool, or NULL
 * @least: none unless so many fit, at least one
 * @nr: at most so many
 *
 * Against the cap on all pages, and the limit of the pool.
 * Context: any.
 * Return: how many.
 */
unsigned int vmlab_pool_charge(struct vmlab_pool *pool, unsigned int least, unsigned int nr)
{
	long cap = min_t(unsigned long, READ_ONCE(max_pages), LONG_MAX);
	unsigned int allowed = nr, got;

	if (pool)
		allowed = take(&pool->pages, READ_ONCE(pool->max_pages), least, nr);
	got = allowed ? take(&total_pages, cap, least, allowed) : 0;

	if (pool && unlikely(got < allowed))
		atomic_long_sub(allowed - got, &pool->pages);
	return got;
}

/* The same, whatever the limits are. */
void vmlab_pool_charge_anyway(struct vmlab_pool *pool, unsigned int nr)
{
	atomic_long_add(nr, &total_pages);
	if (pool)
		atomic_long_add(nr, &pool->pages);
}

/* So many pages less carry the mapping of a region of @pool, or are gone. */
void vmlab_pool_uncharge(struct vmlab_pool *pool, unsigned int nr)
{
	atomic_long_sub(nr, &total_pages);
	if (pool)
		atomic_long_sub(nr, &pool->pages);
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
	if (pool && refcount_dec_and_test(&pool->refs))
		kfree(pool);
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
