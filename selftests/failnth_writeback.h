/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writing back, with failures.
 */
#ifndef VMLAB_FAILNTH_WRITEBACK_H
#define VMLAB_FAILNTH_WRITEBACK_H

#include "failnth_copy.h"
#include "failnth_world.h"

/* Writing back: what the caller does itself, which is to write to the disk. */

static int sync_region(struct world *w)
{
	return outcome(fsync(w->fd));
}

static int sync_mapping(struct world *w)
{
	return outcome(msync(w->p, LENGTH, MS_SYNC));
}

/*
 * An error of the disk is told once, and then the file's pages count as clean: what is
 * stored again reaches the disk. (ext4 gives the next writer an error of its metadata.)
 */
static bool disk_has_2(struct world *w)
{
	int fd = w->made = scratch_reopen(w->scratch, "file", O_RDONLY | O_DIRECT);
	char *p = map(-1, LENGTH, RW, MAP_SHARED | MAP_ANONYMOUS, 0);
	bool right;

	failnth_disk(w->disk->dir, false);
	fill(w->p, LENGTH, 2);	/* dirty again */
	/* NOLINTNEXTLINE(misc-redundant-expression): the second one does what is left */
	right = (!fsync(w->fd) || !fsync(w->fd)) && region_stat(w->fd).dirty == 0 &&
		reads_filled(w->file, 0, LENGTH, 2) && pread(fd, p, LENGTH, 0) == LENGTH &&
		filled(p, LENGTH, 2);
	munmap(p, LENGTH);
	return right;
}

OPERATION(fsync, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_SHARED, .touched = 2,
	  .run = sync_region, .right = disk_has_2, .may = { ENOMEM, EIO }, .hits = 2);
OPERATION(msync, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_SHARED, .touched = 2,
	  .run = sync_mapping, .right = disk_has_2, .may = { ENOMEM, EIO }, .hits = 2);

/* Writing back: what the worker does, which is to write to the file. */

/* The file has no pages yet. */
static void make_empty(struct world *w)
{
	if (ftruncate(w->file, 0) || ftruncate(w->file, LENGTH))
		broken("ftruncate: %s\n", strerror(errno));
}

/* And the region's are dirty: pattern 2. */
static void make_sparse(struct world *w)
{
	make_empty(w);
	fill(w->p, LENGTH, 2);
}

static bool file_has_2(struct world *w)
{
	return region_stat(w->fd).dirty == 0 && reads_filled(w->file, 0, LENGTH, 2) &&
	       filled(w->p, LENGTH, 2);
}

OPERATION(worker_fsync, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED, .worker = true,
	  .prepare = make_sparse, .run = sync_region, .right = file_has_2, .may = { ENOMEM },
	  .hits = PAGES);

static int close_one(struct world *w)
{
	return outcome(close(dup(w->fd)));
}

OPERATION(close, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED, .prepare = make_sparse,
	  .run = close_one, .right = file_has_2);
OPERATION(worker_close_tmpfs, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED,
	  .worker = true, .prepare = make_sparse, .run = close_one, .right = file_has_2,
	  .may = { ENOMEM }, .hits = PAGES);
OPERATION(worker_close_ext4, .type = "ext4", .kind = FILED, .map = MAP_SHARED,
	  .worker = true, .prepare = make_sparse, .run = close_one, .right = file_has_2,
	  .may = { ENOMEM, EIO }, .hits = PAGES);

/* Only the mapping is left. */
static void make_last(struct world *w)
{
	close(w->fd);
	close(w->region);
	w->fd = -1;
	w->region = -1;
	make_sparse(w);
}

static int unmap_last(struct world *w)
{
	return outcome(munmap(w->p, 2 * LENGTH));
}

static bool file_got_2(struct world *w)
{
	return EVENTUALLY(reads_filled(w->file, 0, LENGTH, 2));
}

OPERATION(worker_end, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED, .worker = true,
	  .prepare = make_last, .run = unmap_last, .right = file_got_2, .hits = PAGES);

/* Nobody asks for it; an error is told later. */
static int write_in_background(struct world *w)
{
	bool done;

	if (parameter_set("writeback_secs", 1))
		return errno;
	fill(w->p, PAGE, 2);
	done = EVENTUALLY(reads_filled(w->file, 0, PAGE, 2) && region_stat(w->fd).dirty == 0);
	if (parameter_set("writeback_secs", NEVER))
		return errno;
	return done ? outcome(fsync(w->fd)) : WRONG;
}

static bool page_is_2(struct world *w)
{
	return filled(w->p, PAGE, 2) && reads_filled(w->file, 0, PAGE, 2) && !fsync(w->fd);
}

OPERATION(worker_background, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED,
	  .worker = true, .prepare = make_empty, .run = write_in_background,
	  .right = page_is_2, .may = { ENOMEM }, .hits = 1);

/* The file grows beyond a dirty page, which must be written before that can be seen. */
static void make_odd(struct world *w)
{
	if (ftruncate(w->file, 0) || ftruncate(w->file, LENGTH - 100))
		broken("ftruncate: %s\n", strerror(errno));
	fill(w->p, LENGTH - 100, 2);
}

static int grow_and_read(struct world *w)
{
	if (ftruncate(w->file, LENGTH + PAGE))
		return errno;
	return transfer(pread(w->fd, buffer, PAGE, LENGTH), PAGE);
}

static bool grew(struct world *w)
{
	return reads_filled(w->fd, 0, LENGTH - 100, 2) && reads_zero(w->fd, LENGTH - 100, 100) &&
	       reads_zero(w->fd, LENGTH, PAGE) && region_stat(w->fd).size == LENGTH + PAGE &&
	       all_zero(buffer, PAGE);
}

OPERATION(worker_resize, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED, .worker = true,
	  .prepare = make_odd, .run = grow_and_read, .right = grew, .may = { SHORT },
	  .hits = 1);

/* write() beyond the end needs the same. */
static bool wrote_after_growing(struct world *w)
{
	return reads_filled(w->fd, LENGTH + 100, 2 * PAGE, 2) &&
	       reads_filled(w->fd, 0, LENGTH - 100, 2) && reads_zero(w->fd, LENGTH - 100, 200) &&
	       region_stat(w->fd).size == LENGTH + 2 * PAGE + 100;
}

OPERATION(worker_write_beyond, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED,
	  .worker = true, .prepare = make_odd, .run = write_beyond,
	  .right = wrote_after_growing, .may = { EBUSY }, .hits = 1);

#endif /* VMLAB_FAILNTH_WRITEBACK_H */
