/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_INSPECT_H
#define VMLAB_INSPECT_H

#include <linux/vmlab.h>

struct file;
struct seq_file;
struct vmlab_region;

void vmlab_inspect_features(struct vmlab_features *features);
void vmlab_inspect_stat(struct vmlab_region *region, struct vmlab_stat *stat);
int vmlab_inspect_list(struct vmlab_list *list);
int vmlab_inspect_extents(struct vmlab_region *region, struct vmlab_extents *extents);
void vmlab_inspect_fdinfo(struct seq_file *m, struct file *file);

void vmlab_inspect_lost(struct vmlab_region *region, u64 pages);

#endif
