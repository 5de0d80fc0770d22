/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_PAGE_H
#define VMLAB_PAGE_H

#include <linux/types.h>

struct folio;
struct page;
struct vmlab_region;
struct xa_state;

/* The most pages that one fault serves: what one node of the index holds. */
#define VMLAB_BATCH 64

/*
 * For an array on the stack of a hot path, where writing zeroes to all of it first, as
 * kernels are configured to do, would cost as much as the work itself.
 */
#if __has_attribute(uninitialized)
#define vmlab_uninitialized __attribute__((uninitialized))
#else
#define vmlab_uninitialized
#endif

void vmlab_pages_init(void);
unsigned int vmlab_pages_gather(struct xa_state *xas, unsigned int max,
				struct page **pages);
int vmlab_pages_populate(struct vmlab_region *region, struct xa_state *xas,
			 unsigned int nr, struct page **pages);
struct folio *vmlab_page_get(struct vmlab_region *region, pgoff_t pgoff);
struct folio *vmlab_page_get_or_create(struct vmlab_region *region, pgoff_t pgoff);
bool vmlab_page_mark_dirty(struct vmlab_region *region, struct folio *folio);
void vmlab_page_dirty(struct vmlab_region *region, struct folio *folio);
bool vmlab_page_clean(struct vmlab_region *region, struct folio *folio);
bool vmlab_page_drop(struct vmlab_region *region, pgoff_t pgoff);
void vmlab_page_zero(struct vmlab_region *region, loff_t start, loff_t end);
void vmlab_pages_remove(struct vmlab_region *region, pgoff_t first, pgoff_t last);
void vmlab_pages_punch(struct vmlab_region *region, loff_t start, loff_t end);
void vmlab_pages_truncate(struct vmlab_region *region, loff_t size);
u64 vmlab_pages_present(struct vmlab_region *region, pgoff_t first, pgoff_t last);
bool vmlab_pages_left(u64 nr);
u64 vmlab_pages_total(void);
u64 vmlab_pages_max(void);

#endif
