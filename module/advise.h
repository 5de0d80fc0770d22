/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_ADVISE_H
#define VMLAB_ADVISE_H

#include <linux/types.h>

struct vmlab_region;

int vmlab_advise(struct vmlab_region *region, pgoff_t first, pgoff_t last, u32 advice, bool write,
		 u64 *pages);

#endif
