// SPDX-License-Identifier: GPL-2.0
/*
 * Clones: a new region that is the image of another at one moment.
 *
 * The two share one index (index.c), and so a clone costs what must be done to those
 * pages alone that somebody may still write to without asking: they are write-protected
 * in all page tables. What was not written to since the last clone is not looked at.
 *
 * A page that is in other hands at that moment, a device's above all, may be written to
 * later on, past all page tables. It stays with the region that those hands have it from,
 * and the clone gets a copy.
 */
#include "cow.h"

#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "discard.h"
#include "fs.h"
#include "huge.h"
#include "index.h"
#include "mapping.h"
#include "page.h"
#include "protect.h"
#include "region.h"
#include "share.h"
#include "stats.h"
#include "trace.h"

/* The region that a page was writable in keeps it; the clone gets a copy. */
static int leave(struct vmlab_region *to, pgoff_t pgoff, struct folio *folio)
{
	struct folio *copy = vmlab_page_copy(to, pgoff, &folio->page);
	struct page *old = &folio->page, *new;
	struct vmlab_place place;
	int ret;

	if (IS_ERR(copy))
		return PTR_ERR(copy);
	new = &copy->page;
	folio_lock(folio);
	ret = vmlab_index_replace(&to->index, pgoff, &old, &new, 1, &place, GFP_KERNEL);
	folio_unlock(folio);
	vmlab_page_unshare(ret < 0 ? copy : folio);
	return min(ret, 0);
}

/* Of a huge page, which is not mapped, nobody should have a reference but the index. */
static int leave_huge(struct vmlab_region *to, pgoff_t head, struct folio *folio,
		      unsigned long *mask)
{
	if (folio_ref_count(folio) > 1)
		return vmlab_huge_replace(to, head, folio);
	*mask = 0;
	return 0;
}

/*
 * Pages that were writable, and now are both regions'. Whoever holds one may go on writing.
 * A vmlab_visit_fn.
 */
static int leave_held(pgoff_t first, struct page **pages, unsigned long *mask, void *data)
{
	unsigned long held;
	int ret = 0;

	if (*mask && PageCompound(pages[__ffs(*mask)]))
		return leave_huge(data, first, page_folio(pages[0]), mask);
	held = vmlab_pages_held(pages, *mask);
	*mask = held;
	for (; held && !ret; held &= held - 1)
		ret = leave(data, first + __ffs(held), page_folio(pages[__ffs(held)]));
	return ret;
}

/**
 * vmlab_cow_begin - have each page of a region marked that somebody may write to
 * @region: the region
 *
 * Until it has pages in common with others for the first time, nobody is asked before he
 * writes through a plain mapping.
 * Context: may sleep. Caller holds invalidate_lock exclusive.
 */
void vmlab_cow_begin(struct vmlab_region *region)
{
	if (region->all_writable && !region->index.shares)
		vmlab_index_set_all_writable(&region->index);
	region->index.shares = true;
}

/**
 * vmlab_cow_share_all - have an index show what another does
 * @from: the other's region
 * @to: the index's, which has no pages
 *
 * Context: may sleep. Caller holds invalidate_lock of both exclusive, but of a region that
 * nobody uses yet.
 * Return: 0; -ENOSPC, -ENOMEM if a page must be copied: @to has no pages then.
 */
int vmlab_cow_share_all(struct vmlab_region *from, struct vmlab_region *to)
{
	int ret;

	vmlab_cow_begin(from);
	vmlab_cow_begin(to);
	vmlab_protect(from, 0, ULONG_MAX);
	vmlab_index_share(&from->index, &to->index);
	vmlab_count(to, VMLAB_RESIDENT, vmlab_counter_sum(&from->counters, VMLAB_RESIDENT));
	ret = vmlab_index_visit_writable(&from->index, 0, ULONG_MAX, leave_held, to);
	if (ret)
		vmlab_pages_remove(to, 0, ULONG_MAX);
	return ret;
}

/**
 * vmlab_cow_track - a region will have pages in common with others
 * @region: the region
 *
 * Mappings that there are become tracked ones, and so do those to come.
 * Context: may sleep; takes mmap_locks if there are plain mappings.
 */
void vmlab_cow_track(struct vmlab_region *region)
{
	WRITE_ONCE(region->may_share, true);
	/* Mappings to come: choose_ops() in mapping.c has the other half. */
	smp_mb();
	vmlab_mapping_track(region);
}

/**
 * vmlab_cow_clone - a new region that is the image of another
 * @from: the other
 * @family: of a region that is copied at forks: the file that the clone's VMAs are to
 *	hang on; NULL: a new one
 *
 * Context: may sleep; no lock held, but the mmap_lock if the region is copied at forks.
 * Return: its file, open for reading and writing: a reference for the caller; or an
 * ERR_PTR(): -ENOMEM, -ENOSPC (a page must be copied, at the cap on all pages), -ENFILE.
 */
struct file *vmlab_cow_clone(struct vmlab_region *from, struct file *family)
{
	struct file *file = vmlab_fs_new_region(from->pool);
	struct vmlab_region *to;
	int ret;

	if (IS_ERR(file))
		return file;
	to = vmlab_file_region(file);
	to->may_share = true;
	vmlab_cow_track(from);
	filemap_invalidate_lock(from->inode.i_mapping);
	ret = vmlab_region_become_clone(to, from, family);
	if (!ret)
		ret = vmlab_cow_share_all(from, to);
	filemap_invalidate_unlock(from->inode.i_mapping);
	trace_vmlab_clone(from->id, to->id, ret);
	if (!ret) {
		atomic_set_release(&to->state, VMLAB_REGION_IN_USE);
		return file;
	}
	fput(file);
	return ERR_PTR(ret);
}
