/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_DISCARD_H
#define VMLAB_DISCARD_H

#include <linux/types.h>

struct vmlab_region;

int vmlab_pages_own_ends(struct vmlab_region *region, loff_t start, loff_t end, bool must);
bool vmlab_page_drop(struct vmlab_region *region, pgoff_t pgoff);
void vmlab_page_zero(struct vmlab_region *region, loff_t start, loff_t end);
void vmlab_pages_remove(struct vmlab_region *region, pgoff_t first, pgoff_t last);
int vmlab_pages_punch(struct vmlab_region *region, loff_t start, loff_t end);
void vmlab_pages_punch_prepared(struct vmlab_region *region, loff_t start, loff_t end);
int vmlab_pages_write_zeroes(struct vmlab_region *region, loff_t start, loff_t end);
int vmlab_pages_resize_locked(struct vmlab_region *region, loff_t size);
int vmlab_pages_resize(struct vmlab_region *region, loff_t size);
void vmlab_pages_truncate(struct vmlab_region *region, loff_t size);

#endif
