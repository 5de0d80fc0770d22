// SPDX-License-Identifier: GPL-2.0
#include "stats.h"

#include <linux/cpumask.h>

/**
 * vmlab_counters_spread - count for each CPU from now on
 * @counters: the counters of a region
 *
 * Context: may sleep. One caller at a time.
 * Return: 0 or -ENOMEM.
 */
int vmlab_counters_spread(struct vmlab_counters *counters)
{
	struct vmlab_cpu_counters __percpu *cpu;

	if (counters->cpu)
		return 0;
	cpu = alloc_percpu_gfp(struct vmlab_cpu_counters, GFP_KERNEL_ACCOUNT);
	if (!cpu)
		return -ENOMEM;
	smp_store_release(&counters->cpu, cpu);		/* zeroed before */
	return 0;
}

/* Nobody counts any more. */
void vmlab_counters_free(struct vmlab_counters *counters)
{
	free_percpu(counters->cpu);
}

/**
 * vmlab_counter_sum - the value of a counter over all CPUs
 * @counters: the counters of a region
 * @which: the one to sum up
 *
 * Counters go on changing meanwhile, and a page may be counted in on one CPU and
 * out on another: a sum that would be negative for that reason reads as 0.
 * Any context.
 */
u64 vmlab_counter_sum(const struct vmlab_counters *counters, enum vmlab_counter which)
{
	struct vmlab_cpu_counters __percpu *each = READ_ONCE(counters->cpu);
	s64 sum = atomic64_read(&counters->early[which]);
	int cpu;

	if (each) {
		for_each_possible_cpu(cpu)
			sum += READ_ONCE(per_cpu_ptr(each, cpu)->value[which]);
	}
	return max_t(s64, sum, 0);
}
