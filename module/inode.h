/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_INODE_H
#define VMLAB_INODE_H

#include <linux/types.h>

#include "compat.h"

struct inode;
struct super_block;

int vmlab_inode_init_cache(void);
void vmlab_inode_exit_cache(void);
struct inode *vmlab_inode_alloc(struct super_block *sb);
void vmlab_inode_destroy(struct inode *inode);
void vmlab_inode_evict(struct inode *inode);
int vmlab_inode_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr);
int vmlab_inode_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat,
			u32 request_mask, unsigned int query_flags);
void vmlab_inode_init_region(struct inode *inode, u64 limit);
struct inode *vmlab_inode_new(struct mnt_idmap *idmap, struct super_block *sb,
			      struct inode *dir, umode_t mode, dev_t dev);

#endif
