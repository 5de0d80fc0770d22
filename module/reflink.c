// SPDX-License-Identifier: GPL-2.0
/*
 * Reflinks: a range of one region becomes the image of a range of another, or of another
 * range of the same (FICLONE, FICLONERANGE).
 *
 * A region without pages gets all pages of another as a clone does (cow.c). Otherwise the
 * pages are shared one by one, as their places in the two indexes need not match; what was
 * there goes a batch at a time, and only when what replaces it is at hand.
 */
#include "reflink.h"

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "cow.h"
#include "discard.h"
#include "huge.h"
#include "index.h"
#include "page.h"
#include "protect.h"
#include "region.h"
#include "share.h"
#include "stats.h"
#include "swap.h"
#include "trace.h"

/**
 * struct reflink - what is to become of which range
 * @from: where the pages are
 * @first: the first of them
 * @last: the last one
 * @to: where they are to be
 * @target: the first there
 */
struct reflink {
	struct vmlab_region *from;
	pgoff_t first;
	pgoff_t last;
	struct vmlab_region *to;
	pgoff_t target;
};

/*
 * A page that is held may be written to: it stays marked as writable. So do huge ones, as
 * they are copied anyway. A vmlab_visit_fn.
 */
static int settle(pgoff_t first, struct page **pages, unsigned long *mask, void *data)
{
	if (*mask && !PageCompound(pages[__ffs(*mask)]))
		*mask = vmlab_pages_held(pages, *mask);
	return 0;
}

/*
 * The page at an offset, if it must be copied: as somebody may be writing to it, or if it is part
 * of a huge one, which the caller knows to be there (@whole). Such pages stay as long as
 * invalidate_lock is held; others may be evicted.
 */
static struct page *must_be_copied(struct vmlab_region *region, pgoff_t pgoff, bool whole)
{
	struct folio *folio;

	if (!whole && !vmlab_index_is_writable(&region->index, pgoff))
		return NULL;
	rcu_read_lock();
	folio = vmlab_index_load(&region->index, pgoff);
	rcu_read_unlock();
	return folio ? vmlab_folio_page(folio, pgoff) : NULL;
}

/* A share of what is in a slot: of a page in any case, if it @must_be_page. */
static void *get_share(const struct reflink *link, pgoff_t pgoff, bool must_be_page)
{
	struct vmlab_index *index = &link->from->index;
	void *slot = vmlab_index_share_slot(index, pgoff);

	while (must_be_page && vmlab_slot_is_swap(slot)) {
		int ret = vmlab_swap_in(link->from, pgoff, true);

		vmlab_slot_put(slot);
		if (ret)
			return ERR_PTR(ret);
		slot = vmlab_index_share_slot(index, pgoff);
	}
	return slot;
}

/*
 * Returns -EBUSY if the hole meets a part of a huge page that somebody holds: that is not
 * changed, unless it may be zeroed.
 */
static int make_hole(struct vmlab_region *region, pgoff_t pgoff, u64 nr, bool zero_held)
{
	pgoff_t first = pgoff, end = pgoff + nr;
	int ret;

	ret = vmlab_pages_own_ends(region, (loff_t)first << PAGE_SHIFT, (loff_t)end << PAGE_SHIFT,
				   false);
	if (ret)
		return ret;
	vmlab_huge_settle(region, first, end - 1);
	vmlab_region_unmap(region, first, nr);
	vmlab_huge_cut(region, &first, &end, zero_held);
	if (first < end)
		vmlab_pages_remove(region, first, end - 1);
	return zero_held || end - first == nr ? 0 : -EBUSY;
}

/* The pages are to be a part of a huge one that somebody holds: as if they were written. */
static void copy_into_held(struct vmlab_region *region, pgoff_t pgoff, struct page **pages,
			   unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct folio *folio = vmlab_page_get(region, pgoff + i);

		copy_highpage(vmlab_folio_page(folio, pgoff + i), pages[i]);
		folio_put(folio);
	}
}

/* Puts pages, which are shares of the caller's, into the index instead of what is there. */
static int put_pages_at(struct vmlab_region *region, pgoff_t pgoff, struct page **pages,
			unsigned int nr)
{
	struct vmlab_place place = {};
	int ret = make_hole(region, pgoff, nr, false);

	if (!ret) {
		vmlab_index_insert(&region->index, &place, pgoff, pages, nr,
				   GFP_KERNEL | __GFP_NOFAIL);
		vmlab_count(region, VMLAB_RESIDENT, nr);
		return 0;
	}
	if (ret == -EBUSY) {
		copy_into_held(region, pgoff, pages, nr);
		ret = 0;
	}
	while (nr--)
		vmlab_slot_put(pages[nr]);
	return ret;
}

/*
 * Puts pages of @run, as many as go into one leaf, and so into one huge page, to @target.
 * Returns how many.
 */
static int link_run(const struct reflink *link, const struct vmlab_run *run, pgoff_t target)
{
	unsigned int nr = min_t(unsigned int, run->nr,
				VMLAB_NODE_SLOTS - target % VMLAB_NODE_SLOTS);
	bool into_huge = vmlab_huge_has(link->to, target);
	struct page *pages[VMLAB_BATCH];
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr; i++) {
		pgoff_t pgoff = run->first + i;
		struct page *page = must_be_copied(link->from, pgoff, run->whole);
		void *slot = page ? vmlab_page_copy(link->to, target + i, page) :
				    get_share(link, pgoff, into_huge);

		if (IS_ERR(slot)) {
			ret = PTR_ERR(slot);
			break;
		}
		pages[i] = slot;
	}
	if (!i)
		return ret;
	return put_pages_at(link->to, target, pages, i) ?: (int)i;
}

/* Sets *@until to the page in @link->from up to which it went. Returns 0 if that is all. */
static int link_pages(const struct reflink *link, pgoff_t *until)
{
	pgoff_t pgoff = link->first, end;
	int ret = 0;

	while (pgoff <= link->last && !ret) {
		pgoff_t target = link->target + (pgoff - link->first);
		struct vmlab_run run;
		bool found;

		rcu_read_lock();	/* of what is found no page is looked at */
		found = vmlab_index_next_run(&link->from->index, pgoff, link->last, &run);
		rcu_read_unlock();
		end = found ? run.first : link->last + 1;
		if (end == pgoff) {
			ret = link_run(link, &run, target);
			end += max(ret, 0);
		} else {
			/* Within one region that may split the huge page that was found. */
			ret = make_hole(link->to, target, end - pgoff, true);
		}
		if (ret < 0)
			break;
		pgoff = end;
		ret = fatal_signal_pending(current) ? -EINTR : 0;
		cond_resched();
	}
	*until = pgoff;
	return ret;
}

/* Is it all that there is in one, into another that has nothing yet? */
static bool is_whole(const struct reflink *link)
{
	u64 pages = DIV_ROUND_UP((u64)vmlab_region_size(link->from), PAGE_SIZE);

	return link->from != link->to &&
	       vmlab_region_is_huge(link->from) == vmlab_region_is_huge(link->to) &&
	       !link->first && !link->target &&
	       link->last + 1 >= pages && vmlab_index_is_empty(&link->to->index);
}

/* Caller holds both invalidate_locks exclusive. Returns as link_pages(). */
static int link_range(const struct reflink *link, pgoff_t *until)
{
	int ret;

	*until = link->first;
	if (is_whole(link)) {
		ret = vmlab_cow_share_all(link->from, link->to);
		if (!ret)
			*until = link->last + 1;
		return ret;
	}
	vmlab_cow_begin(link->from);
	vmlab_cow_begin(link->to);
	vmlab_protect(link->from, link->first, link->last);
	ret = vmlab_index_visit_writable(&link->from->index, link->first, link->last, settle, NULL);
	return ret ?: link_pages(link, until);
}

/* @len does not go beyond @from's end. Sets *@done to how much of it was linked. */
static int link_bytes(struct vmlab_region *from, loff_t pos_in, struct vmlab_region *to,
		      loff_t pos_out, loff_t len, loff_t *done)
{
	const struct reflink link = {
		.from = from,
		.first = pos_in >> PAGE_SHIFT,
		.last = (pos_in + len - 1) >> PAGE_SHIFT,
		.to = to,
		.target = pos_out >> PAGE_SHIFT,
	};
	pgoff_t until;
	int ret;

	vmlab_cow_track(from);
	vmlab_cow_track(to);
	filemap_invalidate_lock_two(from->inode.i_mapping, to->inode.i_mapping);
	ret = link_range(&link, &until);
	*done = min_t(loff_t, len, ((loff_t)until << PAGE_SHIFT) - pos_in);
	if (*done && pos_out + *done > vmlab_region_size(to))
		i_size_write(&to->inode, pos_out + *done);
	filemap_invalidate_unlock_two(from->inode.i_mapping, to->inode.i_mapping);
	trace_vmlab_clone(from->id, to->id, ret);
	return ret;
}

static int check(struct vmlab_region *region)
{
	int ret = vmlab_region_use(region);

	if (!ret && (region->backing->fill || vmlab_region_tracks_writes(region)))
		ret = -EOPNOTSUPP;
	return ret;
}

/**
 * vmlab_reflink - file_operations.remap_file_range
 * @in: the file to read
 * @pos_in: where it begins there, in bytes
 * @out: the file to write
 * @pos_out: where it begins there
 * @len: how many bytes; 0: up to the end
 * @flags: REMAP_FILE_*
 *
 * Pages that somebody holds, a device above all, are copied.
 * Context: may sleep; takes both inode locks.
 * Return: how many bytes, or -EINVAL (not at page boundaries, ranges that overlap), -EXDEV
 * (regions of two pools: who has pages in common has one), -EOPNOTSUPP (a region with a file
 * behind it or that tracks writes; deduplication), -EFBIG, -ENOSPC, -ENOMEM, -EINTR. What was
 * linked until then stays so; if the caller can do with less than he asked for, he is told how
 * much it was.
 */
loff_t vmlab_reflink(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out, loff_t len,
		     unsigned int flags)
{
	struct vmlab_region *from = vmlab_file_region(in), *to = vmlab_file_region(out);
	loff_t done = 0;
	int ret;

	if (flags & ~REMAP_FILE_ADVISORY)
		return -EOPNOTSUPP;
	ret = check(from) ?: check(to);
	if (!ret && from->pool != to->pool)
		ret = -EXDEV;
	if (ret)
		return ret;
	lock_two_nondirectories(&from->inode, &to->inode);
	ret = generic_remap_file_range_prep(in, pos_in, out, pos_out, &len, flags);
	if (!ret && len && pos_out + len > (loff_t)to->limit)
		ret = -EFBIG;
	if (!ret && len)
		ret = link_bytes(from, pos_in, to, pos_out, len, &done);
	unlock_two_nondirectories(&from->inode, &to->inode);
	return ret && !(done && flags & REMAP_FILE_CAN_SHORTEN) ? ret : done;
}
