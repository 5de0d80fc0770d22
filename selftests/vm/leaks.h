/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that the kernel has lost, where it can tell (CONFIG_DEBUG_KMEMLEAK). */
#ifndef VMLAB_VM_LEAKS_H
#define VMLAB_VM_LEAKS_H

#include <stdbool.h>

void leaks_before_unload(void);
char *leaks_after_unload(bool must_tell);

#endif
