// SPDX-License-Identifier: GPL-2.0
/*
 * A folder for the files of programs: two names on a small tmpfs, two on a small ext4,
 * which knows O_DIRECT, and two on a mount of vmlab, which are regions themselves; on
 * whatever /tmp is, where they cannot be mounted.
 */
#include "fuzz.h"
#include "sys.h"

static const char *const folders[] = { "", "ext4/", "vmlab/" };

#define NAMES_EACH 2

static char dir[] = "/tmp/vmlab-fuzz.XXXXXX";
static bool mounted, mounted_ext4;

static bool mount_ext4(void)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "{ [ -e /dev/loop-control ] || modprobe -q loop; } && cd %s && "
		 "truncate -s 16M image && mkfs.ext4 -q -m 0 -O ^has_journal image >/dev/null && "
		 "mount -o loop -t ext4 image ext4",
		 dir);
	return !system(command);
}

void scratch_mountpoint(char *path, size_t size)
{
	snprintf(path, size, "%s/vmlab", dir);
}

static void mount_vmlab(void)
{
	char path[64];

	scratch_mountpoint(path, sizeof(path));
	if (mount("none", path, "vmlab", 0, "size=16M,nr_inodes=64"))
		warn("%s: files of vmlab are not to be had", path);
}

/* With what programs mounted there. */
static void unmount_vmlab(void)
{
	char path[64];

	scratch_mountpoint(path, sizeof(path));
	while (!umount2(path, MNT_DETACH))
		;
}

void scratch_make(void)
{
	char path[64];

	if (!mkdtemp(dir))
		err(2, "%s", dir);
	mounted = !mount("none", dir, "tmpfs", 0, "size=64M");
	snprintf(path, sizeof(path), "%s/ext4", dir);
	if (mkdir(path, 0700))
		err(2, "%s", path);
	mounted_ext4 = mounted && mount_ext4();
	if (!mounted_ext4)
		printf("no ext4 to be had here: O_DIRECT is used on what /tmp is\n");
	scratch_mountpoint(path, sizeof(path));
	if (mkdir(path, 0700))
		err(2, "%s", path);
	mount_vmlab();
}

bool scratch_folder(char *path, size_t size, uint64_t number)
{
	if (number >= COUNT(folders))
		return false;
	snprintf(path, size, "%s/%s", dir, folders[number]);
	return true;
}

bool scratch_name(char *path, size_t size, uint64_t number)
{
	if (number >= NAMES_EACH * COUNT(folders))
		return false;
	snprintf(path, size, "%s/%sfile%u", dir, folders[number / NAMES_EACH],
		 (unsigned int)number);
	return true;
}

static void empty(void)
{
	char path[128];

	for (uint64_t number = 0; scratch_name(path, sizeof(path), number); number++)
		remove(path);
}

void scratch_reset(bool mounts)
{
	empty();
	if (!mounts)
		return;
	unmount_vmlab();
	empty(); /* what was beneath */
	mount_vmlab();
}

void scratch_remove(void)
{
	char path[64];

	empty();
	snprintf(path, sizeof(path), "%s/ext4", dir);
	if (mounted_ext4)
		umount2(path, MNT_DETACH);
	rmdir(path);
	unmount_vmlab();
	empty();
	scratch_mountpoint(path, sizeof(path));
	rmdir(path);
	if (mounted)
		umount2(dir, MNT_DETACH);
	rmdir(dir);
}
