/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_LATENCY_H
#define VMLAB_LATENCY_H

#include <linux/jump_label.h>
#include <linux/types.h>
#include <linux/vmlab.h>

#include "trace.h"

struct vm_fault;
struct vmlab_pool;
struct vmlab_region;

/* One for each CPU, as counters of regions are. */
struct vmlab_cpu_latency {
	struct vmlab_histogram of[VMLAB_HISTOGRAM_DISTANCE];	/* those before are of latencies */
};

/* Some pool's are measured. */
DECLARE_STATIC_KEY_FALSE(vmlab_latency_measured);

u64 vmlab_latency_clock(const struct vmlab_pool *pool, const struct vm_fault *vmf);
void vmlab_latency_count(struct vmlab_region *region, enum vmlab_fault_cause cause, u64 begun);

/*
 * A fault begins. Returns when, if its latency is to be measured, or 0. Where none is measured that
 * costs an instruction that does nothing.
 */
static inline u64 vmlab_latency_begin(const struct vmlab_pool *pool, const struct vm_fault *vmf)
{
	if (!static_branch_unlikely(&vmlab_latency_measured))
		return 0;
	return vmlab_latency_clock(pool, vmf);
}

/* It is served. */
static inline void vmlab_latency_end(struct vmlab_region *region, enum vmlab_fault_cause cause,
				     u64 begun)
{
	if (static_branch_unlikely(&vmlab_latency_measured) && begun)
		vmlab_latency_count(region, cause, begun);
}

int vmlab_latency_set(struct vmlab_pool *pool, bool on);
void vmlab_latency_free(struct vmlab_pool *pool);
void vmlab_latency_sum(const struct vmlab_pool *pool, unsigned int kind,
		       struct vmlab_histogram *sum);

#endif
