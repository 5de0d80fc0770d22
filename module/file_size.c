// SPDX-License-Identifier: GPL-2.0
/*
 * Following the size of the file behind a region.
 *
 * A shorter file takes its end away at once: the region's size is lowered and what is
 * mapped beyond it unmapped before truncate() returns to whoever called it. All else
 * needs locks that its caller, who holds the file's own, must not take, and is
 * settled by a worker: to drop the pages beyond the end, and to let a longer file be
 * seen. Until then the region stays at its smaller size.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "file.h"
#include "page.h"
#include "region.h"

/* How often to try to drop the last page before it is left for later. */
#define TAIL_TRIES 8

/**
 * vmlab_file_size_changed - the file has got another size
 * @f: the file
 *
 * Context: may sleep; the file's locks may be held.
 */
void vmlab_file_size_changed(struct vmlab_file *f)
{
	struct inode *inode = &f->region->inode;
	bool shrunk = false, changed;
	loff_t size;

	spin_lock(&f->size_lock);
	size = vmlab_file_end(f);
	changed = size != i_size_read(inode);
	if (size < i_size_read(inode)) {
		i_size_write(inode, size);
		f->shrunk = true;
		shrunk = true;
	}
	spin_unlock(&f->size_lock);
	if (shrunk)
		unmap_mapping_range(inode->i_mapping, round_up(size, PAGE_SIZE), 0, 1);
	if (changed)
		schedule_work(&f->resize_work);
}

/* Drops the page that the region ends in, if that loses nothing. */
static bool drop_tail(struct vmlab_region *region, pgoff_t pgoff)
{
	struct address_space *mapping = region->inode.i_mapping;
	bool dropped;

	filemap_invalidate_lock(mapping);
	unmap_mapping_pages(mapping, pgoff, 1, false);
	dropped = vmlab_page_drop(region, pgoff);
	filemap_invalidate_unlock(mapping);
	return dropped;
}

/*
 * The file goes on where it ended at @end, inside a page that the region may have: it
 * shows zeroes there, and must neither go on doing so nor write them over what the
 * file has now. So what was written to it is written back up to the old end, and the
 * page dropped. Returns an errno if that cannot be done now.
 */
static int refresh_tail(struct vmlab_file *f, loff_t end)
{
	pgoff_t pgoff = end >> PAGE_SHIFT;
	int ret, tries;

	if (vmlab_file_unlinked(f)) {
		vmlab_page_zero(f->region, end, round_up(end, PAGE_SIZE));
		return 0;
	}
	for (tries = 0; tries < TAIL_TRIES; tries++) {
		ret = vmlab_writeback_range(f, end, end);
		if (ret)
			return ret;
		if (drop_tail(f->region, pgoff))
			return 0;
	}
	return -EAGAIN;
}

/**
 * vmlab_file_settle_size - bring the region to its file's size
 * @f: the file
 *
 * Context: may sleep. None of the file's locks is held, of the region's the inode
 * lock at most.
 * Return: 0, or why the region cannot be as long as its file yet.
 */
int vmlab_file_settle_size(struct vmlab_file *f)
{
	struct inode *inode = &f->region->inode;
	loff_t size, old_size;
	bool shrunk;
	int ret = 0;

	mutex_lock(&f->resize_lock);
	do {
		spin_lock(&f->size_lock);
		old_size = i_size_read(inode);
		shrunk = f->shrunk;
		f->shrunk = false;
		spin_unlock(&f->size_lock);

		if (shrunk)
			vmlab_pages_truncate(f->region, old_size);
		size = vmlab_file_end(f);
		if (size > old_size && offset_in_page(old_size))
			ret = refresh_tail(f, old_size);

		spin_lock(&f->size_lock);
		if (!f->shrunk && !ret && size > old_size)
			i_size_write(inode, size);
		shrunk = f->shrunk;
		spin_unlock(&f->size_lock);
	} while (shrunk);
	mutex_unlock(&f->resize_lock);
	return ret;
}

void vmlab_file_resize_work(struct work_struct *work)
{
	struct vmlab_file *f = container_of(work, struct vmlab_file, resize_work);

	/* If it fails, the next write-back tries again. */
	if (vmlab_file_settle_size(f))
		vmlab_writeback_later(f);
}
