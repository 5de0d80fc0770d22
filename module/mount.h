/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_MOUNT_H
#define VMLAB_MOUNT_H

int vmlab_mount_init(void);
void vmlab_mount_exit(void);

#endif
