// SPDX-License-Identifier: GPL-2.0
/*
 * What vmlab top shows: figures of pools and regions, and how fast they grow.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fail.h"
#include "figures.h"
#include "top_sample.h"

static void fill_pool(struct top_row *row, const struct vmlab_pool_stat *stat)
{
	*row = (struct top_row){
		.id = stat->id,
		.pool = stat,
		.counts = {
			[TOP_FAULTS] = stat->faults,
			[TOP_EVICTED] = stat->evicted,
			[TOP_SWAPPED_IN] = stat->swapped_in,
		},
		.values = {
			[TOP_RESIDENT] = (double)stat->resident,
			[TOP_STORED] = (double)stat->stored,
			[TOP_WORKING_SET] = (double)stat->working_set,
		},
	};
}

static const struct vmlab_pool_stat *find_pool(const struct top_sample *sample, uint64_t id)
{
	for (size_t i = 0; i < sample->nr_pools; i++) {
		if (sample->pool_stats[i].id == id)
			return &sample->pool_stats[i];
	}
	return NULL;
}

static void fill_region(const struct top_sample *sample, struct top_row *row,
			const struct vmlab_stat *stat)
{
	const struct vmlab_pool_stat *pool = find_pool(sample, stat->pool);

	*row = (struct top_row){
		.id = stat->id,
		.pool = pool,
		.region = stat,
		.counts = {
			[TOP_FAULTS] = stat->faults,
			[TOP_EVICTED] = stat->evicted,
			[TOP_SWAPPED_IN] = stat->swapped_in,
		},
		.values = {
			[TOP_RESIDENT] = (double)stat->resident,
			[TOP_STORED] = (double)stat->stored,
			[TOP_WORKING_SET] = pool ? (double)pool->working_set : 0,
		},
	};
}

int top_sample_take(struct top_sample *sample)
{
	*sample = (struct top_sample){ .seconds = clock_seconds() };
	if (figures_list(&sample->region_stats, &sample->nr_regions, &sample->features))
		return -1;
	if (figures_pools(&sample->pool_stats, &sample->nr_pools))
		goto free_sample;
	sample->pools = calloc(sample->nr_pools + 1, sizeof(*sample->pools));
	sample->regions = calloc(sample->nr_regions + 1, sizeof(*sample->regions));
	if (!sample->pools || !sample->regions) {
		fail("there is not enough memory: close programs and try again");
		goto free_sample;
	}
	for (size_t i = 0; i < sample->nr_pools; i++)
		fill_pool(&sample->pools[i], &sample->pool_stats[i]);
	for (size_t i = 0; i < sample->nr_regions; i++)
		fill_region(sample, &sample->regions[i], &sample->region_stats[i]);
	return 0;

free_sample:
	top_sample_free(sample);
	return -1;
}

static void compare(struct top_row *rows, size_t nr, const struct top_row *before, size_t nr_before,
		    double seconds)
{
	for (size_t i = 0; i < nr; i++) {
		const struct top_row *old = NULL;

		for (size_t j = 0; j < nr_before && !old; j++) {
			if (before[j].id == rows[i].id)
				old = &before[j];
		}
		for (int rate = 0; rate < TOP_RATES; rate++) {
			uint64_t count = rows[i].counts[rate], from = old ? old->counts[rate] : 0;

			/* Counters of several processors are not read at one moment. */
			if (count > from && seconds > 0)
				rows[i].values[rate] = (double)(count - from) / seconds;
		}
	}
}

void top_sample_compare(struct top_sample *sample, const struct top_sample *before)
{
	double seconds = sample->seconds - before->seconds;

	compare(sample->pools, sample->nr_pools, before->pools, before->nr_pools, seconds);
	compare(sample->regions, sample->nr_regions, before->regions, before->nr_regions, seconds);
}

static int compare_rows(const void *left, const void *right, void *arg)
{
	const struct top_row *a = left, *b = right;
	const enum top_column *column = arg;

	if (a->values[*column] != b->values[*column])
		return a->values[*column] < b->values[*column] ? 1 : -1;
	return a->id < b->id ? -1 : a->id > b->id;
}

void top_sample_sort(struct top_sample *sample, enum top_column column)
{
	qsort_r(sample->pools, sample->nr_pools, sizeof(*sample->pools), compare_rows, &column);
	qsort_r(sample->regions, sample->nr_regions, sizeof(*sample->regions), compare_rows,
		&column);
}

void top_sample_free(struct top_sample *sample)
{
	free(sample->pool_stats);
	free(sample->region_stats);
	free(sample->pools);
	free(sample->regions);
	*sample = (struct top_sample){ 0 };
}
