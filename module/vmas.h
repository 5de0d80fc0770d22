/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_VMAS_H
#define VMLAB_VMAS_H

#include <linux/kcsan-checks.h>
#include <linux/mm.h>

struct vmlab_region;

typedef void vmlab_vma_fn(struct vm_area_struct *vma, pgoff_t first, pgoff_t last, void *data);

void vmlab_vmas_visit(struct vmlab_region *region, pgoff_t first, pgoff_t last,
		      vmlab_vma_fn *fn, void *data);

/*
 * Changes an entry of a page table, under its lock. The kernel looks at entries without the
 * lock, to look again with it: that is not for us to be told of.
 */
static inline void vmlab_set_pte(struct mm_struct *mm, unsigned long address, pte_t *pte,
				 pte_t entry)
{
	kcsan_disable_current();
	set_pte_at(mm, address, pte, entry);
	kcsan_enable_current();
}

#endif
