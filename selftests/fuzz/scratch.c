// SPDX-License-Identifier: GPL-2.0
/*
 * A folder for the files of programs: two names on a small tmpfs, and two on a small
 * ext4, which knows O_DIRECT; on whatever /tmp is, where they cannot be mounted.
 */
#include "fuzz.h"
#include "sys.h"

#define NAMES 4

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

void scratch_make(void)
{
	char path[64];

	if (!mkdtemp(dir))
		die("%s: %s", dir, strerror(errno));
	mounted = !mount("none", dir, "tmpfs", 0, "size=64M");
	snprintf(path, sizeof(path), "%s/ext4", dir);
	if (mkdir(path, 0700))
		die("%s: %s", path, strerror(errno));
	mounted_ext4 = mounted && mount_ext4();
	if (!mounted_ext4)
		printf("no ext4 to be had here: O_DIRECT is used on what /tmp is\n");
}

bool scratch_name(char *path, size_t size, uint64_t number)
{
	if (number >= NAMES)
		return false;
	snprintf(path, size, "%s/%sfile%u", dir, number < NAMES / 2 ? "" : "ext4/",
		 (unsigned int)number);
	return true;
}

void scratch_empty(void)
{
	char path[128];

	for (uint64_t number = 0; scratch_name(path, sizeof(path), number); number++)
		unlink(path);
}

void scratch_remove(void)
{
	char path[64];

	scratch_empty();
	snprintf(path, sizeof(path), "%s/ext4", dir);
	if (mounted_ext4)
		umount2(path, MNT_DETACH);
	rmdir(path);
	if (mounted)
		umount2(dir, MNT_DETACH);
	rmdir(dir);
}
