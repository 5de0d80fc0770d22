/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REFS_H
#define REFS_H

#include <stddef.h>
#include <stdint.h>

#include "trace.h"

/**
 * struct refs - the references of a trace, in memory
 * @pages:	the page of each, numbered from 0 in the order in which they first appear
 * @count:	references
 * @distinct:	pages
 */
struct refs {
	uint32_t *pages;
	size_t count;
	uint32_t distinct;
	size_t room;
};

/*
 * Reads all of a trace, of which @name is what the user calls it. Returns 0, or -1 after a
 * sentence on stderr; then there is nothing to free.
 */
int refs_read(struct refs *refs, struct trace_reader *reader, const char *name);

void refs_free(struct refs *refs);

/* Numbers of pages, from 0 in the order in which they are first asked for. */
struct numbering {
	void *judy;
	uint32_t count;
};

/* Returns 0 or -ENOMEM. */
int numbering_get(struct numbering *numbering, uint64_t page, uint32_t *number);
void numbering_free(struct numbering *numbering);

#endif /* REFS_H */
