/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_HUGE_H
#define VMLAB_HUGE_H

#include <linux/types.h>

struct folio;
struct page;
struct vmlab_region;

/* vmlab_pool.huge, and the mount option: which mappings have huge pages appear. */
enum vmlab_huge_policy {
	VMLAB_HUGE_NEVER,
	VMLAB_HUGE_ADVISE,	/* those of which the program said so: MADV_HUGEPAGE */
	VMLAB_HUGE_ALWAYS,
};

int vmlab_huge_enable(void);
void vmlab_huge_disable(void);

enum vmlab_huge_policy vmlab_huge_policy(const struct vmlab_region *region);
bool vmlab_huge_make(struct vmlab_region *region, pgoff_t pgoff, loff_t end);
int vmlab_huge_own(struct vmlab_region *region, pgoff_t pgoff, struct page *held, bool must);
int vmlab_huge_replace(struct vmlab_region *region, pgoff_t head, struct folio *folio);

bool vmlab_huge_has(struct vmlab_region *region, pgoff_t pgoff);
bool vmlab_huge_straddles(struct vmlab_region *region, pgoff_t pgoff);
void vmlab_huge_settle(struct vmlab_region *region, pgoff_t first, pgoff_t last);
void vmlab_huge_settle_writable(struct vmlab_region *region, pgoff_t first, pgoff_t last);
void vmlab_huge_cut(struct vmlab_region *region, pgoff_t *first, pgoff_t *end, bool zero_held);

#endif
