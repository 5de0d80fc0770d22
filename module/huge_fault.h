/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_HUGE_FAULT_H
#define VMLAB_HUGE_FAULT_H

#include <linux/mm_types.h>
#include <linux/types.h>

struct vmlab_region;

vm_fault_t vmlab_huge_serve(struct vmlab_region *region, struct vm_fault *vmf, u64 begun);
vm_fault_t vmlab_huge_make_own(struct vmlab_region *region, struct vm_fault *vmf, u64 begun);

#endif
