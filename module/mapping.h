/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_MAPPING_H
#define VMLAB_MAPPING_H

#include <linux/types.h>

struct file;
struct vm_area_struct;
struct vmlab_region;

bool vmlab_mapping_is_ours(const struct vm_area_struct *vma);
bool vmlab_mapping_is_plain(const struct vm_area_struct *vma);
struct vmlab_region *vmlab_mapping_region(const struct vm_area_struct *vma);
struct file *vmlab_mapping_file(const struct vm_area_struct *vma);
void vmlab_mapping_track(struct vmlab_region *region);
int vmlab_mapping_mmap(struct vmlab_region *region, struct file *file,
		       struct vm_area_struct *vma);

#endif
