// SPDX-License-Identifier: GPL-2.0
/*
 * A region as a thing: opening, configuring and asking about it; what the
 * ioctls refuse, and that a refusal changes nothing.
 */
#include "region_test.h"

TEST_F(region, features)
{
	struct vmlab_features features;

	memset(&features, 0xff, sizeof(features));
	ASSERT_EQ(0, ioctl(self->fd, VMLAB_IOC_FEATURES, &features));
	EXPECT_EQ(VMLAB_FEATURE_ZERO | VMLAB_FEATURE_FILE | VMLAB_FEATURE_STRICT |
		  VMLAB_FEATURE_TRACK_DIRTY | VMLAB_FEATURE_EXTENTS | VMLAB_FEATURE_CLONE |
		  VMLAB_FEATURE_COW_FORK | VMLAB_FEATURE_ADDRESS | VMLAB_FEATURE_HUGE |
		  VMLAB_FEATURE_POOL | VMLAB_FEATURE_STORE_FILE | VMLAB_FEATURE_HISTOGRAMS |
		  VMLAB_FEATURE_FRONT | VMLAB_FEATURE_RECORD,
		  features.features);
	EXPECT_EQ(sysconf(_SC_PAGESIZE), features.page_size);
	EXPECT_EQ(0, features.__reserved);
	EXPECT_EQ(parameter_get("max_pages"), features.pages_max);
	EXPECT_GE(features.regions, 1);
	EXPECT_LE(features.pages, features.pages_max);
}

TEST_F(region, features_count_pages_and_regions)
{
	struct vmlab_features before = module_features(), after;
	char *p = map_shared(self->fd, PAGE);
	int other = region_open();

	p[0] = 1;
	after = module_features();
	EXPECT_EQ(before.pages + 1, after.pages);
	EXPECT_EQ(before.regions + 1, after.regions);
	munmap(p, PAGE);
	close(self->fd);
	close(other);
	EXPECT_TRUE(EVENTUALLY(module_features().pages == before.pages));
	EXPECT_TRUE(EVENTUALLY(module_features().regions == before.regions - 1));
	self->fd = -1;
}

TEST_F(region, is_usable_unconfigured)
{
	struct vmlab_stat stat = region_stat(self->fd);
	char *p = map_shared(self->fd, PAGE);

	EXPECT_EQ(VMLAB_SIZE_DEFAULT, stat.size);
	EXPECT_EQ(VMLAB_BACKING_ZERO, stat.backing);
	EXPECT_EQ(0, stat.flags);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, p[0]);
	p[0] = 1;
	EXPECT_EQ(1, p[0]);
}

TEST_F(region, configured_size_is_the_limit)
{
	const struct vmlab_configure config = { .size = 3 * PAGE };

	ASSERT_EQ(0, region_configure(self->fd, &config));
	EXPECT_EQ(3 * PAGE, region_stat(self->fd).size);
	EXPECT_NE(MAP_FAILED, map_shared(self->fd, 3 * PAGE));
	EXPECT_EQ(MAP_FAILED, map_shared(self->fd, 4 * PAGE));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(region, size_zero_is_the_default_and_the_largest_works)
{
	const struct vmlab_configure largest = { .size = VMLAB_SIZE_MAX };
	const struct vmlab_configure unnamed = { .size = 0 };
	char *p;
	int other;

	ASSERT_EQ(0, region_configure(self->fd, &unnamed));
	EXPECT_EQ(VMLAB_SIZE_DEFAULT, region_stat(self->fd).size);

	other = region_new(&largest);
	ASSERT_GE(other, 0);
	p = map(other, PAGE, RW, MAP_SHARED, VMLAB_SIZE_MAX - PAGE);
	ASSERT_NE(MAP_FAILED, p);
	p[PAGE - 1] = 7;
	EXPECT_EQ(1, region_resident(other));
	EXPECT_EQ(1, pread(other, p, 1, VMLAB_SIZE_MAX - 1));
	EXPECT_EQ(7, p[0]);
}

TEST_F(region, configures_only_once)
{
	const struct vmlab_configure config = { .size = PAGE };
	const struct vmlab_configure other = { .flags = VMLAB_REGION_STRICT };

	ASSERT_EQ(0, region_configure(self->fd, &config));
	EXPECT_EQ(-1, region_configure(self->fd, &other));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(PAGE, region_stat(self->fd).size);
	EXPECT_EQ(0, region_stat(self->fd).flags);
}

static int address_of(int fd, __u64 *address)
{
	return ioctl(fd, VMLAB_IOC_ADDRESS, (struct vmlab_address *)address);
}

TEST_F(region, keeps_the_first_address)
{
	__u64 address = 0;
	int clone;

	EXPECT_EQ(0, address_of(self->fd, &address));
	EXPECT_EQ(0, address);
	address = TIB;
	EXPECT_EQ(0, address_of(self->fd, &address));
	EXPECT_EQ(TIB, address);
	address = 2 * TIB;
	EXPECT_EQ(0, address_of(self->fd, &address));
	EXPECT_EQ(TIB, address);
	clone = ioctl(self->fd, VMLAB_IOC_CLONE, &(struct vmlab_clone){});
	ASSERT_GE(clone, 0);
	address = 0;
	EXPECT_EQ(0, address_of(clone, &address));
	EXPECT_EQ(TIB, address);
}

TEST_F(region, refuses_addresses)
{
	__u64 bad[] = { 1, TIB + 8, 1ULL << 63, -PAGE }, address = TIB;
	int fd = region_open_as(O_RDONLY);

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-1, address_of(self->fd, &bad[i]));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(-1, address_of(fd, &address));
	EXPECT_EQ(EBADF, errno);
	address = 0;
	EXPECT_EQ(0, address_of(fd, &address));
	EXPECT_EQ(0, address_of(self->fd, &address));
	EXPECT_EQ(0, address);
	close(fd);
}

TEST_F(region, names_its_opener)
{
	struct vmlab_stat stat = region_stat(self->fd);
	char comm[16] = "";

	prctl(PR_GET_NAME, comm);
	EXPECT_EQ(getuid(), stat.uid);
	EXPECT_EQ(getpid(), stat.pid);
	EXPECT_STREQ(comm, (const char *)stat.comm);
	EXPECT_TRUE(IN_CHILD(region_stat(self->fd).pid == (__u32)getppid()));
}

TEST_F(region, names_its_opener_as_the_caller_sees_him)
{
	if (unshare(0) || !IN_CHILD(!unshare(CLONE_NEWUSER | CLONE_NEWPID)))
		SKIP_TEST("no user namespaces here");
	EXPECT_TRUE(IN_CHILD(!unshare(CLONE_NEWUSER) && region_stat(self->fd).uid == NOBODY));
	EXPECT_TRUE(IN_CHILD(!unshare(CLONE_NEWUSER | CLONE_NEWPID) &&
			     IN_CHILD(region_stat(self->fd).pid == 0)));
}

TEST_F(region, counts_its_mappings)
{
	char *one = map_shared(self->fd, 4 * PAGE);
	char *two = map_shared(self->fd, 4 * PAGE);

	EXPECT_EQ(2, region_stat(self->fd).mappings);
	munmap(one + PAGE, PAGE);
	EXPECT_EQ(3, region_stat(self->fd).mappings);
	EXPECT_TRUE(IN_CHILD(region_stat(self->fd).mappings == 6));
	munmap(one, 4 * PAGE);
	munmap(two, 4 * PAGE);
	EXPECT_EQ(0, region_stat(self->fd).mappings);
}

TEST_F(region, is_named_in_maps)
{
	char name[64], text[64 * 1024];

	ASSERT_NE(MAP_FAILED, map_shared(self->fd, PAGE));
	snprintf(name, sizeof(name), "/vmlab:%llu (deleted)\n", region_stat(self->fd).id);
	ASSERT_GT(text_read("/proc/self/maps", text, sizeof(text)), 0);
	EXPECT_NE(NULL, strstr(text, name));
}

TEST_F(region, is_its_own)
{
	int other = region_open();
	char *mine = map_shared(self->fd, PAGE);
	char *theirs = map_shared(other, PAGE);

	EXPECT_NE(region_stat(self->fd).id, region_stat(other).id);
	mine[0] = 1;
	EXPECT_EQ(0, theirs[0]);
	EXPECT_EQ(0, region_resident(self->fd) - 1);
}

TEST_F(region, is_shared_by_dup)
{
	int copy = dup(self->fd);

	EXPECT_EQ(region_stat(self->fd).id, region_stat(copy).id);
	EXPECT_EQ(1, pwrite(copy, "x", 1, 5 * PAGE));
	EXPECT_EQ(1, region_resident(self->fd));
}

/* Opening is cheap, and nothing of a region stays behind. */
TEST_F(region, opens_thousands)
{
	const int nr = rounds_of(10000);
	struct rlimit limit = { .rlim_cur = nr + 100, .rlim_max = nr + 100 };
	struct vmlab_features before = module_features();
	int *fds = calloc(nr, sizeof(*fds));
	__u64 last = region_stat(self->fd).id, id;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		SKIP_TEST("may not open %d files: %s", nr, strerror(errno));
	for (int i = 0; i < nr; i++) {
		fds[i] = region_open();
		ASSERT_GE(fds[i], 0);
		id = region_stat(fds[i]).id;
		ASSERT_GT(id, last);
		last = id;
		ASSERT_EQ(1, pwrite(fds[i], "x", 1, i * PAGE));
	}
	EXPECT_EQ(before.regions + nr, module_features().regions);
	EXPECT_EQ(before.pages + nr, module_features().pages);
	for (int i = 0; i < nr; i++)
		close(fds[i]);
	EXPECT_TRUE(EVENTUALLY(module_features().regions == before.regions));
	EXPECT_TRUE(EVENTUALLY(module_features().pages == before.pages));
}

/* Once a region was used, its shape stays. */

FIXTURE(used)
{
	int fd;
};

FIXTURE_VARIANT(used)
{
	int (*use)(int fd);
};

static int use_by_mapping(int fd)
{
	return map_shared(fd, PAGE) == MAP_FAILED;
}

static int use_by_past_mapping(int fd)
{
	return munmap(map_shared(fd, PAGE), PAGE);
}

static int use_by_reading(int fd)
{
	char byte;

	return pread(fd, &byte, 1, 0) != 1;
}

static int use_by_writing(int fd)
{
	return pwrite(fd, "x", 1, 0) != 1;
}

FIXTURE_VARIANT_ADD(used, mapped) { .use = use_by_mapping };
FIXTURE_VARIANT_ADD(used, once_mapped) { .use = use_by_past_mapping };
FIXTURE_VARIANT_ADD(used, read) { .use = use_by_reading };
FIXTURE_VARIANT_ADD(used, written) { .use = use_by_writing };

FIXTURE_SETUP(used)
{
	self->fd = region_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, variant->use(self->fd));
}

FIXTURE_TEARDOWN(used)
{
	close(self->fd);
}

TEST_F(used, cannot_be_configured)
{
	const struct vmlab_configure config = { .flags = VMLAB_REGION_STRICT, .size = PAGE };

	EXPECT_EQ(-1, region_configure(self->fd, &config));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(VMLAB_SIZE_DEFAULT, region_stat(self->fd).size);
	EXPECT_EQ(0, region_stat(self->fd).flags);
}

/* What configuring refuses (files: file.c). */

FIXTURE(refused)
{
	int fd;
};

FIXTURE_VARIANT(refused)
{
	struct vmlab_configure config;
};

FIXTURE_VARIANT_ADD(refused, flag_next) { .config = { .flags = 1 << 4 } };
FIXTURE_VARIANT_ADD(refused, flag_last) { .config = { .flags = 1U << 31 } };
FIXTURE_VARIANT_ADD(refused, flag_among_known) {
	.config = { .flags = VMLAB_REGION_STRICT | VMLAB_REGION_TRACK_DIRTY | 1 << 5 }
};

FIXTURE_VARIANT_ADD(refused, huge_and_strict) {
	.config = { .flags = VMLAB_REGION_HUGE | VMLAB_REGION_STRICT }
};

FIXTURE_VARIANT_ADD(refused, huge_and_tracked) {
	.config = { .flags = VMLAB_REGION_HUGE | VMLAB_REGION_TRACK_DIRTY }
};

FIXTURE_VARIANT_ADD(refused, huge_with_file) {
	.config = { .flags = VMLAB_REGION_HUGE, .backing = VMLAB_BACKING_FILE, .backing_fd = 0 }
};

FIXTURE_VARIANT_ADD(refused, backing_unknown) { .config = { .backing = 2 } };
FIXTURE_VARIANT_ADD(refused, backing_last) { .config = { .backing = ~0U } };
FIXTURE_VARIANT_ADD(refused, reserved) { .config = { .__reserved = 1 } };
FIXTURE_VARIANT_ADD(refused, fd_without_file) { .config = { .backing_fd = 1 } };
FIXTURE_VARIANT_ADD(refused, negative_fd_without_file) { .config = { .backing_fd = -1 } };
FIXTURE_VARIANT_ADD(refused, offset_without_file) { .config = { .backing_offset = PAGE } };
FIXTURE_VARIANT_ADD(refused, size_unaligned) { .config = { .size = PAGE + 1 } };
FIXTURE_VARIANT_ADD(refused, size_below_a_page) { .config = { .size = 1 } };
FIXTURE_VARIANT_ADD(refused, size_too_large) { .config = { .size = VMLAB_SIZE_MAX + PAGE } };
FIXTURE_VARIANT_ADD(refused, size_signed) { .config = { .size = 1ULL << 63 } };
FIXTURE_VARIANT_ADD(refused, size_last_page) { .config = { .size = -PAGE } };

FIXTURE_SETUP(refused)
{
	self->fd = region_open();
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(refused)
{
	close(self->fd);
}

TEST_F(refused, changes_nothing)
{
	const struct vmlab_configure good = { .size = PAGE };
	struct vmlab_stat before = region_stat(self->fd), after;

	EXPECT_EQ(-1, region_configure(self->fd, &variant->config));
	EXPECT_EQ(EINVAL, errno);
	after = region_stat(self->fd);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_EQ(0, region_configure(self->fd, &good));
	EXPECT_EQ(PAGE, region_stat(self->fd).size);
}

/* VMLAB_IOC_REGION_FD */

TEST_F(region, region_fd_is_a_file_of_the_same_region)
{
	int file = region_fd(self->fd, 0);
	struct stat stat;
	char byte;

	ASSERT_GE(file, 0);
	ASSERT_EQ(0, fstat(file, &stat));
	EXPECT_TRUE(S_ISREG(stat.st_mode));
	EXPECT_EQ(0, stat.st_nlink);
	EXPECT_EQ((off_t)VMLAB_SIZE_DEFAULT, stat.st_size);
	EXPECT_EQ(region_stat(self->fd).id, region_stat(file).id);
	EXPECT_EQ(1, pwrite(file, "x", 1, PAGE));
	EXPECT_EQ(1, pread(self->fd, &byte, 1, PAGE));
	EXPECT_EQ('x', byte);
}

TEST_F(region, region_fd_keeps_the_region)
{
	int file = region_fd(self->fd, 0);
	char byte = 0;

	EXPECT_EQ(1, pwrite(self->fd, "x", 1, PAGE));
	close(self->fd);
	EXPECT_EQ(1, pread(file, &byte, 1, PAGE));
	EXPECT_EQ('x', byte);
	self->fd = file;
}

TEST_F(region, region_fd_takes_cloexec)
{
	EXPECT_EQ(0, fcntl(region_fd(self->fd, 0), F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(region_fd(self->fd, O_CLOEXEC), F_GETFD));
}

TEST_F(region, region_fd_refuses)
{
	struct vmlab_region_fd reserved = { .__reserved = 1 };
	const __u32 flags[] = { 1, O_RDWR, O_NONBLOCK, O_APPEND, O_CLOEXEC | O_DIRECT, ~0U };
	int files = count_files();

	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(-1, region_fd(self->fd, flags[i]));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(-1, ioctl(self->fd, VMLAB_IOC_REGION_FD, &reserved));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(files, count_files());
}

TEST_F(region, region_fd_has_an_end)
{
	struct rlimit limit = { .rlim_cur = self->fd + 1, .rlim_max = 1024 };

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-1, region_fd(self->fd, 0));
	EXPECT_EQ(EMFILE, errno);
}

TEST_F(region, region_fd_has_the_same_access)
{
	int reader = region_open_as(O_RDONLY), writer = region_open_as(O_WRONLY);
	int file;

	file = region_fd(reader, 0);
	EXPECT_EQ(O_RDONLY, fcntl(file, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(-1, write(file, "x", 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(MAP_FAILED, map_shared(file, PAGE));
	EXPECT_EQ(EACCES, errno);
	file = region_fd(writer, 0);
	EXPECT_EQ(O_WRONLY, fcntl(file, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(1, write(file, "x", 1));
}

TEST_HARNESS_MAIN
