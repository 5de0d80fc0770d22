/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What module/policy/ wants of the kernel, for programs: as much as it uses, by the kernel's
 * names, in the headers where the kernel has it.
 */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include_next <linux/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#define U32_MAX	UINT32_MAX

#endif /* KERNEL_TYPES_H */
