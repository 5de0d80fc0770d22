/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_NOIO_H
#define VMLAB_NOIO_H

#include <linux/compiler.h>
#include <linux/sched/mm.h>

/*
 * What a worker does between these two asks for memory without input or output: who waits for him
 * may have what reclaim wants. These are flags of the thread, which the scheduler looks at on any
 * other CPU: that is how the kernel has it.
 */
static inline unsigned int vmlab_noio_begin(void)
{
	/* See above. */
	return data_race(memalloc_noio_save());
}

static inline void vmlab_noio_end(unsigned int flags)
{
	/* Likewise. */
	data_race(({ memalloc_noio_restore(flags); 0; }));
}

#endif
