// SPDX-License-Identifier: GPL-2.0
/*
 * Write-protecting pages of a region, in all page tables at once.
 *
 * What the kernel has for that goes through the page cache, or is not exported: so the
 * entries are changed here, and where the kernel does not let us, they are taken out.
 */
#include "protect.h"

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "compat.h"
#include "huge.h"
#include "index.h"
#include "pool.h"
#include "region.h"
#include "swap.h"
#include "vmas.h"

/* So many pages are write-protected before others may have the CPU. */
#define PROTECT_MAX 8192

#ifdef VMLAB_HAVE_WRITE_PROTECT
/**
 * struct protect - write-protecting a range of a region
 * @region: the region
 * @mm: whose page table is being looked at
 * @changed: entries were changed, which processors may have in their TLBs
 * @unmap: the range must be unmapped instead
 */
struct protect {
	struct vmlab_region *region;
	struct mm_struct *mm;
	bool changed;
	bool unmap;
};

/*
 * Under the PTE lock. An entry that is dirty would be made writable again by mprotect(),
 * which takes it for a sign that we had been asked.
 */
static int protect_pte(pte_t *pte, unsigned long address, void *data)
{
	struct protect *protect = data;
	pte_t entry = *pte;

	if (!pte_present(entry) || !(pte_write(entry) || pte_dirty(entry)))
		return 0;
	/* What is writable may become dirty just now. */
	if (READ_ONCE(protect->region->pool->swapping))
		vmlab_swap_written(page_folio(pte_page(entry)));
	vmlab_set_pte(protect->mm, address, pte, pte_mkclean(pte_wrprotect(entry)));
	protect->changed = true;
	return 0;
}

static void protect_vma(struct vm_area_struct *vma, pgoff_t first, pgoff_t last, void *data)
{
	struct protect *protect = data;
	pgoff_t start = max(first, vma->vm_pgoff);
	pgoff_t end = min(last + 1, vma->vm_pgoff + vma_pages(vma));

	/*
	 * Huge pages are not mapped by entries of a table. A private mapping counts, too: who
	 * counts the references of a huge page takes it for unmapped (cow.c).
	 */
	if (vmlab_region_is_huge(protect->region)) {
		protect->unmap = true;
		return;
	}
	if (!(vma->vm_flags & VM_SHARED))
		return;
	if (!vma->vm_ops->page_mkwrite) {
		protect->unmap = true;
		return;
	}
	protect->mm = vma->vm_mm;
	apply_to_existing_page_range(vma->vm_mm,
				     vma->vm_start + ((start - vma->vm_pgoff) << PAGE_SHIFT),
				     (end - start) << PAGE_SHIFT, protect_pte, protect);
	/*
	 * Who has a copy of the page table (KVM) hears of unmapping only. Looked at now: if he
	 * comes later he copies what is protected.
	 */
	smp_mb();
	if (mm_has_notifiers(vma->vm_mm))
		protect->unmap = true;
}

static void flush_tlb(void *unused)
{
	__flush_tlb_all();
}

/* Returns whether processors may still have in their TLBs what was. */
static bool protect_range(struct vmlab_region *region, pgoff_t first, pgoff_t last)
{
	struct protect protect = { .region = region };

	vmlab_vmas_visit(region, first, last, protect_vma, &protect);
	if (protect.unmap)
		vmlab_region_unmap(region, first, last - first + 1);
	return protect.changed;
}
#else
static void flush_tlb(void *unused)
{
}

static bool protect_range(struct vmlab_region *region, pgoff_t first, pgoff_t last)
{
	vmlab_region_unmap(region, first, last - first + 1);
	return false;
}
#endif

/**
 * vmlab_protect - have everybody ask before he writes to pages of a region
 * @region: the region
 * @first: the first page
 * @last: the last one, inclusive; some behind it may be protected, too
 *
 * Only those are looked at that are marked as writable in the index; they stay marked.
 * Context: may sleep. Caller holds invalidate_lock exclusive.
 */
void vmlab_protect(struct vmlab_region *region, pgoff_t first, pgoff_t last)
{
	pgoff_t until;
	bool changed = false;

	vmlab_huge_settle_writable(region, first, last);
	while (vmlab_index_next_writable(&region->index, &first, &until, PROTECT_MAX)) {
		if (first > last)
			break;
		changed |= protect_range(region, first, until);
		first = until + 1;
		cond_resched();
	}
	if (changed)
		on_each_cpu(flush_tlb, NULL, 1);
	/*
	 * A reference that get_user_pages() took through an entry before it was changed is
	 * seen below; after that it sees the change, and takes none.
	 */
	smp_mb();
}
