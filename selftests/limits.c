// SPDX-License-Identifier: GPL-2.0
/*
 * The cap on all pages, and processes that end in the middle of a fault: the
 * module stays well, and gets everything back.
 */
#include "cgroup_test.h"
#include "scratch_test.h"

#define ROOM 64UL	/* pages that are left under the cap */

FIXTURE(cap)
{
	__u64 max_pages;
	int fd;
	char *p;	/* 4 times what there is room for */
};

FIXTURE_VARIANT(cap)
{
	__u32 flags;
};

FIXTURE_VARIANT_ADD(cap, plain) { };
FIXTURE_VARIANT_ADD(cap, strict) { .flags = VMLAB_REGION_STRICT };
FIXTURE_VARIANT_ADD(cap, track) { .flags = VMLAB_REGION_TRACK_DIRTY };

FIXTURE_SETUP(cap)
{
	self->max_pages = parameter_get("max_pages");
	self->fd = region_zero(variant->flags, 0);
	ASSERT_GE(self->fd, 0);
	self->p = map_shared(self->fd, 4 * ROOM * PAGE);
	ASSERT_NE(MAP_FAILED, self->p);
	if (parameter_set("max_pages", module_features().pages + ROOM))
		SKIP_TEST("max_pages cannot be set: %s", strerror(errno));
}

FIXTURE_TEARDOWN(cap)
{
	parameter_set("max_pages", self->max_pages);
	munmap(self->p, 4 * ROOM * PAGE);
	close(self->fd);
}

/* Touches pages until a signal comes; pages that were touched. */
static size_t touch_all(char *p, size_t pages, size_t step)
{
	for (size_t i = 0; i < pages; i++) {
		if (trap_write(p + i * step % pages * PAGE, 1))
			return i;
	}
	return pages;
}

TEST_F(cap, faults_get_sigbus)
{
	char *absent = self->p + ROOM * 89 % (4 * ROOM) * PAGE;

	EXPECT_EQ(ROOM, touch_all(self->p, 4 * ROOM, 89));
	EXPECT_EQ(ROOM, region_resident(self->fd));
	EXPECT_EQ(SIGBUS, trap_write(absent, 1));
	EXPECT_EQ(SIGBUS, trap_read(absent));
	EXPECT_EQ(3, region_stat(self->fd).sigbus);
	EXPECT_EQ(ROOM, region_resident(self->fd));
	for (size_t i = 0; i < ROOM; i++)
		EXPECT_EQ(1, self->p[i * 89 % (4 * ROOM) * PAGE]);
}

/* A batch gives what there is, not nothing. */
TEST_F(cap, faults_in_order_get_all_there_is)
{
	EXPECT_EQ(ROOM, touch_all(self->p, 4 * ROOM, 1));
	EXPECT_EQ(ROOM, region_resident(self->fd));
}

TEST_F(cap, module_is_fine_after_sigbus)
{
	EXPECT_EQ(ROOM, touch_all(self->p, 4 * ROOM, 1));
	ASSERT_EQ(0, madvise(self->p, PAGE, MADV_REMOVE));
	EXPECT_EQ(0, trap_write(self->p + ROOM * PAGE, 3));
	EXPECT_EQ(SIGBUS, trap_read(self->p));
	ASSERT_EQ(0, parameter_set("max_pages", self->max_pages));
	EXPECT_EQ(0, trap_read(self->p));
	EXPECT_EQ(0, ((volatile char *)self->p)[0]);
	EXPECT_EQ(4 * ROOM, touch_all(self->p, 4 * ROOM, 1));
}

TEST_F(cap, pages_are_given_back)
{
	EXPECT_EQ(ROOM, touch_all(self->p, 4 * ROOM, 1));
	munmap(self->p, 4 * ROOM * PAGE);
	close(self->fd);
	for (int round = 0; round < 20; round++) {
		self->fd = region_zero(variant->flags, 0);
		self->p = map_shared(self->fd, 4 * ROOM * PAGE);
		EXPECT_EQ(ROOM, touch_all(self->p, 4 * ROOM, 1));
		munmap(self->p, 4 * ROOM * PAGE);
		close(self->fd);
	}
	self->fd = region_open();
	self->p = map_shared(self->fd, 4 * ROOM * PAGE);
}

TEST_F(cap, write_gets_enospc)
{
	char *buffer = malloc(2 * ROOM * PAGE);

	fill(buffer, 2 * ROOM * PAGE, 1);
	EXPECT_EQ(ROOM * PAGE, pwrite(self->fd, buffer, 2 * ROOM * PAGE, 0));
	EXPECT_EQ(-1, pwrite(self->fd, buffer, 1, ROOM * PAGE));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_TRUE(reads_filled(self->fd, 0, ROOM * PAGE, 1));
	EXPECT_TRUE(reads_zero(self->fd, ROOM * PAGE, PAGE));
	EXPECT_EQ(5, pwrite(self->fd, "hello", 5, 100));
}

TEST_F(cap, fallocate_gets_enospc)
{
	int fd = region_fd(self->fd, 0);

	EXPECT_EQ(-1, fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 2 * ROOM * PAGE));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_LE(region_resident(self->fd), ROOM);
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2 * ROOM * PAGE));
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, ROOM * PAGE));
	EXPECT_EQ(ROOM, region_resident(self->fd));
}

TEST_F(cap, populating_fails)
{
	EXPECT_EQ(-1, madvise(self->p, 4 * ROOM * PAGE, MADV_POPULATE_WRITE));
	EXPECT_TRUE(errno == EFAULT || errno == ENOMEM);
	EXPECT_LE(region_resident(self->fd), ROOM);
	EXPECT_NE(MAP_FAILED, map(self->fd, 4 * ROOM * PAGE, RW, MAP_SHARED | MAP_POPULATE, 0));
}

TEST_F(cap, system_calls_get_efault)
{
	int file = memfd_create("other", 0);

	ASSERT_EQ(0, ftruncate(file, PAGE));
	EXPECT_EQ(ROOM, touch_all(self->p, 4 * ROOM, 1));
	EXPECT_EQ(-1, pread(file, self->p + ROOM * PAGE, PAGE, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pwrite(file, self->p + ROOM * PAGE, PAGE, 0));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(cap, below_what_is_held_takes_nothing_away)
{
	EXPECT_EQ(ROOM, touch_all(self->p, 4 * ROOM, 1));
	ASSERT_EQ(0, parameter_set("max_pages", 1));
	EXPECT_EQ(ROOM, region_resident(self->fd));
	for (size_t i = 0; i < ROOM; i++)
		EXPECT_EQ(1, self->p[i * PAGE]);
	EXPECT_EQ(SIGBUS, trap_write(self->p + ROOM * PAGE, 1));
}

TEST_F(cap, counts_pages_of_files)
{
	struct scratch scratch;
	const char *reason = scratch_make(&scratch, "tmpfs", 16 * MIB);
	int file, fd;
	char *p;

	if (reason)
		SKIP(return, "%s", reason);
	file = scratch_file(&scratch, "file", 2 * ROOM * PAGE, 1);
	fd = region_file(file, 0, 0);
	p = map_shared(fd, 2 * ROOM * PAGE);
	EXPECT_EQ(ROOM, touch_all(p, 2 * ROOM, 1));
	EXPECT_EQ(SIGBUS, trap_read(p + ROOM * PAGE));
	munmap(p, 2 * ROOM * PAGE);
	close(fd);
	EXPECT_TRUE(EVENTUALLY(module_features().pages + ROOM == parameter_get("max_pages")));
	EXPECT_EQ(ROOM, touch_all(self->p, 4 * ROOM, 1));
	scratch_remove(&scratch);
}

/* Parameters */

TEST(parameters_refuse_nonsense)
{
	const char *names[] = { "max_pages", "writeback_secs" };
	const char *nonsense[] = { "", "x", "-1", "1x", "99999999999999999999999" };

	if (getuid())
		SKIP(return, "not root");
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		__u64 before = parameter_get(names[i]);

		for (unsigned int j = 0; j < ARRAY_SIZE(nonsense); j++) {
			if (!nonsense[j][0])
				continue;
			EXPECT_EQ(-1, parameter_write(names[i], nonsense[j])) {
				TH_LOG("%s=%s", names[i], nonsense[j]);
			}
			EXPECT_TRUE(errno == EINVAL || errno == ERANGE);
			EXPECT_EQ(before, parameter_get(names[i]));
		}
	}
}

TEST(parameters_are_for_root)
{
	if (getuid())
		SKIP(return, "not root, so nobody to become");
	EXPECT_TRUE(IN_CHILD(!setresuid(65534, 65534, 65534) &&
			     parameter_write("max_pages", "5") && errno == EACCES));
}

/* Killed while faulting */

FIXTURE(killed)
{
	struct vmlab_features before;
};

FIXTURE_VARIANT(killed)
{
	bool ordered;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(killed, in_order) { .ordered = true };
FIXTURE_VARIANT_ADD(killed, at_random) { };
FIXTURE_VARIANT_ADD(killed, tracked) { .flags = VMLAB_REGION_TRACK_DIRTY };

FIXTURE_SETUP(killed)
{
	self->before = module_features();
}

FIXTURE_TEARDOWN(killed)
{
}

struct faulter {
	char *p;
	bool ordered;
	unsigned int number;
};

static void *fault_for_ever(void *argument)
{
	struct faulter *faulter = argument;
	__u64 state = faulter->number + 1, page = faulter->number * (1ULL << 20);

	for (;;) {
		state = state * 6364136223846793005ULL + 1;
		page = faulter->ordered ? page + 1 : state >> 44;
		faulter->p[page % (1 << 24) * PAGE] = 1;
	}
	return NULL;
}

static void fault_until_killed(bool ordered, __u32 flags)
{
	char *p = map_shared(region_zero(flags, 0), 1UL << 36);
	struct faulter faulters[4];
	pthread_t thread;

	for (unsigned int i = 0; i < 4; i++) {
		faulters[i] = (struct faulter){ .p = p, .ordered = ordered, .number = i };
		pthread_create(&thread, NULL, fault_for_ever, &faulters[i]);
	}
	pause();
}

TEST_F(killed, many_times)
{
	for (int i = 0; i < 40; i++) {
		pid_t child = fork();

		if (!child)
			fault_until_killed(variant->ordered, variant->flags);
		usleep(500 + i * 997 % 20000);
		kill(child, SIGKILL);
		EXPECT_EQ(-1, child_status(child));
	}
	EXPECT_TRUE(EVENTUALLY(module_features().pages == self->before.pages));
	EXPECT_TRUE(EVENTUALLY(module_features().regions == self->before.regions));
}

/* A memory cgroup of 16 MiB. */
FIXTURE(cgroup)
{
	struct cgroup group;
	__u64 pages;
};

FIXTURE_SETUP(cgroup)
{
	const char *reason = cgroup_make(&self->group, 16 * MIB);

	if (reason)
		SKIP_TEST("%s", reason);
	self->pages = module_features().pages;
}

FIXTURE_TEARDOWN(cgroup)
{
	EXPECT_TRUE(EVENTUALLY(module_features().pages == self->pages));
	cgroup_remove(&self->group);
}

static void touch_64_mib(void)
{
	memset(map_shared(region_open(), 64 * MIB), 1, 64 * MIB);
}

/* The group is charged for all but one page of each huge one, too. */
static void split_on(void)
{
	char *p = map_shared(region_zero(VMLAB_REGION_HUGE, 64 * MIB), 64 * MIB);

	for (size_t i = 0; i < 64 * MIB; i += 2 * MIB) {
		memset(p + i, 1, 2 * MIB);
		madvise(p + i, PAGE, MADV_REMOVE);
	}
}

/* A process that exceeds it dies alone. */
TEST_F(cgroup, is_charged)
{
	EXPECT_TRUE(DIES_IN_CGROUP(&self->group, touch_64_mib()));
}

TEST_F(cgroup, is_charged_for_what_is_split)
{
	EXPECT_TRUE(DIES_IN_CGROUP(&self->group, split_on()));
}

TEST_HARNESS_MAIN
