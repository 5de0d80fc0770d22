// SPDX-License-Identifier: GPL-2.0
/*
 * The figures of regions: where they come from, and as JSON.
 */
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "figures.h"
#include "json.h"
#include "text.h"

struct size_text figures_backing(const struct vmlab_stat *stat)
{
	struct size_text name;

	if (stat->backing == VMLAB_BACKING_ZERO)
		snprintf(name.text, sizeof(name.text), "zero");
	else if (stat->backing == VMLAB_BACKING_FILE)
		snprintf(name.text, sizeof(name.text), "file");
	else
		snprintf(name.text, sizeof(name.text), "backing %u", stat->backing);
	return name;
}

struct size_text figures_user(const struct vmlab_stat *stat)
{
	const struct passwd *user = getpwuid(stat->uid);
	struct size_text name;

	if (user)
		snprintf(name.text, sizeof(name.text), "%s", user->pw_name);
	else
		snprintf(name.text, sizeof(name.text), "%u", stat->uid);
	return name;
}

struct size_text figures_command(const struct vmlab_stat *stat)
{
	struct size_text name = { 0 };

	_Static_assert(sizeof(name.text) > sizeof(stat->comm), "names fit");
	text_copy(name.text, (const char *)stat->comm, sizeof(stat->comm));
	return name;
}

struct json_object *figures_json(const struct vmlab_stat *stat, uint32_t page_size)
{
	struct json_object *object = json_object_new_object();

	json_add_u64(object, "id", stat->id);
	json_add_u64(object, "uid", stat->uid);
	json_add_u64(object, "pid", stat->pid);
	json_add_text(object, "comm", figures_command(stat).text);
	json_add_text(object, "backing", figures_backing(stat).text);
	json_add_bool(object, "strict", stat->flags & VMLAB_REGION_STRICT);
	json_add_bool(object, "track_dirty", stat->flags & VMLAB_REGION_TRACK_DIRTY);
	json_add_bool(object, "cow_fork", stat->flags & VMLAB_REGION_COW_FORK);
	json_add_bool(object, "huge", stat->flags & VMLAB_REGION_HUGE);
	json_add_u64(object, "size_bytes", stat->size);
	json_add_u64(object, "resident_bytes", stat->resident * page_size);
	json_add_u64(object, "dirty_bytes", stat->dirty * page_size);
	json_add_u64(object, "mappings", stat->mappings);
	json_add_u64(object, "faults", stat->faults);
	json_add_u64(object, "first_touch", stat->first_touch);
	json_add_u64(object, "refault", stat->refault);
	json_add_u64(object, "write_notify", stat->write_notify);
	json_add_u64(object, "zero_filled_pages", stat->zero_filled);
	json_add_u64(object, "read_in_pages", stat->read_in);
	json_add_u64(object, "written_back_pages", stat->written_back);
	json_add_u64(object, "discarded_pages", stat->discarded);
	json_add_u64(object, "sigbus", stat->sigbus);
	json_add_u64(object, "writeback_errors", stat->writeback_errors);
	json_add_u64(object, "cow_copies", stat->cow_copies);
	json_add_u64(object, "huge_made", stat->huge_made);
	json_add_u64(object, "huge_split", stat->huge_split);
	json_add_u64(object, "huge_fallback", stat->huge_fallback);
	json_add_u64(object, "stored_bytes", stat->stored * page_size);
	json_add_u64(object, "swap_faults", stat->swap_faults);
	json_add_u64(object, "swapped_in_pages", stat->swapped_in);
	json_add_u64(object, "cow_faults", stat->cow_faults);
	json_add_u64(object, "evicted_pages", stat->evicted);
	json_add_u64(object, "pool", stat->pool);
	return object;
}

/* Asking needs a descriptor, and that is a region: leave it out. */
static void remove_region(struct vmlab_stat *list, size_t *count, uint64_t id)
{
	for (size_t i = 0; i < *count; i++) {
		if (list[i].id != id)
			continue;
		memmove(&list[i], &list[i + 1], (*count - i - 1) * sizeof(list[0]));
		(*count)--;
		return;
	}
}

int figures_list(struct vmlab_stat **list, size_t *count, struct vmlab_features *features)
{
	struct vmlab_stat self;
	int fd, ret;

	*list = NULL;
	*count = 0;
	fd = vmlab_open(O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_op(VMLAB_OP_OPEN, fd);

	ret = vmlab_features(fd, features);
	if (!ret)
		ret = vmlab_stat(fd, &self);
	if (!ret)
		ret = vmlab_list(fd, list, count);
	close(fd);
	if (ret)
		return fail_op(VMLAB_OP_LIST, ret);

	features->regions--;
	remove_region(*list, count, self.id);
	return 0;
}

int figures_pools(struct vmlab_pool_stat **list, size_t *count)
{
	int fd, ret;

	*list = NULL;
	*count = 0;
	fd = vmlab_open(O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_op(VMLAB_OP_OPEN, fd);
	ret = vmlab_pool_list(fd, list, count);
	close(fd);
	return ret ? fail_op(VMLAB_OP_LIST, ret) : 0;
}
