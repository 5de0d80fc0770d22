// SPDX-License-Identifier: GPL-2.0
/*
 * Huge folios: how they come into being, are copied, and are split.
 *
 * A region has a huge folio whole or not at all. So when a part of one is to go, or to
 * differ from what another region has, the pages of all of it are replaced: by a huge copy if
 * memory for one can be had without effort, or by small ones.
 *
 * Splitting gives memory back, and so must not fail for want of memory: what the allocator
 * does not have comes from a reserve. Pages from there are charged to no memory cgroup.
 */
#include "huge.h"

#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/sched.h>

#include "index.h"
#include "page.h"
#include "pool.h"
#include "region.h"
#include "share.h"
#include "stats.h"
#include "swap.h"
#include "trace.h"

/*
 * Pages for splitting: @nr of them, and none unless there are @users, regions that may have
 * huge folios. @lock protects all of it.
 */
static struct {
	struct mutex lock;
	unsigned long users;
	unsigned int nr;
	struct page *pages[VMLAB_HUGE_PAGES];
} reserve = {
	.lock = __MUTEX_INITIALIZER(reserve.lock),
};

static bool fill_reserve(gfp_t gfp)
{
	lockdep_assert_held(&reserve.lock);
	while (reserve.nr < VMLAB_HUGE_PAGES) {
		struct page *page = alloc_page(gfp);

		if (!page)
			return false;
		reserve.pages[reserve.nr++] = page;
	}
	return true;
}

static void empty_reserve(void)
{
	lockdep_assert_held(&reserve.lock);
	while (reserve.nr)
		__free_page(reserve.pages[--reserve.nr]);
}

/**
 * vmlab_huge_enable - one more region may have huge folios
 *
 * Context: may sleep.
 * Return: 0, and vmlab_huge_disable() is due; or -ENOMEM, never if there is one already.
 */
int vmlab_huge_enable(void)
{
	int ret = 0;

	mutex_lock(&reserve.lock);
	if (!reserve.users && !fill_reserve(GFP_KERNEL)) {
		empty_reserve();
		ret = -ENOMEM;
	} else {
		reserve.users++;
	}
	mutex_unlock(&reserve.lock);
	return ret;
}

/* One less. May sleep. */
void vmlab_huge_disable(void)
{
	mutex_lock(&reserve.lock);
	if (!--reserve.users)
		empty_reserve();
	mutex_unlock(&reserve.lock);
}

/*
 * A page for a split that is under way: it is had. By __GFP_HIGH a memory cgroup at its limit
 * is charged all the same: the huge page that goes gives more back at once. Were it refused,
 * the reserve would be a way past the limit.
 */
static struct page *take_page(void)
{
	struct page *page = alloc_page(GFP_USER | __GFP_ACCOUNT | __GFP_HIGH | __GFP_NORETRY |
				       __GFP_NOWARN);

	if (page)
		return page;
	mutex_lock(&reserve.lock);
	if (reserve.nr)
		page = reserve.pages[--reserve.nr];
	mutex_unlock(&reserve.lock);
	return page ?: alloc_page(GFP_USER | __GFP_ACCOUNT | __GFP_NOFAIL);
}

/* After a split gave memory back. */
static void refill_reserve(void)
{
	mutex_lock(&reserve.lock);
	if (reserve.users)
		fill_reserve(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	mutex_unlock(&reserve.lock);
}

/* Which mappings of a region have huge pages appear. */
enum vmlab_huge_policy vmlab_huge_policy(const struct vmlab_region *region)
{
	if (!vmlab_region_is_huge(region))
		return VMLAB_HUGE_NEVER;
	/* A pool with a budget evicts small pages only. */
	return READ_ONCE(region->pool->swapping) ? VMLAB_HUGE_NEVER :
						   READ_ONCE(region->pool->huge);
}

/* Memory for a huge folio, if it can be had without effort; or NULL. */
static struct folio *alloc_huge(struct vmlab_region *region, gfp_t gfp)
{
	const gfp_t light = (GFP_USER | __GFP_ACCOUNT | __GFP_NOMEMALLOC | __GFP_NOWARN) &
			    ~__GFP_RECLAIM;
	unsigned int charged = vmlab_pool_charge(region->pool, VMLAB_HUGE_PAGES,
						 VMLAB_HUGE_PAGES);
	struct folio *folio = NULL;

	if (charged)
		folio = folio_alloc(light | gfp, VMLAB_HUGE_ORDER);
	if (!folio) {
		vmlab_pool_uncharge(region->pool, charged);
		vmlab_count(region, VMLAB_HUGE_FALLBACK, 1);
	}
	return folio;
}

/* The folio becomes one of the region's, in new leaves. It is gone if that fails. */
static int init_huge(struct vmlab_region *region, pgoff_t head, struct folio *folio,
		     struct vmlab_leaves *leaves, gfp_t gfp)
{
	int ret = vmlab_leaves_new(&region->index, leaves, gfp);

	if (ret) {
		folio_put(folio);
		vmlab_pool_uncharge(region->pool, VMLAB_HUGE_PAGES);
		return ret;
	}
	vmlab_page_init(region, head, folio);
	atomic_long_inc(&region->carried);
	vmlab_leaves_fill(leaves, folio);
	return 0;
}

/**
 * vmlab_huge_make - make a huge page around an offset
 * @region: the region
 * @pgoff: the page that is touched
 * @end: where the region will end at least, in bytes
 *
 * Context: may sleep. Caller holds invalidate_lock shared.
 * Return: whether it was made. Not so if its range is not in the region, has pages already,
 * or if there is no memory for it at hand.
 */
bool vmlab_huge_make(struct vmlab_region *region, pgoff_t pgoff, loff_t end)
{
	pgoff_t head = round_down(pgoff, VMLAB_HUGE_PAGES);
	struct vmlab_leaves leaves;
	struct folio *folio;
	bool made;

	end = max(end, vmlab_region_size(region));
	if (head + VMLAB_HUGE_PAGES > DIV_ROUND_UP((u64)end, PAGE_SIZE) ||
	    !vmlab_index_is_vacant(&region->index, head))
		return false;
	folio = alloc_huge(region, __GFP_ZERO);
	if (!folio || init_huge(region, head, folio, &leaves, GFP_KERNEL))
		return false;
	made = !vmlab_index_exchange(&region->index, head, NULL, &leaves, GFP_KERNEL);
	if (!made) {
		vmlab_leaves_put(&leaves);
		return false;
	}
	vmlab_count(region, VMLAB_RESIDENT, VMLAB_HUGE_PAGES);
	vmlab_count(region, VMLAB_ZERO_FILLED, VMLAB_HUGE_PAGES);
	vmlab_count(region, VMLAB_HUGE_MADE, 1);
	trace_vmlab_page_state(region->id, head, VMLAB_HUGE_PAGES, VMLAB_PS_EMPTY,
			       VMLAB_PS_CLEAN);
	return true;
}

static int copy_to_huge(struct vmlab_region *region, pgoff_t head, struct folio *old,
			struct vmlab_leaves *leaves, gfp_t gfp)
{
	struct folio *folio = NULL;
	unsigned int i;
	int ret;

	if (vmlab_huge_policy(region) != VMLAB_HUGE_NEVER)
		folio = alloc_huge(region, 0);
	if (!folio)
		return -ENOMEM;
	ret = init_huge(region, head, folio, leaves, gfp);
	for (i = 0; !ret && i < VMLAB_HUGE_PAGES; i++) {
		copy_highpage(folio_page(folio, i), folio_page(old, i));
		if (!(i % VMLAB_BATCH))
			cond_resched();
	}
	if (!ret)
		vmlab_count(region, VMLAB_HUGE_MADE, 1);
	return ret;
}

static void copy_page_into(struct vmlab_region *region, pgoff_t head, struct folio *old,
			   unsigned int i, struct page *page, struct vmlab_leaves *leaves)
{
	copy_highpage(page, folio_page(old, i));
	vmlab_page_init(region, head + i, page_folio(page));
	if (READ_ONCE(region->pool->swapping))
		vmlab_swap_attach(region, page_folio(page), GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	atomic_long_inc(&region->carried);
	vmlab_leaves_store(leaves, i, page);
	if (!(i % VMLAB_BATCH))
		cond_resched();
}

static int copy_to_small(struct vmlab_region *region, pgoff_t head, struct folio *old,
			 struct vmlab_leaves *leaves, gfp_t gfp)
{
	int ret = vmlab_leaves_new(&region->index, leaves, GFP_KERNEL | gfp);
	struct page *page;
	unsigned int i;

	for (i = 0; !ret && i < VMLAB_HUGE_PAGES; i++) {
		ret = min(vmlab_pages_alloc(region, VMLAB_GFP | gfp, 1, &page), 0);
		if (ret)
			vmlab_leaves_put(leaves);
		else
			copy_page_into(region, head, old, i, page, leaves);
	}
	if (!ret) {
		vmlab_count(region, VMLAB_HUGE_SPLIT, 1);
		trace_vmlab_huge_split(region->id, head, VMLAB_HUGE_PAGES);
	}
	return ret;
}

/*
 * Puts copies in the place of a folio, which is locked and not mapped, in an index. The leaves
 * that were there are the caller's from here on. Returns 0, -EEXIST if it is not there any
 * more, -ENOSPC, -ENOMEM; there are no leaves then.
 */
static int replace(struct vmlab_region *region, pgoff_t head, struct folio *folio,
		   struct vmlab_leaves *leaves, gfp_t gfp)
{
	int ret = copy_to_huge(region, head, folio, leaves, GFP_KERNEL | gfp);

	if (ret)
		ret = copy_to_small(region, head, folio, leaves, gfp);
	if (ret)
		return ret;
	ret = vmlab_index_exchange(&region->index, head, folio, leaves, GFP_KERNEL | gfp);
	if (ret)
		vmlab_leaves_put(leaves);
	return ret;
}

struct claim {
	struct vmlab_region *region;
	struct page *held;
};

/* As in share.c, of a folio that is not mapped. A vmlab_claim_fn. */
static bool claim(pgoff_t pgoff, struct folio *folio, void *data)
{
	const struct claim *claim = data;
	/* The index has one, and so have we; and the fault. */
	int ours = 2 + (claim->held && page_folio(claim->held) == folio);

	if (folio_ref_count(folio) > ours)
		return false;
	vmlab_page_adopt(claim->region, pgoff, folio);
	return true;
}

/**
 * vmlab_huge_own - a huge page that is or was shared, for this region alone
 * @region: the region
 * @pgoff: a page of it
 * @held: a page to which the caller has a reference, or NULL
 * @must: do not fail; that may exceed the limits
 *
 * It is claimed or copied, unless it has gone meanwhile: caller looks again. A copy may exceed the
 * budget of the region's pool if there is any room in that.
 * Context: caller holds invalidate_lock. May sleep.
 * Return: 0, or -ENOSPC, -EAGAIN at the budget, -ENOMEM.
 */
int vmlab_huge_own(struct vmlab_region *region, pgoff_t pgoff, struct page *held, bool must)
{
	pgoff_t head = round_down(pgoff, VMLAB_HUGE_PAGES);
	struct folio *folio = vmlab_page_get_locked(region, pgoff);
	struct claim data = { .region = region, .held = held };
	struct vmlab_leaves leaves;
	bool copied = false;
	int ret = 0;

	if (!folio)
		return 0;
	if (folio_test_large(folio)) {
		/* While it is locked nobody maps it for this region. */
		if (folio_mapped(folio))
			vmlab_region_unmap(region, head, VMLAB_HUGE_PAGES);
		smp_mb();	/* as in protect.c: no reference is taken by an entry after this */
		copied = !vmlab_index_claim_huge(&region->index, head, folio, claim, &data);
	}
	if (copied)
		ret = replace(region, head, folio, &leaves, must ? __GFP_NOFAIL : 0);
	/* Room is made a page at a time, and never for all of them. */
	if (ret == -EAGAIN && vmlab_pool_has_room(region->pool))
		ret = replace(region, head, folio, &leaves, __GFP_NOFAIL);
	folio_unlock(folio);
	if (copied && !ret) {
		vmlab_count(region, VMLAB_COW_COPIES, VMLAB_HUGE_PAGES);
		trace_vmlab_page_state(region->id, head, VMLAB_HUGE_PAGES, VMLAB_PS_SHARED,
				       VMLAB_PS_CLEAN);
		vmlab_leaves_put(&leaves);
	}
	folio_put(folio);
	return ret == -EEXIST ? 0 : ret;
}

/**
 * vmlab_huge_replace - give a clone a copy of a huge page that it has in common with another
 * @region: the clone, which nobody uses yet
 * @head: where the page is
 * @folio: the page
 *
 * That may exceed the budget of its pool.
 * Context: may sleep. Caller holds invalidate_lock exclusive of the region that it is cloned from.
 * Return: 0, -ENOSPC, -ENOMEM.
 */
int vmlab_huge_replace(struct vmlab_region *region, pgoff_t head, struct folio *folio)
{
	struct vmlab_leaves leaves;
	int ret;

	folio_lock(folio);
	ret = replace(region, head, folio, &leaves, 0);
	if (ret == -EAGAIN)	/* nothing can be evicted while the locks are held */
		ret = replace(region, head, folio, &leaves, __GFP_NOFAIL);
	folio_unlock(folio);
	if (!ret)
		vmlab_leaves_put(&leaves);
	return ret;
}

/* Is there a huge page at @pgoff? Caller holds invalidate_lock. */
bool vmlab_huge_has(struct vmlab_region *region, pgoff_t pgoff)
{
	struct folio *folio = vmlab_page_get(region, pgoff);
	bool large = folio && folio_test_large(folio);

	if (folio)
		folio_put(folio);
	return large;
}

/* Is @pgoff inside a huge page, and not its beginning? Caller holds invalidate_lock. */
bool vmlab_huge_straddles(struct vmlab_region *region, pgoff_t pgoff)
{
	return pgoff % VMLAB_HUGE_PAGES && vmlab_huge_has(region, pgoff);
}

/* Waits until nobody has a page locked. One that has gone meanwhile was unmapped by who took it. */
static void await_unlocked(struct vmlab_region *region, pgoff_t pgoff)
{
	struct folio *folio = vmlab_page_get(region, pgoff);

	if (folio) {
		folio_wait_locked(folio);
		folio_put(folio);
	}
}

/* Those of a run that are locked. It was found under RCU, which the caller has still. */
static unsigned long locked_of(const struct vmlab_run *run)
{
	unsigned int i, nr = run->whole ? 1 : run->nr;
	unsigned long locked = 0;

	for (i = 0; i < nr && !run->swapped; i++) {
		if (folio_test_locked(run->folios[i]))
			locked |= BIT(i);
	}
	return locked;
}

/**
 * vmlab_huge_settle - wait until faults have mapped the pages that they were given
 * @region: the region
 * @first: the first page
 * @last: the last page
 *
 * In a region that may have huge pages the kernel maps a page after the fault handler has
 * returned it, locked. So who is to unmap pages for good waits for that first.
 * Context: may sleep. Caller holds invalidate_lock exclusive: no fault is given pages.
 */
void vmlab_huge_settle(struct vmlab_region *region, pgoff_t first, pgoff_t last)
{
	struct vmlab_run run;
	unsigned long locked;
	bool found;

	if (!vmlab_region_is_huge(region) || !atomic_read(&region->mappings))
		return;
	while (first <= last) {
		rcu_read_lock();
		found = vmlab_index_next_run(&region->index, first, last, &run);
		locked = found ? locked_of(&run) : 0;
		rcu_read_unlock();
		if (!found)
			break;
		for (; locked; locked &= locked - 1)
			await_unlocked(region, run.first + __ffs(locked));
		first = run.first + run.nr;
		cond_resched();
	}
	smp_mb();	/* the locks were looked at before page tables are */
}

/* A vmlab_visit_fn. */
static int settle_leaf(pgoff_t first, struct page **pages, unsigned long *mask, void *data)
{
	unsigned long left = *mask;

	if (left && PageCompound(pages[__ffs(left)]))
		left = 1;
	for (; left; left &= left - 1)
		folio_wait_locked(page_folio(pages[__ffs(left)]));
	return 0;
}

/* The same for those pages that are marked as writable. */
void vmlab_huge_settle_writable(struct vmlab_region *region, pgoff_t first, pgoff_t last)
{
	if (!vmlab_region_is_huge(region))
		return;
	vmlab_index_visit_writable(&region->index, first, last, settle_leaf, NULL);
	smp_mb();	/* as above */
}

/**
 * struct hole - pages that are to go
 * @first: the first
 * @end: behind the last
 */
struct hole {
	pgoff_t first;
	pgoff_t end;
};

static bool in_hole(const struct hole *hole, pgoff_t pgoff)
{
	return pgoff >= hole->first && pgoff < hole->end;
}

/* The pages of @hole become zeroes: somebody holds the huge page, which must stay. */
static void zero_hole(pgoff_t head, struct folio *folio, const struct hole *hole)
{
	unsigned int i;

	for (i = 0; i < VMLAB_HUGE_PAGES; i++) {
		if (in_hole(hole, head + i))
			clear_highpage(folio_page(folio, i));
		if (!(i % VMLAB_BATCH))
			cond_resched();
	}
}

/* Small pages, but for those of @hole, take the place of a huge one that is the region's. */
static void split(struct vmlab_region *region, pgoff_t head, struct folio *folio,
		  const struct hole *hole, struct vmlab_leaves *leaves)
{
	unsigned int i, kept = 0;

	vmlab_leaves_new(&region->index, leaves, GFP_KERNEL | __GFP_NOFAIL);
	for (i = 0; i < VMLAB_HUGE_PAGES; i++) {
		if (in_hole(hole, head + i))
			continue;
		vmlab_pool_charge_anyway(region->pool, 1);
		copy_page_into(region, head, folio, i, take_page(), leaves);
		kept++;
	}
	vmlab_leaves_trim(leaves);
	vmlab_index_exchange(&region->index, head, folio, leaves, GFP_KERNEL | __GFP_NOFAIL);
	vmlab_count(region, VMLAB_RESIDENT, -(s64)(VMLAB_HUGE_PAGES - kept));
	vmlab_count(region, VMLAB_HUGE_SPLIT, 1);
	trace_vmlab_huge_split(region->id, head, kept);
}

/*
 * Returns whether the huge page at @pgoff, if there is one, was split. If not, as it is held,
 * its part of the hole is zeroed if that is wanted.
 */
static bool cut(struct vmlab_region *region, pgoff_t pgoff, const struct hole *hole,
		bool zero_held)
{
	pgoff_t head = round_down(pgoff, VMLAB_HUGE_PAGES);
	struct vmlab_leaves leaves;
	struct vmlab_place place;
	struct folio *folio;
	struct page *page;
	bool held;

	/* What is no part of one is not to be copied, or brought back, only to go. */
	if (!vmlab_huge_has(region, pgoff))
		return true;
	if (vmlab_pages_own(region, pgoff, 1, &page, &place, NULL, true) <= 0 ||
	    !PageCompound(page))
		return true;
	folio = page_folio(page);	/* stays, as nobody else has invalidate_lock */
	folio_lock(folio);
	vmlab_region_unmap(region, head, VMLAB_HUGE_PAGES);
	smp_mb();	/* as in protect.c */
	held = folio_ref_count(folio) > 1;
	if (!held)
		split(region, head, folio, hole, &leaves);
	else if (zero_held)
		zero_hole(head, folio, hole);
	folio_unlock(folio);
	if (!held) {
		vmlab_leaves_put(&leaves);
		refill_reserve();
	}
	return !held;
}

/**
 * vmlab_huge_cut - split the huge pages of which a range has only a part
 * @region: the region
 * @first: the first page of the range
 * @end: the page behind the last
 * @zero_held: zero the parts of those that are not split
 *
 * The part that is in the range has gone then. A huge page that somebody holds, a device above
 * all, is not split. The range is made smaller by that part.
 * Context: may sleep. Caller holds invalidate_lock exclusive, and has unmapped the range.
 */
void vmlab_huge_cut(struct vmlab_region *region, pgoff_t *first, pgoff_t *end, bool zero_held)
{
	const struct hole hole = { .first = *first, .end = *end };

	if (*first % VMLAB_HUGE_PAGES && !cut(region, *first, &hole, zero_held))
		*first = min(round_up(*first, VMLAB_HUGE_PAGES), *end);
	if (*first < *end && *end % VMLAB_HUGE_PAGES &&
	    !cut(region, *end - 1, &hole, zero_held))
		*end = max(round_down(*end, VMLAB_HUGE_PAGES), *first);
}
