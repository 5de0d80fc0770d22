/* SPDX-License-Identifier: GPL-2.0 */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* The whole of @text is a decimal number: false if it is not, or too large. */
bool number_u64(const char *text, uint64_t *value);

/*
 * The same, of bytes: K, M, G or T may be behind it, small or not, and stands for a power of
 * 1024.
 */
bool number_size(const char *text, uint64_t *bytes);

/* As number_u64(), for descriptors and process ids: 0 to INT_MAX. */
bool number_int(const char *text, int *value);

#endif /* NUMBER_H */
