/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DEMO_H
#define DEMO_H

#include <stdint.h>

#include <vmlab.h>

#include "cksum.h"
#include "tale.h"

/**
 * struct demo - what the steps of the demo share
 * @tale:	where it is told
 * @path:	the user's file, which is only ever read
 * @file:	a descriptor of it, open for reading
 * @size:	bytes of it that are used
 * @page:	bytes of one page
 * @pages:	pages that @size takes
 * @region:	the region backed by @file, -1 if there is none
 * @memory:	its mapping of @size bytes
 * @printed:	checksum of what was read through the memory
 */
struct demo {
	struct tale tale;
	const char *path;
	int file;
	uint64_t size;
	uint64_t page;
	uint64_t pages;
	int region;
	const char *memory;
	struct cksum printed;
};

/* The steps. Each returns 0, or -1 after a sentence on stderr. */
int demo_map(struct demo *demo);
int demo_touch(struct demo *demo);
int demo_loop(struct demo *demo);
int demo_compare(struct demo *demo);
int demo_zero(struct demo *demo);
int demo_writeback(struct demo *demo);

/* Removes the temporary copy, if there is one. May be called in a signal handler. */
void demo_remove_copy(void);

/**
 * demo_region() - a configured region
 * @flags:	O_RDONLY or O_RDWR
 * @file:	the backing file, or -1 for zeroes
 * @size:	its limit, a multiple of the page size
 *
 * Return: a descriptor, or -1 after a sentence on stderr.
 */
int demo_region(int flags, int file, uint64_t size);

/* Maps @size bytes of a region, shared. NULL after a sentence on stderr. */
char *demo_mmap(int region, uint64_t size, int prot);

/* The figures of a region. 0, or -1 after a sentence on stderr. */
int demo_stat(int region, struct vmlab_stat *stat);

/* Seconds of a clock that only goes forward. */
double demo_seconds(void);

#endif /* DEMO_H */
