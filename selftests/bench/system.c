// SPDX-License-Identifier: GPL-2.0
/*
 * Figures and settings of the kernel.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* The number behind a name in a file of the kernel's. */
uint64_t counter_read(const char *path, const char *name)
{
	char text[16384], *at;

	if (!setting_read(path, text, sizeof(text)))
		die(path);
	at = strstr(text, name);
	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* Bytes. */
uint64_t meminfo(const char *field)
{
	return counter_read("/proc/meminfo", field) * 1024;
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
		/* NOLINTBEGIN(cert-err34-c): the numbers are the kernel's, and fit. */
		if (sscanf(line, " count: %lu", &count) == 1 ||
		    sscanf(line, " pages free %lu", &count) == 1)
			pages += count;
		/* NOLINTEND(cert-err34-c) */
	}
	free(line);
	fclose(zones);
	return pages * PAGE;
}
