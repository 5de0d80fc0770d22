// SPDX-License-Identifier: GPL-2.0
#include "number.h"

#include <errno.h>
#include <stdlib.h>

bool number_parse(const char *text, uint64_t most, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	/* strtoull() would take a sign and blanks. */
	return *text >= '0' && *text <= '9' && !*end && !errno && *value <= most;
}

uint64_t number_option(const char *text, uint64_t least, uint64_t most, struct argp_state *state)
{
	uint64_t value;

	if (!number_parse(text, most, &value) || value < least)
		argp_error(state, "\"%s\" is not a number from %lu to %lu", text, least, most);
	return value;
}
