// SPDX-License-Identifier: GPL-2.0
/*
 * Pages, and the index of a region that holds them.
 *
 * A page is in one of these states; the arrows say who moves it, holding what.
 *
 *            populate (invalidate_lock shared)
 *   EMPTY ------------------------------------> RESIDENT, clean
 *     ^                                           |       ^
 *     | remove (invalidate_lock                   | first | write-back
 *     |  exclusive, folio lock)                   | write | (folio lock)
 *     +-------------------------------------------+       |
 *     |                                           v       |
 *     +-------------------------------------- RESIDENT, dirty
 *
 * EMPTY: no entry in the index. RESIDENT: the index has the folio and owns a
 * reference to it; folio->mapping and folio->index name its place. Dirty: PG_dirty
 * and VMLAB_MARK_DIRTY are both set; only regions that track writes have such pages.
 *
 * Such a folio looks like one of the page cache, but mapping->i_pages does not have it:
 * it must never get to code that believes so (splice by reference, the LRU lists).
 */
#include "page.h"

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>

#include "compat.h"
#include "region.h"
#include "stats.h"
#include "trace.h"

#define GFP_INDEX (GFP_KERNEL | __GFP_ACCOUNT)

static unsigned long max_pages;
module_param(max_pages, ulong, 0644);
MODULE_PARM_DESC(max_pages, "cap on the pages of all regions together (default: half of RAM)");

static atomic_long_t total_pages = ATOMIC_LONG_INIT(0);

void vmlab_pages_init(void)
{
	if (!max_pages)
		max_pages = totalram_pages() / 2;
}

u64 vmlab_pages_total(void)
{
	return atomic_long_read(&total_pages);
}

u64 vmlab_pages_max(void)
{
	return READ_ONCE(max_pages);
}

/* Could @nr more pages be had, as far as the cap is concerned? */
bool vmlab_pages_left(u64 nr)
{
	u64 max = vmlab_pages_max();
	u64 total = vmlab_pages_total();

	return total <= max && nr <= max - total;
}

/* Counts up to @nr pages against the cap, and returns how many fit. */
static unsigned int charge(unsigned int nr)
{
	long max = min_t(unsigned long, READ_ONCE(max_pages), LONG_MAX);
	long over = atomic_long_add_return(nr, &total_pages) - max;

	if (likely(over <= 0))
		return nr;
	over = min_t(long, over, nr);
	atomic_long_sub(over, &total_pages);
	return nr - over;
}

static void uncharge(unsigned int nr)
{
	atomic_long_sub(nr, &total_pages);
}

/*
 * Allocates up to @nr pages, at least one unless memory is out. Only the first is
 * worth reclaiming memory for; the others were not asked for yet.
 */
static unsigned int alloc_pages_batch(const struct vmlab_region *region,
				      unsigned int nr, struct page **pages)
{
	gfp_t gfp = GFP_USER | __GFP_ACCOUNT;
	unsigned int got, more;

	if (region->backing->zeroed)
		gfp |= __GFP_ZERO;
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

static void free_unused(struct page **pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		page_folio(pages[i])->mapping = NULL;
		put_page(pages[i]);
	}
	uncharge(nr);
}

/*
 * Puts @pages into the index up to the first place that is taken; their references
 * move there. Returns how many went in, or -ENOMEM if none did.
 */
static int index_insert(struct xa_state *xas, struct page **pages, unsigned int nr)
{
	/* What was walked to is still there, if there was a node. */
	bool walked = xas_is_node(xas);
	unsigned int done = 0;
	void *entry;

	do {
		xas_lock(xas);
		entry = walked ? xas_reload(xas) : NULL;
		if (entry || !walked) {
			xas_reset(xas);
			entry = xas_load(xas);
		}
		for (; !entry; entry = xas_next(xas)) {
			xas_store(xas, page_folio(pages[done]));
			if (xas_error(xas) || ++done == nr)
				break;
		}
		xas_unlock(xas);
		walked = false;
	} while (xas_nomem(xas, GFP_INDEX));

	return done ?: xas_error(xas);
}

/**
 * vmlab_pages_gather - pages that are there, in a row
 * @xas: a state at the first one wanted; if it is not there, it stays at its place
 * @max: at most so many
 * @pages: set to them; without references: they stay as long as the lock is held
 *
 * Context: caller holds invalidate_lock, at least shared.
 * Return: how many were found, 0 if not even the first is there.
 */
unsigned int vmlab_pages_gather(struct xa_state *xas, unsigned int max,
				struct page **pages)
{
	unsigned int nr = 0;
	struct folio *folio;

	rcu_read_lock();
	for (folio = xas_load(xas); folio; folio = xas_next(xas)) {
		if (xas_retry(xas, folio))
			continue;
		pages[nr++] = &folio->page;
		if (nr == max)
			break;
	}
	rcu_read_unlock();
	return nr;
}

/**
 * vmlab_pages_populate - make pages that are not there
 * @region: the region
 * @xas: a state at the first one wanted, as vmlab_pages_gather() leaves it: the nodes it
 *	walked through do not go while invalidate_lock is held
 * @nr: at most so many, up to VMLAB_BATCH
 * @pages: set to them, as by vmlab_pages_gather()
 *
 * Fewer are made if a page behind the first is there already, if the cap is near or
 * if memory is short.
 * Context: caller holds invalidate_lock shared. May sleep.
 * Return: how many were made; 0 if somebody else made the first one meanwhile;
 * -ENOSPC at the cap on all pages, -ENOMEM, or what the backing says.
 */
int vmlab_pages_populate(struct vmlab_region *region, struct xa_state *xas,
			 unsigned int nr, struct page **pages)
{
	pgoff_t pgoff = xas->xa_index;
	unsigned int charged = charge(nr);
	unsigned int got, i;
	int done;

	if (!charged)
		return -ENOSPC;
	got = alloc_pages_batch(region, charged, pages);
	if (unlikely(got < charged))
		uncharge(charged - got);
	if (!got)
		return -ENOMEM;

	done = got;
	if (region->backing->fill)
		done = region->backing->fill(region, pgoff, pages, got);
	for (i = 0; i < got; i++) {
		struct folio *folio = page_folio(pages[i]);

		folio->mapping = region->inode.i_mapping;
		folio->index = pgoff + i;
		__folio_mark_uptodate(folio);
	}
	if (done > 0)
		done = index_insert(xas, pages, done);
	if (done < (int)got)
		free_unused(pages + max(done, 0), got - max(done, 0));
	if (done > 0) {
		vmlab_count(region, VMLAB_RESIDENT, done);
		this_cpu_add(region->counters->value[region->backing->filled], done);
		trace_vmlab_page_state(region->id, pgoff, done, VMLAB_PS_EMPTY,
				       VMLAB_PS_CLEAN);
	}
	return done;
}

/* How many pages of a range are there. May sleep. */
u64 vmlab_pages_present(struct vmlab_region *region, pgoff_t first, pgoff_t last)
{
	unsigned long index;
	struct folio *folio;
	u64 nr = 0;

	xa_for_each_range(&region->pages, index, folio, first, last) {
		nr++;
		cond_resched();
	}
	return nr;
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
	XA_STATE(xas, &region->pages, pgoff);
	struct folio *folio;

	rcu_read_lock();
	do {
		xas_reset(&xas);
		folio = xas_load(&xas);
		if (xas_retry(&xas, folio))
			continue;
		if (!folio)
			break;
		if (!folio_try_get(folio))
			continue;
		if (likely(folio == xas_reload(&xas)))
			break;
		folio_put(folio);
	} while (1);
	rcu_read_unlock();
	return folio;
}

/**
 * vmlab_page_get_or_create - the folio at an offset, made if it is not there
 * @region: the region
 * @pgoff: the page
 *
 * Context: may sleep; takes invalidate_lock shared.
 * Return: the folio with a reference for the caller, or an ERR_PTR() as
 * vmlab_pages_populate() has them.
 */
struct folio *vmlab_page_get_or_create(struct vmlab_region *region, pgoff_t pgoff)
{
	struct address_space *mapping = region->inode.i_mapping;
	struct folio *folio = vmlab_page_get(region, pgoff);
	struct page *page;
	int nr = 0;

	if (folio)
		return folio;
	filemap_invalidate_lock_shared(mapping);
	while (!nr) {
		XA_STATE(xas, &region->pages, pgoff);

		nr = vmlab_pages_gather(&xas, 1, &page);
		if (!nr)
			nr = vmlab_pages_populate(region, &xas, 1, &page);
	}
	if (nr > 0) {
		folio = page_folio(page);
		folio_get(folio);
	}
	filemap_invalidate_unlock_shared(mapping);
	return nr > 0 ? folio : ERR_PTR(nr);
}

/**
 * vmlab_page_mark_dirty - make a page dirty without telling the backing
 * @region: a region that tracks writes
 * @folio: the page; nothing happens if it is not the region's any more
 *
 * Context: any that may take xa_lock; the folio may be locked or not.
 * Return: is it dirty only now?
 */
bool vmlab_page_mark_dirty(struct vmlab_region *region, struct folio *folio)
{
	pgoff_t pgoff = folio->index;
	bool dirtied = false;

	if (folio_test_dirty(folio))
		return false;
	xa_lock(&region->pages);
	if (xa_load(&region->pages, pgoff) == folio && !folio_test_set_dirty(folio)) {
		__xa_set_mark(&region->pages, pgoff, VMLAB_MARK_DIRTY);
		dirtied = true;
	}
	xa_unlock(&region->pages);
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
 * @folio: the page, locked; the caller write-protects it next, writes it, and takes it
 *	off the count of dirty pages after that: until then its file does not have it
 *
 * Return: was it dirty?
 */
bool vmlab_page_clean(struct vmlab_region *region, struct folio *folio)
{
	bool dirty;

	xa_lock(&region->pages);
	dirty = folio_test_clear_dirty(folio);
	if (dirty)
		__xa_clear_mark(&region->pages, folio->index, VMLAB_MARK_DIRTY);
	xa_unlock(&region->pages);
	if (dirty)
		trace_vmlab_page_state(region->id, folio->index, 1, VMLAB_PS_DIRTY,
				       VMLAB_PS_CLEAN);
	return dirty;
}

/* Takes a batch of folios out of the index from @first on; returns how many. */
static unsigned int index_take(struct vmlab_region *region, pgoff_t *first,
			       pgoff_t last, struct folio **folios)
{
	XA_STATE(xas, &region->pages, *first);
	struct folio *folio;
	unsigned int nr = 0;

	xas_lock(&xas);
	xas_for_each(&xas, folio, last) {
		xas_store(&xas, NULL);
		*first = xas.xa_index + 1;
		folios[nr++] = folio;
		if (nr == VMLAB_BATCH)
			break;
	}
	xas_unlock(&xas);
	return nr;
}

/*
 * Cuts the tie between a folio that left the index and the region. A fault that
 * got the folio, locked, before invalidate_lock was taken may have mapped it since.
 */
static void release(struct vmlab_region *region, struct folio *folio)
{
	bool dirty;

	folio_lock(folio);
	if (folio_mapped(folio))
		unmap_mapping_pages(region->inode.i_mapping, folio->index, 1, false);
	dirty = folio_test_clear_dirty(folio);
	if (dirty) {
		vmlab_count(region, VMLAB_DIRTY, -1);
		vmlab_count(region, VMLAB_DISCARDED, 1);
	}
	trace_vmlab_page_state(region->id, folio->index, 1,
			       dirty ? VMLAB_PS_DIRTY : VMLAB_PS_CLEAN, VMLAB_PS_EMPTY);
	folio->mapping = NULL;
	folio_unlock(folio);
	folio_put(folio);	/* the index's reference */
}

/**
 * vmlab_pages_remove - take pages out of a region
 * @region: the region
 * @first: the first page
 * @last: the last page, inclusive
 *
 * Context: may sleep. Caller holds invalidate_lock exclusive and has unmapped the
 * range, or is the last one to know the region.
 */
void vmlab_pages_remove(struct vmlab_region *region, pgoff_t first, pgoff_t last)
{
	struct folio *folios[VMLAB_BATCH];
	unsigned int nr, i;

	while ((nr = index_take(region, &first, last, folios)) != 0) {
		for (i = 0; i < nr; i++)
			release(region, folios[i]);
		vmlab_count(region, VMLAB_RESIDENT, -(s64)nr);
		uncharge(nr);
		cond_resched();
	}
}

/**
 * vmlab_page_drop - take out a page if it is clean and nobody else holds it
 * @region: the region
 * @pgoff: the page, not mapped by anybody
 *
 * Somebody who holds it may be writing to it: write(), or a device.
 * Context: may sleep. Caller holds invalidate_lock exclusive.
 * Return: is it gone?
 */
bool vmlab_page_drop(struct vmlab_region *region, pgoff_t pgoff)
{
	struct folio *folio;
	bool gone;

	xa_lock(&region->pages);
	folio = xa_load(&region->pages, pgoff);
	/* With its last reference, the index's, frozen nobody can get at it. */
	gone = !folio || (!folio_test_dirty(folio) && folio_ref_freeze(folio, 1));
	if (gone && folio)
		__xa_erase(&region->pages, pgoff);
	xa_unlock(&region->pages);
	if (gone && folio) {
		folio_ref_unfreeze(folio, 1);
		release(region, folio);
		vmlab_count(region, VMLAB_RESIDENT, -1);
		uncharge(1);
	}
	return gone;
}

/**
 * vmlab_page_zero - zero a part of a page, if it is there
 * @region: the region
 * @start: first byte
 * @end: byte behind the last, at most the page's end
 *
 * A page with a file behind it does not become dirty by that: the file has zeroes
 * there by now, or its end.
 * Context: may sleep.
 */
void vmlab_page_zero(struct vmlab_region *region, loff_t start, loff_t end)
{
	struct folio *folio;

	if (start >= end)
		return;
	folio = vmlab_page_get(region, start >> PAGE_SHIFT);
	if (!folio)
		return;
	folio_lock(folio);
	folio_zero_segment(folio, offset_in_page(start),
			   offset_in_page(start) + (end - start));
	if (vmlab_region_tracks_writes(region) && !region->backing->writeback)
		vmlab_page_dirty(region, folio);
	folio_unlock(folio);
	folio_put(folio);
}

/**
 * vmlab_pages_punch - make a range read as it did before it was ever touched
 * @region: the region
 * @start: first byte
 * @end: byte behind the last
 *
 * Whole pages are taken out, parts of pages are zeroed. Private copies that
 * processes made of the pages (MAP_PRIVATE) stay.
 * Context: may sleep; takes invalidate_lock.
 */
void vmlab_pages_punch(struct vmlab_region *region, loff_t start, loff_t end)
{
	struct address_space *mapping = region->inode.i_mapping;
	loff_t first = round_up(start, PAGE_SIZE);
	loff_t last = round_down(end, PAGE_SIZE);

	if (first > last) {	/* inside one page */
		vmlab_page_zero(region, start, end);
		return;
	}
	vmlab_page_zero(region, start, first);
	vmlab_page_zero(region, last, end);
	if (first == last)
		return;
	filemap_invalidate_lock(mapping);
	unmap_mapping_range(mapping, first, last - first, 0);
	vmlab_pages_remove(region, first >> PAGE_SHIFT, (last >> PAGE_SHIFT) - 1);
	filemap_invalidate_unlock(mapping);
}

/**
 * vmlab_pages_truncate - take out what is beyond the region's end
 * @region: the region, its inode's size already lowered
 * @size: the new size, in bytes
 *
 * Private copies beyond the end go, too, as when a file is truncated.
 * Context: may sleep. Caller holds invalidate_lock exclusive.
 */
void vmlab_pages_truncate(struct vmlab_region *region, loff_t size)
{
	struct address_space *mapping = region->inode.i_mapping;
	loff_t end = round_up(size, PAGE_SIZE);

	vmlab_page_zero(region, size, end);
	unmap_mapping_range(mapping, end, 0, 1);
	vmlab_pages_remove(region, end >> PAGE_SHIFT, ULONG_MAX);
	/* A private copy may have been made of a page while it was on its way out. */
	unmap_mapping_range(mapping, end, 0, 1);
}
