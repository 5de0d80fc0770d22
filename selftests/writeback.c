// SPDX-License-Identifier: GPL-2.0
/*
 * How pages of a region go back to its file: lazily, if at all, and when there
 * is no room.
 */
#include "file_test.h"

/* Writing back */

TEST_F(file, stores_are_lazy)
{
	fill(self->p, LENGTH, 2);
	EXPECT_EQ(PAGES, region_stat(self->fd).dirty);
	EXPECT_EQ(0, region_stat(self->fd).written_back);
	EXPECT_TRUE(reads_filled(self->file, 0, LENGTH, 1));
}

TEST_F(file, fsync_writes)
{
	fill(self->p, LENGTH, 2);
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_TRUE(reads_filled(self->file, 0, LENGTH, 2));
	EXPECT_EQ(0, region_stat(self->fd).dirty);
	EXPECT_EQ(PAGES, region_stat(self->fd).written_back);
}

TEST_F(file, fsync_writes_only_what_changed)
{
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	self->p[5 * PAGE] = 99;
	ASSERT_EQ(0, fdatasync(self->fd));
	EXPECT_EQ(1, region_stat(self->fd).written_back);
	EXPECT_TRUE(reads_filled(self->file, 0, 5 * PAGE, 1));
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_EQ(1, region_stat(self->fd).written_back);
}

/* A page that was written back notices the next write again. */
TEST_F(file, every_round_of_stores_is_written)
{
	for (int round = 2; round < 10; round++) {
		fill(self->p, LENGTH, round);
		ASSERT_EQ(PAGES, region_stat(self->fd).dirty);
		ASSERT_EQ(0, fsync(self->fd));
		ASSERT_TRUE(reads_filled(self->file, 0, LENGTH, round));
	}
}

TEST_F(file, msync_writes)
{
	fill(self->p, LENGTH, 2);
	ASSERT_EQ(0, msync(self->p, LENGTH, MS_SYNC));
	EXPECT_TRUE(reads_filled(self->file, 0, LENGTH, 2));
}

TEST_F(file, the_last_close_writes)
{
	fill(self->p, LENGTH, 2);
	release(self);
	EXPECT_TRUE(EVENTUALLY(reads_filled(self->file, 0, LENGTH, 2)));
}

TEST_F(file, what_the_dead_wrote_is_written)
{
	pid_t child;

	release(self);
	child = fork();
	if (!child) {
		int fd = region_file(self->file, 0, 0);
		char *p = map_shared(fd, LENGTH);

		fill(p, LENGTH, 2);
		raise(SIGKILL);
	}
	EXPECT_EQ(-1, child_status(child));
	EXPECT_TRUE(EVENTUALLY(reads_filled(self->file, 0, LENGTH, 2)));
	EXPECT_EQ(LENGTH, length_of(self->file));
}

TEST_F(file, the_worker_writes)
{
	ASSERT_EQ(0, parameter_set("writeback_secs", 1));
	fill(self->p, LENGTH, 2);
	EXPECT_TRUE(EVENTUALLY(reads_filled(self->file, 0, LENGTH, 2)));
	EXPECT_TRUE(EVENTUALLY(!region_stat(self->fd).dirty));

	/* And once more, after it had nothing to do. */
	fill(self->p, LENGTH, 3);
	EXPECT_TRUE(EVENTUALLY(reads_filled(self->file, 0, LENGTH, 3)));
	EXPECT_TRUE(EVENTUALLY(!region_stat(self->fd).dirty));
}

TEST_F(file, another_process_syncs)
{
	fill(self->p, LENGTH, 2);
	EXPECT_TRUE(IN_CHILD(!fsync(self->fd)));
	EXPECT_TRUE(reads_filled(self->file, 0, LENGTH, 2));
	EXPECT_TRUE(IN_CHILD((fill(self->p, LENGTH, 3), true)));
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_TRUE(reads_filled(self->file, 0, LENGTH, 3));
}

TEST_F(file, private_stores_are_never_written)
{
	char *p = map(self->fd, LENGTH, RW, MAP_PRIVATE, 0);

	fill(p, LENGTH, 2);
	EXPECT_EQ(0, region_stat(self->fd).dirty);
	ASSERT_EQ(0, msync(p, LENGTH, MS_SYNC));
	ASSERT_EQ(0, fsync(self->fd));
	munmap(p, LENGTH);
	release(self);
	EXPECT_TRUE(reads_filled(self->file, 0, LENGTH, 1));
}

TEST_F(file, mapping_write_and_file_agree)
{
	ASSERT_TRUE(writes_filled(self->fd, 0, 4 * PAGE, 2));
	EXPECT_TRUE(filled(self->p, 4 * PAGE, 2));
	fill(self->p + 6 * PAGE, 2 * PAGE, 3);
	EXPECT_TRUE(reads_filled(self->fd, 6 * PAGE, 2 * PAGE, 3));
	ASSERT_EQ(5, pwrite(self->fd, "hello", 5, 9 * PAGE + 1000));
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_TRUE(reads_filled(self->file, 0, 4 * PAGE, 2));
	EXPECT_TRUE(reads_filled(self->file, 6 * PAGE, 2 * PAGE, 3));
	EXPECT_TRUE(filled(self->p, 4 * PAGE, 2));
	for (size_t i = 0; i < LENGTH; i += 100) {
		char byte;

		ASSERT_EQ(1, pread(self->file, &byte, 1, i));
		ASSERT_EQ(self->p[i], byte);
	}
}

TEST_F(file, write_lengthens_the_file)
{
	char back[5];

	ASSERT_EQ(5, pwrite(self->fd, "hello", 5, LENGTH + 3 * PAGE + 7));
	EXPECT_EQ(LENGTH + 3 * PAGE + 12, region_stat(self->fd).size);
	EXPECT_TRUE(all_zero(self->p + LENGTH, 3 * PAGE + 7));
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_EQ(LENGTH + 3 * PAGE + 12, length_of(self->file));
	ASSERT_EQ(5, pread(self->file, back, 5, LENGTH + 3 * PAGE + 7));
	EXPECT_EQ(0, memcmp(back, "hello", 5));
}

TEST_F(file, two_regions_of_one_file)
{
	int other = region_file(self->file, 0, 0);
	char *p = map_shared(other, LENGTH);

	fill(self->p, PAGE, 2);
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_TRUE(filled(p, PAGE, 2));
	fill(p + PAGE, PAGE, 3);
	ASSERT_EQ(0, fsync(other));
	EXPECT_TRUE(filled(self->p + PAGE, PAGE, 3));
}

/* Through a pipe, whose lock must not be held while the file is written. */
TEST_F(file, splice_makes_the_file_longer)
{
	char data[3 * PAGE], back[3 * PAGE];
	loff_t in = LENGTH - PAGE, out = LENGTH - PAGE;
	int ends[2];

	fill(data, sizeof(data), 2);
	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(sizeof(data), write(ends[1], data, sizeof(data)));
	EXPECT_EQ(sizeof(data), splice(ends[0], NULL, self->fd, &in, MIB, 0));
	EXPECT_EQ(LENGTH + 2 * PAGE, in);
	EXPECT_EQ(LENGTH + 2 * PAGE, length_of(self->file));
	EXPECT_EQ(0, fsync(self->fd));
	EXPECT_TRUE(reads_filled(self->file, LENGTH - PAGE, sizeof(data), 2));

	EXPECT_EQ(sizeof(data), splice(self->fd, &out, ends[1], NULL, MIB, 0));
	EXPECT_EQ(sizeof(data), read(ends[0], back, sizeof(back)));
	EXPECT_TRUE(filled(back, sizeof(back), 2));
	EXPECT_EQ(0, splice(self->fd, &out, ends[1], NULL, MIB, 0));
	close(ends[0]);
	close(ends[1]);
}

TEST_F(file, splice_fails_before_it_takes)
{
	int file = scratch_reopen(&self->scratch, "file", O_RDONLY), ends[2];
	int fd = region_file(file, 0, 0);
	char byte = 1;

	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(1, write(ends[1], &byte, 1));
	EXPECT_EQ(-1, splice(ends[0], NULL, fd, NULL, 1, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(1, read(ends[0], &byte, 1));
	close(fd);
	close(file);
	close(ends[0]);
	close(ends[1]);
}

/* What need not be written */

TEST_F(file, a_hole_is_made_in_the_file_too)
{
	int punch = region_fd(self->fd, 0);

	fill(self->p, LENGTH, 2);
	ASSERT_EQ(0, fallocate(punch, PUNCH, 4 * PAGE, 3 * PAGE));
	EXPECT_TRUE(all_zero(self->p + 4 * PAGE, 3 * PAGE));
	EXPECT_TRUE(reads_zero(self->file, 4 * PAGE, 3 * PAGE));
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_TRUE(reads_zero(self->file, 4 * PAGE, 3 * PAGE));
	EXPECT_TRUE(reads_filled(self->file, 0, 4 * PAGE, 2));
	EXPECT_EQ(PAGES - 3, region_stat(self->fd).written_back);
	EXPECT_EQ(3, region_stat(self->fd).discarded);
	EXPECT_EQ(LENGTH, length_of(self->file));
	close(punch);
}

TEST_F(file, madvise_remove_makes_a_hole)
{
	fill(self->p, LENGTH, 2);
	ASSERT_EQ(0, madvise(self->p, 2 * PAGE, MADV_REMOVE));
	release(self);
	EXPECT_TRUE(EVENTUALLY(!reads_filled(self->file, 2 * PAGE, PAGE, 1)));
	EXPECT_TRUE(reads_zero(self->file, 0, 2 * PAGE));
}

TEST_F(file, unlinked_files_are_left_alone)
{
	fill(self->p, LENGTH, 2);
	ASSERT_EQ(0, scratch_unlink(&self->scratch, "file"));
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_TRUE(reads_filled(self->file, 0, LENGTH, 1));
	EXPECT_TRUE(filled(self->p, LENGTH, 2));
	release(self);
	EXPECT_TRUE(reads_filled(self->file, 0, LENGTH, 1));
}

/* What the region's last page has is kept, as it is the only place; but nothing behind its end. */
TEST_F(file, an_unlinked_file_grows_beyond_a_dirty_page)
{
	const size_t end = LENGTH - PAGE + 100;

	ASSERT_EQ(0, ftruncate(self->file, end));
	fill(self->p + LENGTH - PAGE, PAGE, 2);
	ASSERT_EQ(0, scratch_unlink(&self->scratch, "file"));
	ASSERT_EQ(0, ftruncate(self->file, LENGTH));
	EXPECT_TRUE(reads_zero(self->fd, end, PAGE - 100));
	EXPECT_TRUE(filled(self->p + LENGTH - PAGE, 100, 2));
	EXPECT_TRUE(all_zero(self->p + end, PAGE - 100));
	EXPECT_EQ(LENGTH, region_stat(self->fd).size);
	EXPECT_EQ(1, region_stat(self->fd).dirty);
}

TEST_F(file, the_worker_leaves_unlinked_files_alone)
{
	fill(self->p, LENGTH, 2);
	ASSERT_EQ(0, scratch_unlink(&self->scratch, "file"));
	ASSERT_EQ(0, parameter_set("writeback_secs", 1));
	fill(self->p, LENGTH, 2);
	usleep(2500000);
	EXPECT_TRUE(reads_filled(self->file, 0, LENGTH, 1));
	EXPECT_EQ(0, region_stat(self->fd).written_back);
	EXPECT_TRUE(filled(self->p, LENGTH, 2));
}

TEST_F(file, a_file_with_another_name_is_written)
{
	char from[128], to[128];

	snprintf(from, sizeof(from), "%s/file", self->scratch.dir);
	snprintf(to, sizeof(to), "%s/other", self->scratch.dir);
	ASSERT_EQ(0, link(from, to));
	fill(self->p, LENGTH, 2);
	ASSERT_EQ(0, unlink(from));
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_TRUE(reads_filled(self->file, 0, LENGTH, 2));
}

/* A full file system */

static int fill_up(const struct scratch *scratch)
{
	int filler = scratch_file(scratch, "filler", 0, 0);
	char buffer[PAGE];

	memset(buffer, 1, sizeof(buffer));
	while (write(filler, buffer, sizeof(buffer)) > 0)
		;
	fsync(filler);
	while (write(filler, buffer, sizeof(buffer)) > 0)
		;
	return filler;
}

/* The region lies in a hole of its file, for which there is no room any more. */
static void make_unwritable(FIXTURE_DATA(file) *self)
{
	if (ftruncate(self->file, 0) || ftruncate(self->file, LENGTH))
		broken("ftruncate: %s\n", strerror(errno));
	fsync(self->file);
	close(fill_up(&self->scratch));
	fill(self->p, LENGTH, 2);
}

TEST_F(file, no_room_fails_fsync_and_is_retried)
{
	make_unwritable(self);
	EXPECT_EQ(-1, fsync(self->fd));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_GT(region_stat(self->fd).writeback_errors, 0);
	EXPECT_GT(region_stat(self->fd).dirty, 0);
	EXPECT_TRUE(filled(self->p, LENGTH, 2));

	ASSERT_EQ(0, scratch_unlink(&self->scratch, "filler"));
	EXPECT_EQ(0, fsync(self->fd));
	EXPECT_TRUE(reads_filled(self->file, 0, LENGTH, 2));
	EXPECT_EQ(0, region_stat(self->fd).dirty);
	EXPECT_EQ(0, fsync(self->fd));
}

TEST_F(file, no_room_in_the_background_is_told_once)
{
	ASSERT_EQ(0, parameter_set("writeback_secs", 1));
	make_unwritable(self);
	ASSERT_TRUE(EVENTUALLY(region_stat(self->fd).writeback_errors > 0));
	EXPECT_TRUE(filled(self->p, LENGTH, 2));
	ASSERT_EQ(0, scratch_unlink(&self->scratch, "filler"));
	EXPECT_TRUE(EVENTUALLY(reads_filled(self->file, 0, LENGTH, 2)));
	EXPECT_EQ(-1, fsync(self->fd));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(0, fsync(self->fd));
}

TEST_F(file, no_room_at_the_end_is_counted)
{
	__u64 lost = module_features().pages_lost, pages = module_features().pages;

	make_unwritable(self);
	release(self);
	EXPECT_TRUE(EVENTUALLY(module_features().pages_lost > lost));
	EXPECT_TRUE(EVENTUALLY(module_features().pages == pages));
}

TEST_HARNESS_MAIN
