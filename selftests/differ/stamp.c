// SPDX-License-Identifier: GPL-2.0
/* Bytes that tell where they come from. */
#include "differ.h"

#include <string.h>

void stamp(uint8_t *bytes, size_t length, uint64_t stamp)
{
	for (size_t i = 0; i < length; i += 8) {
		/* No byte is zero: those are of pages that nobody wrote to. */
		uint64_t word = random_mix(stamp << 32 | i) | 0x0101010101010101ULL;

		memcpy(bytes + i, &word, length - i < 8 ? length - i : 8);
	}
}
