// SPDX-License-Identifier: GPL-2.0
/* Stores in a file, and on a block device: what they take, and what they lose. */
#include "swap_test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include <linux/fs.h>

FIXTURE(file_store)
{
	struct scratch scratch;
	int fd;
	char *mem;
};

FIXTURE_SETUP(file_store)
{
	const char *reason = scratch_make(&self->scratch, "ext4", 4 * MIB);

	if (reason)
		SKIP_TEST("%s", reason);
	self->fd = region_zero(0, PAGES * PAGE);
	self->mem = (char *)map_pages(self->fd, PAGES);
}

FIXTURE_TEARDOWN(file_store)
{
	munmap(self->mem, PAGES * PAGE);
	close(self->fd);
	scratch_remove(&self->scratch);
}

static int set_store_fd(int fd, int store_fd)
{
	return pool_set(fd, &(struct vmlab_pool_set){ .what = VMLAB_POOL_STORE,
						      .store_fd = store_fd });
}

/* Whether the pool of @fd refuses a file with @error, which is closed then. */
static bool refuses(int fd, int store_fd, int error)
{
	bool refused = set_store_fd(fd, store_fd) == -1 && errno == error;

	close(store_fd);
	return refused;
}

TEST_F(file_store, refused)
{
	struct vmlab_pool_set set = { .what = VMLAB_POOL_STORE | VMLAB_POOL_CODEC,
				      .codec = "lz4" };
	int other = region_zero(0, PAGES * PAGE);

	EXPECT_TRUE(refuses(self->fd, -1, EBADF));
	EXPECT_TRUE(refuses(self->fd, scratch_file(&self->scratch, "empty", 0, 1), EINVAL));
	close(scratch_file(&self->scratch, "full", 16 * PAGE, 1));
	EXPECT_TRUE(refuses(self->fd, scratch_reopen(&self->scratch, "full", O_RDONLY), EBADF));
	EXPECT_TRUE(refuses(self->fd, scratch_reopen(&self->scratch, "full", O_WRONLY), EBADF));
	EXPECT_TRUE(refuses(self->fd, scratch_reopen(&self->scratch, ".", O_RDONLY), EBADF));
	EXPECT_TRUE(refuses(self->fd, open("/dev/null", O_RDWR), EINVAL));
	EXPECT_TRUE(refuses(self->fd, region_zero(0, PAGES * PAGE), ELOOP));
	set.store_fd = scratch_reopen(&self->scratch, "full", O_RDWR);
	EXPECT_EQ(pool_set(self->fd, &set), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_STREQ((char *)pool_stat(self->fd).store, "");
	/* It is taken once, and by one. */
	EXPECT_EQ(set_store_fd(self->fd, set.store_fd), 0);
	EXPECT_STREQ((char *)pool_stat(self->fd).store, "file");
	EXPECT_STREQ((char *)pool_stat(self->fd).codec, "none");
	EXPECT_EQ(set_store_fd(self->fd, set.store_fd), 0);
	EXPECT_EQ(set_store_fd(self->fd, VMLAB_POOL_IN_MEMORY), -1);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_TRUE(refuses(self->fd, scratch_file(&self->scratch, "other", PAGE, 1), EBUSY));
	EXPECT_TRUE(refuses(other, set.store_fd, EBUSY));
	EXPECT_EQ(set_store_fd(other, VMLAB_POOL_IN_MEMORY), 0);
	EXPECT_STREQ((char *)pool_stat(other).store, "zs");
	EXPECT_TRUE(refuses(other, scratch_file(&self->scratch, "another", PAGE, 1), EBUSY));
	close(other);
}

static int set_as_nobody(int fd, int store_fd)
{
	return setgid(NOBODY) || setuid(NOBODY) ? 100 : set_store_fd(fd, store_fd) ? errno : 0;
}

/* Whoever has a clone of a region may not have its pages go to a file of his. */
TEST_F(file_store, named_before_there_are_clones)
{
	int store_fd = scratch_file(&self->scratch, "store", PAGES * PAGE, 1);
	int clone = ioctl(self->fd, VMLAB_IOC_CLONE, &(struct vmlab_clone){ .flags = O_CLOEXEC });

	ASSERT_GE(clone, 0);
	EXPECT_TRUE(IN_CHILD(set_as_nobody(clone, store_fd) == EPERM));
	EXPECT_TRUE(IN_CHILD(set_as_nobody(self->fd, store_fd) == EPERM));
	close(clone);
	EXPECT_TRUE(EVENTUALLY(IN_CHILD(set_as_nobody(self->fd, store_fd) == 0)));
	close(store_fd);
}

TEST_F(file_store, kinds_of_files)
{
	int fd;

	EXPECT_TRUE(refuses(self->fd, open("/proc/sys/vm/swappiness", O_RDWR), EINVAL));
	EXPECT_TRUE(refuses(self->fd, open("/sys/module/vmlab/parameters/max_pages", O_RDWR),
			    EINVAL));
	close(scratch_file(&self->scratch, "log", PAGE, 1));
	EXPECT_TRUE(refuses(self->fd, scratch_reopen(&self->scratch, "log", O_RDWR | O_APPEND),
			    EINVAL));
	fd = scratch_reopen(&self->scratch, "log", O_RDWR);
	ASSERT_EQ(0, run("chattr +a %s/log", self->scratch.dir));
	EXPECT_TRUE(refuses(self->fd, fd, EPERM));
	run("chattr -a %s/log", self->scratch.dir);
}

/*
 * Writes to the pages until that fails, and looks at them. Returns how many there are, or 0 if
 * one is not as it was.
 */
static unsigned long fill_until_full(char *mem)
{
	unsigned long page, right = 0, i;

	for (page = 0; page < PAGES && !trap_write(mem + page * PAGE, 1); page++)
		fill_page((unsigned long *)mem, page, 1);
	for (i = 0; i < page; i++)
		right += is_filled((unsigned long *)mem, i, 1);
	return right == page ? page : 0;
}

/* Snapshots of disks do that for a moment. */
TEST_F(file_store, on_a_frozen_file_system)
{
	int fd, status;
	pid_t child;

	ASSERT_EQ(store_in(self->fd, &self->scratch, PAGES, 0), 0);
	ASSERT_EQ(set_budget(self->fd, BUDGET), 0);
	fd = scratch_reopen(&self->scratch, ".", O_RDONLY);
	ASSERT_EQ(0, ioctl(fd, FIFREEZE, 0));
	child = fork();
	if (!child)
		_exit(fill_until_full(self->mem) != PAGES);
	usleep(700000);
	EXPECT_EQ(0, waitpid(child, &status, WNOHANG));
	EXPECT_EQ(0, ioctl(fd, FITHAW, 0));
	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, count_wrong((unsigned long *)self->mem, PAGES, 1));
	close(fd);
}

TEST_F(file_store, too_small)
{
	unsigned long pages;

	ASSERT_EQ(store_in(self->fd, &self->scratch, 64, 0), 0);
	ASSERT_EQ(set_budget(self->fd, BUDGET), 0);
	pages = fill_until_full(self->mem);
	EXPECT_GE(pages, 64 + BUDGET_PAGES - 4);
	EXPECT_LE(pages, 64 + BUDGET_PAGES + 16);
	EXPECT_GT(pool_stat(self->fd).store_errors, 0);
	EXPECT_LE(pool_stat(self->fd).stored_bytes, 64 * PAGE);
	EXPECT_EQ(pwrite(self->fd, "x", 1, (PAGES - 1) * PAGE), -1);
	EXPECT_EQ(errno, ENOSPC);
	EXPECT_EQ(set_budget(self->fd, 2 * BUDGET), 0);
	EXPECT_EQ(pwrite(self->fd, "x", 1, (PAGES - 1) * PAGE), 1);
}

TEST_F(file_store, on_a_full_disk)
{
	int fd = scratch_file(&self->scratch, "filler", 0, 1);
	char page[PAGE] = { 1 };
	unsigned long pages;

	while (write(fd, page, PAGE) == PAGE)
		;
	ASSERT_EQ(ftruncate(fd, lseek(fd, 0, SEEK_CUR) - 64 * PAGE), 0);
	ASSERT_EQ(fsync(fd), 0);
	close(fd);
	ASSERT_EQ(store_in(self->fd, &self->scratch, 0, 64 * MIB), 0);
	ASSERT_EQ(set_budget(self->fd, BUDGET), 0);
	pages = fill_until_full(self->mem);
	EXPECT_GE(pages, 32);
	EXPECT_LT(pages, PAGES);
	EXPECT_GT(pool_stat(self->fd).store_errors, 0);
}

TEST_F(file_store, removed)
{
	ASSERT_EQ(store_in(self->fd, &self->scratch, PAGES, 0), 0);
	ASSERT_EQ(set_budget(self->fd, BUDGET), 0);
	ASSERT_EQ(scratch_unlink(&self->scratch, "store"), 0);
	EXPECT_EQ(fill_until_full(self->mem), PAGES);
}

/* What somebody else has written to is told from what was stored; all else stays right. */
TEST_F(file_store, written_to_by_others)
{
	unsigned long right = 0, page;
	char garbage[PAGE] = { 2 };
	int fd, trapped = 0;

	ASSERT_EQ(store_in(self->fd, &self->scratch, PAGES, 0), 0);
	fill_all((unsigned long *)self->mem, PAGES, 1);
	EXPECT_EQ(advise(self->fd, VMLAB_ADVISE_EVICT, 0, PAGES), PAGES);
	fd = scratch_reopen(&self->scratch, "store", O_RDWR);
	for (page = 0; page < 8; page++)
		ASSERT_EQ(pwrite(fd, garbage, PAGE, page * PAGE), (ssize_t)PAGE);
	ASSERT_EQ(fsync(fd), 0);
	for (page = 0; page < PAGES; page++) {
		if (trap_read(self->mem + page * PAGE))
			trapped++;
		else
			right += is_filled((unsigned long *)self->mem, page, 1);
	}
	EXPECT_EQ(trapped, 8);
	EXPECT_EQ(right, PAGES - 8);
	EXPECT_GE(pool_stat(self->fd).checksum_errors, 8);
	close(fd);
}

TEST_F(file_store, cut_off)
{
	unsigned long right = 0, page;
	int trapped = 0;

	ASSERT_EQ(store_in(self->fd, &self->scratch, PAGES, 0), 0);
	fill_all((unsigned long *)self->mem, PAGES, 1);
	EXPECT_EQ(advise(self->fd, VMLAB_ADVISE_EVICT, 0, PAGES), PAGES);
	ASSERT_EQ(run("truncate -s %lu %s/store", 128 * PAGE, self->scratch.dir), 0);
	for (page = 0; page < PAGES; page++) {
		if (trap_read(self->mem + page * PAGE))
			trapped++;
		else
			right += is_filled((unsigned long *)self->mem, page, 1);
	}
	EXPECT_EQ(trapped, PAGES - 128);
	EXPECT_EQ(right, 128);
}

/*
 * A block device that answers only when it is told to: device-mapper's, above a loop device, above
 * a file in memory.
 */
FIXTURE(slow_store)
{
	struct scratch scratch;
	char name[32];
	char path[64];
	int fd;
	char *mem;
};

static const char *disk_make(struct scratch *scratch, const char *name)
{
	const char *reason = scratch_make(scratch, "tmpfs", 2 * PAGES * PAGE);

	if (reason)
		return reason;
	run("modprobe -q -a loop dm-mod");
	close(scratch_file(scratch, "disk", PAGES * PAGE, 1));
	if (run("loop=$(losetup -f --show %s/disk) && "
		"DM_DISABLE_UDEV=1 dmsetup create %s --table \"0 %lu linear $loop 0\" && losetup -d $loop",
		scratch->dir, name, PAGES * PAGE / 512))
		return "cannot make a device: no device-mapper?";
	return NULL;
}

FIXTURE_SETUP(slow_store)
{
	const char *reason;
	int disk;

	snprintf(self->name, sizeof(self->name), "vmlab-test-%d", getpid());
	snprintf(self->path, sizeof(self->path), "/dev/mapper/%s", self->name);
	reason = disk_make(&self->scratch, self->name);
	if (reason)
		SKIP_TEST("%s", reason);
	self->fd = region_zero(0, PAGES * PAGE);
	self->mem = (char *)map_pages(self->fd, PAGES);
	disk = open(self->path, O_RDWR | O_CLOEXEC);
	ASSERT_EQ(0, set_store_fd(self->fd, disk));
	close(disk);
	ASSERT_EQ(0, set_budget(self->fd, BUDGET));
	fill_all((unsigned long *)self->mem, PAGES, 1);
	EXPECT_GT(advise(self->fd, VMLAB_ADVISE_EVICT, 0, PAGES), 0);
	ASSERT_EQ(PAGES, region_stat(self->fd).stored);
}

FIXTURE_TEARDOWN(slow_store)
{
	munmap(self->mem, PAGES * PAGE);
	close(self->fd);
	run("DM_DISABLE_UDEV=1 dmsetup remove --retry %s", self->name);
	scratch_remove(&self->scratch);
}

static int stop_disk(const char *name)
{
	return run("DM_DISABLE_UDEV=1 dmsetup suspend --noflush %s", name);
}

static int go_on_disk(const char *name)
{
	return run("DM_DISABLE_UDEV=1 dmsetup resume %s", name);
}

static void *touch(void *mem)
{
	return (void *)(long)((volatile char *)mem)[0];
}

/*
 * A child with a thread that waits for the page at @mem. Others map and unmap meanwhile, and touch
 * their memory. It says so by a byte on @told, and stays.
 */
static pid_t child_that_waits(char *mem, int told)
{
	pid_t child = fork();
	pthread_t thread;
	char *other;

	if (child)
		return child;
	pthread_create(&thread, NULL, touch, mem);
	usleep(200000);
	for (int i = 0; i < 100; i++) {
		other = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		*other = 1;
		munmap(other, PAGE);
	}
	(void)!write(told, "1", 1);
	pthread_join(thread, NULL);
	_exit(0);
}

static bool waits_and_can_be_killed(pid_t child)
{
	int status;

	return !waitpid(child, &status, WNOHANG) && !kill(child, SIGKILL) &&
	       waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}

TEST_F(slow_store, who_waits_can_be_killed)
{
	int told[2];
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(told));
	ASSERT_EQ(0, stop_disk(self->name));
	child = child_that_waits(self->mem, told[1]);
	EXPECT_EQ(1, read(told[0], &byte, 1));
	EXPECT_TRUE(waits_and_can_be_killed(child));
	ASSERT_EQ(0, go_on_disk(self->name));
	EXPECT_EQ(0, count_wrong((unsigned long *)self->mem, PAGES, 1));
	close(told[0]);
	close(told[1]);
}

TEST_F(slow_store, who_waits_goes_on)
{
	int told[2], status;
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(told));
	ASSERT_EQ(0, stop_disk(self->name));
	child = child_that_waits(self->mem, told[1]);
	EXPECT_EQ(1, read(told[0], &byte, 1));
	ASSERT_EQ(0, go_on_disk(self->name));
	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, count_wrong((unsigned long *)self->mem, PAGES, 1));
	close(told[0]);
	close(told[1]);
}

/* Pages are being stored: who asked for that may go, and who needs one of them. */
TEST_F(slow_store, who_waits_for_a_page_that_leaves_can_be_killed)
{
	pid_t evicts, reads;

	fill_all((unsigned long *)self->mem, BUDGET_PAGES / 2, 2);
	ASSERT_EQ(0, stop_disk(self->name));
	evicts = fork();
	if (!evicts)
		_exit(advise(self->fd, VMLAB_ADVISE_EVICT, 0, BUDGET_PAGES / 2) < 0);
	usleep(300000);
	reads = fork();
	if (!reads)
		_exit(count_wrong((unsigned long *)self->mem, BUDGET_PAGES / 2, 2));
	usleep(300000);
	EXPECT_TRUE(waits_and_can_be_killed(reads));
	EXPECT_TRUE(waits_and_can_be_killed(evicts));
	ASSERT_EQ(0, go_on_disk(self->name));
	EXPECT_EQ(0, count_wrong((unsigned long *)self->mem, BUDGET_PAGES / 2, 2));
}

/* Writers fill the budget, and wait then. */
TEST_F(slow_store, who_waits_for_room_can_be_killed)
{
	unsigned long page;
	pid_t child;

	EXPECT_EQ(0, count_wrong((unsigned long *)self->mem, BUDGET_PAGES, 1));
	ASSERT_EQ(0, stop_disk(self->name));
	child = fork();
	if (!child) {
		for (page = 0; page < PAGES; page++)
			fill_page((unsigned long *)self->mem, page, 2);
		_exit(0);
	}
	usleep(300000);
	EXPECT_TRUE(waits_and_can_be_killed(child));
	ASSERT_EQ(0, go_on_disk(self->name));
	for (page = 0; page < PAGES; page++) {
		EXPECT_TRUE(is_filled((unsigned long *)self->mem, page, 1) ||
			    is_filled((unsigned long *)self->mem, page, 2));
	}
}

TEST_HARNESS_MAIN
