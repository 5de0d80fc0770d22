// SPDX-License-Identifier: GPL-2.0
/*
 * What the terminal can show.
 */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "term.h"

static bool coloured;

bool term_set_colour(const char *when)
{
	if (!strcmp(when, "auto")) {
		const char *no = getenv("NO_COLOR");
		const char *term = getenv("TERM");

		coloured = isatty(STDOUT_FILENO) && !(no && *no) &&
			   term && strcmp(term, "dumb") != 0;
		return true;
	}
	coloured = !strcmp(when, "always");
	return coloured || !strcmp(when, "never");
}

const char *term_colour(enum term_colour colour)
{
	static const char *const codes[TERM_COLOURS] = {
		[TERM_PLAIN]	= "\033[0m",
		[TERM_BOLD]	= "\033[1m",
		[TERM_DIM]	= "\033[2m",
		[TERM_RED]	= "\033[31m",
		[TERM_GREEN]	= "\033[32m",
		[TERM_YELLOW]	= "\033[33m",
		[TERM_BLUE]	= "\033[34m",
		[TERM_CYAN]	= "\033[36m",
	};

	return coloured ? codes[colour] : "";
}

int term_columns(void)
{
	struct winsize size;
	const char *columns;
	long value;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	columns = getenv("COLUMNS");
	value = columns ? strtol(columns, NULL, 10) : 0;
	return value > 0 && value < 10000 ? (int)value : 80;
}

bool term_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/* Columns of the first @bytes of a UTF-8 text. */
static int text_columns(const char *text, size_t bytes)
{
	int columns = 0;

	for (size_t i = 0; i < bytes; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

void term_wrap(FILE *out, int indent, const char *text)
{
	int width = term_columns() < 80 ? term_columns() : 80;
	int column = 0;

	while (*text) {
		size_t bytes = strcspn(text, " ");
		int columns = text_columns(text, bytes);

		if (column && column + 1 + columns > width - 1) {
			fputc('\n', out);
			column = 0;
		}
		if (column)
			column += fprintf(out, " ");
		else
			column = fprintf(out, "%*s", indent, "");
		fwrite(text, 1, bytes, out);
		column += columns;
		text += bytes;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}
