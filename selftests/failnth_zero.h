/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ranges that are made zero (FALLOC_FL_ZERO_RANGE), with failures: as long as something can
 * still fail not a byte has changed.
 */
#ifndef VMLAB_FAILNTH_ZERO_H
#define VMLAB_FAILNTH_ZERO_H

#include "failnth_clone.h"
#include "failnth_size.h"
#include "failnth_swap.h"
#include "failnth_world.h"

static int zero_bytes(struct world *w, off_t offset, off_t length)
{
	return outcome(fallocate(w->region, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset,
				 length));
}

/* Two of the pages are not there yet. */

static void write_half(struct world *w)
{
	if (!writes_filled(w->fd, 0, LENGTH / 2, 1))
		broken("write: %s\n", strerror(errno));
}

static int zero_hole(struct world *w)
{
	int ret = zero_bytes(w, PAGE, LENGTH - PAGE);

	if (ret && !(reads_filled(w->fd, 0, LENGTH / 2, 1) &&
		     reads_zero(w->fd, LENGTH / 2, LENGTH / 2)))
		return WRONG;
	return ret;
}

static bool hole_is_zero(struct world *w)
{
	return region_resident(w->fd) == PAGES && reads_filled(w->fd, 0, PAGE, 1) &&
	       reads_zero(w->fd, PAGE, LENGTH - PAGE) && region_stat(w->fd).size == LENGTH;
}

OPERATION(zero_range_hole, .kind = ZERO, .prepare = write_half, .run = zero_hole,
	  .right = hole_is_zero, .may = { ENOMEM }, .hits = PAGES / 2);

/* Others have the pages, too, or they are not in memory. */

static int zero_or_leave(struct world *w)
{
	int ret = zero_bytes(w, PAGE, 2 * PAGE);

	return ret && !holds_1(w) ? WRONG : ret;
}

OPERATION(cow_zero_range, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .prepare = clone_it,
	  .run = zero_or_leave, .right = punched_apart, .may = { ENOMEM }, .hits = 3);
OPERATION(zero_range_stored, .kind = ZERO, .touched = 1, .prepare = have_stored,
	  .run = zero_or_leave, .right = pages_are_punched, .may = { ENOMEM }, .hits = 2);
OPERATION(cow_zero_range_stored, .kind = ZERO, .touched = 1, .prepare = clone_stored,
	  .run = zero_or_leave, .right = punched_apart, .may = { ENOMEM }, .hits = 4);

/* Parts of two pages. */

static int zero_inside(struct world *w)
{
	int ret = zero_bytes(w, PAGE + 100, PAGE);

	return ret && !holds_1(w) ? WRONG : ret;
}

static bool inside_zeroed_apart(struct world *w)
{
	return reads_filled(w->fd, 0, PAGE + 100, 1) && reads_zero(w->fd, PAGE + 100, PAGE) &&
	       pread(w->fd, buffer, LENGTH, 0) == LENGTH &&
	       pread(w->made, buffer + LENGTH, LENGTH, 0) == LENGTH &&
	       filled(buffer + LENGTH, LENGTH, 1) &&
	       !memcmp(buffer + 2 * PAGE + 100, buffer + LENGTH + 2 * PAGE + 100,
		       LENGTH - 2 * PAGE - 100);
}

OPERATION(cow_zero_range_inside, .kind = ZERO, .touched = 1, .prepare = clone_it,
	  .run = zero_inside, .right = inside_zeroed_apart, .may = { ENOMEM }, .hits = 3);

#endif /* VMLAB_FAILNTH_ZERO_H */
