// SPDX-License-Identifier: GPL-2.0
/*
 * A file, all of it in the page cache, on a file system of its own. Faults on a
 * mapping of it map one page, as nothing else would be compared with another's
 * batches.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define DEBUGFS		"/sys/kernel/debug"
#define FAULT_AROUND	DEBUGFS "/fault_around_bytes"

static char folder[64], image[80], fault_around[32];
static int file = -1;

static bool run(const char *format, const char *a, const char *b)
{
	char command[512];

	snprintf(command, sizeof(command), format, a, b);
	return !system(command);
}

static const char *mount_tmpfs(void)
{
	return mount("none", folder, "tmpfs", 0, NULL) ? "a tmpfs cannot be mounted" : NULL;
}

static const char *mount_ext4(void)
{
	snprintf(image, sizeof(image), "%s.image", folder);
	if (!run("{ [ -e /dev/loop-control ] || modprobe -q loop; } && truncate -s 256M %s && "
		 "mkfs.ext4 -q %s",
		 image, image))
		return "no loop device, or no mkfs.ext4";
	return run("mount -o loop %s %s", image, folder) ? NULL : "ext4 cannot be mounted";
}

static const char *one_page_a_fault(void)
{
	if (access(FAULT_AROUND, F_OK))
		mount("none", DEBUGFS, "debugfs", 0, NULL);
	if (!setting_read(FAULT_AROUND, fault_around, sizeof(fault_around)) ||
	    !setting_write(FAULT_AROUND, "4096"))
		return "no fault_around_bytes in debugfs";
	return NULL;
}

static void fill(const char *path)
{
	char page[PAGE];

	file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	memset(page, 'v', sizeof(page));
	for (size_t i = 0; i < settings.pages; i++) {
		if (write(file, page, PAGE) != PAGE)
			die(path);
	}
	fsync(file);
	for (size_t i = 0; i < settings.pages; i++) {
		if (pread(file, page, PAGE, i * PAGE) != PAGE)
			die(path);
	}
}

static const char *file_make(const char *(*mount_it)(void))
{
	const char *reason;
	char path[80];

	strcpy(folder, "/tmp/vmlab-bench.XXXXXX");
	if (!mkdtemp(folder))
		return "no folder can be made in /tmp";
	reason = mount_it();
	if (!reason)
		reason = one_page_a_fault();
	if (reason)
		return reason;
	snprintf(path, sizeof(path), "%s/file", folder);
	fill(path);
	return NULL;
}

/* Why there is none, or NULL. */
const char *file_make_tmpfs(void)
{
	return file_make(mount_tmpfs);
}

const char *file_make_ext4(void)
{
	return file_make(mount_ext4);
}

/* A descriptor of one's own. */
int file_open(void)
{
	return dup(file);
}

void file_clean(void)
{
	if (!folder[0])
		return;
	if (fault_around[0])
		setting_write(FAULT_AROUND, fault_around);
	close(file);
	umount2(folder, MNT_DETACH);
	rmdir(folder);
	if (image[0])
		unlink(image);
	folder[0] = 0;
	image[0] = 0;
	fault_around[0] = 0;
	file = -1;
}
