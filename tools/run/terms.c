// SPDX-License-Identifier: GPL-2.0
/* What "vmlab run" says in the environment. */
#include <limits.h>
#include <stddef.h>

#include "region.h"

/*
 * One number, and its comma unless it is the last; moves *@text behind it, or makes it NULL if
 * there is none up to @most.
 */
static unsigned long long next_number(const char **text, unsigned long long most, bool last)
{
	const char *at = *text;
	unsigned long long number = 0;

	if (!at)
		return 0;
	for (; *at >= '0' && *at <= '9'; at++) {
		const unsigned long long digit = (unsigned long long)(*at - '0');

		if (digit > most || number > (most - digit) / 10)
			break;
		number = number * 10 + digit;
	}
	if (at == *text || *at != (last ? 0 : ','))
		*text = NULL;
	else
		*text = last ? at : at + 1;
	return number;
}

bool terms_read(const char *text, struct run_terms *terms)
{
	terms->root = (int)next_number(&text, INT_MAX, false);
	terms->root_id = next_number(&text, ULLONG_MAX, false);
	terms->first = (int)next_number(&text, INT_MAX, false);
	terms->first_id = next_number(&text, ULLONG_MAX, false);
	terms->figures = (int)next_number(&text, INT_MAX, false);
	terms->runner = (int)next_number(&text, INT_MAX, false);
	terms->first_pid = (int)next_number(&text, INT_MAX, true);
	return text && terms->first_pid;
}
