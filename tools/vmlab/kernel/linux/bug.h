/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KERNEL_BUG_H
#define KERNEL_BUG_H

#include <stdlib.h>

/* What is a warning there ends a program: what it would print is wrong. */
#define WARN_ON_ONCE(condition)   \
	do {                      \
		if (condition)    \
			abort();  \
	} while (0)

#endif /* KERNEL_BUG_H */
