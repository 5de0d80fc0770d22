/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_HISTOGRAM_H
#define VMLAB_HISTOGRAM_H

#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/vmlab.h>

/* Where a value is counted: see struct vmlab_histogram. */
static inline unsigned int vmlab_histogram_bucket(u64 value)
{
	return min_t(unsigned int, ilog2(value | 1), VMLAB_HISTOGRAM_BUCKETS - 1);
}

/* Counts a value. Caller is the only one to change the histogram. */
static inline void vmlab_histogram_add(struct vmlab_histogram *histogram, u64 value)
{
	histogram->sum += value;
	histogram->counts[vmlab_histogram_bucket(value)]++;
}

#endif
