// SPDX-License-Identifier: GPL-2.0
/* The VMAs of a region: the kernel's reverse map, from a region's offset to page tables. */
#include "vmas.h"

#include <linux/fs.h>
#include <linux/interval_tree_generic.h>
#include <linux/mm.h>

#include "mapping.h"
#include "region.h"

/* As the kernel keeps them in i_mmap; its functions that search there are not exported. */
static inline unsigned long first_of(struct vm_area_struct *vma)
{
	return vma->vm_pgoff;
}

static inline unsigned long last_of(struct vm_area_struct *vma)
{
	return vma->vm_pgoff + vma_pages(vma) - 1;
}

INTERVAL_TREE_DEFINE(struct vm_area_struct, shared.rb, unsigned long, shared.rb_subtree_last,
		     first_of, last_of, static __maybe_unused, vmas)

/**
 * vmlab_vmas_visit - call a function for each VMA of a region
 * @region: the region
 * @first: the first page of interest
 * @last: the last one
 * @fn: called for VMAs that have one of them, in the order in which the kernel's own
 *	walks of the reverse map go: an entry that mremap() moves meanwhile is met
 * @data: given to @fn
 *
 * Context: may sleep; @fn is called with i_mmap_rwsem held: the VMAs' page tables stay.
 */
void vmlab_vmas_visit(struct vmlab_region *region, pgoff_t first, pgoff_t last,
		      vmlab_vma_fn *fn, void *data)
{
	struct address_space *mapping = vmlab_region_vmas(region);
	struct vm_area_struct *vma;

	i_mmap_lock_read(mapping);
	for (vma = vmas_iter_first(&mapping->i_mmap, first, last); vma;
	     vma = vmas_iter_next(vma, first, last)) {
		if (vmlab_mapping_region(vma) == region)
			fn(vma, first, last, data);
	}
	i_mmap_unlock_read(mapping);
}
