// SPDX-License-Identifier: GPL-2.0
#include "stats.h"

#include <linux/cpumask.h>

/**
 * vmlab_counter_sum - the value of a counter over all CPUs
 * @counters: the counters of a region
 * @which: the one to sum up
 *
 * Counters go on changing meanwhile, and a page may be counted in on one CPU and
 * out on another: a sum that would be negative for that reason reads as 0.
 * Any context.
 */
u64 vmlab_counter_sum(struct vmlab_counters __percpu *counters,
		      enum vmlab_counter which)
{
	s64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(counters, cpu)->value[which]);
	return max_t(s64, sum, 0);
}
