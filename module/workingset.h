/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_WORKINGSET_H
#define VMLAB_WORKINGSET_H

#include <linux/types.h>
#include <linux/vmlab.h>

/* Buckets for numbers of pages up to 2^34, eight for each power of two. */
#define VMLAB_WORKINGSET_BUCKETS 256

/**
 * struct vmlab_workingset - how far pages of a pool were from staying in memory
 * @distance: refault distances of all pages that came back
 * @recent: how many of those that came back lately would have stayed in so much memory
 * @nr_recent: the sum of those
 *
 * Under policy_lock of the pool.
 */
struct vmlab_workingset {
	struct vmlab_histogram distance;
	u16 recent[VMLAB_WORKINGSET_BUCKETS];
	unsigned int nr_recent;
};

void vmlab_workingset_refault(struct vmlab_workingset *workingset, u64 distance, u64 frames);
u64 vmlab_workingset_estimate(const struct vmlab_workingset *workingset);

#endif
