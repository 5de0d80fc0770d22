/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_IO_H
#define VMLAB_IO_H

#include <linux/fs.h>

struct vmlab_region;

extern const struct file_operations vmlab_region_fops;

int vmlab_io_truncate(struct vmlab_region *region, loff_t size);

#endif
