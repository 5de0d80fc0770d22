/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_REGION_H
#define VMLAB_REGION_H

#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/vmlab.h>
#include <linux/xarray.h>

#include "backing.h"
#include "stats.h"
#include "stream.h"

struct pid;

/* In the index: the page was written to, and that is not in its file yet. */
#define VMLAB_MARK_DIRTY XA_MARK_0

/**
 * struct vmlab_region - memory that this module serves: an index from offset to page
 * @inode: its inode on the module's file system. Its mapping is what the kernel's
 *	reverse map hangs on, so that it is per region: every VMA of the region is in
 *	@inode.i_mapping->i_mmap, and every page carries that mapping.
 * @pages: the index: page offset -> folio; it owns one reference to each. A page that
 *	is not here was never touched. Changed under its own lock.
 * @limit: bytes; the region never grows beyond. Constant once in use.
 * @flags: VMLAB_REGION_*. Constant once in use.
 * @backing: where untouched pages come from. Constant once in use.
 * @backing_data: belongs to @backing
 * @state: enum vmlab_region_state
 * @mappings: VMAs of the region in all processes
 * @counters: its figures
 * @streams: its sequential faults
 * @id: names it; key in the table of all regions
 * @uid, @pid, @comm: who opened it
 *
 * Locks, in the order in which they nest:
 *
 *   inode lock			serializes write(), fallocate(), ftruncate()
 *     mmap_lock		(a user buffer may fault while the inode lock is held)
 *       invalidate_lock	of the mapping. Shared: pages may be added, and stay
 *				in the index while it is held. Exclusive: pages may
 *				be removed.
 *         folio lock		a folio belongs to the region (folio->mapping) while
 *				it is held; becoming dirty, and clean again
 *           i_mmap_rwsem	(unmapping and write-protecting through rmap)
 *             PTE lock
 *               pages.xa_lock	the index; the dirty mark of a page in it agrees with
 *				PG_dirty under it
 *
 * A backing's own locks: see there.
 */
struct vmlab_region {
	struct inode inode;
	struct xarray pages;
	u64 limit;
	u32 flags;
	const struct vmlab_backing_ops *backing;
	void *backing_data;
	atomic_t state;
	atomic_t mappings;
	struct vmlab_counters __percpu *counters;
	struct vmlab_streams streams;

	u32 id;
	kuid_t uid;
	struct pid *pid;
	char comm[TASK_COMM_LEN];
};

/* NEW -> IN_USE at the first use; NEW -> CONFIGURING -> CONFIGURED -> IN_USE. */
enum vmlab_region_state {
	VMLAB_REGION_NEW,
	VMLAB_REGION_CONFIGURING,
	VMLAB_REGION_CONFIGURED,
	VMLAB_REGION_IN_USE,
};

static inline struct vmlab_region *vmlab_inode_region(struct inode *inode)
{
	return container_of(inode, struct vmlab_region, inode);
}

/* The region behind a file: a region's own, or one opened from /dev/vmlab. */
static inline struct vmlab_region *vmlab_file_region(struct file *file)
{
	return vmlab_inode_region(file->f_mapping->host);
}

static inline bool vmlab_region_tracks_writes(const struct vmlab_region *region)
{
	return region->flags & VMLAB_REGION_TRACK_DIRTY;
}

static inline bool vmlab_region_writable(struct vmlab_region *region)
{
	return !region->backing->writable || region->backing->writable(region);
}

int vmlab_region_register(struct vmlab_region *region);
void vmlab_region_destroy(struct vmlab_region *region);
int vmlab_region_configure(struct vmlab_region *region,
			   const struct vmlab_configure *config);
int vmlab_region_use(struct vmlab_region *region);
int vmlab_region_writeback(struct vmlab_region *region);
struct vmlab_region *vmlab_region_next(unsigned long *id);
u64 vmlab_regions(void);

#endif
