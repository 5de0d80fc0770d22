/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A mount of our file system, and files there, with failures.
 */
#ifndef VMLAB_FAILNTH_MOUNT_H
#define VMLAB_FAILNTH_MOUNT_H

#include <sys/statfs.h>
#include <sys/xattr.h>

#include "failnth_region.h"
#include "failnth_world.h"

static const char *path_of(const struct world *w, const char *name)
{
	static char paths[2][128];
	static unsigned int turn;
	char *path = paths[turn++ % 2];

	snprintf(path, sizeof(paths[0]), "%s/%s", w->scratch->dir, name);
	return path;
}

/* A name that the operation made is there, and goes. */
static bool new_is_there(struct world *w)
{
	return !unlink(path_of(w, "new"));
}

static int create(struct world *w)
{
	w->made = open(path_of(w, "new"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return outcome(w->made);
}

static bool created_works(struct world *w)
{
	return writes_filled(w->made, 0, LENGTH, 3) && reads_filled(w->made, 0, LENGTH, 3) &&
	       new_is_there(w);
}

OPERATION(mount_create, .type = "vmlab", .run = create, .right = created_works,
	  .may = { ENOMEM, EFAULT }, .hits = 3);

static int create_unnamed(struct world *w)
{
	w->made = open(w->scratch->dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	return outcome(w->made);
}

static bool unnamed_works(struct world *w)
{
	return writes_filled(w->made, 0, LENGTH, 3) && reads_filled(w->made, 0, LENGTH, 3);
}

OPERATION(mount_create_unnamed, .type = "vmlab", .run = create_unnamed, .right = unnamed_works,
	  .may = { ENOMEM, EFAULT }, .hits = 3);

static int write_more(struct world *w)
{
	return transfer(pwrite(w->file, buffer, LENGTH, LENGTH), LENGTH);
}

static bool more_is_there(struct world *w)
{
	struct stat stat;

	return reads_filled(w->file, 0, LENGTH, 1) && !fstat(w->file, &stat) &&
	       stat.st_size == 2 * LENGTH && stat.st_blocks == 2 * LENGTH / 512;
}

OPERATION(mount_write, .type = "vmlab", .run = write_more, .right = more_is_there,
	  .may = { ENOMEM, EFAULT, SHORT }, .hits = PAGES);

static int allocate_more(struct world *w)
{
	return outcome(fallocate(w->file, 0, LENGTH, LENGTH));
}

OPERATION(mount_fallocate, .type = "vmlab", .run = allocate_more, .right = more_is_there,
	  .may = { ENOMEM }, .hits = PAGES);

/* The first mapping of a file makes it a region that is listed. */
static int map_first(struct world *w)
{
	w->p = map_at(HERE, w->file, LENGTH, MAP_SHARED);
	return w->p == MAP_FAILED ? errno : 0;
}

static bool mapped_file_is_listed(struct world *w)
{
	return filled(w->p, LENGTH, 1) && region_stat(w->file).mappings == 1 &&
	       region_stat(w->file).id;
}

OPERATION(mount_mmap, .type = "vmlab", .run = map_first, .right = mapped_file_is_listed,
	  .may = { ENOMEM }, .hits = 3);

/* And so does asking about it. */
static int ask_first(struct world *w)
{
	return outcome(ioctl(w->file, VMLAB_IOC_STAT, &got_stat));
}

static bool asked_file_is_listed(struct world *w)
{
	struct vmlab_stat listed;
	struct vmlab_list list = {
		.cursor = got_stat.id,
		.buffer = (__u64)&listed,
		.count = 1,
		.entry_size = sizeof(listed),
	};

	return got_stat.id && got_stat.resident == PAGES && got_stat.size == LENGTH &&
	       !ioctl(w->file, VMLAB_IOC_LIST, &list) && list.count == 1 &&
	       listed.id == got_stat.id && region_stat(w->file).id == got_stat.id &&
	       reads_filled(w->file, 0, LENGTH, 1);
}

OPERATION(mount_stat, .type = "vmlab", .run = ask_first, .right = asked_file_is_listed,
	  .may = { ENOMEM, EFAULT }, .hits = 1);

static int make_directory(struct world *w)
{
	return outcome(mkdir(path_of(w, "new"), 0700));
}

static bool new_directory_is_there(struct world *w)
{
	return !rmdir(path_of(w, "new"));
}

OPERATION(mount_mkdir, .type = "vmlab", .run = make_directory, .right = new_directory_is_there,
	  .may = { ENOMEM, EFAULT }, .hits = 3);

static int make_symlink(struct world *w)
{
	return outcome(symlink("target", path_of(w, "new")));
}

static bool new_symlink_is_there(struct world *w)
{
	char target[16] = "";

	return readlink(path_of(w, "new"), target, sizeof(target)) == 6 &&
	       !strcmp(target, "target") && new_is_there(w);
}

OPERATION(mount_symlink, .type = "vmlab", .run = make_symlink, .right = new_symlink_is_there,
	  .may = { ENOMEM, EFAULT }, .hits = 4);

static int make_link(struct world *w)
{
	return outcome(link(path_of(w, "file"), path_of(w, "new")));
}

OPERATION(mount_link, .type = "vmlab", .run = make_link, .right = new_is_there,
	  .may = { ENOMEM, EFAULT }, .hits = 3);

static int make_fifo(struct world *w)
{
	return outcome(mknod(path_of(w, "new"), S_IFIFO | 0600, 0));
}

OPERATION(mount_mknod, .type = "vmlab", .run = make_fifo, .right = new_is_there,
	  .may = { ENOMEM, EFAULT }, .hits = 3);

static int move(struct world *w)
{
	return outcome(syscall(SYS_renameat2, AT_FDCWD, path_of(w, "file"), AT_FDCWD,
			       path_of(w, "new"), RENAME_WHITEOUT));
}

static bool is_moved(struct world *w)
{
	struct stat stat;

	return !lstat(path_of(w, "file"), &stat) && S_ISCHR(stat.st_mode) &&
	       reads_filled(w->file, 0, LENGTH, 1) && new_is_there(w);
}

OPERATION(mount_rename_whiteout, .type = "vmlab", .run = move, .right = is_moved,
	  .may = { ENOMEM, EFAULT }, .hits = 5);

static int set_attribute(struct world *w)
{
	return outcome(fsetxattr(w->file, "user.x", buffer, 3000, 0));
}

static bool attribute_is_set(struct world *w)
{
	char value[3000];

	return fgetxattr(w->file, "user.x", value, sizeof(value)) == 3000 &&
	       !memcmp(value, buffer, 3000);
}

OPERATION(mount_setxattr, .type = "vmlab", .run = set_attribute, .right = attribute_is_set,
	  .may = { ENOMEM, EFAULT }, .hits = 3);

/* Mounts another one on top. */
static int mount_another(struct world *w)
{
	return outcome(mount("none", w->scratch->dir, "vmlab", 0, "size=1m,nr_inodes=9,mode=700"));
}

static bool another_is_mounted(struct world *w)
{
	struct statfs fs;

	return !statfs(w->scratch->dir, &fs) && fs.f_blocks == MIB / PAGE && fs.f_files == 9 &&
	       fs.f_ffree == 8 && !umount(w->scratch->dir);
}

OPERATION(mount, .type = "vmlab", .run = mount_another, .right = another_is_mounted,
	  .may = { ENOMEM, EFAULT }, .hits = 10);

/* With a pool: budget, policy and store are made. */

static bool pool_shows(struct world *w, const char *policy)
{
	struct vmlab_pool_stat stat;
	int fd = open(w->scratch->dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	bool right = fd >= 0 && !ioctl(fd, VMLAB_IOC_POOL_STAT, &stat) &&
		     stat.budget == VMLAB_POOL_BUDGET_MIN && !strcmp((char *)stat.policy, policy);

	close(fd);
	return right;
}

static int mount_with_pool(struct world *w)
{
	return outcome(mount("none", w->scratch->dir, "vmlab", 0,
			     "size=1m,budget=64k,policy=lirs,codec=zstd,store_limit=1m"));
}

static bool pool_is_mounted(struct world *w)
{
	return pool_shows(w, "lirs") && !umount(w->scratch->dir);
}

OPERATION(mount_pool, .type = "vmlab", .run = mount_with_pool, .right = pool_is_mounted,
	  .may = { ENOMEM, EFAULT }, .hits = 14);

static int give_pool(struct world *w)
{
	return outcome(mount(NULL, w->scratch->dir, NULL, MS_REMOUNT, "budget=64k,policy=arc"));
}

static bool has_pool(struct world *w)
{
	return pool_shows(w, "arc") && reads_filled(w->file, 0, LENGTH, 1);
}

OPERATION(remount_pool, .type = "vmlab", .run = give_pool, .right = has_pool,
	  .may = { ENOMEM, EFAULT }, .hits = 6);

static int change_options(struct world *w)
{
	return outcome(mount(NULL, w->scratch->dir, NULL, MS_REMOUNT, "size=8m,mode=711"));
}

static bool options_are_changed(struct world *w)
{
	struct statfs fs;
	struct stat stat_dir;

	return !statfs(w->scratch->dir, &fs) && fs.f_blocks == 8 * MIB / PAGE &&
	       !stat(w->scratch->dir, &stat_dir) && (stat_dir.st_mode & 07777) == 0711;
}

OPERATION(remount, .type = "vmlab", .run = change_options, .right = options_are_changed,
	  .may = { ENOMEM, EFAULT }, .hits = 3);

#endif /* VMLAB_FAILNTH_MOUNT_H */
