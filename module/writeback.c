// SPDX-License-Identifier: GPL-2.0
/*
 * Writing dirty pages of a region to its file: some seconds after the first write,
 * at msync() and fsync(), when a descriptor is closed, and when the region goes.
 *
 * What is never written: pages punched out (no longer in the index), pages beyond the
 * file's end, anything once the file is deleted. A write that fails leaves its pages
 * dirty, to be tried again; the error is kept in the region's mapping until fsync()
 * has told it.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/uio.h>

#include "compat.h"
#include "file.h"
#include "index.h"
#include "page.h"
#include "region.h"
#include "stats.h"
#include "trace.h"

static unsigned int writeback_secs = 5;
module_param(writeback_secs, uint, 0644);
MODULE_PARM_DESC(writeback_secs, "seconds from the first write to a file's pages to their write-back");

static struct workqueue_struct *wq;

static unsigned long delay(void)
{
	return min(READ_ONCE(writeback_secs), 3600U * 24) * HZ;
}

/* Write back when the delay is over. Any context. */
void vmlab_writeback_later(struct vmlab_file *f)
{
	queue_delayed_work(wq, &f->writeback_work, delay());
}

/* The same after something went wrong: not at once, whatever the delay. */
void vmlab_writeback_retry(struct vmlab_file *f)
{
	queue_delayed_work(wq, &f->writeback_work, max_t(unsigned long, delay(), HZ));
}

/**
 * vmlab_writeback_now - write back all that is dirty
 * @f: the file
 *
 * Context: may sleep; none of the region's locks held.
 * Return: 0 or the first error; the pages concerned stay dirty.
 */
int vmlab_writeback_now(struct vmlab_file *f)
{
	int ret = 0;

	if (vmlab_index_any_dirty(&f->region->index)) {
		mod_delayed_work(wq, &f->writeback_work, 0);
		flush_delayed_work(&f->writeback_work);
		ret = READ_ONCE(f->writeback_result);
	}
	/* Pages are clean before they are written: wait for a pass under way. */
	mutex_lock(&f->writeback_lock);
	mutex_unlock(&f->writeback_lock);
	return ret;
}

/* Have @work done where write-back is. Any context. */
void vmlab_writeback_queue(struct work_struct *work)
{
	queue_work(wq, work);
}

/**
 * vmlab_writeback_write - write to the file
 * @f: the file
 * @from: what
 * @pos: where in the file
 *
 * Written as whoever opened the file.
 * Context: may sleep.
 */
int vmlab_writeback_write(struct vmlab_file *f, struct iov_iter *from, loff_t pos)
{
	const struct cred *cred = override_creds(f->file->f_cred);
	struct kiocb iocb;
	ssize_t ret = 1;

	init_sync_kiocb(&iocb, f->file);
	iocb.ki_pos = pos;
	while (iov_iter_count(from) && ret > 0)
		ret = vfs_iocb_iter_write(f->file, &iocb, from);
	revert_creds(cred);
	/* On a mount that is "sync" it may fail when all was taken already. */
	return ret ? min_t(ssize_t, ret, 0) : -EIO;
}

/*
 * Makes a page clean and then read-only in all page tables (in this order, see
 * make_writable()): the next write to it will be noticed. Returns false if it need not
 * be written any more.
 */
static bool clean(struct vmlab_region *region, struct folio *folio)
{
	bool dirty = false;

	folio_lock(folio);
	if (folio->mapping == region->inode.i_mapping)
		dirty = vmlab_page_clean(region, folio);
	/* The reverse map of the page leads to the region's own file only. */
	if (dirty && region->family)
		vmlab_region_unmap(region, folio->index, 1);
	else if (dirty)
		folio_mkclean(folio);
	folio_unlock(folio);
	return dirty;
}

/* What is at @pgoff now: the page that could not be written, or its copy. */
static void dirty_again(struct vmlab_region *region, pgoff_t pgoff)
{
	struct folio *folio = vmlab_page_get(region, pgoff);

	if (!folio)
		return;
	vmlab_page_mark_dirty_at(region, pgoff, folio);
	folio_put(folio);
}

/*
 * We may have waited for the file's locks while somebody truncated it, and then made it
 * longer again, up to @end, with what was no longer part of it. Then make it as short as
 * it was to be, unless others made it longer still.
 */
static void undo_growth(struct vmlab_file *f, unsigned int shrinks, loff_t end)
{
	struct inode *inode = file_inode(f->file);
	struct iattr attr = { .ia_valid = ATTR_SIZE | ATTR_FORCE };
	bool shrunk;

	spin_lock(&f->size_lock);
	shrunk = f->shrinks != shrinks;
	attr.ia_size = f->offset + f->shrunk_to;
	spin_unlock(&f->size_lock);
	if (!shrunk)
		return;
	file_start_write(f->file);
	inode_lock(inode);
	if (vmlab_inode_size(inode) == end && attr.ia_size < end)
		notify_change(file_mnt_idmap(f->file), f->file->f_path.dentry, &attr, NULL);
	inode_unlock(inode);
	file_end_write(f->file);
}

/* Writes @nr pages from f->run[@from] on, which were made clean. */
static int write_run(struct vmlab_file *f, unsigned int from, unsigned int nr)
{
	struct vmlab_region *region = f->region;
	loff_t start = folio_pos(f->run[from]);
	unsigned int shrinks = READ_ONCE(f->shrinks);
	loff_t left = min(vmlab_region_size(region), vmlab_file_end(f)) - start;
	size_t len = clamp_t(loff_t, left, 0, (size_t)nr << PAGE_SHIFT);
	unsigned int written = DIV_ROUND_UP(len, PAGE_SIZE);
	struct iov_iter iter;
	unsigned int i;
	int ret;

	/* The others are behind the end of a file that has become shorter. */
	vmlab_count(region, VMLAB_DISCARDED, nr - written);
	vmlab_count(region, VMLAB_DIRTY, -(s64)(nr - written));
	if (!written)
		return 0;
	nr = written;
	for (i = 0; i < nr; i++) {
		f->bvec[i].bv_page = &f->run[from + i]->page;
		f->bvec[i].bv_offset = 0;
		f->bvec[i].bv_len = PAGE_SIZE;
	}
	iov_iter_bvec(&iter, ITER_SOURCE, f->bvec, nr, len);
	ret = vmlab_writeback_write(f, &iter, f->offset + start);
	undo_growth(f, shrinks, f->offset + start + len);
	trace_vmlab_writeback(region->id, start >> PAGE_SHIFT, nr, ret);
	if (!ret) {
		vmlab_count(region, VMLAB_WRITTEN_BACK, nr);
		vmlab_count(region, VMLAB_DIRTY, -(s64)nr);
		return 0;
	}
	for (i = 0; i < nr; i++)
		dirty_again(region, (start >> PAGE_SHIFT) + i);
	vmlab_count(region, VMLAB_DIRTY, -(s64)nr);	/* counted once more just now */
	vmlab_count(region, VMLAB_WRITEBACK_ERRORS, 1);
	trace_vmlab_error(region->id, VMLAB_OP_WRITEBACK, start >> PAGE_SHIFT, ret);
	mapping_set_error(region->inode.i_mapping, ret);
	return ret;
}

/* Writes what is still dirty of the @nr pages in f->run, and puts them. */
static int clean_and_write(struct vmlab_file *f, unsigned int nr)
{
	unsigned int i, from = 0;
	int ret = 0, err;

	for (i = 0; i <= nr; i++) {
		if (i < nr && clean(f->region, f->run[i]))
			continue;
		if (i > from) {
			err = write_run(f, from, i - from);
			ret = ret ?: err;
		}
		from = i + 1;
	}
	for (i = 0; i < nr; i++)
		folio_put(f->run[i]);
	return ret;
}

/**
 * vmlab_writeback_range - write back the dirty pages of a range
 * @f: the file
 * @start: first byte of the region
 * @end: last byte, inclusive
 *
 * Context: may sleep; takes writeback_lock.
 * Return: 0 or the first error; the pages concerned stay dirty.
 */
int vmlab_writeback_range(struct vmlab_file *f, loff_t start, loff_t end)
{
	pgoff_t first = start >> PAGE_SHIFT;
	pgoff_t last = end >> PAGE_SHIFT;
	unsigned int nr;
	int ret = 0, err;

	if (vmlab_file_unlinked(f))
		return 0;
	mutex_lock(&f->writeback_lock);
	while (first <= last && (nr = vmlab_index_find_dirty(&f->region->index, &first,
							     last, f->run)) != 0) {
		err = clean_and_write(f, nr);
		ret = ret ?: err;
		cond_resched();
	}
	mutex_unlock(&f->writeback_lock);
	return ret;
}

void vmlab_writeback_work(struct work_struct *work)
{
	struct vmlab_file *f = container_of(to_delayed_work(work), struct vmlab_file,
					    writeback_work);
	int ret = vmlab_writeback_range(f, 0, LLONG_MAX);

	WRITE_ONCE(f->writeback_result, ret);
	if (READ_ONCE(f->ending))
		return;
	if (ret)
		vmlab_writeback_retry(f);
	vmlab_file_size_changed(f);
}

int vmlab_writeback_init(void)
{
	wq = alloc_workqueue("vmlab", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return wq ? 0 : -ENOMEM;
}

void vmlab_writeback_exit(void)
{
	destroy_workqueue(wq);
}
