// SPDX-License-Identifier: GPL-2.0
/*
 * Reclaim: pages leave memory so that a pool stays within its budget.
 *
 * The policy names the victims. Each is unmapped everywhere, by the reverse map of each region
 * that has it, and taken out of the slots that have it, while nobody can be given it: a page
 * that is its region's alone is safe from that by invalidate_lock, one that several have by
 * its folio lock. Then it is stored (swap.c), with no lock of the region's held.
 *
 * A page that somebody holds stays: get_user_pages() takes its reference first and looks at
 * the page table again, we clear the entry first and look at the references then. One that was
 * referenced since it was last looked at stays, too, and its policy is told.
 */
#include "reclaim.h"

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "index.h"
#include "page.h"
#include "pool.h"
#include "region.h"
#include "swap.h"
#include "trace.h"
#include "vmas.h"

/* So many victims are chosen at once. */
#define BATCH 16

/* How often, and for how long in between, it is tried to make room before an error is told. */
#define ROOM_TRIES 20
#define ROOM_PAUSE max(HZ / 100, 1)

/**
 * struct victim - a page that is to leave memory
 * @swap: a reference
 * @region: whose mapping it carries, kept by its @carried; NULL: it is on its way out
 * @folio: a reference, from when the region's invalidate_lock is held: a clone takes one that
 *	is held for one that is written to. NULL: it has gone.
 * @pgoff: its offset there
 * @asked: not the policy has chosen it, but somebody has asked for it to go
 */
struct victim {
	struct vmlab_swap *swap;
	struct vmlab_region *region;
	struct folio *folio;
	pgoff_t pgoff;
	bool asked;
};

/* The region whose mapping the page of @swap carries, kept; or NULL. Under policy_lock. */
static struct vmlab_region *get_region(struct vmlab_swap *swap)
{
	struct address_space *mapping;
	struct vmlab_region *region = NULL;

	rcu_read_lock();	/* another region may make the page its own just now */
	mapping = READ_ONCE(swap->folio->mapping);
	if (mapping)
		region = vmlab_inode_region(mapping->host);
	if (region && !vmlab_region_carry(region))
		region = NULL;
	rcu_read_unlock();
	return region;
}

/* The policy's next victims. Returns how many. */
static unsigned int choose(struct vmlab_pool *pool, struct victim *victims, unsigned int nr)
{
	struct vmlab_entry *entry;
	unsigned int i;

	spin_lock(&pool->policy_lock);
	for (i = 0; i < nr; i++) {
		entry = vmlab_policy_victim(pool->policy, NULL);
		if (!entry)
			break;
		/* As long as it is the policy's, it has a page. */
		victims[i] = (struct victim){
			.swap = container_of(entry, struct vmlab_swap, entry),
		};
		refcount_inc(&victims[i].swap->refs);
		victims[i].region = get_region(victims[i].swap);
	}
	spin_unlock(&pool->policy_lock);
	return i;
}

/*
 * The pages that a region has in memory in [*first, last], moved behind them. Returns how many.
 */
static unsigned int choose_in_range(struct vmlab_region *region, pgoff_t *first, pgoff_t last,
				    struct victim *victims, unsigned int nr)
{
	struct vmlab_pool *pool = region->pool;
	unsigned int i = 0;

	while (i < nr && *first <= last && vmlab_index_next(&region->index, first, last)) {
		struct folio *folio = vmlab_page_get(region, (*first)++);
		struct vmlab_swap *swap;

		if (!folio)
			continue;
		spin_lock(&pool->policy_lock);
		swap = vmlab_folio_swap_locked(folio);
		if (swap && swap->entry.state == VMLAB_ENTRY_RESIDENT) {
			vmlab_policy_removed(pool->policy, &swap->entry);
			refcount_inc(&swap->refs);
			victims[i] = (struct victim){ .swap = swap, .asked = true };
			victims[i++].region = get_region(swap);
		}
		spin_unlock(&pool->policy_lock);
		folio_put(folio);
		cond_resched();
	}
	return i;
}

static bool get_folio(struct victim *victim)
{
	struct vmlab_swap *swap = victim->swap;

	spin_lock(&swap->pool->policy_lock);
	victim->folio = swap->folio;
	if (victim->folio)
		folio_get(victim->folio);
	spin_unlock(&swap->pool->policy_lock);
	return victim->folio;
}

/* The page stays; it was @referenced, or is in use. */
static void refuse(struct vmlab_pool *pool, const struct victim *victim, bool referenced)
{
	struct vmlab_swap *swap = victim->swap;

	atomic_long_add(!referenced, &pool->refused);
	spin_lock(&pool->policy_lock);
	if (swap->folio && swap->entry.state != VMLAB_ENTRY_RESIDENT) {
		if (victim->asked) {
			vmlab_policy_missed(pool->policy, &swap->entry);
			vmlab_policy_inserted(pool->policy, &swap->entry);
		} else {
			vmlab_policy_refused(pool->policy, &swap->entry);
		}
		if (referenced)
			vmlab_policy_referenced(pool->policy, &swap->entry);
	}
	spin_unlock(&pool->policy_lock);
}

#if defined(VMLAB_HAVE_APPLY_TO_EXISTING) && defined(CONFIG_X86)
/* One bit alone is changed: the processor may be setting that for dirty pages just now. */
static int clear_young(pte_t *pte, unsigned long address, void *data)
{
	bool *young = data;

	if (pte_present(*pte) &&
	    test_and_clear_bit(_PAGE_BIT_ACCESSED, (unsigned long *)&pte->pte))
		*young = true;
	return 0;
}

static void test_vma(struct vm_area_struct *vma, pgoff_t first, pgoff_t last, void *data)
{
	unsigned long address = vma->vm_start + ((first - vma->vm_pgoff) << PAGE_SHIFT);

	apply_to_existing_page_range(vma->vm_mm, address, PAGE_SIZE, clear_young, data);
}

/*
 * Was the page referenced through a mapping of @region since this was last asked? Processors
 * may go on using what they have in their TLBs without it being noticed, as the kernel has it.
 */
static bool test_young(struct vmlab_region *region, pgoff_t pgoff)
{
	bool young = false;

	/* The visit does not go through entries for huge pages. */
	if (!vmlab_region_is_huge(region))
		vmlab_vmas_visit(region, pgoff, pgoff, test_vma, &young);
	return young;
}
#else
/* Where entries of page tables cannot be looked at the page is unmapped: that tells, too. */
static bool test_young(struct vmlab_region *region, pgoff_t pgoff)
{
	return false;
}
#endif

/* Does @region have the page at an offset? */
static bool has_folio(struct vmlab_region *region, pgoff_t pgoff, struct folio *folio)
{
	bool has;

	rcu_read_lock();
	has = vmlab_index_load(&region->index, pgoff) == folio;
	rcu_read_unlock();
	return has;
}

/*
 * The regions that may have the page, one after the other: first that whose mapping it carries,
 * unless it is at its end, and then, if it shares, those that have it. Under regions_lock.
 */
static struct vmlab_region *next_owner(const struct victim *victim, struct vmlab_region *region)
{
	struct list_head *regions = &victim->swap->pool->regions, *node = regions;
	struct vmlab_region *carrier = victim->region;

	if (!region && !list_empty(&carrier->pool_node))
		return carrier;
	if (!carrier->index.shares)
		return NULL;
	if (region && region != carrier)
		node = &region->pool_node;
	while ((node = node->next) != regions) {
		region = list_entry(node, struct vmlab_region, pool_node);
		if (region != carrier && has_folio(region, victim->pgoff, victim->folio))
			return region;
	}
	return NULL;
}

/* Does it matter whether the page was referenced? */
static bool asks_for_references(const struct victim *victim)
{
	return !victim->asked && victim->swap->pool->policy->ops->referenced;
}

static bool is_young(const struct victim *victim)
{
	struct vmlab_region *region;
	bool young = false;

	for (region = next_owner(victim, NULL); region; region = next_owner(victim, region))
		young |= test_young(region, victim->pgoff);
	return young;
}

static void unmap(const struct victim *victim)
{
	struct vmlab_region *region;

	for (region = next_owner(victim, NULL); region; region = next_owner(victim, region))
		vmlab_region_unmap(region, victim->pgoff, 1);
	smp_mb();	/* as in protect.c: no reference is taken by an entry after this */
}

/* Takes the page out of an index. Returns whether that was the last share of it. */
static bool take_out_of(struct vmlab_region *region, const struct victim *victim)
{
	struct folio *folio = victim->folio;

	return vmlab_index_swap_out(&region->index, victim->pgoff, &folio->page, victim->swap) &&
	       atomic_long_dec_and_test(vmlab_page_sharers(folio));
}

/*
 * Takes the page out of the slots that have it. Returns whether these were all: then the
 * reference of all shares is ours.
 */
static bool take_out(const struct victim *victim)
{
	struct vmlab_swap *swap = victim->swap;
	struct vmlab_region *region;
	bool last = false;

	for (region = next_owner(victim, NULL); region; region = next_owner(victim, region))
		last |= take_out_of(region, victim);
	if (!last) {
		spin_lock(&swap->pool->slots_lock);
		last = test_and_clear_bit(VMLAB_SWAP_CACHED, &swap->flags);
		spin_unlock(&swap->pool->slots_lock);
	}
	return last;
}

/* Can a page that is where it was thought to be leave at all? */
static bool may_leave(const struct victim *victim)
{
	struct folio *folio = victim->folio;

	/* A region with a file may have got it while its pool got a budget. */
	return folio->mapping == victim->region->inode.i_mapping && !folio_test_large(folio) &&
	       !folio_test_mlocked(folio) && !READ_ONCE(victim->region->backing)->writeback;
}

/*
 * Takes a page out of page tables and slots; caller holds invalidate_lock and regions_lock.
 * Returns whether it is to be stored: it is BUSY then.
 */
static bool isolate(struct victim *victim, bool *referenced)
{
	struct vmlab_swap *swap = victim->swap;
	struct folio *folio;
	bool done = false;

	*referenced = false;
	if (!get_folio(victim))
		return false;
	folio = victim->folio;
	if (!folio_trylock(folio))
		return false;
	victim->pgoff = folio->index;
	if (!may_leave(victim) || !vmlab_swap_trylock(swap))
		goto unlock;
	*referenced = asks_for_references(victim) && is_young(victim);
	if (!*referenced) {
		folio_clear_referenced(folio);
		unmap(victim);
		/* Taking the entries out tells, too. */
		*referenced = asks_for_references(victim) && folio_test_clear_referenced(folio);
		/* One reference is ours. */
		done = !*referenced && vmlab_page_spare(folio) <= 1 && take_out(victim);
	}
	if (!done)
		vmlab_swap_unlock(swap);
unlock:
	folio_unlock(folio);
	return done;
}

/* Has the page stored. Returns whether it has gone. */
static bool finish(const struct victim *victim)
{
	struct vmlab_pool *pool = victim->swap->pool;
	int ret = vmlab_swap_out(victim->swap, victim->folio);

	if (ret) {
		atomic_long_inc(&pool->store_errors);
		refuse(pool, victim, false);
	} else {
		atomic_long_inc(&pool->evicted);
		trace_vmlab_page_state(victim->region->id, victim->pgoff, 1, VMLAB_PS_CLEAN,
				       VMLAB_PS_STORED);
	}
	vmlab_swap_unlock(victim->swap);
	return !ret;
}

/* Evicts those of the victims that are of @region. Returns how many have gone. */
static unsigned int evict_from(struct vmlab_region *region, struct victim *victims,
			       unsigned int nr)
{
	struct vmlab_pool *pool = region->pool;
	unsigned long isolated = 0;
	unsigned int i, gone = 0;
	bool referenced;

	filemap_invalidate_lock(region->inode.i_mapping);
	mutex_lock(&pool->regions_lock);
	for (i = 0; i < nr; i++) {
		if (victims[i].region != region)
			continue;
		if (isolate(&victims[i], &referenced)) {
			isolated |= BIT(i);
			continue;
		}
		refuse(pool, &victims[i], referenced);
		if (victims[i].folio)
			folio_put(victims[i].folio);
	}
	mutex_unlock(&pool->regions_lock);
	filemap_invalidate_unlock(region->inode.i_mapping);
	/* Who waits for one of these may hold another region's lock. */
	for (; isolated; isolated &= isolated - 1) {
		gone += finish(&victims[__ffs(isolated)]);
		folio_put(victims[__ffs(isolated)].folio);
	}
	return gone;
}

static void put_victim(const struct victim *victim)
{
	vmlab_swap_release(victim->swap);
	if (victim->region)
		vmlab_region_put_carried(victim->region);
}

static bool is_first_of_region(const struct victim *victims, unsigned int i)
{
	unsigned int j;

	for (j = 0; j < i; j++) {
		if (victims[j].region == victims[i].region)
			return false;
	}
	return true;
}

/* Evicts those of the victims that can be. Returns how many have gone. */
static unsigned int evict(struct vmlab_pool *pool, struct victim *victims, unsigned int nr)
{
	unsigned int i, gone = 0;

	for (i = 0; i < nr; i++) {
		if (!victims[i].region)
			refuse(pool, &victims[i], false);
	}
	for (i = 0; i < nr; i++) {
		if (victims[i].region && is_first_of_region(victims, i))
			gone += evict_from(victims[i].region, victims, nr);
	}
	for (i = 0; i < nr; i++)
		put_victim(&victims[i]);
	return gone;
}

/**
 * vmlab_reclaim - evict pages of a pool
 * @pool: the pool; it has a policy
 * @nr: how many
 *
 * Gives up when all pages were looked at three times: a page that was referenced is spared
 * twice at most.
 * Context: may sleep. Caller holds reclaim_lock, and no lock of a region's, but the inode
 * lock, and mmap_lock.
 * Return: how many have gone.
 */
long vmlab_reclaim(struct vmlab_pool *pool, long nr)
{
	long left = 3 * atomic_long_read(&pool->frames) + BATCH, gone = 0;
	struct victim victims[BATCH];
	unsigned int tried = 1;

	lockdep_assert_held(&pool->reclaim_lock);
	while (gone < nr && left > 0 && tried && !fatal_signal_pending(current)) {
		tried = choose(pool, victims, min_t(long, nr - gone, BATCH));
		gone += evict(pool, victims, tried);
		left -= tried;
		cond_resched();
	}
	return gone;
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
 * Return: 0, -EINTR.
 */
int vmlab_reclaim_range(struct vmlab_region *region, pgoff_t first, pgoff_t last, u64 *gone)
{
	struct vmlab_pool *pool = region->pool;
	struct victim victims[BATCH];
	unsigned int nr;

	*gone = 0;
	do {
		if (mutex_lock_killable(&pool->reclaim_lock))
			return -EINTR;
		nr = choose_in_range(region, &first, last, victims, BATCH);
		*gone += evict(pool, victims, nr);
		mutex_unlock(&pool->reclaim_lock);
		if (signal_pending(current))
			return -EINTR;
	} while (nr == BATCH);
	return 0;
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
	return test_young(region, pgoff);
}

/**
 * vmlab_reclaim_room - make room for a page, which the budget did not allow
 * @pool: the pool
 *
 * Who finds that nothing can leave waits a little: pages may be in use for a moment only, and
 * a store that is full may have room again.
 * Context: may sleep. No lock of a region's held, but the inode lock, and mmap_lock.
 * Return: 0: try again; -ENOSPC: nothing can leave. -EINTR.
 */
int vmlab_reclaim_room(struct vmlab_pool *pool)
{
	int tries, ret = -ENOSPC;

	if (mutex_lock_killable(&pool->reclaim_lock))
		return -EINTR;
	for (tries = ROOM_TRIES; tries && ret == -ENOSPC; tries--) {
		if (vmlab_pool_has_room(pool) || vmlab_reclaim(pool, BATCH))
			ret = 0;
		else if (fatal_signal_pending(current))
			ret = -EINTR;
		else
			schedule_timeout_killable(ROOM_PAUSE);
	}
	mutex_unlock(&pool->reclaim_lock);
	return ret;
}

/* In the background. */
void vmlab_reclaim_work(struct work_struct *work)
{
	struct vmlab_pool *pool = container_of(work, struct vmlab_pool, reclaim_work);
	unsigned int flags = memalloc_noio_save();
	long missing, gone = 1;

	while (gone) {
		mutex_lock(&pool->reclaim_lock);
		missing = READ_ONCE(pool->high) - vmlab_pool_frames_left(pool);
		gone = missing > 0 ? vmlab_reclaim(pool, min_t(long, missing, BATCH)) : 0;
		mutex_unlock(&pool->reclaim_lock);
	}
	memalloc_noio_restore(flags);
	vmlab_pool_put(pool);
}
