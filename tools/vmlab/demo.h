/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DEMO_H
#define DEMO_H

#include <stdint.h>
#include <sys/types.h>

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
 * @held:	pages that the module held before the story, for others
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
	uint64_t held;
};

/* The steps. Each returns 0, or -1 after a sentence on stderr. */
int demo_map(struct demo *demo);
int demo_touch(struct demo *demo);
int demo_loop(struct demo *demo);
int demo_compare(struct demo *demo);
int demo_zero(struct demo *demo);
int demo_writeback(struct demo *demo);

/* The second half of "vmlab demo cow": a region of @pages pages that is copied at forks. */
int demo_fork(struct demo *demo, int region, char *memory, uint64_t pages);

/* Other stories: "vmlab demo cow", "vmlab demo share", "vmlab demo swap". */
int demo_cow(struct demo *demo);
int demo_share(struct demo *demo);
int demo_swap(struct demo *demo);

/**
 * struct demo_child - a process that the demo starts
 * @pid:	its number
 * @socket:	to talk to it with pass_send() and pass_receive()
 */
struct demo_child {
	pid_t pid;
	int socket;
};

/**
 * demo_start() - start a process
 * @child:	filled
 * @run:	what it does, with its own end of the socket; then it ends
 * @arg:	for @run
 *
 * Return: 0, or -1 after a sentence on stderr.
 */
int demo_start(struct demo_child *child, void (*run)(int socket, void *arg), void *arg);

/* A message of the child's. 0, or -1 after a sentence. */
int demo_hear(const struct demo_child *child, uint64_t *number, int *fd);

/* A message to it, and its answer. 0, or -1 after a sentence. */
int demo_ask(const struct demo_child *child, uint64_t number, uint64_t *answer);

/* Waits for the child's end; it ends when it finds the socket closed. */
void demo_end(struct demo_child *child);

/**
 * struct demo_side - one of several regions that the story is about
 * @title:	what people see above its picture
 * @region:	descriptor; -1: none
 * @shared:	how many of its pages other regions have as well, when demo_look() was called
 * @stat:	its figures then
 */
struct demo_side {
	const char *title;
	int region;
	uint64_t shared;
	struct vmlab_stat stat;
};

/* Looks at a side, and draws its first @pages; @key in JSON. 0, or -1 after a sentence. */
int demo_look(struct demo *demo, struct demo_side *side, const char *key, uint64_t pages);

/* Pages that the module holds for all regions. 0, or -1 after a sentence. */
int demo_held(int region, uint64_t *pages);

/* Tells how many more these are than before the story. 0, or -1 after a sentence. */
int demo_tell_held(struct demo *demo, int region);

/* Removes the temporary copy, if there is one. May be called in a signal handler. */
void demo_remove_copy(void);

/* A region, configured so. A descriptor, or -1 after a sentence on stderr. */
int demo_configured(int flags, const struct vmlab_configure *configure);

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

#endif /* DEMO_H */
