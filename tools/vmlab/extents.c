// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "extents.h"
#include "json.h"

int extents_add(struct extents *extents, const struct vmlab_extent *extent)
{
	struct vmlab_extent *last = extents->count ? &extents->list[extents->count - 1] : NULL;

	if (last && last->state == extent->state && last->start + last->length == extent->start) {
		last->length += extent->length;
		return 0;
	}
	if (!extents->list || extents->count == extents->room) {
		size_t room = extents->room ? extents->room * 2 : 64;
		struct vmlab_extent *grown = realloc(extents->list, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		extents->list = grown;
		extents->room = room;
	}
	extents->list[extents->count++] = *extent;
	return 0;
}

static int add(const struct vmlab_extent *extent, void *extents)
{
	return extents_add(extents, extent);
}

int extents_read(struct extents *extents, int fd, uint64_t start, uint64_t end)
{
	int ret;

	*extents = (struct extents){ 0 };
	ret = vmlab_extents(fd, start, end, add, extents);
	if (ret)
		extents_free(extents);
	return ret;
}

struct extents_pages extents_pages(const struct extents *extents, uint32_t page_size)
{
	struct extents_pages sum = { 0 };

	for (size_t i = 0; i < extents->count; i++) {
		uint64_t pages = extents->list[i].length / page_size;
		uint32_t state = extents->list[i].state;

		if (state & VMLAB_PAGE_RESIDENT)
			sum.resident += pages;
		if (state & VMLAB_PAGE_STORED)
			sum.stored += pages;
		if (state & VMLAB_PAGE_MAPPED)
			sum.mapped += pages;
		if (state & VMLAB_PAGE_DIRTY)
			sum.dirty += pages;
		if (state & VMLAB_PAGE_SHARED)
			sum.shared += pages;
		if (state & VMLAB_PAGE_HUGE)
			sum.huge += pages;
	}
	return sum;
}

struct json_object *extents_json(const struct extents *extents)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < extents->count; i++) {
		const struct vmlab_extent *extent = &extents->list[i];
		struct json_object *object = json_object_new_object();

		json_add_u64(object, "start", extent->start);
		json_add_u64(object, "length", extent->length);
		json_add_bool(object, "resident", extent->state & VMLAB_PAGE_RESIDENT);
		json_add_bool(object, "mapped", extent->state & VMLAB_PAGE_MAPPED);
		json_add_bool(object, "dirty", extent->state & VMLAB_PAGE_DIRTY);
		json_add_bool(object, "shared", extent->state & VMLAB_PAGE_SHARED);
		json_add_bool(object, "huge", extent->state & VMLAB_PAGE_HUGE);
		json_add_bool(object, "stored", extent->state & VMLAB_PAGE_STORED);
		json_object_array_add(array, object);
	}
	return array;
}

void extents_free(struct extents *extents)
{
	free(extents->list);
	*extents = (struct extents){ 0 };
}
