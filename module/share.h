/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_SHARE_H
#define VMLAB_SHARE_H

#include <linux/types.h>

struct folio;
struct page;
struct vmlab_place;
struct vmlab_region;

unsigned int vmlab_pages_lock_shared(struct vmlab_region *region, pgoff_t pgoff,
				     struct page **pages, unsigned int nr);
void vmlab_pages_unlock_shared(struct page **pages, unsigned int nr);
void vmlab_page_wait_shared(struct vmlab_region *region, pgoff_t pgoff);
void vmlab_page_adopt(struct vmlab_region *region, pgoff_t pgoff, struct folio *folio);
struct folio *vmlab_page_copy(struct vmlab_region *region, pgoff_t pgoff,
			      struct page *old);
int vmlab_pages_own(struct vmlab_region *region, pgoff_t pgoff, unsigned int nr,
		    struct page **pages, struct vmlab_place *place, struct page *held, bool must);
unsigned long vmlab_pages_held(struct page **pages, unsigned long mask);

#endif
