/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_PRESSURE_H
#define VMLAB_PRESSURE_H

struct list_lru;

/* Pages that policies know of, by their swaps. Its locks are inside slots_lock. */
extern struct list_lru vmlab_pressure_lru;

int vmlab_pressure_init(void);
void vmlab_pressure_stop(void);
void vmlab_pressure_exit(void);

#endif
