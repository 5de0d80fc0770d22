// SPDX-License-Identifier: GPL-2.0
/*
 * Small files: what one costs from its creation to its end, on file systems of our own.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

const struct side vmlab_mount = { .name = "vmlab" }, tmpfs_mount = { .name = "tmpfs" };

static struct place {
	const struct side *side;
	char folder[32];
} places[] = { { &vmlab_mount, "" }, { &tmpfs_mount, "" } };

#define PLACES (sizeof(places) / sizeof(places[0]))

/* Mounts one for each side, named as its file system; says why it cannot, or NULL. */
const char *files_prepare(void)
{
	for (size_t i = 0; i < PLACES; i++) {
		strcpy(places[i].folder, "/tmp/vmlab-bench.XXXXXX");
		if (!mkdtemp(places[i].folder))
			return "no folder can be made in /tmp";
		if (mount("none", places[i].folder, places[i].side->name, 0, NULL))
			return "the file systems cannot be mounted";
	}
	return NULL;
}

void files_finish(void)
{
	for (size_t i = 0; i < PLACES; i++) {
		umount2(places[i].folder, MNT_DETACH);
		rmdir(places[i].folder);
	}
}

static void live(const char *path, char *page)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || pwrite(fd, page, PAGE, 0) != PAGE || pread(fd, page, PAGE, 0) != PAGE ||
	    close(fd) || unlink(path))
		die(path);
}

/* Time per file of one page: created, written, read, closed and removed. */
double file_life(const struct side *side)
{
	size_t files = settings.pages / 8;
	char page[PAGE], path[64];

	memset(page, 'v', sizeof(page));
	for (size_t i = 0; i < PLACES; i++) {
		if (places[i].side == side)
			snprintf(path, sizeof(path), "%s/file", places[i].folder);
	}
	meter_begin();
	for (size_t i = 0; i < files; i++)
		live(path, page);
	return meter_end() / files;
}
