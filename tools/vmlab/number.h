/* SPDX-License-Identifier: GPL-2.0 */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* The whole of @text is a decimal number: false if it is not, or too large. */
bool number_u64(const char *text, uint64_t *value);

/* The same, for descriptors and process ids: 0 to INT_MAX. */
bool number_int(const char *text, int *value);

#endif /* NUMBER_H */
