// SPDX-License-Identifier: GPL-2.0
/*
 * Copy-on-write over fork: the child of a fork gets clones of the regions that are so
 * configured, in the place of the regions themselves.
 *
 * The kernel tells of a fork by .open of the child's VMA, which stays a VMA of the same
 * file: what a VMA shows can thus not be told by its file. Such regions have two of them.
 * Descriptors name a region by its own; the VMAs of it and of all that came of it by
 * forks are VMAs of one more, the *family's*, which has no pages, and say by their
 * vm_private_data which region they show. So a region that is mapped by nobody any more
 * can go, though VMAs of its children are left.
 */
#include "fork.h"

#include <linux/err.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/refcount.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "cow.h"
#include "fs.h"
#include "io.h"
#include "region.h"

/**
 * struct vmlab_family - what the file of a family has as private_data
 * @lock: protects @mappings
 * @mappings: struct vmlab_mapping, the newest first
 * @founder: serial of the region that it was made for: the others came of it by forks
 */
struct vmlab_family {
	spinlock_t lock;
	struct list_head mappings;
	u64 founder;
};

/**
 * struct vmlab_mapping - a region as one process has it mapped
 * @refs: VMAs of the process that show the region
 * @file: the region's own file: a reference. NULL: there was no memory for a clone when
 *	the process was forked, and so there is nothing to see.
 * @mm: the process; it may be at its end, but its place in memory is not another's
 * @parent: serial of the region that this one is a clone of, made when @mm was; 0: the
 *	process mapped it by itself
 * @family: the list that it is in
 * @node: its place there
 */
struct vmlab_mapping {
	refcount_t refs;
	struct file *file;
	struct mm_struct *mm;
	u64 parent;
	struct vmlab_family *family;
	struct list_head node;
};

static u64 serial_of(struct file *region_file)
{
	return region_file ? vmlab_file_region(region_file)->index.serial : 0;
}

/* A region may have been opened several times (VMLAB_IOC_REGION_FD): it is one all the same. */
static bool shows(const struct vmlab_mapping *mapping, struct file *file)
{
	return mapping->file && vmlab_file_region(mapping->file) == vmlab_file_region(file);
}

/* Finds the mapping of a region, or of its child, in a process; caller holds the lock. */
static struct vmlab_mapping *find(struct vmlab_family *family, const struct mm_struct *mm,
				  struct file *file, u64 parent)
{
	struct vmlab_mapping *mapping;

	lockdep_assert_held(&family->lock);
	list_for_each_entry(mapping, &family->mappings, node) {
		if (mapping->mm != mm)
			continue;
		if (file ? shows(mapping, file) : parent && mapping->parent == parent)
			return mapping;
	}
	return NULL;
}

/* The same, with a reference for one more VMA. */
static struct vmlab_mapping *find_get(struct vmlab_family *family, const struct mm_struct *mm,
				      struct file *file, u64 parent)
{
	struct vmlab_mapping *mapping;

	spin_lock(&family->lock);
	mapping = find(family, mm, file, parent);
	if (mapping && !refcount_inc_not_zero(&mapping->refs))
		mapping = NULL;
	spin_unlock(&family->lock);
	return mapping;
}

/* Takes over the reference to @file. */
static void init_mapping(struct vmlab_mapping *mapping, struct vmlab_family *family,
			 struct mm_struct *mm, struct file *file, u64 parent)
{
	refcount_set(&mapping->refs, 1);
	mapping->file = file;
	mapping->mm = mm;
	mapping->parent = parent;
	mapping->family = family;
	mmgrab(mm);
	spin_lock(&family->lock);
	list_add(&mapping->node, &family->mappings);
	spin_unlock(&family->lock);
}

/*
 * Newer kernels merge a VMA with its neighbour of the same file, offsets and flags, which may show
 * another region; but none with this flag, or with VM_MIXEDMAP. Those of the founder alone need no
 * flag: it is the only one without.
 */
static void keep_apart(struct vm_area_struct *vma)
{
	if (VMLAB_MERGES_VMAS)
		vm_flags_mod(vma, VM_DONTEXPAND, 0);
}

/**
 * vmlab_fork_mmap - a new VMA is to show a region that is copied at forks
 * @region: the region
 * @file: its own file
 * @vma: the VMA
 *
 * Context: .mmap; caller holds the mmap_lock for writing.
 * Return: 0 or -ENOMEM.
 */
int vmlab_fork_mmap(struct vmlab_region *region, struct file *file, struct vm_area_struct *vma)
{
	struct vmlab_family *family = region->family->private_data;
	struct vmlab_mapping *mapping = find_get(family, vma->vm_mm, file, 0);

	if (!mapping) {
		mapping = kmalloc(sizeof(*mapping), GFP_KERNEL_ACCOUNT);
		if (!mapping)
			return -ENOMEM;
		init_mapping(mapping, family, vma->vm_mm, get_file(file), 0);
	}
	vma->vm_private_data = mapping;
	vma_set_file(vma, region->family);
	if (vmlab_region_is_huge(region) && serial_of(file) != family->founder)
		keep_apart(vma);
	/*
	 * The child's VMA has nothing to be copied: its pages are found in the clone. A
	 * private one has pages of its own.
	 */
	if (vma->vm_flags & VM_MAYSHARE)
		vm_flags_mod(vma, VM_WIPEONFORK, 0);
	return 0;
}

/* What a child that is just being forked is to see instead of @mapping. */
static struct vmlab_mapping *new_child(struct vmlab_mapping *mapping, struct mm_struct *mm)
{
	struct vmlab_mapping *child = kmalloc(sizeof(*child), GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	struct vmlab_region *region;
	struct file *file = NULL;

	if (mapping->file) {
		region = vmlab_file_region(mapping->file);
		file = vmlab_cow_clone(region, region->family);
	}
	if (!IS_ERR_OR_NULL(file))
		vmlab_region_disown(vmlab_file_region(file));	/* we are the parent */
	init_mapping(child, mapping->family, mm, IS_ERR(file) ? NULL : file,
		     serial_of(mapping->file));
	return child;
}

/**
 * vmlab_fork_open - there is a new VMA of a region that is copied at forks
 * @vma: the VMA: a part of another one of the process, or that of a child being forked
 *
 * The VMAs of a process that show one region show one clone in the child: it is made when
 * the first of them comes. Of a private mapping the kernel copies the page table: its own
 * copies are to go there, but no page of the region.
 * Context: .open; may sleep. Nobody else opens or closes VMAs of the process.
 */
void vmlab_fork_open(struct vm_area_struct *vma)
{
	struct vmlab_mapping *mapping = vma->vm_private_data, *child;

	if (vma->vm_mm == mapping->mm) {
		refcount_inc(&mapping->refs);
		return;
	}
	if (vma->vm_flags & VM_MAYSHARE)
		vm_flags_mod(vma, VM_WIPEONFORK, 0);	/* MADV_KEEPONFORK may have cleared it */
	else
		unmap_mapping_pages(vma->vm_file->f_mapping, vma->vm_pgoff, vma_pages(vma), false);
	child = find_get(mapping->family, vma->vm_mm, NULL, serial_of(mapping->file));
	vma->vm_private_data = child ?: new_child(mapping, vma->vm_mm);
	if (!(vma->vm_flags & VM_MIXEDMAP))
		keep_apart(vma);
}

/* A VMA goes. */
void vmlab_fork_close(struct vm_area_struct *vma)
{
	struct vmlab_mapping *mapping = vma->vm_private_data;
	struct vmlab_family *family = mapping->family;

	if (!refcount_dec_and_test(&mapping->refs))
		return;
	spin_lock(&family->lock);
	list_del(&mapping->node);
	spin_unlock(&family->lock);
	if (mapping->file)
		fput(mapping->file);
	mmdrop(mapping->mm);
	kfree(mapping);
}

/* The own file of the region that a VMA shows; NULL: of none. */
struct file *vmlab_fork_file(const struct vm_area_struct *vma)
{
	const struct vmlab_mapping *mapping = vma->vm_private_data;

	return mapping->file;
}

/*
 * What the kernel asks of the file under a VMA is meant for the region that the VMA shows.
 * It does not say which one that is: it is the one that the process has mapped. Returns a
 * reference to its file; -EBUSY if there are several.
 */
static struct file *own_file(struct vmlab_family *family)
{
	struct file *file = ERR_PTR(-ENODEV);
	struct vmlab_mapping *mapping;

	spin_lock(&family->lock);
	list_for_each_entry(mapping, &family->mappings, node) {
		if (mapping->mm != current->mm)
			continue;
		if (!IS_ERR(file) || !mapping->file) {
			file = ERR_PTR(-EBUSY);
			break;
		}
		file = mapping->file;
	}
	if (!IS_ERR(file))
		get_file(file);
	spin_unlock(&family->lock);
	return file;
}

/* MADV_REMOVE */
static long fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct file *own = own_file(file->private_data);
	long ret;

	if (IS_ERR(own))
		return PTR_ERR(own);
	ret = vmlab_region_fops.fallocate(own, mode, offset, len);
	fput(own);
	return ret;
}

/* msync() */
static int fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct file *own = own_file(file->private_data);
	int ret;

	if (IS_ERR(own))
		return PTR_ERR(own);
	ret = vfs_fsync_range(own, start, end, datasync);
	fput(own);
	return ret;
}

static int release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	vmlab_fs_unpin();
	return 0;
}

static const struct file_operations family_fops = {
	.owner		= THIS_MODULE,
	.release	= release,
	.fallocate	= fallocate,
	.fsync		= fsync,
};

/**
 * vmlab_fork_new_family - the file for the VMAs of a region that is copied at forks
 * @region: the region; its limit is known
 *
 * Context: may sleep.
 * Return: the file, a reference for the caller; or an ERR_PTR().
 */
struct file *vmlab_fork_new_family(const struct vmlab_region *region)
{
	struct vmlab_family *family = kmalloc(sizeof(*family), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!family)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&family->lock);
	INIT_LIST_HEAD(&family->mappings);
	family->founder = region->index.serial;
	file = vmlab_fs_new_family(region, &family_fops);
	if (IS_ERR(file))
		kfree(family);
	else
		file->private_data = family;
	return file;
}

/**
 * vmlab_fork_end_before - have huge pages from an offset on mapped page by page
 * @region: a region that is copied at forks
 * @pgoff: the offset
 *
 * A region of the family ends inside a huge page. Newer kernels map pages around that of a
 * fault as far as the file of the VMA goes, which is the family's, and knows of no region's
 * end. It stays so: that costs the family faults.
 * Context: may not sleep.
 */
void vmlab_fork_end_before(struct vmlab_region *region, pgoff_t pgoff)
{
	struct inode *inode = file_inode(region->family);
	loff_t end = (loff_t)pgoff << PAGE_SHIFT;

	spin_lock(&inode->i_lock);
	if (vmlab_inode_size(inode) > end)
		i_size_write(inode, end);
	spin_unlock(&inode->i_lock);
}
