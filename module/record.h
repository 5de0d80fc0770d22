/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_RECORD_H
#define VMLAB_RECORD_H

#include <linux/mm_types.h>

struct file;
struct vmlab_record;
struct vmlab_region;

int vmlab_record_start(struct file *file, const struct vmlab_record *args);
void vmlab_record_note(struct vmlab_region *region, const struct vm_fault *vmf);
bool vmlab_record_wait(struct vmlab_region *region, struct vm_fault *vmf);

#endif
