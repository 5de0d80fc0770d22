// SPDX-License-Identifier: GPL-2.0
/* Views: pages of bytes, copied wherever the kernel would share them. */
#include "differ.h"

#include <stdlib.h>
#include <string.h>

/* Bytes from @at to @end that are in its page. */
static uint64_t page_part(uint64_t at, uint64_t end)
{
	uint64_t room = PAGE - at % PAGE;

	return end - at < room ? end - at : room;
}

static unsigned int new_family(void)
{
	static unsigned int last;

	last += 1;
	return last;
}

static struct view *view_alloc(uint64_t pages)
{
	return allocate(sizeof(struct view) + pages * sizeof(struct page));
}

/*
 * Around a page at which more changes than the page: a huge page, or the nodes of the region's
 * index. The beginning, if there are too few pages for that to matter.
 */
static uint64_t focus_of(uint64_t pages)
{
	static const uint64_t boundaries[] = { 4096, HUGE_PAGES, 64 };

	for (size_t i = 0; i < COUNT(boundaries); i++) {
		if (pages > boundaries[i])
			return boundaries[i] - 8;
	}
	return 0;
}

struct view *view_new(uint64_t pages, unsigned int flags)
{
	struct view *view = view_alloc(pages);

	view->size = pages * PAGE;
	view->limit = pages * PAGE;
	view->focus = focus_of(pages);
	view->flags = flags;
	view->family = new_family();
	view->pool = view->family;
	view->peer = true;
	return view;
}

struct view *view_copy(const struct view *view)
{
	uint64_t pages = view_pages(view);
	struct view *copy = view_alloc(pages);

	memcpy(copy, view, sizeof(*view) + pages * sizeof(struct page));
	for (uint64_t page = 0; page < pages; page++)
		copy->pages[page].bytes = copy_bytes(view->pages[page].bytes);
	copy->refs = 0;
	copy->family = new_family();
	return copy;
}

struct view *view_get(struct view *view)
{
	view->refs++;
	return view;
}

void view_put(struct view *view)
{
	if (--view->refs)
		return;
	for (uint64_t page = 0; page < view_pages(view); page++)
		free(view->pages[page].bytes);
	free(view);
}

/* Its bytes, to be looked at before another page is. */
const uint8_t *view_page(const struct view *view, uint64_t page)
{
	static uint8_t marked[PAGE];

	if (view->pages[page].bytes)
		return view->pages[page].bytes;
	memcpy(marked, &view->pages[page].mark, sizeof(view->pages[page].mark));
	return marked;
}

/* Its bytes, to be written to. */
uint8_t *view_own_page(struct view *view, uint64_t page)
{
	if (!view->pages[page].bytes)
		view->pages[page].bytes = copy_bytes(view_page(view, page));
	return view->pages[page].bytes;
}

void view_read(const struct view *view, uint64_t offset, uint64_t length, uint8_t *data)
{
	for (uint64_t at = offset, size; at < offset + length; at += size) {
		size = page_part(at, offset + length);
		memcpy(data + at - offset, view_page(view, at / PAGE) + at % PAGE, size);
	}
}

/* Like write(), moves the end if need be. */
void view_write(struct view *view, uint64_t offset, uint64_t length, const uint8_t *data)
{
	for (uint64_t at = offset, size; at < offset + length; at += size) {
		size = page_part(at, offset + length);
		memcpy(view_own_page(view, at / PAGE) + at % PAGE, data + at - offset, size);
		view->pages[at / PAGE].presence = PRESENT;
	}
	if (offset + length > view->size)
		view->size = offset + length;
}

void view_mark(struct view *view, uint64_t page, uint64_t mark)
{
	view->pages[page].presence = PRESENT;
	if (view->pages[page].bytes)
		memcpy(view->pages[page].bytes, &mark, sizeof(mark));
	else
		view->pages[page].mark = mark;
}

/* A page of one view becomes that of another. */
void view_link(const struct view *from, uint64_t page, struct view *to, uint64_t target)
{
	struct page linked = from->pages[page];

	linked.bytes = copy_bytes(linked.bytes);
	free(to->pages[target].bytes);
	to->pages[target] = linked;
}

/* What is zeroed is not a hole yet. */
static void zero(struct view *view, uint64_t offset, uint64_t end)
{
	for (uint64_t at = offset, size; at < end; at += size) {
		struct page *page = &view->pages[at / PAGE];

		size = page_part(at, end);
		if (size < PAGE && (page->bytes || page->mark)) {
			memset(view_own_page(view, at / PAGE) + at % PAGE, 0, size);
			continue;
		}
		free(page->bytes);
		page->bytes = NULL;
		page->mark = 0;
	}
}

void view_punch(struct view *view, uint64_t offset, uint64_t length)
{
	uint64_t end = offset + length < view->limit ? offset + length : view->limit;

	if (offset >= end)
		return;
	zero(view, offset, end);
	for (uint64_t page = (offset + PAGE - 1) / PAGE; (page + 1) * PAGE <= end; page++)
		view->pages[page].presence = ABSENT;
}

/* Private copies go, too, where a whole page is cut off; not if forks copy the region. */
static void cut_copies(struct model *model, const struct view *view, uint64_t first)
{
	if (view->flags & VMLAB_REGION_COW_FORK)
		return;
	for (size_t i = 0; i < PROCESSES; i++) {
		for (size_t j = 0; j < PLACES; j++) {
			struct place *place = &model->processes[i].places[j];

			if (place->view != view || place->page < first)
				continue;
			free(place->copy);
			place->copy = NULL;
		}
	}
}

void view_truncate(struct model *model, struct view *view, uint64_t size)
{
	uint64_t first = (size + PAGE - 1) / PAGE;

	if (size < view->size) {
		zero(view, size, view->limit);
		for (uint64_t page = first; page < view_pages(view); page++)
			view->pages[page].presence = ABSENT;
		cut_copies(model, view, first);
	}
	view->size = size;
}
