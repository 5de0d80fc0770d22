// SPDX-License-Identifier: GPL-2.0
/*
 * File backing: a page that was never touched is what the file has there.
 *
 * The region keeps pages of its own, copied from the file at first touch, and gives
 * them back by write-back (writeback.c). Between the two the region and the file may
 * differ; what others write to the file is seen by pages not yet touched only.
 */
#include <linux/backing-dev.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/vmlab.h>

#include "backing.h"
#include "compat.h"
#include "discard.h"
#include "file.h"
#include "inspect.h"
#include "io.h"
#include "page.h"
#include "region.h"
#include "stats.h"

/* Where the region ends: with its file, and at its limit at the latest. */
loff_t vmlab_file_end(const struct vmlab_file *f)
{
	loff_t size = vmlab_inode_size(file_inode(f->file)) - f->offset;

	return clamp_t(loff_t, size, 0, f->region->limit);
}

/*
 * Was the file deleted while the region used it? Then nobody will miss what is not
 * written. (A file without a name from the start, as a memfd, is meant to be used so.)
 */
bool vmlab_file_unlinked(const struct vmlab_file *f)
{
	return f->was_linked && !file_inode(f->file)->i_nlink;
}

static int check_file(const struct file *file)
{
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (file->f_op == &vmlab_region_fops)
		return -ELOOP;
	if (!S_ISREG(file_inode(file)->i_mode) || !(file->f_mode & FMODE_CAN_READ) ||
	    file->f_flags & O_APPEND)
		return -EINVAL;
	return 0;
}

/* Opens the file behind a descriptor once more; or an ERR_PTR(). */
static struct file *open_again(int fd)
{
	struct file *theirs = fget(fd), *ours;
	int ret = theirs ? check_file(theirs) : -EBADF;

	ours = ERR_PTR(ret);
	if (!ret)
		ours = dentry_open(&theirs->f_path,
				   (theirs->f_flags & (O_ACCMODE | O_NOATIME)) | O_LARGEFILE,
				   theirs->f_cred);
	if (theirs)
		fput(theirs);
	return ours;
}

static int attach(struct vmlab_region *region, const struct vmlab_configure *config)
{
	struct vmlab_file *f;
	int ret;

	if (config->backing_offset > MAX_LFS_FILESIZE - region->limit)
		return -EOVERFLOW;
	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	f->file = open_again(config->backing_fd);
	if (IS_ERR(f->file)) {
		ret = PTR_ERR(f->file);
		goto free;
	}
	f->region = region;
	f->offset = config->backing_offset;
	f->was_linked = file_inode(f->file)->i_nlink;
	file_ra_state_init(&f->ra, f->file->f_mapping);
	spin_lock_init(&f->size_lock);
	INIT_WORK(&f->resize_work, vmlab_file_resize_work);
	mutex_init(&f->writeback_lock);
	INIT_DELAYED_WORK(&f->writeback_work, vmlab_writeback_work);
	ret = vmlab_file_watch_start(f);
	if (ret)
		goto put_file;
	region->backing_data = f;
	spin_lock(&f->size_lock);
	i_size_write(&region->inode, vmlab_file_end(f));
	spin_unlock(&f->size_lock);
	return 0;

put_file:
	fput(f->file);
free:
	kfree(f);
	return ret;
}

/*
 * Writes back what is dirty: its last chance. Memory may be short for a moment only, and
 * then a little patience saves what nobody could try to write again later. Other errors
 * come again, but may have hidden that one: patience ends when nothing gets through.
 */
static void writeback_finally(struct vmlab_file *f)
{
	u64 left = U64_MAX, dirty;
	int tries = 20, ret;

	while ((ret = vmlab_writeback_now(f)) != 0 && --tries) {
		dirty = vmlab_counter_sum(&f->region->counters, VMLAB_DIRTY);
		if (ret != -ENOMEM && dirty >= left)
			break;
		left = dirty;
		msleep(50);
	}
}

/* Each may just have queued the other, which does not do so once more: see @ending. */
static void stop_workers(struct vmlab_file *f)
{
	cancel_delayed_work_sync(&f->writeback_work);
	cancel_work_sync(&f->resize_work);
	cancel_delayed_work_sync(&f->writeback_work);
}

/*
 * Nobody else uses the region any more but our workers. What they are writing counts as
 * clean, though it may yet fail: so they are waited for before what is dirty gets its last
 * chance. The file's size is watched till then, lest the file is made longer.
 */
static void detach(struct vmlab_region *region)
{
	struct vmlab_file *f = region->backing_data;

	WRITE_ONCE(f->ending, true);
	stop_workers(f);
	writeback_finally(f);
	vmlab_file_watch_stop(f);
	stop_workers(f);
	if (!vmlab_file_unlinked(f))
		vmlab_inspect_lost(region, vmlab_counter_sum(&region->counters, VMLAB_DIRTY));
	fput(f->file);
	kfree(f);
}

/*
 * Copies pages out of the file's page cache, reading them into it as needed: what
 * the kernel does in a fault on the file itself. The file's own locks stay out of it.
 */
static int fill_from_cache(struct vmlab_file *f, pgoff_t index, struct page **pages,
			   unsigned int nr)
{
	bool strict = f->region->flags & VMLAB_REGION_STRICT;
	struct address_space *mapping = f->file->f_mapping;
	struct folio *folio;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		folio = xa_load(&mapping->i_pages, index + i);
		if ((!folio || xa_is_value(folio)) && !strict)
			page_cache_sync_readahead(mapping, &f->ra, f->file, index + i,
						  nr - i);
		folio = read_cache_folio(mapping, index + i, NULL, f->file);
		if (IS_ERR(folio))
			return i ?: PTR_ERR(folio);
		copy_highpage(pages[i], folio_file_page(folio, index + i));
		folio_put(folio);
	}
	return nr;
}

/*
 * Is the page cache of the file what read() reads? Not where there are no pages to write
 * back: tmpfs has ways of its own, and files in /sys only pretend.
 */
static bool has_page_cache(const struct file *file)
{
	return file->f_mapping->a_ops->read_folio &&
	       file->f_mapping->host->i_sb->s_bdi->capabilities & BDI_CAP_WRITEBACK;
}

/* For files without. */
static int fill_by_read(struct vmlab_file *f, pgoff_t index, struct page **pages,
			unsigned int nr)
{
	struct bio_vec bvec[VMLAB_BATCH];
	struct iov_iter iter;
	struct kiocb iocb;
	unsigned int i;
	ssize_t ret;

	for (i = 0; i < nr; i++) {
		bvec[i].bv_page = pages[i];
		bvec[i].bv_offset = 0;
		bvec[i].bv_len = PAGE_SIZE;
	}
	iov_iter_bvec(&iter, ITER_DEST, bvec, nr, (size_t)nr << PAGE_SHIFT);
	init_sync_kiocb(&iocb, f->file);
	iocb.ki_pos = (loff_t)index << PAGE_SHIFT;
	while (iov_iter_count(&iter)) {
		ret = vfs_iocb_iter_read(f->file, &iocb, &iter);
		if (ret < 0)
			return ret;
		if (!ret)
			break;
	}
	iov_iter_zero(iov_iter_count(&iter), &iter);
	return nr;
}

/* What lies behind the file's end in its last page must not be seen. */
static void zero_beyond_end(struct vmlab_file *f, pgoff_t index, struct page **pages,
			    unsigned int nr)
{
	loff_t end = vmlab_inode_size(file_inode(f->file));
	unsigned int i;

	for (i = 0; i < nr; i++) {
		loff_t start = (loff_t)(index + i) << PAGE_SHIFT;

		if (end < start + (loff_t)PAGE_SIZE) {
			unsigned int valid = max_t(loff_t, end - start, 0);

			zero_user_segment(pages[i], valid, PAGE_SIZE);
		}
	}
}

/**
 * vmlab_file_fill - give pages the content that the file has now
 * @f: the file
 * @pgoff: where the pages are in the region
 * @pages: the pages
 * @nr: how many
 *
 * Context: may sleep; takes none of the file's locks.
 * Return: how many were filled, at least one; -ENXIO beyond the file's end, or what
 * reading it says.
 */
int vmlab_file_fill(struct vmlab_file *f, pgoff_t pgoff, struct page **pages, unsigned int nr)
{
	pgoff_t index = pgoff + (f->offset >> PAGE_SHIFT);
	pgoff_t end = DIV_ROUND_UP((u64)vmlab_inode_size(file_inode(f->file)), PAGE_SIZE);
	int ret;

	if (index >= end)
		return -ENXIO;
	nr = min_t(pgoff_t, nr, end - index);
	if (has_page_cache(f->file))
		ret = fill_from_cache(f, index, pages, nr);
	else
		ret = fill_by_read(f, index, pages, nr);
	if (ret > 0)
		zero_beyond_end(f, index, pages, ret);
	/* A file that asks for patience is not to be taken for a pool without room. */
	return ret == -EAGAIN ? -EIO : ret;
}

static int fill(struct vmlab_region *region, pgoff_t pgoff, struct page **pages,
		unsigned int nr)
{
	struct vmlab_file *f = region->backing_data;

	/* In case nobody told us. */
	vmlab_file_size_changed(f);
	return vmlab_file_fill(f, pgoff, pages, nr);
}

static void dirtied(struct vmlab_region *region)
{
	vmlab_writeback_later(region->backing_data);
}

static int writeback(struct vmlab_region *region)
{
	return vmlab_writeback_now(region->backing_data);
}

static void settle(struct vmlab_region *region)
{
	vmlab_file_settle_size(region->backing_data);
}

static int sync(struct vmlab_region *region, loff_t start, loff_t end, int datasync)
{
	struct vmlab_file *f = region->backing_data;
	loff_t file_end;
	int ret;

	if (check_add_overflow(end, f->offset, &file_end))
		file_end = LLONG_MAX;
	ret = vfs_fsync_range(f->file, f->offset + start, file_end, datasync);
	if (ret)
		mapping_set_error(region->inode.i_mapping, ret);
	return ret;
}

static void follow(struct vmlab_region *region)
{
	struct vmlab_file *f = region->backing_data;

	if (!vmlab_file_follow_size(f))
		vmlab_file_size_changed(f);	/* the worker can */
}

static bool writable(struct vmlab_region *region)
{
	struct vmlab_file *f = region->backing_data;

	return (f->file->f_mode & (FMODE_WRITE | FMODE_CAN_WRITE)) ==
	       (FMODE_WRITE | FMODE_CAN_WRITE);
}

/* Makes the file longer by writing its last byte; the rest is written back later. */
static int extend(struct vmlab_region *region, loff_t size)
{
	struct vmlab_file *f = region->backing_data;
	char zero = 0;
	struct kvec kvec = { .iov_base = &zero, .iov_len = 1 };
	struct iov_iter iter;
	int ret;

	if (vmlab_file_end(f) < size) {
		iov_iter_kvec(&iter, ITER_SOURCE, &kvec, 1, 1);
		ret = vmlab_writeback_write(f, &iter, f->offset + size - 1);
		if (ret)
			return ret;
	}
	vmlab_file_settle_size(f);
	/* Truncated again just now, or the page of the old end is in use by a device. */
	return vmlab_region_size(region) < size ? -EBUSY : 0;
}

/*
 * Punches the file as well; if that fails, or a page that a clone has, too, cannot be copied,
 * nothing has changed. Write-back is kept away meanwhile, so that dirty pages of the range are
 * never written.
 */
static int punch(struct vmlab_region *region, loff_t start, loff_t end)
{
	struct vmlab_file *f = region->backing_data;
	loff_t size = vmlab_region_size(region), page_end;
	int ret;

	if (start >= size)
		return 0;
	end = min(end, size);
	page_end = end == size ? round_up(end, PAGE_SIZE) : end;
	mutex_lock(&f->writeback_lock);
	filemap_invalidate_lock(region->inode.i_mapping);
	ret = vmlab_pages_own_ends(region, start, page_end, false);
	filemap_invalidate_unlock(region->inode.i_mapping);
	if (!ret)
		ret = vfs_fallocate(f->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    f->offset + start, end - start);
	if (!ret)
		vmlab_pages_punch_prepared(region, start, page_end);
	mutex_unlock(&f->writeback_lock);
	return ret;
}

const struct vmlab_backing_ops vmlab_backing_file = {
	.type		= VMLAB_BACKING_FILE,
	.filled		= VMLAB_READ_IN,
	.tracks_writes	= true,
	.attach		= attach,
	.detach		= detach,
	.clone		= vmlab_frozen_clone,
	.fill		= fill,
	.dirtied	= dirtied,
	.writeback	= writeback,
	.settle		= settle,
	.follow		= follow,
	.sync		= sync,
	.writable	= writable,
	.extend		= extend,
	.punch		= punch,
};

int vmlab_file_init(void)
{
	int ret = vmlab_writeback_init();

	if (ret)
		return ret;
	ret = vmlab_file_watch_init();
	if (ret)
		vmlab_writeback_exit();
	return ret;
}

void vmlab_file_exit(void)
{
	vmlab_file_watch_exit();
	vmlab_writeback_exit();
}
