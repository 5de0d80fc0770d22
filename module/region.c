// SPDX-License-Identifier: GPL-2.0
#include "region.h"

#include <linux/cred.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/sched.h>

#include "page.h"
#include "trace.h"

/* Every region by id. Entries are valid under RCU, as inodes are freed by it. */
static DEFINE_XARRAY_ALLOC1(regions);
static u32 next_id;
static atomic_long_t nr_regions = ATOMIC_LONG_INIT(0);

/* Every kind of backing. */
static const struct vmlab_backing_ops *const backings[] = {
	&vmlab_backing_zero,
	&vmlab_backing_file,
};

/**
 * vmlab_backing_find - the operations of a kind of backing
 * @type: VMLAB_BACKING_*
 *
 * Return: NULL if there is no such kind.
 */
const struct vmlab_backing_ops *vmlab_backing_find(u32 type)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(backings); i++) {
		if (backings[i]->type == type)
			return backings[i];
	}
	return NULL;
}

/**
 * vmlab_region_register - make a new inode a region that can be used
 * @region: the region, zeroed but for its inode, index and counters
 *
 * Context: may sleep.
 * Return: 0 or -errno; vmlab_region_destroy() is due in both cases.
 */
int vmlab_region_register(struct vmlab_region *region)
{
	int ret;

	region->limit = VMLAB_SIZE_DEFAULT;
	i_size_write(&region->inode, region->limit);
	region->backing = &vmlab_backing_zero;
	atomic_set(&region->state, VMLAB_REGION_NEW);
	vmlab_streams_init(&region->streams);
	region->uid = current_uid();
	region->pid = get_pid(task_tgid(current));
	get_task_comm(region->comm, current->group_leader);

	ret = xa_alloc_cyclic(&regions, &region->id, region, XA_LIMIT(1, U32_MAX),
			      &next_id, GFP_KERNEL);
	if (ret < 0) {
		region->id = 0;		/* may be set, and be another's by now */
		return ret;
	}
	atomic_long_inc(&nr_regions);
	region->inode.i_ino = region->id;
	return 0;
}

/**
 * vmlab_region_destroy - give back all that a region holds
 * @region: the region; nobody else can find it any more, except under RCU in the
 *	table of regions
 *
 * In this order: out of the table; detach the backing, which waits for its
 * workers; then the pages. What the kernel still maps or pins of them stays
 * alive by its own references.
 * Context: may sleep.
 */
void vmlab_region_destroy(struct vmlab_region *region)
{
	if (region->id) {
		xa_erase(&regions, region->id);
		atomic_long_dec(&nr_regions);
	}
	if (region->backing && region->backing->detach)
		region->backing->detach(region);
	vmlab_pages_remove(region, 0, ULONG_MAX);
}

static int check_config(const struct vmlab_configure *config)
{
	u64 end;

	if (config->flags & ~(VMLAB_REGION_STRICT | VMLAB_REGION_TRACK_DIRTY))
		return -EINVAL;
	if (config->__reserved || !vmlab_backing_find(config->backing))
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
	const struct vmlab_backing_ops *backing = vmlab_backing_find(config->backing);
	u64 old_limit = region->limit;
	int ret;

	ret = check_config(config);
	if (ret)
		return ret;
	if (atomic_cmpxchg(&region->state, VMLAB_REGION_NEW,
			   VMLAB_REGION_CONFIGURING) != VMLAB_REGION_NEW)
		return -EBUSY;

	/* Nobody else looks at these until the state changes again. */
	region->limit = config->size ?: VMLAB_SIZE_DEFAULT;
	ret = backing->attach(region, config);
	if (ret) {
		region->limit = old_limit;
		atomic_set_release(&region->state, VMLAB_REGION_NEW);
		return ret;
	}
	region->flags = config->flags;
	if (backing->tracks_writes)
		region->flags |= VMLAB_REGION_TRACK_DIRTY;
	smp_store_release(&region->backing, backing);	/* its data comes before */
	atomic_set_release(&region->state, VMLAB_REGION_CONFIGURED);
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
