// SPDX-License-Identifier: GPL-2.0
/*
 * One turn of each kind of work with memory that is shared by copy-on-write: a region with
 * its clone, or with the child's at a fork; anonymous memory with the child's.
 */
#include "bench.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vmlab.h>

/* 256 MiB, by default. */
static size_t large(void)
{
	return settings.pages * 8;
}

/* Memory that is shared, mapped, and not written to since. */
static void make_shared(struct memory *memory, const struct side *side, size_t pages)
{
	memory_make(memory, side, pages);
	touch_write(memory->p, pages);
	side->share(memory);
	touch_read(memory->p, pages);
}

static void end_shared(struct memory *memory)
{
	memory->side->unshare(memory);
	memory_end(memory);
}

double cow_break(const struct side *side)
{
	struct memory memory;
	double took;

	make_shared(&memory, side, settings.pages);
	meter_begin();
	touch_write(memory.p, settings.pages);
	took = meter_end();
	end_shared(&memory);
	return took / settings.pages;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Each write by itself, at random places; what ninety-nine of a hundred take at most. */
double cow_break_p99(const struct side *side)
{
	size_t pages = settings.pages * 5 / 4;
	uint32_t *order = random_order(pages, pages);
	uint64_t *took = calloc(pages, sizeof(*took));
	struct memory memory;
	double p99;

	if (!took)
		die("calloc");
	make_shared(&memory, side, pages);
	for (size_t i = 0; i < pages; i++) {
		uint64_t start = now();

		touch_in_order(memory.p, order + i, 1);
		took[i] = now() - start;
	}
	end_shared(&memory);
	qsort(took, pages, sizeof(*took), compare);
	p99 = (double)took[(size_t)(pages * 0.99)];
	free(took);
	free(order);
	return p99;
}

static double share(struct memory *memory)
{
	double took;

	meter_begin();
	memory->side->share(memory);
	took = meter_end();
	return took / large();
}

/* In no page table, where that can be; anonymous memory is nowhere else. */
double share_unmapped(const struct side *side)
{
	struct memory memory;
	double took;

	memory_make(&memory, side, large());
	touch_write(memory.p, large());
	if (memory.fd >= 0) {
		memory_unmap(&memory);
		memory_map(&memory);
	}
	took = share(&memory);
	end_shared(&memory);
	return took;
}

double share_mapped(const struct side *side)
{
	struct memory memory;
	double took;

	memory_make(&memory, side, large());
	touch_write(memory.p, large());
	took = share(&memory);
	end_shared(&memory);
	return took;
}

/* Once more, and nothing was written in between. */
double share_again(const struct side *side)
{
	struct memory memory, again;
	double took;

	memory_make(&memory, side, large());
	touch_write(memory.p, large());
	side->share(&memory);
	again = memory;
	took = share(&again);
	side->unshare(&again);
	end_shared(&memory);
	return took;
}

/* Bytes that a hundred clones take, of memory that nobody writes to. */
double memory_of_clones(const struct side *side)
{
	struct memory memory;
	int clones[100];
	uint64_t before;
	double bytes;

	memory_make(&memory, side, large());
	touch_write(memory.p, large());
	before = memory_free();
	for (size_t i = 0; i < 100; i++) {
		side->share(&memory);
		clones[i] = memory.copy;
	}
	bytes = (double)(int64_t)(before - memory_free());
	for (size_t i = 0; i < 100; i++)
		close(clones[i]);
	memory_end(&memory);
	return bytes;
}
