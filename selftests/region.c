// SPDX-License-Identifier: GPL-2.0
/*
 * A region as a thing: opening, configuring and asking about it; what the
 * ioctls refuse, and that a refusal changes nothing.
 */
#include "vmlab_test.h"

#include <sys/time.h>

#define NOBODY 65534

FIXTURE(region)
{
	int fd;
};

FIXTURE_SETUP(region)
{
	self->fd = region_open();
	ASSERT_GE(self->fd, 0) {
		TH_LOG("%s: %s", DEVICE, strerror(errno));
	}
}

FIXTURE_TEARDOWN(region)
{
	close(self->fd);
}

TEST_F(region, features)
{
	struct vmlab_features features;

	memset(&features, 0xff, sizeof(features));
	ASSERT_EQ(0, ioctl(self->fd, VMLAB_IOC_FEATURES, &features));
	EXPECT_EQ(VMLAB_FEATURE_ZERO | VMLAB_FEATURE_FILE | VMLAB_FEATURE_STRICT |
		  VMLAB_FEATURE_TRACK_DIRTY | VMLAB_FEATURE_EXTENTS, features.features);
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
TEST_F(region, opens_10000)
{
	enum { OPENS = 10000 };
	struct rlimit limit = { .rlim_cur = OPENS + 100, .rlim_max = OPENS + 100 };
	struct vmlab_features before = module_features();
	int *fds = calloc(OPENS, sizeof(*fds));
	__u64 last = region_stat(self->fd).id;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		SKIP_TEST("may not open %d files: %s", OPENS, strerror(errno));
	for (int i = 0; i < OPENS; i++) {
		fds[i] = region_open();
		ASSERT_GE(fds[i], 0);
		ASSERT_GT(region_stat(fds[i]).id, last);
		last = region_stat(fds[i]).id;
		ASSERT_EQ(1, pwrite(fds[i], "x", 1, i * PAGE));
	}
	EXPECT_EQ(before.regions + OPENS, module_features().regions);
	EXPECT_EQ(before.pages + OPENS, module_features().pages);
	for (int i = 0; i < OPENS; i++)
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

FIXTURE_VARIANT_ADD(refused, flag_next) { .config = { .flags = 1 << 2 } };
FIXTURE_VARIANT_ADD(refused, flag_last) { .config = { .flags = 1U << 31 } };
FIXTURE_VARIANT_ADD(refused, flag_among_known) {
	.config = { .flags = VMLAB_REGION_STRICT | VMLAB_REGION_TRACK_DIRTY | 1 << 5 }
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

/* Every request: its struct's size, bad addresses, and signals that come while it runs. */

FIXTURE(request)
{
	int fd;
	char *argument;		/* valid, with zeroes after it, up to an unmapped page */
	struct vmlab_stat list[4];
	struct vmlab_extent extents[4];
};

FIXTURE_VARIANT(request)
{
	unsigned int number;
	bool reads;		/* takes something from the caller */
};

FIXTURE_VARIANT_ADD(request, features) { .number = VMLAB_IOC_FEATURES };
FIXTURE_VARIANT_ADD(request, configure) { .number = VMLAB_IOC_CONFIGURE, .reads = true };
FIXTURE_VARIANT_ADD(request, stat) { .number = VMLAB_IOC_STAT };
FIXTURE_VARIANT_ADD(request, list) { .number = VMLAB_IOC_LIST, .reads = true };
FIXTURE_VARIANT_ADD(request, extents) { .number = VMLAB_IOC_EXTENTS, .reads = true };
FIXTURE_VARIANT_ADD(request, region_fd) { .number = VMLAB_IOC_REGION_FD, .reads = true };

static unsigned int resized(unsigned int number, unsigned int size)
{
	return _IOC(_IOC_DIR(number), _IOC_TYPE(number), _IOC_NR(number), size);
}

/* Puts a valid argument in place, as every call changes it. */
static void renew(FIXTURE_DATA(request) *self, unsigned int number)
{
	memset(self->argument, 0, PAGE);
	switch (number) {
	case VMLAB_IOC_LIST:
		*(struct vmlab_list *)self->argument = (struct vmlab_list){
			.buffer = (uintptr_t)self->list,
			.count = ARRAY_SIZE(self->list),
			.entry_size = sizeof(struct vmlab_stat),
		};
		break;
	case VMLAB_IOC_EXTENTS:
		*(struct vmlab_extents *)self->argument = (struct vmlab_extents){
			.end = 16 * PAGE,
			.buffer = (uintptr_t)self->extents,
			.count = ARRAY_SIZE(self->extents),
		};
		break;
	}
}

static int request(FIXTURE_DATA(request) *self, unsigned int number)
{
	int result = ioctl(self->fd, number, self->argument);

	if (result > 0) {	/* a new descriptor */
		close(result);
		result = 0;
	}
	return result;
}

FIXTURE_SETUP(request)
{
	self->fd = region_open();
	ASSERT_GE(self->fd, 0);
	self->argument = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->argument);
	ASSERT_EQ(0, munmap(self->argument + PAGE, PAGE));
	renew(self, variant->number);
}

FIXTURE_TEARDOWN(request)
{
	close(self->fd);
}

TEST_F(request, takes_its_own_size)
{
	EXPECT_EQ(0, request(self, variant->number));
}

TEST_F(request, takes_a_longer_struct_with_zeroes)
{
	unsigned int size = _IOC_SIZE(variant->number);

	EXPECT_EQ(0, request(self, resized(variant->number, size + 8)));
	EXPECT_TRUE(all_zero(self->argument + size, PAGE - size));
}

TEST_F(request, takes_a_page_with_zeroes)
{
	EXPECT_EQ(0, request(self, resized(variant->number, PAGE)));
}

TEST_F(request, refuses_a_longer_struct_that_says_something_unknown)
{
	unsigned int size = _IOC_SIZE(variant->number);

	self->argument[size + 7] = 1;
	if (!variant->reads) {	/* what was there before an answer says nothing */
		EXPECT_EQ(0, request(self, resized(variant->number, size + 8)));
		EXPECT_EQ(0, self->argument[size + 7]);
		return;
	}
	EXPECT_EQ(-1, request(self, resized(variant->number, size + 8)));
	EXPECT_EQ(E2BIG, errno);
	self->argument[size + 7] = 0;
	EXPECT_EQ(0, request(self, variant->number));
}

TEST_F(request, refuses_a_shorter_struct)
{
	unsigned int sizes[] = { 0, 4, 7, _IOC_SIZE(variant->number) - 1 };

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_EQ(-1, request(self, resized(variant->number, sizes[i])));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(0, request(self, variant->number));
}

TEST_F(request, refuses_a_longer_struct_that_ends_outside_memory)
{
	unsigned int size = _IOC_SIZE(variant->number);

	memmove(self->argument + PAGE - size, self->argument, size);
	self->argument += PAGE - size;
	EXPECT_EQ(-1, request(self, resized(variant->number, size + 8)));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, request(self, variant->number));
}

TEST_F(request, refuses_bad_addresses)
{
	char *bad[] = { NULL, self->argument + PAGE, self->argument + PAGE - 1, (char *)-PAGE };

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-1, ioctl(self->fd, variant->number, bad[i]));
		EXPECT_EQ(EFAULT, errno);
	}
	EXPECT_EQ(0, request(self, variant->number));
}

/* Numbers and directions beside this one are not requests. */
TEST_F(request, is_known_only_as_itself)
{
	unsigned int number = variant->number;
	unsigned int unknown[] = {
		_IOC(_IOC_DIR(number), VMLAB_IOC_MAGIC, 6, _IOC_SIZE(number)),
		_IOC(_IOC_DIR(number), VMLAB_IOC_MAGIC, 255, _IOC_SIZE(number)),
		_IOC(_IOC_DIR(number), VMLAB_IOC_MAGIC + 1, _IOC_NR(number), _IOC_SIZE(number)),
		_IOC(_IOC_NONE, VMLAB_IOC_MAGIC, _IOC_NR(number), _IOC_SIZE(number)),
		0,
		~0U,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT_EQ(-1, request(self, unknown[i]));
		EXPECT_EQ(ENOTTY, errno);
	}
}

static volatile sig_atomic_t ignored_signals;

static void ignore_signal(int number)
{
	(void)number;
	ignored_signals++;
}

/* A timer that interrupts system calls, and the calls are not restarted. */
static void alarms(unsigned int microseconds)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	struct itimerval timer = {
		.it_interval.tv_usec = microseconds,
		.it_value.tv_usec = microseconds,
	};

	sigaction(SIGVTALRM, &action, NULL);
	sigaction(SIGPROF, &action, NULL);
	setitimer(ITIMER_PROF, &timer, NULL);
}

static int count_files(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Each call is done or was not begun; an interrupted one can be made again. */
TEST_F(request, survives_signals)
{
	int files = count_files();

	for (size_t i = 0; i < 64; i++)
		ASSERT_EQ(1, pwrite(self->fd, "x", 1, 2 * i * PAGE));
	alarms(50);
	while (ignored_signals < 50) {
		int result;

		if (variant->number == VMLAB_IOC_CONFIGURE) {
			close(self->fd);
			do {
				self->fd = region_open();
			} while (self->fd < 0 && errno == EINTR);
			ASSERT_GE(self->fd, 0);
		}
		do {
			renew(self, variant->number);
			result = request(self, variant->number);
		} while (result < 0 && errno == EINTR);
		ASSERT_EQ(0, result);
	}
	alarms(0);
	EXPECT_EQ(files, count_files());
}

/* A 32-bit program makes the same requests through the other entry. */
TEST_F(request, works_from_32_bits)
{
	char *low = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long result = 54;	/* ioctl */

	ASSERT_NE(MAP_FAILED, low);
	if (access("/proc/sys/abi/vsyscall32", F_OK))
		SKIP(return, "this kernel runs no 32-bit programs");
	memcpy(low, self->argument, PAGE);
	asm volatile("int $0x80" : "+a"(result)
		     : "b"(self->fd), "c"(variant->number), "d"(low)
		     : "memory", "r8", "r9", "r10", "r11");
	EXPECT_GE(result, 0);
	result = 54;
	asm volatile("int $0x80" : "+a"(result)
		     : "b"(self->fd), "c"(_IO(VMLAB_IOC_MAGIC, 77)), "d"(low)
		     : "memory", "r8", "r9", "r10", "r11");
	EXPECT_EQ(-ENOTTY, result);
}

/* VMLAB_IOC_LIST */

static int list(int fd, struct vmlab_list *request)
{
	request->entry_size = sizeof(struct vmlab_stat);
	return ioctl(fd, VMLAB_IOC_LIST, request);
}

static bool list_holds(int fd, __u64 id)
{
	struct vmlab_stat entry;
	struct vmlab_list request = { .cursor = id, .buffer = (uintptr_t)&entry, .count = 1 };

	return !list(fd, &request) && request.count == 1 && entry.id == id;
}

TEST_F(region, list_finds_it)
{
	struct vmlab_stat entry, stat;
	struct vmlab_list request = {
		.cursor = region_stat(self->fd).id,
		.buffer = (uintptr_t)&entry,
		.count = 1,
	};

	ASSERT_EQ(5, pwrite(self->fd, "hello", 5, 0));
	ASSERT_EQ(0, list(self->fd, &request));
	ASSERT_EQ(1, request.count);
	stat = region_stat(self->fd);
	EXPECT_EQ(0, memcmp(&stat, &entry, sizeof(stat)));
}

TEST_F(region, list_goes_on_where_it_stopped)
{
	struct vmlab_stat entry;
	struct vmlab_list request = { .buffer = (uintptr_t)&entry, .count = 1 };
	unsigned int found = 0;
	__u64 last = 0, mine[3];

	for (int i = 0; i < 3; i++)
		mine[i] = region_stat(region_open()).id;
	do {
		request.count = 1;
		ASSERT_EQ(0, list(self->fd, &request));
		if (!request.count)
			break;
		EXPECT_GT(entry.id, last);
		last = entry.id;
		for (int i = 0; i < 3; i++)
			found += entry.id == mine[i];
	} while (request.cursor);
	EXPECT_EQ(3, found);
}

TEST_F(region, list_forgets_the_closed)
{
	int other = region_open();
	__u64 id = region_stat(other).id;

	EXPECT_TRUE(list_holds(self->fd, id));
	close(other);
	EXPECT_TRUE(EVENTUALLY(!list_holds(self->fd, id)));
}

TEST_F(region, list_shows_strangers_nothing)
{
	__u64 id = region_stat(self->fd).id;

	if (getuid())
		SKIP(return, "not root, so nobody to become");
	EXPECT_TRUE(list_holds(self->fd, id));
	EXPECT_TRUE(IN_CHILD(!setresuid(NOBODY, NOBODY, NOBODY) && !list_holds(self->fd, id)));
}

TEST_F(region, list_refuses)
{
	struct vmlab_stat entry;
	struct vmlab_list request = {
		.buffer = (uintptr_t)&entry, .count = 1, .entry_size = sizeof(entry) - 8,
	};
	__u64 id = region_stat(self->fd).id;

	EXPECT_EQ(-1, ioctl(self->fd, VMLAB_IOC_LIST, &request));
	EXPECT_EQ(EINVAL, errno);
	request.entry_size = 0;
	EXPECT_EQ(-1, ioctl(self->fd, VMLAB_IOC_LIST, &request));
	EXPECT_EQ(EINVAL, errno);
	request = (struct vmlab_list){ .cursor = id, .buffer = 8, .count = 1 };
	EXPECT_EQ(-1, list(self->fd, &request));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(id, request.cursor);
	EXPECT_EQ(1, request.count);
}

/* VMLAB_IOC_EXTENTS */

static int extents(int fd, __u64 start, __u64 end, struct vmlab_extent *buffer, __u32 count)
{
	struct vmlab_extents request = {
		.start = start, .end = end, .buffer = (uintptr_t)buffer, .count = count,
	};
	int result = ioctl(fd, VMLAB_IOC_EXTENTS, &request);

	return result ?: (int)request.count;
}

TEST_F(region, extents_of_the_untouched_are_none)
{
	struct vmlab_extent found[4];

	EXPECT_EQ(0, extents(self->fd, 0, VMLAB_SIZE_DEFAULT, found, 4));
}

TEST_F(region, extents_show_runs)
{
	struct vmlab_extent found[4];
	char *p = map_shared(self->fd, 32 * PAGE);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_TRUE(writes_filled(self->fd, 3 * PAGE, PAGE, 1));
	ASSERT_TRUE(writes_filled(self->fd, 10 * PAGE, 2 * PAGE, 1));
	ASSERT_EQ(2, extents(self->fd, PAGE, 64 * PAGE, found, 4));
	EXPECT_EQ(3 * PAGE, found[0].start);
	EXPECT_EQ(PAGE, found[0].length);
	EXPECT_EQ(VMLAB_PAGE_RESIDENT, found[0].state);
	EXPECT_EQ(0, found[0].__reserved);
	EXPECT_EQ(10 * PAGE, found[1].start);
	EXPECT_EQ(2 * PAGE, found[1].length);
}

TEST_F(region, extents_tell_the_mapped)
{
	struct vmlab_extent found[2];
	char *p = map_shared(self->fd, PAGE);

	p[0] = 1;
	ASSERT_EQ(1, extents(self->fd, 0, 64 * PAGE, found, 2));
	EXPECT_EQ(VMLAB_PAGE_RESIDENT | VMLAB_PAGE_MAPPED, found[0].state);
	munmap(p, PAGE);
	ASSERT_EQ(1, extents(self->fd, 0, 64 * PAGE, found, 2));
	EXPECT_EQ(VMLAB_PAGE_RESIDENT, found[0].state);
}

TEST_F(region, extents_tell_the_dirty)
{
	const struct vmlab_configure config = { .flags = VMLAB_REGION_TRACK_DIRTY };
	struct vmlab_extent found[4];
	char *p;

	ASSERT_EQ(0, region_configure(self->fd, &config));
	p = map_shared(self->fd, 8 * PAGE);
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(0, trap_read(p + i * PAGE));
	ASSERT_EQ(1, extents(self->fd, 0, 8 * PAGE, found, 4));
	EXPECT_EQ(0, found[0].state & VMLAB_PAGE_DIRTY);
	p[4 * PAGE] = 1;
	ASSERT_EQ(3, extents(self->fd, 0, 8 * PAGE, found, 4));
	EXPECT_EQ(4 * PAGE, found[1].start);
	EXPECT_EQ(PAGE, found[1].length);
	EXPECT_NE(0, found[1].state & VMLAB_PAGE_DIRTY);
	EXPECT_EQ(0, (found[0].state | found[2].state) & VMLAB_PAGE_DIRTY);
}

TEST_F(region, extents_go_on_where_they_stopped)
{
	struct vmlab_extent found;
	struct vmlab_extents request = { .end = 64 * PAGE, .buffer = (uintptr_t)&found };
	size_t runs = 0;

	for (size_t i = 0; i < 5; i++)
		ASSERT_EQ(1, pwrite(self->fd, "x", 1, i * 7 * PAGE));
	while (request.start < request.end) {
		request.count = 1;
		ASSERT_EQ(0, ioctl(self->fd, VMLAB_IOC_EXTENTS, &request));
		if (!request.count)
			break;
		EXPECT_EQ(runs * 7 * PAGE, found.start);
		runs++;
	}
	EXPECT_EQ(5, runs);
	EXPECT_EQ(request.end, request.start);
}

TEST_F(region, extents_refuse)
{
	struct vmlab_extent found;
	struct vmlab_extents request = {
		.end = PAGE, .buffer = (uintptr_t)&found, .count = 1, .__reserved = 1,
	};

	EXPECT_EQ(-1, ioctl(self->fd, VMLAB_IOC_EXTENTS, &request));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, extents(self->fd, 1, PAGE, &found, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, extents(self->fd, 0, PAGE + 1, &found, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, extents(self->fd, 2 * PAGE, PAGE, &found, 1));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 0));
	EXPECT_EQ(-1, extents(self->fd, 0, PAGE, (struct vmlab_extent *)8, 1));
	EXPECT_EQ(EFAULT, errno);
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
