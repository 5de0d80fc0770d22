/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_FAULT_H
#define VMLAB_FAULT_H

struct vm_area_struct;
struct vmlab_region;

int vmlab_fault_mmap(struct vmlab_region *region, struct vm_area_struct *vma);

#endif
