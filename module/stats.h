/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_STATS_H
#define VMLAB_STATS_H

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
	VMLAB_SIGBUS,
	VMLAB_WRITEBACK_ERRORS,
	VMLAB_NR_COUNTERS,
};

/* One for each CPU: counting must not make faulting threads share a cache line. */
struct vmlab_counters {
	s64 value[VMLAB_NR_COUNTERS];
};

/* Adds @n to counter @which. Any context. */
#define vmlab_count(region, which, n) \
	this_cpu_add((region)->counters->value[which], n)

u64 vmlab_counter_sum(struct vmlab_counters __percpu *counters,
		      enum vmlab_counter which);

#endif
