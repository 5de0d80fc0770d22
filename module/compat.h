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

#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mm.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#include <linux/user_namespace.h>
#define mnt_idmap user_namespace

static inline void vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set,
				vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

/* Visiting the entries of a page table that is there. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define VMLAB_HAVE_APPLY_TO_EXISTING
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

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define alloc_pages_bulk alloc_pages_bulk_array
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define inode_just_drop generic_delete_inode
#endif

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
