/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_PROTECT_H
#define VMLAB_PROTECT_H

#include <linux/types.h>

struct vmlab_region;

void vmlab_protect(struct vmlab_region *region, pgoff_t first, pgoff_t last);

#endif
