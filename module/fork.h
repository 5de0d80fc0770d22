/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_FORK_H
#define VMLAB_FORK_H

#include <linux/fs.h>
#include <linux/mm_types.h>

struct vmlab_mapping;
struct vmlab_region;

struct file *vmlab_fork_new_family(const struct vmlab_region *region);
int vmlab_fork_mmap(struct vmlab_region *region, struct file *file, struct vm_area_struct *vma);
void vmlab_fork_open(struct vm_area_struct *vma);
void vmlab_fork_close(struct vm_area_struct *vma);
struct file *vmlab_fork_file(const struct vm_area_struct *vma);
void vmlab_fork_end_before(struct vmlab_region *region, pgoff_t pgoff);

#endif
