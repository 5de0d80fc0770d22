/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOP_SAMPLE_H
#define TOP_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include <vmlab.h>

/* What pools and regions are sorted by, the largest first. */
enum top_column {
	TOP_FAULTS,	/* the first three: in a second */
	TOP_EVICTED,
	TOP_SWAPPED_IN,
	TOP_RESIDENT,	/* pages */
	TOP_STORED,
	TOP_WORKING_SET, /* a region's is that of its pool */
	TOP_COLUMNS,
};

#define TOP_RATES	TOP_RESIDENT

/* A pool or a region. */
struct top_row {
	uint64_t id;
	const struct vmlab_pool_stat *pool;	/* NULL: it is a region that has none with an id */
	const struct vmlab_stat *region;	/* NULL: it is a pool */
	uint64_t counts[TOP_RATES];		/* since it was made */
	double values[TOP_COLUMNS];
};

/* All of them at one moment. */
struct top_sample {
	double seconds;		/* when */
	struct vmlab_features features;
	struct vmlab_pool_stat *pool_stats;
	struct vmlab_stat *region_stats;
	struct top_row *pools;
	struct top_row *regions;
	size_t nr_pools;
	size_t nr_regions;
};

/* Takes one. Returns 0, and top_sample_free() is due; or -1 after a sentence. */
int top_sample_take(struct top_sample *sample);

/* Sets the rates since @before; of what was not there then, since it was made. */
void top_sample_compare(struct top_sample *sample, const struct top_sample *before);

/* Sorts by a column, and rows with the same value by id. */
void top_sample_sort(struct top_sample *sample, enum top_column column);

void top_sample_free(struct top_sample *sample);

#endif /* TOP_SAMPLE_H */
