// SPDX-License-Identifier: GPL-2.0
/* Bytes that tell where they come from. */
#include "differ.h"

#include <string.h>

/* No byte is zero: those are of pages that nobody wrote to. */
static uint64_t word_of(uint64_t stamp, uint64_t number)
{
	return random_mix(stamp << 32 | number) | 0x0101010101010101ULL;
}

void stamp(uint8_t *bytes, size_t length, uint64_t stamp)
{
	for (size_t i = 0; i < length; i += 8) {
		uint64_t word = word_of(stamp, i);

		memcpy(bytes + i, &word, length - i < 8 ? length - i : 8);
	}
}

uint64_t stamp_mark(uint64_t stamp, uint64_t page)
{
	return word_of(stamp, page);
}
