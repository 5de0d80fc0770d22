// SPDX-License-Identifier: GPL-2.0
/*
 * Where a region ends, and what it has below: its limits, ftruncate() and fallocate().
 */
#include "io_test.h"

/* The end */

TEST_F(io, ends_at_the_limit)
{
	int fd = region_zero(0, 8 * PAGE);
	char byte;

	fd = variant->file ? region_fd(fd, 0) : fd;
	EXPECT_EQ(10, pwrite(fd, self->buffer, PAGE, 8 * PAGE - 10));
	EXPECT_EQ(-1, pwrite(fd, self->buffer, 1, 8 * PAGE));
	EXPECT_EQ(EFBIG, errno);
	EXPECT_EQ(-1, pwrite(fd, self->buffer, PAGE, TIB));
	EXPECT_EQ(EFBIG, errno);
	EXPECT_EQ(0, pwrite(fd, self->buffer, 0, 8 * PAGE));
	EXPECT_EQ(0, pread(fd, &byte, 1, 8 * PAGE));
	EXPECT_EQ(0, pread(fd, &byte, 1, TIB));
	EXPECT_EQ(1, pread(fd, &byte, 1, 8 * PAGE - 1));
	EXPECT_EQ(self->buffer[9], byte);
	EXPECT_EQ(1, region_resident(fd));
}

TEST_F(io, ends_at_the_largest_offset)
{
	EXPECT_EQ(-1, pwrite(self->fd, "x", 1, LLONG_MAX));
	EXPECT_TRUE(errno == EFBIG || errno == EINVAL || errno == EOVERFLOW);
	EXPECT_EQ(0, region_resident(self->fd));
}

/* ftruncate */

TEST_F(io, truncate)
{
	char *p = map_shared(self->fd, 8 * PAGE);

	fill(p, 8 * PAGE, 1);
	if (!variant->file) {
		EXPECT_EQ(-1, ftruncate(self->fd, PAGE));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_TRUE(filled(p, 8 * PAGE, 1));
		return;
	}
	ASSERT_EQ(0, ftruncate(self->fd, 3 * PAGE + 100));
	EXPECT_EQ(3 * PAGE + 100, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(3 * PAGE + 100, region_stat(self->fd).size);
	EXPECT_EQ(4, region_resident(self->fd));
	EXPECT_TRUE(filled(p, 3 * PAGE + 100, 1));
	EXPECT_TRUE(all_zero(p + 3 * PAGE + 100, PAGE - 100));
	EXPECT_EQ(SIGBUS, trap_read(p + 4 * PAGE));
	EXPECT_EQ(SIGBUS, trap_write(p + 7 * PAGE, 1));

	ASSERT_EQ(0, ftruncate(self->fd, 8 * PAGE));
	EXPECT_TRUE(filled(p, 3 * PAGE + 100, 1));
	EXPECT_TRUE(all_zero(p + 3 * PAGE + 100, 5 * PAGE - 100));
}

TEST_F(sized, truncate_drops_private_copies_too)
{
	char *p = map(self->fd, 4 * PAGE, RW, MAP_PRIVATE, 0);

	p[3 * PAGE] = 1;
	ASSERT_EQ(0, ftruncate(self->fd, 2 * PAGE));
	EXPECT_EQ(SIGBUS, trap_read(p + 3 * PAGE));
}

TEST_F(sized, truncate_has_a_limit)
{
	int fd = region_fd(region_zero(0, 8 * PAGE), 0);

	EXPECT_EQ(-1, ftruncate(fd, 8 * PAGE + 1));
	EXPECT_EQ(EFBIG, errno);
	EXPECT_EQ(8 * PAGE, region_stat(fd).size);
	EXPECT_EQ(-1, ftruncate(fd, -1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, ftruncate(fd, 1));
	EXPECT_EQ(0, ftruncate(fd, 8 * PAGE));
	EXPECT_EQ(0, ftruncate(fd, 0));
	EXPECT_EQ(0, region_stat(fd).size);
}

TEST_F(io, truncate_needs_write_access)
{
	int fd = region_fd(region_open_as(O_RDONLY), 0);

	EXPECT_EQ(-1, ftruncate(fd, PAGE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(VMLAB_SIZE_DEFAULT, region_stat(fd).size);
}

TEST_F(sized, write_grows_a_truncated_region)
{
	struct stat stat;

	ASSERT_EQ(0, ftruncate(self->fd, 0));
	EXPECT_EQ(5, pwrite(self->fd, "hello", 5, 2 * PAGE));
	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_EQ(2 * PAGE + 5, stat.st_size);
	EXPECT_TRUE(reads_zero(self->fd, 0, 2 * PAGE));
}

TEST_F(sized, fstat_counts_blocks)
{
	struct stat stat;

	ASSERT_TRUE(writes_filled(self->fd, PAGE, 3 * PAGE, 1));
	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_EQ(3 * PAGE / 512, stat.st_blocks);
	EXPECT_EQ(PAGE, stat.st_blksize);
}

TEST_F(io, punch_hole)
{
	char *p = map_shared(self->fd, 8 * PAGE);

	fill(p, 8 * PAGE, 1);
	if (!variant->file) {
		EXPECT_EQ(-1, fallocate(self->fd, PUNCH, 0, PAGE));
		EXPECT_EQ(ENODEV, errno);
		EXPECT_TRUE(filled(p, 8 * PAGE, 1));
		return;
	}
	ASSERT_EQ(0, fallocate(self->fd, PUNCH, 2 * PAGE, 3 * PAGE));
	EXPECT_EQ(5, region_resident(self->fd));
	EXPECT_TRUE(filled(p, 2 * PAGE, 1));
	EXPECT_TRUE(all_zero(p + 2 * PAGE, 3 * PAGE));
	EXPECT_EQ(0, memcmp(p + 5 * PAGE, self->buffer + 5 * PAGE, 3 * PAGE));
	EXPECT_EQ((off_t)VMLAB_SIZE_DEFAULT, lseek(self->fd, 0, SEEK_END));
}

TEST_F(sized, punch_parts_of_pages)
{
	char *p = map_shared(self->fd, 8 * PAGE);

	fill(p, 8 * PAGE, 1);
	ASSERT_EQ(0, fallocate(self->fd, PUNCH, PAGE + 100, 2 * PAGE));
	EXPECT_EQ(0, memcmp(p, self->buffer, PAGE + 100));
	EXPECT_TRUE(all_zero(p + PAGE + 100, 2 * PAGE));
	EXPECT_EQ(0, memcmp(p + 3 * PAGE + 100, self->buffer + 3 * PAGE + 100, PAGE));
	ASSERT_EQ(0, fallocate(self->fd, PUNCH, 10, 5));
	EXPECT_TRUE(all_zero(p + 10, 5));
	EXPECT_EQ(self->buffer[9], p[9]);
	EXPECT_EQ(self->buffer[15], p[15]);
}

TEST_F(sized, punch_everything)
{
	char *p = map_shared(self->fd, 8 * PAGE);

	fill(p, 8 * PAGE, 1);
	ASSERT_EQ(0, fallocate(self->fd, PUNCH, 0, VMLAB_SIZE_DEFAULT));
	EXPECT_EQ(0, region_resident(self->fd));
	EXPECT_EQ(-1, lseek(self->fd, 0, SEEK_DATA));
	EXPECT_TRUE(all_zero(p, 8 * PAGE));
}

/* A private copy is its owner's: a hole in the region does not reach it. */
TEST_F(sized, punch_spares_private_copies)
{
	char *p = map(self->fd, 2 * PAGE, RW, MAP_PRIVATE, 0);

	ASSERT_TRUE(writes_filled(self->fd, 0, 2 * PAGE, 1));
	p[0] = 99;
	EXPECT_NE(0, p[PAGE]);
	ASSERT_EQ(0, fallocate(self->fd, PUNCH, 0, 2 * PAGE));
	EXPECT_EQ(0, trap_read(p));
	EXPECT_EQ(99, p[0]);
	EXPECT_EQ(0, ((volatile char *)p)[PAGE]);
}

TEST_F(sized, allocate)
{
	ASSERT_EQ(0, ftruncate(self->fd, PAGE));
	ASSERT_EQ(0, fallocate(self->fd, FALLOC_FL_KEEP_SIZE, 0, 4 * PAGE));
	EXPECT_EQ(PAGE, lseek(self->fd, 0, SEEK_END));
	ASSERT_EQ(0, fallocate(self->fd, 0, PAGE, 3 * PAGE));
	EXPECT_EQ(4 * PAGE, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(4, region_resident(self->fd));
	EXPECT_TRUE(reads_zero(self->fd, 0, 4 * PAGE));
	ASSERT_TRUE(writes_filled(self->fd, 0, 4 * PAGE, 1));
	ASSERT_EQ(0, fallocate(self->fd, 0, 0, 4 * PAGE));
	EXPECT_TRUE(reads_filled(self->fd, 0, 4 * PAGE, 1));
}

TEST_F(sized, allocate_has_a_limit)
{
	int fd = region_fd(region_zero(0, 4 * PAGE), 0);

	EXPECT_EQ(-1, fallocate(fd, 0, 0, 5 * PAGE));
	EXPECT_EQ(EFBIG, errno);
	EXPECT_EQ(-1, fallocate(fd, 0, LLONG_MAX - PAGE, PAGE));
	EXPECT_EQ(EFBIG, errno);
	EXPECT_EQ(0, region_resident(fd));
}

TEST_F(sized, fallocate_zeroes)
{
	ASSERT_TRUE(writes_filled(self->fd, 0, 4 * PAGE, 1));
	EXPECT_EQ(0, fallocate(self->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, PAGE + 1,
			       2 * PAGE));
	EXPECT_TRUE(reads_filled(self->fd, 0, PAGE, 1));
	EXPECT_TRUE(reads_zero(self->fd, PAGE + 1, 2 * PAGE));
	EXPECT_EQ(4, region_resident(self->fd));
}

TEST_F(sized, fallocate_refuses)
{
	const int modes[] = {
		FALLOC_FL_PUNCH_HOLE, FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE,
		FALLOC_FL_UNSHARE_RANGE, FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE, 0x100,
		0x4000,
	};
	int reader = region_fd(region_open_as(O_RDONLY), 0);

	ASSERT_TRUE(writes_filled(self->fd, 0, 4 * PAGE, 1));
	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		EXPECT_EQ(-1, fallocate(self->fd, modes[i], 0, PAGE));
		EXPECT_EQ(EOPNOTSUPP, errno);
	}
	EXPECT_EQ(-1, fallocate(self->fd, PUNCH, -1, PAGE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fallocate(self->fd, PUNCH, 0, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fallocate(reader, PUNCH, 0, PAGE));
	EXPECT_EQ(EBADF, errno);
	EXPECT_TRUE(reads_filled(self->fd, 0, 4 * PAGE, 1));
}

TEST_HARNESS_MAIN
