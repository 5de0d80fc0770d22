/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CKSUM_H
#define CKSUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * The checksum that cksum(1) prints, so that people can check our figures. A
 * sum begins as all zero.
 */
struct cksum {
	uint32_t crc;
	uint64_t length;
};

void cksum_add(struct cksum *sum, const void *data, size_t bytes);
uint32_t cksum_end(const struct cksum *sum);

#endif /* CKSUM_H */
