/* SPDX-License-Identifier: GPL-2.0 */
/* Pages that the kernel has lost. */
#ifndef VMLAB_VM_PAGES_H
#define VMLAB_VM_PAGES_H

#include <stdbool.h>

const char *pages_prepare(void);
bool pages_charge_me(void);
char *pages_lost(void);

#endif
