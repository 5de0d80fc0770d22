// SPDX-License-Identifier: GPL-2.0
/* Taking pages out of a region, or making a part of one zero: holes, and a new end. */
#include "discard.h"

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "huge.h"
#include "index.h"
#include "page.h"
#include "region.h"
#include "share.h"
#include "stats.h"
#include "swap.h"
#include "trace.h"

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
	struct vmlab_removed removed;
	unsigned int i;
	bool more;

	do {
		more = vmlab_index_remove(&region->index, &first, last, &removed);
		if (removed.nr)
			trace_vmlab_page_state(region->id, removed.first, removed.nr,
					       VMLAB_PS_CLEAN, VMLAB_PS_EMPTY);
		for (i = 0; i < removed.shares; i++)
			vmlab_slot_put(removed.slots[i]);
		vmlab_count(region, VMLAB_RESIDENT, -(s64)(removed.nr + removed.dropped));
		vmlab_count(region, VMLAB_DIRTY, -(s64)removed.dirty);
		vmlab_count(region, VMLAB_DISCARDED, removed.dirty);
		cond_resched();
	} while (more);
}

/**
 * vmlab_page_drop - take out a page if it is clean and nobody else holds it
 * @region: the region
 * @pgoff: the page, not mapped by anybody
 *
 * Somebody who holds it may be writing to it: write(), or a device; or to its file, from it.
 * Context: may sleep. Caller holds invalidate_lock exclusive.
 * Return: is it gone?
 */
bool vmlab_page_drop(struct vmlab_region *region, pgoff_t pgoff)
{
	struct vmlab_place place;
	struct folio *folio;
	struct page *page;

	if (vmlab_index_is_dirty(&region->index, pgoff))
		return false;
	if (vmlab_index_gather(&region->index, pgoff, 1, &page, &place)) {
		folio = page_folio(page);
		if (vmlab_page_spare(folio) > 0)
			return false;
	} else if (!place.swapped) {
		return true;
	}
	vmlab_pages_remove(region, pgoff, pgoff);
	return true;
}

/**
 * vmlab_page_zero - zero a part of a page, if it is there
 * @region: the region
 * @start: first byte
 * @end: byte behind the last, at most the page's end
 *
 * It does not fail: a page that others have, too, is copied, which may exceed the limits. A page
 * with a file behind it does not become dirty by that: the file has zeroes there by now, or its
 * end.
 * Context: may sleep. Caller holds invalidate_lock.
 */
void vmlab_page_zero(struct vmlab_region *region, loff_t start, loff_t end)
{
	struct vmlab_place place;
	struct folio *folio;
	struct page *page;

	if (start >= end ||
	    vmlab_pages_own(region, start >> PAGE_SHIFT, 1, &page, &place, NULL, true) <= 0)
		return;
	folio = page_folio(page);
	folio_lock(folio);
	vmlab_swap_written(folio);
	zero_user_segment(page, offset_in_page(start), offset_in_page(start) + (end - start));
	if (vmlab_region_tracks_writes(region) && !region->backing->writeback)
		vmlab_page_dirty(region, folio);
	folio_unlock(folio);
}

/* See vmlab_pages_own_ends(): at one of them. */
static int own_part(struct vmlab_region *region, loff_t pos, bool must)
{
	struct vmlab_place place;
	struct page *page;
	int ret;

	if (!offset_in_page(pos) && !vmlab_huge_straddles(region, pos >> PAGE_SHIFT))
		return 0;
	ret = vmlab_pages_own(region, pos >> PAGE_SHIFT, 1, &page, &place, NULL, must);
	if (ret == -EAGAIN)	/* nothing can be reclaimed while the lock is held */
		ret = vmlab_pages_own(region, pos >> PAGE_SHIFT, 1, &page, &place, NULL, true);
	return min(ret, 0);
}

/**
 * vmlab_pages_own_ends - prepare for a hole
 * @region: the region
 * @start: its first byte
 * @end: the byte behind its last
 * @must: do not fail; that may exceed the cap
 *
 * Pages of which a part is to be zeroed are made the region's alone; and so are huge ones of which
 * a part is to go.
 * Context: may sleep. Caller holds invalidate_lock exclusive.
 * Return: 0, or -ENOSPC, -ENOMEM.
 */
int vmlab_pages_own_ends(struct vmlab_region *region, loff_t start, loff_t end, bool must)
{
	return own_part(region, start, must) ?: own_part(region, end, must);
}

static void punch(struct vmlab_region *region, loff_t start, loff_t end)
{
	pgoff_t first = round_up(start, PAGE_SIZE) >> PAGE_SHIFT;
	pgoff_t last = end >> PAGE_SHIFT;

	if (first > last) {	/* inside one page */
		vmlab_page_zero(region, start, end);
	} else {
		vmlab_page_zero(region, start, (loff_t)first << PAGE_SHIFT);
		vmlab_page_zero(region, (loff_t)last << PAGE_SHIFT, end);
	}
	if (first < last) {
		vmlab_huge_settle(region, first, last - 1);
		vmlab_region_unmap(region, first, last - first);
		vmlab_huge_cut(region, &first, &last, true);
	}
	if (first < last)
		vmlab_pages_remove(region, first, last - 1);
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
 * Return: 0; -ENOSPC, -ENOMEM if a page of which others have the whole must be copied:
 * nothing has changed then.
 */
int vmlab_pages_punch(struct vmlab_region *region, loff_t start, loff_t end)
{
	int ret;

	filemap_invalidate_lock(region->inode.i_mapping);
	ret = vmlab_pages_own_ends(region, start, end, false);
	if (!ret)
		punch(region, start, end);
	filemap_invalidate_unlock(region->inode.i_mapping);
	return ret;
}

/* The same after vmlab_pages_own_ends(), though that was another moment: it does not fail. */
void vmlab_pages_punch_prepared(struct vmlab_region *region, loff_t start, loff_t end)
{
	filemap_invalidate_lock(region->inode.i_mapping);
	vmlab_pages_own_ends(region, start, end, true);
	punch(region, start, end);
	filemap_invalidate_unlock(region->inode.i_mapping);
}

/**
 * vmlab_pages_write_zeroes - write zeroes to a range, as write() does
 * @region: the region
 * @start: first byte
 * @end: byte behind the last
 *
 * Context: may sleep, until a signal is fatal; takes invalidate_lock shared.
 * Return: 0, or an errno as vmlab_page_get_to_write() has them, or -EINTR: then a part was written.
 */
int vmlab_pages_write_zeroes(struct vmlab_region *region, loff_t start, loff_t end)
{
	while (start < end) {
		loff_t next = min_t(loff_t, round_down(start, PAGE_SIZE) + PAGE_SIZE, end);
		struct folio *folio = vmlab_page_get_to_write(region, start >> PAGE_SHIFT);

		if (IS_ERR(folio))
			return PTR_ERR(folio);
		folio_lock(folio);
		zero_user_segment(vmlab_folio_page(folio, start >> PAGE_SHIFT),
				  offset_in_page(start), offset_in_page(start) + (next - start));
		if (vmlab_region_tracks_writes(region) && folio->mapping == region->inode.i_mapping)
			vmlab_page_dirty(region, folio);
		folio_unlock(folio);
		folio_put(folio);
		if (fatal_signal_pending(current))
			return -EINTR;
		start = next;
		cond_resched();
	}
	return 0;
}

/**
 * vmlab_pages_truncate - take out what is beyond the region's end
 * @region: the region, its inode's size already lowered
 * @size: the new size, in bytes
 *
 * Private copies beyond the end go, too, as when a file is truncated, unless it is copied
 * at forks.
 * Context: may sleep. Caller holds invalidate_lock exclusive.
 */
void vmlab_pages_truncate(struct vmlab_region *region, loff_t size)
{
	loff_t end = round_up(size, PAGE_SIZE);
	pgoff_t first = end >> PAGE_SHIFT, last = VMLAB_SIZE_MAX >> PAGE_SHIFT;

	vmlab_page_zero(region, size, end);
	vmlab_huge_settle(region, first, last - 1);
	vmlab_region_unmap_beyond(region, end);
	vmlab_huge_cut(region, &first, &last, true);
	vmlab_pages_remove(region, first, last - 1);
	/* A private copy may have been made of a page while it was on its way out. */
	vmlab_region_unmap_beyond(region, end);
}

/* Who makes a file shorter wants room: it does not fail for want of some for its last page. */
static int own_end(struct vmlab_region *region, loff_t size, loff_t old_size)
{
	return own_part(region, size,
			size < old_size && !vmlab_huge_has(region, size >> PAGE_SHIFT));
}

/**
 * vmlab_pages_resize_locked - truncate() of a region that has no file
 * @region: the region
 * @size: its new size, in bytes
 *
 * Context: may sleep. Caller holds invalidate_lock exclusive.
 * Return: 0; -ENOSPC, -ENOMEM if a huge page in which the new end lies must be copied: nothing has
 * changed then.
 */
int vmlab_pages_resize_locked(struct vmlab_region *region, loff_t size)
{
	loff_t old_size = vmlab_region_size(region);
	int ret = 0;

	if (size <= old_size)		/* there may be pages beyond it (fallocate()) */
		ret = own_end(region, size, old_size);
	if (ret)
		return ret;
	i_size_write(&region->inode, size);
	if (size <= old_size)
		vmlab_pages_truncate(region, size);
	return 0;
}

/* The same, taking invalidate_lock. */
int vmlab_pages_resize(struct vmlab_region *region, loff_t size)
{
	int ret;

	filemap_invalidate_lock(region->inode.i_mapping);
	ret = vmlab_pages_resize_locked(region, size);
	filemap_invalidate_unlock(region->inode.i_mapping);
	return ret;
}
