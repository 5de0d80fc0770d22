/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_SWAP_H
#define VMLAB_SWAP_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "policy/policy.h"
#include "store.h"

struct vmlab_pool;
struct vmlab_region;

/* vmlab_swap.flags, bit numbers */
enum vmlab_swap_flag {
	/* Somebody moves the content between memory and the store: a lock that one waits for. */
	VMLAB_SWAP_BUSY,
	/* The page is in no leaf; its reference is the swap's. Under slots_lock. */
	VMLAB_SWAP_CACHED,
	/* The page was or may have been written to since it was copied to or from the store. */
	VMLAB_SWAP_WRITTEN,
	/* It is to stay in memory, and the policy does not know of it. Under policy_lock. */
	VMLAB_SWAP_PINNED,
};

/**
 * struct vmlab_swap - what a pool with a budget knows of a page's content
 * @entry: for the pool's policy; under its policy_lock
 * @refs: keep this structure: one for each of @tags, one for @folio, and who works on it
 * @tags: slots of leaves that name it instead of the page; under slots_lock
 * @flags: VMLAB_SWAP_*
 * @pool: the pool
 * @folio: the page that has the content in memory, or NULL. Becomes NULL, or something else,
 *	under slots_lock.
 * @lru: on the list of its memory cgroup (pressure.c) while @folio is there, unless it is pinned;
 *	else, where the store has two tiers, on that of those in the first (tiers.c)
 * @copy: where the store has the content, if it has; under VMLAB_SWAP_BUSY, or when nobody
 *	else is left
 * @evicted: its pool's count of evictions when the page was evicted last, that one included;
 *	under VMLAB_SWAP_BUSY
 * @rcu: frees it, when nobody has a reference any more
 *
 * The content is where a slot of a leaf says: in a page, whose swap this is (RESIDENT); or in
 * what the slot names, which is here (STORED). Leaves that share the content may differ in
 * that. While any names it, either @copy or @folio has the content, which nobody changes: a
 * page is written to only by a region to which it belongs alone.
 */
struct vmlab_swap {
	struct vmlab_entry entry;
	refcount_t refs;
	unsigned int tags;
	unsigned long flags;
	struct vmlab_pool *pool;
	struct folio *folio;
	struct list_head lru;
	struct vmlab_copy copy;
	union {
		unsigned long evicted;
		struct rcu_head rcu;
	};
};

int vmlab_swap_init_cache(void);
void vmlab_swap_exit_cache(void);

/* What its pool knows of a page; NULL: it has no budget. Caller has the page. */
static inline struct vmlab_swap *vmlab_folio_swap(const struct folio *folio)
{
	return (struct vmlab_swap *)READ_ONCE(folio->lru.next);
}

static inline void vmlab_folio_set_swap(struct folio *folio, struct vmlab_swap *swap)
{
	WRITE_ONCE(folio->lru.next, (void *)swap);
}

/*
 * The same for who has just a reference to the page, which may be on its way out: NULL then, too.
 * What was read is freed by RCU, and its page is forgotten under policy_lock before. Caller holds
 * that, and what is returned stays as long.
 */
static inline struct vmlab_swap *vmlab_folio_swap_locked(const struct folio *folio)
{
	struct vmlab_swap *swap = vmlab_folio_swap(folio);

	return swap && READ_ONCE(swap->folio) == folio ? swap : NULL;
}

/* The page was written to, or is about to be: what the store may have is of no use. */
static inline void vmlab_swap_written(const struct folio *folio)
{
	struct vmlab_swap *swap = vmlab_folio_swap(folio);

	if (swap && !test_bit(VMLAB_SWAP_WRITTEN, &swap->flags))
		set_bit(VMLAB_SWAP_WRITTEN, &swap->flags);
}

static inline bool vmlab_swap_tryget(struct vmlab_swap *swap)
{
	return refcount_inc_not_zero(&swap->refs);
}

void vmlab_swap_release(struct vmlab_swap *swap);
void vmlab_swap_get(struct vmlab_swap *swap);
void vmlab_swap_put(struct vmlab_swap *swap);
void vmlab_swap_put_copied(struct vmlab_swap *swap);
bool vmlab_swap_is_named(struct folio *folio);
void vmlab_swap_admit(struct vmlab_swap *swap);
int vmlab_swap_attach(struct vmlab_region *region, struct folio *folio, gfp_t gfp);
void vmlab_swap_unpin(struct vmlab_swap *swap);
bool vmlab_swap_wants_frame(const struct vmlab_swap *swap);
bool vmlab_swap_keep(struct folio *folio);
bool vmlab_swap_trylock(struct vmlab_swap *swap);
void vmlab_swap_unlock(struct vmlab_swap *swap);
int vmlab_swap_in(struct vmlab_region *region, pgoff_t pgoff, bool must);
void vmlab_swap_read_ahead(struct vmlab_region *region, pgoff_t pgoff, unsigned int nr, bool far);
int vmlab_swap_in_around(struct vmlab_region *region, pgoff_t pgoff, unsigned int nr);
int vmlab_swap_fetch(struct vmlab_region *region, pgoff_t pgoff, bool beyond);
bool vmlab_swap_begin_out(struct vmlab_swap *swap, struct folio *folio,
			  struct vmlab_store_job *job);
void vmlab_swap_end_out(struct vmlab_swap *swap, struct folio *folio, int ret);

#endif
