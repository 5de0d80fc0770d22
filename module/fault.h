/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_FAULT_H
#define VMLAB_FAULT_H

#include <linux/mm_types.h>

#include "trace.h"

struct vmlab_region;

/* Nothing was done, as there is no room in the region's pool: not for the kernel. */
#define VMLAB_FAULT_FULL VM_FAULT_RETRY

vm_fault_t vmlab_fault(struct vm_fault *vmf);
vm_fault_t vmlab_fault_map_pages(struct vm_fault *vmf, pgoff_t start, pgoff_t end);
vm_fault_t vmlab_fault_mkwrite(struct vm_fault *vmf);

/* For huge_fault.c. */
unsigned long vmlab_fault_pages_ahead(struct vmlab_region *region, struct vm_fault *vmf);
bool vmlab_fault_wants_own(const struct vm_fault *vmf);
enum vmlab_fault_cause vmlab_fault_find_cause(struct vmlab_region *region,
					      const struct vm_fault *vmf);
vm_fault_t vmlab_fault_beyond_end(struct vmlab_region *region, struct vm_fault *vmf);
vm_fault_t vmlab_fault_error(struct vmlab_region *region, struct vm_fault *vmf, int err);
void vmlab_fault_count(struct vmlab_region *region, struct vm_fault *vmf, unsigned int nr,
		       enum vmlab_fault_cause cause, u64 begun);

#endif
