/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_TIERS_H
#define VMLAB_TIERS_H

#include <linux/atomic.h>
#include <linux/list.h>

#include "store.h"

struct vmlab_pool;
struct vmlab_swap;

/**
 * struct vmlab_tiers - which pages a pool has in the first of two tiers
 * @near: swaps without a page whose copies are in memory, by their @lru, and first those that have
 *	been there longest; under slots_lock
 * @pages: what they are unpacked into on their way to the file; under reclaim_lock
 * @moved: how many have gone there
 */
struct vmlab_tiers {
	struct list_head near;
	struct page *pages[VMLAB_STORE_BATCH];
	atomic_long_t moved;
};

struct vmlab_tiers *vmlab_tiers_new(void);
void vmlab_tiers_free(struct vmlab_tiers *tiers);
void vmlab_tiers_stored(struct vmlab_swap *swap);
void vmlab_tiers_forget(struct vmlab_swap *swap);
bool vmlab_tiers_want_room(const struct vmlab_swap *swap);
void vmlab_tiers_make_room(struct vmlab_pool *pool);

#endif
