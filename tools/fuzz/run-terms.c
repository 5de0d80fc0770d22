// SPDX-License-Identifier: GPL-2.0
/* The variable of "vmlab run": what is taken is taken as written, and nothing else. */
#include "fuzz.h"

#include <stdio.h>

#include "../run/region.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run_terms terms, again;
	char *text = input_text(data, size);

	if (terms_read(text, &terms)) {
		char written[160];

		snprintf(written, sizeof(written), RUN_FORMAT, terms.root, terms.root_id,
			 terms.first, terms.first_id, terms.figures, terms.runner,
			 terms.first_pid);
		PROMISE(terms_read(written, &again));
		PROMISE(terms.root == again.root && terms.root_id == again.root_id &&
			terms.first == again.first && terms.first_id == again.first_id &&
			terms.figures == again.figures && terms.runner == again.runner &&
			terms.first_pid == again.first_pid);
		PROMISE(terms.root >= 0 && terms.first >= 0 && terms.figures >= 0 &&
			terms.runner >= 0 && terms.first_pid > 0);
		/* But for zeroes in front. */
		PROMISE(strlen(written) <= strlen(text));
	}
	free(text);
	return 0;
}
