// SPDX-License-Identifier: GPL-2.0
/*
 * Following the size of the file behind a region.
 *
 * A shorter file takes its end away at once: the region's size is lowered and what is
 * mapped beyond it unmapped before truncate() returns to whoever called it. All else
 * needs locks that its caller, who holds the file's own, must not take: to drop the pages
 * beyond the end, and to let a longer file be seen. A worker does it, or whoever touches
 * the new part before. Until then the region stays at its smaller size.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "discard.h"
#include "file.h"
#include "region.h"

/* How often to try to drop the last page before it is left for later. */
#define TAIL_TRIES 8

/*
 * If the file has become shorter than the region, the region does, too. Returns whether
 * the file has another size than the region.
 */
static bool lower(struct vmlab_file *f)
{
	struct inode *inode = &f->region->inode;
	loff_t size, old_size;

	spin_lock(&f->size_lock);
	size = vmlab_file_end(f);
	old_size = vmlab_inode_size(inode);
	if (size < old_size) {
		i_size_write(inode, size);
		f->shrunk = true;
		f->shrunk_to = size;
		f->shrinks++;
	}
	spin_unlock(&f->size_lock);
	if (size < old_size)
		vmlab_region_unmap_beyond(f->region, round_up(size, PAGE_SIZE));
	return size != old_size;
}

/**
 * vmlab_file_size_changed - the file may have got another size
 * @f: the file
 *
 * Context: may sleep; the file's locks may be held, and invalidate_lock shared.
 */
void vmlab_file_size_changed(struct vmlab_file *f)
{
	if (vmlab_file_end(f) != vmlab_region_size(f->region) && lower(f) &&
	    !READ_ONCE(f->ending))
		vmlab_writeback_queue(&f->resize_work);
}

/*
 * The file goes on where the region ends, inside a page that the region may have: it shows
 * zeroes there, and must neither go on doing so nor write them over what the file has now.
 * Drops it, if that loses nothing. Caller holds invalidate_lock exclusive.
 */
static bool drop_tail(struct vmlab_file *f, loff_t end)
{
	pgoff_t pgoff = end >> PAGE_SHIFT;

	if (!offset_in_page(end))
		return true;
	vmlab_region_unmap(f->region, pgoff, 1);
	if (vmlab_page_drop(f->region, pgoff))
		return true;
	if (!vmlab_file_unlinked(f))
		return false;
	/* It will never be written. */
	vmlab_page_zero(f->region, end, round_up(end, PAGE_SIZE));
	return true;
}

/**
 * vmlab_file_drop_truncated - take out the pages beyond an end that was lowered
 * @f: the file
 *
 * Context: may sleep. Caller holds invalidate_lock exclusive.
 * Return: the region's size, whose pages are inside it.
 */
loff_t vmlab_file_drop_truncated(struct vmlab_file *f)
{
	loff_t size;
	bool shrunk;

	spin_lock(&f->size_lock);
	size = vmlab_region_size(f->region);
	shrunk = f->shrunk;
	f->shrunk = false;
	spin_unlock(&f->size_lock);
	if (shrunk)
		vmlab_pages_truncate(f->region, size);
	return size;
}

/**
 * vmlab_file_follow_size - bring the region to its file's size without the file's locks
 * @f: the file
 *
 * Context: may sleep; takes invalidate_lock.
 * Return: whether that was possible. If not, the page that the region ends in must be
 * written back first.
 */
bool vmlab_file_follow_size(struct vmlab_file *f)
{
	struct inode *inode = &f->region->inode;
	loff_t size, old_size;
	bool shrunk, done;

	filemap_invalidate_lock(inode->i_mapping);
	do {
		lower(f);
		old_size = vmlab_file_drop_truncated(f);
		size = vmlab_file_end(f);
		done = size <= old_size || drop_tail(f, old_size);

		spin_lock(&f->size_lock);
		shrunk = f->shrunk || vmlab_file_end(f) < size;
		if (!shrunk && done && size > old_size)
			i_size_write(inode, size);
		spin_unlock(&f->size_lock);
	} while (shrunk);
	filemap_invalidate_unlock(inode->i_mapping);
	return done;
}

/* Alone: a work item runs once at a time. */
void vmlab_file_resize_work(struct work_struct *work)
{
	struct vmlab_file *f = container_of(work, struct vmlab_file, resize_work);
	int tries = TAIL_TRIES;

	while (!vmlab_file_follow_size(f)) {
		loff_t end = vmlab_region_size(f->region);

		if (!tries-- || vmlab_writeback_range(f, end, end)) {
			if (!READ_ONCE(f->ending))
				vmlab_writeback_retry(f);
			return;
		}
	}
}

/**
 * vmlab_file_settle_size - bring the region to its file's size
 * @f: the file
 *
 * The region may stay shorter if the page that it ends in cannot be had.
 * Context: may sleep. None of the file's locks is held, of the region's the inode
 * lock at most.
 */
void vmlab_file_settle_size(struct vmlab_file *f)
{
	if (vmlab_file_end(f) == vmlab_region_size(f->region))
		return;
	vmlab_writeback_queue(&f->resize_work);
	flush_work(&f->resize_work);
}
