// SPDX-License-Identifier: GPL-2.0
/* A pool's figures. */
#include <linux/cred.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmlab.h>

#include "ioctl.h"
#include "latency.h"
#include "policy/policy.h"
#include "pool.h"
#include "region.h"
#include "stats.h"
#include "store.h"
#include "tiers.h"
#include "workingset.h"

/**
 * vmlab_pool_count_faults - add a region's faults to those of others of its pool
 * @region: the region
 * @sums: what they are added to, by enum vmlab_pool_counter
 *
 * Context: any.
 */
void vmlab_pool_count_faults(const struct vmlab_region *region, u64 *sums)
{
	static const enum vmlab_counter counters[VMLAB_POOL_NR_COUNTERS] = {
		[VMLAB_POOL_FAULTS]		= VMLAB_FAULTS,
		[VMLAB_POOL_FIRST_TOUCH]	= VMLAB_FIRST_TOUCH,
		[VMLAB_POOL_REFAULT]		= VMLAB_REFAULT,
		[VMLAB_POOL_COW_FAULTS]		= VMLAB_COW_FAULTS,
		[VMLAB_POOL_SWAP_FAULTS]	= VMLAB_SWAP_FAULTS,
	};
	unsigned int i;

	if (!READ_ONCE(region->counters.cpu))
		return;		/* it was never mapped, as most files of a mount */
	for (i = 0; i < VMLAB_POOL_NR_COUNTERS; i++)
		sums[i] += vmlab_counter_sum(&region->counters, counters[i]);
}

/* What its regions have, and had. May sleep. */
static void sum_regions(struct vmlab_pool *pool, struct vmlab_pool_stat *stat)
{
	u64 sums[VMLAB_POOL_NR_COUNTERS];
	struct vmlab_region *region;

	mutex_lock(&pool->regions_lock);
	memcpy(sums, pool->gone, sizeof(sums));
	list_for_each_entry(region, &pool->regions, pool_node) {
		stat->regions++;
		stat->dirty += vmlab_counter_sum(&region->counters, VMLAB_DIRTY);
		vmlab_pool_count_faults(region, sums);
	}
	mutex_unlock(&pool->regions_lock);
	stat->faults = sums[VMLAB_POOL_FAULTS];
	stat->first_touch = sums[VMLAB_POOL_FIRST_TOUCH];
	stat->refault = sums[VMLAB_POOL_REFAULT];
	stat->cow_faults = sums[VMLAB_POOL_COW_FAULTS];
	stat->swap_faults = sums[VMLAB_POOL_SWAP_FAULTS];
}

/* Of one tier, or of a store that has but that. */
static void stat_tier(struct vmlab_store *store, struct vmlab_pool_stat *stat)
{
	u64 limit = READ_ONCE(store->limit);

	stat->stored_bytes = vmlab_store_bytes(store);
	stat->store_limit = limit == U64_MAX ? 0 : limit;
	stat->same_filled += atomic_long_read(&store->same_filled);
	stat->incompressible += atomic_long_read(&store->incompressible);
	stat->checksum_errors += atomic_long_read(&store->errors);
	stat->copies += atomic_long_read(&store->pages);
	stat->copied_bytes += atomic_long_read(&store->bytes);
}

static void stat_store(const struct vmlab_pool *pool, struct vmlab_pool_stat *stat)
{
	struct vmlab_store *store = pool->store;

	stat_tier(store, stat);
	if (store->far) {
		stat->front = stat->store_limit;
		stat->front_bytes = stat->stored_bytes;
		stat->front_copies = stat->copies;
		stat->moved = atomic_long_read(&pool->tiers->moved);
		stat_tier(store->far, stat);
	}
	strscpy_pad(stat->codec, vmlab_store_codec_name(store), sizeof(stat->codec));
	strscpy_pad(stat->store, (store->far ?: store)->ops->type, sizeof(stat->store));
}

/* Under policy_lock, and not config_lock, under which pages are evicted. */
static void stat_policy(struct vmlab_pool *pool, struct vmlab_pool_stat *stat)
{
	unsigned int i;

	spin_lock(&pool->policy_lock);
	strscpy_pad(stat->policy, pool->policy->ops->name, sizeof(stat->policy));
	stat->pinned = pool->pinned;
	for (i = 0; i < VMLAB_HISTOGRAM_BUCKETS; i++)
		stat->swapped_in += pool->workingset->distance.counts[i];
	stat->working_set = vmlab_workingset_estimate(pool->workingset);
	spin_unlock(&pool->policy_lock);
}

/**
 * vmlab_pool_stat - the figures of a pool
 * @pool: the pool
 * @stat: filled
 *
 * Context: may sleep.
 */
void vmlab_pool_stat(struct vmlab_pool *pool, struct vmlab_pool_stat *stat)
{
	long budget = READ_ONCE(pool->budget);
	u64 pages = atomic_long_read(&pool->pages);

	*stat = (struct vmlab_pool_stat){
		.budget		= VMLAB_POOL_UNLIMITED_BUDGET,
		.resident	= atomic_long_read(&pool->frames),
		.evicted	= atomic_long_read(&pool->evicted),
		.refused	= atomic_long_read(&pool->refused),
		.store_errors	= atomic_long_read(&pool->store_errors),
		.id		= smp_load_acquire(&pool->id),	/* pairs with register */
		.latency	= READ_ONCE(pool->timed),
	};
	if (stat->id)
		stat->uid = from_kuid_munged(current_user_ns(), pool->uid);
	if (budget != VMLAB_POOL_UNLIMITED)
		stat->budget = (u64)budget << PAGE_SHIFT;
	stat->stored = pages - min(pages, stat->resident);
	sum_regions(pool, stat);
	if (!smp_load_acquire(&pool->swapping))		/* pairs with begin() */
		return;
	stat_store(pool, stat);
	stat_policy(pool, stat);
}

static void get_histogram(struct vmlab_pool *pool, unsigned int kind,
			  struct vmlab_histogram *histogram)
{
	*histogram = (struct vmlab_histogram){};
	if (kind != VMLAB_HISTOGRAM_DISTANCE) {
		vmlab_latency_sum(pool, kind, histogram);
	} else if (smp_load_acquire(&pool->swapping)) {		/* pairs with begin() */
		spin_lock(&pool->policy_lock);
		*histogram = pool->workingset->distance;
		spin_unlock(&pool->policy_lock);
	}
}

/**
 * vmlab_pool_histograms - how a pool's latencies and distances are distributed
 * @pool: the pool
 * @histograms: see there
 *
 * Context: may sleep.
 */
int vmlab_pool_histograms(struct vmlab_pool *pool, struct vmlab_pool_histograms *histograms)
{
	void __user *buffer = u64_to_user_ptr(histograms->buffer);
	size_t size = histograms->entry_size;
	struct vmlab_histogram histogram;
	u32 i;

	if (size < VMLAB_HISTOGRAM_SIZE_FIRST || size > PAGE_SIZE)
		return -EINVAL;
	for (i = 0; i < min_t(u32, histograms->count, VMLAB_HISTOGRAMS); i++) {
		get_histogram(pool, i, &histogram);
		if (vmlab_copy_out(buffer + i * size, size, &histogram, sizeof(histogram)))
			return -EFAULT;
	}
	histograms->count = i;
	return 0;
}
