/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

/*
 * Copies a text that somebody else chose, such as the name of a process: up to its NUL
 * or @length bytes, into @out with room for one more than that. Control characters, those
 * that separate lines, and bytes that are not UTF-8 (the last of a name cut off, say),
 * become '?'.
 */
void text_copy(char *out, const char *text, size_t length);

#endif /* TEXT_H */
