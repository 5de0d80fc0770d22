// SPDX-License-Identifier: GPL-2.0
#include "region.h"

#include <linux/cred.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/sched.h>

#include "fork.h"
#include "huge.h"
#include "pool.h"
#include "trace.h"

/* Every region by id. Entries are valid under RCU, as inodes are freed by it. */
static DEFINE_XARRAY_ALLOC1(regions);
static u32 next_id;
static atomic_long_t nr_regions = ATOMIC_LONG_INIT(0);

/* Regions enter the table one at a time; inside mmap_lock. */
static DEFINE_MUTEX(register_lock);

/* Every kind of backing. */
static const struct vmlab_backing_ops *const backings[] = {
	&vmlab_backing_zero,
	&vmlab_backing_file,
};

/* The operations of a kind of backing, or NULL if there is no such kind. */
static const struct vmlab_backing_ops *find_backing(u32 type)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(backings); i++) {
		if (backings[i]->type == type)
			return backings[i];
	}
	return NULL;
}

/* The region is the current process's, if it is nobody's yet. */
void vmlab_region_name_owner(struct vmlab_region *region)
{
	struct pid *pid = get_pid(task_tgid(current));

	if (cmpxchg(&region->pid, NULL, pid))
		put_pid(pid);
	else
		get_task_comm(region->comm, current->group_leader);
}

/* It is nobody's; it was the current process's, and only who lists regions may look at it. */
void vmlab_region_disown(struct vmlab_region *region)
{
	put_pid(xchg(&region->pid, NULL));
}

/**
 * vmlab_region_init - make a new inode a region that can be used
 * @region: the region, zeroed but for its inode, index and pool
 * @limit: bytes that it may have
 *
 * Context: may sleep. vmlab_region_destroy() is due.
 */
void vmlab_region_init(struct vmlab_region *region, u64 limit)
{
	region->limit = limit;
	region->backing = &vmlab_backing_zero;
	atomic_set(&region->state, VMLAB_REGION_NEW);
	vmlab_streams_init(&region->streams);
	vmlab_pool_join(region);
}

/* Enters a region into the table; it is found there at once. */
static int enter(struct vmlab_region *region)
{
	int ret;

	region->uid = current_uid();
	vmlab_region_name_owner(region);
	ret = xa_alloc_cyclic(&regions, &region->id, region, XA_LIMIT(1, U32_MAX),
			      &next_id, GFP_KERNEL);
	if (ret < 0) {
		region->id = 0;		/* may be set, and be another's by now */
		vmlab_region_disown(region);
		return ret;
	}
	atomic_long_inc(&nr_regions);
	smp_store_release(&region->registered, true);	/* the rest comes before */
	return 0;
}

/**
 * vmlab_region_register - enter a region into the table of all regions
 * @region: the region; nothing happens if it is there already
 *
 * Context: may sleep.
 * Return: 0 or -errno.
 */
int vmlab_region_register(struct vmlab_region *region)
{
	int ret;

	if (smp_load_acquire(&region->registered))	/* pairs with enter() */
		return 0;
	mutex_lock(&register_lock);
	ret = vmlab_counters_spread(&region->counters);
	if (!ret && !region->registered)
		ret = enter(region);
	mutex_unlock(&register_lock);
	return ret;
}

/**
 * vmlab_region_destroy - give back all that a region holds
 * @region: the region; nobody else can find it any more, except under RCU in the
 *	table of regions
 *
 * In this order: out of the table; detach the backing, which waits for its
 * workers; out of the pool's list, which reclaim may be looking at; then the pages, as far as
 * no other region has them.
 * Context: may sleep.
 */
void vmlab_region_destroy(struct vmlab_region *region)
{
	if (region->registered) {
		xa_erase(&regions, region->id);
		atomic_long_dec(&nr_regions);
	}
	if (region->backing && region->backing->detach)
		region->backing->detach(region);
	vmlab_pool_leave(region);
	vmlab_index_destroy(&region->index);
	if (region->flags & VMLAB_REGION_HUGE)
		vmlab_huge_disable();
	if (region->family)
		fput(region->family);
}

static int join_family(struct vmlab_region *region, struct file *family)
{
	family = family ? get_file(family) : vmlab_fork_new_family(region);
	if (IS_ERR(family))
		return PTR_ERR(family);
	region->family = family;
	region->may_share = true;
	return 0;
}

static void leave_family(struct vmlab_region *region)
{
	if (!region->family)
		return;
	fput(region->family);
	region->family = NULL;
	region->may_share = false;
}

static int check_config(const struct vmlab_configure *config)
{
	u64 end;

	if (config->flags & ~(VMLAB_REGION_STRICT | VMLAB_REGION_TRACK_DIRTY |
			      VMLAB_REGION_COW_FORK | VMLAB_REGION_HUGE))
		return -EINVAL;
	if (config->flags & VMLAB_REGION_HUGE &&
	    (config->flags & (VMLAB_REGION_STRICT | VMLAB_REGION_TRACK_DIRTY) ||
	     config->backing != VMLAB_BACKING_ZERO))
		return -EINVAL;
	if (config->__reserved || !find_backing(config->backing))
		return -EINVAL;
	if (!PAGE_ALIGNED(config->size) || !PAGE_ALIGNED(config->backing_offset))
		return -EINVAL;
	if (config->size > VMLAB_SIZE_MAX)
		return -EINVAL;
	if (check_add_overflow(config->backing_offset, config->size, &end) ||
	    end > MAX_LFS_FILESIZE)
		return -EOVERFLOW;
	return 0;
}

/**
 * vmlab_region_configure - make a region that is not in use yet what is asked for
 * @region: the region
 * @config: see struct vmlab_configure, which lists the errors, too
 *
 * Context: may sleep.
 */
int vmlab_region_configure(struct vmlab_region *region,
			   const struct vmlab_configure *config)
{
	const struct vmlab_backing_ops *backing = find_backing(config->backing);
	u64 old_limit = region->limit;
	int ret;

	ret = check_config(config);
	if (ret)
		return ret;
	/* What is to be written back cannot be evicted before. */
	if (backing->writeback && READ_ONCE(region->pool->swapping))
		return -EOPNOTSUPP;
	if (atomic_cmpxchg(&region->state, VMLAB_REGION_NEW,
			   VMLAB_REGION_CONFIGURING) != VMLAB_REGION_NEW)
		return -EBUSY;

	/* Nobody else looks at these until the state changes again. */
	region->limit = config->size ?: VMLAB_SIZE_DEFAULT;
	if (config->flags & VMLAB_REGION_HUGE) {
		ret = vmlab_huge_enable();
		if (ret)
			goto undo_limit;
	}
	if (config->flags & VMLAB_REGION_COW_FORK) {
		ret = join_family(region, NULL);
		if (ret)
			goto disable_huge;
	}
	ret = backing->attach(region, config);
	if (ret)
		goto leave_family;
	region->flags = config->flags;
	if (backing->tracks_writes)
		region->flags |= VMLAB_REGION_TRACK_DIRTY;
	smp_store_release(&region->backing, backing);	/* its data comes before */
	atomic_set_release(&region->state, VMLAB_REGION_CONFIGURED);
	return 0;

leave_family:
	leave_family(region);
disable_huge:
	if (config->flags & VMLAB_REGION_HUGE)
		vmlab_huge_disable();
undo_limit:
	region->limit = old_limit;
	atomic_set_release(&region->state, VMLAB_REGION_NEW);
	return ret;
}

/**
 * vmlab_region_become_clone - make a new region one like another, but for its pages
 * @to: the new region
 * @from: the other
 * @family: the file for its VMAs if it is copied at forks; NULL: a new one
 *
 * Context: may sleep. Caller holds invalidate_lock of @from exclusive.
 * Return: 0, -ENOMEM, -ENFILE, or what the backing says.
 */
int vmlab_region_become_clone(struct vmlab_region *to, struct vmlab_region *from,
			      struct file *family)
{
	int ret;

	to->limit = from->limit;
	to->address = READ_ONCE(from->address);
	to->by_reader = from->by_reader;
	if (from->flags & VMLAB_REGION_COW_FORK) {
		ret = join_family(to, family);
		if (ret)
			return ret;
	}
	if (from->flags & VMLAB_REGION_HUGE) {
		ret = vmlab_huge_enable();
		if (ret)
			return ret;
	}
	to->flags = from->flags;
	if (from->backing->clone)
		return from->backing->clone(to, from);
	to->backing = from->backing;
	i_size_write(&to->inode, vmlab_region_size(from));
	return 0;
}

/**
 * vmlab_region_use - a mapping, a read or a write is about to use the region
 * @region: the region
 *
 * Return: -EBUSY if it is being configured just now.
 */
int vmlab_region_use(struct vmlab_region *region)
{
	int state = atomic_read_acquire(&region->state);

	while (state != VMLAB_REGION_IN_USE) {
		if (state == VMLAB_REGION_CONFIGURING)
			return -EBUSY;
		if (atomic_try_cmpxchg(&region->state, &state, VMLAB_REGION_IN_USE))
			break;
	}
	return 0;
}

/**
 * vmlab_region_writeback - write all dirty pages to where they belong
 * @region: the region
 *
 * Context: may sleep; none of the region's locks held.
 * Return: 0 or the first error; the pages concerned stay dirty.
 */
int vmlab_region_writeback(struct vmlab_region *region)
{
	if (!region->backing->writeback)
		return 0;
	return region->backing->writeback(region);
}

/**
 * vmlab_region_unmap - take a range of pages out of all page tables
 * @region: the region
 * @first: the first page
 * @nr: how many
 *
 * Private copies of pages (MAP_PRIVATE) stay.
 * Context: may sleep.
 */
void vmlab_region_unmap(struct vmlab_region *region, pgoff_t first, pgoff_t nr)
{
	unmap_mapping_pages(vmlab_region_vmas(region), first, nr, false);
}

/*
 * The same for all from byte @end on, a multiple of the page size; private copies go, too,
 * unless the region is copied at forks.
 */
void vmlab_region_unmap_beyond(struct vmlab_region *region, loff_t end)
{
	/* Those of relatives are not told apart. */
	unmap_mapping_range(vmlab_region_vmas(region), end, 0, !region->family);
}

/**
 * vmlab_region_next - walk over all regions
 * @id: where to begin; set to the id of the region found
 *
 * Context: inside rcu_read_lock(), which keeps the region's memory valid, though
 * not in use.
 * Return: the next region, NULL if there is no more.
 */
struct vmlab_region *vmlab_region_next(unsigned long *id)
{
	return xa_find(&regions, id, ULONG_MAX, XA_PRESENT);
}

/* How many regions there are. */
u64 vmlab_regions(void)
{
	return atomic_long_read(&nr_regions);
}
