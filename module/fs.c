// SPDX-License-Identifier: GPL-2.0
/*
 * The module's own file system: not mounted anywhere, it is where the inodes of regions
 * live that were opened from /dev/vmlab. It exists only while a region's file is open, for
 * a mounted file system holds the module: each such file pins the mount. Nobody else can
 * mount it, so it is not registered (mount.c has the one that users mount).
 */
#include "fs.h"

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>

#include "compat.h"
#include "inode.h"
#include "io.h"
#include "pool.h"
#include "region.h"

static struct vfsmount *mnt;
static int mnt_pins;

static const struct super_operations super_ops = {
	.alloc_inode	= vmlab_inode_alloc,
	.destroy_inode	= vmlab_inode_destroy,
	.evict_inode	= vmlab_inode_evict,
	.drop_inode	= inode_just_drop,
	.statfs		= simple_statfs,
};

static int init_fs_context(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, VMLAB_FS_MAGIC);

	if (!ctx)
		return -ENOMEM;
	/* Memory of a program's may have code in it: 7.x forbids that of such file systems. */
	fc->s_iflags &= ~SB_I_NOEXEC;
	ctx->ops = &super_ops;
	return 0;
}

static struct file_system_type fs_type = {
	.owner		= THIS_MODULE,
	.name		= "vmlab_internal",
	.init_fs_context = init_fs_context,
	.kill_sb	= kill_anon_super,
};

static struct inode *new_file_inode(struct super_block *sb)
{
	struct inode *inode = new_inode(sb);

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_mode = S_IFREG | 0600;
	inode->i_uid = current_fsuid();
	inode->i_gid = current_fsgid();
	inode->i_flags |= S_NOSEC;	/* the kernel looks no further before each write */
	simple_inode_init_ts(inode);
	vmlab_inode_region(inode)->btime = current_time(inode);
	clear_nlink(inode);	/* has no name, and so core dumps hold its memory */
	return inode;
}

static struct inode *new_region_inode(struct super_block *sb, struct vmlab_pool *pool)
{
	struct inode *inode = new_file_inode(sb);
	struct vmlab_region *region;
	int ret;

	if (IS_ERR(inode))
		return inode;
	vmlab_inode_region(inode)->pool = vmlab_pool_get(pool);
	vmlab_inode_init_region(inode, VMLAB_SIZE_DEFAULT);
	i_size_write(inode, VMLAB_SIZE_DEFAULT);
	region = vmlab_inode_region(inode);
	ret = vmlab_region_register(region);
	if (ret) {
		iput(inode);
		return ERR_PTR(ret);
	}
	inode->i_ino = region->id;
	return inode;
}

/*
 * An inode on the mount, which it pins: new_file() takes both. It is that of a region in @pool,
 * or that of a family if @pool is NULL.
 */
static struct inode *new_pinned(struct vmlab_pool *pool)
{
	struct inode *inode;
	int ret;

	ret = simple_pin_fs(&fs_type, &mnt, &mnt_pins);
	if (ret)
		return ERR_PTR(ret);
	inode = pool ? new_region_inode(mnt->mnt_sb, pool) : new_file_inode(mnt->mnt_sb);
	if (IS_ERR(inode))
		simple_release_fs(&mnt, &mnt_pins);
	return inode;
}

/* "vmlab:" and an id */
#define NAME_SIZE sizeof("vmlab:4294967295")

/* The first file of an inode. Both references are used up: the inode's and the mount's. */
static struct file *new_file(struct inode *inode, u32 id, const struct file_operations *fops)
{
	char name[NAME_SIZE];
	struct file *file;

	snprintf(name, sizeof(name), "vmlab:%u", id);
	file = alloc_file_pseudo(inode, mnt, name, O_RDWR | O_LARGEFILE, fops);
	if (IS_ERR(file)) {
		iput(inode);
		simple_release_fs(&mnt, &mnt_pins);
		return file;
	}
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	__module_get(THIS_MODULE);	/* put with the file's operations */
	return file;
}

/**
 * vmlab_fs_new_region - a new region
 * @pool: the pool that it is to be in
 *
 * Context: may sleep.
 * Return: its file, open for reading and writing: a reference for the caller; or an
 * ERR_PTR().
 */
struct file *vmlab_fs_new_region(struct vmlab_pool *pool)
{
	struct inode *inode = new_pinned(pool);

	if (IS_ERR(inode))
		return ERR_CAST(inode);
	return new_file(inode, vmlab_inode_region(inode)->id, &vmlab_region_fops);
}

/**
 * vmlab_fs_new_family - a file that VMAs of regions hang on, and which has no pages
 * @region: the first of the regions, after which it is named
 * @fops: its operations; their release calls vmlab_fs_unpin()
 *
 * Context: may sleep.
 * Return: as vmlab_fs_new_region().
 */
struct file *vmlab_fs_new_family(const struct vmlab_region *region,
				 const struct file_operations *fops)
{
	struct inode *inode = new_pinned(NULL);

	if (IS_ERR(inode))
		return ERR_CAST(inode);
	inode->i_ino = region->id;
	i_size_write(inode, region->limit);
	return new_file(inode, region->id, fops);
}

/* Another file of a region is being opened, by VMLAB_IOC_REGION_FD or in /proc. */
int vmlab_fs_pin(void)
{
	return simple_pin_fs(&fs_type, &mnt, &mnt_pins);
}

/* A region's file was closed for good. */
void vmlab_fs_unpin(void)
{
	simple_release_fs(&mnt, &mnt_pins);
}
