/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Clones with failures: no side ever loses or sees what is not its own.
 */
#ifndef VMLAB_FAILNTH_CLONE_H
#define VMLAB_FAILNTH_CLONE_H

#include "cow_test.h"
#include "failnth_copy.h"
#include "failnth_fault.h"
#include "failnth_size.h"
#include "failnth_writeback.h"
#include "failnth_world.h"

/* Making them */

static int make_clone(struct world *w)
{
	w->made = clone_of(w->fd);
	return outcome(w->made);
}

/* Both are what the region was, and then each is what was written to it. */
static bool clone_is_apart(struct world *w)
{
	return reads_filled(w->made, 0, LENGTH, 1) && holds_1(w) &&
	       writes_filled(w->made, 0, LENGTH, 2) && holds_1(w) &&
	       writes_filled(w->fd, 0, LENGTH, 3) && reads_filled(w->made, 0, LENGTH, 2) &&
	       reads_filled(w->fd, 0, LENGTH, 3);
}

static bool mapped_clone_is_apart(struct world *w)
{
	if (!filled(w->p, LENGTH, 1))
		return false;
	fill(w->p, LENGTH, 4);
	if (!reads_filled(w->made, 0, LENGTH, 1))
		return false;
	fill(w->p, LENGTH, 1);
	return clone_is_apart(w) && filled(w->p, LENGTH, 3);
}

OPERATION(clone, .kind = ZERO, .touched = 1, .run = make_clone, .right = clone_is_apart,
	  .may = { ENOMEM, EFAULT }, .hits = 6, .pure = true);
OPERATION(clone_mapped, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = make_clone,
	  .right = mapped_clone_is_apart, .may = { ENOMEM, EFAULT }, .hits = 6, .pure = true);
OPERATION(clone_tracked, .kind = TRACKED, .map = MAP_SHARED, .touched = 1, .run = make_clone,
	  .right = mapped_clone_is_apart, .may = { ENOMEM, EFAULT }, .hits = 6, .pure = true);

/* The region's mapping asks before each write by then. */
static void clone_before(struct world *w)
{
	int clone = clone_of(w->fd);

	fill(w->p, LENGTH, 1);
	close(clone);
}

OPERATION(clone_again, .kind = ZERO, .map = MAP_SHARED, .prepare = clone_before,
	  .run = make_clone, .right = mapped_clone_is_apart, .may = { ENOMEM, EFAULT },
	  .hits = 6, .pure = true);

/* The region is one itself. */
static void become_clone(struct world *w)
{
	int clone = clone_of(w->fd);

	close(w->fd);
	w->fd = clone;
}

OPERATION(clone_of_a_clone, .kind = ZERO, .touched = 1, .prepare = become_clone,
	  .run = make_clone, .right = clone_is_apart, .may = { ENOMEM, EFAULT }, .hits = 6,
	  .pure = true);

/* Pages far apart, below many nodes. */
static inline long far_page(long i)
{
	return (1L << (46 - 6 * i)) + i * 67 * (long)PAGE;
}

static void write_far(struct world *w)
{
	for (int i = 0; i < 4; i++) {
		if (!writes_filled(w->fd, far_page(i), PAGE, 5 + i))
			broken("write: %s\n", strerror(errno));
	}
}

static bool far_is_apart(struct world *w)
{
	bool same = clone_is_apart(w);

	for (int i = 0; i < 4; i++)
		same = same && writes_filled(w->made, far_page(i), PAGE, 50) &&
		       reads_filled(w->fd, far_page(i), PAGE, 5 + i) &&
		       reads_filled(w->made, far_page(i), PAGE, 50);
	return same;
}

OPERATION(clone_far, .kind = FRESH, .touched = 1, .prepare = write_far, .run = make_clone,
	  .right = far_is_apart, .may = { ENOMEM, EFAULT }, .hits = 6, .pure = true);

static int clone_by_address(struct world *w)
{
	w->made = clone_at(w->fd, w->p + PAGE, O_CLOEXEC);
	return outcome(w->made);
}

OPERATION(clone_by_address, .kind = ZERO, .map = MAP_SHARED, .touched = 1,
	  .run = clone_by_address, .right = mapped_clone_is_apart, .may = { ENOMEM, EFAULT },
	  .hits = 6, .pure = true);

static int another_fd_by_address(struct world *w)
{
	w->made = ioctl(w->fd, VMLAB_IOC_REGION_FD, &(struct vmlab_region_fd){
		.address = (unsigned long)w->p });
	return outcome(w->made);
}

OPERATION(region_fd_by_address, .kind = ZERO, .map = MAP_SHARED, .run = another_fd_by_address,
	  .right = made_is_the_same, .may = { ENOMEM, EFAULT }, .hits = 2, .pure = true);

/* A page that somebody is about to write to stays with the region, and is copied at once. */

static struct holder holder;

static void hold_pages_at(char *target)
{
	const char *missing;

	holder = (struct holder){ .target = target, .length = 2 * PAGE };
	missing = hold(&holder);
	if (missing)
		broken("%s\n", missing);
}

static void hold_pages(struct world *w)
{
	hold_pages_at(w->p);
}

static bool held_stay_behind(struct world *w)
{
	let_go(&holder, 7);
	return holder.written == 2 * PAGE && filled(w->p, 2 * PAGE, 7) &&
	       reads_filled(w->made, 0, LENGTH, 1) && writes_filled(w->fd, 0, LENGTH, 1) &&
	       mapped_clone_is_apart(w);
}

OPERATION(clone_held, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .prepare = hold_pages,
	  .run = make_clone, .right = held_stay_behind, .may = { ENOMEM, EFAULT }, .hits = 9,
	  .pure = true);
OPERATION(clone_held_tracked, .kind = TRACKED, .map = MAP_SHARED, .touched = 1,
	  .prepare = hold_pages, .run = make_clone, .right = held_stay_behind,
	  .may = { ENOMEM, EFAULT }, .hits = 9, .pure = true);

/* Of regions with a file: the second half was never read. */

static void read_half(struct world *w)
{
	if (!reads_filled(w->fd, 0, LENGTH / 2, 1))
		broken("read: %s\n", strerror(errno));
}

static bool file_is_spared(struct world *w)
{
	return reads_filled(w->made, 0, LENGTH, 1) && writes_filled(w->made, 0, LENGTH, 2) &&
	       holds_1(w) && !fsync(w->made) && reads_filled(w->file, 0, LENGTH, 1) &&
	       reads_filled(w->made, 0, LENGTH, 2);
}

OPERATION(clone_file, .type = "tmpfs", .kind = FILED, .prepare = read_half, .run = make_clone,
	  .right = file_is_spared, .may = { ENOMEM, EFAULT }, .hits = 7, .pure = true);

static void clone_half(struct world *w)
{
	read_half(w);
	if (make_clone(w))
		broken("clone: %s\n", strerror(errno));
	if (w->disk->is_disk)
		posix_fadvise(w->file, 0, 0, POSIX_FADV_DONTNEED);
}

static int read_clone(struct world *w)
{
	ssize_t got;

	memset(buffer, 0, LENGTH);
	got = pread(w->made, buffer, LENGTH, 0);
	if (got > 0 && !filled(buffer, got, 1))
		return WRONG;
	return transfer(got, LENGTH);
}

OPERATION(clone_reads_file_tmpfs, .type = "tmpfs", .kind = FILED, .prepare = clone_half,
	  .run = read_clone, .right = file_is_spared, .may = { ENOMEM, EFAULT, SHORT },
	  .hits = PAGES);
OPERATION(clone_reads_file_ext4, .type = "ext4", .disk = true, .kind = FILED,
	  .prepare = clone_half, .run = read_clone, .right = file_is_spared,
	  .may = { ENOMEM, EFAULT, SHORT, EIO }, .hits = PAGES);

/* Reflinks, to a region of the same pool that is empty. */

static void make_target(struct world *w)
{
	w->made = clone_of(w->region);
	if (w->made < 0 || ftruncate(w->made, 0))
		broken("cannot make a region: %s\n", strerror(errno));
}

static int reflink_whole(struct world *w)
{
	return outcome(ioctl(w->made, FICLONE, w->region));
}

OPERATION(reflink, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .prepare = make_target,
	  .run = reflink_whole, .right = mapped_clone_is_apart);

static int reflink_range(struct world *w)
{
	return clone_range(w->region, 0, LENGTH, w->made, 0);
}

OPERATION(reflink_range, .kind = ZERO, .map = MAP_SHARED, .touched = 1,
	  .prepare = make_target, .run = reflink_range, .right = mapped_clone_is_apart,
	  .may = { ENOMEM, EFAULT }, .hits = 1);

static int copy_range(struct world *w)
{
	loff_t in = 0, out = 0;

	return transfer(copy_file_range(w->region, &in, w->made, &out, LENGTH, 0), LENGTH);
}

OPERATION(copy_file_range, .kind = ZERO, .map = MAP_SHARED, .touched = 1,
	  .prepare = make_target, .run = copy_range, .right = mapped_clone_is_apart,
	  .may = { ENOMEM, EFAULT, SHORT }, .hits = 1);

/* The first write to a page that is shared */

static void clone_it(struct world *w)
{
	if (make_clone(w))
		broken("clone: %s\n", strerror(errno));
}

static bool stored_apart(struct world *w)
{
	return stores_over_1(w) && reads_filled(w->made, 0, LENGTH, 1);
}

OPERATION(cow_store, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .prepare = clone_it,
	  .run = touch_writing, .right = stored_apart, .hits = 6);
OPERATION(cow_store_tracked, .kind = TRACKED, .map = MAP_SHARED, .touched = 1,
	  .prepare = clone_it, .run = touch_writing, .right = stored_apart, .hits = 6);

/* Pages that are mapped for reading, in the clone. */
static void map_clone(struct world *w)
{
	clone_it(w);
	munmap(w->p, 2 * LENGTH);
	w->p = map_at(HERE, w->made, LENGTH, MAP_SHARED);
	if (w->p == MAP_FAILED || !filled(w->p, LENGTH, 1))
		broken("mmap: %s\n", strerror(errno));
}

static bool clone_stored_apart(struct world *w)
{
	return stores_over_1(w) && holds_1(w);
}

/* A copy of each page, and of the leaf; further memory for these is not always taken anew. */
OPERATION(cow_store_in_clone, .kind = ZERO, .map = MAP_SHARED, .touched = 1,
	  .prepare = map_clone, .run = touch_writing, .right = clone_stored_apart,
	  .hits = PAGES + 1);

static bool wrote_apart(struct world *w)
{
	return reads_filled(w->fd, PAGE + 100, 2 * PAGE, 2) && reads_filled(w->fd, 0, PAGE, 1) &&
	       reads_filled(w->made, 0, LENGTH, 1);
}

OPERATION(cow_write, .kind = ZERO, .touched = 1, .prepare = clone_it, .run = write_inside,
	  .right = wrote_apart, .may = { ENOMEM, EFAULT, SHORT }, .hits = 6);
OPERATION(cow_write_tracked, .kind = TRACKED, .map = MAP_SHARED, .touched = 1,
	  .prepare = clone_it, .run = write_inside, .right = wrote_apart,
	  .may = { ENOMEM, EFAULT, SHORT }, .hits = 6);

static int write_remotely(struct world *w)
{
	struct iovec local = { buffer, 2 * PAGE }, remote = { w->p + PAGE + 100, 2 * PAGE };

	fill(buffer, 2 * PAGE, 2);
	return transfer(process_vm_writev(getpid(), &local, 1, &remote, 1, 0), 2 * PAGE);
}

OPERATION(cow_write_remotely, .kind = ZERO, .map = MAP_SHARED, .touched = 1,
	  .prepare = clone_it, .run = write_remotely, .right = wrote_apart,
	  .may = { ENOMEM, EFAULT, SHORT }, .hits = 6);

/* Taking away what is shared takes no memory, but for a page of which a part stays. */

static bool punched_apart(struct world *w)
{
	return pages_are_punched(w) && reads_filled(w->made, 0, LENGTH, 1);
}

static bool inside_punched_apart(struct world *w)
{
	return inside_is_punched(w) && reads_filled(w->made, 0, LENGTH, 1);
}

static bool shorter_apart(struct world *w)
{
	return is_shorter(w) && reads_filled(w->made, 0, LENGTH, 1) &&
	       !ftruncate(w->region, LENGTH) && reads_zero(w->fd, PAGE + 100, PAGE);
}

OPERATION(cow_punch_pages, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .prepare = clone_it,
	  .run = punch_pages, .right = punched_apart, .hits = 1);
OPERATION(cow_punch_inside, .kind = ZERO, .touched = 1, .prepare = clone_it,
	  .run = punch_inside, .right = inside_punched_apart, .may = { ENOMEM }, .hits = 2);
OPERATION(cow_remove, .kind = TRACKED, .map = MAP_SHARED, .touched = 1, .prepare = clone_it,
	  .run = remove_pages, .right = punched_apart, .hits = 1);
OPERATION(cow_truncate, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .prepare = clone_it,
	  .run = truncate_down, .right = shorter_apart, .may = { ENOMEM }, .hits = 2);

static int punch_far(struct world *w)
{
	for (int i = 0; i < 4; i++) {
		if (fallocate(w->region, PUNCH, far_page(i) + 100, 200))
			return errno;
	}
	return outcome(ftruncate(w->region, far_page(1) + 100));
}

static bool far_is_punched(struct world *w)
{
	bool right = holds_1(w) && reads_filled(w->made, 0, LENGTH, 1) &&
		     region_stat(w->fd).size == (__u64)far_page(1) + 100;

	for (int i = 0; i < 4; i++)
		right = right && reads_filled(w->made, far_page(i), PAGE, 5 + i);
	for (int i = 2; i < 4; i++)
		right = right && reads_zero(w->fd, far_page(i) + 100, 200) &&
			reads_filled(w->fd, far_page(i), 100, 5 + i);
	return right && reads_filled(w->fd, far_page(1), 100, 6);
}

static void clone_far(struct world *w)
{
	write_far(w);
	clone_it(w);
}

OPERATION(cow_punch_far, .kind = FRESH, .touched = 1, .prepare = clone_far, .run = punch_far,
	  .right = far_is_punched, .may = { ENOMEM }, .hits = 8);

/* But the file must be hidden by pages of the clone's own. */

static int punch_clone(struct world *w)
{
	return outcome(fallocate(w->made, PUNCH, PAGE, 2 * PAGE));
}

static bool clone_is_punched(struct world *w)
{
	return reads_zero(w->made, PAGE, 2 * PAGE) && reads_filled(w->made, 0, PAGE, 1) &&
	       holds_1(w) && reads_filled(w->file, 0, LENGTH, 1);
}

static int truncate_clone(struct world *w)
{
	return outcome(ftruncate(w->made, PAGE + 100));
}

static bool clone_is_shorter(struct world *w)
{
	return reads_filled(w->made, 0, PAGE + 100, 1) && region_stat(w->made).size == PAGE + 100 &&
	       !ftruncate(w->made, LENGTH) && reads_zero(w->made, PAGE + 100, PAGE) &&
	       holds_1(w) && reads_filled(w->file, 0, LENGTH, 1);
}

OPERATION(clone_punches_file, .type = "tmpfs", .kind = FILED, .prepare = clone_half,
	  .run = punch_clone, .right = clone_is_punched, .may = { ENOMEM }, .hits = 4);
OPERATION(clone_truncates_file, .type = "tmpfs", .kind = FILED, .prepare = clone_half,
	  .run = truncate_clone, .right = clone_is_shorter, .may = { ENOMEM }, .hits = 2);

/* Write-back of a region that has clones */

static bool disk_and_clone_have_2(struct world *w)
{
	int clone = w->made;
	bool right = disk_has_2(w) && reads_filled(clone, 0, LENGTH, 2);

	close(clone);
	return right;
}

static bool file_and_clone_have_2(struct world *w)
{
	return file_has_2(w) && reads_filled(w->made, 0, LENGTH, 2);
}

static void clone_sparse(struct world *w)
{
	make_sparse(w);
	clone_it(w);
	trap_write(w->p, w->p[0]);	/* one page is its own again */
}

OPERATION(fsync_cloned, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_SHARED,
	  .touched = 2, .prepare = clone_it, .run = sync_region, .right = disk_and_clone_have_2,
	  .may = { ENOMEM, EIO }, .hits = 2);
OPERATION(worker_fsync_cloned, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED,
	  .worker = true, .prepare = clone_sparse, .run = sync_region,
	  .right = file_and_clone_have_2, .may = { ENOMEM }, .hits = PAGES);

#endif /* VMLAB_FAILNTH_CLONE_H */
