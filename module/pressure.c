// SPDX-License-Identifier: GPL-2.0
/*
 * Pressure: the kernel is short of memory, or a memory cgroup is at its limit. Pages of the pools
 * that have some there go to their stores.
 *
 * How many those are, and whose, is told by a list of their swaps for each cgroup and node: a swap
 * is charged to the cgroup that its page was charged to when it was first touched. (Older kernels
 * put nothing on another's list, so that it stays on this one when somebody else brings the page
 * back.) The list says which pool is to give pages; which of its pages go is for its policy to
 * choose. So where the pages of one pool are charged to several cgroups, others may go than those
 * of the cgroup that wants memory.
 *
 * Memory is wanted by anybody, holding anything: so locks of pools and regions are only tried here,
 * and a worker gets what is to be waited for.
 */
#include "pressure.h"

#include <linux/container_of.h>
#include <linux/errno.h>
#include <linux/list_lru.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/swap.h>

#include "compat.h"
#include "pool.h"
#include "room.h"
#include "swap.h"
#include "victim.h"

struct list_lru vmlab_pressure_lru;

static struct shrinker *shrinker;

/* shrinker.count_objects */
static unsigned long count(struct shrinker *shrinker, struct shrink_control *sc)
{
	return list_lru_shrink_count(&vmlab_pressure_lru, sc);
}

/* The pool whose turn it is, kept, and how many pages of it were passed. */
struct turn {
	struct vmlab_pool *pool;
	unsigned int nr;
};

/* The first pool's pages go to the end of the list, that others have their turn, too. */
static enum lru_status pass(struct list_head *item, void *data)
{
	/* Its lock is held: what is on it is in use. */
	struct vmlab_pool *pool = container_of(item, struct vmlab_swap, lru)->pool;
	struct turn *turn = data;

	if (!turn->pool)
		turn->pool = vmlab_pool_get(pool);
	if (turn->pool != pool)
		return LRU_SKIP;
	turn->nr++;
	return LRU_ROTATE;
}

/*
 * Have shrinkers got as much as is wanted at a time? From 6.4 on the kernel does not count it for a
 * cgroup, and would go on, harder and harder, until there was nothing left.
 */
static bool is_enough(void)
{
	const struct reclaim_state *state = current->reclaim_state;

	return state && vmlab_reclaimed(state) >= SWAP_CLUSTER_MAX;
}

/* shrinker.scan_objects */
static unsigned long scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct turn turn = {};
	struct vmlab_lru_walk walk = { .visit = pass, .data = &turn };
	unsigned long gone;

	/* Whoever wants memory may be evicting pages just now, or have what that takes. */
	if (!(sc->gfp_mask & __GFP_FS) || is_enough())
		return SHRINK_STOP;
	list_lru_shrink_walk(&vmlab_pressure_lru, sc, vmlab_lru_visit, &walk);
	if (!turn.pool)
		return SHRINK_STOP;
	gone = vmlab_room_press(turn.pool, turn.nr);
	mm_account_reclaimed_pages(gone);
	vmlab_pool_put(turn.pool);
	return gone ?: SHRINK_STOP;	/* one wait in vain is enough */
}

int vmlab_pressure_init(void)
{
	int ret;

	shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE | SHRINKER_MEMCG_AWARE, "vmlab");
	if (!shrinker)
		return -ENOMEM;
	ret = list_lru_init_memcg(&vmlab_pressure_lru, shrinker);
	if (ret) {
		shrinker_free(shrinker);
		return ret;
	}
	shrinker->batch = VMLAB_VICTIMS;
	shrinker->scan_objects = scan;
	/* Older kernels may count already, and what they count they want to scan. */
	smp_store_release(&shrinker->count_objects, count);
	shrinker_register(shrinker);
	return 0;
}

/* Waits for who is reclaiming memory: pools are kept by nobody here after this. */
void vmlab_pressure_stop(void)
{
	shrinker_free(shrinker);
}

/* All pools are gone, and so the list is empty. */
void vmlab_pressure_exit(void)
{
	list_lru_destroy(&vmlab_pressure_lru);
}
