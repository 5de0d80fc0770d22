// SPDX-License-Identifier: GPL-2.0
/*
 * Figures and settings of the kernel, and files on file systems of their own.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define DEBUGFS "/sys/kernel/debug"

void die(const char *what)
{
	fprintf(stderr, "vmlab-bench: %s: %s\n", what, strerror(errno));
	file_clean();
	exit(1);
}

bool setting_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	if (got < 0)
		return false;
	text[got] = 0;
	return true;
}

bool setting_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* Bytes. */
uint64_t meminfo(const char *field)
{
	char text[8192], *at;

	if (!setting_read("/proc/meminfo", text, sizeof(text)))
		die("/proc/meminfo");
	at = strstr(text, field);
	return at ? strtoull(at + strlen(field), NULL, 10) * 1024 : 0;
}

/* Free memory to the page: with what lies in the processors' own lists. */
uint64_t memory_free(void)
{
	char *line = NULL;
	size_t size = 0;
	uint64_t pages = 0, count;
	FILE *zones = fopen("/proc/zoneinfo", "r");

	if (!zones)
		die("/proc/zoneinfo");
	while (getline(&line, &size, zones) > 0) {
		if (sscanf(line, " count: %lu", &count) == 1 ||
		    sscanf(line, " pages free %lu", &count) == 1)
			pages += count;
	}
	free(line);
	fclose(zones);
	return pages * PAGE;
}

/* Sets how much a fault on a file maps around it; the setting before, or NULL if there is none. */
const char *fault_around_set(const char *bytes)
{
	static char before[32];

	if (access(DEBUGFS "/fault_around_bytes", F_OK))
		mount("none", DEBUGFS, "debugfs", 0, NULL);
	if (!setting_read(DEBUGFS "/fault_around_bytes", before, sizeof(before)) ||
	    !setting_write(DEBUGFS "/fault_around_bytes", bytes))
		return NULL;
	return before;
}

/* A file system for files */

static char folder[64], image[80];

static bool run(const char *format, const char *a, const char *b)
{
	char command[512];

	snprintf(command, sizeof(command), format, a, b);
	return !system(command);
}

static const char *mount_scratch(const char *type)
{
	strcpy(folder, "/tmp/vmlab-bench.XXXXXX");
	if (!mkdtemp(folder))
		return "no folder can be made in /tmp";
	if (!strcmp(type, "tmpfs"))
		return mount("none", folder, "tmpfs", 0, NULL) ? "a tmpfs cannot be mounted" : NULL;
	snprintf(image, sizeof(image), "%s.image", folder);
	if (!run("{ [ -e /dev/loop-control ] || modprobe -q loop; } && truncate -s 256M %s && "
		 "mkfs.ext4 -q %s", image, image))
		return "no loop device, or no mkfs.ext4";
	return run("mount -o loop %s %s", image, folder) ? NULL : "ext4 cannot be mounted";
}

/* An open file of that many pages in the page cache, or -1 and the reason. */
int file_make(const char *type, size_t pages, const char **reason)
{
	char path[80], page[PAGE];
	int fd;

	*reason = mount_scratch(type);
	if (*reason)
		return -1;
	snprintf(path, sizeof(path), "%s/file", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	memset(page, 'v', sizeof(page));
	for (size_t i = 0; i < pages; i++) {
		if (write(fd, page, PAGE) != PAGE)
			die(path);
	}
	fsync(fd);
	for (size_t i = 0; i < pages; i++) {
		if (pread(fd, page, PAGE, i * PAGE) != PAGE)
			die(path);
	}
	return fd;
}

void file_clean(void)
{
	if (!folder[0])
		return;
	umount2(folder, MNT_DETACH);
	rmdir(folder);
	if (image[0])
		unlink(image);
	folder[0] = image[0] = 0;
}
