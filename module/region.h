/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_REGION_H
#define VMLAB_REGION_H

#include <linux/compiler.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/vmlab.h>

#include "backing.h"
#include "index.h"
#include "stats.h"
#include "stream.h"

struct pid;
struct vmlab_pool;
struct vmlab_recorder;

/**
 * struct vmlab_region - memory that this module serves: an index from offset to page
 * @inode: its inode on the module's file system. Its mapping is what the kernel's
 *	reverse map hangs on, so that it is per region: every VMA of the region is in
 *	@inode.i_mapping->i_mmap (but see @family), and every page carries that mapping.
 * @index: page offset -> page; it has a share of each. A page that is not here was never
 *	touched.
 * @carried: pages that carry the region's mapping, and one more until its end: they may
 *	be in the hands of other regions and outlive it, and then its memory stays
 * @may_share: it has or had pages in common with other regions. Never taken back.
 * @family: if it is copied at forks: the file that its VMAs hang on (fork.c), and not its
 *	own; a reference. Constant once in use.
 * @by_reader: it was cloned by who could not write to the other, or from one that was: what its
 *	pool may have is not for who has it to say. Constant once there is a descriptor.
 * @pool: its limits, and where its pages go; a reference. What is no region, and on no mount,
 *	has none.
 * @pool_node: in the pool's list of regions
 * @xattrs: extended attributes (xattr.c); those of files of a mount alone. Changed under
 *	the inode lock, read under RCU.
 * @btime: when it was made
 * @limit: bytes; the region never grows beyond. Constant once in use.
 * @flags: VMLAB_REGION_*. Constant once in use.
 * @recorder: records which pages are referenced (record.c), or NULL; changed under
 *	invalidate_lock, exclusive
 * @address: where programs agreed to map it; 0: nowhere yet. Set once.
 * @backing: where untouched pages come from. Constant once in use.
 * @backing_data: belongs to @backing
 * @state: enum vmlab_region_state
 * @all_writable: there are or were plain mappings (mapping.c): until the region has pages in
 *	common with others for the first time, any page may be writable to somebody, whatever
 *	the index says
 * @plain_mappings: how many there are
 * @mappings: VMAs of the region in all processes
 * @counters: its figures
 * @streams: its sequential faults
 * @registered: it is in the table of all regions. A file of a mount is when it is first
 *	mapped or asked about.
 * @id: names it; key in that table; 0 before
 * @uid, @pid, @comm: who opened it, got it by a fork, or was the first to map a file of a
 *	mount: @pid is set when it is first used
 *
 * Locks, in the order in which they nest:
 *
 *   inode lock			serializes write(), fallocate(), ftruncate()
 *     mmap_lock		(a user buffer may fault while the inode lock is held)
 *       invalidate_lock	of the mapping. Shared: pages may be added, and stay
 *				in the index while it is held. Exclusive: pages may
 *				be removed.
 *         folio lock		a folio belongs to the region (folio->mapping) while
 *				it is held; becoming dirty, and clean again; mapping a
 *				page that is shared, and replacing it by a copy
 *           i_mmap_rwsem	(unmapping and write-protecting through rmap)
 *             PTE lock
 *               index.lock	the index; the dirty mark of a page in it agrees with
 *				PG_dirty under it
 *
 * A backing's own locks: see there.
 */
struct vmlab_region {
	struct inode inode;
	struct vmlab_index index;
	atomic_long_t carried;
	bool may_share;
	struct file *family;
	bool by_reader;
	struct vmlab_pool *pool;
	struct list_head pool_node;
	struct list_head xattrs;
	struct timespec64 btime;
	u64 limit;
	u32 flags;
	struct vmlab_recorder *recorder;
	u64 address;
	const struct vmlab_backing_ops *backing;
	void *backing_data;
	atomic_t state;
	bool all_writable;
	atomic_t plain_mappings;
	atomic_t mappings;
	struct vmlab_counters counters;
	struct vmlab_streams streams;

	bool registered;
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

/* The region's own file, where it may be one opened from /dev/vmlab (io.c). */
static inline struct file *vmlab_file_own(struct file *file)
{
	return file->private_data ?: file;
}

/* The size of a region, or of the file behind it, that may change meanwhile. */
static inline loff_t vmlab_inode_size(const struct inode *inode)
{
	/* The kernel keeps it in a single word, and marks neither its reads nor its writes. */
	return data_race(i_size_read(inode));
}

static inline loff_t vmlab_region_size(const struct vmlab_region *region)
{
	return vmlab_inode_size(&region->inode);
}

/* The mapping whose i_mmap has the region's VMAs, and perhaps those of relatives. */
static inline struct address_space *vmlab_region_vmas(struct vmlab_region *region)
{
	return region->family ? region->family->f_mapping : region->inode.i_mapping;
}

static inline bool vmlab_region_tracks_writes(const struct vmlab_region *region)
{
	return region->flags & VMLAB_REGION_TRACK_DIRTY;
}

static inline bool vmlab_region_is_huge(const struct vmlab_region *region)
{
	return region->flags & VMLAB_REGION_HUGE;
}

/* Is it a file of a mount? */
static inline bool vmlab_region_is_file(const struct vmlab_region *region)
{
	return region->inode.i_sb->s_fs_info;
}

/* Not so if it has a file, or is a clone of one that has. */
static inline bool vmlab_region_may_evict(const struct vmlab_region *region)
{
	return READ_ONCE(region->backing)->type != VMLAB_BACKING_FILE;
}

static inline bool vmlab_region_writable(struct vmlab_region *region)
{
	return !region->backing->writable || region->backing->writable(region);
}

void vmlab_region_name_owner(struct vmlab_region *region);
void vmlab_region_disown(struct vmlab_region *region);
void vmlab_region_init(struct vmlab_region *region, u64 limit);
int vmlab_region_register(struct vmlab_region *region);
void vmlab_region_destroy(struct vmlab_region *region);
int vmlab_region_configure(struct vmlab_region *region,
			   const struct vmlab_configure *config);
int vmlab_region_become_clone(struct vmlab_region *to, struct vmlab_region *from,
			      struct file *family);
int vmlab_region_use(struct vmlab_region *region);
int vmlab_region_writeback(struct vmlab_region *region);
void vmlab_region_unmap(struct vmlab_region *region, pgoff_t first, pgoff_t nr);
void vmlab_region_unmap_beyond(struct vmlab_region *region, loff_t end);
bool vmlab_region_carry(struct vmlab_region *region);
void vmlab_region_put_carried(struct vmlab_region *region);
struct vmlab_region *vmlab_region_next(unsigned long *id);
u64 vmlab_regions(void);

#endif
