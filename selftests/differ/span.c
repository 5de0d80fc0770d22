// SPDX-License-Identifier: GPL-2.0
/* Bytes of a process's addresses, as the model has them. */
#include "predict.h"

#include <string.h>

/* The end of a region inside a page: what is behind it there, kernels do not agree on. */
static bool beyond_end(const struct place *place, uint64_t last)
{
	const struct view *view = place->view;

	return view && view->size > place->page * PAGE && view->size < (place->page + 1) * PAGE &&
	       place->page * PAGE + last >= view->size;
}

/* False if the step should not be done: too long, or its outcome is not defined. */
bool span_make(struct span *span, struct process *process, uint64_t place, uint64_t offset,
	       uint64_t length)
{
	if (!length || length > DATA_MAX || offset >= PAGE)
		return false;
	span->count = (offset + length + PAGE - 1) / PAGE;
	span->places = places_at(process, place, span->count);
	span->offset = offset;
	span->length = length;
	span->peer = true;
	if (!span->places)
		return false;
	for (uint64_t i = 0; i < span->count; i++) {
		const struct place *at = &span->places[i];
		uint64_t last = i < span->count - 1 ? PAGE - 1 : (offset + length - 1) % PAGE;
		bool peer = !at->view || at->view->peer;

		if (beyond_end(at, last) || (i && at->view && peer != span->peer))
			return false;
		if (at->view)
			span->peer = peer;
	}
	return true;
}

bool span_accessible(const struct span *span, bool write)
{
	for (uint64_t i = 0; i < span->count; i++) {
		if (place_access(&span->places[i], write))
			return false;
	}
	return true;
}

/* Does it show these bytes of a view? */
bool span_shows(const struct span *span, const struct view *view, uint64_t offset,
		uint64_t length)
{
	for (uint64_t i = 0; i < span->count; i++) {
		const struct place *place = &span->places[i];

		if (place->view == view && !place->copy && place->page * PAGE < offset + length &&
		    (place->page + 1) * PAGE > offset)
			return true;
	}
	return false;
}

/* Bytes @from to @to of the data, of which the page has the first at @page + @from. */
static void copy_in(uint8_t *page, const uint8_t *data, uint64_t from, uint64_t to,
		    size_t stride)
{
	for (uint64_t i = from + (stride - from % stride) % stride; i < to; i += stride)
		page[i] = data[i];
}

/* Page by page, up to one that cannot be accessed; the bytes done. */
static uint64_t walk(const struct span *span, bool write, int *signal, uint8_t *data,
		     size_t stride)
{
	uint64_t done = 0, offset = span->offset;

	for (uint64_t i = 0; i < span->count; i++) {
		uint64_t end = done + least(PAGE - offset, span->length - done);
		uint8_t *page;

		*signal = place_access(&span->places[i], write);
		if (*signal)
			break;
		page = place_touch(&span->places[i], write) + offset - done;
		if (write)
			copy_in(page, data, done, end, stride);
		else
			memcpy(data + done, page + done, end - done);
		done = end;
		offset = 0;
	}
	return done;
}

uint64_t span_store(const struct span *span, const uint8_t *data, size_t stride, int *signal)
{
	return walk(span, true, signal, (uint8_t *)data, stride);
}

uint64_t span_load(const struct span *span, uint8_t *data, int *signal)
{
	return walk(span, false, signal, data, 1);
}

/* A view that a store there changes, NULL if it is all the process's own. */
struct view *span_shared(const struct span *span)
{
	for (uint64_t i = 0; i < span->count; i++) {
		if (span->places[i].view && span->places[i].shared)
			return span->places[i].view;
	}
	return NULL;
}
