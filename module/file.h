/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_FILE_H
#define VMLAB_FILE_H

#include <linux/bvec.h>
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "page.h"

struct vmlab_file_watch;
struct vmlab_region;

/**
 * struct vmlab_file - the file behind a region
 * @region: the region; owns this
 * @file: the file, opened anew with the rights of the user's descriptor, so that its
 *	flags and its unreported errors are ours alone
 * @offset: where in the file the region begins, in bytes
 * @was_linked: it had a name when the region was configured
 * @ra: read-ahead state of our reads
 * @watch: tells when the file's size changes
 * @size_lock: serializes changes of the region's size, and protects @shrunk, @shrinks
 *	and @shrunk_to
 * @shrunk: the region's size was lowered, its pages beyond the end are still there
 * @shrinks: how often the region's size was lowered
 * @shrunk_to: to what the last time
 * @ending: the region goes: nothing is left to the workers any more
 * @resize_work: settles a new size
 * @writeback_lock: held over a pass of write-back, and to keep write-back away while
 *	dirty pages are punched out; protects @run and @bvec
 * @writeback_work: writes back: some time after the first write, or now. It is always
 *	here that it is done, apart from the signals and limits of whoever asks.
 * @writeback_result: what came out the last time
 * @run: the pages being written back, in a row
 * @bvec: the same, for the file's file system
 *
 * The locks nest in this order, between the region's own (see struct vmlab_region):
 *
 *   inode lock
 *     writeback_lock
 *       the locks of @file's file system, when it is written to or punched
 *       invalidate_lock, folio lock
 *         size_lock
 *
 * None of them is held while @file's locks are taken in a fault, and a fault takes
 * none of them: @file's file system may itself fault on the region while it holds
 * its locks (write() to the file from the region's memory).
 */
struct vmlab_file {
	struct vmlab_region *region;
	struct file *file;
	loff_t offset;
	bool was_linked;
	struct file_ra_state ra;

	struct vmlab_file_watch *watch;
	spinlock_t size_lock;
	bool shrunk;
	unsigned int shrinks;
	loff_t shrunk_to;
	bool ending;
	struct work_struct resize_work;

	struct mutex writeback_lock;
	struct delayed_work writeback_work;
	int writeback_result;
	struct folio *run[VMLAB_BATCH];
	struct bio_vec bvec[VMLAB_BATCH];
};

/* backing_file.c */
loff_t vmlab_file_end(const struct vmlab_file *f);
bool vmlab_file_unlinked(const struct vmlab_file *f);
int vmlab_file_fill(struct vmlab_file *f, pgoff_t pgoff, struct page **pages, unsigned int nr);
int vmlab_file_init(void);
void vmlab_file_exit(void);

/* backing_frozen.c */
int vmlab_frozen_clone(struct vmlab_region *to, struct vmlab_region *from);

/* file_size.c */
void vmlab_file_size_changed(struct vmlab_file *f);
void vmlab_file_settle_size(struct vmlab_file *f);
loff_t vmlab_file_drop_truncated(struct vmlab_file *f);
bool vmlab_file_follow_size(struct vmlab_file *f);
void vmlab_file_resize_work(struct work_struct *work);

/* file_watch.c */
int vmlab_file_watch_init(void);
void vmlab_file_watch_exit(void);
int vmlab_file_watch_start(struct vmlab_file *f);
void vmlab_file_watch_stop(struct vmlab_file *f);

/* writeback.c */
int vmlab_writeback_init(void);
void vmlab_writeback_exit(void);
void vmlab_writeback_later(struct vmlab_file *f);
void vmlab_writeback_retry(struct vmlab_file *f);
int vmlab_writeback_now(struct vmlab_file *f);
void vmlab_writeback_queue(struct work_struct *work);
void vmlab_writeback_work(struct work_struct *work);
int vmlab_writeback_range(struct vmlab_file *f, loff_t start, loff_t end);
int vmlab_writeback_write(struct vmlab_file *f, struct iov_iter *from, loff_t pos);

#endif
