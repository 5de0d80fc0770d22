/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_REFLINK_H
#define VMLAB_REFLINK_H

#include <linux/types.h>

struct file;

loff_t vmlab_reflink(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out, loff_t len,
		     unsigned int flags);

#endif
