// SPDX-License-Identifier: GPL-2.0
/* Numbers and sizes on the command line: all digits, and no more than fits, or refused. */
#include "fuzz.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "number.h"

static bool all_digits(const char *text)
{
	const char *c = text;

	while (isdigit((unsigned char)*c))
		c++;
	return *text && !*c;
}

/* The number without its leading zeroes. */
static const char *significant(const char *text)
{
	while (*text == '0' && text[1])
		text++;
	return text;
}

/* A number is a size as well; another size is a number and one letter. */
static void check_size(char *text, bool is_number, uint64_t number)
{
	size_t length = strlen(text);
	uint64_t bytes;

	if (!number_size(text, &bytes)) {
		PROMISE(!is_number);
		return;
	}
	if (is_number) {
		PROMISE(bytes == number);
		return;
	}
	PROMISE(length > 1 && strchr("kKmMgGtT", text[length - 1]) && bytes % 1024 == 0);
	text[length - 1] = 0;
	PROMISE(number_u64(text, &number) && bytes >= number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = input_text(data, size);
	bool taken;
	uint64_t value;
	int small;

	taken = number_u64(text, &value);
	if (taken) {
		char written[32];

		snprintf(written, sizeof(written), "%" PRIu64, value);
		PROMISE(all_digits(text) && !strcmp(significant(text), written));
	} else {
		PROMISE(!all_digits(text) || strlen(significant(text)) >= 20);
	}
	PROMISE(number_int(text, &small) == (taken && value <= INT_MAX));
	check_size(text, taken, value);
	free(text);
	return 0;
}
