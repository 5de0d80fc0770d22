/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sizes and holes, with failures.
 */
#ifndef VMLAB_FAILNTH_SIZE_H
#define VMLAB_FAILNTH_SIZE_H

#include "failnth_region.h"
#include "failnth_world.h"

#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static int allocate(struct world *w)
{
	return outcome(fallocate(w->region, 0, 0, LENGTH + PAGE));
}

static bool is_allocated(struct world *w)
{
	return region_resident(w->fd) == PAGES + 1 && reads_zero(w->fd, 0, LENGTH + PAGE) &&
	       region_stat(w->fd).size == LENGTH + PAGE;
}

OPERATION(fallocate, .kind = ZERO, .run = allocate, .right = is_allocated, .may = { ENOMEM },
	  .hits = PAGES);

/* Beyond the end, where what was made before it failed would stay unseen. */
static int allocate_beyond(struct world *w)
{
	int ret = outcome(fallocate(w->region, FALLOC_FL_KEEP_SIZE, LENGTH, LENGTH));

	return ret && region_resident(w->fd) ? WRONG : ret;
}

static bool is_allocated_beyond(struct world *w)
{
	return region_resident(w->fd) == PAGES && region_stat(w->fd).size == LENGTH;
}

OPERATION(fallocate_beyond, .kind = ZERO, .run = allocate_beyond, .right = is_allocated_beyond,
	  .may = { ENOMEM }, .hits = PAGES);

static int punch_pages(struct world *w)
{
	return outcome(fallocate(w->region, PUNCH, PAGE, 2 * PAGE));
}

static bool pages_are_punched(struct world *w)
{
	return reads_zero(w->fd, PAGE, 2 * PAGE) && reads_filled(w->fd, 0, PAGE, 1) &&
	       region_stat(w->fd).size == LENGTH;
}

static bool file_is_punched(struct world *w)
{
	return pages_are_punched(w) && !fsync(w->fd) && reads_zero(w->file, PAGE, 2 * PAGE) &&
	       reads_filled(w->file, 0, PAGE, 1);
}

static int punch_inside(struct world *w)
{
	return outcome(fallocate(w->region, PUNCH, PAGE + 100, 200));
}

static bool inside_is_punched(struct world *w)
{
	return reads_zero(w->fd, PAGE + 100, 200) && reads_filled(w->fd, 0, PAGE + 100, 1) &&
	       reads_filled(w->fd, 0, PAGE, 1);
}

static bool inside_file_is_punched(struct world *w)
{
	return inside_is_punched(w) && !fsync(w->fd) && reads_zero(w->file, PAGE + 100, 200) &&
	       reads_filled(w->file, 0, PAGE + 100, 1);
}

static int zero_pages(struct world *w)
{
	return outcome(fallocate(w->region, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, PAGE,
				 2 * PAGE));
}

OPERATION(zero_range, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = zero_pages,
	  .right = pages_are_punched);

static int remove_pages(struct world *w)
{
	return outcome(madvise(w->p + PAGE, 2 * PAGE, MADV_REMOVE));
}

OPERATION(punch_pages, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = punch_pages,
	  .right = pages_are_punched);
OPERATION(punch_inside, .kind = ZERO, .touched = 1, .run = punch_inside,
	  .right = inside_is_punched);
OPERATION(remove, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = remove_pages,
	  .right = pages_are_punched);
OPERATION(punch_file_tmpfs, .type = "tmpfs", .kind = FILED, .touched = 1, .run = punch_pages,
	  .right = file_is_punched);
OPERATION(punch_file_ext4, .type = "ext4", .disk = true, .kind = FILED, .touched = 1,
	  .run = punch_pages, .right = file_is_punched, .may = { ENOMEM, EIO }, .hits = 1);
OPERATION(punch_inside_file, .type = "ext4", .disk = true, .kind = FILED, .touched = 1,
	  .run = punch_inside, .right = inside_file_is_punched, .may = { ENOMEM, EIO },
	  .hits = 1);

static int truncate_up(struct world *w)
{
	return outcome(ftruncate(w->region, LENGTH + PAGE));
}

static bool is_longer(struct world *w)
{
	return reads_filled(w->fd, 0, LENGTH, 1) && reads_zero(w->fd, LENGTH, PAGE) &&
	       region_stat(w->fd).size == LENGTH + PAGE;
}

static int truncate_down(struct world *w)
{
	return outcome(ftruncate(w->region, PAGE + 100));
}

static bool is_shorter(struct world *w)
{
	return reads_filled(w->fd, 0, PAGE + 100, 1) && trap_read(w->p + 2 * PAGE) == SIGBUS &&
	       region_stat(w->fd).size == PAGE + 100 && region_resident(w->fd) == 2;
}

OPERATION(ftruncate_up, .kind = ZERO, .touched = 1, .run = truncate_up, .right = is_longer);
OPERATION(ftruncate_down, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = truncate_down,
	  .right = is_shorter);

static int file_up(struct world *w)
{
	return outcome(ftruncate(w->file, LENGTH + PAGE));
}

static int file_down(struct world *w)
{
	return outcome(ftruncate(w->file, PAGE + 100));
}

static bool is_shorter_soon(struct world *w)
{
	return trap_read(w->p + 2 * PAGE) == SIGBUS &&
	       EVENTUALLY(region_resident(w->fd) == 2 && region_stat(w->fd).dirty == 2) &&
	       is_shorter(w);
}

OPERATION(file_grows, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_SHARED,
	  .touched = 1, .run = file_up, .right = is_longer);
OPERATION(file_shrinks, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_SHARED,
	  .touched = 1, .run = file_down, .right = is_shorter_soon, .may = { ENOMEM, EIO },
	  .hits = 1);

#endif /* VMLAB_FAILNTH_SIZE_H */
