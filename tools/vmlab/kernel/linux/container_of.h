/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KERNEL_CONTAINER_OF_H
#define KERNEL_CONTAINER_OF_H

#include <stddef.h>

/* The structure of @type that has @pointer as its @member. */
#define container_of(pointer, type, member) \
	((type *)(void *)(((char *)(pointer)) - offsetof(type, member)))

#endif /* KERNEL_CONTAINER_OF_H */
