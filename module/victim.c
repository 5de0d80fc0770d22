// SPDX-License-Identifier: GPL-2.0
/*
 * Victims: the pages that are to leave memory, and how they do.
 *
 * The policy names them. Each is unmapped everywhere, by the reverse map of each region
 * that has it, and taken out of the slots that have it, while nobody can be given it: a page
 * that is its region's alone is safe from that by invalidate_lock, one that several have by
 * its folio lock. Then it is stored (swap.c), with no lock of the region's held.
 *
 * A page that somebody holds stays: get_user_pages() takes its reference first and looks at
 * the page table again, we clear the entry first and look at the references then. One that was
 * referenced since it was last looked at stays, too, if its policy wants it back for that.
 */
#include "victim.h"

#include <linux/build_bug.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "compat.h"
#include "index.h"
#include "page.h"
#include "pool.h"
#include "region.h"
#include "stats.h"
#include "swap.h"
#include "tiers.h"
#include "trace.h"
#include "vmas.h"

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

/**
 * vmlab_victims_choose - the policy's next victims
 * @pool: the pool; it has a policy
 * @victims: set; vmlab_victims_evict() is due
 * @nr: at most so many
 * @stored: see there
 * @insist: see there
 *
 * Context: any that may take spinlocks. Caller holds reclaim_lock.
 * Return: how many.
 */
unsigned int vmlab_victims_choose(struct vmlab_pool *pool, struct vmlab_victim *victims,
				  unsigned int nr, bool stored, bool insist)
{
	struct vmlab_entry *entry;
	unsigned int i;

	spin_lock(&pool->policy_lock);
	for (i = 0; i < nr; i++) {
		entry = vmlab_policy_victim(pool->policy, NULL);
		if (!entry)
			break;
		/* As long as it is the policy's, it has a page. */
		victims[i] = (struct vmlab_victim){
			.swap = container_of(entry, struct vmlab_swap, entry),
			.stored = stored,
			.insist = insist,
		};
		refcount_inc(&victims[i].swap->refs);
		victims[i].region = get_region(victims[i].swap);
	}
	spin_unlock(&pool->policy_lock);
	return i;
}

/**
 * vmlab_victims_choose_in_range - the pages that a region has in memory in a range
 * @region: the region
 * @first: the first page; moved behind the last victim
 * @last: the last one
 * @victims: set; vmlab_victims_evict() is due
 * @nr: at most so many
 *
 * Context: may sleep. Caller holds reclaim_lock of the region's pool.
 * Return: how many.
 */
unsigned int vmlab_victims_choose_in_range(struct vmlab_region *region, pgoff_t *first,
					   pgoff_t last, struct vmlab_victim *victims,
					   unsigned int nr)
{
	struct vmlab_pool *pool = region->pool;
	unsigned int i = 0;

	while (i < nr && *first <= last) {
		struct folio *folio = vmlab_page_get(region, (*first)++);
		struct vmlab_swap *swap;

		/* Mostly the next page is there. */
		if (!folio) {
			if (!vmlab_index_next(&region->index, first, last))
				break;
			cond_resched();
			continue;
		}
		spin_lock(&pool->policy_lock);
		swap = vmlab_folio_swap_locked(folio);
		if (swap && swap->entry.state == VMLAB_ENTRY_RESIDENT) {
			vmlab_policy_removed(pool->policy, &swap->entry);
			refcount_inc(&swap->refs);
			victims[i] = (struct vmlab_victim){
				.swap = swap,
				.asked = true,
				.insist = true,
			};
			victims[i++].region = get_region(swap);
		}
		spin_unlock(&pool->policy_lock);
		folio_put(folio);
		cond_resched();
	}
	return i;
}

static bool get_folio(struct vmlab_victim *victim)
{
	struct vmlab_swap *swap = victim->swap;

	spin_lock(&swap->pool->policy_lock);
	victim->folio = swap->folio;
	if (victim->folio)
		folio_get(victim->folio);
	spin_unlock(&swap->pool->policy_lock);
	return victim->folio;
}

/* The page stays, as it is in use. */
static void refuse(struct vmlab_pool *pool, const struct vmlab_victim *victim)
{
	struct vmlab_swap *swap = victim->swap;

	atomic_long_inc(&pool->refused);
	spin_lock(&pool->policy_lock);
	if (swap->folio && swap->entry.state != VMLAB_ENTRY_RESIDENT) {
		if (victim->asked) {
			vmlab_policy_missed(pool->policy, &swap->entry);
			vmlab_policy_inserted(pool->policy, &swap->entry);
		} else {
			vmlab_policy_refused(pool->policy, &swap->entry);
		}
	}
	spin_unlock(&pool->policy_lock);
}

/* The page was referenced. Returns whether the policy takes it back for that. */
static bool spare(const struct vmlab_victim *victim)
{
	struct vmlab_swap *swap = victim->swap;
	struct vmlab_pool *pool = swap->pool;
	bool spared = true;

	spin_lock(&pool->policy_lock);
	if (swap->folio && swap->entry.state != VMLAB_ENTRY_RESIDENT)
		spared = vmlab_policy_spared(pool->policy, &swap->entry);
	spin_unlock(&pool->policy_lock);
	return spared;
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

/**
 * vmlab_victim_test_young - was a page referenced since this was last asked
 * @region: the region through whose mappings it may have been
 * @pgoff: the page
 *
 * Processors may go on using what they have in their TLBs without it being noticed, as the kernel
 * has it.
 * Context: may sleep.
 */
bool vmlab_victim_test_young(struct vmlab_region *region, pgoff_t pgoff)
{
	bool young = false;

	/* The visit does not go through entries for huge pages. */
	if (!vmlab_region_is_huge(region))
		vmlab_vmas_visit(region, pgoff, pgoff, test_vma, &young);
	return young;
}
#else
/* Where entries of page tables cannot be looked at the page is unmapped: that tells, too. */
bool vmlab_victim_test_young(struct vmlab_region *region, pgoff_t pgoff)
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
static struct vmlab_region *next_owner(const struct vmlab_victim *victim,
				       struct vmlab_region *region)
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
static bool asks_for_references(const struct vmlab_victim *victim)
{
	return !victim->insist && victim->swap->pool->policy->ops->spared;
}

static bool is_young(const struct vmlab_victim *victim)
{
	struct vmlab_region *region;
	bool young = false;

	for (region = next_owner(victim, NULL); region; region = next_owner(victim, region))
		young |= vmlab_victim_test_young(region, victim->pgoff);
	return young;
}

static void unmap(const struct vmlab_victim *victim)
{
	struct vmlab_region *region;

	for (region = next_owner(victim, NULL); region; region = next_owner(victim, region))
		vmlab_region_unmap(region, victim->pgoff, 1);
}

/* Takes @prepared victims out of page tables: neighbours at once, if only @region has them. */
static void unmap_prepared(struct vmlab_region *region, const struct vmlab_victim *victims,
			   unsigned long prepared)
{
	bool alone = !region->index.shares && !list_empty(&region->pool_node);
	unsigned int first, end;

	for (; prepared; prepared &= ~GENMASK(end - 1, first)) {
		first = __ffs(prepared);
		end = first + 1;
		if (!alone) {
			unmap(&victims[first]);
			continue;
		}
		while (end < VMLAB_VICTIMS && prepared & BIT(end) &&
		       victims[end].pgoff == victims[first].pgoff + (end - first))
			end++;
		vmlab_region_unmap(region, victims[first].pgoff, end - first);
	}
	smp_mb();	/* as in protect.c: no reference is taken by an entry after this */
}

/* Takes the page out of an index. Returns whether that was the last share of it. */
static bool take_out_of(struct vmlab_region *region, const struct vmlab_victim *victim)
{
	struct folio *folio = victim->folio;

	return vmlab_index_swap_out(&region->index, victim->pgoff, &folio->page, victim->swap) &&
	       atomic_long_dec_and_test(vmlab_page_sharers(folio));
}

/*
 * Takes the page out of the slots that have it. Returns whether these were all: then the
 * reference of all shares is ours.
 */
static bool take_out(const struct vmlab_victim *victim)
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

/* Has the store its content, as far as can be told before it is unmapped? Caller has BUSY. */
static bool seems_stored(const struct vmlab_swap *swap)
{
	return swap->copy.flags & VMLAB_COPY_VALID &&
	       !test_bit(VMLAB_SWAP_WRITTEN, &swap->flags);
}

/* Can a page that is where it was thought to be leave at all? */
static bool may_leave(const struct vmlab_victim *victim)
{
	struct folio *folio = victim->folio;

	/* A region with a file may have got it while its pool got a budget. */
	return folio->mapping == victim->region->inode.i_mapping && !folio_test_large(folio) &&
	       !folio_test_mlocked(folio) && !READ_ONCE(victim->region->backing)->writeback;
}

/*
 * Gets hold of a page that is to leave; caller holds invalidate_lock and regions_lock. Returns
 * whether it can leave as far as can be told while it is mapped: it is BUSY then, and locked.
 * @spared: the policy has it back already.
 */
static bool prepare(struct vmlab_victim *victim, bool *spared)
{
	struct vmlab_swap *swap = victim->swap;
	struct folio *folio;

	*spared = false;
	if (!get_folio(victim))
		return false;
	folio = victim->folio;
	if (!folio_trylock(folio))
		return false;
	victim->pgoff = folio->index;
	if (!may_leave(victim) || !vmlab_swap_trylock(swap))
		goto unlock;
	if (victim->stored && !seems_stored(swap))
		goto unlock_swap;
	*spared = asks_for_references(victim) && is_young(victim) && spare(victim);
	if (*spared)
		goto unlock_swap;
	folio_clear_referenced(folio);
	return true;
unlock_swap:
	vmlab_swap_unlock(swap);
unlock:
	folio_unlock(folio);
	return false;
}

/* Takes an unmapped page out of slots. Returns whether it is to be stored; else it is let go. */
static bool isolate(const struct vmlab_victim *victim, bool *spared)
{
	struct folio *folio = victim->folio;
	bool done;

	/* Taking the entries out tells, too. */
	*spared = asks_for_references(victim) && folio_test_clear_referenced(folio) &&
		  spare(victim);
	/* One reference is ours. */
	done = !*spared && vmlab_page_spare(folio) <= 1 && take_out(victim);
	if (!done)
		vmlab_swap_unlock(victim->swap);
	folio_unlock(folio);
	return done;
}

/* A victim stays. */
static void leave(struct vmlab_pool *pool, const struct vmlab_victim *victim, bool spared)
{
	if (!spared)
		refuse(pool, victim);
	if (victim->folio)
		folio_put(victim->folio);
}

/* What became of a victim. */
static void finish(struct vmlab_victim *victim, int ret)
{
	struct vmlab_pool *pool = victim->swap->pool;

	vmlab_swap_end_out(victim->swap, victim->folio, ret);
	if (ret) {
		atomic_long_inc(&pool->store_errors);
		atomic_long_add(ret == -ENOSPC, &pool->store_full);
		refuse(pool, victim);
	} else {
		victim->swap->evicted = atomic_long_inc_return(&pool->evicted);
		vmlab_count(victim->region, VMLAB_EVICTED, 1);
		trace_vmlab_page_state(victim->region->id, victim->pgoff, 1, VMLAB_PS_CLEAN,
				       VMLAB_PS_STORED);
	}
	vmlab_swap_unlock(victim->swap);
	folio_put(victim->folio);
}

/* Has the first of the @isolated victims stored, as many as are best stored at once. */
static unsigned int store_some(struct vmlab_pool *pool, struct vmlab_victim *victims,
			       unsigned long *isolated)
{
	struct vmlab_store *store = pool->store;
	struct vmlab_store_job jobs[VMLAB_VICTIMS];
	unsigned int nr = 0, gone = 0, i;
	unsigned long some = 0, has_job = 0;

	static_assert(VMLAB_VICTIMS <= VMLAB_STORE_BATCH);
	while (*isolated && nr < vmlab_store_batch(store)) {
		i = __ffs(*isolated);
		*isolated &= *isolated - 1;
		some |= BIT(i);
		if (vmlab_swap_begin_out(victims[i].swap, victims[i].folio, &jobs[nr])) {
			has_job |= BIT(i);
			nr++;
		}
	}
	vmlab_store_pages(store, jobs, nr);
	for (nr = 0; some; some &= some - 1) {
		int ret = 0;

		i = __ffs(some);
		if (has_job & BIT(i)) {
			ret = jobs[nr++].ret;
			WRITE_ONCE(pool->frozen, ret == -EBUSY);
		}
		finish(&victims[i], ret);
		gone += !ret;
	}
	return gone;
}

/* Takes invalidate_lock and regions_lock, or, unless it is to wait, tries to. */
static bool lock(struct vmlab_region *region, bool wait)
{
	struct address_space *mapping = region->inode.i_mapping;

	if (wait) {
		filemap_invalidate_lock(mapping);
		mutex_lock(&region->pool->regions_lock);
		return true;
	}
	if (!down_write_trylock(&mapping->invalidate_lock))
		return false;
	if (mutex_trylock(&region->pool->regions_lock))
		return true;
	filemap_invalidate_unlock(mapping);
	return false;
}

static void unlock(struct vmlab_region *region)
{
	mutex_unlock(&region->pool->regions_lock);
	filemap_invalidate_unlock(region->inode.i_mapping);
}

/* Evicts those of the victims that are of @region. Returns how many have gone. */
static unsigned int evict_from(struct vmlab_region *region, struct vmlab_victim *victims,
			       unsigned int nr, bool wait)
{
	struct vmlab_pool *pool = region->pool;
	bool locked = lock(region, wait), spared = false;
	unsigned long prepared = 0, isolated, i;
	unsigned int gone = 0;

	for (i = 0; i < nr; i++) {
		if (victims[i].region != region)
			continue;
		if (locked && prepare(&victims[i], &spared))
			prepared |= BIT(i);
		else
			leave(pool, &victims[i], spared);
	}
	if (prepared)
		unmap_prepared(region, victims, prepared);
	isolated = prepared;
	for_each_set_bit(i, &prepared, nr) {
		if (isolate(&victims[i], &spared))
			continue;
		isolated &= ~BIT(i);
		leave(pool, &victims[i], spared);
	}
	if (locked)
		unlock(region);
	/* Who waits for one of these may hold another region's lock. */
	while (isolated)
		gone += store_some(pool, victims, &isolated);
	return gone;
}

static void put_victim(const struct vmlab_victim *victim)
{
	vmlab_swap_release(victim->swap);
	if (victim->region)
		vmlab_region_put_carried(victim->region);
}

static bool is_first_of_region(const struct vmlab_victim *victims, unsigned int i)
{
	unsigned int j;

	for (j = 0; j < i; j++) {
		if (victims[j].region == victims[i].region)
			return false;
	}
	return true;
}

/**
 * vmlab_victims_evict - evict those of the victims that can be
 * @pool: their pool
 * @victims: them; done with
 * @nr: how many, at most %VMLAB_VICTIMS
 * @wait: for the locks of their regions; else those of one whose locks are taken stay
 *
 * Context: may sleep. Caller holds reclaim_lock, and, if it is to @wait, no lock of a region's, but
 * the inode lock, and mmap_lock.
 * Return: how many have gone.
 */
unsigned int vmlab_victims_evict(struct vmlab_pool *pool, struct vmlab_victim *victims,
				 unsigned int nr, bool wait)
{
	unsigned int i, gone = 0;

	/* Before they are BUSY: who needs one of them does not wait for that output. */
	vmlab_tiers_make_room(pool);
	for (i = 0; i < nr; i++) {
		if (!victims[i].region)
			refuse(pool, &victims[i]);
	}
	for (i = 0; i < nr; i++) {
		if (victims[i].region && is_first_of_region(victims, i))
			gone += evict_from(victims[i].region, victims, nr, wait);
	}
	for (i = 0; i < nr; i++)
		put_victim(&victims[i]);
	return gone;
}
