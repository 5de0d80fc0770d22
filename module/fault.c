// SPDX-License-Identifier: GPL-2.0
/*
 * Faults. What is special to regions that may have huge pages is in huge_fault.c.
 *
 * A fault is answered by inserting a batch of pages right here (vm_insert_pages(), hence
 * VM_MIXEDMAP): the pages that are there, as far as they go, or new ones as far as the
 * window of the fault's stream goes. Only for a write to a private mapping the page is
 * returned to the kernel, which copies it.
 *
 * The pages of a *tracked* mapping are inserted read-only, as the kernel does if there is
 * a .page_mkwrite, and then made writable if they may be: if the fault was a write, and no
 * other region has them, and, where writes are tracked, they are dirty already. All of it
 * happens while invalidate_lock is held, so that a clone sees either none of it or all.
 * What a *plain* mapping maps is writable at once, and so its pages are its region's alone.
 */
#include "fault.h"

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "huge_fault.h"
#include "index.h"
#include "latency.h"
#include "mapping.h"
#include "page.h"
#include "pool.h"
#include "record.h"
#include "region.h"
#include "share.h"
#include "stats.h"
#include "store.h"
#include "stream.h"
#include "swap.h"
#include "trace.h"
#include "vmas.h"

/* Pages mapped around a refault that continues no stream; as fault_around_bytes. */
#define REFAULT_WINDOW 16

/* What a fault that @err has stopped returns. */
vm_fault_t vmlab_fault_error(struct vmlab_region *region, struct vm_fault *vmf, int err)
{
	if (err == -EINTR && fatal_signal_pending(current))
		return VM_FAULT_NOPAGE;		/* it will not come back */
	if (err == -EAGAIN)
		return VMLAB_FAULT_FULL;
	trace_vmlab_error(region->id, VMLAB_OP_FAULT, vmf->pgoff, err);
	trace_vmlab_fault(region->id, vmf, 0, VMLAB_FAULT_FAILED);
	if (err == -ENOMEM)
		return VM_FAULT_OOM;
	vmlab_count(region, VMLAB_SIGBUS, 1);
	return VM_FAULT_SIGBUS;
}

/* What a fault beyond the region's end returns. */
vm_fault_t vmlab_fault_beyond_end(struct vmlab_region *region, struct vm_fault *vmf)
{
	vmlab_count(region, VMLAB_SIGBUS, 1);
	trace_vmlab_fault(region->id, vmf, 0, VMLAB_FAULT_BEYOND_END);
	return VM_FAULT_SIGBUS;
}

/* How many entries the page table of a fault has from there on. */
static unsigned long entries_left(const struct vm_fault *vmf)
{
	return PTRS_PER_PTE - pte_index(vmf->address);
}

/*
 * How many pages from the fault on are inside both the mapping and the region; and, if they may be
 * wanted back for a page table (prepare_table()), in this one.
 */
unsigned long vmlab_fault_pages_ahead(struct vmlab_region *region, struct vm_fault *vmf)
{
	loff_t size = vmlab_region_size(region);
	pgoff_t end = DIV_ROUND_UP((u64)size, PAGE_SIZE);
	unsigned long ahead;

	if (vmf->pgoff >= end)
		return 0;
	ahead = min(end - vmf->pgoff, (vmf->vma->vm_end - vmf->address) >> PAGE_SHIFT);
	return READ_ONCE(region->pool->swapping) ? min(ahead, entries_left(vmf)) : ahead;
}

/* A fault was served, which began at @begun (see latency.h). */
void vmlab_fault_count(struct vmlab_region *region, struct vm_fault *vmf, unsigned int nr,
		       enum vmlab_fault_cause cause, u64 begun)
{
	vmlab_count(region, VMLAB_FAULTS, 1);
	if (cause == VMLAB_FAULT_FIRST_TOUCH)
		vmlab_count(region, VMLAB_FIRST_TOUCH, 1);
	else if (cause == VMLAB_FAULT_SWAP_IN)
		vmlab_count(region, VMLAB_SWAP_FAULTS, 1);
	else
		vmlab_count(region, VMLAB_REFAULT, 1);
	if (cause == VMLAB_FAULT_COPY_ON_WRITE)
		vmlab_count(region, VMLAB_COW_FAULTS, 1);
	vmlab_latency_end(region, cause, begun);
	trace_vmlab_fault(region->id, vmf, nr, cause);
}

/* Is a fault to map its page alone? Caller holds invalidate_lock. */
static bool maps_one(const struct vmlab_region *region)
{
	return region->flags & VMLAB_REGION_STRICT || unlikely(region->recorder);
}

/*
 * How many pages to make or to copy for a fault: as many as its stream's window, which ends
 * at a multiple of its size and so inside one leaf of the index.
 */
static unsigned int new_window(const struct vmlab_region *region, pgoff_t pgoff,
			       struct vmlab_stream stream, unsigned long ahead)
{
	unsigned int window = 1;

	if (!maps_one(region))
		window = vmlab_stream_window(stream);
	window -= pgoff & (window - 1);
	return min_t(unsigned long, window, ahead);
}

/* How many pages to map around a fault if they are there already. */
static unsigned int refault_window(const struct vmlab_region *region,
				   struct vmlab_stream stream)
{
	if (maps_one(region))
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

/* Must the page of a fault be its region's alone? */
bool vmlab_fault_wants_own(const struct vm_fault *vmf)
{
	return vmlab_mapping_is_plain(vmf->vma) ||
	       (vmf->flags & FAULT_FLAG_WRITE && vmf->vma->vm_flags & VM_SHARED);
}

/* What a fault is about that was not served yet. */
enum vmlab_fault_cause vmlab_fault_find_cause(struct vmlab_region *region,
					      const struct vm_fault *vmf)
{
	struct vmlab_place place;
	struct page *page;

	if (!vmlab_index_gather(&region->index, vmf->pgoff, 1, &page, &place))
		return place.swapped ? VMLAB_FAULT_SWAP_IN : VMLAB_FAULT_FIRST_TOUCH;
	if (place.shared && vmlab_fault_wants_own(vmf))
		return VMLAB_FAULT_COPY_ON_WRITE;
	return VMLAB_FAULT_REFAULT;
}

struct writable_batch {
	struct mm_struct *mm;
	unsigned long start;
	struct page **pages;
	bool dirty_only;
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
	pte_t entry = *pte;

	if (!pte_present(entry) || pte_pfn(entry) != page_to_pfn(page) || pte_write(entry))
		return 0;
	if (batch->dirty_only && !PageDirty(page))
		return 0;
	entry = pte_mkwrite_novma(entry);
	/* The first is being written to; of the others the hardware will tell. */
	if (address == batch->start)
		entry = pte_mkdirty(entry);
	vmlab_set_pte(batch->mm, address, pte, entry);
	return 0;
}

/*
 * The first of @nr mapped pages is written to, and the others may be: they are made
 * writable in a tracked mapping. They are the region's alone.
 */
static void allow_writes(struct vmlab_region *region, struct vm_fault *vmf,
			 const struct vmlab_place *place, struct page **pages, unsigned int nr)
{
	struct writable_batch batch = {
		.mm = vmf->vma->vm_mm,
		.start = vmf->address & PAGE_MASK,
		.pages = pages,
		.dirty_only = vmlab_region_tracks_writes(region),
	};

	/* Somebody wants to hear of each first write in the page table itself. */
	if (IS_ENABLED(CONFIG_MEM_SOFT_DIRTY) && !(vmf->vma->vm_flags & VM_SOFTDIRTY))
		nr = 1;
	if (batch.dirty_only && !PageDirty(pages[0])) {
		vmlab_page_dirty(region, page_folio(pages[0]));
		vmlab_count(region, VMLAB_WRITE_NOTIFY, 1);
		trace_vmlab_fault(region->id, vmf, 1, VMLAB_FAULT_WRITE_NOTIFY);
	}
	vmlab_index_set_writable(&region->index, place, vmf->pgoff, nr);
	apply_to_mapped_range(batch.mm, batch.start, (unsigned long)nr << PAGE_SHIFT,
			      make_writable, &batch);
}

/* Maps the pages that were found or made for a fault. Returns how many, or an errno. */
static int map_found(struct vmlab_region *region, struct vm_fault *vmf,
		     const struct vmlab_place *place, struct page **pages, int nr)
{
	int mapped = map_batch(vmf, pages, nr);

	if (mapped > 0 && vmlab_fault_wants_own(vmf) && !vmlab_mapping_is_plain(vmf->vma))
		allow_writes(region, vmf, place, pages, mapped);
	if (place->shared)
		vmlab_pages_unlock_shared(pages, nr);
	return mapped;
}

/* Answers a fault by mapping pages. */
static vm_fault_t serve_batch(struct vmlab_region *region, struct vm_fault *vmf,
			      unsigned long ahead, u64 begun)
{
	struct vmlab_stream stream = vmlab_stream_find(&region->streams, vmf->pgoff);
	unsigned long around = min_t(unsigned long, refault_window(region, stream), ahead);
	struct page *pages[VMLAB_BATCH] vmlab_uninitialized;
	unsigned int window = new_window(region, vmf->pgoff, stream, ahead);
	enum vmlab_fault_cause cause = VMLAB_FAULT_REFAULT;
	struct vmlab_place place;
	bool swapped = false;
	int nr;

	do {
		nr = vmlab_index_gather(&region->index, vmf->pgoff, around, pages, &place);
		if (!nr) {
			cause = VMLAB_FAULT_FIRST_TOUCH;
			swapped |= place.swapped;
			nr = vmlab_pages_populate(region, &place, vmf->pgoff, window, pages);
			/* They may be another thread's already, who copied them. */
			if (nr > 0 && region->index.shares)
				nr = 0;
		} else if (place.shared && vmlab_fault_wants_own(vmf)) {
			cause = VMLAB_FAULT_COPY_ON_WRITE;
			nr = vmlab_pages_own(region, vmf->pgoff, window, pages, &place,
					     NULL, false);
		} else if (place.shared) {
			nr = min(nr, REFAULT_WINDOW);
			nr = vmlab_pages_lock_shared(region, vmf->pgoff, pages, nr);
			if (!nr)
				vmlab_page_wait_shared(region, vmf->pgoff);
		}
	} while (!nr);
	if (nr > 0)
		nr = map_found(region, vmf, &place, pages, nr);
	if (nr < 0)
		return vmlab_fault_error(region, vmf, nr);
	vmlab_fault_count(region, vmf, nr, swapped ? VMLAB_FAULT_SWAP_IN : cause, begun);
	vmlab_stream_advance(&region->streams, stream, vmf->pgoff + nr);
	return VM_FAULT_NOPAGE;
}

/*
 * Answers a write to a private mapping by the page, locked and with a reference: both the
 * kernel's then, which copies it.
 */
static vm_fault_t serve_page(struct vmlab_region *region, struct vm_fault *vmf, u64 begun)
{
	enum vmlab_fault_cause cause = VMLAB_FAULT_REFAULT;
	struct folio *folio;

	while ((folio = vmlab_page_get_locked(region, vmf->pgoff)) == NULL) {
		struct vmlab_place place;
		struct page *page;
		int nr = vmlab_index_gather(&region->index, vmf->pgoff, 1, &page, &place);

		if (!nr)
			nr = vmlab_pages_populate(region, &place, vmf->pgoff, 1, &page);
		if (nr < 0)
			return vmlab_fault_error(region, vmf, nr);
		cause = place.swapped ? VMLAB_FAULT_SWAP_IN : VMLAB_FAULT_FIRST_TOUCH;
	}
	vmf->page = vmlab_folio_page(folio, vmf->pgoff);
	vmlab_fault_count(region, vmf, 1, cause, begun);
	return VM_FAULT_LOCKED;
}

/* Caller holds invalidate_lock shared: pages in the index stay there. */
static vm_fault_t serve(struct vmlab_region *region, struct vm_fault *vmf, u64 begun)
{
	unsigned long ahead = vmlab_fault_pages_ahead(region, vmf);

	if (!ahead)
		return vmlab_fault_beyond_end(region, vmf);
	if (vmf->flags & FAULT_FLAG_WRITE && !(vmf->vma->vm_flags & VM_SHARED))
		return serve_page(region, vmf, begun);
	return serve_batch(region, vmf, ahead, begun);
}

static int do_nothing(pte_t *pte, unsigned long address, void *data)
{
	return 0;
}

/*
 * Makes the page table before any lock of the region's is taken: the kernel insists on memory for
 * it, and what may have to leave for that are pages of this very region.
 */
static void prepare_table(struct vmlab_region *region, struct vm_fault *vmf)
{
	if (READ_ONCE(region->pool->swapping) && pmd_none(*vmf->pmd) &&
	    !vmlab_region_is_huge(region))
		apply_to_page_range(vmf->vma->vm_mm, vmf->address & PAGE_MASK, PAGE_SIZE,
				    do_nothing, NULL);
}

/* The times of a mount's file change when a fault lets it be written to, as tmpfs has it. */
static void note_write(struct vmlab_region *region, struct vm_fault *vmf)
{
	if (vmlab_region_is_file(region) && vmf->flags & FAULT_FLAG_WRITE &&
	    vmf->vma->vm_flags & VM_SHARED)
		file_update_time(vmf->vma->vm_file);
}

/* Is the page one that the second tier of its store has, or had before a worker was told? */
static bool is_far(struct vmlab_region *region, pgoff_t pgoff)
{
	struct vmlab_swap *swap;
	bool far;

	if (!region->pool->tiers)
		return false;
	swap = vmlab_index_get_swap(&region->index, pgoff);
	far = swap && vmlab_store_is_far(region->pool->store, &swap->copy);
	if (swap)
		vmlab_swap_release(swap);
	return far;
}

/*
 * Sees to it that the page can be brought in, which may take a device: so it is waited for without
 * the kernel's lock where the fault can be repeated; never in .page_mkwrite, which is not told so
 * by the flags. Returns whether to try again here, or else sets *@ret to what to return. Waiting is
 * the fault's latency: it is counted here, and not when the fault is repeated.
 */
static bool make_room(struct vmlab_region *region, struct vm_fault *vmf, u64 begun,
		      vm_fault_t *ret)
{
	bool unlocked = fault_flag_allow_retry_first(vmf->flags) &&
			vmlab_store_waits(region->pool->store);
	enum vmlab_fault_cause cause = VMLAB_FAULT_FAILED;
	struct file *file;
	int err;

	if (!unlocked) {
		err = vmlab_page_make_room(region, vmf->pgoff);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		if (err)
			*ret = vmlab_fault_error(region, vmf, err);
		return !err;
	}
	*ret = VM_FAULT_RETRY | VM_FAULT_MAJOR;
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return false;
	if (begun)
		cause = vmlab_fault_find_cause(region, vmf);
	if (cause == VMLAB_FAULT_SWAP_IN && is_far(region, vmf->pgoff))
		cause = VMLAB_FAULT_SWAP_IN_FAR;
	/* The mapping may go, and with it the region and this module. */
	file = get_file(vmlab_mapping_file(vmf->vma));
	release_fault_lock(vmf);
	vmlab_page_make_room(region, vmf->pgoff);	/* an error is told when it comes back */
	vmlab_latency_end(region, cause, begun);
	fput(file);
	return false;
}

/* Caller holds invalidate_lock shared. */
static void note_reference(struct vmlab_region *region, struct vm_fault *vmf, vm_fault_t ret)
{
	if (unlikely(region->recorder) && !(ret & (VM_FAULT_ERROR | VM_FAULT_RETRY)))
		vmlab_record_note(region, vmf);
}

/* vm_operations_struct.fault */
vm_fault_t vmlab_fault(struct vm_fault *vmf)
{
	struct vmlab_region *region = vmlab_mapping_region(vmf->vma);
	vm_fault_t ret;
	u64 begun;

	if (unlikely(!region))
		return VM_FAULT_SIGBUS;
	begun = vmlab_latency_begin(region->pool, vmf);
	if (unlikely(!READ_ONCE(region->pid)))
		vmlab_region_name_owner(region);
	if (region->backing->follow && !vmlab_fault_pages_ahead(region, vmf))
		region->backing->follow(region);
	if (unlikely(READ_ONCE(region->recorder)) && vmlab_record_wait(region, vmf))
		return VM_FAULT_RETRY;
	prepare_table(region, vmf);
	do {
		filemap_invalidate_lock_shared(region->inode.i_mapping);
		ret = vmlab_region_is_huge(region) ? vmlab_huge_serve(region, vmf, begun) :
						     serve(region, vmf, begun);
		note_reference(region, vmf, ret);
		filemap_invalidate_unlock_shared(region->inode.i_mapping);
	} while (unlikely(ret == VMLAB_FAULT_FULL) && make_room(region, vmf, begun, &ret));
	if (ret == VM_FAULT_NOPAGE)
		note_write(region, vmf);
	return ret;
}

/*
 * A read fault is first offered here, from 6.12 on under rcu_read_lock(): only what
 * can be done without sleeping, that is if the page and its page table are there.
 * What the kernel proposes (@start, @end) is ignored, for the stream knows better.
 */
vm_fault_t vmlab_fault_map_pages(struct vm_fault *vmf, pgoff_t start, pgoff_t end)
{
	struct vmlab_region *region = vmlab_mapping_region(vmf->vma);
	struct page *pages[VMLAB_BATCH] vmlab_uninitialized;
	struct vmlab_stream stream;
	struct vmlab_place place;
	unsigned long around;
	u64 begun;
	int nr;

	if (unlikely(!region) || vmlab_region_is_huge(region) || pmd_none(*vmf->pmd))
		return 0;
	begun = vmlab_latency_begin(region->pool, vmf);
	if (!filemap_invalidate_trylock_shared(region->inode.i_mapping))
		return 0;
	if (unlikely(region->recorder)) {
		filemap_invalidate_unlock_shared(region->inode.i_mapping);
		return 0;	/* recording it may sleep */
	}
	stream = vmlab_stream_find(&region->streams, vmf->pgoff);
	around = min3((unsigned long)refault_window(region, stream), entries_left(vmf),
		      vmlab_fault_pages_ahead(region, vmf));
	nr = 0;
	if (around)
		nr = vmlab_index_gather(&region->index, vmf->pgoff, around, pages, &place);
	if (nr && place.shared && vmlab_fault_wants_own(vmf))
		nr = 0;		/* may have to be copied, and that sleeps */
	if (nr && place.shared)
		nr = vmlab_pages_lock_shared(region, vmf->pgoff, pages,
					     min(nr, REFAULT_WINDOW));
	if (nr)
		nr = map_found(region, vmf, &place, pages, nr);
	if (nr > 0) {
		vmlab_fault_count(region, vmf, nr, VMLAB_FAULT_REFAULT, begun);
		vmlab_stream_advance(&region->streams, stream, vmf->pgoff + nr);
	}
	filemap_invalidate_unlock_shared(region->inode.i_mapping);
	return nr > 0 ? VM_FAULT_NOPAGE : 0;
}

/*
 * A write to a page that is mapped read-only. The kernel would map it writable after this
 * returns, when a clone may have been made of the region: so it is done here.
 */
static vm_fault_t make_own(struct vmlab_region *region, struct vm_fault *vmf, u64 begun)
{
	struct vmlab_stream stream = vmlab_stream_find(&region->streams, vmf->pgoff);
	unsigned int window = new_window(region, vmf->pgoff, stream,
					 vmlab_fault_pages_ahead(region, vmf));
	enum vmlab_fault_cause cause = VMLAB_FAULT_WRITE_NOTIFY;
	struct page *pages[VMLAB_BATCH] vmlab_uninitialized;
	struct vmlab_place place;
	int nr;

	nr = vmlab_pages_own(region, vmf->pgoff, max(window, 1U), pages, &place,
			     vmf->page, false);
	if (nr > 0 && pages[0] != vmf->page) {
		cause = VMLAB_FAULT_COPY_ON_WRITE;
		nr = map_batch(vmf, pages, nr);
		/* An entry that should not be there would have us come back for ever. */
		if (!nr)
			vmlab_region_unmap(region, vmf->pgoff, 1);
	}
	if (nr > 0)
		allow_writes(region, vmf, &place, pages, nr);
	if (nr < 0)
		return vmlab_fault_error(region, vmf, nr);
	if (!vmlab_region_tracks_writes(region))
		vmlab_count(region, VMLAB_WRITE_NOTIFY, 1);
	if (cause == VMLAB_FAULT_COPY_ON_WRITE)
		vmlab_count(region, VMLAB_COW_FAULTS, 1);
	vmlab_latency_end(region, cause, begun);
	/* Of a first write to a page that was clean allow_writes() has told. */
	if (nr && (cause == VMLAB_FAULT_COPY_ON_WRITE || !vmlab_region_tracks_writes(region)))
		trace_vmlab_fault(region->id, vmf, nr, cause);
	vmlab_stream_advance(&region->streams, stream, vmf->pgoff + nr);
	return VM_FAULT_NOPAGE;		/* if nothing was done, it comes back */
}

/* vm_operations_struct.page_mkwrite */
vm_fault_t vmlab_fault_mkwrite(struct vm_fault *vmf)
{
	struct vmlab_region *region = vmlab_mapping_region(vmf->vma);
	vm_fault_t ret;
	u64 begun;

	if (unlikely(!region))
		return VM_FAULT_SIGBUS;
	begun = vmlab_latency_begin(region->pool, vmf);
	do {
		filemap_invalidate_lock_shared(region->inode.i_mapping);
		ret = vmlab_region_is_huge(region) ? vmlab_huge_make_own(region, vmf, begun) :
						     make_own(region, vmf, begun);
		note_reference(region, vmf, ret);	/* it may have left the window since */
		filemap_invalidate_unlock_shared(region->inode.i_mapping);
	} while (unlikely(ret == VMLAB_FAULT_FULL) && make_room(region, vmf, begun, &ret));
	if (!(ret & VM_FAULT_ERROR))
		note_write(region, vmf);
	return ret;
}
