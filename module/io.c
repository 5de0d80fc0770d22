// SPDX-License-Identifier: GPL-2.0
/*
 * A region as a file: what /dev/vmlab and the regions' own files do.
 *
 * A file opened from /dev/vmlab has the region's own file in private_data: that one
 * goes under its mappings, so that /proc, core dumps and MADV_REMOVE meet a regular
 * file there. For a region's own file private_data is NULL.
 */
#include "io.h"

#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/pipe_fs_i.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>

#include "compat.h"
#include "discard.h"
#include "fs.h"
#include "huge.h"
#include "inspect.h"
#include "ioctl.h"
#include "mapping.h"
#include "page.h"
#include "pool.h"
#include "reflink.h"
#include "region.h"

/* Bytes that one splice() to a region takes from a pipe. */
#define SPLICE_MAX SZ_64K

/* The folio to read from; NULL: reads as zeroes. */
static struct folio *folio_to_read(struct vmlab_region *region, pgoff_t pgoff)
{
	struct folio *folio;

	if (region->backing->fill)
		return vmlab_page_get_to_read(region, pgoff);
	folio = vmlab_page_get(region, pgoff);
	if (!folio && vmlab_index_has(&region->index, pgoff))	/* it is not in memory */
		folio = vmlab_page_get_to_read(region, pgoff);
	return folio;
}

/* Copies from inside one page; returns what was copied, 0 or an errno if nothing. */
static ssize_t read_page(struct vmlab_region *region, loff_t pos, size_t len,
			 struct iov_iter *to)
{
	struct folio *folio = folio_to_read(region, pos >> PAGE_SHIFT);
	size_t copied;
	void *content;

	if (IS_ERR(folio))
		return PTR_ERR(folio);
	if (!folio) {
		copied = iov_iter_zero(len, to);
	} else {
		/*
		 * Not copy_page_to_iter(): on 6.1 a pipe would be given the page itself,
		 * which its reader may then steal as if it were in the page cache.
		 */
		content = kmap_local_page(vmlab_folio_page(folio, pos >> PAGE_SHIFT));
		copied = copy_to_iter(content + offset_in_page(pos), len, to);
		kunmap_local(content);
		folio_put(folio);
	}
	return copied ?: -EFAULT;
}

/*
 * How much there is to read from @pos on. Who may not be up to date is asked again; as a
 * fault asks if a pipe would have to wait, which splice() has locked: see splice_write().
 */
static loff_t bytes_left(struct vmlab_region *region, loff_t pos, struct iov_iter *to)
{
	if (pos >= vmlab_region_size(region) && region->backing->settle) {
		if (iov_iter_is_splice(to))
			region->backing->follow(region);
		else
			region->backing->settle(region);
	}
	return vmlab_region_size(region) - pos;
}

static ssize_t read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct vmlab_region *region = vmlab_file_region(iocb->ki_filp);
	ssize_t done = 0, ret;

	ret = vmlab_region_use(region);
	while (!ret && iov_iter_count(to)) {
		loff_t left = bytes_left(region, iocb->ki_pos, to);
		size_t len = min_t(size_t, iov_iter_count(to),
				   PAGE_SIZE - offset_in_page(iocb->ki_pos));

		if (left <= 0)
			break;
		ret = read_page(region, iocb->ki_pos, min_t(loff_t, len, left), to);
		if (ret < 0)
			break;
		iocb->ki_pos += ret;
		done += ret;
		ret = fatal_signal_pending(current) ? -EINTR : 0;
		cond_resched();
	}
	file_accessed(vmlab_file_own(iocb->ki_filp));
	return done ?: ret;
}

static void mark_written(struct vmlab_region *region, struct folio *folio)
{
	if (!vmlab_region_tracks_writes(region))
		return;
	folio_lock(folio);
	if (folio->mapping == region->inode.i_mapping)
		vmlab_page_dirty(region, folio);
	folio_unlock(folio);
}

/*
 * Copies into a page, and moves the region's end with it: at one moment, for a clone is to have
 * both or neither. No fault can be taken under that lock. Returns how much, 0 if it cannot be read.
 */
static size_t copy_beyond_end(struct vmlab_region *region, struct folio *folio, loff_t pos,
			      size_t len, struct iov_iter *from)
{
	struct page *page = vmlab_folio_page(folio, pos >> PAGE_SHIFT);
	size_t offset = folio_page_idx(folio, page) * PAGE_SIZE + offset_in_page(pos);
	size_t copied;

	do {
		if (fault_in_iov_iter_readable(from, len) == len)
			return 0;
		filemap_invalidate_lock_shared(region->inode.i_mapping);
		copied = copy_folio_from_iter_atomic(folio, offset, len, from);
		if (copied && pos + copied > vmlab_region_size(region))
			i_size_write(&region->inode, pos + copied);
		filemap_invalidate_unlock_shared(region->inode.i_mapping);
	} while (!copied && !fatal_signal_pending(current));
	return copied;
}

static ssize_t write_page(struct vmlab_region *region, loff_t pos, size_t len,
			  struct iov_iter *from)
{
	struct folio *folio = vmlab_page_get_to_write(region, pos >> PAGE_SHIFT);
	size_t copied;

	if (IS_ERR(folio))
		return PTR_ERR(folio);
	if (pos + len > vmlab_region_size(region))
		copied = copy_beyond_end(region, folio, pos, len, from);
	else
		copied = copy_page_from_iter(vmlab_folio_page(folio, pos >> PAGE_SHIFT),
					     offset_in_page(pos), len, from);
	if (copied)
		mark_written(region, folio);
	folio_put(folio);
	return copied ?: -EFAULT;
}

/*
 * What cannot be read makes no pages, and moves no end. A backing that has an end of its own must
 * move it before a write beyond it; without one, the end is where the last write went.
 */
static int make_room(struct vmlab_region *region, loff_t end, struct iov_iter *from,
		     size_t len)
{
	if (fault_in_iov_iter_readable(from, len) == len)
		return -EFAULT;
	if (!region->backing->extend || end <= vmlab_region_size(region))
		return 0;
	if (!vmlab_pages_left(region->pool))
		return -ENOSPC;
	return region->backing->extend(region, end);
}

/* A huge page for what is to be there up to @end, if there is none at @pos. */
static void make_huge(struct vmlab_region *region, loff_t pos, loff_t end)
{
	if (vmlab_huge_policy(region) != VMLAB_HUGE_ALWAYS)
		return;
	filemap_invalidate_lock_shared(region->inode.i_mapping);
	vmlab_huge_make(region, pos >> PAGE_SHIFT, end);
	filemap_invalidate_unlock_shared(region->inode.i_mapping);
}

static ssize_t write_pages(struct vmlab_region *region, struct kiocb *iocb,
			   struct iov_iter *from)
{
	ssize_t done = 0, ret = 0;

	while (!ret && iov_iter_count(from)) {
		size_t len = min_t(size_t, iov_iter_count(from),
				   PAGE_SIZE - offset_in_page(iocb->ki_pos));

		ret = make_room(region, iocb->ki_pos + len, from, len);
		if (!ret) {
			make_huge(region, iocb->ki_pos, iocb->ki_pos + iov_iter_count(from));
			ret = write_page(region, iocb->ki_pos, len, from);
		}
		if (ret < 0)
			break;
		iocb->ki_pos += ret;
		done += ret;
		ret = fatal_signal_pending(current) ? -EINTR : 0;
		cond_resched();
	}
	return done ?: ret;
}

static ssize_t write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct vmlab_region *region = vmlab_file_region(iocb->ki_filp);
	struct inode *inode = &region->inode;
	ssize_t ret;

	ret = vmlab_region_use(region);
	if (ret)
		return ret;
	if (!vmlab_region_writable(region))
		return -EBADF;
	inode_lock(inode);
	ret = generic_write_checks(iocb, from);
	if (ret > 0 && iocb->ki_pos >= region->limit)
		ret = -EFBIG;
	if (ret > 0) {
		iov_iter_truncate(from, region->limit - iocb->ki_pos);
		ret = file_modified(vmlab_file_own(iocb->ki_filp));
		if (!ret)
			ret = write_pages(region, iocb, from);
	}
	inode_unlock(inode);
	if (ret > 0)
		ret = generic_write_sync(iocb, ret);
	return ret;
}

/* A splice_actor. What is in a pipe may be several pages: of a packet, for one. */
static int take_from_pipe(struct pipe_inode_info *pipe, struct pipe_buffer *buf,
			  struct splice_desc *sd)
{
	return copy_page_to_iter(buf->page, buf->offset, sd->len, sd->u.data);
}

/* Writes what is in the pipe, up to @len bytes, after it has left the pipe. */
static ssize_t write_from_pipe(struct pipe_inode_info *pipe, struct file *out, loff_t *pos,
			       size_t len, unsigned int flags, void *buffer)
{
	struct kvec kvec = { .iov_base = buffer, .iov_len = len };
	struct iov_iter iter;
	struct splice_desc sd = { .total_len = len, .flags = flags, .u.data = &iter };
	struct kiocb iocb;
	ssize_t ret;

	iov_iter_kvec(&iter, ITER_DEST, &kvec, 1, len);
	pipe_lock(pipe);
	ret = __splice_from_pipe(pipe, &sd, take_from_pipe);
	pipe_unlock(pipe);
	if (ret <= 0)
		return ret;
	iov_iter_kvec(&iter, ITER_SOURCE, &kvec, 1, ret);
	init_sync_kiocb(&iocb, out);
	iocb.ki_pos = *pos;
	ret = write_iter(&iocb, &iter);
	*pos = iocb.ki_pos;
	return ret;
}

/*
 * A write to a region may have to write to the file behind it. The pipe must not be locked
 * then: a splice() to a file locks first the file system against being frozen, and then
 * the pipe. Should the write fail, what had left the pipe is lost, as with read() and
 * write().
 */
static ssize_t splice_write(struct pipe_inode_info *pipe, struct file *out, loff_t *pos,
			    size_t len, unsigned int flags)
{
	struct vmlab_region *region = vmlab_file_region(out);
	ssize_t ret = vmlab_region_use(region);
	void *buffer;

	if (ret)
		return ret;
	if (!vmlab_region_writable(region))
		return -EBADF;
	if (*pos >= region->limit)
		return -EFBIG;
	len = min3(len, (size_t)SPLICE_MAX, (size_t)(region->limit - *pos));
	buffer = kvmalloc(len, GFP_KERNEL_ACCOUNT);
	if (!buffer)
		return -ENOMEM;
	ret = write_from_pipe(pipe, out, pos, len, flags, buffer);
	kvfree(buffer);
	return ret;
}

/* The first offset from @pos on whose page is there (@data), or is not. */
static loff_t seek_page(struct vmlab_region *region, loff_t pos, bool data)
{
	pgoff_t first = pos >> PAGE_SHIFT;
	pgoff_t pgoff = first, next = first;

	if (data) {
		if (!vmlab_index_next(&region->index, &pgoff, ULONG_MAX))
			return LLONG_MAX;
	} else {
		while (vmlab_index_next(&region->index, &next, pgoff) && next == pgoff) {
			if (fatal_signal_pending(current))
				return -EINTR;
			next = ++pgoff;
			cond_resched();
		}
	}
	return pgoff == first ? pos : (loff_t)pgoff << PAGE_SHIFT;
}

static loff_t llseek(struct file *file, loff_t offset, int whence)
{
	struct vmlab_region *region = vmlab_file_region(file);
	loff_t size = vmlab_region_size(region);
	bool data = whence == SEEK_DATA;

	/* Where a file is behind the region, all of it counts as data. */
	if ((!data && whence != SEEK_HOLE) || region->backing->fill)
		return generic_file_llseek_size(file, offset, whence, VMLAB_SIZE_MAX, size);
	if (offset < 0 || offset >= size)
		return -ENXIO;
	offset = seek_page(region, offset, data);
	if (offset < 0)
		return offset;
	if (data && offset >= size)
		return -ENXIO;
	return vfs_setpos(file, min(offset, size), VMLAB_SIZE_MAX);
}

/* Huge pages can be mapped where address and offset go together. */
static unsigned long get_area(struct file *file, unsigned long address, unsigned long len,
			      unsigned long pgoff, unsigned long flags)
{
	if (vmlab_region_is_huge(vmlab_file_region(file)))
		return thp_get_unmapped_area(file, address, len, pgoff, flags);
	return vmlab_unmapped_area(file, address, len, pgoff, flags);
}

static int mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vmlab_region *region = vmlab_file_region(file);
	struct file *own = vmlab_file_own(file);
	int ret = vmlab_region_register(region);

	if (!ret)
		ret = vmlab_mapping_mmap(region, own, vma);
	if (!ret)
		file_accessed(own);
	return ret;
}

static int fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct vmlab_region *region = vmlab_file_region(file);
	int ret, err;

	ret = vmlab_region_writeback(region);
	if (!ret && region->backing->sync)
		ret = region->backing->sync(region, start, end, datasync);
	/* What went wrong here or earlier, in the background, is told once. */
	err = file_check_and_advance_wb_err(file);
	return err ?: ret;
}

/* Each close() of a descriptor, as on a network file system. */
static int flush(struct file *file, fl_owner_t id)
{
	return vmlab_region_writeback(vmlab_file_region(file));
}

/* A file of a mount, or another file of a region that has no name. */
static int open(struct inode *inode, struct file *file)
{
	if (!vmlab_region_is_file(vmlab_inode_region(inode)))
		return vmlab_fs_pin();
	file->f_mode |= FMODE_CAN_ODIRECT;	/* there is no cache to go past */
	return generic_file_open(inode, file);
}

/* The last descriptor and the last mapping of a file are gone. */
static int release(struct inode *inode, struct file *file)
{
	if (file->private_data)
		fput(file->private_data);
	else if (!vmlab_region_is_file(vmlab_inode_region(inode)))
		vmlab_fs_unpin();
	return 0;
}

/* Where the pages of a range begin that none of those is behind that are there. */
static pgoff_t behind_all(struct vmlab_region *region, pgoff_t first, pgoff_t last)
{
	pgoff_t pgoff = first;

	while (pgoff <= last && vmlab_index_next(&region->index, &pgoff, last)) {
		first = ++pgoff;
		cond_resched();
	}
	return first;
}

/*
 * Pages for the whole range, none if the cap would not allow them all; the region's alone if
 * they are to be written to (@own).
 */
static int preallocate(struct vmlab_region *region, loff_t start, loff_t end, bool own)
{
	pgoff_t pgoff = start >> PAGE_SHIFT;
	pgoff_t last = (end - 1) >> PAGE_SHIFT;
	u64 missing = last - pgoff + 1;

	if (vmlab_pages_left(region->pool) < missing)
		missing -= vmlab_index_count(&region->index, pgoff, last);
	if (vmlab_pages_left(region->pool) < missing)
		return -ENOSPC;
	for (; pgoff <= last; pgoff++) {
		struct folio *folio;

		make_huge(region, (loff_t)pgoff << PAGE_SHIFT, end);
		folio = own ? vmlab_page_get_to_write(region, pgoff) :
			      vmlab_page_get_to_read(region, pgoff);
		if (IS_ERR(folio))
			return PTR_ERR(folio);
		folio_put(folio);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/*
 * Of a range that is zeroed, too, what may fail comes before the first byte, but for what others do
 * meanwhile: a clone is made, and the pages are to be copied for that.
 */
static int allocate(struct vmlab_region *region, int mode, loff_t start, loff_t end)
{
	bool zeroes = mode & FALLOC_FL_ZERO_RANGE;
	loff_t size = vmlab_region_size(region);
	pgoff_t last = (end - 1) >> PAGE_SHIFT;
	pgoff_t beyond = max_t(loff_t, start, size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	int ret;

	if (region->backing->extend)
		return -EOPNOTSUPP;	/* its file's blocks are its file's business */
	if (end > region->limit)
		return -EFBIG;
	ret = inode_newsize_ok(&region->inode, end);
	if (ret)
		return ret;
	beyond = behind_all(region, beyond, last);
	ret = preallocate(region, start, end, zeroes);
	if (!ret && zeroes)
		ret = vmlab_pages_write_zeroes(region, start, end);
	/* Beyond the end nobody else made pages, and nobody would find them there to free them. */
	if (ret && beyond <= last)
		vmlab_pages_punch(region, (loff_t)beyond << PAGE_SHIFT,
				  (loff_t)(last + 1) << PAGE_SHIFT);
	if (!ret && end > size && !(mode & FALLOC_FL_KEEP_SIZE))
		i_size_write(&region->inode, end);
	return ret;
}

static int change_space(struct vmlab_region *region, int mode, loff_t start, loff_t end)
{
	if (mode & FALLOC_FL_PUNCH_HOLE)
		return region->backing->punch(region, start, end);
	return allocate(region, mode, start, end);
}

static long fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct vmlab_region *region = vmlab_file_region(file);
	long ret;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	ret = vmlab_region_use(region);
	if (ret)
		return ret;
	if (!vmlab_region_writable(region))
		return -EBADF;
	inode_lock(&region->inode);
	ret = change_space(region, mode, offset, offset + len);
	if (!ret)
		ret = file_modified(file);
	inode_unlock(&region->inode);
	return ret;
}

/**
 * vmlab_io_truncate - move a region's end
 * @region: the region
 * @size: its new size in bytes
 *
 * Context: caller holds the inode lock. May sleep.
 * Return: -EFBIG beyond the region's limit, -EOPNOTSUPP if the backing decides.
 */
int vmlab_io_truncate(struct vmlab_region *region, loff_t size)
{
	int ret;

	ret = vmlab_region_use(region);
	if (ret)
		return ret;
	if (!region->backing->truncate)
		return -EOPNOTSUPP;
	if (size > region->limit)
		return -EFBIG;
	return region->backing->truncate(region, size);
}

const struct file_operations vmlab_region_fops = {
	.owner		= THIS_MODULE,
	.open		= open,
	.flush		= flush,
	.release	= release,
	.llseek		= llseek,
	.read_iter	= read_iter,
	.write_iter	= write_iter,
	.splice_read	= copy_splice_read,
	.splice_write	= splice_write,
	.mmap		= mmap,
	.get_unmapped_area = get_area,
	.fsync		= fsync,
	.fallocate	= fallocate,
	.setlease	= generic_setlease,
	.remap_file_range = vmlab_reflink,
	.unlocked_ioctl	= vmlab_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.show_fdinfo	= vmlab_inspect_fdinfo,
};
