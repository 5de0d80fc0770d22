/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_XATTR_H
#define VMLAB_XATTR_H

#include "compat.h"

struct dentry;
struct inode;
struct vmlab_region;
struct xattr;

extern vmlab_xattr_handler vmlab_xattr_handlers[];

ssize_t vmlab_xattr_list(struct dentry *dentry, char *buffer, size_t size);
int vmlab_xattr_init(struct inode *inode, const struct xattr *attributes, void *data);
void vmlab_xattrs_free(struct vmlab_region *region);

#endif
