/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EXTENTS_H
#define EXTENTS_H

#include <stddef.h>

#include <vmlab.h>

struct json_object;

/* The pages of a range that are there, in memory or stored: sorted, apart, neighbours differ. */
struct extents {
	struct vmlab_extent *list;
	size_t count;
	size_t room;
};

/* How many pages are in each state. */
struct extents_pages {
	uint64_t resident;
	uint64_t mapped;
	uint64_t dirty;
	uint64_t shared;
	uint64_t huge;
	uint64_t stored;
};

/*
 * Reads the states of [@start, @end) of the region @fd. Returns 0 or a negative
 * errno; then there is nothing to free.
 */
int extents_read(struct extents *extents, int fd, uint64_t start, uint64_t end);

/* Appends one, joined to the last if it goes on in the same state. 0 or -ENOMEM. */
int extents_add(struct extents *extents, const struct vmlab_extent *extent);

struct extents_pages extents_pages(const struct extents *extents, uint32_t page_size);

/*
 * [{"start": 0, "length": 4096, "resident": true, "mapped": true, "dirty": false,
 *   "shared": false, "huge": false, "stored": false}, ...]
 */
struct json_object *extents_json(const struct extents *extents);

void extents_free(struct extents *extents);

#endif /* EXTENTS_H */
