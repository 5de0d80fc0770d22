// SPDX-License-Identifier: GPL-2.0
/*
 * Pages, and the index of a region that holds them.
 *
 * A page of a region is in one of these states; the arrows say who moves it, holding what.
 *
 *            populate (invalidate_lock shared)
 *   EMPTY ------------------------------------> RESIDENT, clean
 *     ^                                           |       ^
 *     | remove (invalidate_lock                   | first | write-back
 *     |  exclusive)                               | write | (folio lock)
 *     +-------------------------------------------+       |
 *     |                                           v       |
 *     +-------------------------------------- RESIDENT, dirty
 *     |
 *     |    clone (invalidate_lock exclusive)
 *     |      any RESIDENT ---------------> SHARED
 *     |                                      | |
 *     +--------------------------------------+ | copy on write (folio lock), or the
 *                         RESIDENT <-----------+ others gave it up: then it is claimed
 *
 *            swap out (swap.c)
 *     RESIDENT, SHARED ------> STORED
 *                      <------
 *            swap in
 *
 * EMPTY: no entry in the index. RESIDENT: the index has the folio and a share of it;
 * folio->mapping and folio->index name its place. Dirty: PG_dirty and the mark in the
 * index are both set; only regions that track writes have such pages.
 *
 * SHARED: other indexes have the folio, too, or a node above it. It does not change, is
 * mapped read-only, and carries the mapping of the region that it last belonged to alone,
 * of whose state PG_dirty speaks. All shares of a folio, counted in folio->private, are
 * one reference to it: a page with more than that and those of its mappings is in the
 * hands of somebody who may be writing to it.
 *
 * STORED: the index has what the page's pool knows of its content instead of a page.
 *
 * Such a folio looks like one of the page cache, but mapping->i_pages does not have it:
 * it must never get to code that believes so (splice by reference, the LRU lists).
 */
#include "page.h"

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "index.h"
#include "pool.h"
#include "region.h"
#include "room.h"
#include "share.h"
#include "stats.h"
#include "swap.h"
#include "trace.h"

/*
 * Only the first page is worth reclaiming memory for; the others were not asked for yet.
 */
static unsigned int alloc_batch(gfp_t gfp, unsigned int nr, struct page **pages)
{
	unsigned int got, more;

	if (nr == 1) {
		pages[0] = alloc_pages_node(numa_mem_id(), gfp, 0);
		return pages[0] ? 1 : 0;
	}
	memset(pages, 0, nr * sizeof(*pages));
	got = alloc_pages_bulk(gfp, nr, pages);
	gfp |= __GFP_NORETRY | __GFP_NOWARN;
	/* Pages charged to a memory cgroup come one at a time (6.1). */
	for (more = got; more && got < nr; got += more)
		more = alloc_pages_bulk(gfp, nr - got, pages + got);
	return got;
}

/**
 * vmlab_pages_alloc - memory for pages of a region
 * @region: the region
 * @gfp: how to get it; __GFP_ZERO: zeroed; __GFP_NOFAIL: all of them, whatever the limits are
 * @nr: at most so many, at least one
 * @pages: set to them, each with a reference
 *
 * Context: may sleep.
 * Return: how many; -ENOSPC at the cap on all pages or the size of its mount, -EAGAIN at its
 * pool's budget, or as vmlab_pool_no_memory() has it; -ENOMEM.
 */
int vmlab_pages_alloc(struct vmlab_region *region, gfp_t gfp, unsigned int nr,
		      struct page **pages)
{
	unsigned int charged = nr, got;

	if (gfp & __GFP_NOFAIL)
		vmlab_pool_charge_anyway(region->pool, nr);
	else
		charged = vmlab_pool_charge(region->pool, 1, nr);
	if (!charged)
		return vmlab_pool_full_error(region->pool);
	got = alloc_batch(gfp, charged, pages);
	if (unlikely(got < charged))
		vmlab_pool_uncharge(region->pool, charged - got);
	return got ?: vmlab_pool_no_memory(region->pool, gfp);
}

/* A page that was just allocated becomes one of the region's, with the shares of an index. */
void vmlab_page_init(struct vmlab_region *region, pgoff_t pgoff, struct folio *folio)
{
	folio->mapping = region->inode.i_mapping;
	folio->index = pgoff;
	atomic_long_set(vmlab_page_sharers(folio),
			folio_test_large(folio) ? VMLAB_HUGE_LEAVES : 1);
	vmlab_folio_set_swap(folio, NULL);
	__folio_mark_uptodate(folio);
}

/* Has the pool know of new pages, if it has a budget. Returns how many it knows, or an errno. */
static int attach_swaps(struct vmlab_region *region, struct page **pages, int nr, gfp_t gfp)
{
	int i;

	for (i = 0; i < nr && READ_ONCE(region->pool->swapping); i++) {
		if (vmlab_swap_attach(region, page_folio(pages[i]), gfp))
			return i ?: -ENOMEM;
	}
	return nr;
}

/* Frees pages that are in no index, and do not count as carried. May sleep. */
void vmlab_pages_free_unused(struct vmlab_region *region, struct page **pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		vmlab_swap_keep(page_folio(pages[i]));	/* no slot names it */
		page_folio(pages[i])->mapping = NULL;
		put_page(pages[i]);
	}
	vmlab_pool_uncharge(region->pool, nr);
}

/**
 * vmlab_pages_populate - make pages that are not there
 * @region: the region
 * @place: what vmlab_index_gather() said of @pgoff: that it is empty; set to where they are
 * @pgoff: the first one wanted
 * @nr: at most so many, in one leaf
 * @pages: set to them, as by vmlab_index_gather()
 *
 * Fewer are made if a page behind the first is there already, if the cap is near or
 * if memory is short. If the first is there, but not in memory, it is brought in.
 * Context: caller holds invalidate_lock shared. May sleep.
 * Return: how many were made; 0 if the first one is there meanwhile;
 * -ENOSPC at the cap on all pages or the size of its mount, -EAGAIN at its pool's budget or if
 * memory is short, -ENOMEM, or what the backing or vmlab_swap_in() says.
 */
int vmlab_pages_populate(struct vmlab_region *region, struct vmlab_place *place,
			 pgoff_t pgoff, unsigned int nr, struct page **pages)
{
	int got, done, filled, i;
	gfp_t gfp;

	if (place->swapped)
		return vmlab_swap_in_around(region, pgoff, nr);
	gfp = vmlab_pool_gfp(region->pool);
	got = vmlab_pages_alloc(region, gfp | (region->backing->zeroed ? __GFP_ZERO : 0), nr,
				pages);
	if (got < 0)
		return got;
	done = got;
	if (region->backing->fill)
		done = region->backing->fill(region, pgoff, pages, got);
	for (i = 0; i < got; i++)
		vmlab_page_init(region, pgoff + i, page_folio(pages[i]));
	if (done > 0)
		done = attach_swaps(region, pages, done, gfp);
	if (done > 0) {
		atomic_long_add(done, &region->carried);
		filled = done;
		done = vmlab_index_insert(&region->index, place, pgoff, pages, filled, gfp);
		if (done < filled)
			atomic_long_sub(filled - max(done, 0), &region->carried);
	}
	if (done < got)
		vmlab_pages_free_unused(region, pages + max(done, 0), got - max(done, 0));
	if (done > 0) {
		vmlab_count(region, VMLAB_RESIDENT, done);
		vmlab_count(region, region->backing->filled, done);
		trace_vmlab_page_state(region->id, pgoff, done, VMLAB_PS_EMPTY,
				       VMLAB_PS_CLEAN);
	}
	if (likely(done != -ENOMEM))
		return done;
	if (got > 1)	/* the others may have taken what the first lacks */
		return vmlab_pages_populate(region, place, pgoff, 1, pages);
	return vmlab_pool_no_memory(region->pool, gfp);
}

/**
 * vmlab_page_unshare - give up a share of a page, and the page if that was the last
 * @folio: the page
 *
 * What the kernel still pins of it stays alive by its own references.
 * Context: may sleep.
 */
void vmlab_page_unshare(struct folio *folio)
{
	struct vmlab_region *region;

	if (!atomic_long_dec_and_test(vmlab_page_sharers(folio)))
		return;
	folio_lock(folio);
	if (vmlab_swap_keep(folio)) {
		folio_unlock(folio);
		return;
	}
	region = vmlab_inode_region(folio->mapping->host);
	folio->mapping = NULL;
	folio_clear_dirty(folio);
	folio_unlock(folio);
	vmlab_pool_uncharge(region->pool, folio_nr_pages(folio));
	vmlab_region_put_carried(region);
	folio_put(folio);	/* the one reference of all shares */
}

/**
 * vmlab_page_get - the folio at an offset, if it is there
 * @region: the region
 * @pgoff: the page
 *
 * Context: any.
 * Return: the folio with a reference for the caller, or NULL.
 */
struct folio *vmlab_page_get(struct vmlab_region *region, pgoff_t pgoff)
{
	struct folio *folio;

	rcu_read_lock();
	while ((folio = vmlab_index_load(&region->index, pgoff)) != NULL) {
		if (!folio_try_get(folio))
			continue;
		if (likely(folio == vmlab_index_load(&region->index, pgoff)))
			break;
		folio_put(folio);
	}
	rcu_read_unlock();
	return folio;
}

/* The folio at an offset, locked in its place and with a reference; or NULL. May sleep. */
struct folio *vmlab_page_get_locked(struct vmlab_region *region, pgoff_t pgoff)
{
	struct folio *folio, *now;

	while ((folio = vmlab_page_get(region, pgoff)) != NULL) {
		folio_lock(folio);
		rcu_read_lock();
		now = vmlab_index_load(&region->index, pgoff);
		rcu_read_unlock();
		if (now == folio)
			break;
		folio_unlock(folio);
		folio_put(folio);
	}
	return folio;
}

/* Content of a page that only a worker can bring back is to be in memory. */
static int fetch(struct vmlab_region *region, pgoff_t pgoff)
{
	int ret;

	while ((ret = vmlab_swap_fetch(region, pgoff, false)) == -EAGAIN) {
		ret = vmlab_room_make(region->pool, true);
		if (ret == -ENOSPC)
			return vmlab_swap_fetch(region, pgoff, true);
		if (ret)
			return ret;
	}
	return ret;
}

/**
 * vmlab_page_make_room - see to it that a page can be brought in
 * @region: the region
 * @pgoff: the page
 *
 * Room is made, which its pool's budget did not allow, and content that a worker has to bring back
 * is waited for. If nothing can leave memory, as the store is full, say, a page that is in the
 * store comes back all the same, and takes no room there then.
 * Context: may sleep. No lock of the region's held, but the inode lock, and mmap_lock.
 * Return: 0: try again; -ENOSPC, -EINTR, or what vmlab_swap_in() says.
 */
int vmlab_page_make_room(struct vmlab_region *region, pgoff_t pgoff)
{
	struct vmlab_swap *swap = vmlab_index_get_swap(&region->index, pgoff);
	int ret;

	if (swap && vmlab_store_waits(region->pool->store)) {
		ret = fetch(region, pgoff);
		if (ret || !vmlab_swap_wants_frame(swap))
			goto release;
	}
	ret = vmlab_room_make(region->pool, swap);
	if (!swap)
		return ret;
	if (ret == -ENOSPC) {
		filemap_invalidate_lock_shared(region->inode.i_mapping);
		ret = vmlab_swap_in(region, pgoff, true);
		filemap_invalidate_unlock_shared(region->inode.i_mapping);
	}
release:
	vmlab_swap_release(swap);
	return ret;
}

/* The same, for who tries until the page is there. A fault is tried again by the kernel. */
static int await_room(struct vmlab_region *region, pgoff_t pgoff)
{
	int ret = vmlab_page_make_room(region, pgoff);

	return !ret && fatal_signal_pending(current) ? -EINTR : ret;
}

/**
 * vmlab_page_get_to_read - the folio at an offset, made if it is not there
 * @region: the region
 * @pgoff: the page
 *
 * Context: may sleep; takes invalidate_lock shared.
 * Return: the folio with a reference for the caller, or an ERR_PTR() as
 * vmlab_pages_populate() has them.
 */
struct folio *vmlab_page_get_to_read(struct vmlab_region *region, pgoff_t pgoff)
{
	struct address_space *mapping = region->inode.i_mapping;
	struct folio *folio;
	struct vmlab_place place;
	struct page *page;
	int ret = 0;

	while ((folio = vmlab_page_get(region, pgoff)) == NULL) {
		filemap_invalidate_lock_shared(mapping);
		if (!vmlab_index_gather(&region->index, pgoff, 1, &page, &place))
			ret = vmlab_pages_populate(region, &place, pgoff, 1, &page);
		filemap_invalidate_unlock_shared(mapping);
		if (ret == -EAGAIN)
			ret = await_room(region, pgoff);
		if (ret < 0)
			return ERR_PTR(ret);
	}
	return folio;
}

/**
 * vmlab_page_get_to_write - the folio at an offset, for the region alone
 * @region: the region
 * @pgoff: the page
 *
 * It is made, or copied, if need be. It is marked as writable: while the caller has the
 * reference no clone of the region will share it.
 * Context: may sleep; takes invalidate_lock shared.
 * Return: the folio with a reference for the caller, or an ERR_PTR() as
 * vmlab_pages_populate() has them.
 */
struct folio *vmlab_page_get_to_write(struct vmlab_region *region, pgoff_t pgoff)
{
	struct address_space *mapping = region->inode.i_mapping;
	struct vmlab_place place;
	struct page *page;
	int ret;

	do {
		filemap_invalidate_lock_shared(mapping);
		while ((ret = vmlab_pages_own(region, pgoff, 1, &page, &place, NULL,
					      false)) == 0) {
			ret = vmlab_pages_populate(region, &place, pgoff, 1, &page);
			if (ret < 0)
				break;
		}
		if (ret > 0) {
			get_page(page);
			vmlab_index_set_writable(&region->index, &place, pgoff, 1);
			vmlab_swap_written(page_folio(page));
		}
		filemap_invalidate_unlock_shared(mapping);
		if (ret == -EAGAIN)
			ret = await_room(region, pgoff);
	} while (!ret);
	return ret > 0 ? page_folio(page) : ERR_PTR(ret);
}

/**
 * vmlab_page_mark_dirty - make a page dirty without telling the backing
 * @region: a region that tracks writes
 * @folio: the page, carrying the region's mapping; nothing happens if it is not the
 *	region's any more
 *
 * Context: any that may take the index's lock; the folio may be locked or not.
 * Return: is it dirty only now?
 */
bool vmlab_page_mark_dirty(struct vmlab_region *region, struct folio *folio)
{
	return vmlab_page_mark_dirty_at(region, folio->index, folio);
}

/* The same if the page may carry another mapping. */
bool vmlab_page_mark_dirty_at(struct vmlab_region *region, pgoff_t pgoff, struct folio *folio)
{
	bool dirtied = false;

	/* Not PG_dirty alone: KVM sets it without asking. */
	if (folio_test_dirty(folio) && vmlab_index_is_dirty(&region->index, pgoff))
		return false;
	spin_lock(&region->index.lock);
	rcu_read_lock();
	if (vmlab_index_load(&region->index, pgoff) == folio) {
		dirtied = vmlab_index_set_dirty(&region->index, pgoff);
		if (vmlab_index_is_dirty(&region->index, pgoff))
			folio_set_dirty(folio);
	}
	rcu_read_unlock();
	spin_unlock(&region->index.lock);
	if (dirtied) {
		vmlab_count(region, VMLAB_DIRTY, 1);
		trace_vmlab_page_state(region->id, pgoff, 1, VMLAB_PS_CLEAN,
				       VMLAB_PS_DIRTY);
	}
	return dirtied;
}

/* A page was or is about to be written to; otherwise as vmlab_page_mark_dirty(). */
void vmlab_page_dirty(struct vmlab_region *region, struct folio *folio)
{
	if (vmlab_page_mark_dirty(region, folio) && region->backing->dirtied)
		region->backing->dirtied(region);
}

/**
 * vmlab_page_clean - a dirty page is about to be written back
 * @region: a region that tracks writes
 * @folio: the page, locked, carrying the region's mapping; the caller write-protects it
 *	next, writes it, and takes it
 *	off the count of dirty pages after that: until then its file does not have it
 *
 * Return: was it dirty?
 */
bool vmlab_page_clean(struct vmlab_region *region, struct folio *folio)
{
	pgoff_t pgoff = folio->index;
	bool dirty;

	spin_lock(&region->index.lock);
	rcu_read_lock();
	dirty = vmlab_index_load(&region->index, pgoff) == folio &&
		vmlab_index_clear_dirty(&region->index, pgoff);
	if (dirty)
		folio_clear_dirty(folio);
	rcu_read_unlock();
	spin_unlock(&region->index.lock);
	if (dirty)
		trace_vmlab_page_state(region->id, pgoff, 1, VMLAB_PS_DIRTY, VMLAB_PS_CLEAN);
	return dirty;
}
