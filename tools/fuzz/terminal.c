// SPDX-License-Identifier: GPL-2.0
/* What the environment and the command line say of the terminal. */
#include "fuzz.h"

#include <stdio.h>

#include "term.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = input_text(data, size), *wrapped = NULL;
	size_t length;
	FILE *out = open_memstream(&wrapped, &length);

	PROMISE(out);
	setenv("COLUMNS", text, 1);
	PROMISE(term_columns() > 0 && term_columns() < 10000);
	PROMISE(term_set_colour(text) ==
		(!strcmp(text, "auto") || !strcmp(text, "always") || !strcmp(text, "never")));
	term_wrap(out, 2, text);
	fclose(out);
	PROMISE(length && wrapped[length - 1] == '\n');
	free(wrapped);
	free(text);
	return 0;
}
