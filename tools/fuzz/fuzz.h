/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_FUZZ_H
#define TOOLS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* libFuzzer calls it with each input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise that the input broke. */
#define PROMISE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* The input as a string; free() it. */
static inline char *input_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	PROMISE(text);
	memcpy(text, data, size);
	text[size] = 0;
	return text;
}

#endif /* TOOLS_FUZZ_H */
