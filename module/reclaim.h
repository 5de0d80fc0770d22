/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_RECLAIM_H
#define VMLAB_RECLAIM_H

#include <linux/types.h>

struct vmlab_pool;
struct vmlab_region;

long vmlab_reclaim(struct vmlab_pool *pool, long nr);
long vmlab_reclaim_try(struct vmlab_pool *pool, unsigned int nr);
int vmlab_reclaim_range(struct vmlab_region *region, pgoff_t first, pgoff_t last, u64 *gone);
int vmlab_reclaim_age(struct vmlab_region *region, pgoff_t pgoff);

#endif
