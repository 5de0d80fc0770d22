// SPDX-License-Identifier: GPL-2.0
/*
 * Several processors: threads touch one object for the first time, each its own
 * part of it. Wall clock; how much faster two threads are than one, on either
 * side, in turns. The least of all turns counts: whatever else the machine does
 * only adds to it.
 */
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

struct part {
	pthread_t thread;
	pthread_barrier_t *start;
	char *p;
	size_t pages;
	uint64_t begin, end;
};

static void *touch_part(void *argument)
{
	struct part *part = argument;

	pthread_barrier_wait(part->start);
	part->begin = now();
	touch_write(part->p, part->pages);
	part->end = now();
	return NULL;
}

/* From the first one's start to the last one's end. */
static double first_touch(const struct side *side, size_t pages, unsigned int threads)
{
	struct part parts[2];
	pthread_barrier_t start;
	struct memory memory;
	uint64_t begin = UINT64_MAX, end = 0;

	memory_make(&memory, side, pages);
	pthread_barrier_init(&start, NULL, threads);
	for (unsigned int i = 0; i < threads; i++) {
		parts[i] = (struct part){
			.start = &start,
			.p = memory.p + i * (pages / threads) * PAGE,
			.pages = pages / threads,
		};
		if (pthread_create(&parts[i].thread, NULL, touch_part, &parts[i]))
			die("pthread_create");
	}
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(parts[i].thread, NULL);
		begin = parts[i].begin < begin ? parts[i].begin : begin;
		end = parts[i].end > end ? parts[i].end : end;
	}
	pthread_barrier_destroy(&start);
	memory_end(&memory);
	return (double)(end - begin) / pages;
}

static double least(const double *values, size_t count)
{
	double value = values[0];

	for (size_t i = 1; i < count; i++)
		value = values[i] < value ? values[i] : value;
	return value;
}

void threads_measure(void)
{
	const struct side *sides[] = { &vmlab, &memfd };
	double ns[2][2][REPEATS_MAX] = {}, result[2][2];

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		row_add((struct row){
			.work = "two threads' speed-up",
			.peer = "memfd",
			.skipped = "one processor only",
		});
		return;
	}
	for (unsigned int i = 0; i < settings.repeats + 1; i++) {
		unsigned int at = i ? i - 1 : 0;	/* the first turn is written over */

		for (unsigned int side = 0; side < 2; side++) {
			for (unsigned int threads = 1; threads <= 2; threads++)
				ns[side][threads - 1][at] =
					first_touch(sides[side], settings.pages, threads);
		}
	}
	for (unsigned int side = 0; side < 2; side++) {
		for (unsigned int threads = 0; threads < 2; threads++)
			result[side][threads] = least(ns[side][threads], settings.repeats);
	}
	for (unsigned int threads = 0; threads < 2; threads++)
		row_add((struct row){
			.work = threads ? "first-touch write, two threads" :
					  "first-touch write, one thread",
			.peer = "memfd",
			.unit = "ns/page, wall",
			.ours = result[0][threads],
			.theirs = result[1][threads],
		});
	row_add((struct row){
		.work = "speed-up of two threads over one",
		.peer = "memfd",
		.unit = "times",
		.ours = result[0][0] / result[0][1],
		.theirs = result[1][0] / result[1][1],
		.target = 1,
		.at_least = true,
		.headline = true,
	});
}
