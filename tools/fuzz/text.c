// SPDX-License-Identifier: GPL-2.0
/* Names that others chose: printable UTF-8, as the C library sees it, of the same length. */
#include "fuzz.h"

#include <limits.h>
#include <locale.h>
#include <wchar.h>
#include <wctype.h>

#include "text.h"

static void check(const char *text)
{
	mbstate_t state = { 0 };
	wchar_t character;
	size_t bytes;

	while ((bytes = mbrtowc(&character, text, MB_LEN_MAX, &state)) != 0) {
		PROMISE(bytes <= 4 && !iswcntrl((wint_t)character));
		text += bytes;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	PROMISE(copy && setlocale(LC_CTYPE, "C.UTF-8"));
	text_copy(copy, (const char *)data, size);
	PROMISE(strlen(copy) == strnlen((const char *)data, size));
	check(copy);
	free(copy);
	return 0;
}
