// SPDX-License-Identifier: GPL-2.0
/*
 * How long faults take, by what they are about: a histogram for each CPU, of those pools that are
 * told to measure it. Elsewhere no clock is read, for what it costs is a part of what a first touch
 * does.
 */
#include "latency.h"

#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/percpu.h>

#include "histogram.h"
#include "pool.h"
#include "region.h"
#include "store.h"

DEFINE_STATIC_KEY_FALSE(vmlab_latency_measured);

/**
 * vmlab_latency_clock - when a fault has begun that is to be measured
 * @pool: the pool of its region
 * @vmf: the fault; one that is tried again was measured when it was first tried, for that is when
 *	it waited
 *
 * Context: any.
 * Return: that; 0 if it is not to be.
 */
u64 vmlab_latency_clock(const struct vmlab_pool *pool, const struct vm_fault *vmf)
{
	/* Pairs with vmlab_latency_set(): the histograms come before. */
	if (!smp_load_acquire(&pool->timed) || vmf->flags & FAULT_FLAG_TRIED)
		return 0;
	return ktime_get_ns();
}

/* Which histogram a fault belongs to, or VMLAB_HISTOGRAM_DISTANCE: none. */
static unsigned int to_kind(const struct vmlab_region *region, enum vmlab_fault_cause cause)
{
	bool reads = READ_ONCE(region->backing)->filled == VMLAB_READ_IN;
	bool in_file = vmlab_store_waits(region->pool->store) && !region->pool->store->far;

	switch (cause) {
	case VMLAB_FAULT_FIRST_TOUCH:
		return reads ? VMLAB_HISTOGRAM_READ_IN : VMLAB_HISTOGRAM_FIRST_TOUCH;
	case VMLAB_FAULT_REFAULT:
		return VMLAB_HISTOGRAM_REFAULT;
	case VMLAB_FAULT_COPY_ON_WRITE:
		return VMLAB_HISTOGRAM_COPY;
	case VMLAB_FAULT_SWAP_IN:
		return in_file ? VMLAB_HISTOGRAM_SWAP_FILE : VMLAB_HISTOGRAM_SWAP_MEMORY;
	case VMLAB_FAULT_SWAP_IN_FAR:
		return VMLAB_HISTOGRAM_SWAP_FILE;
	default:
		return VMLAB_HISTOGRAM_DISTANCE;
	}
}

/**
 * vmlab_latency_count - count how long a fault took
 * @region: its region
 * @cause: what it was about
 * @begun: what vmlab_latency_clock() said, not 0
 *
 * Context: any.
 */
void vmlab_latency_count(struct vmlab_region *region, enum vmlab_fault_cause cause, u64 begun)
{
	struct vmlab_cpu_latency __percpu *latency = region->pool->latency;
	unsigned int kind = to_kind(region, cause);
	u64 ns = ktime_get_ns() - begun;

	if (kind == VMLAB_HISTOGRAM_DISTANCE)
		return;
	this_cpu_inc(latency->of[kind].counts[vmlab_histogram_bucket(ns)]);
	this_cpu_add(latency->of[kind].sum, ns);
}

/**
 * vmlab_latency_set - have the latencies of a pool's faults measured from now on, or no more
 * @pool: the pool
 * @on: which
 *
 * What was measured before stays. The pool is registered when it is first measured.
 * Context: may sleep. Caller holds config_lock.
 * Return: 0, -ENOMEM, or what vmlab_pool_register() says.
 */
int vmlab_latency_set(struct vmlab_pool *pool, bool on)
{
	struct vmlab_cpu_latency __percpu *latency;
	int ret;

	lockdep_assert_held(&pool->config_lock);
	if (on == pool->timed)
		return 0;
	if (!pool->latency) {
		latency = alloc_percpu_gfp(struct vmlab_cpu_latency, GFP_KERNEL_ACCOUNT);
		if (!latency)
			return -ENOMEM;
		ret = vmlab_pool_register(pool);
		if (ret) {
			free_percpu(latency);
			return ret;
		}
		smp_store_release(&pool->latency, latency);	/* zeroed before */
	}
	if (on)
		static_branch_inc(&vmlab_latency_measured);
	else
		static_branch_dec(&vmlab_latency_measured);
	smp_store_release(&pool->timed, on);		/* see vmlab_latency_clock() */
	return 0;
}

/* The pool ends. May sleep. */
void vmlab_latency_free(struct vmlab_pool *pool)
{
	if (pool->timed)
		static_branch_dec(&vmlab_latency_measured);
	free_percpu(pool->latency);
}

static void add(struct vmlab_histogram *sum, const struct vmlab_histogram *one)
{
	unsigned int i;

	sum->sum += READ_ONCE(one->sum);
	for (i = 0; i < VMLAB_HISTOGRAM_BUCKETS; i++)
		sum->counts[i] += READ_ONCE(one->counts[i]);
}

/**
 * vmlab_latency_sum - a histogram of a pool over all CPUs
 * @pool: the pool
 * @kind: VMLAB_HISTOGRAM_*, before %VMLAB_HISTOGRAM_DISTANCE
 * @sum: set
 *
 * It goes on changing meanwhile.
 * Context: any.
 */
void vmlab_latency_sum(const struct vmlab_pool *pool, unsigned int kind,
		       struct vmlab_histogram *sum)
{
	struct vmlab_cpu_latency __percpu *latency = READ_ONCE(pool->latency);
	int cpu;

	*sum = (struct vmlab_histogram){};
	if (!latency)
		return;
	for_each_possible_cpu(cpu)
		add(sum, &per_cpu_ptr(latency, cpu)->of[kind]);
}
