/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_FS_H
#define VMLAB_FS_H

struct file;
struct inode;

int vmlab_fs_init(void);
void vmlab_fs_exit(void);
struct file *vmlab_fs_new_region(void);
int vmlab_fs_open(struct inode *inode, struct file *file);
void vmlab_fs_release(void);

#endif
