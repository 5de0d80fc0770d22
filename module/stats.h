/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_STATS_H
#define VMLAB_STATS_H

#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/types.h>

/* The figures of a region; struct vmlab_stat says what each one counts. */
enum vmlab_counter {
	VMLAB_RESIDENT,
	VMLAB_DIRTY,
	VMLAB_FAULTS,
	VMLAB_FIRST_TOUCH,
	VMLAB_REFAULT,
	VMLAB_WRITE_NOTIFY,
	VMLAB_ZERO_FILLED,
	VMLAB_READ_IN,
	VMLAB_WRITTEN_BACK,
	VMLAB_DISCARDED,
	VMLAB_SWAP_FAULTS,
	VMLAB_SWAPPED_IN,
	VMLAB_EVICTED,
	VMLAB_COW_FAULTS,
	VMLAB_COW_COPIES,
	VMLAB_HUGE_MADE,
	VMLAB_HUGE_SPLIT,
	VMLAB_HUGE_FALLBACK,
	VMLAB_SIGBUS,
	VMLAB_WRITEBACK_ERRORS,
	VMLAB_NR_COUNTERS,
};

/* One for each CPU: counting must not make faulting threads share a cache line. */
struct vmlab_cpu_counters {
	s64 value[VMLAB_NR_COUNTERS];
};

/**
 * struct vmlab_counters - the counters of a region
 * @cpu: those for each CPU, from when the region is to be mapped on
 * @early: what was counted before: most files of a mount are never mapped
 */
struct vmlab_counters {
	struct vmlab_cpu_counters __percpu *cpu;
	atomic64_t early[VMLAB_NR_COUNTERS];
};

static inline void vmlab_counters_add(struct vmlab_counters *counters,
				      enum vmlab_counter which, s64 n)
{
	struct vmlab_cpu_counters __percpu *cpu = READ_ONCE(counters->cpu);

	if (likely(cpu))
		this_cpu_add(cpu->value[which], n);
	else
		atomic64_add(n, &counters->early[which]);
}

/* Adds @n to counter @which. Any context. */
#define vmlab_count(region, which, n) \
	vmlab_counters_add(&(region)->counters, which, n)

int vmlab_counters_spread(struct vmlab_counters *counters);
void vmlab_counters_free(struct vmlab_counters *counters);
u64 vmlab_counter_sum(const struct vmlab_counters *counters, enum vmlab_counter which);

#endif
