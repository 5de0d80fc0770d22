// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings, and the faults in them.
 *
 * A fault is answered in one of two ways:
 *
 * - by inserting a batch of pages right here (vm_insert_pages(), hence VM_MIXEDMAP):
 *   the pages that are there, as far as they go, or new ones as far as the window of
 *   the fault's stream goes;
 * - by returning one locked page to the kernel, when the kernel has something to do
 *   with it: to copy it (a write to a private mapping) or to ask .page_mkwrite first
 *   (a write to a region that tracks writes).
 */
#include "fault.h"

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "page.h"
#include "region.h"
#include "stats.h"
#include "stream.h"
#include "trace.h"

/* Pages mapped around a refault that continues no stream; as fault_around_bytes. */
#define REFAULT_WINDOW 16

static struct vmlab_region *vma_region(const struct vm_area_struct *vma)
{
	return vmlab_file_region(vma->vm_file);
}

static vm_fault_t fault_error(struct vmlab_region *region, struct vm_fault *vmf, int err)
{
	if (err == -EINTR && fatal_signal_pending(current))
		return VM_FAULT_NOPAGE;		/* it will not come back */
	trace_vmlab_error(region->id, VMLAB_OP_FAULT, vmf->pgoff, err);
	trace_vmlab_fault(region->id, vmf, 0, VMLAB_FAULT_FAILED);
	if (err == -ENOMEM)
		return VM_FAULT_OOM;
	vmlab_count(region, VMLAB_SIGBUS, 1);
	return VM_FAULT_SIGBUS;
}

/* How many pages from the fault on are inside both the mapping and the region. */
static unsigned long pages_ahead(struct vmlab_region *region, struct vm_fault *vmf)
{
	loff_t size = i_size_read(&region->inode);
	pgoff_t end = DIV_ROUND_UP((u64)size, PAGE_SIZE);

	if (vmf->pgoff >= end)
		return 0;
	return min(end - vmf->pgoff, (vmf->vma->vm_end - vmf->address) >> PAGE_SHIFT);
}

static void count_fault(struct vmlab_region *region, struct vm_fault *vmf,
			unsigned int nr, enum vmlab_fault_cause cause)
{
	vmlab_count(region, VMLAB_FAULTS, 1);
	if (cause == VMLAB_FAULT_FIRST_TOUCH)
		vmlab_count(region, VMLAB_FIRST_TOUCH, 1);
	else
		vmlab_count(region, VMLAB_REFAULT, 1);
	trace_vmlab_fault(region->id, vmf, nr, cause);
}

/*
 * Makes pages for a fault: as many as its stream's window, which ends at a multiple of
 * its size and so inside one node of the index. Returns how many, 0 if somebody else
 * made the first one meanwhile, or an errno.
 */
static int make_pages(struct vmlab_region *region, struct xa_state *xas,
		      struct vmlab_stream stream, unsigned long ahead, struct page **pages)
{
	unsigned int window = 1;

	if (!(region->flags & VMLAB_REGION_STRICT))
		window = vmlab_stream_window(stream);
	window -= xas->xa_index & (window - 1);
	return vmlab_pages_populate(region, xas, min_t(unsigned long, window, ahead), pages);
}

/* How many pages to map around a fault if they are there already. */
static unsigned int refault_window(const struct vmlab_region *region,
				   struct vmlab_stream stream)
{
	if (region->flags & VMLAB_REGION_STRICT)
		return 1;
	return vmlab_stream_window(stream) > 1 ? VMLAB_BATCH : REFAULT_WINDOW;
}

/* Maps @nr pages from the fault on; returns how many, or an errno. */
static int map_batch(struct vm_fault *vmf, struct page **pages, unsigned long nr)
{
	unsigned long address = vmf->address & PAGE_MASK;
	unsigned long left = nr;
	int ret;

	if (nr == 1) {
		ret = vm_insert_page(vmf->vma, address, pages[0]);
		left = ret ? 1 : 0;
	} else {
		ret = vm_insert_pages(vmf->vma, address, pages, &left);
	}
	/* Somebody else mapped a page first: what is before it is mapped, too. */
	if (ret && ret != -EBUSY)
		return ret;
	return nr - left;
}

/* Answers a fault by mapping pages. */
static vm_fault_t serve_batch(struct vmlab_region *region, struct vm_fault *vmf,
			      unsigned long ahead)
{
	struct vmlab_stream stream = vmlab_stream_find(&region->streams, vmf->pgoff);
	unsigned long around = min_t(unsigned long, refault_window(region, stream), ahead);
	enum vmlab_fault_cause cause;
	struct page *pages[VMLAB_BATCH] vmlab_uninitialized;
	int nr;

	do {
		XA_STATE(xas, &region->pages, vmf->pgoff);

		cause = VMLAB_FAULT_REFAULT;
		nr = vmlab_pages_gather(&xas, around, pages);
		if (nr)
			break;
		cause = VMLAB_FAULT_FIRST_TOUCH;
		nr = make_pages(region, &xas, stream, ahead, pages);
	} while (!nr);
	if (nr > 0)
		nr = map_batch(vmf, pages, nr);
	if (nr < 0)
		return fault_error(region, vmf, nr);
	count_fault(region, vmf, nr, cause);
	vmlab_stream_advance(&region->streams, stream, vmf->pgoff + nr);
	return VM_FAULT_NOPAGE;
}

#ifdef VMLAB_HAVE_APPLY_TO_EXISTING
struct writable_batch {
	struct mm_struct *mm;
	unsigned long start;
	struct page **pages;
};

/*
 * Under the PTE lock. A page that is dirty needs no notice of its first write. If it is
 * being made clean just now, that is: dirty no more, then write-protected (writeback.c),
 * either we see it clean here, or what we do is undone.
 */
static int make_writable(pte_t *pte, unsigned long address, void *data)
{
	struct writable_batch *batch = data;
	struct page *page = batch->pages[(address - batch->start) >> PAGE_SHIFT];

	if (pte_present(*pte) && pte_pfn(*pte) == page_to_pfn(page) && PageDirty(page))
		set_pte_at(batch->mm, address, pte, pte_mkwrite_novma(*pte));
	return 0;
}

/*
 * Answers a write to a region that tracks writes, if the page and perhaps some behind
 * it are dirty already: they are mapped writable at once. Returns 0 if they are not.
 */
static vm_fault_t serve_dirty(struct vmlab_region *region, struct vm_fault *vmf,
			      unsigned long ahead)
{
	struct page *pages[VMLAB_BATCH] vmlab_uninitialized;
	struct mm_struct *mm = vmf->vma->vm_mm;
	unsigned long start = vmf->address & PAGE_MASK;
	struct writable_batch batch = { .mm = mm, .start = start, .pages = pages };
	struct folio *folio = xa_load(&region->pages, vmf->pgoff);
	XA_STATE(xas, &region->pages, vmf->pgoff);
	struct vmlab_stream stream;
	int nr, found;

	if (!folio || !folio_test_dirty(folio))
		return 0;
	/* Somebody wants to hear of each first write in the page table itself. */
	if (IS_ENABLED(CONFIG_MEM_SOFT_DIRTY) && !(vmf->vma->vm_flags & VM_SOFTDIRTY))
		return 0;
	stream = vmlab_stream_find(&region->streams, vmf->pgoff);
	ahead = min_t(unsigned long, refault_window(region, stream), ahead);
	found = vmlab_pages_gather(&xas, ahead, pages);
	for (nr = 0; nr < found && PageDirty(pages[nr]); nr++)
		;
	nr = map_batch(vmf, pages, nr);
	if (nr <= 0)
		return 0;
	apply_to_existing_page_range(mm, start, (unsigned long)nr << PAGE_SHIFT,
				     make_writable, &batch);
	count_fault(region, vmf, nr, VMLAB_FAULT_REFAULT);
	vmlab_stream_advance(&region->streams, stream, vmf->pgoff + nr);
	return VM_FAULT_NOPAGE;
}
#else
static vm_fault_t serve_dirty(struct vmlab_region *region, struct vm_fault *vmf,
			      unsigned long ahead)
{
	return 0;
}
#endif

/* Does the kernel want the page itself? */
static bool wants_page(const struct vmlab_region *region, const struct vm_fault *vmf)
{
	if (!(vmf->flags & FAULT_FLAG_WRITE))
		return false;
	return !(vmf->vma->vm_flags & VM_SHARED) || vmlab_region_tracks_writes(region);
}

/* Answers a fault by its page, locked and with a reference: both the kernel's then. */
static vm_fault_t serve_page(struct vmlab_region *region, struct vm_fault *vmf,
			     unsigned long ahead)
{
	enum vmlab_fault_cause cause = VMLAB_FAULT_REFAULT;
	struct folio *folio;

	while ((folio = xa_load(&region->pages, vmf->pgoff)) == NULL) {
		struct vmlab_stream stream =
			vmlab_stream_find(&region->streams, vmf->pgoff);
		struct page *pages[VMLAB_BATCH] vmlab_uninitialized;
		XA_STATE(xas, &region->pages, vmf->pgoff);
		int nr = make_pages(region, &xas, stream, ahead, pages);

		if (nr < 0)
			return fault_error(region, vmf, nr);
		cause = VMLAB_FAULT_FIRST_TOUCH;
		vmlab_stream_advance(&region->streams, stream, vmf->pgoff + nr);
	}
	folio_get(folio);
	folio_lock(folio);
	vmf->page = &folio->page;
	count_fault(region, vmf, 1, cause);
	return VM_FAULT_LOCKED;
}

/* Caller holds invalidate_lock shared: pages in the index stay there. */
static vm_fault_t serve(struct vmlab_region *region, struct vm_fault *vmf)
{
	unsigned long ahead = pages_ahead(region, vmf);
	vm_fault_t ret = 0;

	if (!ahead) {
		vmlab_count(region, VMLAB_SIGBUS, 1);
		trace_vmlab_fault(region->id, vmf, 0, VMLAB_FAULT_BEYOND_END);
		return VM_FAULT_SIGBUS;
	}
	if (!wants_page(region, vmf))
		return serve_batch(region, vmf, ahead);
	if (vmf->vma->vm_flags & VM_SHARED)
		ret = serve_dirty(region, vmf, ahead);
	return ret ?: serve_page(region, vmf, ahead);
}

static vm_fault_t fault(struct vm_fault *vmf)
{
	struct vmlab_region *region = vma_region(vmf->vma);
	vm_fault_t ret;

	if (region->backing->follow && !pages_ahead(region, vmf))
		region->backing->follow(region);
	filemap_invalidate_lock_shared(region->inode.i_mapping);
	ret = serve(region, vmf);
	filemap_invalidate_unlock_shared(region->inode.i_mapping);
	return ret;
}

/*
 * A read fault is first offered here, from 6.12 on under rcu_read_lock(): only what
 * can be done without sleeping, that is if the page and its page table are there.
 * What the kernel proposes (@start, @end) is ignored, for the stream knows better.
 */
static vm_fault_t map_pages(struct vm_fault *vmf, pgoff_t start, pgoff_t end)
{
	struct vmlab_region *region = vma_region(vmf->vma);
	unsigned long in_table = PTRS_PER_PTE - pte_index(vmf->address);
	XA_STATE(xas, &region->pages, vmf->pgoff);
	struct page *pages[VMLAB_BATCH] vmlab_uninitialized;
	struct vmlab_stream stream;
	unsigned long around;
	int nr;

	if (pmd_none(*vmf->pmd))
		return 0;
	if (!filemap_invalidate_trylock_shared(region->inode.i_mapping))
		return 0;
	stream = vmlab_stream_find(&region->streams, vmf->pgoff);
	around = min3((unsigned long)refault_window(region, stream), in_table,
		      pages_ahead(region, vmf));
	nr = around ? vmlab_pages_gather(&xas, around, pages) : 0;
	if (nr)
		nr = map_batch(vmf, pages, nr);
	if (nr > 0) {
		count_fault(region, vmf, nr, VMLAB_FAULT_REFAULT);
		vmlab_stream_advance(&region->streams, stream, vmf->pgoff + nr);
	}
	filemap_invalidate_unlock_shared(region->inode.i_mapping);
	return nr > 0 ? VM_FAULT_NOPAGE : 0;
}

static vm_fault_t page_mkwrite(struct vm_fault *vmf)
{
	struct vmlab_region *region = vma_region(vmf->vma);
	struct folio *folio = page_folio(vmf->page);

	folio_lock(folio);
	if (folio->mapping != region->inode.i_mapping) {
		folio_unlock(folio);
		return VM_FAULT_NOPAGE;	/* punched out meanwhile: fault again */
	}
	vmlab_page_dirty(region, folio);
	vmlab_count(region, VMLAB_WRITE_NOTIFY, 1);
	trace_vmlab_fault(region->id, vmf, 1, VMLAB_FAULT_WRITE_NOTIFY);
	return VM_FAULT_LOCKED;
}

/* Fork, split and the target of a move bring a new VMA into being. */
static void open(struct vm_area_struct *vma)
{
	struct vmlab_region *region = vma_region(vma);

	atomic_inc(&region->mappings);
	trace_vmlab_mapping(region->id, vma, VMLAB_MAPPING_OPEN);
}

static void close(struct vm_area_struct *vma)
{
	struct vmlab_region *region = vma_region(vma);

	atomic_dec(&region->mappings);
	trace_vmlab_mapping(region->id, vma, VMLAB_MAPPING_CLOSE);
}

/* The new VMA of a move, after its page tables were moved. */
static int mremap(struct vm_area_struct *vma)
{
	trace_vmlab_mapping(vma_region(vma)->id, vma, VMLAB_MAPPING_MOVE);
	return 0;
}

static const struct vm_operations_struct plain_vm_ops = {
	.open		= open,
	.close		= close,
	.mremap		= mremap,
	.fault		= fault,
	.map_pages	= map_pages,
};

/* For shared mappings of regions that track writes. */
static const struct vm_operations_struct tracked_vm_ops = {
	.open		= open,
	.close		= close,
	.mremap		= mremap,
	.fault		= fault,
	.map_pages	= map_pages,
	.page_mkwrite	= page_mkwrite,
};

static int check_mmap(struct vmlab_region *region, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff + vma_pages(vma) > region->limit >> PAGE_SHIFT)
		return -EINVAL;
	if (vma->vm_flags & VM_SHARED && vma->vm_flags & VM_WRITE &&
	    !vmlab_region_writable(region))
		return -EACCES;
	return 0;
}

/**
 * vmlab_fault_mmap - let the faults of a new VMA come here
 * @region: the region; it is in use from here on, unless there is an error
 * @vma: the VMA; vma->vm_file is a file of the region's
 *
 * Return: -EINVAL beyond the region's limit, -EACCES for a writable shared mapping
 * of a region that cannot be changed, -EBUSY if it is being configured.
 */
int vmlab_fault_mmap(struct vmlab_region *region, struct vm_area_struct *vma)
{
	bool shared = vma->vm_flags & VM_SHARED;
	vm_flags_t clear;
	int ret;

	ret = check_mmap(region, vma);
	if (!ret)
		ret = vmlab_region_use(region);
	if (!ret)
		ret = check_mmap(region, vma);	/* it may have been configured since */
	if (ret)
		return ret;
	clear = shared && !vmlab_region_writable(region) ? VM_MAYWRITE : 0;
	vm_flags_mod(vma, VM_MIXEDMAP, clear);
	vma->vm_ops = shared && vmlab_region_tracks_writes(region) ? &tracked_vm_ops :
								     &plain_vm_ops;
	atomic_inc(&region->mappings);
	trace_vmlab_mapping(region->id, vma, VMLAB_MAPPING_MMAP);
	return 0;
}
