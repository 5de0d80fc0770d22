/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only file that knows kernel versions. Elsewhere the code is written for
 * the newest kernel, and what older ones lack is made up for here.
 */
#ifndef VMLAB_COMPAT_H
#define VMLAB_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0) || \
	LINUX_VERSION_CODE >= KERNEL_VERSION(7, 4, 0)
#error "vmlab supports Linux 6.1 to 7.3"
#endif

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/list_lru.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/swap.h>
#include <linux/uio.h>
#include <linux/zsmalloc.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#include <linux/filelock.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#include <linux/user_namespace.h>
#define mnt_idmap user_namespace

static inline void vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set,
				vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

/* Are VMAs merged though their vm_ops have .close, where none goes by that? */
#define VMLAB_MERGES_VMAS (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0))

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#define copy_folio_from_iter_atomic(folio, offset, bytes, iter) \
	copy_page_from_iter_atomic(&(folio)->page, offset, bytes, iter)
#endif

/*
 * Visiting the entries of a page table that is there. From 7.0 on missing tables are made,
 * which is harmless in a fault, where they are there.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define VMLAB_HAVE_APPLY_TO_EXISTING
#define apply_to_mapped_range apply_to_existing_page_range
#else
#define apply_to_mapped_range apply_to_page_range
#endif

/*
 * Until it was fixed ("mm: fix apply_to_existing_page_range()", 2025) the visit ended at the
 * first entry that was empty, in each table.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0) ||	\
	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 30) &&	\
	 LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)) ||	\
	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 90) &&	\
	 LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)) ||	\
	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 140) &&	\
	 LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0))
#define VMLAB_VISITS_ALL_ENTRIES
#endif

/* Write-protecting them in bulk takes that, and a way to flush TLBs. */
#if defined(VMLAB_HAVE_APPLY_TO_EXISTING) && defined(VMLAB_VISITS_ALL_ENTRIES) && \
	defined(CONFIG_X86)
#include <asm/tlbflush.h>
#define VMLAB_HAVE_WRITE_PROTECT
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define pte_mkwrite_novma(pte) pte_mkwrite(pte)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define copy_splice_read generic_file_splice_read
#define iov_iter_is_splice iov_iter_is_pipe
#else
#define iov_iter_is_splice iov_iter_is_bvec
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define file_mnt_idmap file_mnt_user_ns
#endif

/*
 * A write holds off who freezes the file system. Newer kernels see to that here; twice would be
 * once too often, for who freezes it comes in between.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
static inline ssize_t vmlab_iocb_iter_write(struct file *file, struct kiocb *iocb,
					    struct iov_iter *from)
{
	ssize_t ret;

	file_start_write(file);
	ret = vfs_iocb_iter_write(file, iocb, from);
	file_end_write(file);
	return ret;
}

#define vfs_iocb_iter_write vmlab_iocb_iter_write
#endif

/* The lock that a fault holds, which it gives up to return VM_FAULT_RETRY. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
static inline void release_fault_lock(struct vm_fault *vmf)
{
	mmap_read_unlock(vmf->vma->vm_mm);
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define folio_mapcount(folio) page_mapcount(&(folio)->page)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define alloc_pages_bulk alloc_pages_bulk_array
#endif

/* Access to what zsmalloc has. Older kernels have buffers of their own for what crosses pages. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
static inline void *zs_obj_read_begin(struct zs_pool *pool, unsigned long handle,
				      size_t length, void *buffer)
{
	return zs_map_object(pool, handle, ZS_MM_RO);
}

static inline void zs_obj_read_end(struct zs_pool *pool, unsigned long handle,
				   size_t length, void *data)
{
	zs_unmap_object(pool, handle);
}

static inline void zs_obj_write(struct zs_pool *pool, unsigned long handle, void *data,
				size_t length)
{
	memcpy(zs_map_object(pool, handle, ZS_MM_WO), data, length);
	zs_unmap_object(pool, handle);
}
#elif LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define zs_obj_read_begin(pool, handle, length, buffer) \
	zs_obj_read_begin(pool, handle, buffer)
#define zs_obj_read_end(pool, handle, length, data) \
	zs_obj_read_end(pool, handle, data)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
#define zs_malloc(pool, size, gfp, nid) zs_malloc(pool, size, gfp)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define inode_just_drop generic_delete_inode
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define nop_mnt_idmap init_user_ns
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
static inline void simple_inode_init_ts(struct inode *inode)
{
	inode->i_ctime = current_time(inode);
	inode->i_mtime = inode->i_ctime;
	inode->i_atime = inode->i_ctime;
}

#define vmlab_xattr_handler const struct xattr_handler *
#else
#define vmlab_xattr_handler const struct xattr_handler *const
#endif

/* What inode_operations.mkdir returns: an errno or, for file systems that want it, a dentry. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
#define vmlab_mkdir_result int
#define VMLAB_MKDIR_RESULT(err) (err)
#else
#define vmlab_mkdir_result struct dentry *
#define VMLAB_MKDIR_RESULT(err) ERR_PTR(err)
#endif

/* inode_operations.create: whether O_EXCL was said is no matter to us. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
#define VMLAB_CREATE_IS_TOLD_EXCL
#endif

/* A name that stays without being used, until simple_unlink() or the end of its mount. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
static inline void d_make_persistent(struct dentry *dentry, struct inode *inode)
{
	d_instantiate(dentry, inode);
	if (d_unhashed(dentry))
		d_rehash(dentry);
	dget(dentry);
}

#define vmlab_kill_super kill_litter_super
#else
#define vmlab_kill_super kill_anon_super
#endif

/* Where the kernel would map something that does not care. */
static inline unsigned long vmlab_unmapped_area(struct file *file, unsigned long address,
						unsigned long len, unsigned long pgoff,
						unsigned long flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
	return current->mm->get_unmapped_area(file, address, len, pgoff, flags);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	return mm_get_unmapped_area(current->mm, file, address, len, pgoff, flags);
#else
	return mm_get_unmapped_area(file, address, len, pgoff, flags);
#endif
}

/*
 * A shrinker is allocated, told what to call, and registered. Older kernels give it its id when it
 * is registered, and that is wanted before: so they begin to call it when it is allocated. Until
 * its own functions are set, @scan_objects first, there is nothing to count.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
static inline unsigned long vmlab_count_nothing(struct shrinker *shrinker,
						struct shrink_control *sc)
{
	return 0;
}

static inline struct shrinker *shrinker_alloc(unsigned int flags, const char *name)
{
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	if (!shrinker)
		return NULL;
	shrinker->flags = flags;
	shrinker->seeks = DEFAULT_SEEKS;
	shrinker->count_objects = vmlab_count_nothing;
	if (register_shrinker(shrinker, "%s", name)) {
		kfree(shrinker);
		return NULL;
	}
	return shrinker;
}

static inline void shrinker_register(struct shrinker *shrinker)
{
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(shrinker);
}
#endif

/* Of struct reclaim_state: what the LRU lists had no part in. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define vmlab_reclaimed(state) ((state)->reclaimed_slab)

static inline void mm_account_reclaimed_pages(unsigned long pages)
{
	if (current->reclaim_state)
		current->reclaim_state->reclaimed_slab += pages;
}
#else
#define vmlab_reclaimed(state) ((state)->reclaimed)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define list_lru_add_obj list_lru_add
#define list_lru_del_obj list_lru_del
#endif

/**
 * struct vmlab_lru_walk - a walk over a list_lru
 * @visit: called for each item, with @data, under the list's lock
 * @data: the caller's
 */
struct vmlab_lru_walk {
	enum lru_status (*visit)(struct list_head *item, void *data);
	void *data;
};

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline enum lru_status vmlab_lru_visit(struct list_head *item, struct list_lru_one *list,
					      spinlock_t *lock, void *data)
#else
static inline enum lru_status vmlab_lru_visit(struct list_head *item, struct list_lru_one *list,
					      void *data)
#endif
{
	const struct vmlab_lru_walk *walk = data;

	return walk->visit(item, walk->data);
}

/* The inode's content changes now. */
static inline void inode_touch(struct inode *inode)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	inode->i_ctime = current_time(inode);
	inode->i_mtime = inode->i_ctime;
#else
	inode_set_mtime_to_ts(inode, inode_set_ctime_current(inode));
#endif
}

#endif
