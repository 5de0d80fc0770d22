/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_IOCTL_H
#define VMLAB_IOCTL_H

struct file;

long vmlab_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif
