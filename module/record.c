// SPDX-License-Identifier: GPL-2.0
/*
 * Recording which pages are referenced. The hardware does not tell, but for a fault: so only a few
 * pages of the region are mapped at a time. A reference to another is a fault, which is recorded,
 * and the page that has been mapped for longest is unmapped for it.
 *
 * A program that is too fast for the reader waits in its fault, outside of all locks. Where a fault
 * must not wait, what there is no room for is counted, and the reader is told of the gap.
 *
 * A region's recorder is set and taken away under its invalidate_lock, exclusive.
 */
#include "record.h"

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kfifo.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/vmlab.h>
#include <linux/wait.h>

#include "compat.h"
#include "mapping.h"
#include "region.h"

#define WINDOW_DEFAULT	32

/*
 * References that wait for the reader, a power of 2; and those of them that are for faults that
 * must not wait, or went on before others had taken what room there was.
 */
#define ROOM		8192
#define SPARE		1024

/* How many the reader takes at once. */
#define BATCH		128

/**
 * struct vmlab_recorder - a recording
 * @refs: its descriptor, and faults that wait
 * @file: of the region; a reference, which the descriptor has
 * @begun: when
 * @lock: protects @fifo, @lost, @window and @oldest
 * @slots: memory of @fifo
 * @fifo: what was recorded and not read
 * @lost: references behind those in @fifo that are not there
 * @window: the pages that may be mapped: others are not, or not for long. A ring.
 * @window_size: of how many
 * @oldest: of them
 * @ended: nothing is recorded any more
 * @readable: who reads waits here
 * @room: faults do, until @fifo is half empty
 * @reading: protects @batch
 * @reader: who holds it; never waits for itself
 * @batch: taken from @fifo, to be given to the reader
 * @batch_start: the first of them
 * @batch_nr: how many there are from there on
 */
struct vmlab_recorder {
	struct kref refs;
	struct file *file;
	u64 begun;
	spinlock_t lock;
	struct vmlab_reference *slots;
	DECLARE_KFIFO_PTR(fifo, struct vmlab_reference);
	u64 lost;
	pgoff_t *window;
	unsigned int window_size;
	unsigned int oldest;
	bool ended;
	wait_queue_head_t readable;
	wait_queue_head_t room;
	struct mutex reading;
	struct task_struct *reader;
	struct vmlab_reference batch[BATCH];
	unsigned int batch_start;
	unsigned int batch_nr;
};

/* In the window: no page. */
#define NO_PAGE ULONG_MAX

static void free_recorder(struct kref *refs)
{
	struct vmlab_recorder *recorder = container_of(refs, struct vmlab_recorder, refs);

	kvfree(recorder->slots);
	kfree(recorder->window);
	kfree(recorder);
}

static struct vmlab_recorder *new_recorder(unsigned int window_size)
{
	struct vmlab_recorder *recorder = kzalloc(sizeof(*recorder), GFP_KERNEL_ACCOUNT);
	const size_t bytes = ROOM * sizeof(struct vmlab_reference);

	if (!recorder)
		return NULL;
	kref_init(&recorder->refs);
	spin_lock_init(&recorder->lock);
	init_waitqueue_head(&recorder->readable);
	init_waitqueue_head(&recorder->room);
	mutex_init(&recorder->reading);
	recorder->window_size = window_size;
	recorder->window = kmalloc_array(window_size, sizeof(pgoff_t), GFP_KERNEL_ACCOUNT);
	recorder->slots = kvmalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!recorder->window || !recorder->slots) {
		kref_put(&recorder->refs, free_recorder);
		return NULL;
	}
	kfifo_init(&recorder->fifo, recorder->slots, bytes);
	memset(recorder->window, 0xff, window_size * sizeof(pgoff_t));
	return recorder;
}

/* Gives the region its recorder. No page is mapped then, and the first to be is recorded. */
static int attach(struct vmlab_region *region, struct vmlab_recorder *recorder)
{
	int ret = 0;

	filemap_invalidate_lock(region->inode.i_mapping);
	if (region->recorder)
		ret = -EBUSY;
	else
		WRITE_ONCE(region->recorder, recorder);
	if (!ret)
		vmlab_region_unmap(region, 0, 0);
	filemap_invalidate_unlock(region->inode.i_mapping);
	return ret;
}

static void detach(struct vmlab_recorder *recorder)
{
	struct vmlab_region *region = vmlab_file_region(recorder->file);

	filemap_invalidate_lock(region->inode.i_mapping);
	WRITE_ONCE(region->recorder, NULL);
	WRITE_ONCE(recorder->ended, true);
	filemap_invalidate_unlock(region->inode.i_mapping);
	wake_up_all(&recorder->room);
	fput(recorder->file);
}

/* Caller holds @lock. Behind what is lost there is no room for anything. */
static bool is_roomy(struct vmlab_recorder *recorder, unsigned int room)
{
	return !recorder->lost && kfifo_avail(&recorder->fifo) >= room;
}

/* Takes what there is into the empty batch. Returns whether that is something. */
static bool take_batch(struct vmlab_recorder *recorder)
{
	bool roomy;

	spin_lock(&recorder->lock);
	recorder->batch_start = 0;
	recorder->batch_nr = kfifo_out(&recorder->fifo, recorder->batch, BATCH);
	if (recorder->lost && recorder->batch_nr < BATCH) {
		recorder->batch[recorder->batch_nr++] = (struct vmlab_reference){
			.pgoff = recorder->lost,
			.kind = VMLAB_REFERENCE_LOST,
		};
		recorder->lost = 0;
	}
	roomy = is_roomy(recorder, ROOM / 2);
	spin_unlock(&recorder->lock);
	if (roomy && wq_has_sleeper(&recorder->room))
		wake_up_all(&recorder->room);
	return recorder->batch_nr;
}

static bool has_references(struct vmlab_recorder *recorder)
{
	bool has;

	spin_lock(&recorder->lock);
	has = recorder->lost || !kfifo_is_empty(&recorder->fifo);
	spin_unlock(&recorder->lock);
	return has;
}

/* Caller holds @reading. Sees to it that there is something in the batch. */
static int fill_batch(struct vmlab_recorder *recorder, bool wait)
{
	int ret;

	while (!recorder->batch_nr && !take_batch(recorder)) {
		if (!wait)
			return -EAGAIN;
		ret = wait_event_interruptible(recorder->readable, has_references(recorder));
		if (ret)
			return ret;
	}
	return 0;
}

/* Gives whole references only. What cannot be given is there still. */
static ssize_t give(struct vmlab_recorder *recorder, void __user *buffer, size_t nr)
{
	const size_t one = sizeof(struct vmlab_reference);
	unsigned long left;

	nr = min_t(size_t, nr, recorder->batch_nr);
	left = copy_to_user(buffer, &recorder->batch[recorder->batch_start], nr * one);
	nr -= DIV_ROUND_UP(left, one);
	recorder->batch_start += nr;
	recorder->batch_nr -= nr;
	return nr ? nr * one : -EFAULT;
}

static ssize_t record_read(struct file *file, char __user *buffer, size_t size, loff_t *pos)
{
	struct vmlab_recorder *recorder = file->private_data;
	ssize_t ret;

	if (size < sizeof(struct vmlab_reference))
		return -EINVAL;
	ret = mutex_lock_interruptible(&recorder->reading);
	if (ret)
		return ret;
	WRITE_ONCE(recorder->reader, current);
	ret = fill_batch(recorder, !(file->f_flags & O_NONBLOCK));
	if (!ret)
		ret = give(recorder, buffer, size / sizeof(struct vmlab_reference));
	WRITE_ONCE(recorder->reader, NULL);
	mutex_unlock(&recorder->reading);
	return ret;
}

static __poll_t record_poll(struct file *file, struct poll_table_struct *wait)
{
	struct vmlab_recorder *recorder = file->private_data;

	poll_wait(file, &recorder->readable, wait);
	return READ_ONCE(recorder->batch_nr) || has_references(recorder) ? EPOLLIN | EPOLLRDNORM :
									   0;
}

static int record_release(struct inode *inode, struct file *file)
{
	struct vmlab_recorder *recorder = file->private_data;

	detach(recorder);
	kref_put(&recorder->refs, free_recorder);
	return 0;
}

static const struct file_operations record_fops = {
	.owner		= THIS_MODULE,
	.read		= record_read,
	.poll		= record_poll,
	.release	= record_release,
	.llseek		= noop_llseek,
};

/* A descriptor for the recorder, which goes with it from then on. */
static int open_recorder(struct vmlab_recorder *recorder, unsigned int flags)
{
	int fd = get_unused_fd_flags(flags & O_CLOEXEC);
	struct file *file;

	if (fd < 0)
		return fd;
	file = anon_inode_getfile("[vmlab-record]", &record_fops, recorder,
				  O_RDONLY | (flags & O_NONBLOCK));
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

/**
 * vmlab_record_start - record the references to a region's pages
 * @file: the region's own
 * @args: see struct vmlab_record, which lists the errors, too
 *
 * Context: may sleep; no lock held.
 * Return: a descriptor to read them from, or an errno.
 */
int vmlab_record_start(struct file *file, const struct vmlab_record *args)
{
	struct vmlab_region *region = vmlab_file_region(file);
	struct vmlab_recorder *recorder;
	int ret;

	if (args->flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (args->window &&
	    (args->window < VMLAB_RECORD_WINDOW_MIN || args->window > VMLAB_RECORD_WINDOW_MAX))
		return -EINVAL;
	if (vmlab_region_is_huge(region))
		return -EOPNOTSUPP;
	recorder = new_recorder(args->window ?: WINDOW_DEFAULT);
	if (!recorder)
		return -ENOMEM;
	recorder->file = get_file(file);
	recorder->begun = ktime_get_ns();
	ret = attach(region, recorder);
	if (ret) {
		fput(recorder->file);
		kref_put(&recorder->refs, free_recorder);
		return ret;
	}
	ret = open_recorder(recorder, args->flags);
	if (ret < 0) {
		detach(recorder);
		kref_put(&recorder->refs, free_recorder);
	}
	return ret;
}

static bool is_in_window(const struct vmlab_recorder *recorder, pgoff_t pgoff)
{
	unsigned int i;

	for (i = 0; i < recorder->window_size; i++) {
		if (recorder->window[i] == pgoff)
			return true;
	}
	return false;
}

/* Caller holds @lock. */
static void put_reference(struct vmlab_recorder *recorder, const struct vm_fault *vmf)
{
	struct vmlab_reference reference = {
		.pgoff = vmf->pgoff,
		.time = ktime_get_ns() - recorder->begun,
		.kind = vmf->flags & FAULT_FLAG_WRITE ? VMLAB_REFERENCE_WRITE :
							VMLAB_REFERENCE_READ,
	};

	/* What comes after a gap would seem to be before it. */
	if (recorder->lost || !kfifo_put(&recorder->fifo, reference))
		recorder->lost++;
}

/**
 * vmlab_record_note - a fault has mapped its page, or may have, and no other
 * @region: the region, which has a recorder
 * @vmf: the fault
 *
 * It may be that another thread unmaps it at once, as it has come to be the oldest: then the next
 * fault finds it in the window still, or records it once more.
 * Context: may sleep. Caller holds the region's invalidate_lock, shared.
 */
void vmlab_record_note(struct vmlab_region *region, const struct vm_fault *vmf)
{
	struct vmlab_recorder *recorder = region->recorder;
	pgoff_t oldest = NO_PAGE;

	spin_lock(&recorder->lock);
	if (!is_in_window(recorder, vmf->pgoff)) {
		oldest = recorder->window[recorder->oldest];
		recorder->window[recorder->oldest] = vmf->pgoff;
		recorder->oldest = (recorder->oldest + 1) % recorder->window_size;
		put_reference(recorder, vmf);
	}
	spin_unlock(&recorder->lock);
	if (oldest != NO_PAGE)
		vmlab_region_unmap(region, oldest, 1);
	if (wq_has_sleeper(&recorder->readable))
		wake_up(&recorder->readable);
}

static bool has_room(struct vmlab_recorder *recorder, unsigned int room)
{
	bool roomy;

	spin_lock(&recorder->lock);
	roomy = is_roomy(recorder, room);
	spin_unlock(&recorder->lock);
	return roomy || READ_ONCE(recorder->ended);
}

/* Who would wait for himself, or be waited for by the kernel, does not wait. */
static bool may_wait(struct vmlab_recorder *recorder)
{
	return READ_ONCE(recorder->reader) != current && !(current->flags & PF_DUMPCORE);
}

static struct vmlab_recorder *get_recorder(struct vmlab_region *region)
{
	struct vmlab_recorder *recorder;

	filemap_invalidate_lock_shared(region->inode.i_mapping);
	recorder = region->recorder;
	if (recorder)
		kref_get(&recorder->refs);
	filemap_invalidate_unlock_shared(region->inode.i_mapping);
	return recorder;
}

/**
 * vmlab_record_wait - hold a fault back until the reader has caught up
 * @region: the region, which had a recorder
 * @vmf: the fault, before anything was done for it
 *
 * Context: may sleep, which is done without the kernel's lock.
 * Return: true if the fault is to return VM_FAULT_RETRY, and @vmf must not be touched any more.
 */
bool vmlab_record_wait(struct vmlab_region *region, struct vm_fault *vmf)
{
	struct vmlab_recorder *recorder;
	struct file *file;
	bool wait;

	if (!fault_flag_allow_retry_first(vmf->flags))
		return false;
	recorder = get_recorder(region);
	if (!recorder)
		return false;
	wait = may_wait(recorder) && !has_room(recorder, SPARE);
	if (wait && !(vmf->flags & FAULT_FLAG_RETRY_NOWAIT)) {
		/* The mapping may go, and with it the region and this module. */
		file = get_file(vmlab_mapping_file(vmf->vma));
		release_fault_lock(vmf);
		wait_event_killable(recorder->room, has_room(recorder, ROOM / 2));
		fput(file);
	}
	kref_put(&recorder->refs, free_recorder);
	return wait;
}
