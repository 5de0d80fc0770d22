/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_DIR_H
#define VMLAB_DIR_H

#include <linux/fs.h>

extern const struct inode_operations vmlab_dir_ops;
extern const struct inode_operations vmlab_symlink_ops;

#endif
