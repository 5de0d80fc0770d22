// SPDX-License-Identifier: GPL-2.0
/* What a region holds and what happened to it, for ioctls and fdinfo. */
#include "inspect.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pid_namespace.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "ioctl.h"
#include "pool.h"
#include "region.h"
#include "stats.h"
#include "trace.h"

static atomic_long_t pages_lost = ATOMIC_LONG_INIT(0);

/**
 * vmlab_inspect_lost - pages of a region could not be kept
 * @region: the region, about to go
 * @pages: how many of its pages were dirty and could not be written
 */
void vmlab_inspect_lost(struct vmlab_region *region, u64 pages)
{
	if (!pages)
		return;
	atomic_long_add(pages, &pages_lost);
	trace_vmlab_error(region->id, VMLAB_OP_LOST, 0, -EIO);
	pr_err_ratelimited("vmlab: region %u: %llu dirty pages could not be written to their file and are lost\n",
			   region->id, pages);
}

#define FEATURES (VMLAB_FEATURE_ZERO | VMLAB_FEATURE_FILE | VMLAB_FEATURE_STRICT | \
		  VMLAB_FEATURE_TRACK_DIRTY | VMLAB_FEATURE_EXTENTS | VMLAB_FEATURE_CLONE | \
		  VMLAB_FEATURE_COW_FORK | VMLAB_FEATURE_ADDRESS | VMLAB_FEATURE_HUGE | \
		  VMLAB_FEATURE_POOL | VMLAB_FEATURE_STORE_FILE | VMLAB_FEATURE_HISTOGRAMS | \
		  VMLAB_FEATURE_FRONT | VMLAB_FEATURE_RECORD)

void vmlab_inspect_features(struct vmlab_features *features)
{
	*features = (struct vmlab_features){
		.features	= FEATURES,
		.page_size	= PAGE_SIZE,
		.pages_max	= vmlab_pages_max(),
		.pages		= vmlab_pages_total(),
		.regions	= vmlab_regions(),
		.pages_lost	= atomic_long_read(&pages_lost),
	};
}

/* Whose it is, as the caller knows that process; 0: nobody's, or of one that he does not see. */
static pid_t owner_of(const struct vmlab_region *region)
{
	pid_t pid;

	rcu_read_lock();	/* who gives it up is that process: RCU keeps it after that */
	pid = pid_nr_ns(READ_ONCE(region->pid), task_active_pid_ns(current));
	rcu_read_unlock();
	return pid;
}

/**
 * vmlab_inspect_stat - the figures of a region
 * @region: the region; it may be at its end, if only its memory is kept
 * @stat: filled
 *
 * Context: may sleep.
 */
void vmlab_inspect_stat(struct vmlab_region *region, struct vmlab_stat *stat)
{
#define sum(which) vmlab_counter_sum(&region->counters, which)
	*stat = (struct vmlab_stat){
		.id		= region->id,
		.size		= vmlab_region_size(region),
		.flags		= READ_ONCE(region->flags),
		.backing	= READ_ONCE(region->backing)->type,
		.uid		= from_kuid_munged(current_user_ns(), region->uid),
		.pid		= owner_of(region),
		.mappings	= atomic_read(&region->mappings),
		.resident	= sum(VMLAB_RESIDENT),
		.dirty		= sum(VMLAB_DIRTY),
		.faults		= sum(VMLAB_FAULTS),
		.first_touch	= sum(VMLAB_FIRST_TOUCH),
		.refault	= sum(VMLAB_REFAULT),
		.write_notify	= sum(VMLAB_WRITE_NOTIFY),
		.zero_filled	= sum(VMLAB_ZERO_FILLED),
		.read_in	= sum(VMLAB_READ_IN),
		.written_back	= sum(VMLAB_WRITTEN_BACK),
		.discarded	= sum(VMLAB_DISCARDED),
		.sigbus		= sum(VMLAB_SIGBUS),
		.writeback_errors = sum(VMLAB_WRITEBACK_ERRORS),
		.cow_copies	= sum(VMLAB_COW_COPIES),
		.huge_made	= sum(VMLAB_HUGE_MADE),
		.huge_split	= sum(VMLAB_HUGE_SPLIT),
		.huge_fallback	= sum(VMLAB_HUGE_FALLBACK),
		.swap_faults	= sum(VMLAB_SWAP_FAULTS),
		.swapped_in	= sum(VMLAB_SWAPPED_IN),
		.cow_faults	= sum(VMLAB_COW_FAULTS),
		.evicted	= sum(VMLAB_EVICTED),
		.pool		= READ_ONCE(region->pool->id),
	};
#undef sum
	if (READ_ONCE(region->pool->swapping)) {
		stat->stored = vmlab_index_count_swapped(&region->index);
		stat->resident -= min(stat->resident, stat->stored);
	}
	strscpy_pad(stat->comm, region->comm, sizeof(stat->comm));
}

/*
 * The next region that the caller may see, whose memory is kept; NULL at the end of the
 * table.
 */
static struct vmlab_region *list_next(unsigned long *id, bool all)
{
	struct vmlab_region *region;

	rcu_read_lock();
	while ((region = vmlab_region_next(id)) != NULL) {
		if ((all || uid_eq(region->uid, current_uid())) && vmlab_region_carry(region))
			break;
		++*id;
	}
	rcu_read_unlock();
	return region;
}

/**
 * vmlab_inspect_list - the regions on the system
 * @list: see struct vmlab_list
 *
 * Context: may sleep.
 */
int vmlab_inspect_list(struct vmlab_list *list)
{
	void __user *buffer = u64_to_user_ptr(list->buffer);
	size_t size = list->entry_size;
	bool all = capable(CAP_SYS_PTRACE);
	unsigned long id = list->cursor;
	struct vmlab_region *region;
	struct vmlab_stat stat;
	u32 count = 0;

	if (size < VMLAB_STAT_SIZE_FIRST || size > PAGE_SIZE)
		return -EINVAL;
	while (count < list->count && (region = list_next(&id, all)) != NULL) {
		vmlab_inspect_stat(region, &stat);
		vmlab_region_put_carried(region);
		if (vmlab_copy_out(buffer + count * size, size, &stat, sizeof(stat)))
			return -EFAULT;
		count++;
		id++;
		if (signal_pending(current) && count < list->count)
			break;
	}
	region = list_next(&id, all);
	if (region)
		vmlab_region_put_carried(region);
	list->cursor = region ? id : 0;
	list->count = count;
	return 0;
}

static u32 page_state(const struct vmlab_run *run, unsigned int i)
{
	u32 state = run->swapped ? VMLAB_PAGE_STORED : VMLAB_PAGE_RESIDENT;

	if (!run->swapped && folio_mapped(run->folios[i]))
		state |= VMLAB_PAGE_MAPPED;
	if (run->dirty & BIT(i))
		state |= VMLAB_PAGE_DIRTY;
	if (run->shared & BIT(i))
		state |= VMLAB_PAGE_SHARED;
	if (run->whole)
		state |= VMLAB_PAGE_HUGE;
	return state;
}

/*
 * Finds the next extent in [*first, last]. *first is moved behind what was looked
 * at. Returns false if there is none so far.
 */
static bool next_extent(struct vmlab_region *region, pgoff_t *first, pgoff_t last,
			struct vmlab_extent *extent)
{
	struct vmlab_run run;
	unsigned int nr = 1;
	bool found;

	rcu_read_lock();
	found = vmlab_index_next_run(&region->index, *first, last, &run);
	if (found) {
		*extent = (struct vmlab_extent){ .state = page_state(&run, 0) };
		while (nr < run.nr && page_state(&run, nr) == extent->state)
			nr++;
	}
	rcu_read_unlock();

	if (!found) {
		*first = last + 1;
		return false;
	}
	*first = run.first + nr;
	extent->start = (u64)run.first << PAGE_SHIFT;
	extent->length = (u64)nr << PAGE_SHIFT;
	return true;
}

/* Joins @next to @extent if they are one. */
static bool extent_join(struct vmlab_extent *extent, const struct vmlab_extent *next)
{
	if (!extent->length || extent->start + extent->length != next->start ||
	    extent->state != next->state)
		return false;
	extent->length += next->length;
	return true;
}

static int put_extent(const struct vmlab_extent *extent,
		      struct vmlab_extent __user *buffer, u32 *count)
{
	if (!extent->length)
		return 0;
	return copy_to_user(&buffer[(*count)++], extent, sizeof(*extent)) ? -EFAULT : 0;
}

/**
 * vmlab_inspect_extents - the states of a range of pages
 * @region: the region
 * @extents: see struct vmlab_extents
 *
 * Context: may sleep.
 */
int vmlab_inspect_extents(struct vmlab_region *region, struct vmlab_extents *extents)
{
	struct vmlab_extent __user *buffer = u64_to_user_ptr(extents->buffer);
	struct vmlab_extent extent = {}, next;
	pgoff_t first = extents->start >> PAGE_SHIFT;
	pgoff_t end = extents->end >> PAGE_SHIFT;
	u32 count = 0;

	if (extents->__reserved || extents->start > extents->end ||
	    !PAGE_ALIGNED(extents->start) || !PAGE_ALIGNED(extents->end))
		return -EINVAL;
	while (first < end && extents->count) {
		pgoff_t resume = first;

		if (!next_extent(region, &first, end - 1, &next))
			break;
		if (!extent_join(&extent, &next)) {
			if (put_extent(&extent, buffer, &count))
				return -EFAULT;
			extent = next;
			if (count == extents->count) {
				extents->start = (u64)resume << PAGE_SHIFT;
				return 0;
			}
		}
		if (signal_pending(current))
			break;
		cond_resched();
	}
	if (put_extent(&extent, buffer, &count))
		return -EFAULT;
	extents->start = (u64)first << PAGE_SHIFT;
	extents->count = count;
	return 0;
}

static void show(struct seq_file *m, const char *name, u64 value)
{
	seq_printf(m, "vmlab-%s:\t%llu\n", name, value);
}

/* What the pool has beyond its regions, if anything of it was set. */
static void show_pool(struct seq_file *m, struct vmlab_pool *pool)
{
	struct vmlab_pool_stat stat;

	vmlab_pool_stat(pool, &stat);
	if (!stat.id)
		return;
	show(m, "pool", stat.id);
	show(m, "pool-budget", stat.budget);
	show(m, "pool-resident", stat.resident);
	show(m, "pool-stored", stat.stored);
	show(m, "pool-stored-bytes", stat.stored_bytes);
	show(m, "pool-store-limit", stat.store_limit);
	show(m, "pool-same-filled", stat.same_filled);
	show(m, "pool-incompressible", stat.incompressible);
	show(m, "pool-evicted", stat.evicted);
	show(m, "pool-refused", stat.refused);
	show(m, "pool-store-errors", stat.store_errors);
	show(m, "pool-checksum-errors", stat.checksum_errors);
	show(m, "pool-latency", stat.latency);
	show(m, "pool-regions", stat.regions);
	show(m, "pool-dirty", stat.dirty);
	show(m, "pool-pinned", stat.pinned);
	show(m, "pool-copies", stat.copies);
	show(m, "pool-copied-bytes", stat.copied_bytes);
	show(m, "pool-faults", stat.faults);
	show(m, "pool-first-touch", stat.first_touch);
	show(m, "pool-refault", stat.refault);
	show(m, "pool-cow-faults", stat.cow_faults);
	show(m, "pool-swap-faults", stat.swap_faults);
	show(m, "pool-swapped-in", stat.swapped_in);
	show(m, "pool-working-set", stat.working_set);
	show(m, "pool-front", stat.front);
	show(m, "pool-front-bytes", stat.front_bytes);
	show(m, "pool-front-copies", stat.front_copies);
	show(m, "pool-moved", stat.moved);
}

/* /proc/PID/fdinfo/FD */
void vmlab_inspect_fdinfo(struct seq_file *m, struct file *file)
{
	struct vmlab_stat stat;

	vmlab_inspect_stat(vmlab_file_region(file), &stat);
	show(m, "region", stat.id);
	show(m, "size", stat.size);
	show(m, "flags", stat.flags);
	show(m, "backing", stat.backing);
	show(m, "mappings", stat.mappings);
	show(m, "resident", stat.resident);
	show(m, "dirty", stat.dirty);
	show(m, "faults", stat.faults);
	show(m, "first-touch", stat.first_touch);
	show(m, "refault", stat.refault);
	show(m, "write-notify", stat.write_notify);
	show(m, "zero-filled", stat.zero_filled);
	show(m, "read-in", stat.read_in);
	show(m, "written-back", stat.written_back);
	show(m, "discarded", stat.discarded);
	show(m, "sigbus", stat.sigbus);
	show(m, "writeback-errors", stat.writeback_errors);
	show(m, "cow-copies", stat.cow_copies);
	show(m, "huge-made", stat.huge_made);
	show(m, "huge-split", stat.huge_split);
	show(m, "huge-fallback", stat.huge_fallback);
	show(m, "stored", stat.stored);
	show(m, "swap-faults", stat.swap_faults);
	show(m, "swapped-in", stat.swapped_in);
	show(m, "cow-faults", stat.cow_faults);
	show(m, "evicted", stat.evicted);
	show_pool(m, vmlab_file_region(file)->pool);
}
