// SPDX-License-Identifier: GPL-2.0
/*
 * Faults in mappings of regions that may have huge pages.
 *
 * The page is returned to the kernel, locked, which maps it: a huge one by one entry of a
 * page middle directory where the mapping allows. That happens when invalidate_lock is held no
 * more. So whoever is to unmap pages for good, or to share those that may be mapped writable,
 * waits for their locks first (vmlab_huge_settle()).
 */
#include "huge_fault.h"

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "compat.h"
#include "fault.h"
#include "fork.h"
#include "huge.h"
#include "index.h"
#include "latency.h"
#include "mapping.h"
#include "page.h"
#include "region.h"
#include "share.h"
#include "stats.h"
#include "trace.h"

/* Would the kernel map a huge page by one entry here? */
static bool is_suitable(const struct vm_fault *vmf)
{
	const struct vm_area_struct *vma = vmf->vma;
	unsigned long start = vmf->address & PMD_MASK;

	return start >= vma->vm_start && start + PMD_SIZE <= vma->vm_end &&
	       !(((vma->vm_start >> PAGE_SHIFT) - vma->vm_pgoff) % VMLAB_HUGE_PAGES);
}

/* Is a page that is touched for the first time to be a huge one? */
static bool wants_huge(const struct vmlab_region *region, const struct vm_fault *vmf)
{
	enum vmlab_huge_policy policy = vmlab_huge_policy(region);

	if (policy == VMLAB_HUGE_NEVER || vmf->vma->vm_flags & VM_NOHUGEPAGE)
		return false;
	if (policy == VMLAB_HUGE_ADVISE && !(vmf->vma->vm_flags & VM_HUGEPAGE))
		return false;
	return is_suitable(vmf);
}

/* Returns an errno, if there is none now and that is not because others were faster. */
static int first_touch(struct vmlab_region *region, struct vm_fault *vmf)
{
	struct vmlab_place place;
	struct page *page;

	if (wants_huge(region, vmf) && vmlab_huge_make(region, vmf->pgoff, 0))
		return 0;
	if (vmlab_index_gather(&region->index, vmf->pgoff, 1, &page, &place))
		return 0;
	return min(vmlab_pages_populate(region, &place, vmf->pgoff, 1, &page), 0);
}

/*
 * The page of a fault that wants it to be the region's alone, locked and with a reference;
 * NULL if there is none. As invalidate_lock is held, it stays.
 */
static struct folio *get_own(struct vmlab_region *region, pgoff_t pgoff)
{
	struct vmlab_place place;
	struct folio *folio;
	struct page *page;
	int nr = vmlab_pages_own(region, pgoff, 1, &page, &place, NULL, false);

	if (nr <= 0)
		return ERR_PTR(nr);
	folio = page_folio(page);
	folio_get(folio);
	folio_lock(folio);
	return folio;
}

/* The page of a fault, locked and with a reference; or an ERR_PTR(). */
static struct folio *get_folio(struct vmlab_region *region, struct vm_fault *vmf)
{
	bool own = vmlab_fault_wants_own(vmf);
	struct folio *folio;
	int ret;

	for (;;) {
		folio = own ? get_own(region, vmf->pgoff) :
			      vmlab_page_get_locked(region, vmf->pgoff);
		if (folio)
			return folio;
		ret = first_touch(region, vmf);
		if (ret)
			return ERR_PTR(ret);
	}
}

static int change_nothing(pte_t *pte, unsigned long address, void *data)
{
	return 0;
}

/*
 * The region ends inside a huge page that could not be split when it was truncated: the
 * kernel is to map a single page. Where there is a page table it does not use a PMD.
 */
static void map_single(struct vmlab_region *region, struct vm_fault *vmf)
{
	if (pmd_none(*vmf->pmd))
		apply_to_page_range(vmf->vma->vm_mm, vmf->address & PAGE_MASK, PAGE_SIZE,
				    change_nothing, NULL);
	if (region->family)
		vmlab_fork_end_before(region, round_down(vmf->pgoff, VMLAB_HUGE_PAGES));
}

/* Caller holds invalidate_lock shared: pages that are the region's alone stay so. */
vm_fault_t vmlab_huge_serve(struct vmlab_region *region, struct vm_fault *vmf, u64 begun)
{
	unsigned long ahead = vmlab_fault_pages_ahead(region, vmf);
	pgoff_t end = DIV_ROUND_UP((u64)vmlab_region_size(region), PAGE_SIZE);
	enum vmlab_fault_cause cause;
	struct folio *folio;

	if (!ahead)
		return vmlab_fault_beyond_end(region, vmf);
	cause = vmlab_fault_find_cause(region, vmf);
	folio = get_folio(region, vmf);
	if (IS_ERR(folio))
		return vmlab_fault_error(region, vmf, PTR_ERR(folio));
	vmf->page = vmlab_folio_page(folio, vmf->pgoff);
	if (folio_test_large(folio) && round_up(vmf->pgoff + 1, VMLAB_HUGE_PAGES) > end)
		map_single(region, vmf);
	vmlab_fault_count(region, vmf, folio_nr_pages(folio), cause, begun);
	return VM_FAULT_LOCKED;
}

/*
 * The page becomes the region's alone. If it is the one that is mapped, it is marked as
 * writable and returned locked: a clone waits for the lock before it looks whether it is
 * mapped. If not, it is not mapped any more, and the fault comes again.
 */
vm_fault_t vmlab_huge_make_own(struct vmlab_region *region, struct vm_fault *vmf, u64 begun)
{
	struct vmlab_place place;
	struct page *page;
	int nr;

	nr = vmlab_pages_own(region, vmf->pgoff, 1, &page, &place, vmf->page, false);
	if (nr < 0)
		return vmlab_fault_error(region, vmf, nr);
	if (!nr || page != vmf->page) {
		/* Mapped by the fault that comes next, which tells of it as a refault. */
		vmlab_region_unmap(region, vmf->pgoff, 1);
		if (nr) {
			vmlab_count(region, VMLAB_COW_FAULTS, 1);
			vmlab_latency_end(region, VMLAB_FAULT_COPY_ON_WRITE, begun);
		}
		return VM_FAULT_NOPAGE;
	}
	lock_page(page);
	vmlab_index_set_writable(&region->index, &place, vmf->pgoff, 1);
	vmlab_count(region, VMLAB_WRITE_NOTIFY, 1);
	trace_vmlab_fault(region->id, vmf, 1, VMLAB_FAULT_WRITE_NOTIFY);
	return VM_FAULT_LOCKED;
}
