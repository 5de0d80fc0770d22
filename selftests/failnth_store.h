/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages that leave memory to a file, and come back from there, with failures. Who asks for that
 * needs memory for what he asks a worker; the worker needs some for its input and output, and
 * the disk, which it alone can fail at.
 */
#ifndef VMLAB_FAILNTH_STORE_H
#define VMLAB_FAILNTH_STORE_H

#include "failnth_clone.h"
#include "failnth_mount.h"
#include "failnth_swap.h"
#include "failnth_world.h"
#include "failnth_zero.h"

/* The world's file is the store: it has room for LENGTH. */
static int set_store(struct world *w)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_POOL_SET, &(struct vmlab_pool_set){
		.what = VMLAB_POOL_BUDGET | VMLAB_POOL_STORE,
		.budget = VMLAB_POOL_BUDGET_MIN, .store_fd = w->file,
	}));
}

static struct vmlab_pool_stat stat_pool(int fd)
{
	struct vmlab_pool_stat stat;

	if (ioctl(fd, VMLAB_IOC_POOL_STAT, &stat))
		broken("VMLAB_IOC_POOL_STAT: %s\n", strerror(errno));
	return stat;
}

/* The pool counts those pages that are in memory, and no others. What is ahead may be under way. */
static bool pool_counts(struct world *w, __u64 pages)
{
	return EVENTUALLY(stat_pool(w->fd).resident == pages) && stat_pool(w->fd).stored == 0;
}

/* All of it, wherever it was, is in memory now. */
static bool comes_back(struct world *w)
{
	return nothing_is_lost(w) && region_resident(w->fd) == PAGES && pool_counts(w, PAGES);
}

/* All leave, and come back; nothing but these takes room in the store. */
static bool goes_there_and_back(struct world *w)
{
	struct vmlab_pool_stat stat;

	if (evict(w) || region_stat(w->fd).stored != PAGES)
		return false;
	stat = stat_pool(w->fd);
	return !strcmp((char *)stat.store, "file") && stat.budget == VMLAB_POOL_BUDGET_MIN &&
	       stat.resident == 0 && stat.stored == PAGES && stat.stored_bytes == LENGTH &&
	       comes_back(w);
}

/* The second one is opened twice, as it knows no O_DIRECT. */
OPERATION(ioctl_pool_set_store_ext4, .type = "ext4", .disk = true, .kind = ZERO, .touched = 1,
	  .run = set_store, .right = goes_there_and_back, .may = { ENOMEM, EFAULT }, .hits = 40,
	  .pure = true);
OPERATION(ioctl_pool_set_store_tmpfs, .type = "tmpfs", .kind = ZERO, .touched = 1,
	  .run = set_store, .right = goes_there_and_back, .may = { ENOMEM, EFAULT }, .hits = 40,
	  .pure = true);

/* Or on a disk, without a file system. */
static void have_disk(struct world *w)
{
	int image = memfd_create("disk", MFD_CLOEXEC);
	struct stat st;

	if (ftruncate(image, LENGTH))
		broken("ftruncate: %s\n", strerror(errno));
	w->file = loop_open(image);
	close(image);
	if (w->file < 0 || fstat(w->file, &st) || failnth_device(st.st_rdev, true))
		broken("no disk: %s\n", strerror(errno));
	w->device = st.st_rdev;
}

OPERATION(ioctl_pool_set_store_disk, .kind = ZERO, .touched = 1, .prepare = have_disk,
	  .run = set_store, .right = goes_there_and_back, .may = { ENOMEM, EFAULT }, .hits = 40,
	  .pure = true);

/* With memory in front of it. */
static int set_tiers(struct world *w)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_POOL_SET, &(struct vmlab_pool_set){
		.what = VMLAB_POOL_BUDGET | VMLAB_POOL_STORE | VMLAB_POOL_FRONT,
		.budget = VMLAB_POOL_BUDGET_MIN, .front = VMLAB_POOL_BUDGET_MIN,
		.store_fd = w->file,
	}));
}

static bool goes_to_memory_and_back(struct world *w)
{
	struct vmlab_pool_stat stat;

	if (evict(w) || region_stat(w->fd).stored != PAGES)
		return false;
	stat = stat_pool(w->fd);
	return !strcmp((char *)stat.store, "file") && !strcmp((char *)stat.codec, "lz4") &&
	       stat.front == VMLAB_POOL_BUDGET_MIN && stat.front_copies == PAGES &&
	       stat.stored_bytes == 0 && comes_back(w);
}

OPERATION(ioctl_pool_set_tiers, .type = "ext4", .disk = true, .kind = ZERO, .touched = 1,
	  .run = set_tiers, .right = goes_to_memory_and_back, .may = { ENOMEM, EFAULT },
	  .hits = 60, .pure = true);

/* Leaving */

static void have_store(struct world *w)
{
	if (set_store(w))
		broken("VMLAB_IOC_POOL_SET: %s\n", strerror(errno));
}

/* What could not be written stayed, and can leave now. */
static bool stays_or_is_back(struct world *w)
{
	return comes_back(w) && goes_there_and_back(w);
}

OPERATION(evict_to_file, .type = "ext4", .disk = true, .kind = ZERO, .map = MAP_SHARED,
	  .touched = 1, .prepare = have_store, .run = evict, .right = stays_or_is_back,
	  .may = { ENOMEM, EFAULT }, .hits = 3);
OPERATION(worker_evict_to_file, .type = "ext4", .disk = true, .kind = ZERO, .map = MAP_SHARED,
	  .touched = 1, .worker = true, .prepare = have_store, .run = evict,
	  .right = stays_or_is_back, .hits = 2);

static void have_disk_store(struct world *w)
{
	have_disk(w);
	have_store(w);
}

OPERATION(worker_evict_to_disk, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .worker = true,
	  .prepare = have_disk_store, .run = evict, .right = stays_or_is_back, .hits = 2);

/* A budget that is used up by half as much again, and a store with room for what is beyond. */
#define OVER (3 * VMLAB_POOL_BUDGET_MIN / 2)

static void have_room_for_over(struct world *w)
{
	if (!writes_filled(w->file, 0, OVER, 1) || fsync(w->file) ||
	    posix_fadvise(w->file, 0, 0, POSIX_FADV_DONTNEED))
		broken("the store cannot be written: %s\n", strerror(errno));
}

static void have_large_store(struct world *w)
{
	have_room_for_over(w);
	have_store(w);
}

static void have_large_tiers(struct world *w)
{
	have_room_for_over(w);
	if (set_tiers(w))
		broken("VMLAB_IOC_POOL_SET: %s\n", strerror(errno));
}

static bool is_within_budget(struct world *w)
{
	return stat_pool(w->fd).resident * PAGE < VMLAB_POOL_BUDGET_MIN;
}

static int write_over(struct world *w)
{
	static char content[OVER];
	int ret;

	fill(content, OVER, 1);
	ret = transfer(pwrite(w->fd, content, OVER, 0), OVER);
	/* The worker goes on a little, unless it cannot. */
	for (int tries = 0; tries < 50 && !is_within_budget(w); tries++)
		usleep(10000);
	return ret;
}

static bool over_is_there(struct world *w)
{
	struct vmlab_pool_stat stat;

	if (!reads_filled(w->fd, 0, OVER, 1) || !EVENTUALLY(is_within_budget(w)))
		return false;
	stat = stat_pool(w->fd);
	return !strcmp((char *)stat.store, "file") && stat.resident + stat.stored == OVER / PAGE;
}

OPERATION(worker_budget_in_file, .type = "ext4", .disk = true, .kind = FRESH, .worker = true,
	  .prepare = have_large_store, .run = write_over, .right = over_is_there, .hits = 2);

/* The worker makes room in memory by what it writes to the disk, or writes there at once. */
OPERATION(worker_budget_in_tiers, .type = "ext4", .disk = true, .kind = FRESH, .worker = true,
	  .prepare = have_large_tiers, .run = write_over, .right = over_is_there, .hits = 2);

/* Coming back */

static void have_in_file(struct world *w)
{
	have_store(w);
	if (evict(w) || region_stat(w->fd).stored != PAGES)
		broken("nothing is stored: %s\n", strerror(errno));
}

/* A fault comes again, and by then another worker may have failed, too. */
OPERATION(fault_from_file, .type = "ext4", .disk = true, .kind = ZERO, .map = MAP_SHARED,
	  .touched = 1, .prepare = have_in_file, .run = read_stored, .right = comes_back,
	  .hits = 2);
OPERATION(worker_fault_from_file, .type = "ext4", .disk = true, .kind = ZERO,
	  .map = MAP_SHARED, .touched = 1, .worker = true, .prepare = have_in_file,
	  .run = read_stored, .right = comes_back, .may = { TRAPPED }, .hits = 2);
OPERATION(read_from_file, .type = "ext4", .disk = true, .kind = ZERO, .touched = 1,
	  .prepare = have_in_file, .run = pread_stored, .right = comes_back,
	  .may = { ENOMEM, EFAULT, SHORT }, .hits = 3 * PAGES);
OPERATION(worker_read_from_file, .type = "ext4", .disk = true, .kind = ZERO, .touched = 1,
	  .worker = true, .prepare = have_in_file, .run = pread_stored, .right = comes_back,
	  .may = { ENOMEM, EIO, SHORT }, .hits = 2);
OPERATION(prefetch_from_file, .type = "ext4", .disk = true, .kind = ZERO, .touched = 1,
	  .prepare = have_in_file, .run = prefetch, .right = comes_back,
	  .may = { ENOMEM, EFAULT }, .hits = 2 * PAGES);
OPERATION(worker_prefetch_from_file, .type = "ext4", .disk = true, .kind = ZERO, .touched = 1,
	  .worker = true, .prepare = have_in_file, .run = prefetch, .right = comes_back,
	  .may = { ENOMEM, EIO }, .hits = 2);

static void have_on_disk(struct world *w)
{
	have_disk(w);
	have_in_file(w);
}

OPERATION(worker_read_from_disk, .kind = ZERO, .touched = 1, .worker = true,
	  .prepare = have_on_disk, .run = pread_stored, .right = comes_back,
	  .may = { ENOMEM, EIO, SHORT }, .hits = 2);

static bool pinned_and_back(struct world *w)
{
	return nothing_leaves(w) && comes_back(w);
}

OPERATION(pin_from_file, .type = "ext4", .disk = true, .kind = ZERO, .touched = 1,
	  .prepare = have_in_file, .run = pin_all, .right = pinned_and_back,
	  .may = { ENOMEM, EFAULT }, .hits = 2 * PAGES);

/* A page that two regions have, in the store. */

static void clone_in_file(struct world *w)
{
	have_in_file(w);
	clone_it(w);
}

/* The page, and its copy. */
static bool apart_in_file(struct world *w)
{
	return stored_are_apart(w) && pool_counts(w, PAGES + 1);
}

OPERATION(write_shared_from_file, .type = "ext4", .disk = true, .kind = ZERO, .touched = 1,
	  .prepare = clone_in_file, .run = write_stored, .right = apart_in_file,
	  .may = { ENOMEM, EFAULT }, .hits = 4);
OPERATION(worker_write_shared_from_file, .type = "ext4", .disk = true, .kind = ZERO,
	  .touched = 1, .worker = true, .prepare = clone_in_file, .run = write_stored,
	  .right = apart_in_file, .may = { ENOMEM, EIO }, .hits = 2);

/* What must not fail for want of memory once it has begun can fail at the disk before. */

static int punch_or_leave(struct world *w)
{
	int ret = punch_inside(w);

	return ret && !holds_1(w) ? WRONG : ret;
}

OPERATION(punch_inside_from_file, .type = "ext4", .disk = true, .kind = ZERO, .touched = 1,
	  .prepare = have_in_file, .run = punch_or_leave, .right = inside_is_punched,
	  .may = { ENOMEM }, .hits = 1);
OPERATION(worker_punch_inside_from_file, .type = "ext4", .disk = true, .kind = ZERO,
	  .touched = 1, .worker = true, .prepare = have_in_file, .run = punch_or_leave,
	  .right = inside_is_punched, .may = { ENOMEM, EIO }, .hits = 2);
OPERATION(zero_range_from_file, .type = "ext4", .disk = true, .kind = ZERO, .touched = 1,
	  .prepare = have_in_file, .run = zero_or_leave, .right = pages_are_punched,
	  .may = { ENOMEM }, .hits = 4);
OPERATION(worker_zero_range_from_file, .type = "ext4", .disk = true, .kind = ZERO,
	  .touched = 1, .worker = true, .prepare = have_in_file, .run = zero_or_leave,
	  .right = pages_are_punched, .may = { ENOMEM, EIO }, .hits = 2);

/* A mount's store: the world's file, and the mount is in a folder beside it. */

static bool tried;

static void make_folder(struct world *w)
{
	tried = false;
	mkdir(path_of(w, "mnt"), 0700);
}

static int mount_in_folder(struct world *w, unsigned long flags, const char *options)
{
	char all[256];

	snprintf(all, sizeof(all), "%s,store=file:%s", options, path_of(w, "file"));
	return outcome(mount("none", path_of(w, "mnt"), "vmlab", flags, all));
}

/* Pages of a file there go to the store, and come back; and then the mount goes. */
static bool folder_is_stored(struct world *w, const char *policy)
{
	struct vmlab_pool_stat stat = {};
	int fd = open(path_of(w, "mnt"), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	struct vmlab_advise advise = { .length = LENGTH, .advice = VMLAB_ADVISE_EVICT };
	bool right = fd >= 0 && writes_filled(fd, 0, LENGTH, 1) &&
		     !ioctl(fd, VMLAB_IOC_ADVISE, &advise) && advise.pages == PAGES &&
		     !ioctl(fd, VMLAB_IOC_POOL_STAT, &stat) && stat.stored == PAGES &&
		     !strcmp((char *)stat.store, "file") &&
		     !strcmp((char *)stat.policy, policy) && reads_filled(fd, 0, LENGTH, 1);

	close(fd);
	return right && !umount(path_of(w, "mnt")) && !rmdir(path_of(w, "mnt"));
}

/* A mount that came to nothing may have the file still: it is given back by a worker. */
static int mount_with_store(struct world *w)
{
	const char *options = "size=1m,budget=64k,policy=lirs";
	int ret = mount_in_folder(w, 0, options);

	if (tried)
		(void)EVENTUALLY(ret != EINVAL || (ret = mount_in_folder(w, 0, options)) == 0);
	tried = true;
	return ret;
}

static bool store_is_mounted(struct world *w)
{
	return folder_is_stored(w, "lirs");
}

OPERATION(mount_store, .type = "ext4", .prepare = make_folder, .run = mount_with_store,
	  .right = store_is_mounted, .may = { ENOMEM, EFAULT }, .hits = 60);

static void mount_plain(struct world *w)
{
	make_folder(w);
	if (mount("none", path_of(w, "mnt"), "vmlab", 0, "size=1m"))
		broken("mount: %s\n", strerror(errno));
}

static int give_store(struct world *w)
{
	return mount_in_folder(w, MS_REMOUNT, "budget=64k,policy=arc");
}

static bool store_is_given(struct world *w)
{
	return folder_is_stored(w, "arc");
}

OPERATION(remount_store, .type = "ext4", .prepare = mount_plain, .run = give_store,
	  .right = store_is_given, .may = { ENOMEM, EFAULT }, .hits = 50);

/* A store whose file has another name by now goes by the one that the options show. */

static void mount_and_delete(struct world *w)
{
	make_folder(w);
	if (mount_with_store(w) || scratch_unlink(w->scratch, "file"))
		broken("mount: %s\n", strerror(errno));
}

static int remount_deleted(struct world *w)
{
	char all[256];

	snprintf(all, sizeof(all), "policy=arc,store=file:%s (deleted)", path_of(w, "file"));
	return outcome(mount(NULL, path_of(w, "mnt"), NULL, MS_REMOUNT, all));
}

OPERATION(remount_store_deleted, .type = "ext4", .prepare = mount_and_delete,
	  .run = remount_deleted, .right = store_is_given, .may = { ENOMEM, EFAULT }, .hits = 6);

#endif /* VMLAB_FAILNTH_STORE_H */
