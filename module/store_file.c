// SPDX-License-Identifier: GPL-2.0
/*
 * The store in a file, or on a block device: pages as they are, each in a slot of its own.
 *
 * It is read and written by workers only: a file system takes locks of the file, and whoever
 * has these, writing to it from memory, say, may come here by a fault.
 */
#include "store.h"

#include <linux/backing-dev.h>
#include <linux/bitmap.h>
#include <linux/bvec.h>
#include <linux/container_of.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include "file.h"
#include "io.h"

/**
 * struct file_store - a store in a file
 * @store: what all have in common
 * @file: the file, opened for us alone
 * @node: among all of them, under files_lock
 * @lock: protects the next ones
 * @used: which slots are in use
 * @next: where to look for free ones
 * @top: behind the last slot that was ever written to
 * @tight: the disk had no room for another: what was written to before comes first
 * @slots: how many there are
 * @in_use: how many are in use
 */
struct file_store {
	struct vmlab_store store;
	struct file *file;
	struct list_head node;
	spinlock_t lock;
	unsigned long *used;
	unsigned long next;
	unsigned long top;
	bool tight;
	unsigned long slots;
	atomic_long_t in_use;
};

#define QUEUE_FLAGS (WQ_UNBOUND | WQ_HIGHPRI | WQ_MEM_RECLAIM)

/* All of them: no two may have the same file. */
static DEFINE_MUTEX(files_lock);
static LIST_HEAD(files);

static struct file_store *of(struct vmlab_store *store)
{
	return container_of(store, struct file_store, store);
}

/* What is below an overlay, or is a block device, as it is whoever looks at it. */
static struct inode *real_inode(const struct file *file)
{
	if (S_ISBLK(file_inode(file)->i_mode))
		return file->f_mapping->host;
	return d_real_inode(file->f_path.dentry);
}

/* Does it keep what is written to it? Files of /proc and /sys are something else. */
static bool is_storage(const struct file *file)
{
	if (!file->f_op->read_iter || !file->f_op->write_iter)
		return false;
	return file->f_op->fallocate ||
	       file_inode(file)->i_sb->s_bdi->capabilities & BDI_CAP_WRITEBACK;
}

static int check_file(const struct file *file)
{
	const struct inode *inode = file_inode(file);

	if (!(file->f_mode & FMODE_READ) || !(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (real_inode(file)->i_fop == &vmlab_region_fops || file->f_op == &vmlab_region_fops)
		return -ELOOP;
	if (S_ISBLK(inode->i_mode))
		return 0;
	if (!S_ISREG(inode->i_mode) || file->f_flags & O_APPEND || !is_storage(file))
		return -EINVAL;
	if (IS_APPEND(inode) || IS_IMMUTABLE(inode))
		return -EPERM;
	return IS_SWAPFILE(inode) ? -ETXTBSY : 0;
}

/*
 * The file, opened again, for us: past the page cache where that can be. What a region has would
 * come back here when it is evicted. A device is for us alone.
 */
static struct file *open_again(struct file *theirs)
{
	int ret = check_file(theirs), flags = O_RDWR | O_LARGEFILE;
	struct file *file;

	if (ret)
		return ERR_PTR(ret);
	if (S_ISBLK(file_inode(theirs)->i_mode))
		flags |= O_EXCL;
	file = dentry_open(&theirs->f_path, flags | O_DIRECT, current_cred());
	return file == ERR_PTR(-EINVAL) ? dentry_open(&theirs->f_path, flags, current_cred()) :
					  file;
}

/* Has no other one the same file? Then this one has it now. */
static bool claim(struct file_store *one)
{
	struct file_store *other;
	bool free = true;

	mutex_lock(&files_lock);
	list_for_each_entry(other, &files, node)
		free &= real_inode(other->file) != real_inode(one->file);
	if (free)
		list_add(&one->node, &files);
	mutex_unlock(&files_lock);
	return free;
}

/* Takes the file, and makes room for what is to be known of its slots. */
static int prepare(struct file_store *one, struct file *theirs, u64 limit)
{
	u64 size;

	one->file = open_again(theirs);
	if (IS_ERR(one->file))
		return PTR_ERR(one->file);
	size = i_size_read(one->file->f_mapping->host);
	if (S_ISREG(file_inode(one->file)->i_mode) && limit != U64_MAX)
		size = limit;
	one->slots = min(size, limit) >> PAGE_SHIFT;
	if (!one->slots || one->slots > UINT_MAX)
		return -EINVAL;
	one->used = kvcalloc(BITS_TO_LONGS(one->slots), sizeof(long), GFP_KERNEL_ACCOUNT);
	one->store.wq = alloc_workqueue("vmlab_store", QUEUE_FLAGS, 0);
	one->store.read_wq = alloc_workqueue("vmlab_load", QUEUE_FLAGS, 0);
	if (!one->used || !one->store.wq || !one->store.read_wq)
		return -ENOMEM;
	return claim(one) ? 0 : -EBUSY;
}

static void release(struct file_store *one)
{
	if (one->store.wq)
		destroy_workqueue(one->store.wq);
	if (one->store.read_wq)
		destroy_workqueue(one->store.read_wq);
	if (!IS_ERR_OR_NULL(one->file))
		fput(one->file);
	kvfree(one->used);
	kfree(one);
}

static struct vmlab_store *create(struct file *file, u64 limit)
{
	struct file_store *one = kzalloc(sizeof(*one), GFP_KERNEL);
	int ret;

	if (!one)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&one->lock);
	ret = file ? prepare(one, file, limit) : -EBADF;
	if (ret) {
		release(one);
		return ERR_PTR(ret);
	}
	return &one->store;
}

static void destroy(struct vmlab_store *store)
{
	struct file_store *one = of(store);

	mutex_lock(&files_lock);
	list_del(&one->node);
	mutex_unlock(&files_lock);
	release(one);
}

/**
 * vmlab_store_in_file - the file that a store keeps pages in
 * @store: the store
 *
 * Context: any.
 * Return: the file, which stays as long as the store; NULL if it keeps none in any.
 */
struct file *vmlab_store_in_file(struct vmlab_store *store)
{
	if (store->far)
		store = store->far;
	return store->ops == &vmlab_store_file ? of(store)->file : NULL;
}

static u64 bytes(struct vmlab_store *store)
{
	return (u64)atomic_long_read(&of(store)->in_use) << PAGE_SHIFT;
}

/* Where free slots begin that may be had, at @next or before; @slots: there is none. Under lock. */
static unsigned long find_slot(struct file_store *one)
{
	unsigned long end = one->tight ? one->top : one->slots, slot;

	slot = find_next_zero_bit(one->used, end, min(one->next, end));
	if (slot >= end)
		slot = find_first_zero_bit(one->used, one->slots);
	return slot;
}

/*
 * Takes free slots that lie together, as many of @nr as can be had; round the file, so that what
 * is written one after the other lies one after the other. Where the disk has no more room, it may
 * have some by now: one is tried. Returns how many.
 */
static unsigned int take_slots(struct file_store *one, unsigned int nr, unsigned long *first)
{
	unsigned long slot = one->slots, end = slot;

	spin_lock(&one->lock);
	if (atomic_long_read(&one->in_use) < one->slots)
		slot = find_slot(one);
	if (slot < one->slots) {
		end = min(one->slots, slot + (one->tight && slot >= one->top ? 1 : nr));
		end = find_next_bit(one->used, end, slot);
		bitmap_set(one->used, slot, end - slot);
		one->next = end;
		atomic_long_add(end - slot, &one->in_use);
	}
	spin_unlock(&one->lock);
	*first = slot;
	return end - slot;
}

/* What came of writing to @done slots from @first on, and of the others. */
static void note_write(struct file_store *one, unsigned long first, unsigned int done, int ret)
{
	spin_lock(&one->lock);
	if (done && first + done > one->top) {
		one->top = first + done;
		one->tight = false;
	}
	if (ret == -ENOSPC || ret == -EDQUOT)
		one->tight = true;
	spin_unlock(&one->lock);
}

static void drop(struct vmlab_store *store, unsigned long slot)
{
	struct file_store *one = of(store);

	spin_lock(&one->lock);
	__clear_bit(slot, one->used);
	spin_unlock(&one->lock);
	atomic_long_dec(&one->in_use);
}

/*
 * Writes, as whoever made the store. A file system that is frozen is not waited for: who freezes it
 * may be waiting for a write to it from memory that waits for us.
 */
static int write_to(struct file *file, struct iov_iter *from, loff_t *pos)
{
	const struct cred *cred;
	struct kiocb iocb;
	ssize_t ret = 1;

	if (!file_start_write_trylock(file))
		return -EBUSY;
	cred = override_creds(file->f_cred);
	init_sync_kiocb(&iocb, file);
	iocb.ki_pos = *pos;
	while (iov_iter_count(from) && ret > 0) {
		ret = file->f_op->write_iter(&iocb, from);
		if (ret > 0)
			*pos += ret;
	}
	revert_creds(cred);
	file_end_write(file);
	return ret ? min_t(ssize_t, ret, 0) : -EIO;
}

/* Writes to slots from @first on. Returns an errno, and in *@done how many pages are there. */
static int write_slots(struct file_store *one, unsigned long first, struct bio_vec *vecs,
		       unsigned int nr, unsigned int *done)
{
	const loff_t start = (loff_t)first << PAGE_SHIFT;
	struct iov_iter iter;
	loff_t pos = start;
	int ret;

	iov_iter_bvec(&iter, WRITE, vecs, nr, (size_t)nr << PAGE_SHIFT);
	ret = write_to(one->file, &iter, &pos);
	*done = (pos - start) >> PAGE_SHIFT;
	note_write(one, first, *done, ret);
	return ret;
}

/* Of errors of files, those that mean something here. */
static int job_error(int ret)
{
	switch (ret) {
	case -EDQUOT:
	case -EFBIG:
		return -ENOSPC;
	case -ENOSPC:
	case -ENOMEM:
	case -EBUSY:
		return ret;
	}
	return -EIO;
}

static void write_pages(struct vmlab_store *store, struct vmlab_store_job **jobs, unsigned int nr)
{
	struct bio_vec vecs[VMLAB_STORE_BATCH];
	struct file_store *one = of(store);
	unsigned int i, taken, done;
	unsigned long first;
	int ret;

	for (; nr; nr -= taken, jobs += taken) {
		taken = take_slots(one, nr, &first);
		if (!taken)
			break;
		for (i = 0; i < taken; i++) {
			vecs[i] = (struct bio_vec){
				.bv_page = jobs[i]->page,
				.bv_len = PAGE_SIZE,
			};
		}
		ret = write_slots(one, first, vecs, taken, &done);
		for (i = 0; i < done; i++)
			jobs[i]->copy->handle = first + i;
		for (; i < taken; i++) {
			jobs[i]->ret = job_error(ret);
			drop(store, first + i);
		}
	}
	while (nr--)
		jobs[nr]->ret = -ENOSPC;
}

static int read_page(struct vmlab_store *store, unsigned long slot, struct page *page)
{
	struct bio_vec vec = { .bv_page = page, .bv_len = PAGE_SIZE };
	struct file *file = of(store)->file;
	loff_t pos = (loff_t)slot << PAGE_SHIFT;
	const struct cred *cred;
	struct iov_iter iter;
	ssize_t done = 1;

	iov_iter_bvec(&iter, READ, &vec, 1, PAGE_SIZE);
	cred = override_creds(file->f_cred);
	while (iov_iter_count(&iter) && done > 0)
		done = vfs_iter_read(file, &iter, &pos, 0);
	revert_creds(cred);
	if (!iov_iter_count(&iter))
		return 0;
	return done == -ENOMEM ? -ENOMEM : -EIO;
}

const struct vmlab_store_ops vmlab_store_file = {
	.type = "file",
	.create = create,
	.destroy = destroy,
	.batch = VMLAB_STORE_BATCH,
	.write_pages = write_pages,
	.read_page = read_page,
	.drop = drop,
	.bytes = bytes,
};
