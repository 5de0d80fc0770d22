// SPDX-License-Identifier: GPL-2.0
/*
 * Touching. A touch is one store, or load, of a byte per page: three to five
 * instructions, which stay in the figures of all sides.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void touch_write(char *p, size_t pages)
{
	for (volatile char *at = p; pages--; at += PAGE)
		*at = 1;
}

/* Once every 2 MiB. */
void touch_write_huge(char *p, size_t length)
{
	for (volatile char *at = p; length; length -= HUGE, at += HUGE)
		*at = 1;
}

void touch_read(const char *p, size_t pages)
{
	for (const volatile char *at = p; pages--; at += PAGE)
		(void)*at;
}

void touch_in_order(char *p, const uint32_t *order, size_t count)
{
	for (size_t i = 0; i < count; i++)
		*(volatile char *)(p + order[i] * PAGE) = 1;
}

/* Different pages, shuffled, the same on every run. */
uint32_t *random_order(size_t count, size_t among)
{
	uint32_t *order = malloc(among * sizeof(*order));
	uint64_t state = 42;

	if (!order || count > among)
		die("random order");
	for (size_t i = 0; i < among; i++)
		order[i] = i;
	for (size_t i = 0; i < count; i++) {
		size_t other;
		uint32_t swap = order[i];

		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		/* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): i < count <= among */
		other = i + (state >> 33) % (among - i);
		order[i] = order[other];
		order[other] = swap;
	}
	return order;
}

/* Lets the first that is measured not pay for memory that the machine itself never touched. */
void pretouch(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	madvise(p, bytes, MADV_NOHUGEPAGE);
	memset(p, 1, bytes);
	munmap(p, bytes);
}
