// SPDX-License-Identifier: GPL-2.0
#include <Judy.h>
#include <errno.h>
#include <stdlib.h>

#include "fail.h"
#include "refs.h"

_Static_assert(sizeof(Word_t) == sizeof(uint64_t), "a page's number is a word of libJudy");

int numbering_get(struct numbering *numbering, uint64_t page, uint32_t *number)
{
	PWord_t value = (PWord_t)JudyLIns(&numbering->judy, page, PJE0);

	if (!value || value == PJERR || numbering->count == UINT32_MAX)
		return -ENOMEM;
	/* 0 is what a new one has. */
	if (!*value)
		*value = ++numbering->count;
	*number = (uint32_t)(*value - 1);
	return 0;
}

void numbering_free(struct numbering *numbering)
{
	JudyLFreeArray(&numbering->judy, PJE0);
}

static int add(struct refs *refs, uint32_t page)
{
	if (refs->count == refs->room) {
		size_t room = refs->room + refs->room / 2 + 4096;
		uint32_t *grown = realloc(refs->pages, room * sizeof(*grown));

		/* A reference has a number of 32 bits, too: opt.c. */
		if (!grown || refs->count >= UINT32_MAX - 1) {
			refs->pages = grown ? grown : refs->pages;
			return -ENOMEM;
		}
		refs->pages = grown;
		refs->room = room;
	}
	refs->pages[refs->count++] = page;
	return 0;
}

int refs_read(struct refs *refs, struct trace_reader *reader, const char *name)
{
	struct numbering numbering = { 0 };
	struct trace_record record;
	uint32_t page;
	int ret;

	*refs = (struct refs){ 0 };
	while ((ret = trace_next(reader, &record)) > 0) {
		if (numbering_get(&numbering, record.page, &page) || add(refs, page)) {
			ret = fail("there is not enough memory for \"%s\"", name);
			goto out;
		}
	}
	if (ret < 0)
		fail("\"%s\": %s", name, trace_error(reader));
	else if (!refs->count)
		ret = fail("\"%s\" has no references", name);
out:
	refs->distinct = numbering.count;
	numbering_free(&numbering);
	if (ret < 0)
		refs_free(refs);
	return ret;
}

void refs_free(struct refs *refs)
{
	free(refs->pages);
	refs->pages = NULL;
}
