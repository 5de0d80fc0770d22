// SPDX-License-Identifier: GPL-2.0
#include "log.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

static FILE *file;
static regex_t wanted;

bool log_watch(const char *path, const char *pattern)
{
	file = fopen(path, "re");
	return file && !regcomp(&wanted, pattern, REG_EXTENDED | REG_NOSUB);
}

bool log_matches(void)
{
	char line[1024];
	bool found = false;

	clearerr(file);
	while (fgets(line, sizeof(line), file)) {
		size_t length = strlen(line);

		/* The rest of the line is still to come. */
		if (line[length - 1] != '\n' && length < sizeof(line) - 1) {
			fseek(file, -(long)length, SEEK_CUR);
			break;
		}
		found |= !regexec(&wanted, line, 0, NULL, 0);
	}
	return found;
}
