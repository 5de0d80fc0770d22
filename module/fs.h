/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_FS_H
#define VMLAB_FS_H

#include <linux/fs.h>

/* What statfs() calls the type of both of our file systems: "vmlb". */
#define VMLAB_FS_MAGIC 0x766d6c62

struct vmlab_pool;
struct file;
struct inode;
struct vmlab_region;

struct file *vmlab_fs_new_region(struct vmlab_pool *pool);
struct file *vmlab_fs_new_family(const struct vmlab_region *region,
				 const struct file_operations *fops);
int vmlab_fs_pin(void);
void vmlab_fs_unpin(void);

#endif
