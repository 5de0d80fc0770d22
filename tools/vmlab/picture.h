/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdint.h>
#include <stdio.h>

#include "extents.h"

/**
 * struct picture - a range of pages as rows of cells
 * @start:	the range's first byte, a multiple of @page_size
 * @end:	its end, exclusive
 * @page_size:	bytes of one page
 * @indent:	columns to leave empty on the left
 * @columns:	columns there are
 * @lines:	lines to fill at most
 * @extents:	the pages that are there, in memory or stored
 *
 * A cell stands for a power of two of pages, as few as @lines allows. Where the
 * rows are more than @lines, two or more empty ones become one line that tells
 * how much they are.
 */
struct picture {
	uint64_t start;
	uint64_t end;
	uint32_t page_size;
	int indent;
	int columns;
	int lines;
	const struct extents *extents;
};

#define PICTURE_LINES	16

/* Draws it. Returns the bytes that one cell stands for. */
uint64_t picture_print(FILE *out, const struct picture *picture);

/* What the characters mean, and that one cell is @cell bytes. */
void picture_legend(FILE *out, int indent, uint64_t cell, uint32_t page_size);

#endif /* PICTURE_H */
