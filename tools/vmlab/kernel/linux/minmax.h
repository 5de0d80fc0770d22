/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KERNEL_MINMAX_H
#define KERNEL_MINMAX_H

/* Of two values of one type, which are evaluated once. */
#define min(a, b)                                \
	__extension__({                          \
		__typeof__(a) min_a = (a);       \
		__typeof__(b) min_b = (b);       \
		min_a < min_b ? min_a : min_b;   \
	})
#define max(a, b)                                \
	__extension__({                          \
		__typeof__(a) max_a = (a);       \
		__typeof__(b) max_b = (b);       \
		max_a > max_b ? max_a : max_b;   \
	})

#endif /* KERNEL_MINMAX_H */
