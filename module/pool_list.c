// SPDX-License-Identifier: GPL-2.0
/* The table of pools: those of which something was ever set. Others have nothing to show. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/vmlab.h>
#include <linux/xarray.h>

#include "ioctl.h"
#include "pool.h"

/* By id. Who finds one there takes a reference before he gives up the lock. */
static DEFINE_XARRAY_ALLOC1(pools);
static u32 next_id;

/**
 * vmlab_pool_register - enter a pool into the table, as the caller's
 * @pool: the pool; nothing happens if it is there already
 *
 * Context: may sleep. Caller holds config_lock.
 * Return: 0, -ENOMEM, or -EBUSY if there is no id left.
 */
int vmlab_pool_register(struct vmlab_pool *pool)
{
	int ret;
	u32 id;

	lockdep_assert_held(&pool->config_lock);
	if (pool->id)
		return 0;
	pool->uid = current_uid();
	ret = xa_alloc_cyclic(&pools, &id, pool, XA_LIMIT(1, U32_MAX), &next_id, GFP_KERNEL);
	if (ret < 0)
		return ret;
	smp_store_release(&pool->id, id);	/* whose it is comes before */
	return 0;
}

/* Takes it out again: it has no reference any more. May sleep. */
void vmlab_pool_unregister(struct vmlab_pool *pool)
{
	xa_erase(&pools, pool->id);
}

/* The next pool that the caller may see, with a reference for him; NULL at the end of the table. */
static struct vmlab_pool *next_pool(unsigned long *id, bool all)
{
	struct vmlab_pool *pool;

	xa_lock(&pools);
	while ((pool = xa_find(&pools, id, ULONG_MAX, XA_PRESENT)) != NULL) {
		if ((all || uid_eq(pool->uid, current_uid())) && refcount_inc_not_zero(&pool->refs))
			break;
		++*id;
	}
	xa_unlock(&pools);
	return pool;
}

/**
 * vmlab_pool_list - the pools on the system of which something was set
 * @list: see struct vmlab_list, and VMLAB_IOC_POOL_LIST
 *
 * Context: may sleep.
 */
int vmlab_pool_list(struct vmlab_list *list)
{
	void __user *buffer = u64_to_user_ptr(list->buffer);
	size_t size = list->entry_size;
	bool all = capable(CAP_SYS_PTRACE);
	unsigned long id = list->cursor;
	struct vmlab_pool_stat stat;
	struct vmlab_pool *pool;
	u32 count = 0;

	if (size < VMLAB_POOL_STAT_SIZE_LISTED || size > PAGE_SIZE)
		return -EINVAL;
	while (count < list->count && (pool = next_pool(&id, all)) != NULL) {
		vmlab_pool_stat(pool, &stat);
		vmlab_pool_put(pool);
		if (vmlab_copy_out(buffer + count * size, size, &stat, sizeof(stat)))
			return -EFAULT;
		count++;
		id++;
		if (signal_pending(current) && count < list->count)
			break;
	}
	pool = next_pool(&id, all);
	vmlab_pool_put(pool);
	list->cursor = pool ? id : 0;
	list->count = count;
	return 0;
}
