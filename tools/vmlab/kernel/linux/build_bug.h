/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KERNEL_BUILD_BUG_H
#define KERNEL_BUILD_BUG_H

#include <assert.h>	/* static_assert() */

#endif /* KERNEL_BUILD_BUG_H */
