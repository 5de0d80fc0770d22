// SPDX-License-Identifier: GPL-2.0
/* A pool's figures. */
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmlab.h>

#include "policy/policy.h"
#include "pool.h"
#include "store.h"

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
	struct vmlab_store *store;

	*stat = (struct vmlab_pool_stat){
		.budget		= VMLAB_POOL_UNLIMITED_BUDGET,
		.resident	= atomic_long_read(&pool->frames),
		.evicted	= atomic_long_read(&pool->evicted),
		.refused	= atomic_long_read(&pool->refused),
		.store_errors	= atomic_long_read(&pool->store_errors),
	};
	if (budget != VMLAB_POOL_UNLIMITED)
		stat->budget = (u64)budget << PAGE_SHIFT;
	stat->stored = pages - min(pages, stat->resident);
	if (!smp_load_acquire(&pool->swapping))		/* pairs with begin() */
		return;
	store = pool->store;
	stat->stored_bytes = vmlab_store_bytes(store);
	stat->store_limit = READ_ONCE(store->limit) == U64_MAX ? 0 : store->limit;
	stat->same_filled = atomic_long_read(&store->same_filled);
	stat->incompressible = atomic_long_read(&store->incompressible);
	stat->checksum_errors = atomic_long_read(&store->errors);
	strscpy_pad(stat->codec, vmlab_store_codec_name(store), sizeof(stat->codec));
	strscpy_pad(stat->store, store->ops->type, sizeof(stat->store));
	spin_lock(&pool->policy_lock);	/* and not config_lock, under which pages are evicted */
	strscpy_pad(stat->policy, pool->policy->ops->name, sizeof(stat->policy));
	spin_unlock(&pool->policy_lock);
}
