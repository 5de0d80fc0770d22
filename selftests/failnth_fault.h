/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults with failures: memory that is short for a moment is none of the program's
 * business.
 */
#ifndef VMLAB_FAILNTH_FAULT_H
#define VMLAB_FAILNTH_FAULT_H

#include "failnth_mapping.h"
#include "failnth_world.h"

static int touch_reading(struct world *w)
{
	for (size_t i = 0; i < LENGTH; i += PAGE) {
		if (trap_read(w->p + i))
			return TRAPPED;
	}
	return 0;
}

static int touch_writing(struct world *w)
{
	for (size_t i = 0; i < LENGTH; i += PAGE) {
		if (trap_write(w->p + i, 1))
			return TRAPPED;
	}
	return 0;
}

static bool zero_but_for_stores(struct world *w)
{
	for (size_t i = 0; i < LENGTH; i += PAGE) {
		if (w->p[i] != 1 || !all_zero(w->p + i + 1, PAGE - 1))
			return false;
	}
	return region_resident(w->fd) == PAGES;
}

static bool zero_below_stores(struct world *w)
{
	return zero_but_for_stores(w) && reads_zero(w->fd, 0, LENGTH);
}

static bool dirty_by_stores(struct world *w)
{
	return zero_but_for_stores(w) && region_stat(w->fd).dirty == PAGES;
}

OPERATION(touch_reading, .kind = ZERO, .map = MAP_SHARED, .run = touch_reading,
	  .right = all_is_zero, .hits = 6);
OPERATION(touch_writing, .kind = ZERO, .map = MAP_SHARED, .run = touch_writing,
	  .right = zero_but_for_stores, .hits = 6);
OPERATION(touch_private, .kind = ZERO, .map = MAP_PRIVATE, .run = touch_writing,
	  .right = zero_below_stores, .hits = 6);
OPERATION(touch_tracked, .kind = TRACKED, .map = MAP_SHARED, .run = touch_writing,
	  .right = dirty_by_stores, .hits = 6);

/* What was there already. */
OPERATION(refault, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = touch_reading,
	  .right = mapping_holds_1, .hits = 3);

static bool stores_over_1(struct world *w)
{
	fill(buffer, LENGTH, 1);
	for (size_t i = 0; i < LENGTH; i += PAGE)
		buffer[i] = 1;
	return !memcmp(w->p, buffer, LENGTH);
}

OPERATION(refault_tracked, .kind = TRACKED, .map = MAP_SHARED, .touched = 1,
	  .run = touch_writing, .right = stores_over_1, .hits = 3);

/* Pages of a file. */
OPERATION(touch_file_tmpfs, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED,
	  .run = touch_reading, .right = mapping_holds_1, .hits = 6);
OPERATION(touch_file_ext4, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_SHARED,
	  .run = touch_reading, .right = mapping_holds_1, .may = { TRAPPED }, .hits = 8);
OPERATION(touch_file_writing, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_SHARED,
	  .run = touch_writing, .right = stores_over_1, .may = { TRAPPED }, .hits = 8);
OPERATION(touch_file_overlay, .type = "ext4", .overlay = true, .disk = true, .kind = FILED,
	  .map = MAP_SHARED, .run = touch_reading, .right = mapping_holds_1, .may = { TRAPPED },
	  .hits = 8);
OPERATION(touch_file_private, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_PRIVATE,
	  .run = touch_writing, .right = stores_over_1, .may = { TRAPPED }, .hits = 8);

/* References that are recorded. */

static int start_record(struct world *w)
{
	struct vmlab_record args = { .flags = O_CLOEXEC | O_NONBLOCK };

	w->made = ioctl(w->fd, VMLAB_IOC_RECORD, &args);
	return outcome(w->made);
}

static void record_before(struct world *w)
{
	if (start_record(w))
		broken("VMLAB_IOC_RECORD: %s\n", strerror(errno));
}

static struct vmlab_reference got_references[2 * PAGES];

static bool each_is_recorded(struct world *w)
{
	ssize_t got = read(w->made, got_references, sizeof(got_references));

	for (size_t i = 0; i < PAGES; i++) {
		if (got_references[i].pgoff != i)
			return false;
	}
	return got == PAGES * sizeof(got_references[0]) && mapping_holds_1(w);
}

static bool records_all(struct world *w)
{
	return !touch_reading(w) && each_is_recorded(w);
}

static int read_record(struct world *w)
{
	return outcome(read(w->made, got_references, sizeof(got_references[0])));
}

static void record_and_touch(struct world *w)
{
	record_before(w);
	touch_reading(w);
}

/* What could not be given is given the next time. */
static bool has_first_and_rest(struct world *w)
{
	return got_references[0].pgoff == 0 &&
	       read(w->made, got_references, sizeof(got_references)) ==
		       (PAGES - 1) * sizeof(got_references[0]) &&
	       got_references[0].pgoff == 1;
}

OPERATION(ioctl_record, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = start_record,
	  .right = records_all, .may = { ENOMEM, EFAULT }, .hits = 4, .pure = true);
OPERATION(fault_recorded, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .prepare = record_before,
	  .run = touch_reading, .right = each_is_recorded, .hits = 3);
OPERATION(read_record, .kind = ZERO, .map = MAP_SHARED, .touched = 1,
	  .prepare = record_and_touch, .run = read_record, .right = has_first_and_rest,
	  .may = { EFAULT }, .hits = 1, .pure = true);

#endif /* VMLAB_FAILNTH_FAULT_H */
