/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KERNEL_OVERFLOW_H
#define KERNEL_OVERFLOW_H

#include <stddef.h>
#include <stdint.h>

/* A product of sizes, or more than can be allocated. */
static inline size_t size_mul(size_t a, size_t b)
{
	size_t product;

	return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

#endif /* KERNEL_OVERFLOW_H */
