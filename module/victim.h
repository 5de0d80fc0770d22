/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_VICTIM_H
#define VMLAB_VICTIM_H

#include <linux/types.h>

struct folio;
struct vmlab_pool;
struct vmlab_region;
struct vmlab_swap;

/* So many victims are chosen at once. */
#define VMLAB_VICTIMS 16

/**
 * struct vmlab_victim - a page that is to leave memory
 * @swap: a reference
 * @region: whose mapping it carries, kept by its @carried; NULL: it is on its way out
 * @folio: a reference, from when the region's invalidate_lock is held: a clone takes one that
 *	is held for one that is written to. NULL: it has gone.
 * @pgoff: its offset there
 * @asked: not the policy has chosen it, but somebody has asked for it to go
 * @stored: it is to go only if the store has its content
 * @insist: it is to go even if it was referenced
 */
struct vmlab_victim {
	struct vmlab_swap *swap;
	struct vmlab_region *region;
	struct folio *folio;
	pgoff_t pgoff;
	bool asked;
	bool stored;
	bool insist;
};

unsigned int vmlab_victims_choose(struct vmlab_pool *pool, struct vmlab_victim *victims,
				  unsigned int nr, bool stored, bool insist);
unsigned int vmlab_victims_choose_in_range(struct vmlab_region *region, pgoff_t *first,
					   pgoff_t last, struct vmlab_victim *victims,
					   unsigned int nr);
unsigned int vmlab_victims_evict(struct vmlab_pool *pool, struct vmlab_victim *victims,
				 unsigned int nr, bool wait);
bool vmlab_victim_test_young(struct vmlab_region *region, pgoff_t pgoff);

#endif
