/* SPDX-License-Identifier: GPL-2.0 */
/* The guest's log, as it grows. */
#ifndef VM_LOG_H
#define VM_LOG_H

#include <stdbool.h>

/* Watches the file @path, which exists, for lines that match @pattern, a POSIX extended one. */
bool log_watch(const char *path, const char *pattern);

/* Is there such a line among those that came since the last call? */
bool log_matches(void);

#endif
