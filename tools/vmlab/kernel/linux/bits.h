/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KERNEL_BITS_H
#define KERNEL_BITS_H

#define BIT_ULL(bit)	(1ULL << (bit))

#endif /* KERNEL_BITS_H */
