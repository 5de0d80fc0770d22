// SPDX-License-Identifier: GPL-2.0
/*
 * System calls on a region's descriptors: that of the device node, and the
 * regular file that VMLAB_IOC_REGION_FD gives.
 */
#include "io_test.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/sendfile.h>

TEST_F(io, read_gives_what_write_took)
{
	char back[sizeof(self->buffer)];

	EXPECT_EQ(sizeof(back), write(self->fd, self->buffer, sizeof(back)));
	EXPECT_EQ(sizeof(back), lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	EXPECT_EQ(sizeof(back), read(self->fd, back, sizeof(back)));
	EXPECT_EQ(0, memcmp(back, self->buffer, sizeof(back)));
	EXPECT_EQ(8, region_resident(self->fd));
}

TEST_F(io, offsets_and_lengths_are_free)
{
	const size_t lengths[] = { 1, 7, 512, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 17 };
	const off_t offsets[] = { 0, 1, 100, PAGE - 1, PAGE, PAGE + 1, 5 * TIB + 4095 };

	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (unsigned int j = 0; j < ARRAY_SIZE(offsets); j++) {
			ASSERT_TRUE(writes_filled(self->fd, offsets[j], lengths[i], i + j));
			ASSERT_TRUE(reads_filled(self->fd, offsets[j], lengths[i], i + j));
		}
	}
}

TEST_F(io, a_short_write_keeps_its_surroundings)
{
	char page[PAGE];

	ASSERT_TRUE(writes_filled(self->fd, 0, PAGE, 1));
	ASSERT_EQ(5, pwrite(self->fd, "hello", 5, 1000));
	ASSERT_EQ(PAGE, pread(self->fd, page, PAGE, 0));
	EXPECT_EQ(0, memcmp(page + 1000, "hello", 5));
	EXPECT_EQ(0, memcmp(page, self->buffer, 1000));
	EXPECT_EQ(0, memcmp(page + 1005, self->buffer + 1005, PAGE - 1005));
}

TEST_F(io, vectors)
{
	char a[10], b[PAGE], c[3];
	struct iovec out[] = {
		{ self->buffer, 10 }, { self->buffer + 10, PAGE }, { self->buffer + 10 + PAGE, 3 },
	};
	struct iovec in[] = { { a, sizeof(a) }, { b, sizeof(b) }, { c, sizeof(c) } };
	ssize_t whole = 13 + PAGE;

	EXPECT_EQ(whole, pwritev(self->fd, out, 3, 77));
	EXPECT_EQ(whole, preadv(self->fd, in, 3, 77));
	EXPECT_EQ(0, memcmp(a, self->buffer, 10));
	EXPECT_EQ(0, memcmp(b, self->buffer + 10, PAGE));
	EXPECT_EQ(0, memcmp(c, self->buffer + 10 + PAGE, 3));
	EXPECT_EQ(77, lseek(self->fd, 77, SEEK_SET));
	EXPECT_EQ(whole, readv(self->fd, in, 3));
	EXPECT_EQ(whole, writev(self->fd, out, 3));
	EXPECT_EQ(77 + 2 * whole, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(5, preadv2(self->fd, &(struct iovec){ b, 5 }, 1, 77, 0));
}

TEST_F(io, a_large_transfer)
{
	EXPECT_TRUE(writes_filled(self->fd, 123, 8 * MIB, 3));
	EXPECT_TRUE(reads_filled(self->fd, 123, 8 * MIB, 3));
}

TEST_F(io, agrees_with_the_memory)
{
	char *p = map_shared(self->fd, 8 * PAGE);

	EXPECT_EQ(sizeof(self->buffer), pwrite(self->fd, self->buffer, sizeof(self->buffer), 0));
	EXPECT_TRUE(filled(p, 8 * PAGE, 1));
	fill(p + 10, 5 * PAGE, 2);
	EXPECT_TRUE(reads_filled(self->fd, 10, 5 * PAGE, 2));
}

/*
 * The memory of a region is itself the buffer: its pages are absent, and the very ones
 * that are copied.
 */
TEST_F(io, copies_within_itself)
{
	char *p = map_shared(self->fd, 8 * PAGE);

	EXPECT_EQ(2 * PAGE, pwrite(self->fd, p, 2 * PAGE, 0));
	EXPECT_EQ(2 * PAGE, pread(self->fd, p + 4 * PAGE, 2 * PAGE, 4 * PAGE));
	EXPECT_TRUE(all_zero(p, 8 * PAGE));
	fill(p, 2 * PAGE, 3);
	EXPECT_EQ(2 * PAGE, pwrite(self->fd, p, 2 * PAGE, 6 * PAGE));
	EXPECT_TRUE(filled(p + 6 * PAGE, 2 * PAGE, 3));
	EXPECT_EQ(2 * PAGE, pread(self->fd, p + 2 * PAGE, 2 * PAGE, 6 * PAGE));
	EXPECT_TRUE(filled(p + 2 * PAGE, 2 * PAGE, 3));
}

TEST_F(io, bad_addresses)
{
	char *bad = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *volatile nowhere = NULL;
	ssize_t done;

	ASSERT_EQ(0, munmap(bad + PAGE, PAGE));
	EXPECT_EQ(-1, pwrite(self->fd, nowhere, 10, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pwrite(self->fd, bad + PAGE, PAGE, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_TRUE(reads_zero(self->fd, 0, PAGE));
	EXPECT_EQ(-1, pread(self->fd, bad + PAGE, PAGE, 0));
	EXPECT_EQ(EFAULT, errno);

	/* Half of it is good: that half, or less, may have been taken. */
	fill(bad, PAGE, 4);
	done = pwrite(self->fd, bad, 2 * PAGE, 16 * PAGE);
	EXPECT_LE(done, (ssize_t)PAGE);
	if (done > 0)
		EXPECT_TRUE(reads_filled(self->fd, 16 * PAGE, done, 4));
	EXPECT_TRUE(reads_zero(self->fd, 17 * PAGE, PAGE));
}

TEST_F(io, negative_offsets)
{
	char byte;

	EXPECT_EQ(-1, pread(self->fd, &byte, 1, -1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, pwrite(self->fd, &byte, 1, -1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(self->fd, -1, SEEK_SET));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(io, access_modes)
{
	int reader = region_open_as(O_RDONLY), writer = region_open_as(O_WRONLY);
	char byte;

	reader = variant->file ? region_fd(reader, 0) : reader;
	writer = variant->file ? region_fd(writer, 0) : writer;
	EXPECT_EQ(-1, write(reader, "x", 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(1, read(reader, &byte, 1));
	EXPECT_EQ(-1, read(writer, &byte, 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(1, write(writer, "x", 1));
}

TEST_F(io, poll)
{
	struct pollfd fds = { .fd = self->fd, .events = POLLIN | POLLOUT };

	EXPECT_EQ(1, poll(&fds, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, fds.revents);
}

TEST_F(io, fsync)
{
	EXPECT_EQ(5, pwrite(self->fd, "hello", 5, 0));
	EXPECT_EQ(0, fsync(self->fd));
	EXPECT_EQ(0, fdatasync(self->fd));
	EXPECT_EQ(0, region_stat(self->fd).written_back);
}

/* lseek */

TEST_F(io, seek_moves)
{
	EXPECT_EQ(10, lseek(self->fd, 10, SEEK_SET));
	EXPECT_EQ(15, lseek(self->fd, 5, SEEK_CUR));
	EXPECT_EQ((off_t)VMLAB_SIZE_DEFAULT, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ((off_t)VMLAB_SIZE_DEFAULT - PAGE, lseek(self->fd, -PAGE, SEEK_END));
	EXPECT_EQ(-1, lseek(self->fd, 0, 77));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ((off_t)VMLAB_SIZE_DEFAULT - PAGE, lseek(self->fd, 0, SEEK_CUR));
}

TEST_F(io, seek_finds_data_and_holes)
{
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 5 * PAGE + 5));
	ASSERT_EQ(2 * PAGE, pwrite(self->fd, self->buffer, 2 * PAGE, 8 * PAGE));
	EXPECT_EQ(5 * PAGE, lseek(self->fd, 0, SEEK_DATA));
	EXPECT_EQ(5 * PAGE + 7, lseek(self->fd, 5 * PAGE + 7, SEEK_DATA));
	EXPECT_EQ(6 * PAGE, lseek(self->fd, 5 * PAGE + 7, SEEK_HOLE));
	EXPECT_EQ(8 * PAGE, lseek(self->fd, 6 * PAGE, SEEK_DATA));
	EXPECT_EQ(10 * PAGE, lseek(self->fd, 8 * PAGE, SEEK_HOLE));
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_HOLE));
	EXPECT_EQ(10 * PAGE + 3, lseek(self->fd, 10 * PAGE + 3, SEEK_HOLE));
	EXPECT_EQ(-1, lseek(self->fd, 10 * PAGE, SEEK_DATA));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(-1, lseek(self->fd, VMLAB_SIZE_DEFAULT, SEEK_HOLE));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(-1, lseek(self->fd, -1, SEEK_DATA));
	EXPECT_EQ(ENXIO, errno);
}

TEST_F(io, seek_in_the_empty)
{
	EXPECT_EQ(-1, lseek(self->fd, 0, SEEK_DATA));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(PAGE, lseek(self->fd, PAGE, SEEK_HOLE));
}

TEST_F(io, seek_finds_the_end_as_a_hole)
{
	int fd = region_zero(0, 2 * PAGE);

	fd = variant->file ? region_fd(fd, 0) : fd;
	ASSERT_TRUE(writes_filled(fd, 0, 2 * PAGE, 1));
	EXPECT_EQ(2 * PAGE, lseek(fd, 0, SEEK_HOLE));
}

/* splice and its relatives */

TEST_F(io, splice_out)
{
	char back[3 * PAGE];
	int pipe_fd[2];
	loff_t offset = 100;

	ASSERT_EQ(0, pipe(pipe_fd));
	ASSERT_TRUE(writes_filled(self->fd, 100, sizeof(back), 2));
	EXPECT_EQ(sizeof(back), splice(self->fd, &offset, pipe_fd[1], NULL, sizeof(back), 0));
	EXPECT_EQ(100 + sizeof(back), offset);
	EXPECT_EQ(sizeof(back), read(pipe_fd[0], back, sizeof(back)));
	EXPECT_TRUE(filled(back, sizeof(back), 2));
}

TEST_F(io, splice_in)
{
	int pipe_fd[2];
	loff_t offset = 100;

	ASSERT_EQ(0, pipe(pipe_fd));
	ASSERT_EQ(3 * PAGE, write(pipe_fd[1], self->buffer, 3 * PAGE));
	EXPECT_EQ(3 * PAGE, splice(pipe_fd[0], NULL, self->fd, &offset, 3 * PAGE, 0));
	EXPECT_TRUE(reads_filled(self->fd, 100, 3 * PAGE, 1));
}

/* A packet may be several pages in one. */
TEST_F(io, splice_from_a_socket)
{
	int ends[2], pipe_fd[2], server = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	size_t size = 16 * PAGE, done = 0;
	char *data = malloc(size);
	ssize_t got;

	fill(data, size, 4);
	ASSERT_EQ(0, pipe(pipe_fd));
	ASSERT_EQ(0, bind(server, (struct sockaddr *)&address, length));
	ASSERT_EQ(0, listen(server, 1));
	ASSERT_EQ(0, getsockname(server, (struct sockaddr *)&address, &length));
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, connect(ends[0], (struct sockaddr *)&address, length));
	ends[1] = accept(server, NULL, NULL);
	ASSERT_LE(0, ends[1]);
	ASSERT_EQ(size, send(ends[0], data, size, 0));
	while (done < size) {
		loff_t offset = done;

		got = splice(ends[1], NULL, pipe_fd[1], NULL, size - done, 0);
		ASSERT_LT(0, got);
		ASSERT_EQ(got, splice(pipe_fd[0], NULL, self->fd, &offset, got, 0));
		done += got;
	}
	EXPECT_TRUE(reads_filled(self->fd, 0, size, 4));
	free(data);
}

TEST_F(io, splice_of_holes_is_zero)
{
	char back[PAGE];
	int pipe_fd[2];

	ASSERT_EQ(0, pipe(pipe_fd));
	memset(back, 1, sizeof(back));
	EXPECT_EQ(PAGE, splice(self->fd, NULL, pipe_fd[1], NULL, PAGE, 0));
	EXPECT_EQ(PAGE, read(pipe_fd[0], back, PAGE));
	EXPECT_TRUE(all_zero(back, PAGE));
}

/* What lies in a pipe is not taken back by a hole. */
TEST_F(io, splice_survives_a_punch)
{
	char *p = map_shared(self->fd, PAGE);
	char back[PAGE];
	int pipe_fd[2];

	ASSERT_EQ(0, pipe(pipe_fd));
	fill(p, PAGE, 1);
	EXPECT_EQ(PAGE, splice(self->fd, NULL, pipe_fd[1], NULL, PAGE, 0));
	ASSERT_EQ(0, madvise(p, PAGE, MADV_REMOVE));
	p[0] = 0;
	EXPECT_EQ(PAGE, read(pipe_fd[0], back, PAGE));
	EXPECT_TRUE(filled(back, PAGE, 1));
}

TEST_F(io, sendfile)
{
	int file = memfd_create("file", 0);
	off_t offset = 0;

	ASSERT_TRUE(writes_filled(self->fd, 0, 5 * PAGE + 7, 4));
	EXPECT_EQ(5 * PAGE + 7, sendfile(file, self->fd, &offset, 5 * PAGE + 7));
	EXPECT_TRUE(reads_filled(file, 0, 5 * PAGE + 7, 4));
	offset = 0;
	ASSERT_EQ(TIB, lseek(self->fd, TIB, SEEK_SET));
	EXPECT_EQ(5 * PAGE + 7, sendfile(self->fd, file, &offset, 5 * PAGE + 7));
	EXPECT_TRUE(reads_filled(self->fd, TIB, 5 * PAGE + 7, 4));
}

TEST_F(sized, copy_file_range)
{
	int other = region_fd(region_open(), 0);
	loff_t from = 0, to = 100;

	ASSERT_TRUE(writes_filled(self->fd, 0, 3 * PAGE, 1));
	EXPECT_EQ(3 * PAGE, copy_file_range(self->fd, &from, other, &to, 3 * PAGE, 0));
	EXPECT_TRUE(reads_filled(other, 100, 3 * PAGE, 1));
}

/* fdinfo */

static __u64 fdinfo(int fd, const char *name)
{
	char path[64], text[4096], line[64], *at;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	text_read(path, text, sizeof(text));
	snprintf(line, sizeof(line), "\nvmlab-%s:\t", name);
	at = strstr(text, line);
	return at ? strtoull(at + strlen(line), NULL, 0) : ~0ULL;
}

TEST_F(io, fdinfo)
{
	char *p = map_shared(self->fd, 8 * PAGE);
	struct vmlab_stat stat;

	ASSERT_TRUE(writes_filled(self->fd, 0, 3 * PAGE, 1));
	EXPECT_TRUE(filled(p, 3 * PAGE, 1));
	munmap(p + PAGE, PAGE);
	stat = region_stat(self->fd);
	EXPECT_TRUE(stat.id == fdinfo(self->fd, "region") || stat.id == fdinfo(self->fd, "id"));
	EXPECT_EQ(stat.size, fdinfo(self->fd, "size"));
	EXPECT_EQ(stat.flags, fdinfo(self->fd, "flags"));
	EXPECT_EQ(stat.mappings, fdinfo(self->fd, "mappings"));
	EXPECT_EQ(2, fdinfo(self->fd, "mappings"));
	EXPECT_EQ(stat.resident, fdinfo(self->fd, "resident"));
	EXPECT_EQ(3, fdinfo(self->fd, "resident"));
	EXPECT_EQ(stat.dirty, fdinfo(self->fd, "dirty"));
	EXPECT_EQ(stat.faults, fdinfo(self->fd, "faults"));
	EXPECT_EQ(stat.first_touch, fdinfo(self->fd, "first-touch"));
	EXPECT_EQ(stat.refault, fdinfo(self->fd, "refault"));
	EXPECT_EQ(stat.write_notify, fdinfo(self->fd, "write-notify"));
	EXPECT_EQ(stat.zero_filled, fdinfo(self->fd, "zero-filled"));
	EXPECT_EQ(stat.read_in, fdinfo(self->fd, "read-in"));
	EXPECT_EQ(stat.written_back, fdinfo(self->fd, "written-back"));
	EXPECT_EQ(stat.discarded, fdinfo(self->fd, "discarded"));
	EXPECT_EQ(stat.sigbus, fdinfo(self->fd, "sigbus"));
	EXPECT_EQ(stat.writeback_errors, fdinfo(self->fd, "writeback-errors"));
}

TEST_HARNESS_MAIN
