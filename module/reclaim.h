/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_RECLAIM_H
#define VMLAB_RECLAIM_H

#include <linux/types.h>
#include <linux/workqueue.h>

struct vmlab_pool;
struct vmlab_region;

void vmlab_reclaim_work(struct work_struct *work);
long vmlab_reclaim(struct vmlab_pool *pool, long nr);
int vmlab_reclaim_range(struct vmlab_region *region, pgoff_t first, pgoff_t last, u64 *gone);
void vmlab_reclaim_excess(struct vmlab_pool *pool);
int vmlab_reclaim_age(struct vmlab_region *region, pgoff_t pgoff);
int vmlab_reclaim_room(struct vmlab_pool *pool, bool stored);

#endif
