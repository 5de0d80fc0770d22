// SPDX-License-Identifier: GPL-2.0
/*
 * Two tiers of a store: pages go to memory, compressed, and when they take as much there as they
 * may, those that have been there longest go on to a file. It is what the kernel calls
 * zswap's writeback.
 *
 * A page that is touched leaves the first tier's list, and comes to its end when it is evicted
 * again: so the list is by the age of the last eviction, and its head the coldest. What comes back
 * from the file leaves its copy there, as any page does that is not written to; what comes back
 * from memory only as long as that has room, which nobody would make by copies that are on no list.
 */
#include "tiers.h"

#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "pool.h"
#include "swap.h"

/* So many batches make room for one: of objects that lie scattered no page is free at once. */
#define ROUNDS 4

struct vmlab_tiers *vmlab_tiers_new(void)
{
	struct vmlab_tiers *tiers = kzalloc(sizeof(*tiers), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!tiers)
		return NULL;
	INIT_LIST_HEAD(&tiers->near);
	for (i = 0; i < ARRAY_SIZE(tiers->pages); i++) {
		tiers->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!tiers->pages[i]) {
			vmlab_tiers_free(tiers);
			return NULL;
		}
	}
	return tiers;
}

/* Nothing is stored any more; or NULL. */
void vmlab_tiers_free(struct vmlab_tiers *tiers)
{
	unsigned int i;

	if (!tiers)
		return;
	WARN_ON_ONCE(!list_empty(&tiers->near));
	for (i = 0; i < ARRAY_SIZE(tiers->pages); i++) {
		if (tiers->pages[i])
			__free_page(tiers->pages[i]);
	}
	kfree(tiers);
}

static bool is_near(const struct vmlab_swap *swap)
{
	return !(swap->copy.flags & (VMLAB_COPY_SAME_FILLED | VMLAB_COPY_FAR));
}

/* Its content is in the store alone. Caller has BUSY, and slots_lock. */
void vmlab_tiers_stored(struct vmlab_swap *swap)
{
	struct vmlab_tiers *tiers = swap->pool->tiers;

	if (tiers && is_near(swap))
		list_add_tail(&swap->lru, &tiers->near);
}

/* It has a page again, or nobody wants its content any more. Caller has slots_lock. */
void vmlab_tiers_forget(struct vmlab_swap *swap)
{
	if (swap->pool->tiers)
		list_del_init(&swap->lru);
}

/*
 * The coldest swaps, off the list, BUSY, and with a reference each. One that somebody works on just
 * now, or that is going, has its turn later. Returns how many.
 */
static unsigned int take_coldest(struct vmlab_pool *pool, struct vmlab_swap **swaps)
{
	struct list_head *near = &pool->tiers->near;
	unsigned int nr = 0, left = 2 * VMLAB_STORE_BATCH;

	spin_lock(&pool->slots_lock);
	while (left-- && nr < VMLAB_STORE_BATCH && !list_empty(near)) {
		struct vmlab_swap *swap = list_first_entry(near, struct vmlab_swap, lru);

		list_move_tail(&swap->lru, near);
		if (!vmlab_swap_trylock(swap))
			continue;
		if (vmlab_swap_tryget(swap)) {
			list_del_init(&swap->lru);
			swaps[nr++] = swap;
		} else {
			vmlab_swap_unlock(swap);
		}
	}
	spin_unlock(&pool->slots_lock);
	return nr;
}

/* The content is where @copy says now. */
static void move_to(struct vmlab_swap *swap, const struct vmlab_copy *copy)
{
	vmlab_store_drop(swap->pool->store, &swap->copy);
	swap->copy = *copy;
	swap->copy.flags |= VMLAB_COPY_FAR;
	atomic_long_inc(&swap->pool->tiers->moved);
}

/* It stays where it is, and as cold. */
static void put_back(struct vmlab_swap *swap)
{
	spin_lock(&swap->pool->slots_lock);
	list_add(&swap->lru, &swap->pool->tiers->near);
	spin_unlock(&swap->pool->slots_lock);
}

/* Moves the coldest pages to the file. Returns whether any has gone there. */
static bool move_coldest(struct vmlab_pool *pool)
{
	struct vmlab_store_job jobs[VMLAB_STORE_BATCH];
	struct vmlab_swap *swaps[VMLAB_STORE_BATCH];
	struct vmlab_copy copies[VMLAB_STORE_BATCH];
	unsigned int nr = take_coldest(pool, swaps), loaded = 0, i;
	bool moved = false;

	for (i = 0; i < nr; i++) {
		struct vmlab_swap *swap = swaps[i];
		struct page *page = pool->tiers->pages[loaded];

		/* What is not what it was before is no use elsewhere: who touches it is told. */
		if (vmlab_store_load(pool->store, &swap->copy, page)) {
			vmlab_swap_unlock(swap);
			vmlab_swap_release(swap);
			continue;
		}
		copies[loaded] = (struct vmlab_copy){
			.flags = swap->copy.flags & VMLAB_COPY_HOPELESS,
		};
		jobs[loaded] = (struct vmlab_store_job){ .page = page, .copy = &copies[loaded] };
		swaps[loaded++] = swap;
	}
	vmlab_store_pages(pool->store->far, jobs, loaded);
	for (i = loaded; i--;) {
		if (!jobs[i].ret)
			move_to(swaps[i], &copies[i]);
		else
			put_back(swaps[i]);
		moved |= !jobs[i].ret;
		vmlab_swap_unlock(swaps[i]);
		vmlab_swap_release(swaps[i]);
	}
	return moved;
}

/* Has memory room for as much as is stored at a time, however little it can be compressed? */
static bool has_room(struct vmlab_store *store)
{
	return vmlab_store_bytes(store) + VMLAB_STORE_BATCH * PAGE_SIZE <= READ_ONCE(store->limit);
}

/* Should the copy of a page that comes back go, if it is in memory? Caller has BUSY. */
bool vmlab_tiers_want_room(const struct vmlab_swap *swap)
{
	return swap->pool->tiers && is_near(swap) && !has_room(swap->pool->store);
}

/**
 * vmlab_tiers_make_room - have the coldest pages go to the file if memory has no room for more
 * @pool: the pool; nothing happens if its store has one tier
 *
 * What has no room after that goes to the file as well.
 * Context: may sleep; by workers only, under reclaim_lock, and no lock of a region's.
 */
void vmlab_tiers_make_room(struct vmlab_pool *pool)
{
	unsigned int rounds = ROUNDS;

	lockdep_assert_held(&pool->reclaim_lock);
	if (!pool->tiers)
		return;
	while (rounds-- && !has_room(pool->store) && move_coldest(pool))
		;
}
