// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

/* The number that @text begins with; NULL if it does not. Else where it ends. */
static const char *parse(const char *text, uint64_t *value)
{
	char *end;

	/* strtoull() would take a sign and blanks. */
	if (!isdigit((unsigned char)*text))
		return NULL;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno ? NULL : end;
}

bool number_u64(const char *text, uint64_t *value)
{
	const char *end = parse(text, value);

	return end && !*end;
}

bool number_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *end = parse(text, bytes), *unit;
	unsigned int shift;

	if (!end || !*end)
		return end;
	unit = strchr(units, toupper((unsigned char)*end));
	if (!unit || end[1])
		return false;
	shift = 10 * (unsigned int)(unit - units + 1);
	if (*bytes > UINT64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

bool number_int(const char *text, int *value)
{
	uint64_t wide;

	if (!number_u64(text, &wide) || wide > INT_MAX)
		return false;
	*value = (int)wide;
	return true;
}
