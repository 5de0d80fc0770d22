/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TRACE_INPUT_H
#define TRACE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * struct input - the bytes of a file or a pipe; what is compressed by zstd is decompressed
 * @data:	those that have been read and not been used
 * @left:	how many
 * @error:	why there will be no more, or NULL
 *
 * The user takes bytes by increasing @data and decreasing @left.
 */
struct input {
	const uint8_t *data;
	size_t left;
	const char *error;
};

/* Does not close @file. Returns NULL if there is no memory. */
struct input *input_open(FILE *file);
void input_close(struct input *input);

/* The most that can be asked for. */
#define INPUT_ROOM	(256 * 1024)

/* Reads until there are @bytes, the end is reached, or @error is set. Are there as many? */
bool input_fill(struct input *input, size_t bytes);

#endif /* TRACE_INPUT_H */
