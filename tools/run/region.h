/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The region that a process has its anonymous memory in.
 *
 * *What is mapped at an address is in the region at the same offset.* So no table says what
 * is where, no lock protects one, and nothing has to be repaired after a fork: any thread,
 * and any signal handler, may do at any time what it could do without us. What the region
 * has at offsets where something else is mapped, or nothing, is seen by nobody; it is taken
 * out at the latest when something is mapped there.
 *
 * Functions return a negative errno, and leave the variable alone.
 */
#ifndef REGION_H
#define REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run.h"

#define PAGE_SIZE	4096UL

/* The end of the region, and of addresses that programs get unless they ask for more. */
#define REGION_END	(1UL << 47)

static inline size_t page_align(size_t length)
{
	return (length + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

/* Pages that can be in the region: nothing wraps around, and there is one at least. */
static inline bool is_range(uintptr_t address, size_t length)
{
	return !(address % PAGE_SIZE) && length && address < REGION_END &&
	       length <= REGION_END - address;
}

/**
 * terms_read() - take in the variable
 * @text:	its value, as RUN_FORMAT has it; NULL: it is not set
 * @terms:	filled
 *
 * The C library may not be ready for sscanf() yet.
 * Return: is it valid?
 */
bool terms_read(const char *text, struct run_terms *terms);

/**
 * region_ready() - is there a region, and is it this process's own?
 *
 * The first call in a program joins the pool; the first one after a fork gets hold of the
 * clone that the kernel made then. Until others have done so, and if it cannot be done,
 * there is none: memory is the kernel's.
 */
bool region_ready(void);

/* Is there memory of a region in this process, though region_ready() says no? */
bool region_lost(void);

/* The descriptors that the library needs: each is one, or -1. */
#define REGION_DESCRIPTORS 3
int region_descriptor(unsigned int i);

/* Never NULL. */
struct run_figures *region_figures(void);

static inline void count(uint64_t *figure, uint64_t n)
{
	__atomic_fetch_add(figure, n, __ATOMIC_RELAXED);
}

/**
 * region_map() - map the region, without pages, in the place of what is there
 * @address:	where, a multiple of the page size
 * @length:	likewise
 * @prot:	PROT_READ and the like
 * @flags:	of them, MAP_NORESERVE counts
 *
 * Return: 0; or an error: what is there then must be replaced.
 */
int region_map(uintptr_t address, size_t length, int prot, int flags);

/* Does the region have pages there, in memory or not? Or a negative errno. */
int region_has_pages(uintptr_t address, size_t length);

/* Takes the pages of a range out of the region: it reads as zeroes. */
int region_punch(uintptr_t address, size_t length);

/* Copies the pages of a range, within the region; where they go there are none. */
int region_copy(uintptr_t from, uintptr_t to, size_t length);

/* Copies them to memory that is all zeroes. */
int region_read(uintptr_t from, uintptr_t to, size_t length);

/**
 * struct piece - a mapping of the process, or a part of one
 * @start:	address
 * @end:	where it ends
 * @prot:	PROT_READ and the like
 * @ours:	is it one of the region?
 */
struct piece {
	uintptr_t start;
	uintptr_t end;
	int prot;
	bool ours;
};

/* Return: 0 to go on; another value ends the walk. */
typedef int (*piece_fn)(const struct piece *piece, void *arg);

/**
 * maps_walk() - what is mapped in a range, as /proc/self/maps tells it
 * @address:	the start of the range
 * @length:	its length
 * @fn:		called for each mapping, cut to the range, in order
 * @arg:	passed on
 *
 * Return: 0, what @fn returned to end the walk, or a negative errno.
 */
int maps_walk(uintptr_t address, size_t length, piece_fn fn, void *arg);

/* Tells maps_walk() to know the region by the one page that is mapped there. */
void maps_learn(uintptr_t address);

/**
 * maps_prot() - what a whole range is
 * @address:	the start of the range
 * @length:	its length
 * @prot:	set, if it is the region's
 *
 * Return: 1, it is the region's, with one protection; 0, no part is; -EFAULT, neither, or
 * there are holes; or what became of reading /proc.
 */
int maps_prot(uintptr_t address, size_t length, int *prot);

/* Maps memory of the region where nothing was, at @address if that is not 0. */
long memory_new(uintptr_t address, size_t length, int prot, int flags);

/* munmap() */
long memory_unmap(uintptr_t address, size_t length);

/* Leaves a range to be mapped by others: the region has no pages there. */
int memory_forget(uintptr_t address, size_t length);

#endif /* REGION_H */
