/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mappings and advice, with failures.
 */
#ifndef VMLAB_FAILNTH_MAPPING_H
#define VMLAB_FAILNTH_MAPPING_H

#include "failnth_region.h"
#include "failnth_world.h"

/* Mappings */

static int map_shared_region(struct world *w)
{
	w->p = map_at(HERE, w->fd, LENGTH, MAP_SHARED);
	return w->p == MAP_FAILED ? errno : 0;
}

static bool mapping_holds_1(struct world *w)
{
	return filled(w->p, LENGTH, 1) && region_stat(w->fd).mappings == 1;
}

static int map_private_region(struct world *w)
{
	w->p = map_at(HERE, w->fd, LENGTH, MAP_PRIVATE);
	return w->p == MAP_FAILED ? errno : 0;
}

static int map_populated(struct world *w)
{
	w->p = map_at(HERE, w->fd, LENGTH, MAP_SHARED | MAP_POPULATE);
	return w->p == MAP_FAILED ? errno : 0;
}

OPERATION(mmap_shared, .kind = ZERO, .touched = 1, .run = map_shared_region,
	  .right = mapping_holds_1, .may = { ENOMEM }, .hits = 1);
OPERATION(mmap_private, .kind = ZERO, .touched = 1, .run = map_private_region,
	  .right = mapping_holds_1, .may = { ENOMEM }, .hits = 1);
OPERATION(mmap_populate, .kind = ZERO, .touched = 1, .run = map_populated,
	  .right = mapping_holds_1, .may = { ENOMEM }, .hits = 4);
OPERATION(mmap_populate_file, .type = "tmpfs", .kind = FILED, .run = map_populated,
	  .right = mapping_holds_1, .may = { ENOMEM }, .hits = 4);

static int move_mapping(struct world *w)
{
	char *moved = mremap(w->p, 2 * LENGTH, 2 * LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, THERE);

	if (moved == MAP_FAILED)
		return errno;
	w->p = moved;
	return 0;
}

/* If the kernel cannot unmap the old place it leaves a mapping there, and succeeds. */
static bool moved_holds_1(struct world *w)
{
	return w->p == THERE && filled(w->p, LENGTH, 1) && region_stat(w->fd).mappings <= 2;
}

OPERATION(mremap, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = move_mapping,
	  .right = moved_holds_1, .may = { ENOMEM }, .hits = 4);
OPERATION(mremap_private, .kind = ZERO, .map = MAP_PRIVATE, .touched = 1, .run = move_mapping,
	  .right = moved_holds_1, .may = { ENOMEM }, .hits = 4);

static int unmap_middle(struct world *w)
{
	return outcome(munmap(w->p + PAGE, PAGE));
}

static bool middle_is_gone(struct world *w)
{
	return filled(w->p, PAGE, 1) && !memcmp(w->p + 2 * PAGE, buffer + 2 * PAGE, PAGE) &&
	       trap_read(w->p + PAGE) == SIGSEGV && region_stat(w->fd).mappings == 2;
}

static bool unmapped_right(struct world *w)
{
	fill(buffer, LENGTH, 1);
	return middle_is_gone(w) && holds_1(w);
}

OPERATION(munmap_part, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = unmap_middle,
	  .right = unmapped_right, .may = { ENOMEM }, .hits = 2);

static int protect_middle(struct world *w)
{
	return outcome(mprotect(w->p + PAGE, PAGE, PROT_READ));
}

static bool is_protected(struct world *w)
{
	return filled(w->p, LENGTH, 1) && trap_write(w->p + PAGE, 1) == SIGSEGV &&
	       region_stat(w->fd).mappings == 3;
}

OPERATION(mprotect_part, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = protect_middle,
	  .right = is_protected, .may = { ENOMEM }, .hits = 2);

/* A private mapping beside the shared one, with pages of its own. */
static void map_both(struct world *w)
{
	char *private = map_at(THERE, w->fd, LENGTH, MAP_PRIVATE);

	if (private != THERE)
		broken("mmap: %s\n", strerror(errno));
	fill(private, LENGTH, 2);
}

static bool both_hold(struct world *w)
{
	return filled(w->p, LENGTH, 1) && filled(THERE, LENGTH, 2);
}

static int fork_child(struct world *w)
{
	pid_t child = fork();

	if (!child)
		_exit(both_hold(w) ? 0 : 1);
	if (child > 0)
		w->child = child;
	return outcome(child);
}

static bool child_was_right(struct world *w)
{
	int status = child_status(w->child);

	w->child = 0;
	return !status && both_hold(w) && region_stat(w->fd).mappings == 2;
}

OPERATION(fork, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .prepare = map_both,
	  .run = fork_child, .right = child_was_right, .may = { ENOMEM, EAGAIN }, .hits = 20);

/* Advice */

static int populate_write(struct world *w)
{
	return outcome(madvise(w->p, LENGTH, MADV_POPULATE_WRITE));
}

static bool all_is_zero(struct world *w)
{
	return all_zero(w->p, LENGTH) && region_resident(w->fd) == PAGES;
}

OPERATION(populate_write, .kind = ZERO, .map = MAP_SHARED, .run = populate_write,
	  .right = all_is_zero, .may = { ENOMEM }, .hits = 4);
OPERATION(populate_write_tracked, .kind = TRACKED, .map = MAP_SHARED, .run = populate_write,
	  .right = all_is_zero, .may = { ENOMEM }, .hits = 4);

static int dont_need(struct world *w)
{
	return outcome(madvise(w->p, LENGTH, MADV_DONTNEED));
}

OPERATION(dont_need, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = dont_need,
	  .right = mapping_holds_1);

#endif /* VMLAB_FAILNTH_MAPPING_H */
