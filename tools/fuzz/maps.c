// SPDX-License-Identifier: GPL-2.0
/* A line of /proc/PID/maps: what is taken, written out again, is taken as the same. */
#include "fuzz.h"

#include <inttypes.h>
#include <stdio.h>

#include "process.h"

static void write_out(char *line, size_t size, const struct process_mapping *mapping)
{
	snprintf(line, size, "%" PRIx64 "-%" PRIx64 " %s %" PRIx64 " 00:01 7 /vmlab:%" PRIu64 " (deleted)\n",
		 mapping->start, mapping->end, mapping->perms, mapping->offset, mapping->id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct process_mapping mapping, again;
	char *line = input_text(data, size);

	if (process_mapping_parse(line, &mapping)) {
		char written[256];

		PROMISE(memchr(mapping.perms, 0, sizeof(mapping.perms)));
		write_out(written, sizeof(written), &mapping);
		PROMISE(process_mapping_parse(written, &again));
		PROMISE(again.start == mapping.start && again.end == mapping.end &&
			again.offset == mapping.offset && again.id == mapping.id &&
			!strcmp(again.perms, mapping.perms));
	}
	free(line);
	return 0;
}
