/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KERNEL_SLAB_H
#define KERNEL_SLAB_H

#include <stdlib.h>

#define GFP_KERNEL	0

static inline void *kzalloc(size_t size, unsigned int flags)
{
	(void)flags;
	return calloc(1, size);
}

static inline void *kvzalloc(size_t size, unsigned int flags)
{
	return kzalloc(size, flags);
}

static inline void kfree(void *memory)
{
	free(memory);
}

static inline void kvfree(void *memory)
{
	free(memory);
}

#endif /* KERNEL_SLAB_H */
