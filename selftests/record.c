// SPDX-License-Identifier: GPL-2.0
/* Recordings of which pages are referenced. */
#include "region_test.h"

#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>

#define WINDOW VMLAB_RECORD_WINDOW_MIN
#define PAGES (2 * WINDOW + 4)
/* More than wait for a reader. */
#define MANY 10000UL

FIXTURE(record)
{
	int fd;
	volatile char *mem;
	int source;
	struct vmlab_reference refs[4 * PAGES];
	int nr;
};

static int record(int fd, __u32 flags, __u32 window)
{
	struct vmlab_record args = { .flags = flags, .window = window };

	return ioctl(fd, VMLAB_IOC_RECORD, &args);
}

FIXTURE_SETUP(record)
{
	self->fd = region_zero(0, PAGES * PAGE);
	ASSERT_GE(self->fd, 0);
	self->mem = map_shared(self->fd, PAGES * PAGE);
	ASSERT_NE((void *)self->mem, MAP_FAILED);
	self->source = record(self->fd, O_CLOEXEC | O_NONBLOCK, WINDOW);
	ASSERT_GE(self->source, 0);
}

FIXTURE_TEARDOWN(record)
{
	munmap((void *)self->mem, PAGES * PAGE);
	close(self->source);
	close(self->fd);
}

/* Takes what there is. Returns the number of references, or -1. */
static int take(FIXTURE_DATA(record) *self)
{
	ssize_t got = read(self->source, self->refs, sizeof(self->refs));

	self->nr = got < 0 ? 0 : (int)(got / (ssize_t)sizeof(self->refs[0]));
	return got < 0 ? -1 : self->nr;
}

static void touch(const FIXTURE_DATA(record) *self, unsigned long page)
{
	(void)self->mem[page * PAGE];
}

static void touch_range(const FIXTURE_DATA(record) *self, unsigned long first, unsigned long end)
{
	for (unsigned long page = first; page < end; page++)
		touch(self, page);
}

TEST_F(record, kinds_and_order)
{
	touch(self, 3);
	self->mem[1 * PAGE] = 1;
	touch(self, 2);
	ASSERT_EQ(take(self), 3);
	EXPECT_EQ(self->refs[0].pgoff, 3);
	EXPECT_EQ(self->refs[0].kind, VMLAB_REFERENCE_READ);
	EXPECT_EQ(self->refs[1].pgoff, 1);
	EXPECT_EQ(self->refs[1].kind, VMLAB_REFERENCE_WRITE);
	EXPECT_EQ(self->refs[2].pgoff, 2);
	EXPECT_LE(self->refs[0].time, self->refs[1].time);
	EXPECT_LE(self->refs[1].time, self->refs[2].time);
	EXPECT_EQ(self->refs[0].__reserved, 0);
	EXPECT_EQ(take(self), -1);
	EXPECT_EQ(errno, EAGAIN);
}

/* As many as the window has are seen once; then the oldest ones are seen again. */
TEST_F(record, window)
{
	for (int pass = 0; pass < 3; pass++)
		touch_range(self, 0, WINDOW);
	EXPECT_EQ(take(self), WINDOW);
	touch(self, WINDOW);		/* unmaps page 0 */
	touch_range(self, 1, WINDOW);
	EXPECT_EQ(take(self), 1);
	touch(self, 0);
	ASSERT_EQ(take(self), 1);
	EXPECT_EQ(self->refs[0].pgoff, 0);
}

TEST_F(record, each_of_a_loop)
{
	for (int pass = 0; pass < 3; pass++)
		touch_range(self, 0, PAGES);
	ASSERT_EQ(take(self), 3 * PAGES);
	for (unsigned int i = 0; i < 3 * PAGES; i++)
		EXPECT_EQ(self->refs[i].pgoff, i % PAGES);
}

/* What was mapped before the recording is seen, too, and nothing is lost of it. */
TEST_F(record, pages_that_were_there)
{
	close(self->source);
	for (unsigned long i = 0; i < PAGES; i++)
		self->mem[i * PAGE] = (char)(i + 1);
	self->source = record(self->fd, O_NONBLOCK, WINDOW);
	ASSERT_GE(self->source, 0);
	for (unsigned long i = 0; i < PAGES; i++)
		EXPECT_EQ(self->mem[i * PAGE], (char)(i + 1));
	EXPECT_EQ(take(self), PAGES);
}

/* When it is over, faults bring many pages again. */
TEST_F(record, end)
{
	struct vmlab_stat before, after;

	touch_range(self, 0, PAGES);
	close(self->source);
	ASSERT_EQ(ioctl(self->fd, VMLAB_IOC_STAT, &before), 0);
	touch_range(self, 0, PAGES);
	ASSERT_EQ(ioctl(self->fd, VMLAB_IOC_STAT, &after), 0);
	EXPECT_LT(after.faults - before.faults, (__u64)PAGES / 2);
	self->source = record(self->fd, 0, 0);
	EXPECT_GE(self->source, 0);
}

/* Writes to pages of @mem again and again, each of which leaves the window meanwhile. */
static bool rewrites(volatile char *mem, unsigned long pages)
{
	for (int pass = 0; pass < 3; pass++) {
		for (unsigned long i = 0; i < pages; i++) {
			if (mem[i * PAGE] != (char)(pass * (int)i))
				return false;
			mem[i * PAGE] = (char)((pass + 1) * (int)i);
		}
	}
	return true;
}

/* What was written to is evicted with what it had, and comes back so. */
TEST(record_under_a_budget)
{
	const unsigned long pages = 64;
	int fd = region_zero(0, pages * PAGE), source;
	char *mem = map_shared(fd, pages * PAGE);

	ASSERT_EQ(set_budget(fd, VMLAB_POOL_BUDGET_MIN), 0);
	source = record(fd, 0, WINDOW);
	ASSERT_GE(source, 0);
	EXPECT_TRUE(rewrites(mem, pages));
	EXPECT_GT(region_stat(fd).swapped_in, pages);
	close(source);
	munmap(mem, pages * PAGE);
	close(fd);
}

/* What was written to is written back, though it is not mapped any more. */
TEST(record_of_a_file)
{
	int file = memfd_create("record", MFD_CLOEXEC), fd, source;
	char byte = 0, *mem;

	ASSERT_EQ(ftruncate(file, PAGES * PAGE), 0);
	fd = region_file(file, 0, PAGES * PAGE);
	mem = map_shared(fd, PAGES * PAGE);
	ASSERT_NE(mem, MAP_FAILED);
	source = record(fd, 0, WINDOW);
	ASSERT_GE(source, 0);
	EXPECT_TRUE(rewrites(mem, PAGES));
	EXPECT_EQ(fsync(region_fd(fd, O_CLOEXEC)), 0);
	for (unsigned long i = 0; i < PAGES; i++) {
		EXPECT_EQ(pread(file, &byte, 1, (off_t)(i * PAGE)), 1);
		EXPECT_EQ(byte, (char)(3 * (int)i));
	}
	close(source);
	munmap(mem, PAGES * PAGE);
	close(fd);
	close(file);
}

TEST_F(record, poll)
{
	struct pollfd wait = { .fd = self->source, .events = POLLIN };

	EXPECT_EQ(poll(&wait, 1, 0), 0);
	touch(self, 0);
	EXPECT_EQ(poll(&wait, 1, -1), 1);
	EXPECT_EQ(wait.revents, POLLIN);
	EXPECT_EQ(take(self), 1);
	EXPECT_EQ(poll(&wait, 1, 0), 0);
}

TEST_F(record, small_and_bad_buffers)
{
	touch_range(self, 0, 5);
	EXPECT_EQ(read(self->source, self->refs, sizeof(self->refs[0]) - 1), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(read(self->source, (void *)PAGE, sizeof(self->refs)), -1);
	EXPECT_EQ(errno, EFAULT);
	ASSERT_EQ(read(self->source, self->refs, 2 * sizeof(self->refs[0]) + 7),
		  2 * (ssize_t)sizeof(self->refs[0]));
	EXPECT_EQ(self->refs[1].pgoff, 1);
	ASSERT_EQ(take(self), 3);
	EXPECT_EQ(self->refs[0].pgoff, 2);
}

TEST_F(record, another_process)
{
	int status;
	pid_t pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid) {
		touch_range(self, 0, PAGES);
		_exit(0);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	EXPECT_EQ(take(self), PAGES);
}

/* Copied at forks: the child's references are not the region's. */
TEST(record_copied_at_forks)
{
	int fd = region_zero(VMLAB_REGION_COW_FORK, PAGES * PAGE), source, status;
	volatile char *mem = map_shared(fd, PAGES * PAGE);
	struct vmlab_reference refs[PAGES];
	pid_t pid;

	ASSERT_NE((void *)mem, MAP_FAILED);
	mem[0] = 1;
	source = record(fd, O_NONBLOCK, WINDOW);
	ASSERT_GE(source, 0);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		for (unsigned long i = 0; i < PAGES; i++)
			mem[i * PAGE] = 2;
		_exit(0);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(read(source, refs, sizeof(refs)), -1);
	EXPECT_EQ(errno, EAGAIN);
	EXPECT_EQ(mem[0], 1);
	EXPECT_EQ(read(source, refs, sizeof(refs)), (ssize_t)sizeof(refs[0]));
	close(source);
	munmap((void *)mem, PAGES * PAGE);
	close(fd);
}

struct walker {
	const FIXTURE_DATA(record) *self;
	unsigned long first;
	unsigned long references;
};

/* Every other page, over and over. */
static void *walk(void *data)
{
	const struct walker *walker = data;

	for (unsigned long i = 0; i < walker->references; i++)
		touch(walker->self, (walker->first + 2 * i) % PAGES);
	return NULL;
}

/* Takes references until the thread has ended. Returns how many, or 0 if some are lost. */
static unsigned long count_all(FIXTURE_DATA(record) *self, pthread_t thread)
{
	unsigned long count = 0;
	bool ended = false, lost = false;

	for (;;) {
		int nr = take(self);

		for (int i = 0; i < nr; i++)
			lost |= self->refs[i].kind == VMLAB_REFERENCE_LOST;
		if (nr > 0) {
			count += (unsigned long)nr;
			continue;
		}
		if (ended)
			break;
		ended = !pthread_tryjoin_np(thread, NULL);
	}
	return lost ? 0 : count;
}

/* Faults have come to an end, though there is more to reference: some 7000 wait for the reader. */
static bool waits_for_reader(const FIXTURE_DATA(record) *self)
{
	return EVENTUALLY(region_stat(self->fd).faults >= 7000);
}

/* Who is too fast waits for the reader, and nothing is lost. */
TEST_F(record, reader_is_waited_for)
{
	struct walker walker = { self, 0, MANY };
	pthread_t thread;

	ASSERT_EQ(pthread_create(&thread, NULL, walk, &walker), 0);
	EXPECT_TRUE(waits_for_reader(self));
	EXPECT_EQ(count_all(self, thread), MANY);
}

/* Nobody reads: whoever waits for that can be killed, and goes on when the recording ends. */
TEST_F(record, nobody_reads)
{
	struct walker walker = { self, 0, MANY };
	pthread_t thread;
	int status, nr, all = 0;
	pid_t pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid) {
		walk(&walker);
		_exit(0);
	}
	EXPECT_TRUE(waits_for_reader(self));
	usleep(100000);
	EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(WTERMSIG(status), SIGKILL);
	while ((nr = take(self)) > 0)
		all += nr;
	EXPECT_GE(all, 7000);
	EXPECT_LE(all, 8192);
	EXPECT_NE(self->refs[0].kind, VMLAB_REFERENCE_LOST);

	ASSERT_EQ(pthread_create(&thread, NULL, walk, &walker), 0);
	EXPECT_TRUE(EVENTUALLY(region_stat(self->fd).faults >= 14000));
	close(self->source);
	EXPECT_EQ(pthread_join(thread, NULL), 0);
	self->source = -1;
}

/* Two that reference other pages: each comes on, though one unmaps what the other wants. */
TEST_F(record, two_threads)
{
	struct walker walkers[] = { { self, 0, MANY }, { self, 1, MANY } };
	pthread_t threads[2];
	unsigned long count;

	for (int i = 0; i < 2; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, walk, &walkers[i]), 0);
	count = count_all(self, threads[0]);
	count += count_all(self, threads[1]);
	EXPECT_GE(count, 2 * MANY);
}

/* Who looks into the memory by /proc does not wait: what there is no room for is counted. */
TEST_F(record, what_is_lost_is_told)
{
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC), nr, all = 0;
	__u64 lost = 0;
	char byte;

	for (unsigned long i = 0; i < 9000; i++)
		ASSERT_EQ(pread(mem, &byte, 1, (off_t)(self->mem + i % PAGES * PAGE)), 1);
	while ((nr = take(self)) > 0) {
		for (int i = 0; i < nr; i++) {
			if (self->refs[i].kind == VMLAB_REFERENCE_LOST)
				lost += self->refs[i].pgoff;
			else
				all++;
		}
	}
	EXPECT_EQ(all, 8192);
	EXPECT_EQ(lost, 9000 - 8192);
	touch_range(self, 0, PAGES);
	EXPECT_GE(take(self), PAGES - WINDOW);
	EXPECT_NE(self->refs[0].kind, VMLAB_REFERENCE_LOST);
	close(mem);
}

/* The references to where they are read to: who reads them does not wait for himself. */
TEST_F(record, reads_to_what_is_recorded)
{
	for (unsigned long i = 0; i < 7000; i++)
		touch(self, i % PAGES);
	EXPECT_EQ(read(self->source, (void *)(self->mem + PAGE / 2), 8 * PAGE),
		  128 * (ssize_t)sizeof(self->refs[0]));
}

static int record_as_another(int fd)
{
	return setresuid(NOBODY, NOBODY, NOBODY) || record(fd, 0, 0) != -1 || errno != EPERM;
}

TEST_F(record, refused)
{
	int reader;

	EXPECT_EQ(record(self->fd, 0, 0), -1);
	EXPECT_EQ(errno, EBUSY);
	close(self->source);
	self->source = -1;
	EXPECT_EQ(record(self->fd, O_APPEND, 0), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(record(self->fd, 0, VMLAB_RECORD_WINDOW_MIN - 1), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(record(self->fd, 0, VMLAB_RECORD_WINDOW_MAX + 1), -1);
	EXPECT_EQ(errno, EINVAL);
	reader = open(DEVICE, O_RDONLY | O_CLOEXEC);
	ASSERT_GE(reader, 0);
	EXPECT_EQ(record(reader, 0, 0), -1);
	EXPECT_EQ(errno, EBADF);
	close(reader);
	EXPECT_TRUE(IN_CHILD(!record_as_another(self->fd)));
	self->source = record(self->fd, 0, VMLAB_RECORD_WINDOW_MAX);
	EXPECT_GE(self->source, 0);
}

TEST(record_huge)
{
	int fd = region_zero(VMLAB_REGION_HUGE, 2 * MIB);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(record(fd, 0, 0), -1);
	EXPECT_EQ(errno, EOPNOTSUPP);
	close(fd);
}

TEST_HARNESS_MAIN
