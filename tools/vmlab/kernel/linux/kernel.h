/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include_next <linux/kernel.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#endif /* KERNEL_KERNEL_H */
