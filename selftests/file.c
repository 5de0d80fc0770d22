// SPDX-License-Identifier: GPL-2.0
/*
 * Regions backed by a file: pages come from it when they are touched, and end
 * where it ends; what can be such a file, and who may write.
 */
#include "file_test.h"

#include <sys/socket.h>

/* Reading */

TEST_F(file, mmap_reads_nothing)
{
	struct vmlab_stat stat = region_stat(self->fd);

	EXPECT_EQ(0, stat.resident);
	EXPECT_EQ(0, stat.read_in);
	EXPECT_EQ(LENGTH, stat.size);
	EXPECT_EQ(VMLAB_BACKING_FILE, stat.backing);
}

TEST_F(file, first_touch_reads)
{
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_EQ(PAGES, region_stat(self->fd).read_in);
	EXPECT_EQ(PAGES, region_resident(self->fd));
	EXPECT_EQ(0, region_stat(self->fd).dirty);
}

TEST_F(file, a_touch_at_random_reads_one_page)
{
	EXPECT_EQ(0, trap_read(self->p + 9 * PAGE));
	EXPECT_EQ(1, region_resident(self->fd));
	EXPECT_EQ(0, trap_read(self->p + 3 * PAGE));
	EXPECT_EQ(2, region_resident(self->fd));
}

TEST_F(file, strict_reads_one_page_each)
{
	int fd = region_new(&(struct vmlab_configure){
		.flags = VMLAB_REGION_STRICT,
		.backing = VMLAB_BACKING_FILE,
		.backing_fd = self->file,
	});
	char *p = map_shared(fd, LENGTH);

	for (size_t i = 0; i < PAGES; i++) {
		EXPECT_EQ(0, trap_read(p + i * PAGE));
		EXPECT_EQ(i + 1, region_resident(fd));
	}
	EXPECT_TRUE(filled(p, LENGTH, 1));
}

TEST_F(file, what_is_not_read_yet_follows_the_file)
{
	EXPECT_EQ(5, pwrite(self->file, "hello", 5, 7 * PAGE));
	EXPECT_EQ(0, memcmp(self->p + 7 * PAGE, "hello", 5));
}

TEST_F(file, populate_reads_all)
{
	char *p = map(self->fd, LENGTH, RW, MAP_SHARED | MAP_POPULATE, 0);

	EXPECT_EQ(PAGES, region_resident(self->fd));
	EXPECT_TRUE(filled(p, LENGTH, 1));
}

TEST_F(file, starts_at_its_offset)
{
	int fd = region_file(self->file, 5 * PAGE, 2 * PAGE);
	char *p = map_shared(fd, 2 * PAGE);

	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(2 * PAGE, region_stat(fd).size);
	EXPECT_EQ(0, memcmp(p, self->p + 5 * PAGE, 2 * PAGE));
	EXPECT_EQ(MAP_FAILED, map_shared(fd, 3 * PAGE));
	EXPECT_EQ(EINVAL, errno);
	fill(p, 2 * PAGE, 9);
	ASSERT_EQ(0, fsync(fd));
	EXPECT_TRUE(reads_filled(self->file, 5 * PAGE, 2 * PAGE, 9));
	EXPECT_TRUE(reads_filled(self->file, 0, 5 * PAGE, 1));
	EXPECT_EQ(LENGTH, length_of(self->file));
}

TEST_F(file, offset_beyond_the_files_end)
{
	int fd = region_file(self->file, 2 * LENGTH, 0);
	char *p = map_shared(fd, PAGE);
	char byte;

	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, region_stat(fd).size);
	EXPECT_EQ(SIGBUS, trap_read(p));
	EXPECT_EQ(0, read(fd, &byte, 1));
}

TEST_F(file, odd_lengths_end_in_zeroes)
{
	const size_t odd = 3 * PAGE + 123;

	ASSERT_EQ(0, ftruncate(self->file, odd));
	EXPECT_EQ(odd, region_stat(self->fd).size);
	EXPECT_TRUE(filled(self->p, odd, 1));
	EXPECT_TRUE(all_zero(self->p + odd, PAGE - 123));
	EXPECT_EQ(SIGBUS, trap_read(self->p + 4 * PAGE));

	/* What is stored behind the end stays out of the file. */
	memset(self->p + odd - 1, 77, 100);
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_EQ(odd, length_of(self->file));
	EXPECT_EQ(1, pread(self->file, self->p, 100, odd - 1));
	EXPECT_EQ(77, self->p[0]);
}

TEST_F(file, empty_files)
{
	ASSERT_EQ(0, ftruncate(self->file, 0));
	EXPECT_EQ(0, region_stat(self->fd).size);
	EXPECT_EQ(SIGBUS, trap_read(self->p));
	EXPECT_EQ(0, region_resident(self->fd));
}

TEST_F(file, holes_of_the_file_are_zero)
{
	ASSERT_EQ(0, fallocate(self->file, PUNCH, 4 * PAGE, 4 * PAGE));
	EXPECT_TRUE(filled(self->p, 4 * PAGE, 1));
	EXPECT_TRUE(all_zero(self->p + 4 * PAGE, 4 * PAGE));
}

TEST_F(file, read_and_lseek_know_the_end)
{
	char buffer[PAGE];

	EXPECT_TRUE(reads_filled(self->fd, 0, LENGTH, 1));
	EXPECT_EQ(LENGTH, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(10, pread(self->fd, buffer, PAGE, LENGTH - 10));
	EXPECT_EQ(0, pread(self->fd, buffer, PAGE, LENGTH));
}

/* The file's end moves under the region. */

TEST_F(file, sigbus_beyond_the_end)
{
	EXPECT_EQ(0, trap_write(self->p + LENGTH - 1, 5));
	EXPECT_EQ(SIGBUS, trap_read(self->p + LENGTH));
	EXPECT_EQ(SIGBUS, trap_write(self->p + 2 * LENGTH - 1, 5));
	EXPECT_EQ(2, region_stat(self->fd).sigbus);
	EXPECT_EQ(LENGTH, length_of(self->file));
}

/* At once, for pages that are mapped already too. */
TEST_F(file, sigbus_where_the_file_shrank)
{
	char *private = map(self->fd, LENGTH, RW, MAP_PRIVATE, 0);

	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_TRUE(filled(private, LENGTH, 1));
	ASSERT_EQ(0, ftruncate(self->file, 3 * PAGE));
	EXPECT_EQ(SIGBUS, trap_read(self->p + 3 * PAGE));
	EXPECT_EQ(SIGBUS, trap_write(self->p + LENGTH - 1, 1));
	EXPECT_EQ(SIGBUS, trap_read(private + 3 * PAGE));
	EXPECT_TRUE(filled(self->p, 3 * PAGE, 1));
	EXPECT_EQ(3 * PAGE, region_stat(self->fd).size);
}

TEST_F(file, shrinking_by_another_process_is_seen)
{
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_TRUE(IN_CHILD(!ftruncate(self->file, PAGE)));
	EXPECT_EQ(SIGBUS, trap_write(self->p + PAGE, 1));
	EXPECT_EQ(SIGBUS, trap_read(self->p + LENGTH - 1));
}

TEST_F(file, what_was_cut_off_is_never_written)
{
	fill(self->p, LENGTH, 2);
	ASSERT_EQ(0, ftruncate(self->file, 3 * PAGE));
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_EQ(3 * PAGE, length_of(self->file));
	EXPECT_TRUE(reads_filled(self->file, 0, 3 * PAGE, 2));
	EXPECT_EQ(3, region_stat(self->fd).written_back);
	EXPECT_TRUE(EVENTUALLY(region_stat(self->fd).discarded == PAGES - 3));
	EXPECT_EQ(0, region_stat(self->fd).dirty);
}

/* What comes back after the file was cut is not what was there before. */
TEST_F(file, shrunk_and_grown_is_zero)
{
	fill(self->p, LENGTH, 2);
	ASSERT_EQ(0, ftruncate(self->file, 3 * PAGE));
	ASSERT_EQ(0, ftruncate(self->file, LENGTH));
	EXPECT_TRUE(filled(self->p, 3 * PAGE, 2));
	EXPECT_TRUE(all_zero(self->p + 3 * PAGE, LENGTH - 3 * PAGE));
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_TRUE(reads_zero(self->file, 3 * PAGE, LENGTH - 3 * PAGE));
}

TEST_F(file, growth_is_seen)
{
	EXPECT_EQ(SIGBUS, trap_read(self->p + LENGTH));
	ASSERT_TRUE(writes_filled(self->file, LENGTH, 2 * PAGE, 3));
	EXPECT_TRUE(filled(self->p + LENGTH, 2 * PAGE, 3));
	EXPECT_EQ(LENGTH + 2 * PAGE, region_stat(self->fd).size);
	EXPECT_EQ(SIGBUS, trap_read(self->p + LENGTH + 2 * PAGE));
}

/*
 * As with a mapping of the file itself: no moment between the two in which the new part
 * is missing.
 */
TEST_F(file, growth_is_seen_at_once)
{
	for (size_t i = 0; i < 500; i++) {
		ASSERT_EQ(0, ftruncate(self->file, PAGE));
		ASSERT_EQ(0, ftruncate(self->file, LENGTH + i % PAGES * PAGE + 1));
		ASSERT_EQ(0, trap_read(self->p + LENGTH + i % PAGES * PAGE));
		ASSERT_EQ(LENGTH + i % PAGES * PAGE + 1, region_stat(self->fd).size);
		ASSERT_EQ(LENGTH + i % PAGES * PAGE + 1, lseek(self->fd, 0, SEEK_END));
	}
}

TEST_F(file, what_was_cut_off_is_counted)
{
	for (int i = 0; i < 100; i++) {
		struct vmlab_stat before, after;

		ASSERT_EQ(0, ftruncate(self->file, LENGTH));
		fill(self->p, LENGTH, 2);
		before = region_stat(self->fd);
		ASSERT_EQ(0, ftruncate(self->file, 3 * PAGE));
		ASSERT_EQ(0, fsync(self->fd));
		ASSERT_EQ(3 * PAGE, length_of(self->file));
		ASSERT_TRUE(EVENTUALLY(region_stat(self->fd).discarded - before.discarded ==
				       PAGES - 3));
		after = region_stat(self->fd);
		ASSERT_EQ(3, after.written_back - before.written_back);
		ASSERT_EQ(0, after.dirty);
	}
}

/* Access */

TEST_F(file, read_only_files_cannot_be_written)
{
	int file = scratch_reopen(&self->scratch, "file", O_RDONLY);
	int fd = region_file(file, 0, 0);
	char *p;

	ASSERT_GE(fd, 0);
	EXPECT_EQ(MAP_FAILED, map_shared(fd, LENGTH));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, pwrite(fd, "x", 1, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, fallocate(region_fd(fd, 0), PUNCH, 0, PAGE));
	EXPECT_EQ(EBADF, errno);
	p = map(fd, LENGTH, PROT_READ, MAP_SHARED, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(filled(p, LENGTH, 1));
	EXPECT_EQ(-1, mprotect(p, LENGTH, RW));
	EXPECT_EQ(EACCES, errno);
	p = map(fd, LENGTH, RW, MAP_PRIVATE, 0);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, LENGTH, 2);
	EXPECT_EQ(0, fsync(fd));
	EXPECT_TRUE(reads_filled(self->file, 0, LENGTH, 1));
}

TEST_F(file, cannot_be_truncated_through_the_region)
{
	int fd = region_fd(self->fd, 0);

	EXPECT_EQ(-1, ftruncate(fd, PAGE));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, fallocate(fd, 0, 0, PAGE));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(LENGTH, length_of(self->file));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
}

TEST_F(file, is_always_tracked)
{
	EXPECT_NE(0, region_stat(self->fd).flags & VMLAB_REGION_TRACK_DIRTY);
}

TEST_F(file, keeps_its_own_reference)
{
	close(self->file);
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	fill(self->p, LENGTH, 2);
	EXPECT_EQ(0, fsync(self->fd));
	self->file = scratch_reopen(&self->scratch, "file", O_RDONLY);
	EXPECT_TRUE(reads_filled(self->file, 0, LENGTH, 2));
}

TEST_F(file, refuses_bad_places_in_it)
{
	const struct {
		__u64 offset, size;
		int error;
	} bad[] = {
		{ 1, 0, EINVAL },
		{ PAGE / 2, PAGE, EINVAL },
		{ 0, PAGE + 1, EINVAL },
		{ -PAGE, 2 * PAGE, EOVERFLOW },
		{ LLONG_MAX & -PAGE, 2 * PAGE, EOVERFLOW },
		{ 0, VMLAB_SIZE_MAX + PAGE, EINVAL },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-1, region_file(self->file, bad[i].offset, bad[i].size));
		EXPECT_EQ(bad[i].error, errno) {
			TH_LOG("case %u", i);
		}
	}
}

/* What is no backing file */

FIXTURE(backing)
{
	int fd;
	int file;
};

FIXTURE_VARIANT(backing)
{
	int (*open)(void);
	int error;
};

static int open_directory(void)
{
	return open("/tmp", O_RDONLY | O_DIRECTORY);
}

static int open_pipe(void)
{
	int fds[2];

	return pipe(fds) ? -1 : fds[0];
}

static int open_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int open_null(void)
{
	return open("/dev/null", O_RDWR);
}

static int open_terminal(void)
{
	return open("/dev/ptmx", O_RDWR | O_NOCTTY);
}

static int open_for(int flags)
{
	char path[] = "/tmp/vmlab-test.XXXXXX";
	int fd = mkstemp(path);

	close(fd);
	fd = open(path, flags);
	unlink(path);
	return fd;
}

static int open_writer(void)
{
	return open_for(O_WRONLY);
}

static int open_appender(void)
{
	return open_for(O_RDWR | O_APPEND);
}

static int open_path(void)
{
	return open_for(O_PATH);
}

static int open_closed(void)
{
	int fd = open_null();

	close(fd);
	return fd;
}

static int open_none(void)
{
	return -1;
}

static int open_region_file(void)
{
	return region_fd(region_open(), 0);
}

FIXTURE_VARIANT_ADD(backing, directory) { .open = open_directory, .error = EINVAL };
FIXTURE_VARIANT_ADD(backing, pipe) { .open = open_pipe, .error = EINVAL };
FIXTURE_VARIANT_ADD(backing, socket) { .open = open_socket, .error = EINVAL };
FIXTURE_VARIANT_ADD(backing, device) { .open = open_null, .error = EINVAL };
FIXTURE_VARIANT_ADD(backing, terminal) { .open = open_terminal, .error = EINVAL };
FIXTURE_VARIANT_ADD(backing, write_only) { .open = open_writer, .error = EBADF };
FIXTURE_VARIANT_ADD(backing, append) { .open = open_appender, .error = EINVAL };
FIXTURE_VARIANT_ADD(backing, path) { .open = open_path, .error = EBADF };
FIXTURE_VARIANT_ADD(backing, closed) { .open = open_closed, .error = EBADF };
FIXTURE_VARIANT_ADD(backing, none) { .open = open_none, .error = EBADF };
FIXTURE_VARIANT_ADD(backing, region) { .open = region_open, .error = ELOOP };
FIXTURE_VARIANT_ADD(backing, region_file) { .open = open_region_file, .error = ELOOP };

FIXTURE_SETUP(backing)
{
	self->fd = region_open();
	ASSERT_GE(self->fd, 0);
	self->file = variant->open();
}

FIXTURE_TEARDOWN(backing)
{
	close(self->fd);
}

TEST_F(backing, is_refused_and_changes_nothing)
{
	const struct vmlab_configure config = {
		.backing = VMLAB_BACKING_FILE, .backing_fd = self->file,
	};
	const struct vmlab_configure good = { .size = PAGE };
	struct vmlab_stat before = region_stat(self->fd), after;

	EXPECT_EQ(-1, region_configure(self->fd, &config));
	EXPECT_EQ(variant->error, errno);
	after = region_stat(self->fd);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_EQ(0, region_configure(self->fd, &good));
}

TEST(a_region_cannot_back_itself)
{
	int fd = region_open();
	const struct vmlab_configure config = { .backing = VMLAB_BACKING_FILE, .backing_fd = fd };

	EXPECT_EQ(-1, region_configure(fd, &config));
	EXPECT_EQ(ELOOP, errno);
}

TEST_HARNESS_MAIN
