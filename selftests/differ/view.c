// SPDX-License-Identifier: GPL-2.0
/* Views: arrays of bytes, copied wherever the kernel would share them. */
#include "differ.h"

#include <stdlib.h>
#include <string.h>

static unsigned int new_family(void)
{
	static unsigned int last;

	last += 1;
	return last;
}

struct view *view_new(uint64_t pages, unsigned int flags)
{
	struct view *view = allocate(sizeof(*view));

	view->size = pages * PAGE;
	view->limit = pages * PAGE;
	view->flags = flags;
	view->family = new_family();
	view->pool = view->family;
	view->peer = true;
	return view;
}

struct view *view_copy(const struct view *view)
{
	struct view *copy = allocate(sizeof(*copy));

	*copy = *view;
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
	if (!--view->refs)
		free(view);
}

/* Like write(), moves the end if need be. */
void view_write(struct view *view, uint64_t offset, uint64_t length, const uint8_t *data)
{
	memcpy(view->data + offset, data, length);
	for (uint64_t page = offset / PAGE; page * PAGE < offset + length; page++)
		view->presence[page] = PRESENT;
	if (offset + length > view->size)
		view->size = offset + length;
}

void view_punch(struct view *view, uint64_t offset, uint64_t length)
{
	uint64_t end = offset + length < view->limit ? offset + length : view->limit;

	if (offset >= end)
		return;
	memset(view->data + offset, 0, end - offset);
	for (uint64_t page = (offset + PAGE - 1) / PAGE; (page + 1) * PAGE <= end; page++)
		view->presence[page] = ABSENT;
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
		memset(view->data + size, 0, view->limit - size);
		for (uint64_t page = first; page < REGION_PAGES; page++)
			view->presence[page] = ABSENT;
		cut_copies(model, view, first);
	}
	view->size = size;
}
