/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SIZE_H
#define SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* Room for every text that size_text() makes. */
struct size_text {
	char text[32];
};

/*
 * Bytes for people, three digits or the exact figure: "512 B", "34.3 KiB",
 * "1 TiB". With @exact, the plain number of bytes.
 */
struct size_text size_text(uint64_t bytes, bool exact);

/* "1 page", "7 pages" */
struct size_text size_pages(uint64_t pages);

#endif /* SIZE_H */
