// SPDX-License-Identifier: GPL-2.0
/* Bugs that were found once, each with what it takes to see it again. */
#include "scratch_test.h"

#include <sys/time.h>

/* Tests that may take longer than the harness allows without being asked. */
FIXTURE(slow)
{
};

FIXTURE_SETUP(slow)
{
}

FIXTURE_TEARDOWN(slow)
{
}

/* A pipe was given the region's own page, which its reader could then steal. */
TEST(splice_gives_a_copy)
{
	char buffer[PAGE];
	int fd = region_open();
	int ends[2];
	char *p = map_shared(fd, PAGE);
	loff_t offset = 0;

	memset(p, 'a', PAGE);
	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(PAGE, splice(fd, &offset, ends[1], NULL, PAGE, SPLICE_F_MOVE));
	memset(p, 'b', PAGE);
	ASSERT_EQ(PAGE, read(ends[0], buffer, PAGE));
	EXPECT_EQ('a', buffer[0]);
	EXPECT_EQ('a', buffer[PAGE - 1]);
	close(ends[0]);
	close(ends[1]);
	munmap(p, PAGE);
	close(fd);
}

/* What a killed process had written through its mapping was cut short on its way out. */
TEST_F(slow, a_kill_loses_nothing)
{
	const size_t length = 32 * MIB;
	struct scratch scratch;
	__u64 lost = module_features().pages_lost;
	const char *reason = scratch_make(&scratch, "tmpfs", 2 * length);
	int file, go[2];
	pid_t child;
	char byte;

	if (reason)
		SKIP(return, "%s", reason);
	file = scratch_file(&scratch, "file", length, 1);
	for (int round = 0; round < 4; round++) {
		ASSERT_EQ(0, pipe(go));
		child = fork();
		ASSERT_GE(child, 0);
		if (!child) {
			int region = region_file(file, 0, 0);
			char *p = map_shared(region, length);

			fill(p, length, 10 + round);
			if (write(go[1], "", 1) != 1)
				_exit(1);
			_exit(0);	/* and with it goes the region */
		}
		ASSERT_EQ(1, read(go[0], &byte, 1));
		usleep(20000 * round);
		kill(child, SIGKILL);
		ASSERT_EQ(child, waitpid(child, NULL, 0));
		close(go[0]);
		close(go[1]);
		EXPECT_TRUE(EVENTUALLY(reads_filled(file, 0, length, 10 + round)));
	}
	EXPECT_EQ(lost, module_features().pages_lost);
	close(file);
	scratch_remove(&scratch);
}

static void ignore(int number)
{
	(void)number;
}

/* Any signal cut a long read() or write() short, which programs do not expect of files. */
TEST(signals_do_not_shorten)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = ignore, .sa_flags = SA_RESTART };
	const size_t length = 16 * MIB;
	char *buffer = malloc(length);
	int fd = region_open();

	ASSERT_NE(NULL, buffer);
	memset(buffer, 7, length);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	EXPECT_EQ((ssize_t)length, pwrite(fd, buffer, length, 0));
	EXPECT_EQ((ssize_t)length, pread(fd, buffer, length, 0));
	setitimer(ITIMER_REAL, &never, NULL);
	free(buffer);
	close(fd);
}

/* A write that failed had moved the end already. */
TEST(a_failed_write_moves_no_end)
{
	int device = region_open();
	int fd = region_fd(device, 0);
	struct scratch scratch;
	const char *reason = scratch_make(&scratch, "tmpfs", MIB);
	void *volatile nowhere = NULL;
	int file, region;

	ASSERT_EQ(0, ftruncate(fd, 0));
	EXPECT_EQ(-1, pwrite(fd, nowhere, PAGE, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, lseek(fd, 0, SEEK_END));
	close(fd);
	close(device);

	if (reason)
		SKIP(return, "%s", reason);
	file = scratch_file(&scratch, "file", PAGE, 1);
	region = region_file(file, 0, 0);
	EXPECT_EQ(-1, pwrite(region, nowhere, PAGE, 2 * PAGE));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ((off_t)PAGE, lseek(file, 0, SEEK_END));
	close(region);
	close(file);
	scratch_remove(&scratch);
}

/* Files in /sys have a page cache that nobody fills: the region showed zeroes. */
TEST(files_in_sys_show_what_read_does)
{
	char wanted[256], *p;
	ssize_t length = text_read("/sys/kernel/notes", wanted, sizeof(wanted));
	int file, region;

	if (length <= 0)
		SKIP(return, "there is no /sys/kernel/notes");
	file = open("/sys/kernel/notes", O_RDONLY);
	region = region_file(file, 0, 0);
	ASSERT_GE(region, 0);
	p = map(region, PAGE, PROT_READ, MAP_SHARED, 0);
	EXPECT_EQ(0, memcmp(p, wanted, length));
	munmap(p, PAGE);
	close(region);
	close(file);
}

/* With no delay at all, a write-back that failed was tried again without end. */
TEST(retries_take_their_time)
{
	__u64 delay = parameter_get("writeback_secs"), errors;
	struct scratch scratch;
	const char *reason = scratch_make(&scratch, "tmpfs", MIB);
	char block[PAGE] = "", *p;
	int file, filler, region;

	if (reason)
		SKIP(return, "%s", reason);
	file = scratch_file(&scratch, "file", 0, 0);
	ASSERT_EQ(0, ftruncate(file, 4 * PAGE));
	region = region_file(file, 0, 0);
	p = map_shared(region, 4 * PAGE);
	filler = scratch_file(&scratch, "filler", 0, 0);
	while (write(filler, block, sizeof(block)) > 0)
		;
	ASSERT_EQ(0, parameter_set("writeback_secs", 0));
	p[0] = 1;
	EXPECT_TRUE(EVENTUALLY(region_stat(region).writeback_errors));
	sleep(1);
	errors = region_stat(region).writeback_errors;
	EXPECT_LT(errors, 20);
	parameter_set("writeback_secs", delay);
	close(filler);
	scratch_unlink(&scratch, "filler");
	EXPECT_EQ(-1, fsync(region));
	munmap(p, 4 * PAGE);
	close(region);
	close(file);
	scratch_remove(&scratch);
}

/* A mapping that was refused made a region count as in use. */
TEST(a_refused_mapping_uses_nothing)
{
	struct vmlab_configure config = { .size = 4 * PAGE };
	int fd = region_open();

	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, RW, MAP_SHARED, fd, VMLAB_SIZE_DEFAULT));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, region_configure(fd, &config));
	close(fd);
}

/* At the cap, fallocate() asked for room for pages that were there. */
TEST(allocating_what_is_there_needs_no_room)
{
	__u64 cap = parameter_get("max_pages");
	int device = region_open();
	int fd = region_fd(device, 0);

	ASSERT_EQ(0, fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 8 * PAGE));
	ASSERT_EQ(0, parameter_set("max_pages", module_features().pages));
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 8 * PAGE));
	EXPECT_EQ(-1, fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 9 * PAGE));
	EXPECT_EQ(ENOSPC, errno);
	parameter_set("max_pages", cap);
	close(fd);
	close(device);
}

/* Writes to pages that were dirty already escaped soft-dirty tracking. */
TEST(soft_dirty_sees_writes_to_dirty_pages)
{
	struct vmlab_configure config = { .flags = VMLAB_REGION_TRACK_DIRTY };
	int fd = region_new(&config), pagemap = open("/proc/self/pagemap", O_RDONLY);
	char *p = map_shared(fd, PAGE);
	__u64 entry = 0;

	p[0] = 1;
	if (text_write("/proc/self/clear_refs", "4"))
		SKIP(return, "this kernel tracks no soft-dirty pages");
	ASSERT_EQ(0, madvise(p, PAGE, MADV_DONTNEED));
	p[0] = 2;
	ASSERT_EQ(8, pread(pagemap, &entry, 8, (uintptr_t)p / PAGE * 8));
	EXPECT_TRUE(entry >> 55 & 1);
	munmap(p, PAGE);
	close(pagemap);
	close(fd);
}

/* A program that knows a longer struct vmlab_stat, or the first one only, could not list. */
TEST(list_takes_entries_of_other_sizes)
{
	char buffer[4][256];
	struct vmlab_list list = { .buffer = (uintptr_t)buffer, .count = 4, .entry_size = 256 };
	int fd = region_open();

	memset(buffer, 0xff, sizeof(buffer));
	ASSERT_EQ(0, ioctl(fd, VMLAB_IOC_LIST, &list));
	ASSERT_LE(1, list.count);
	EXPECT_EQ(0, buffer[0][sizeof(struct vmlab_stat)]);
	EXPECT_EQ(0, buffer[0][255]);
	list = (struct vmlab_list){ .buffer = (uintptr_t)buffer, .count = 4, .entry_size = 151 };
	EXPECT_EQ(-1, ioctl(fd, VMLAB_IOC_LIST, &list));
	EXPECT_EQ(EINVAL, errno);
	close(fd);
}

TEST_HARNESS_MAIN
