// SPDX-License-Identifier: GPL-2.0
/*
 * How much memory a pool's programs would need.
 *
 * The *refault distance* of a page (J. Weiner, mm/workingset.c, Linux 3.15) is the number of pages
 * that were evicted from when it was till it came back. Each of them made room for another one: so
 * many pages more, and it would have been there still, if the oldest is what goes; with other
 * policies that is about right. It takes a counter of the pool's, and its value with each page that
 * is stored.
 *
 * The *working set* (P. J. Denning, "The Working Set Model for Program Behavior", CACM 11(5), 1968)
 * is what a program uses within some time. Here that is the memory with which 90 % of the pages
 * that came back lately would have stayed: the sum of what a page that comes back finds in memory,
 * itself included, and its refault distance. "Lately" is counted in pages that come back, and has
 * nothing to do with time: whenever there are as many as WINDOW, half of each number is forgotten.
 * If none has come back, no more is known than that the memory is enough that there is.
 */
#include "workingset.h"

#include <linux/bitops.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>

#include "histogram.h"

#define WINDOW 1024
#define PERCENT 90

/* So many buckets for each power of two. */
#define STEPS_SHIFT 3
#define STEPS BIT(STEPS_SHIFT)

static unsigned int to_bucket(u64 pages)
{
	unsigned int order;

	if (pages < STEPS)
		return pages;
	order = ilog2(pages) - STEPS_SHIFT;
	return min_t(u64, (order << STEPS_SHIFT) + (pages >> order), VMLAB_WORKINGSET_BUCKETS - 1);
}

/* The most pages that are counted there. */
static u64 bucket_end(unsigned int bucket)
{
	unsigned int order;

	if (bucket < STEPS)
		return bucket;
	order = (bucket >> STEPS_SHIFT) - 1;
	return ((bucket % STEPS + STEPS + 1ULL) << order) - 1;
}

static void forget_half(struct vmlab_workingset *workingset)
{
	unsigned int i, nr = 0;

	for (i = 0; i < VMLAB_WORKINGSET_BUCKETS; i++) {
		workingset->recent[i] /= 2;
		nr += workingset->recent[i];
	}
	workingset->nr_recent = nr;
}

/**
 * vmlab_workingset_refault - a page has come back
 * @workingset: its pool's
 * @distance: pages that were evicted since it was
 * @frames: pages that the pool has in memory, this one included
 *
 * Context: caller holds policy_lock of the pool.
 */
void vmlab_workingset_refault(struct vmlab_workingset *workingset, u64 distance, u64 frames)
{
	vmlab_histogram_add(&workingset->distance, distance);
	if (workingset->nr_recent >= WINDOW)
		forget_half(workingset);
	workingset->recent[to_bucket(frames + distance)]++;
	workingset->nr_recent++;
}

/**
 * vmlab_workingset_estimate - the memory with which most of what came back would have stayed
 * @workingset: a pool's
 *
 * Context: caller holds policy_lock of the pool.
 * Return: pages, an eighth too many at most; 0 if nothing has come back.
 */
u64 vmlab_workingset_estimate(const struct vmlab_workingset *workingset)
{
	unsigned int wanted = DIV_ROUND_UP(workingset->nr_recent * PERCENT, 100), bucket = 0, nr;

	if (!wanted)
		return 0;
	for (nr = workingset->recent[0]; nr < wanted; nr += workingset->recent[bucket])
		bucket++;
	return bucket_end(bucket);
}
