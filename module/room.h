/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_ROOM_H
#define VMLAB_ROOM_H

#include <linux/types.h>
#include <linux/workqueue.h>

struct vmlab_pool;

void vmlab_room_work(struct work_struct *work);
void vmlab_room_excess(struct vmlab_pool *pool);
int vmlab_room_make(struct vmlab_pool *pool, bool stored);
long vmlab_room_press(struct vmlab_pool *pool, unsigned int nr);

#endif
