// SPDX-License-Identifier: GPL-2.0
/*
 * One turn of each kind of work. Page tables are fresh for every turn of every
 * side, so that all pay for them alike.
 */
#include "bench.h"

#include <stdio.h>
#include <sys/mman.h>

static const uint32_t *order;

static double per_page(double amount)
{
	return amount / settings.pages;
}

double first_write(const struct side *side)
{
	struct memory memory;
	double took;

	memory_make(&memory, side, settings.pages);
	meter_begin();
	touch_write(memory.p, settings.pages);
	took = meter_end();
	memory_end(&memory);
	return per_page(took);
}

/* The cost of each 2 MiB, of at least as many pages as were asked for. */
double first_write_huge(const struct side *side)
{
	size_t count = (settings.pages * PAGE + HUGE - 1) / HUGE;
	struct memory memory;
	double took;

	memory_make(&memory, side, count * (HUGE / PAGE));
	meter_begin();
	touch_write_huge(memory.p, memory.length);
	took = meter_end();
	memory_end(&memory);
	return took / (double)count;
}

/* Every single random touch brings one page: looked at apart, not timed. */
static bool one_page_each(void)
{
	struct memory memory;
	bool each = true;

	memory_make(&memory, &vmlab, settings.pages * settings.sparse);
	for (size_t i = 0; i < settings.pages && each; i++) {
		touch_in_order(memory.p, order + i, 1);
		each = memory_resident(&memory) == i + 1;
	}
	memory_end(&memory);
	return each;
}

const char *prepare_random(void)
{
	if (!order)
		order = random_order(settings.pages, settings.pages * settings.sparse);
	return one_page_each() ? NULL : "a random touch brought more than one page";
}

double first_write_at_random(const struct side *side)
{
	struct memory memory;
	double took;

	memory_make(&memory, side, settings.pages * settings.sparse);
	meter_begin();
	touch_in_order(memory.p, order, settings.pages);
	took = meter_end();
	if (side == &vmlab && memory_resident(&memory) != settings.pages)
		fprintf(stderr, "vmlab-bench: %zu random touches brought %lu pages\n",
			settings.pages, (unsigned long)memory_resident(&memory));
	memory_end(&memory);
	return per_page(took);
}

/* Pages that are there, in a mapping that is not. */
static void make_and_map_anew(struct memory *memory, const struct side *side)
{
	memory_make(memory, side, settings.pages);
	touch_write(memory->p, settings.pages);
	memory_unmap(memory);
	memory_map(memory);
}

double rewrite(const struct side *side)
{
	struct memory memory;
	double took;

	make_and_map_anew(&memory, side);
	meter_begin();
	touch_write(memory.p, settings.pages);
	took = meter_end();
	memory_end(&memory);
	return per_page(took);
}

double reread(const struct side *side)
{
	struct memory memory;
	double took;

	make_and_map_anew(&memory, side);
	meter_begin();
	touch_read(memory.p, settings.pages);
	took = meter_end();
	memory_end(&memory);
	return per_page(took);
}

double unmap(const struct side *side)
{
	struct memory memory;
	double took;

	memory_make(&memory, side, settings.pages);
	touch_write(memory.p, settings.pages);
	meter_begin();
	munmap(memory.p, memory.length);
	took = meter_end();
	memory.p = NULL;
	memory_end(&memory);
	return per_page(took);
}

/* Of a file's cached pages, in order. */
double first_read(const struct side *side)
{
	struct memory memory;
	double took;

	memory_make(&memory, side, settings.pages);
	meter_begin();
	touch_read(memory.p, settings.pages);
	took = meter_end();
	memory_end(&memory);
	return per_page(took);
}

static void sync_all(struct memory *memory)
{
	if (msync(memory->p, memory->length, MS_SYNC))
		die("msync");
}

/* The first write to each page since it was written back. */
double rewrite_clean(const struct side *side)
{
	struct memory memory;
	double took;

	memory_make(&memory, side, settings.pages);
	touch_write(memory.p, settings.pages);
	sync_all(&memory);
	meter_begin();
	touch_write(memory.p, settings.pages);
	took = meter_end();
	memory_end(&memory);
	return per_page(took);
}

double write_back(const struct side *side)
{
	struct memory memory;
	double took;

	memory_make(&memory, side, settings.pages);
	touch_write(memory.p, settings.pages);
	meter_begin();
	sync_all(&memory);
	took = meter_end();
	memory_end(&memory);
	return per_page(took);
}

/* Kernel memory that is neither the pages nor the page tables: bytes per touched page. */
double memory_beside(const struct side *side)
{
	size_t pages = settings.pages * 8;
	struct memory memory;
	uint64_t before = memory_free() + meminfo("PageTables:"), after;

	memory_make(&memory, side, pages);
	touch_write(memory.p, pages);
	after = memory_free() + meminfo("PageTables:");
	memory_end(&memory);
	return (double)((int64_t)(before - after) - (int64_t)(pages * PAGE)) / pages;
}

/* Bytes that 1 TiB takes. */
double memory_of_untouched(const struct side *side)
{
	struct memory memory;
	uint64_t before = memory_free();
	double bytes;

	memory_make(&memory, side, 1UL << 28);
	bytes = (double)(int64_t)(before - memory_free());
	memory_end(&memory);
	return bytes;
}
