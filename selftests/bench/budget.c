// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of whose pages a part fits into memory. The references are made up in advance, the same
 * for all sides; a peer that is simulated gets them as a trace.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIMULATOR "../../tools/vmlab/vmlab sim --json --lirs paper"

/* Of each four two are writes: where kinds of references alternate, half of each. */
struct references {
	uint32_t *pages;
	size_t count;
	size_t distinct;	/* pages that there are */
	size_t frames;		/* that may be in memory */
};

static struct references made;

static uint64_t state;

static uint64_t random_number(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 33;
}

static void begin(size_t distinct, size_t frames, size_t count)
{
	state = 42;
	free(made.pages);
	made = (struct references){
		.pages = malloc(count * sizeof(*made.pages)),
		.distinct = distinct,
		.frames = frames,
	};
	if (!made.pages)
		die("references");
}

static void add(size_t page)
{
	made.pages[made.count++] = page;
}

/* Any page is as likely as any other one. */
static void make_uniform(size_t distinct, size_t frames, size_t count)
{
	begin(distinct, frames, count);
	while (made.count < count)
		add(random_number() % distinct);
}

static void make_loop(size_t distinct, size_t frames, size_t count)
{
	begin(distinct, frames, count);
	while (made.count < count)
		add(made.count % distinct);
}

/* Pages that are referenced time and again, and would fit; and between them all, in order. */
static void make_scan(size_t distinct, size_t frames, size_t count)
{
	size_t hot = frames / 2;

	begin(distinct, frames, count);
	while (made.count < count)
		add(made.count % 2 ? random_number() % hot : made.count / 2 % distinct);
}

/* The page of rank N is referenced 1/N as often as the first; ranks are strewn over the memory. */
static void make_zipf(size_t distinct, size_t frames, size_t count)
{
	uint32_t *order = random_order(distinct, distinct);
	double *sums = malloc(distinct * sizeof(*sums)), sum = 0;

	begin(distinct, frames, count);
	if (!sums)
		die("references");
	for (size_t i = 0; i < distinct; i++) {
		sum += 1.0 / (double)(i + 1);
		sums[i] = sum;
	}
	while (made.count < count) {
		double at = (double)random_number() / (double)(1UL << 31) * sum;
		size_t low = 0, high = distinct - 1;

		while (low < high) {
			size_t middle = (low + high) / 2;

			if (sums[middle] < at)
				low = middle + 1;
			else
				high = middle;
		}
		add(order[low]);
	}
	free(sums);
	free(order);
}

static void refer(char *p)
{
	for (size_t i = 0; i < made.count; i++) {
		volatile char *at = p + made.pages[i] * PAGE + sizeof(uint64_t);

		if (i / 2 % 2)
			*at = (char)i;
		else
			(void)*at;
	}
}

/* Memory under its limit, with content in all of its pages. */
static void make_limited(struct memory *memory, const struct side *side)
{
	memory_make(memory, side, made.distinct);
	side->limit(memory, made.frames);
	for (size_t i = 0; i < made.distinct; i++)
		page_fill(memory->p + i * PAGE, i);
}

/* That the pages come once at first is no miss. */
static double simulate(const char *policy)
{
	char path[] = "/tmp/vmlab-bench.XXXXXX", command[128], *line = NULL;
	int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	double misses = -1;
	size_t size = 0;

	if (!file)
		die(path);
	for (size_t i = 0; i < made.distinct; i++)
		fprintf(file, "%zu\n", i);
	for (size_t i = 0; i < made.count; i++)
		fprintf(file, "%u\n", made.pages[i]);
	if (fclose(file))
		die(path);
	snprintf(command, sizeof(command), SIMULATOR " --policy %s --cache %zu %s", policy,
		 made.frames, path);
	/* NOLINTNEXTLINE(cert-env33-c): nothing of it comes from outside. */
	file = popen(command, "r");
	while (file && getline(&line, &size, file) > 0) {
		const char *at = strstr(line, "\"misses\":");

		if (at)
			misses = strtod(at + strlen("\"misses\":"), NULL);
	}
	free(line);
	unlink(path);
	if (!file || pclose(file) || misses < 0)
		die(SIMULATOR);
	return misses - (double)made.distinct;
}

static double misses(const struct side *side)
{
	struct memory memory;
	double before, after;

	if (!side->map)
		return simulate(side->policy);
	make_limited(&memory, side);
	before = (double)side->swapped_in(&memory);
	refer(memory.p);
	after = (double)side->swapped_in(&memory);
	memory_end(&memory);
	return after - before;
}

/* Enough pages for what a cgroup has in stock not to matter. */
static size_t at_least(size_t pages)
{
	return pages < 512 ? 512 : pages;
}

/* A quarter of the pages fits. */
static double misses_of(void (*make)(size_t distinct, size_t frames, size_t count),
			const struct side *side)
{
	size_t distinct = at_least(settings.pages / 2);

	make(distinct, distinct / 4, 6 * distinct);
	return misses(side);
}

double misses_of_loop(const struct side *side)
{
	return misses_of(make_loop, side);
}

double misses_of_scan(const struct side *side)
{
	return misses_of(make_scan, side);
}

double misses_of_zipf(const struct side *side)
{
	return misses_of(make_zipf, side);
}

/* Half of the pages fit. Returns what all references took. */
static double refer_half(const struct side *side, double *misses)
{
	size_t distinct = at_least(settings.pages);
	struct memory memory;
	double took;

	make_uniform(distinct, distinct / 2, distinct);
	make_limited(&memory, side);
	refer(memory.p);
	*misses = (double)side->swapped_in(&memory);
	meter_begin();
	refer(memory.p);
	took = meter_end();
	*misses = (double)side->swapped_in(&memory) - *misses;
	memory_end(&memory);
	return took;
}

double reference_half(const struct side *side)
{
	double misses;

	return refer_half(side, &misses) / (double)made.count;
}

/* A page comes back, and another one leaves. */
double miss_half(const struct side *side)
{
	double misses, took = refer_half(side, &misses);

	return took / misses;
}
