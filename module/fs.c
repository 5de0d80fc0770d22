// SPDX-License-Identifier: GPL-2.0
/*
 * The module's own file system: not mounted anywhere, it is where the inodes of
 * regions live. It exists only while a region's file is open, for a mounted file
 * system holds the module: each such file pins the mount.
 */
#include "fs.h"

#include <linux/blk_types.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pid.h>
#include <linux/pseudo_fs.h>

#include "compat.h"
#include "io.h"
#include "page.h"
#include "region.h"
#include "stats.h"

#define VMLAB_FS_MAGIC 0x766d6c62	/* "vmlb" */

static struct kmem_cache *region_cache;
static struct vfsmount *mnt;
static int mnt_pins;

static void init_once(void *memory)
{
	struct vmlab_region *region = memory;

	inode_init_once(&region->inode);
}

static struct inode *alloc_region_inode(struct super_block *sb)
{
	struct vmlab_region *region = alloc_inode_sb(sb, region_cache, GFP_KERNEL);

	if (!region)
		return NULL;
	memset((void *)region + sizeof(region->inode), 0,
	       sizeof(*region) - sizeof(region->inode));
	region->counters = alloc_percpu_gfp(struct vmlab_counters, GFP_KERNEL_ACCOUNT);
	if (!region->counters) {
		kmem_cache_free(region_cache, region);
		return NULL;
	}
	xa_init_flags(&region->pages, XA_FLAGS_ACCOUNT);
	return &region->inode;
}

/* Called after an RCU grace period: vmlab_region_next() may have found it till then. */
static void free_region_inode(struct inode *inode)
{
	struct vmlab_region *region = vmlab_inode_region(inode);

	put_pid(region->pid);
	free_percpu(region->counters);
	kmem_cache_free(region_cache, region);
}

static void evict_inode(struct inode *inode)
{
	vmlab_region_destroy(vmlab_inode_region(inode));
	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
}

static const struct super_operations super_ops = {
	.alloc_inode	= alloc_region_inode,
	.free_inode	= free_region_inode,
	.evict_inode	= evict_inode,
	.drop_inode	= inode_just_drop,
	.statfs		= simple_statfs,
};

static int init_fs_context(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, VMLAB_FS_MAGIC);

	if (!ctx)
		return -ENOMEM;
	ctx->ops = &super_ops;
	return 0;
}

static struct file_system_type fs_type = {
	.owner		= THIS_MODULE,
	.name		= "vmlab",
	.init_fs_context = init_fs_context,
	.kill_sb	= kill_anon_super,
};

/*
 * Pages carry the region's mapping, and so what the kernel finds dirty in a page
 * table arrives here, under the PTE lock.
 */
static bool dirty_folio(struct address_space *mapping, struct folio *folio)
{
	struct vmlab_region *region = vmlab_inode_region(mapping->host);

	if (vmlab_region_tracks_writes(region))
		vmlab_page_dirty(region, folio);
	return false;
}

static const struct address_space_operations region_aops = {
	.dirty_folio	= dirty_folio,
};

static int setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	int ret = setattr_prepare(idmap, dentry, attr);

	if (ret)
		return ret;
	if (attr->ia_valid & ATTR_SIZE) {
		ret = vmlab_io_truncate(vmlab_inode_region(inode), attr->ia_size);
		if (ret)
			return ret;
	}
	setattr_copy(idmap, inode, attr);
	return 0;
}

static int getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat,
		   u32 request_mask, unsigned int query_flags)
{
	struct vmlab_region *region = vmlab_inode_region(d_inode(path->dentry));

	simple_getattr(idmap, path, stat, request_mask, query_flags);
	stat->blocks = vmlab_counter_sum(region->counters, VMLAB_RESIDENT)
		       << (PAGE_SHIFT - SECTOR_SHIFT);
	return 0;
}

static const struct inode_operations region_iops = {
	.setattr	= setattr,
	.getattr	= getattr,
};

static struct inode *new_inode_region(struct super_block *sb)
{
	struct inode *inode = new_inode(sb);
	int ret;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_mode = S_IFREG | 0600;
	inode->i_uid = current_fsuid();
	inode->i_gid = current_fsgid();
	inode_touch(inode);
	inode->i_op = &region_iops;
	inode->i_fop = &vmlab_region_fops;
	inode->i_mapping->a_ops = &region_aops;
	clear_nlink(inode);	/* has no name, and so core dumps hold its memory */
	ret = vmlab_region_register(vmlab_inode_region(inode));
	if (ret) {
		iput(inode);
		return ERR_PTR(ret);
	}
	return inode;
}

/* "vmlab:" and an id */
#define NAME_SIZE sizeof("vmlab:4294967295")

/**
 * vmlab_fs_new_region - a new region
 *
 * Context: may sleep.
 * Return: its file, open for reading and writing: a reference for the caller; or an
 * ERR_PTR().
 */
struct file *vmlab_fs_new_region(void)
{
	char name[NAME_SIZE];
	struct inode *inode;
	struct file *file;
	int ret;

	ret = simple_pin_fs(&fs_type, &mnt, &mnt_pins);
	if (ret)
		return ERR_PTR(ret);
	inode = new_inode_region(mnt->mnt_sb);
	if (IS_ERR(inode)) {
		file = ERR_CAST(inode);
		goto unpin;
	}
	snprintf(name, sizeof(name), "vmlab:%u", vmlab_inode_region(inode)->id);
	file = alloc_file_pseudo(inode, mnt, name, O_RDWR | O_LARGEFILE,
				 &vmlab_region_fops);
	if (!IS_ERR(file)) {
		__module_get(THIS_MODULE);	/* put with the file's operations */
		return file;
	}
	iput(inode);
unpin:
	simple_release_fs(&mnt, &mnt_pins);
	return file;
}

/* Another file of a region was opened, by VMLAB_IOC_REGION_FD or in /proc. */
int vmlab_fs_open(struct inode *inode, struct file *file)
{
	return simple_pin_fs(&fs_type, &mnt, &mnt_pins);
}

/* A region's file was closed for good. */
void vmlab_fs_release(void)
{
	simple_release_fs(&mnt, &mnt_pins);
}

int vmlab_fs_init(void)
{
	int ret;

	region_cache = kmem_cache_create("vmlab_region", sizeof(struct vmlab_region), 0,
					 SLAB_ACCOUNT, init_once);
	if (!region_cache)
		return -ENOMEM;
	ret = register_filesystem(&fs_type);
	if (ret)
		kmem_cache_destroy(region_cache);
	return ret;
}

/* Nobody has a region any more; the last inodes may still wait for RCU. */
void vmlab_fs_exit(void)
{
	unregister_filesystem(&fs_type);
	rcu_barrier();
	kmem_cache_destroy(region_cache);
}
