// SPDX-License-Identifier: GPL-2.0
/*
 * A folder for the files of programs: two names on a small tmpfs, two on a small ext4,
 * which knows O_DIRECT, and two on a mount of vmlab, which are regions themselves; on
 * whatever /tmp is, where they cannot be mounted. One more is that of a block device.
 */
#include "fuzz.h"
#include "sys.h"

#include "../common/loop.h"

static const char *const folders[] = { "", "ext4/", "vmlab/" };

#define NAMES_EACH 2
#define DISK (NAMES_EACH * COUNT(folders)) /* the name of the device, beside those on tmpfs */
#define DISK_SIZE (256 * PAGE)

static char dir[] = "/tmp/vmlab-fuzz.XXXXXX";
static bool mounted, mounted_ext4;
static int disk = -1; /* with this the device goes */

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

static void make_disk(void)
{
	int image = memfd_create("disk", MFD_CLOEXEC);

	if (image >= 0 && !ftruncate(image, DISK_SIZE))
		disk = loop_open(image);
	close(image);
}

/* A node of our own, which programs may remove, and rename: the next one has it anew. */
static bool name_disk(void)
{
	struct stat st;
	char path[128];

	return scratch_name(path, sizeof(path), DISK) && disk >= 0 && !fstat(disk, &st) &&
	       !mknod(path, S_IFBLK | 0600, st.st_rdev);
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
	make_disk();
	if (!name_disk())
		printf("no loop device to be had here: no store is on a block device\n");
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
	if (number > DISK)
		return false;
	snprintf(path, size, "%s/%sfile%u", dir, number == DISK ? "" : folders[number / NAMES_EACH],
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
	if (mounts) {
		unmount_vmlab();
		empty(); /* what was beneath */
		mount_vmlab();
	}
	name_disk();
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
	close(disk);
	if (mounted)
		umount2(dir, MNT_DETACH);
	rmdir(dir);
}
