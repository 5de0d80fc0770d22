// SPDX-License-Identifier: GPL-2.0
/* What a program knows of the future of its pages: VMLAB_IOC_ADVISE. */
#include "advise.h"

#include <linux/capability.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/vmlab.h>

#include "compat.h"
#include "index.h"
#include "page.h"
#include "pool.h"
#include "pressure.h"
#include "reclaim.h"
#include "region.h"
#include "swap.h"

/*
 * Brings back the page at @pgoff, where only a worker can: it is in no slot then. While it is
 * waited for, others up to @last are under way.
 */
static int fetch(struct vmlab_region *region, pgoff_t pgoff, pgoff_t last)
{
	unsigned int nr = min_t(pgoff_t, last - pgoff + 1, VMLAB_STORE_BATCH);

	if (!vmlab_store_waits(region->pool->store))
		return 0;
	filemap_invalidate_lock_shared(region->inode.i_mapping);
	vmlab_swap_read_ahead(region, pgoff, nr, true);
	filemap_invalidate_unlock_shared(region->inode.i_mapping);
	return vmlab_swap_fetch(region, pgoff, false);
}

/*
 * Brings back the page at @pgoff, the first of those up to @last. Returns 1 if it was not in
 * memory, -EAGAIN if others would have to leave for it, or another errno.
 */
static int bring_back(struct vmlab_region *region, pgoff_t pgoff, pgoff_t last)
{
	struct vmlab_swap *swap;
	int ret;

	if (!vmlab_pool_has_spare(region->pool))
		return -EAGAIN;
	swap = vmlab_index_get_swap(&region->index, pgoff);
	if (!swap)
		return 0;
	ret = fetch(region, pgoff, last);
	if (!ret) {
		filemap_invalidate_lock_shared(region->inode.i_mapping);
		ret = vmlab_swap_in(region, pgoff, false);
		filemap_invalidate_unlock_shared(region->inode.i_mapping);
	}
	vmlab_swap_release(swap);
	return ret ?: 1;
}

/*
 * Takes a page out of the policy's hands, or gives it back. Returns 1 if that is news, or
 * -ENOSPC; 0 also if the pool does not know of it, and so never evicts it. Caller holds a
 * reference to the page, and reclaim_lock: it is no victim.
 */
static int set_pinned(struct vmlab_pool *pool, struct folio *folio, bool pinned)
{
	struct vmlab_swap *swap;
	int ret = 0;

	spin_lock(&pool->policy_lock);
	swap = vmlab_folio_swap_locked(folio);
	if (swap && test_bit(VMLAB_SWAP_PINNED, &swap->flags) != pinned)
		ret = pinned && pool->pinned >= READ_ONCE(pool->budget) / 2 ? -ENOSPC : 1;
	if (ret > 0 && pinned) {
		vmlab_policy_removed(pool->policy, &swap->entry);
		list_lru_del_obj(&vmlab_pressure_lru, &swap->lru);
		set_bit(VMLAB_SWAP_PINNED, &swap->flags);
		pool->pinned++;
	} else if (ret > 0) {
		vmlab_swap_unpin(swap);
		vmlab_swap_admit(swap);
	}
	spin_unlock(&pool->policy_lock);
	return ret;
}

static int pin(struct vmlab_region *region, pgoff_t pgoff, bool pinned)
{
	struct folio *folio;
	int ret;

	/* Its lock is what it will be (pool_config.c), and there is something to be pinned. */
	if (!smp_load_acquire(&region->pool->swapping))
		return 0;
	folio = pinned ? vmlab_page_get_to_write(region, pgoff) : vmlab_page_get(region, pgoff);
	if (IS_ERR_OR_NULL(folio))
		return PTR_ERR_OR_ZERO(folio);
	ret = mutex_lock_killable(&region->pool->reclaim_lock);
	if (!ret) {
		ret = set_pinned(region->pool, folio, pinned);
		mutex_unlock(&region->pool->reclaim_lock);
	}
	folio_put(folio);
	return ret;
}

/*
 * What @advice means for one page, the first of those up to @last. Returns 1 if that changed
 * something, 0 or an errno.
 */
static int advise_page(struct vmlab_region *region, pgoff_t pgoff, pgoff_t last, u32 advice)
{
	switch (advice) {
	case VMLAB_ADVISE_PREFETCH:
		return bring_back(region, pgoff, last);
	case VMLAB_ADVISE_PIN:
		return pin(region, pgoff, true);
	case VMLAB_ADVISE_UNPIN:
		return pin(region, pgoff, false);
	default:
		return vmlab_reclaim_age(region, pgoff);
	}
}

/* Page by page; but for those to be pinned there is nothing to do where there are none. */
static int advise_pages(struct vmlab_region *region, pgoff_t first, pgoff_t last, u32 advice,
			u64 *pages)
{
	int ret = 0;

	for (; first <= last && ret >= 0; first++) {
		if (advice != VMLAB_ADVISE_PIN && !vmlab_index_next(&region->index, &first, last))
			break;
		ret = advise_page(region, first, last, advice);
		*pages += ret > 0;
		if (ret >= 0 && signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	/* The budget is reached: what was hoped for is done. */
	return ret == -EAGAIN ? 0 : min(ret, 0);
}

/* A mount's gets a store, and so no huge pages any more, from who may set its budget only. */
static int begin(struct vmlab_pool *pool)
{
	if (pool->mounted && !READ_ONCE(pool->swapping) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	return vmlab_pool_begin(pool);
}

/**
 * vmlab_advise - what a program knows of the future of its pages
 * @region: the region
 * @first: the first page
 * @last: the last one, inside the region's limit
 * @advice: VMLAB_ADVISE_*
 * @write: the caller may write to the region
 * @pages: set as struct vmlab_advise says
 *
 * Context: may sleep; no lock held.
 * Return: 0, or an errno that struct vmlab_advise lists.
 */
int vmlab_advise(struct vmlab_region *region, pgoff_t first, pgoff_t last, u32 advice, bool write,
		 u64 *pages)
{
	int ret;

	*pages = 0;
	if (advice > VMLAB_ADVISE_COLD)
		return -EINVAL;
	if (advice == VMLAB_ADVISE_PIN || advice == VMLAB_ADVISE_UNPIN) {
		if (!write)
			return -EBADF;
		if (region->by_reader && !capable(CAP_SYS_ADMIN))
			return -EPERM;
	}
	if (advice == VMLAB_ADVISE_PIN && READ_ONCE(region->pool->budget) == VMLAB_POOL_UNLIMITED)
		return -ENOSPC;
	if (!vmlab_region_may_evict(region))
		return -EOPNOTSUPP;
	if (advice != VMLAB_ADVISE_EVICT)
		return advise_pages(region, first, last, advice, pages);
	ret = begin(region->pool);
	return ret ?: vmlab_reclaim_range(region, first, last, pages);
}
