/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_IOCTL_H
#define VMLAB_IOCTL_H

#include <linux/types.h>

struct file;

/* sizeof(struct vmlab_stat) in the first version of the interface. */
#define VMLAB_STAT_SIZE_FIRST 152
/* The same of struct vmlab_histogram, and of struct vmlab_pool_stat when it was first listed. */
#define VMLAB_HISTOGRAM_SIZE_FIRST 328
#define VMLAB_POOL_STAT_SIZE_LISTED 248

int vmlab_copy_out(void __user *user, size_t user_size, const void *arg, size_t size);
long vmlab_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif
