// SPDX-License-Identifier: GPL-2.0
/*
 * Every request: its struct's size, bad addresses, and signals that come while it runs.
 */
#include "vmlab_test.h"

#include <sys/time.h>

/* The first number that is no request's. */
#define UNUSED (_IOC_NR(VMLAB_IOC_RECORD) + 1)

FIXTURE(request)
{
	int fd;
	char *argument;		/* valid, with zeroes after it, up to an unmapped page */
	struct vmlab_stat list[4];
	struct vmlab_extent extents[4];
	struct vmlab_pool_stat pools[4];
	struct vmlab_histogram histograms[VMLAB_HISTOGRAMS];
};

FIXTURE_VARIANT(request)
{
	unsigned int number;
	bool reads;		/* takes something from the caller */
	unsigned int first_size; /* of the struct in the first version, if it has grown since */
};

FIXTURE_VARIANT_ADD(request, features) { .number = VMLAB_IOC_FEATURES };
FIXTURE_VARIANT_ADD(request, configure) { .number = VMLAB_IOC_CONFIGURE, .reads = true };
FIXTURE_VARIANT_ADD(request, stat) { .number = VMLAB_IOC_STAT, .first_size = 152 };
FIXTURE_VARIANT_ADD(request, list) { .number = VMLAB_IOC_LIST, .reads = true };
FIXTURE_VARIANT_ADD(request, extents) { .number = VMLAB_IOC_EXTENTS, .reads = true };
FIXTURE_VARIANT_ADD(request, region_fd) {
	.number = VMLAB_IOC_REGION_FD, .reads = true, .first_size = 8
};

FIXTURE_VARIANT_ADD(request, clone) { .number = VMLAB_IOC_CLONE, .reads = true };
FIXTURE_VARIANT_ADD(request, address) { .number = VMLAB_IOC_ADDRESS, .reads = true };
FIXTURE_VARIANT_ADD(request, pool_set) {
	.number = VMLAB_IOC_POOL_SET, .reads = true, .first_size = 56
};

FIXTURE_VARIANT_ADD(request, pool_stat) { .number = VMLAB_IOC_POOL_STAT, .first_size = 120 };
FIXTURE_VARIANT_ADD(request, advise) { .number = VMLAB_IOC_ADVISE, .reads = true };
FIXTURE_VARIANT_ADD(request, pool_list) { .number = VMLAB_IOC_POOL_LIST, .reads = true };
FIXTURE_VARIANT_ADD(request, pool_histograms) {
	.number = VMLAB_IOC_POOL_HISTOGRAMS, .reads = true
};

FIXTURE_VARIANT_ADD(request, record) { .number = VMLAB_IOC_RECORD, .reads = true };

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
	case VMLAB_IOC_POOL_LIST:
		*(struct vmlab_list *)self->argument = (struct vmlab_list){
			.buffer = (uintptr_t)self->pools,
			.count = ARRAY_SIZE(self->pools),
			.entry_size = sizeof(struct vmlab_pool_stat),
		};
		break;
	case VMLAB_IOC_POOL_HISTOGRAMS:
		*(struct vmlab_pool_histograms *)self->argument = (struct vmlab_pool_histograms){
			.buffer = (uintptr_t)self->histograms,
			.count = VMLAB_HISTOGRAMS,
			.entry_size = sizeof(struct vmlab_histogram),
		};
		break;
	case VMLAB_IOC_POOL_SET:
		*(struct vmlab_pool_set *)self->argument = (struct vmlab_pool_set){
			.what = VMLAB_POOL_LATENCY,
		};
		break;
	case VMLAB_IOC_ADVISE:
		*(struct vmlab_advise *)self->argument = (struct vmlab_advise){
			.length = 16 * PAGE,
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

TEST_F(request, takes_the_struct_of_the_first_version)
{
	unsigned int size = variant->first_size ?: _IOC_SIZE(variant->number);

	memset(self->argument + size, 0x5a, PAGE - size);
	EXPECT_EQ(0, request(self, resized(variant->number, size)));
	for (unsigned int i = size; i < PAGE; i++) {
		ASSERT_EQ(0x5a, self->argument[i]);
	}
}

TEST_F(request, refuses_a_shorter_struct)
{
	unsigned int first_size = variant->first_size ?: _IOC_SIZE(variant->number);
	unsigned int sizes[] = { 0, 4, 7, first_size - 1 };

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
		_IOC(_IOC_DIR(number), VMLAB_IOC_MAGIC, UNUSED, _IOC_SIZE(number)),
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

/* Each call is done or was not begun; an interrupted one can be made again. */
TEST_F(request, survives_signals)
{
	int files = count_files();

	for (size_t i = 0; i < 64; i++) {
		ASSERT_EQ(1, pwrite(self->fd, "x", 1, 2 * i * PAGE));
	}
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

TEST_HARNESS_MAIN
