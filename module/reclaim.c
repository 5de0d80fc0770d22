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
 * referenced since it was last looked at stays, too, if its policy wants it back for that.
 */
#include "reclaim.h"

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

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

/* After so many pages that the store did not take, those alone are tried that it has already. */
#define FUTILE 64

/* How often, and for how long in between, it is tried to make room before an error is told. */
#define ROOM_TRIES 20
#define ROOM_PAUSE max(HZ / 100, 1)

/* While the file system of a store is frozen: half a minute. */
#define FROZEN_TRIES 3000

/**
 * struct victim - a page that is to leave memory
 * @swap: a reference
 * @region: whose mapping it carries, kept by its @carried; NULL: it is on its way out
 * @folio: a reference, from when the region's invalidate_lock is held: a clone takes one that
 *	is held for one that is written to. NULL: it has gone.
 * @pgoff: its offset there
 * @asked: not the policy has chosen it, but somebody has asked for it to go
 * @stored: it is to go only if the store has its content
 * @insist: it is to go even if it was referenced
 */
struct victim {
	struct vmlab_swap *swap;
	struct vmlab_region *region;
	struct folio *folio;
	pgoff_t pgoff;
	bool asked;
	bool stored;
	bool insist;
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

/* The policy's next victims; @stored and @insist: see there. Returns how many. */
static unsigned int choose(struct vmlab_pool *pool, struct victim *victims, unsigned int nr,
			   bool stored, bool insist)
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
			.stored = stored,
			.insist = insist,
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
			victims[i] = (struct victim){ .swap = swap, .asked = true, .insist = true };
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

/* The page stays, as it is in use. */
static void refuse(struct vmlab_pool *pool, const struct victim *victim)
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
static bool spare(const struct victim *victim)
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
	return !victim->insist && victim->swap->pool->policy->ops->spared;
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

/* Has the store its content, as far as can be told before it is unmapped? Caller has BUSY. */
static bool seems_stored(const struct vmlab_swap *swap)
{
	return swap->copy.flags & VMLAB_COPY_VALID &&
	       !test_bit(VMLAB_SWAP_WRITTEN, &swap->flags);
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
 * Returns whether it is to be stored: it is BUSY then. @spared: the policy has it back already.
 */
static bool isolate(struct victim *victim, bool *spared)
{
	struct vmlab_swap *swap = victim->swap;
	struct folio *folio;
	bool done = false;

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
	if (!*spared) {
		folio_clear_referenced(folio);
		unmap(victim);
		/* Taking the entries out tells, too. */
		*spared = asks_for_references(victim) && folio_test_clear_referenced(folio) &&
			  spare(victim);
		/* One reference is ours. */
		done = !*spared && vmlab_page_spare(folio) <= 1 && take_out(victim);
	}
unlock_swap:
	if (!done)
		vmlab_swap_unlock(swap);
unlock:
	folio_unlock(folio);
	return done;
}

/* What became of a victim. */
static void finish(struct victim *victim, int ret)
{
	struct vmlab_pool *pool = victim->swap->pool;

	vmlab_swap_end_out(victim->swap, victim->folio, ret);
	if (ret) {
		atomic_long_inc(&pool->store_errors);
		atomic_long_add(ret == -ENOSPC, &pool->store_full);
		refuse(pool, victim);
	} else {
		atomic_long_inc(&pool->evicted);
		trace_vmlab_page_state(victim->region->id, victim->pgoff, 1, VMLAB_PS_CLEAN,
				       VMLAB_PS_STORED);
	}
	vmlab_swap_unlock(victim->swap);
	folio_put(victim->folio);
}

/* Has the first of the @isolated victims stored, as many as are best stored at once. */
static unsigned int store_some(struct vmlab_pool *pool, struct victim *victims,
			       unsigned long *isolated)
{
	struct vmlab_store *store = pool->store;
	struct vmlab_store_job jobs[BATCH];
	unsigned int nr = 0, gone = 0, i;
	unsigned long some = 0, has_job = 0;

	static_assert(BATCH <= VMLAB_STORE_BATCH);
	while (*isolated && nr < store->ops->batch) {
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

/* Evicts those of the victims that are of @region. Returns how many have gone. */
static unsigned int evict_from(struct vmlab_region *region, struct victim *victims,
			       unsigned int nr)
{
	struct vmlab_pool *pool = region->pool;
	unsigned long isolated = 0;
	unsigned int i, gone = 0;
	bool spared;

	filemap_invalidate_lock(region->inode.i_mapping);
	mutex_lock(&pool->regions_lock);
	for (i = 0; i < nr; i++) {
		if (victims[i].region != region)
			continue;
		if (isolate(&victims[i], &spared)) {
			isolated |= BIT(i);
			continue;
		}
		if (!spared)
			refuse(pool, &victims[i]);
		if (victims[i].folio)
			folio_put(victims[i].folio);
	}
	mutex_unlock(&pool->regions_lock);
	filemap_invalidate_unlock(region->inode.i_mapping);
	/* Who waits for one of these may hold another region's lock. */
	while (isolated)
		gone += store_some(pool, victims, &isolated);
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
			refuse(pool, &victims[i]);
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
 * Gives up when all pages were looked at three times. A page that was referenced is spared, and
 * once more if it was referenced again; the third time that does not matter: where all are in use
 * all the time, one of these has to leave.
 * Context: may sleep. Caller holds reclaim_lock, and no lock of a region's, but the inode
 * lock, and mmap_lock.
 * Return: how many have gone.
 */
long vmlab_reclaim(struct vmlab_pool *pool, long nr)
{
	long frames = atomic_long_read(&pool->frames), left = 3 * frames + BATCH, gone = 0;
	long enough = atomic_long_read(&pool->store_errors) + FUTILE;
	struct victim victims[BATCH];
	unsigned int tried = 1;

	lockdep_assert_held(&pool->reclaim_lock);
	while (gone < nr && left > 0 && tried && !fatal_signal_pending(current)) {
		tried = choose(pool, victims, min_t(long, nr - gone, BATCH),
			       atomic_long_read(&pool->store_errors) >= enough, left <= frames);
		gone += evict(pool, victims, tried);
		left -= tried;
		cond_resched();
	}
	return gone;
}

/* Evicts what a region has in [*first, last]. Returns 0, or -EINTR after a signal. */
static int evict_range(struct vmlab_region *region, pgoff_t first, pgoff_t last, u64 *gone,
		       const bool *given_up)
{
	struct vmlab_pool *pool = region->pool;
	struct victim victims[BATCH];
	unsigned int nr;

	do {
		if (mutex_lock_killable(&pool->reclaim_lock))
			return -EINTR;
		nr = choose_in_range(region, &first, last, victims, BATCH);
		/* Who waited for it may look any time. */
		WRITE_ONCE(*gone, *gone + evict(pool, victims, nr));
		mutex_unlock(&pool->reclaim_lock);
		if (signal_pending(current) || READ_ONCE(*given_up))
			return -EINTR;
	} while (nr == BATCH);
	return 0;
}

/**
 * struct evict_request - a range that a worker evicts
 * @work: queued
 * @refs: the worker's, and that of who waits
 * @done: when it has ended
 * @region: kept by its @carried
 * @first: the first page
 * @last: the last one
 * @gone: how many have gone
 * @given_up: nobody waits any more
 */
struct evict_request {
	struct work_struct work;
	refcount_t refs;
	struct completion done;
	struct vmlab_region *region;
	pgoff_t first;
	pgoff_t last;
	u64 gone;
	bool given_up;
};

static void put_request(struct evict_request *request)
{
	if (refcount_dec_and_test(&request->refs))
		kfree(request);
}

static void serve_evict(struct work_struct *work)
{
	struct evict_request *request = container_of(work, struct evict_request, work);
	struct vmlab_region *region = request->region;
	unsigned int flags = memalloc_noio_save();

	evict_range(region, request->first, request->last, &request->gone, &request->given_up);
	memalloc_noio_restore(flags);
	complete(&request->done);
	put_request(request);
	vmlab_region_put_carried(region);
}

/* The same by a worker: an output that is under way does not end with who began it. */
static int have_evicted(struct vmlab_region *region, pgoff_t first, pgoff_t last, u64 *gone)
{
	struct evict_request *request = kzalloc(sizeof(*request), GFP_KERNEL);
	int ret;

	if (!request)
		return -ENOMEM;
	refcount_set(&request->refs, 2);
	init_completion(&request->done);
	atomic_long_inc(&region->carried);
	request->region = region;
	request->first = first;
	request->last = last;
	INIT_WORK(&request->work, serve_evict);
	queue_work(region->pool->store->wq, &request->work);
	ret = wait_for_completion_interruptible(&request->done) ? -EINTR : 0;
	WRITE_ONCE(request->given_up, ret);
	*gone = READ_ONCE(request->gone);
	put_request(request);
	return ret;
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
 * Return: 0, -EINTR, -ENOMEM.
 */
int vmlab_reclaim_range(struct vmlab_region *region, pgoff_t first, pgoff_t last, u64 *gone)
{
	static const bool never;

	*gone = 0;
	if (vmlab_store_waits(region->pool->store))
		return have_evicted(region, first, last, gone);
	return evict_range(region, first, last, gone, &never);
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

/*
 * How many pages are to leave for now, one at least: so many that there is room for who comes
 * next, and no more. Policies count on the others to stay.
 */
static long shortage(const struct vmlab_pool *pool)
{
	return clamp(READ_ONCE(pool->high) - vmlab_pool_frames_left(pool), 1L, (long)BATCH);
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
 * vmlab_reclaim_excess - evict what a pool has in memory beyond its budget, as far as it can be
 * @pool: the pool; it has a policy
 *
 * Context: may sleep, until a signal is fatal; no lock of a region's or an address space's held.
 */
void vmlab_reclaim_excess(struct vmlab_pool *pool)
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

/**
 * vmlab_reclaim_room - make room for a page, which the budget did not allow
 * @pool: the pool
 * @stored: the page is in the store
 *
 * Who finds that nothing can leave waits a little: pages may be in use for a moment only, and
 * a store that is full may have room again.
 * Context: may sleep. No lock of a region's held, but the inode lock, and mmap_lock.
 * Return: 0: try again; -ENOSPC: nothing can leave. -EINTR.
 */
int vmlab_reclaim_room(struct vmlab_pool *pool, bool stored)
{
	long full = atomic_long_read(&pool->store_full);
	int tries, ret = -ENOSPC;

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
void vmlab_reclaim_work(struct work_struct *work)
{
	struct vmlab_pool *pool = container_of(work, struct vmlab_pool, reclaim_work);
	unsigned int flags = memalloc_noio_save();
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
		gone = missing > 0 ? vmlab_reclaim(pool, min_t(long, missing, BATCH)) : 0;
		mutex_unlock(&pool->reclaim_lock);
		pool->hard_pressed = missing > 0 && !gone;
		if (pool->hard_pressed)
			WRITE_ONCE(pool->stuck, pool->stuck + 1);
		WRITE_ONCE(pool->rounds, pool->rounds + 1);
		wake_up_all(&pool->room);
	}
	memalloc_noio_restore(flags);
	vmlab_pool_put(pool);
}
