// SPDX-License-Identifier: GPL-2.0
/*
 * One processor: what each piece of work costs per page. The sides of a row take
 * turns; the first turn of each warms up and is not counted. Page tables are
 * fresh for every turn of every side, so that all pay for them alike.
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define REPEATS_MAX 64

static const struct settings *settings;
static const uint32_t *order;

/* Nanoseconds that one turn takes, all pages. */
typedef uint64_t turn_fn(const struct side *side);

static uint64_t first_write(const struct side *side)
{
	struct memory memory;
	uint64_t begin, end;

	memory_make(&memory, side, settings->pages);
	begin = now();
	touch_write(memory.p, settings->pages);
	end = now();
	memory_end(&memory);
	return end - begin;
}

static uint64_t first_write_at_random(const struct side *side)
{
	struct memory memory;
	uint64_t begin, end;

	memory_make(&memory, side, settings->pages * settings->sparse);
	begin = now();
	touch_in_order(memory.p, order, settings->pages);
	end = now();
	if (side == &vmlab && memory_resident(&memory) != settings->pages)
		fprintf(stderr, "vmlab-bench: %zu random touches brought %lu pages\n",
			settings->pages, (unsigned long)memory_resident(&memory));
	memory_end(&memory);
	return end - begin;
}

/* Every single random touch brings one page: looked at apart, not timed. */
static bool one_page_each(void)
{
	struct memory memory;
	bool each = true;

	memory_make(&memory, &vmlab, settings->pages * settings->sparse);
	for (size_t i = 0; i < settings->pages && each; i++) {
		touch_in_order(memory.p, order + i, 1);
		each = memory_resident(&memory) == i + 1;
	}
	memory_end(&memory);
	return each;
}

static uint64_t refault(const struct side *side, bool write)
{
	struct memory memory;
	uint64_t begin, end;

	memory_make(&memory, side, settings->pages);
	touch_write(memory.p, settings->pages);
	memory_unmap(&memory);
	memory_map(&memory);
	begin = now();
	if (write)
		touch_write(memory.p, settings->pages);
	else
		touch_read(memory.p, settings->pages);
	end = now();
	memory_end(&memory);
	return end - begin;
}

static uint64_t rewrite(const struct side *side)
{
	return refault(side, true);
}

static uint64_t reread(const struct side *side)
{
	return refault(side, false);
}

static uint64_t unmap(const struct side *side)
{
	struct memory memory;
	uint64_t begin, end;

	memory_make(&memory, side, settings->pages);
	touch_write(memory.p, settings->pages);
	begin = now();
	munmap(memory.p, memory.length);
	end = now();
	memory.p = NULL;
	memory_end(&memory);
	return end - begin;
}

/* Measures all sides in turns; nanoseconds per page of each. */
static void take_turns(turn_fn *turn, const struct side *const *sides, size_t count, double *result)
{
	double times[8][REPEATS_MAX];

	for (size_t side = 0; side < count; side++)
		turn(sides[side]);
	for (unsigned int i = 0; i < settings->repeats; i++) {
		for (size_t side = 0; side < count; side++)
			times[side][i] = (double)turn(sides[side]) / settings->pages;
	}
	for (size_t side = 0; side < count; side++)
		result[side] = median(times[side], settings->repeats);
}

static void pair(const char *work, turn_fn *turn, const struct side *ours, double target)
{
	const struct side *sides[] = { ours, &memfd };
	double ns[2];

	take_turns(turn, sides, 2, ns);
	row_add((struct row){ .work = work, .peer = "memfd", .unit = "ns/page", .ours = ns[0],
			      .theirs = ns[1], .target = target });
}

static void measure_first_write(void)
{
	const char *work = "sequential first-touch write, shared";
	const struct side *sides[] = { &vmlab, &memfd, &anonymous, &userfault };
	const double targets[] = { 0, 0.33, 0.57, 0.11 };
	double ns[4];

	take_turns(first_write, sides, 4, ns);
	for (size_t i = 1; i < 4; i++)
		row_add((struct row){ .work = work, .peer = sides[i]->name, .unit = "ns/page",
				      .ours = ns[0], .theirs = ns[i], .target = targets[i] });
}

static void measure_random(void)
{
	const char *work = "random first-touch write, one page each";
	const struct side *sides[] = { &vmlab, &memfd, &anonymous };
	const double targets[] = { 0, 0.67, 1.12 };
	const char *skipped;
	double ns[3];

	order = random_order(settings->pages, settings->pages * settings->sparse);
	skipped = one_page_each() ? NULL : "a random touch brought more than one page";
	take_turns(first_write_at_random, sides, 3, ns);
	for (size_t i = 1; i < 3; i++)
		row_add((struct row){ .work = work, .peer = sides[i]->name, .unit = "ns/page",
				      .ours = ns[0], .theirs = ns[i], .target = targets[i],
				      .skipped = skipped });
}

/* First read of a file's cached pages, in order. */
static uint64_t file_read(int file, bool region)
{
	struct memory memory;
	uint64_t begin, end;

	memory_of_file(&memory, file, settings->pages, region);
	begin = now();
	touch_read(memory.p, settings->pages);
	end = now();
	memory_end(&memory);
	return end - begin;
}

static void measure_file(const char *type, const char *work, double target)
{
	struct row row = { .work = work, .peer = "file mmap", .unit = "ns/page", .target = target };
	double ours[REPEATS_MAX], theirs[REPEATS_MAX];
	const char *before;
	int file = file_make(type, settings->pages, &row.skipped);

	before = row.skipped ? NULL : fault_around_set("4096");
	if (!row.skipped && !before)
		row.skipped = "no fault_around_bytes in debugfs";
	for (unsigned int i = 0; !row.skipped && i < settings->repeats + 1; i++) {
		unsigned int at = i ? i - 1 : 0;	/* the first turn is written over */

		ours[at] = (double)file_read(file, true) / settings->pages;
		theirs[at] = (double)file_read(file, false) / settings->pages;
	}
	if (!row.skipped) {
		fault_around_set(before);
		row.ours = median(ours, settings->repeats);
		row.theirs = median(theirs, settings->repeats);
	}
	row_add(row);
	close(file);
	file_clean();
}

/* Kernel memory that is neither the pages nor the page tables, per touched page. */
static double beside(const struct side *side, size_t pages)
{
	struct memory memory;
	uint64_t before = memory_free() + meminfo("PageTables:"), after;

	memory_make(&memory, side, pages);
	touch_write(memory.p, pages);
	after = memory_free() + meminfo("PageTables:");
	memory_end(&memory);
	return (double)((int64_t)(before - after) - (int64_t)(pages * PAGE)) / pages;
}

static void measure_beside(void)
{
	size_t pages = settings->pages * 8;
	double ours[REPEATS_MAX], theirs[REPEATS_MAX];

	for (unsigned int i = 0; i < settings->repeats + 1; i++) {
		unsigned int at = i ? i - 1 : 0;

		ours[at] = beside(&vmlab, pages);
		theirs[at] = beside(&memfd, pages);
	}
	row_add((struct row){ .work = "memory beside the pages and their page tables",
			      .peer = "-", .unit = "bytes/page", .theirs = -1, .target = 64,
			      .ours = median(ours, settings->repeats) });
	row_add((struct row){ .work = "the same of a memfd, to compare", .peer = "-",
			      .unit = "bytes/page", .theirs = -1,
			      .ours = median(theirs, settings->repeats) });
}

static void measure_untouched(void)
{
	double bytes[REPEATS_MAX];

	for (unsigned int i = 0; i < settings->repeats; i++) {
		struct memory memory;
		uint64_t before = memory_free();

		memory_make(&memory, &vmlab, 1UL << 28);
		bytes[i] = (double)(int64_t)(before - memory_free());
		memory_end(&memory);
	}
	row_add((struct row){ .work = "1 TiB mapped, untouched", .peer = "-", .unit = "bytes",
			      .ours = median(bytes, settings->repeats), .theirs = -1,
			      .target = MIB });
}

void rows_measure(const struct settings *chosen)
{
	settings = chosen;
	measure_first_write();
	measure_random();
	pair("write to resident pages, freshly mapped", rewrite, &vmlab, 0.27);
	pair("the same, region that may be COW-shared", rewrite, &vmlab_tracked, 0.92);
	pair("read of resident pages, freshly mapped", reread, &vmlab, 0.95);
	pair("unmap of touched pages", unmap, &vmlab, 0.95);
	measure_file("tmpfs", "first read of cached file pages, tmpfs", 1.3);
	measure_file("ext4", "first read of cached file pages, ext4", 1.3);
	measure_beside();
	measure_untouched();
}
