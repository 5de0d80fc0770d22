/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TERM_H
#define TERM_H

#include <stdbool.h>
#include <stdio.h>

enum term_colour {
	TERM_PLAIN,
	TERM_BOLD,
	TERM_DIM,
	TERM_RED,
	TERM_GREEN,
	TERM_YELLOW,
	TERM_BLUE,
	TERM_CYAN,
	TERM_COLOURS,
};

/*
 * --color=WHEN: "auto" (a terminal, and NO_COLOR is not set), "always" or
 * "never". Returns false if @when is none of them. Must be called with
 * stdout as the user gave it.
 */
bool term_set_colour(const char *when);

/* The escape sequence that switches to a colour; "" if colours are off. */
const char *term_colour(enum term_colour colour);

/* Columns of the terminal; else $COLUMNS; else 80. */
int term_columns(void);

/* The locale's characters are UTF-8. */
bool term_utf8(void);

/* A paragraph, wrapped at the terminal's width but at 80 columns at most. */
void term_wrap(FILE *out, int indent, const char *text);

#endif /* TERM_H */
