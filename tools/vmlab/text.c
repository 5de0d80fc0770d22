// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "text.h"

/* The least characters that one to four bytes may stand for. */
static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

static size_t bytes_of(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc0 || first >= 0xf8)
		return 0;
	if (first < 0xe0)
		return 2;
	return first < 0xf0 ? 3 : 4;
}

static bool printable(uint32_t character)
{
	bool control = character < 0x20 || (character >= 0x7f && character < 0xa0);
	bool surrogate = character >= 0xd800 && character < 0xe000;
	bool separator = character == 0x2028 || character == 0x2029;	/* of lines, paragraphs */

	return !control && !surrogate && !separator && character <= 0x10ffff;
}

/* Bytes of the printable character that the text begins with, 0 if there is none. */
static size_t character(const char *text, size_t length)
{
	size_t bytes = bytes_of((unsigned char)*text);
	uint32_t value;

	if (!bytes || bytes > length)
		return 0;
	value = (unsigned char)*text & (bytes == 1 ? 0x7f : 0xff >> (bytes + 1));
	for (size_t i = 1; i < bytes; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | ((unsigned char)text[i] & 0x3f);
	}
	return value >= least[bytes] && printable(value) ? bytes : 0;
}

void text_copy(char *out, const char *text, size_t length)
{
	length = strnlen(text, length);
	while (length) {
		size_t bytes = character(text, length);

		if (bytes)
			memcpy(out, text, bytes);
		else
			*out = '?';
		bytes += !bytes;
		out += bytes;
		text += bytes;
		length -= bytes;
	}
	*out = 0;
}
