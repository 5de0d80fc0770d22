// SPDX-License-Identifier: GPL-2.0
/* A pool's budget, policy and store, and whether its latencies are measured: how that is set. */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmlab.h>

#include "index.h"
#include "latency.h"
#include "page.h"
#include "policy_list.h"
#include "pool.h"
#include "region.h"
#include "room.h"
#include "swap.h"
#include "tiers.h"
#include "workingset.h"

#define ALL_FIELDS (VMLAB_POOL_BUDGET | VMLAB_POOL_POLICY | VMLAB_POOL_CODEC | \
		    VMLAB_POOL_STORE_LIMIT | VMLAB_POOL_STORE | VMLAB_POOL_LATENCY | \
		    VMLAB_POOL_FRONT)

#define POLICY_DEFAULT "lru"
#define CODEC_DEFAULT "lz4"

static struct lock_class_key waiting_reclaim;

/* Has the pool know of the pages that a region has. Caller keeps it in the pool. */
static int attach_region(struct vmlab_region *region)
{
	pgoff_t pgoff = 0;
	int ret = 0;

	while (!ret && vmlab_index_next(&region->index, &pgoff, ULONG_MAX)) {
		struct folio *folio = vmlab_page_get_locked(region, pgoff);

		if (folio && folio->mapping && !folio_test_large(folio) &&
		    !vmlab_folio_swap(folio))
			ret = vmlab_swap_attach(region, folio, GFP_KERNEL_ACCOUNT);
		if (folio) {
			folio_unlock(folio);
			folio_put(folio);
		}
		pgoff++;
		cond_resched();
		if (fatal_signal_pending(current))
			ret = -EINTR;
	}
	return ret;
}

/*
 * The pages that were there before the pool had a budget. Those that are not known yet if this
 * fails stay in memory until it is tried again.
 */
static int attach_all(struct vmlab_pool *pool)
{
	struct vmlab_region *region;
	int ret = 0;

	if (pool->knows_all)
		return 0;
	mutex_lock(&pool->regions_lock);
	list_for_each_entry(region, &pool->regions, pool_node) {
		ret = attach_region(region);
		if (ret)
			break;
	}
	mutex_unlock(&pool->regions_lock);
	pool->knows_all = !ret;
	return ret;
}

/* Does a field have a name in it that ends? */
static bool is_name(const u8 *name)
{
	return name[0] && strnlen(name, VMLAB_POOL_NAME) < VMLAB_POOL_NAME;
}

static bool names_file(const struct vmlab_pool_set *set)
{
	return set->what & VMLAB_POOL_STORE && set->store_fd != VMLAB_POOL_IN_MEMORY;
}

/* May so much memory be given to a pool? */
static bool is_memory(u64 bytes)
{
	u64 ram = (u64)totalram_pages() << PAGE_SHIFT;

	return PAGE_ALIGNED(bytes) && bytes >= VMLAB_POOL_BUDGET_MIN && bytes <= ram;
}

static int check(const struct vmlab_pool_set *set)
{
	if (!set->what || set->what & ~ALL_FIELDS || set->__reserved)
		return -EINVAL;
	if (set->what & VMLAB_POOL_LATENCY && set->latency > 1)
		return -EINVAL;
	/* What is in a file is not compressed. */
	if (set->what & VMLAB_POOL_CODEC && names_file(set) && !(set->what & VMLAB_POOL_FRONT))
		return -EINVAL;
	if (set->what & VMLAB_POOL_BUDGET && set->budget != VMLAB_POOL_UNLIMITED_BUDGET &&
	    !is_memory(set->budget))
		return -EINVAL;
	if (set->what & VMLAB_POOL_FRONT && !is_memory(set->front))
		return -EINVAL;
	if (set->what & VMLAB_POOL_POLICY && !is_name(set->policy))
		return -EINVAL;
	if (set->what & VMLAB_POOL_CODEC && !is_name(set->codec))
		return -EINVAL;
	return 0;
}

static long budget_pages(const struct vmlab_pool_set *set)
{
	if (!(set->what & VMLAB_POOL_BUDGET) || set->budget == VMLAB_POOL_UNLIMITED_BUDGET)
		return VMLAB_POOL_UNLIMITED;
	return set->budget >> PAGE_SHIFT;
}

/* Enough for who comes next while reclaim is under way, and little of a small budget. */
static long low_mark(long budget)
{
	return budget == VMLAB_POOL_UNLIMITED ? 0 : clamp(budget / 64, 1L, 256L);
}

static long high_mark(long budget)
{
	return 2 * low_mark(budget);
}

/*
 * What a policy is told of the budget: what reclaim leaves of it. With more, memory would not be
 * full ever, and that is what some go by: LIRS would take all pages for those with a low recency.
 */
static u32 policy_frames(long budget)
{
	u64 frames = max(budget - high_mark(budget), 1L);

	return min_t(u64, min_t(u64, frames, totalram_pages()), VMLAB_FRAMES_MAX);
}

static u64 store_limit(const struct vmlab_pool_set *set)
{
	return set->what & VMLAB_POOL_STORE_LIMIT && set->store_limit ? set->store_limit : U64_MAX;
}

/*
 * Who names a file gets to see there what all regions of the pool have, and what clones of them
 * will have: so it is named before there are others, by who is asked for them.
 */
static bool may_name_file(struct vmlab_pool *pool)
{
	bool alone;

	mutex_lock(&pool->regions_lock);
	alone = list_is_singular(&pool->regions);
	mutex_unlock(&pool->regions_lock);
	return alone || capable(CAP_SYS_ADMIN);
}

static struct vmlab_store *new_store(struct vmlab_pool *pool, const struct vmlab_pool_set *set,
				     struct file *file)
{
	const char *codec = set->what & VMLAB_POOL_CODEC ? (const char *)set->codec :
							   CODEC_DEFAULT;
	struct vmlab_store *near, *far;

	if (names_file(set) && !may_name_file(pool))
		return ERR_PTR(-EPERM);
	if (!names_file(set))
		return set->what & VMLAB_POOL_FRONT ?
			       ERR_PTR(-EINVAL) :
			       vmlab_store_new("zs", codec, NULL, store_limit(set));
	far = vmlab_store_new("file", NULL, file, store_limit(set));
	if (IS_ERR(far) || !(set->what & VMLAB_POOL_FRONT))
		return far;
	near = vmlab_store_new("zs", codec, NULL, set->front);
	if (IS_ERR(near))
		vmlab_store_free(far);
	else
		vmlab_store_put_behind(near, far);
	return near;
}

/* A policy by its name. Returns it, and vmlab_policy_end() is due; or an ERR_PTR(). */
static struct vmlab_policy *new_policy(const char *name, u32 frames)
{
	const struct vmlab_policy_ops *ops = vmlab_policy_get(name);
	struct vmlab_policy *policy;

	if (!ops)
		return ERR_PTR(-ENOENT);
	policy = vmlab_policy_new(ops, frames, get_random_u32());
	if (policy)
		return policy;
	vmlab_policy_put(ops);
	return ERR_PTR(-ENOMEM);
}

/* The first budget, policy or store, or the first page to evict. Caller holds config_lock. */
static int begin(struct vmlab_pool *pool, const struct vmlab_pool_set *set, struct file *file)
{
	const char *name = set->what & VMLAB_POOL_POLICY ? (const char *)set->policy :
							   POLICY_DEFAULT;
	struct vmlab_policy *policy = new_policy(name, policy_frames(budget_pages(set)));
	struct vmlab_workingset *workingset;
	struct vmlab_tiers *tiers = NULL;
	struct vmlab_store *store;
	int ret = -ENOMEM;

	if (IS_ERR(policy))
		return PTR_ERR(policy);
	workingset = kzalloc(sizeof(*workingset), GFP_KERNEL_ACCOUNT);
	if (!workingset)
		goto end_policy;
	store = new_store(pool, set, file);
	ret = PTR_ERR_OR_ZERO(store);
	if (ret)
		goto free_workingset;
	if (store->far) {
		tiers = vmlab_tiers_new();
		ret = tiers ? 0 : -ENOMEM;
	}
	if (!ret)
		ret = vmlab_pool_register(pool);
	if (ret)
		goto free_tiers;
	/* Where a worker reclaims nobody waits for that lock in a fault, as others do. */
	if (vmlab_store_waits(store))
		lockdep_set_class(&pool->reclaim_lock, &waiting_reclaim);
	pool->store = store;
	pool->tiers = tiers;
	pool->policy = policy;
	pool->workingset = workingset;
	smp_store_release(&pool->swapping, true);	/* these come before */
	return 0;

free_tiers:
	vmlab_tiers_free(tiers);
	vmlab_store_free(store);
free_workingset:
	kfree(workingset);
end_policy:
	vmlab_policy_end(policy);
	return ret;
}

/* Another policy takes over the pages. Caller holds config_lock. */
static int change_policy(struct vmlab_pool *pool, const char *name)
{
	struct vmlab_policy *policy, *old = pool->policy;

	if (!strcmp(name, old->ops->name))
		return 0;
	policy = new_policy(name, old->frames);
	if (IS_ERR(policy))
		return PTR_ERR(policy);
	mutex_lock(&pool->reclaim_lock);	/* no victim is to be given back to another one */
	spin_lock(&pool->policy_lock);
	vmlab_policy_adopt(policy, old);
	pool->policy = policy;
	spin_unlock(&pool->policy_lock);
	mutex_unlock(&pool->reclaim_lock);
	vmlab_policy_end(old);
	return 0;
}

/* Is it the store that was asked for? */
static bool is_store(struct vmlab_store *store, const struct vmlab_pool_set *set,
		     const struct file *file)
{
	const struct file *in = vmlab_store_in_file(store);

	return names_file(set) ? file && in && in->f_mapping == file->f_mapping : !in;
}

/* What has a policy and a store already may get another policy, and its first tier another size. */
static int change(struct vmlab_pool *pool, const struct vmlab_pool_set *set, struct file *file)
{
	struct vmlab_store *far = pool->store->far;
	int ret = 0;

	if (set->what & VMLAB_POOL_STORE && !is_store(pool->store, set, file))
		return -EBUSY;
	if (set->what & VMLAB_POOL_CODEC && strcmp(set->codec, vmlab_store_codec_name(pool->store)))
		return -EBUSY;
	if (set->what & VMLAB_POOL_STORE_LIMIT && store_limit(set) != (far ?: pool->store)->limit)
		return -EBUSY;
	if (set->what & VMLAB_POOL_FRONT && !far)
		return -EBUSY;
	if (set->what & VMLAB_POOL_POLICY)
		ret = change_policy(pool, set->policy);
	if (!ret && set->what & VMLAB_POOL_FRONT)
		WRITE_ONCE(pool->store->limit, set->front);
	return ret;
}

static int change_budget(struct vmlab_pool *pool, long budget)
{
	u32 frames = policy_frames(budget);
	void *room;
	int ret = vmlab_policy_room(pool->policy, frames, &room);

	if (ret)
		return ret;
	spin_lock(&pool->policy_lock);
	room = vmlab_policy_resize(pool->policy, frames, room);
	spin_unlock(&pool->policy_lock);
	kvfree(room);
	WRITE_ONCE(pool->low, low_mark(budget));
	WRITE_ONCE(pool->high, high_mark(budget));
	WRITE_ONCE(pool->budget, budget);
	return 0;
}

/* Evicts what is beyond the budget now, as far as it can be. */
static int shrink(struct vmlab_pool *pool)
{
	vmlab_room_excess(pool);
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* The policy and the store. Caller holds config_lock. */
static int set_up(struct vmlab_pool *pool, const struct vmlab_pool_set *set, struct file *file)
{
	int ret;

	if (!pool->swapping)
		ret = begin(pool, set, file);
	else
		ret = change(pool, set, file);
	return ret ?: attach_all(pool);
}

/**
 * vmlab_pool_set - set a pool's budget, policy or store, or have latencies measured
 * @pool: the pool
 * @set: see there, also for the errors
 * @file: what @set->store_fd is; NULL: nothing
 *
 * Context: may sleep; no lock held.
 */
int vmlab_pool_set(struct vmlab_pool *pool, const struct vmlab_pool_set *set, struct file *file)
{
	int ret = check(set);

	if (ret)
		return ret;
	ret = mutex_lock_interruptible(&pool->config_lock);
	if (ret)
		return ret;
	if (set->what & ~VMLAB_POOL_LATENCY)
		ret = set_up(pool, set, file);
	if (!ret && set->what & VMLAB_POOL_LATENCY)
		ret = vmlab_latency_set(pool, set->latency);
	if (!ret && set->what & VMLAB_POOL_BUDGET)
		ret = change_budget(pool, budget_pages(set)) ?: shrink(pool);
	mutex_unlock(&pool->config_lock);
	return ret;
}

/**
 * vmlab_pool_begin - see to it that pages of a pool can be evicted
 * @pool: the pool; nothing happens if it has or had a budget
 *
 * Context: may sleep; no lock held.
 * Return: 0, -EINTR, -ENOMEM.
 */
int vmlab_pool_begin(struct vmlab_pool *pool)
{
	static const struct vmlab_pool_set nothing;
	int ret;

	ret = mutex_lock_interruptible(&pool->config_lock);
	if (ret)
		return ret;
	if (!pool->swapping)
		ret = begin(pool, &nothing, NULL);
	if (!ret)
		ret = attach_all(pool);
	mutex_unlock(&pool->config_lock);
	return ret;
}

/* Entries are part of what the pool knows of a page, as long as it is stored. */
void vmlab_policy_forget(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
}
