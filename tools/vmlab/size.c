// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>

#include "size.h"

struct size_text size_text(uint64_t bytes, bool exact)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int unit = 0;
	struct size_text size;
	uint64_t scale = 1;
	double value;

	if (exact) {
		snprintf(size.text, sizeof(size.text), "%" PRIu64, bytes);
		return size;
	}
	/* From 1023.5 on three digits would round up to "1024 KiB". */
	while (unit < 6 && (double)bytes / (double)scale >= 1023.5) {
		scale *= 1024;
		unit++;
	}
	value = (double)bytes / (double)scale;
	if (bytes % scale == 0 || value >= 99.95)
		snprintf(size.text, sizeof(size.text), "%.0f %s", value, units[unit]);
	else
		snprintf(size.text, sizeof(size.text), "%.1f %s", value, units[unit]);
	return size;
}

struct size_text size_pages(uint64_t pages)
{
	struct size_text size;

	snprintf(size.text, sizeof(size.text), "%" PRIu64 " page%s", pages, pages == 1 ? "" : "s");
	return size;
}
