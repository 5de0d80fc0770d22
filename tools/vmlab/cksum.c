// SPDX-License-Identifier: GPL-2.0
/*
 * The CRC of POSIX cksum: polynomial 0x04c11db7, most significant bit first,
 * then the length's bytes from the least significant on, then inverted.
 */
#include "cksum.h"

static uint32_t table[256];

static void fill_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i << 24;

		for (int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
		table[i] = crc;
	}
}

static uint32_t step(uint32_t crc, unsigned char byte)
{
	return crc << 8 ^ table[crc >> 24 ^ byte];
}

void cksum_add(struct cksum *sum, const void *data, size_t bytes)
{
	const unsigned char *byte = data;

	if (!table[1])
		fill_table();
	for (size_t i = 0; i < bytes; i++)
		sum->crc = step(sum->crc, byte[i]);
	sum->length += bytes;
}

uint32_t cksum_end(const struct cksum *sum)
{
	uint32_t crc = sum->crc;

	for (uint64_t length = sum->length; length; length >>= 8)
		crc = step(crc, length & 0xff);
	return ~crc;
}
