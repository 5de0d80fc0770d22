// SPDX-License-Identifier: GPL-2.0
/*
 * OPT, which knows the future: the page leaves that is not referenced for the longest time.
 *
 * L. A. Belady: A study of replacement algorithms for a virtual-storage computer. IBM Systems
 * Journal 5 (2), 1966.
 */
#include <errno.h>
#include <stdlib.h>

#include "replay.h"

uint32_t *opt_next(const struct refs *refs)
{
	uint32_t *next = malloc(refs->count * sizeof(*next));
	uint32_t *seen = malloc(refs->distinct * sizeof(*seen));

	if (!next || !seen) {
		free(next);
		free(seen);
		return NULL;
	}
	for (uint32_t i = 0; i < refs->distinct; i++)
		seen[i] = REFS_NEVER;
	for (size_t i = refs->count; i--;) {
		next[i] = seen[refs->pages[i]];
		seen[refs->pages[i]] = (uint32_t)i;
	}
	free(seen);
	return next;
}

/* The resident pages as a heap: whose next reference is farthest away is at its top. */
struct heap {
	uint32_t *page;		/* which is where in the heap, */
	uint32_t *place;	/* the reverse of it; ABSENT */
	uint32_t *next;		/* and when it is referenced again: for each page */
	uint32_t count;
};

#define ABSENT	UINT32_MAX

static void put(struct heap *heap, uint32_t place, uint32_t page)
{
	heap->page[place] = page;
	heap->place[page] = place;
}

static void rise(struct heap *heap, uint32_t place, uint32_t page)
{
	while (place) {
		uint32_t above = (place - 1) / 2;

		if (heap->next[heap->page[above]] >= heap->next[page])
			break;
		put(heap, place, heap->page[above]);
		place = above;
	}
	put(heap, place, page);
}

static void sink(struct heap *heap, uint32_t place, uint32_t page)
{
	for (;;) {
		uint64_t below = 2 * (uint64_t)place + 1;

		if (below >= heap->count)
			break;
		if (below + 1 < heap->count &&
		    heap->next[heap->page[below + 1]] > heap->next[heap->page[below]])
			below++;
		if (heap->next[heap->page[below]] <= heap->next[page])
			break;
		put(heap, place, heap->page[below]);
		place = (uint32_t)below;
	}
	put(heap, place, page);
}

static void evict(struct heap *heap)
{
	uint32_t page = heap->page[--heap->count];

	heap->place[heap->page[0]] = ABSENT;
	if (heap->count)
		sink(heap, 0, page);
}

static uint64_t run(struct heap *heap, const struct refs *refs, const uint32_t *next,
		    uint32_t frames)
{
	uint64_t misses = 0;

	for (size_t i = 0; i < refs->count; i++) {
		uint32_t page = refs->pages[i];
		uint32_t place = heap->place[page];

		if (place == ABSENT) {
			misses++;
			if (heap->count == frames)
				evict(heap);
			place = heap->count++;
		}
		/* It was the next one to be referenced, or is new at the end: it can only rise. */
		heap->next[page] = next[i];
		rise(heap, place, page);
	}
	return misses;
}

int replay_opt(const struct refs *refs, const uint32_t *next, uint32_t frames, uint64_t *misses)
{
	uint32_t pages = refs->distinct;
	struct heap heap = {
		.page = calloc(pages, sizeof(*heap.page)),
		.place = calloc(pages, sizeof(*heap.place)),
		.next = calloc(pages, sizeof(*heap.next)),
	};
	int ret = -ENOMEM;

	if (heap.page && heap.place && heap.next) {
		for (uint32_t i = 0; i < pages; i++)
			heap.place[i] = ABSENT;
		*misses = run(&heap, refs, next, frames);
		ret = 0;
	}
	free(heap.page);
	free(heap.place);
	free(heap.next);
	return ret;
}
