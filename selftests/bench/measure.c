// SPDX-License-Identifier: GPL-2.0
/*
 * How rows are measured: the sides of each take turns; the first turn of each
 * warms up and is not counted, the median of the others is the figure. (Misses are
 * counted in the first: there is nothing to warm up.) Of
 * events one turn is counted: they are the same each time.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was measured of one side. */
struct result {
	double figure;
	struct events events;
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static size_t sides_count(const struct work *work)
{
	size_t count = 0;

	while (count < SIDES_MAX && work->sides[count].side)
		count++;
	return count;
}

static bool is_count(const struct work *work)
{
	return work->unit && !strcmp(work->unit, "misses");
}

static void take_turns(const struct work *work, struct result *results)
{
	double figures[SIDES_MAX][REPEATS_MAX];
	unsigned int turns = work->turns ? work->turns : settings.repeats;
	size_t sides = sides_count(work);

	for (size_t side = 0; side < sides && !is_count(work); side++)
		work->turn(work->sides[side].side);
	for (unsigned int i = 0; i < turns; i++) {
		for (size_t side = 0; side < sides; side++) {
			meter_mark(side);
			figures[side][i] = work->turn(work->sides[side].side);
		}
	}
	meter_mark(-1);
	for (size_t side = 0; side < sides; side++)
		results[side].figure = median(figures[side], turns);
}

static void count_events(const struct work *work, struct result *results)
{
	for (size_t side = 0; side < sides_count(work); side++) {
		struct events events;

		work->turn(work->sides[side].side);
		work->turn(work->sides[side].side);
		events = meter_events();
		results[side].events = (struct events){
			.faults = events.faults / settings.pages,
			.shootdowns = events.shootdowns / settings.pages,
		};
	}
}

static void add_rows(const struct work *work, const struct result *results, const char *skipped)
{
	size_t sides = sides_count(work);

	for (size_t side = sides > 1; side < sides; side++) {
		struct row row = {
			.work = work->name,
			.unit = work->unit,
			.skipped = skipped,
			.peer = "-",
			.ours = results[0].figure,
			.theirs = -1,
			.target = work->sides[side].target,
			.headline = work->headline,
			.our_events = results[0].events,
		};

		if (side) {
			row.peer = work->sides[side].side->name;
			row.theirs = results[side].figure;
			row.their_events = results[side].events;
		}
		row_add(row);
	}
}

static void with_all_set_up(const struct work *work,
			    void (*measure)(const struct work *, struct result *))
{
	struct result results[SIDES_MAX] = {};
	const char *skipped = work->prepare ? work->prepare() : NULL;

	if (!skipped)
		measure(work, results);
	if (work->finish)
		work->finish();
	add_rows(work, results, skipped);
}

typedef void measure_fn(const struct work *, struct result *);

static void measure_row(const struct work *work, measure_fn *measure)
{
	if (!settings.only || strstr(work->name, settings.only))
		with_all_set_up(work, measure);
}

/* As if its sides had that policy, but for those that have one of their own. */
static void measure_by(struct work work, const char *policy, measure_fn *measure)
{
	struct side sides[SIDES_MAX];

	for (size_t i = 0; i < SIDES_MAX && work.sides[i].side; i++) {
		const char *own = work.sides[i].policy;

		sides[i] = *work.sides[i].side;
		sides[i].policy = own ? own : policy;
		if (own)
			sides[i].name = own;
		work.sides[i].side = &sides[i];
	}
	measure_row(&work, measure);
}

static void measure_by_each(const struct work *work, measure_fn *measure)
{
	char policies[] = "random fifo clock lru 2q arc sieve s3fifo lirs", *rest = policies;
	const char *policy;

	while ((policy = strsep(&rest, " "))) {
		struct work one = *work;
		char *name;	/* the table's from here on */

		if (asprintf(&name, "%s, %s", work->name, policy) < 0)
			die(work->name);
		one.name = name;
		measure_by(one, policy, measure);
	}
}

static bool is_by_each(const struct work *work)
{
	return work->policy && !strcmp(work->policy, ALL_POLICIES);
}

static void measure_work(const struct work *work, measure_fn *measure)
{
	if (is_by_each(work))
		measure_by_each(work, measure);
	else if (work->policy)
		measure_by(*work, work->policy, measure);
	else
		measure_row(work, measure);
}

void works_measure(void)
{
	for (size_t i = 0; i < works_count; i++)
		measure_work(&works[i], take_turns);
}

/* Of the work that has a cost: what has a unit of its own is an amount. Policies do not differ. */
void works_count_events(void)
{
	meter_open_events();
	for (size_t i = 0; i < works_count; i++) {
		if (!works[i].unit && !is_by_each(&works[i]))
			measure_work(&works[i], count_events);
	}
}
