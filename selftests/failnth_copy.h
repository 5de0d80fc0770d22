/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads and writes, splices and direct I/O, with failures.
 */
#ifndef VMLAB_FAILNTH_COPY_H
#define VMLAB_FAILNTH_COPY_H

#include "failnth_mapping.h"
#include "failnth_region.h"
#include "failnth_world.h"

static int read_all(struct world *w)
{
	ssize_t got;

	memset(buffer, 0, LENGTH);
	got = pread(w->fd, buffer, LENGTH, 0);
	if (got > 0 && !filled(buffer, got, 1))
		return WRONG;
	return transfer(got, LENGTH);
}

static bool buffer_holds_1(struct world *w)
{
	return filled(buffer, LENGTH, 1) && holds_1(w);
}

OPERATION(read, .kind = ZERO, .touched = 1, .run = read_all, .right = buffer_holds_1,
	  .may = { EFAULT, SHORT }, .hits = PAGES);
OPERATION(read_file_tmpfs, .type = "tmpfs", .kind = FILED, .run = read_all,
	  .right = buffer_holds_1, .may = { ENOMEM, EFAULT, SHORT }, .hits = 2 * PAGES);
OPERATION(read_file_ext4, .type = "ext4", .disk = true, .kind = FILED, .run = read_all,
	  .right = buffer_holds_1, .may = { ENOMEM, EFAULT, SHORT, EIO }, .hits = 2 * PAGES);

static int write_inside(struct world *w)
{
	fill(buffer, 2 * PAGE, 2);
	return transfer(pwrite(w->fd, buffer, 2 * PAGE, PAGE + 100), 2 * PAGE);
}

static bool wrote_inside(struct world *w)
{
	return reads_filled(w->fd, PAGE + 100, 2 * PAGE, 2) && reads_zero(w->fd, 0, PAGE + 100) &&
	       reads_zero(w->fd, 3 * PAGE + 100, LENGTH - 3 * PAGE - 100) &&
	       region_stat(w->fd).size == LENGTH;
}

static bool wrote_inside_file(struct world *w)
{
	return reads_filled(w->fd, PAGE + 100, 2 * PAGE, 2) && reads_filled(w->fd, 0, PAGE, 1) &&
	       !fsync(w->fd) && reads_filled(w->file, PAGE + 100, 2 * PAGE, 2) &&
	       reads_filled(w->file, 0, PAGE, 1) && region_stat(w->fd).size == LENGTH;
}

OPERATION(write, .kind = ZERO, .run = write_inside, .right = wrote_inside,
	  .may = { ENOMEM, EFAULT, SHORT }, .hits = 5);
OPERATION(write_tracked, .kind = TRACKED, .run = write_inside, .right = wrote_inside,
	  .may = { ENOMEM, EFAULT, SHORT }, .hits = 5);
OPERATION(write_file_tmpfs, .type = "tmpfs", .kind = FILED, .run = write_inside,
	  .right = wrote_inside_file, .may = { ENOMEM, EFAULT, SHORT }, .hits = 5);
OPERATION(write_file_ext4, .type = "ext4", .disk = true, .kind = FILED, .run = write_inside,
	  .right = wrote_inside_file, .may = { ENOMEM, EFAULT, SHORT, EIO }, .hits = 5);

static int write_beyond(struct world *w)
{
	fill(buffer, 2 * PAGE, 2);
	return transfer(pwrite(w->fd, buffer, 2 * PAGE, LENGTH + 100), 2 * PAGE);
}

static bool wrote_beyond(struct world *w)
{
	return reads_filled(w->fd, LENGTH + 100, 2 * PAGE, 2) &&
	       reads_zero(w->fd, 0, LENGTH + 100) &&
	       region_stat(w->fd).size == LENGTH + 2 * PAGE + 100;
}

static bool wrote_beyond_file(struct world *w)
{
	return reads_filled(w->fd, LENGTH + 100, 2 * PAGE, 2) && holds_1(w) && !fsync(w->fd) &&
	       reads_filled(w->file, LENGTH + 100, 2 * PAGE, 2) &&
	       reads_filled(w->file, 0, LENGTH, 1) && reads_zero(w->file, LENGTH, 100) &&
	       region_stat(w->fd).size == LENGTH + 2 * PAGE + 100;
}

OPERATION(write_beyond, .kind = ZERO, .run = write_beyond, .right = wrote_beyond,
	  .may = { ENOMEM, EFAULT, SHORT }, .hits = 5);
OPERATION(write_beyond_file_tmpfs, .type = "tmpfs", .kind = FILED, .run = write_beyond,
	  .right = wrote_beyond_file, .may = { ENOMEM, EFAULT, SHORT }, .hits = 5);
OPERATION(write_beyond_file_ext4, .type = "ext4", .disk = true, .kind = FILED,
	  .run = write_beyond, .right = wrote_beyond_file,
	  .may = { ENOMEM, EFAULT, SHORT, EIO }, .hits = 5);

static int splice_out(struct world *w)
{
	loff_t offset = 0;
	ssize_t got;
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC))
		return errno;
	memset(buffer, 0, LENGTH);
	got = splice(w->fd, &offset, ends[1], NULL, LENGTH, 0);
	error = errno;
	if (got > 0 && read(ends[0], buffer, got) != got)
		got = 0;	/* the pipe's reader was the one to fail */
	close(ends[0]);
	close(ends[1]);
	errno = error;
	if (got > 0 && !filled(buffer, got, 1))
		return WRONG;
	return transfer(got, LENGTH);
}

OPERATION(splice_out, .kind = ZERO, .touched = 1, .run = splice_out, .right = buffer_holds_1,
	  .may = { ENFILE, ENOMEM, EAGAIN, EFAULT, SHORT }, .hits = 4);

static int splice_in(struct world *w)
{
	loff_t offset = PAGE;
	ssize_t got = -1;
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC))
		return errno;
	fill(buffer, 2 * PAGE, 2);
	got = write(ends[1], buffer, 2 * PAGE);
	if (got == 2 * PAGE)
		got = splice(ends[0], NULL, w->fd, &offset, 2 * PAGE, 0);
	error = errno;
	close(ends[0]);
	close(ends[1]);
	errno = error;
	return transfer(got, 2 * PAGE);
}

static bool spliced_in(struct world *w)
{
	return reads_filled(w->fd, PAGE, 2 * PAGE, 2) && reads_zero(w->fd, 0, PAGE) &&
	       reads_zero(w->fd, 3 * PAGE, LENGTH - 3 * PAGE);
}

OPERATION(splice_in, .kind = ZERO, .run = splice_in, .right = spliced_in,
	  .may = { ENFILE, ENOMEM, EFAULT, SHORT }, .hits = 6);

/* A disk's data straight into the region, by the pages it got for that. */
static int read_direct(struct world *w)
{
	ssize_t got;
	int error;
	int fd = scratch_reopen(w->scratch, "file", O_RDONLY | O_DIRECT);

	if (fd < 0)
		return errno;
	got = pread(fd, w->p, LENGTH, 0);
	error = errno;
	close(fd);
	errno = error;
	return transfer(got, LENGTH);
}

OPERATION(direct, .type = "ext4", .disk = true, .kind = ZERO, .map = MAP_SHARED,
	  .run = read_direct, .right = mapping_holds_1,
	  .may = { ENOMEM, EFAULT, EIO, SHORT }, .hits = 6);
OPERATION(direct_tracked, .type = "ext4", .disk = true, .kind = TRACKED, .map = MAP_SHARED,
	  .run = read_direct, .right = mapping_holds_1,
	  .may = { ENOMEM, EFAULT, EIO, SHORT }, .hits = 6);

#endif /* VMLAB_FAILNTH_COPY_H */
