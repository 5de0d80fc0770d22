// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Requests that return many entries, a buffer full at a time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmlab.h"

/* Entries that one request may fill. */
#define LIST_STEP	64
#define EXTENTS_STEP	256

/* All entries of what lists them as VMLAB_IOC_LIST does. */
static int get_list(int fd, unsigned long number, size_t size, void **list, size_t *count)
{
	struct vmlab_list arg = { .entry_size = (uint32_t)size };
	char *entries = NULL;
	size_t filled = 0;

	do {
		char *grown = realloc(entries, (filled + LIST_STEP) * size);

		if (!grown) {
			free(entries);
			return -ENOMEM;
		}
		entries = grown;

		arg.buffer = (uintptr_t)(entries + filled * size);
		arg.count = LIST_STEP;
		if (ioctl(fd, number, &arg) < 0) {
			int err = -errno;

			free(entries);
			return err;
		}
		filled += arg.count;
	} while (arg.cursor);

	if (!filled) {
		free(entries);
		entries = NULL;
	}
	*list = entries;	/* the caller's from here on */
	*count = filled;
	return 0;
}

int vmlab_list(int fd, struct vmlab_stat **list, size_t *count)
{
	void *entries = NULL;
	int ret = get_list(fd, VMLAB_IOC_LIST, sizeof(**list), &entries, count);

	if (!ret)
		*list = entries;
	return ret;
}

int vmlab_pool_list(int fd, struct vmlab_pool_stat **list, size_t *count)
{
	void *entries = NULL;
	int ret = get_list(fd, VMLAB_IOC_POOL_LIST, sizeof(**list), &entries, count);

	if (!ret)
		*list = entries;
	return ret;
}

int vmlab_pool_histograms(int fd, struct vmlab_histogram *histograms, size_t count)
{
	struct vmlab_pool_histograms arg = {
		.buffer = (uintptr_t)histograms,
		.count = (uint32_t)count,
		.entry_size = sizeof(*histograms),
	};

	memset(histograms, 0, count * sizeof(*histograms));
	return ioctl(fd, VMLAB_IOC_POOL_HISTOGRAMS, &arg) < 0 ? -errno : 0;
}

int vmlab_extents(int fd, uint64_t start, uint64_t end, vmlab_extent_fn fn, void *arg)
{
	struct vmlab_extent extents[EXTENTS_STEP];
	struct vmlab_extents request = {
		.start = start,
		.end = end,
		.buffer = (uintptr_t)extents,
	};

	while (request.start < end) {
		request.count = EXTENTS_STEP;
		if (ioctl(fd, VMLAB_IOC_EXTENTS, &request) < 0) {
			/* Nothing was filled: ask again, from the same place. */
			if (errno == EINTR)
				continue;
			return -errno;
		}
		for (uint32_t i = 0; i < request.count; i++) {
			int ret = fn(&extents[i], arg);

			if (ret)
				return ret;
		}
	}
	return 0;
}
