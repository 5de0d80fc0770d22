// SPDX-License-Identifier: GPL-2.0
/*
 * Extents, as a region may have them: joined without losing a page, drawn in as many
 * lines as allowed.
 */
#include "fuzz.h"

#include <stdio.h>

#include "extents.h"
#include "picture.h"

#define PAGE 4096ULL

/* Four bytes of input: how far to the next extent, how long, what state. */
static uint64_t read_extents(struct extents *extents, const uint8_t *data, size_t size)
{
	uint64_t page = 0, resident = 0, stored = 0;

	for (size_t i = 0; i + 4 <= size; i += 4) {
		struct vmlab_extent extent;

		page += (uint64_t)data[i] << data[i + 1] % 32;
		extent = (struct vmlab_extent){
			.start = page * PAGE,
			.length = (1 + data[i + 2]) * PAGE,
			.state = data[i + 3] & 1 ? VMLAB_PAGE_STORED | (data[i + 3] & 12) :
						   VMLAB_PAGE_RESIDENT | (data[i + 3] & 14),
		};
		PROMISE(!extents_add(extents, &extent));
		page += extent.length / PAGE;
		if (extent.state & VMLAB_PAGE_STORED)
			stored += extent.length / PAGE;
		else
			resident += extent.length / PAGE;
		if (page > VMLAB_SIZE_MAX / PAGE / 2)
			break;
	}
	PROMISE(extents_pages(extents, PAGE).resident == resident);
	PROMISE(extents_pages(extents, PAGE).stored == stored);
	return page ? page : 1;
}

static void draw(const struct extents *extents, uint64_t pages, int columns, int lines)
{
	struct picture picture = {
		.end = pages * PAGE,
		.page_size = PAGE,
		.columns = columns,
		.lines = lines,
		.extents = extents,
	};
	char *text = NULL;
	size_t length;
	int drawn = 0;
	FILE *out = open_memstream(&text, &length);

	PROMISE(out);
	PROMISE(picture_print(out, &picture) >= PAGE);
	fclose(out);
	for (size_t i = 0; i < length; i++)
		drawn += text[i] == '\n';
	PROMISE(drawn >= 1 && drawn <= lines);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct extents extents = { 0 };
	uint64_t pages;

	if (size < 2)
		return 0;
	pages = read_extents(&extents, data + 2, size - 2);
	draw(&extents, pages, data[0], 1 + data[1] % 64);
	extents_free(&extents);
	return 0;
}
