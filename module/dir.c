// SPDX-License-Identifier: GPL-2.0
/*
 * Directories of a mount, and what has a name there. The names are in the kernel's dentry
 * cache and nowhere else: each holds its dentry, as in every file system without a disk.
 * The kernel serializes what is done here by the directory's lock.
 */
#include "dir.h"

#include <linux/fs.h>
#include <linux/security.h>
#include <linux/slab.h>

#include "compat.h"
#include "inode.h"
#include "pool.h"
#include "region.h"
#include "xattr.h"

/* What a security module wants to say of a new inode becomes attributes of it. */
static int secure(struct inode *inode, struct inode *dir, const struct qstr *name)
{
	int ret = security_inode_init_security(inode, dir, name, vmlab_xattr_init, NULL);

	if (ret && ret != -EOPNOTSUPP)
		return ret;
	/* No attribute takes rights away at a write: the kernel need not look for one. */
	if (list_empty(&vmlab_inode_region(inode)->xattrs))
		inode_has_no_xattr(inode);
	return 0;
}

static struct inode *new_node(struct mnt_idmap *idmap, struct inode *dir,
			      const struct qstr *name, umode_t mode, dev_t dev)
{
	struct inode *inode = vmlab_inode_new(idmap, dir->i_sb, dir, mode, dev);
	int ret;

	if (IS_ERR(inode))
		return inode;
	ret = secure(inode, dir, name);
	if (ret) {
		iput(inode);
		return ERR_PTR(ret);
	}
	return inode;
}

static int mknod(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		 umode_t mode, dev_t dev)
{
	struct inode *inode = new_node(idmap, dir, &dentry->d_name, mode, dev);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	d_make_persistent(dentry, inode);
	inode_touch(dir);
	return 0;
}

#ifdef VMLAB_CREATE_IS_TOLD_EXCL
static int create(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		  umode_t mode, bool excl)
#else
static int create(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		  umode_t mode)
#endif
{
	return mknod(idmap, dir, dentry, mode | S_IFREG, 0);
}

static vmlab_mkdir_result mkdir(struct mnt_idmap *idmap, struct inode *dir,
				struct dentry *dentry, umode_t mode)
{
	int ret = mknod(idmap, dir, dentry, mode | S_IFDIR, 0);

	if (!ret)
		inc_nlink(dir);
	return VMLAB_MKDIR_RESULT(ret);
}

static int symlink(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		   const char *target)
{
	size_t length = strlen(target);
	struct inode *inode;
	char *link;

	link = kmemdup(target, length + 1, GFP_KERNEL_ACCOUNT);
	if (!link)
		return -ENOMEM;
	inode = new_node(idmap, dir, &dentry->d_name, S_IFLNK | 0777, 0);
	if (IS_ERR(inode)) {
		kfree(link);
		return PTR_ERR(inode);
	}
	inode->i_link = link;		/* freed with the inode */
	inode->i_size = length;
	d_make_persistent(dentry, inode);
	inode_touch(dir);
	return 0;
}

static int tmpfile(struct mnt_idmap *idmap, struct inode *dir, struct file *file,
		   umode_t mode)
{
	struct inode *inode = new_node(idmap, dir, NULL, mode, 0);

	if (!IS_ERR(inode))
		d_tmpfile(file, inode);
	return finish_open_simple(file, PTR_ERR_OR_ZERO(inode));
}

/* A name takes memory, too; an inode's first one is counted with it. */
static int link(struct dentry *old_dentry, struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(old_dentry);
	int ret;

	if (inode->i_nlink) {
		ret = vmlab_pool_take_inodes(vmlab_inode_region(inode)->pool, 1);
		if (ret)
			return ret;
	}
	return simple_link(old_dentry, dir, dentry);
}

/* Was this name counted? */
static bool is_further_link(const struct dentry *dentry)
{
	return d_really_is_positive(dentry) && !d_is_dir(dentry) &&
	       d_inode(dentry)->i_nlink > 1;
}

static int unlink(struct inode *dir, struct dentry *dentry)
{
	if (is_further_link(dentry))
		vmlab_pool_give_inodes(vmlab_inode_region(dir)->pool, 1);
	return simple_unlink(dir, dentry);
}

/*
 * Leaves a mark for overlayfs in the place of what is being moved away. For a moment two
 * dentries have the name: a lookup finds one or the other.
 */
static int make_whiteout(struct mnt_idmap *idmap, struct inode *dir, struct dentry *old)
{
	struct dentry *whiteout = d_alloc(old->d_parent, &old->d_name);
	int ret;

	if (!whiteout)
		return -ENOMEM;
	ret = mknod(idmap, dir, whiteout, S_IFCHR | WHITEOUT_MODE, WHITEOUT_DEV);
	dput(whiteout);
	return ret;
}

static int rename(struct mnt_idmap *idmap, struct inode *old_dir, struct dentry *old_dentry,
		  struct inode *new_dir, struct dentry *new_dentry, unsigned int flags)
{
	bool replaced = !(flags & RENAME_EXCHANGE) && is_further_link(new_dentry);
	int ret;

	if (flags & RENAME_WHITEOUT) {
		if (!simple_empty(new_dentry))
			return -ENOTEMPTY;
		ret = make_whiteout(idmap, old_dir, old_dentry);
		if (ret)
			return ret;
	}
	ret = simple_rename(idmap, old_dir, old_dentry, new_dir, new_dentry,
			    flags & ~RENAME_WHITEOUT);
	if (!ret && replaced)
		vmlab_pool_give_inodes(vmlab_inode_region(new_dir)->pool, 1);
	return ret;
}

const struct inode_operations vmlab_dir_ops = {
	.lookup		= simple_lookup,
	.create		= create,
	.mkdir		= mkdir,
	.mknod		= mknod,
	.symlink	= symlink,
	.tmpfile	= tmpfile,
	.link		= link,
	.unlink		= unlink,
	.rmdir		= simple_rmdir,
	.rename		= rename,
	.setattr	= vmlab_inode_setattr,
	.getattr	= vmlab_inode_getattr,
	.listxattr	= vmlab_xattr_list,
};

const struct inode_operations vmlab_symlink_ops = {
	.get_link	= simple_get_link,
	.setattr	= vmlab_inode_setattr,
	.getattr	= vmlab_inode_getattr,
	.listxattr	= vmlab_xattr_list,
};
