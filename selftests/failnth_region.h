/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Making regions, and looking at them, with failures.
 */
#ifndef VMLAB_FAILNTH_REGION_H
#define VMLAB_FAILNTH_REGION_H

#include "failnth_world.h"

/* Making regions */

static int open_region(struct world *w)
{
	w->made = region_open();
	return outcome(w->made);
}

static bool made_works(struct world *w)
{
	return writes_filled(w->made, 0, LENGTH, 3) && reads_filled(w->made, 0, LENGTH, 3) &&
	       region_resident(w->made) == PAGES;
}

OPERATION(open_first, .run = open_region, .right = made_works, .may = { ENOMEM, EFAULT },
	  .hits = 5);
OPERATION(open_another, .kind = ZERO, .run = open_region, .right = made_works,
	  .may = { ENOMEM, EFAULT }, .hits = 5);

static int another_fd(struct world *w)
{
	w->made = region_fd(w->fd, 0);
	return outcome(w->made);
}

static bool made_is_the_same(struct world *w)
{
	return region_stat(w->made).id == region_stat(w->fd).id && made_works(w);
}

OPERATION(ioctl_region_fd, .kind = ZERO, .run = another_fd, .right = made_is_the_same,
	  .may = { ENOMEM, EFAULT }, .hits = 2, .pure = true);

static int reopen(struct world *w)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", w->region);
	w->made = open(path, O_RDWR | O_CLOEXEC);
	return outcome(w->made);
}

OPERATION(reopen, .kind = ZERO, .run = reopen, .right = made_is_the_same,
	  .may = { ENOMEM, EFAULT }, .hits = 2, .pure = true);

static int configure_size(struct world *w)
{
	return outcome(region_configure(w->fd, &(struct vmlab_configure){
		.flags = VMLAB_REGION_STRICT, .size = LENGTH,
	}));
}

static bool is_configured(struct world *w)
{
	struct vmlab_stat stat = region_stat(w->fd);

	return stat.size == LENGTH && stat.flags == VMLAB_REGION_STRICT &&
	       writes_filled(w->fd, 0, LENGTH, 3) && reads_filled(w->fd, 0, LENGTH, 3);
}

OPERATION(ioctl_configure, .kind = FRESH, .run = configure_size, .right = is_configured,
	  .may = { EFAULT }, .hits = 1, .pure = true);

static int configure_file(struct world *w)
{
	return outcome(region_configure(w->fd, &(struct vmlab_configure){
		.backing = VMLAB_BACKING_FILE, .backing_fd = w->file,
	}));
}

static bool shows_the_file(struct world *w)
{
	struct vmlab_stat stat = region_stat(w->fd);

	return stat.size == LENGTH && stat.backing == VMLAB_BACKING_FILE &&
	       reads_filled(w->fd, 0, LENGTH, 1);
}

OPERATION(ioctl_configure_file_tmpfs, .type = "tmpfs", .kind = FRESH, .run = configure_file,
	  .right = shows_the_file, .may = { ENOMEM, EFAULT }, .hits = 4, .pure = true);
OPERATION(ioctl_configure_file_ext4, .type = "ext4", .kind = FRESH, .run = configure_file,
	  .right = shows_the_file, .may = { ENOMEM, EFAULT }, .hits = 4, .pure = true);

/* Looking at them */

static struct vmlab_features got_features;
static struct vmlab_stat got_stat;
static struct vmlab_extent got_extents[4];
static __u32 got_count;

static int ask_features(struct world *w)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_FEATURES, &got_features));
}

static bool features_are_right(struct world *w)
{
	return got_features.page_size == PAGE && got_features.pages == PAGES && w->fd >= 0;
}

OPERATION(ioctl_features, .kind = ZERO, .touched = 1, .run = ask_features,
	  .right = features_are_right, .may = { EFAULT }, .hits = 1, .pure = true);

static int ask_stat(struct world *w)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_STAT, &got_stat));
}

static bool stat_is_right(struct world *w)
{
	return got_stat.resident == PAGES && same_stat(w, &got_stat, true);
}

OPERATION(ioctl_stat, .kind = ZERO, .touched = 1, .run = ask_stat, .right = stat_is_right,
	  .may = { EFAULT }, .hits = 1, .pure = true);

static int ask_list(struct world *w)
{
	struct vmlab_list list = {
		.cursor = w->id,
		.buffer = (__u64)&got_stat,
		.count = 1,
		.entry_size = sizeof(got_stat),
	};

	return outcome(ioctl(w->fd, VMLAB_IOC_LIST, &list));
}

OPERATION(ioctl_list, .kind = ZERO, .touched = 1, .run = ask_list, .right = stat_is_right,
	  .may = { EFAULT }, .hits = 3, .pure = true);

static int ask_extents(struct world *w)
{
	struct vmlab_extents extents = {
		.end = LENGTH,
		.buffer = (__u64)got_extents,
		.count = ARRAY_SIZE(got_extents),
	};
	int ret = ioctl(w->fd, VMLAB_IOC_EXTENTS, &extents);

	got_count = extents.count;
	return outcome(ret);
}

static bool extents_are_right(struct world *w)
{
	return w->fd >= 0 && got_count == 1 && got_extents[0].length == LENGTH &&
	       got_extents[0].state == (VMLAB_PAGE_RESIDENT | VMLAB_PAGE_DIRTY);
}

OPERATION(ioctl_extents, .kind = TRACKED, .touched = 1, .run = ask_extents,
	  .right = extents_are_right, .may = { EFAULT }, .hits = 3, .pure = true);

static int read_fdinfo(struct world *w)
{
	char path[64];
	int fd;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", w->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	got = read(fd, buffer, PAGE - 1);
	close(fd);
	buffer[got > 0 ? got : 0] = 0;
	return got < 0 ? errno : 0;
}

static bool fdinfo_is_right(struct world *w)
{
	return w->fd >= 0 && strstr(buffer, "vmlab-resident:\t4\n") &&
	       strstr(buffer, "vmlab-writeback-errors:\t0\n");
}

OPERATION(fdinfo, .kind = ZERO, .touched = 1, .run = read_fdinfo, .right = fdinfo_is_right,
	  .may = { ENOMEM, EFAULT }, .hits = 4, .pure = true);

static int set_address(struct world *w)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_ADDRESS, &(struct vmlab_address){
		.address = (unsigned long)THERE,
	}));
}

static bool has_address(struct world *w)
{
	struct vmlab_address asked = {};

	return !ioctl(w->fd, VMLAB_IOC_ADDRESS, &asked) && asked.address == (unsigned long)THERE;
}

OPERATION(ioctl_address, .kind = ZERO, .touched = 1, .run = set_address, .right = has_address,
	  .may = { EFAULT }, .hits = 2);

static int seek_both(struct world *w)
{
	off_t data = lseek(w->fd, 0, SEEK_DATA), hole = lseek(w->fd, 0, SEEK_HOLE);

	return data < 0 || hole < 0 ? errno : data == 0 && hole == LENGTH ? 0 : WRONG;
}

static bool holds_1(struct world *w)
{
	return reads_filled(w->fd, 0, LENGTH, 1);
}

OPERATION(lseek, .kind = ZERO, .touched = 1, .run = seek_both, .right = holds_1);

#endif /* VMLAB_FAILNTH_REGION_H */
