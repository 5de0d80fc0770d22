// SPDX-License-Identifier: GPL-2.0
/*
 * Clones of regions with a file: what was read stays as it was, whatever becomes of the
 * file, and nothing goes back to it.
 */
#include "cow_test.h"

FIXTURE(frozen)
{
	int file;
	int fd;
	char *p;
};

FIXTURE_SETUP(frozen)
{
	self->file = memfd_create("file", 0);
	ASSERT_TRUE(writes_filled(self->file, 0, 64 * PAGE, 1));
	self->fd = region_file(self->file, 0, 0);
	ASSERT_GE(self->fd, 0);
	self->p = map_shared(self->fd, 64 * PAGE);
	ASSERT_NE(MAP_FAILED, self->p);
	EXPECT_TRUE(filled(self->p, 32 * PAGE, 1));	/* the rest is not read yet */
}

FIXTURE_TEARDOWN(frozen)
{
	munmap(self->p, 64 * PAGE);
	close(self->fd);
	close(self->file);
}

TEST_F(frozen, what_was_read_stays)
{
	int other = clone_of(self->fd);

	ASSERT_TRUE(writes_filled(self->file, 0, 64 * PAGE, 2));
	EXPECT_TRUE(reads_filled(other, 0, 32 * PAGE, 1));
	EXPECT_EQ(64 * PAGE, region_stat(other).size);
	close(other);
}

TEST_F(frozen, what_was_not_is_what_the_file_has)
{
	int other;
	char *buffer = malloc(PAGE);

	other = clone_of(self->fd);
	ASSERT_TRUE(writes_filled(self->file, 63 * PAGE, PAGE, 7));
	ASSERT_EQ(PAGE, pread(other, buffer, PAGE, 63 * PAGE));
	EXPECT_TRUE(filled(buffer, PAGE, 7));
	free(buffer);
	close(other);
}

TEST_F(frozen, keeps_its_size_and_pages_when_the_file_ends_before)
{
	int other = clone_of(self->fd);
	char *q = map_shared(other, 64 * PAGE);

	ASSERT_EQ(0, ftruncate(self->file, 10));
	EXPECT_EQ(SIGBUS, trap_read(self->p + PAGE));
	EXPECT_TRUE(filled(q, 32 * PAGE, 1));
	EXPECT_EQ(SIGBUS, trap_read(q + 63 * PAGE));
	EXPECT_EQ(64 * PAGE, region_stat(other).size);
	munmap(q, 64 * PAGE);
	close(other);
}

TEST_F(frozen, nothing_reaches_the_file)
{
	int other = clone_of(self->fd);

	ASSERT_TRUE(writes_filled(other, 0, 64 * PAGE, 2));
	ASSERT_TRUE(writes_filled(other, 64 * PAGE, PAGE, 3));
	EXPECT_EQ(0, fsync(other));
	close(other);
	EXPECT_TRUE(reads_filled(self->file, 0, 64 * PAGE, 1));
	EXPECT_EQ(64 * PAGE, lseek(self->file, 0, SEEK_END));
}

TEST_F(frozen, the_other_is_written_back_as_before)
{
	int first, second;
	char byte = 0;

	memset(self->p, 5, PAGE);
	first = clone_of(self->fd);
	memset(self->p + PAGE, 6, PAGE);
	second = clone_of(self->fd);
	self->p[0] = 7;
	EXPECT_EQ(2, region_stat(self->fd).dirty);
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_EQ(0, region_stat(self->fd).dirty);
	EXPECT_EQ(0, region_stat(first).dirty);
	EXPECT_EQ(0, memcmp(self->p, "\7\5\5", 3));
	close(first);
	close(second);
	self->p[PAGE] = 8;
	ASSERT_EQ(0, fsync(self->fd));
	ASSERT_EQ(1, pread(self->file, &byte, 1, 0));
	EXPECT_EQ(7, byte);
	ASSERT_EQ(1, pread(self->file, &byte, 1, PAGE));
	EXPECT_EQ(8, byte);
}

TEST_F(frozen, a_hole_hides_the_file)
{
	int other = clone_of(self->fd), third;

	ASSERT_EQ(0, fallocate(other, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10,
			       64 * PAGE - 20));
	EXPECT_TRUE(reads_zero(other, 10, 64 * PAGE - 20));
	third = clone_of(other);
	close(other);
	EXPECT_TRUE(reads_zero(third, 10, 64 * PAGE - 20));
	ASSERT_EQ(0, ftruncate(third, PAGE));
	ASSERT_EQ(0, ftruncate(third, 64 * PAGE));
	EXPECT_TRUE(reads_zero(third, PAGE, 63 * PAGE));
	EXPECT_TRUE(filled(self->p, 64 * PAGE, 1));
	close(third);
}

/* The page that a clone has, too, cannot be copied: then the file is not punched, either. */
TEST_F(frozen, a_hole_at_the_cap_is_none)
{
	const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	__u64 cap = parameter_get("max_pages");
	int other = clone_of(self->fd), fd = region_fd(self->fd, O_CLOEXEC);

	parameter_set("max_pages", pages_now());
	EXPECT_EQ(-1, fallocate(fd, punch, 100, 200));
	EXPECT_EQ(ENOSPC, errno);
	parameter_set("max_pages", cap);
	EXPECT_TRUE(filled(self->p, PAGE, 1));
	EXPECT_TRUE(reads_filled(self->file, 0, PAGE, 1));
	EXPECT_EQ(0, fallocate(fd, punch, 100, 200));
	EXPECT_TRUE(reads_zero(self->file, 100, 200));
	EXPECT_TRUE(reads_filled(other, 0, PAGE, 1));
	close(fd);
	close(other);
}

TEST_HARNESS_MAIN
