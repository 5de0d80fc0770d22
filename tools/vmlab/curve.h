/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CURVE_H
#define CURVE_H

#include <stdint.h>
#include <stdio.h>

/**
 * struct curves - miss ratios over numbers of frames
 * @title:	what was replayed
 * @names:	of the policies
 * @frames:	the numbers, increasing
 * @ratios:	@policies rows of @sizes ratios, from 0 to 1
 */
struct curves {
	const char *title;
	const char *const *names;
	int policies;
	const uint32_t *frames;
	int sizes;
	const double *ratios;
};

/* Draws them with characters, in so many columns. */
void curves_print(FILE *out, const struct curves *curves, int columns);

/* Writes them as a picture. */
void curves_svg(FILE *out, const struct curves *curves);

#endif /* CURVE_H */
