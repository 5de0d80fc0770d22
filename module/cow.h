/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_COW_H
#define VMLAB_COW_H

struct file;
struct vmlab_region;

void vmlab_cow_begin(struct vmlab_region *region);
void vmlab_cow_track(struct vmlab_region *region);
int vmlab_cow_share_all(struct vmlab_region *from, struct vmlab_region *to);
struct file *vmlab_cow_clone(struct vmlab_region *from, struct file *family);

#endif
