// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings: the VMAs of regions, and which operations they have.
 *
 * A *tracked* mapping asks before the first write to a page, a *plain* one does not.
 */
#include "mapping.h"

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "compat.h"
#include "fault.h"
#include "fork.h"
#include "region.h"
#include "trace.h"
#include "vmas.h"

/* The own file of the region that a VMA of ours shows; NULL: of none (fork.c). */
struct file *vmlab_mapping_file(const struct vm_area_struct *vma)
{
	return vma->vm_private_data ? vmlab_fork_file(vma) : vma->vm_file;
}

/* The region that a VMA of ours shows, or NULL. */
struct vmlab_region *vmlab_mapping_region(const struct vm_area_struct *vma)
{
	struct file *file = vmlab_mapping_file(vma);

	return likely(file) ? vmlab_file_region(file) : NULL;
}

/* Is every page that @vma maps writable at once? */
bool vmlab_mapping_is_plain(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_SHARED && !vma->vm_ops->page_mkwrite;
}

/* Counts a VMA in (@n is 1) or out (-1). */
static void count_mapping(struct vm_area_struct *vma, int n, enum vmlab_mapping_event event)
{
	struct vmlab_region *region = vmlab_mapping_region(vma);

	if (unlikely(!region))
		return;
	atomic_add(n, &region->mappings);
	if (vmlab_mapping_is_plain(vma))
		atomic_add(n, &region->plain_mappings);
	trace_vmlab_mapping(region->id, vma, event);
}

/* Fork, split and the target of a move bring a new VMA into being. */
static void open(struct vm_area_struct *vma)
{
	if (vma->vm_private_data)
		vmlab_fork_open(vma);
	count_mapping(vma, 1, VMLAB_MAPPING_OPEN);
}

static void close(struct vm_area_struct *vma)
{
	count_mapping(vma, -1, VMLAB_MAPPING_CLOSE);
	if (vma->vm_private_data)
		vmlab_fork_close(vma);
}

/* The new VMA of a move, after its page tables were moved. */
static int mremap(struct vm_area_struct *vma)
{
	count_mapping(vma, 0, VMLAB_MAPPING_MOVE);
	return 0;
}

static const struct vm_operations_struct plain_vm_ops = {
	.open		= open,
	.close		= close,
	.mremap		= mremap,
	.fault		= vmlab_fault,
	.map_pages	= vmlab_fault_map_pages,
};

/* For shared mappings of regions that track writes, or may have pages in common. */
static const struct vm_operations_struct tracked_vm_ops = {
	.open		= open,
	.close		= close,
	.mremap		= mremap,
	.fault		= vmlab_fault,
	.map_pages	= vmlab_fault_map_pages,
	.page_mkwrite	= vmlab_fault_mkwrite,
};

bool vmlab_mapping_is_ours(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &plain_vm_ops || vma->vm_ops == &tracked_vm_ops;
}

/*
 * A mapping is plain unless the region was cloned: then it is tracked. If a clone is being
 * made, either it sees that there is a plain mapping, or we see that there is a clone.
 */
static void choose_ops(struct vmlab_region *region, struct vm_area_struct *vma)
{
	atomic_inc(&region->plain_mappings);
	/* The other half is in vmlab_cow_track(). */
	smp_mb__after_atomic();
	if (READ_ONCE(region->may_share)) {
		atomic_dec(&region->plain_mappings);
		vma->vm_ops = &tracked_vm_ops;
	} else {
		WRITE_ONCE(region->all_writable, true);
	}
}

static int check_mmap(struct vmlab_region *region, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff + vma_pages(vma) > region->limit >> PAGE_SHIFT)
		return -EINVAL;
	if (vma->vm_flags & VM_SHARED && vma->vm_flags & VM_WRITE &&
	    !vmlab_region_writable(region))
		return -EACCES;
	return 0;
}

/* Mappings of one process that become tracked ones; caller holds its mmap_lock. */
static void track_mm(struct vmlab_region *region, struct mm_struct *mm)
{
	struct vm_area_struct *vma;

	for (vma = find_vma(mm, 0); vma; vma = find_vma(mm, vma->vm_end)) {
		if (!vmlab_mapping_is_ours(vma) || !vmlab_mapping_is_plain(vma) ||
		    vmlab_mapping_region(vma) != region)
			continue;
		vm_flags_mod(vma, 0, 0);	/* locks it */
		vma->vm_ops = &tracked_vm_ops;
		vma->vm_page_prot = vm_get_page_prot(vma->vm_flags & ~VM_SHARED);
		atomic_dec(&region->plain_mappings);
	}
}

/* Processes whose mappings are looked at in one go. */
#define TRACK_MAX 16

struct processes {
	struct mm_struct *mm[TRACK_MAX];
	unsigned int nr;
};

static void collect_mm(struct vm_area_struct *vma, pgoff_t first, pgoff_t last, void *data)
{
	struct processes *processes = data;
	unsigned int i;

	if (!vmlab_mapping_is_plain(vma) || processes->nr == TRACK_MAX)
		return;
	for (i = 0; i < processes->nr; i++) {
		if (processes->mm[i] == vma->vm_mm)
			return;
	}
	if (mmget_not_zero(vma->vm_mm))
		processes->mm[processes->nr++] = vma->vm_mm;
}

/**
 * vmlab_mapping_track - have the plain mappings of a region ask before a write
 * @region: the region
 *
 * Pages that the region has in common with others are copied already when they are read
 * through a plain mapping. So before it has any, its mappings are made tracked ones, in
 * all processes.
 * Context: may sleep. No lock held, if there are plain mappings.
 */
void vmlab_mapping_track(struct vmlab_region *region)
{
	struct processes processes;
	bool killed = false;
	unsigned int i;

	do {
		processes.nr = 0;
		if (atomic_read(&region->plain_mappings))
			vmlab_vmas_visit(region, 0, ULONG_MAX, collect_mm, &processes);
		for (i = 0; i < processes.nr; i++) {
			struct mm_struct *mm = processes.mm[i];

			killed = killed || mmap_write_lock_killable(mm);
			if (!killed) {
				track_mm(region, mm);
				mmap_write_unlock(mm);
			}
			mmput(mm);
		}
	} while (processes.nr && !killed);
}

/**
 * vmlab_mapping_mmap - let the faults of a new VMA come here
 * @region: the region; it is in use from here on, unless there is an error
 * @file: its own file
 * @vma: the VMA
 *
 * Return: -EINVAL beyond the region's limit, -EACCES for a writable shared mapping
 * of a region that cannot be changed, -EBUSY if it is being configured, -ENOMEM.
 */
int vmlab_mapping_mmap(struct vmlab_region *region, struct file *file,
		       struct vm_area_struct *vma)
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
	if (region->family)
		ret = vmlab_fork_mmap(region, file, vma);
	else if (vma->vm_file != file)
		vma_set_file(vma, file);
	if (ret)
		return ret;
	clear = shared && !vmlab_region_writable(region) ? VM_MAYWRITE : 0;
	/* What is VM_MIXEDMAP must not map huge folios by a PMD: the kernel would leak them. */
	vm_flags_mod(vma, vmlab_region_is_huge(region) ? 0 : VM_MIXEDMAP, clear);
	vma->vm_ops = shared && vmlab_region_tracks_writes(region) ? &tracked_vm_ops :
								     &plain_vm_ops;
	if (vmlab_mapping_is_plain(vma))
		choose_ops(region, vma);
	atomic_inc(&region->mappings);
	trace_vmlab_mapping(region->id, vma, VMLAB_MAPPING_MMAP);
	return 0;
}
