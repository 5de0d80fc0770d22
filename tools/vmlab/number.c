// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "number.h"

bool number_u64(const char *text, uint64_t *value)
{
	char *end;

	/* strtoull() would take a sign and blanks. */
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && !*end;
}

bool number_int(const char *text, int *value)
{
	uint64_t wide;

	if (!number_u64(text, &wide) || wide > INT_MAX)
		return false;
	*value = (int)wide;
	return true;
}
