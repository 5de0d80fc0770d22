// SPDX-License-Identifier: GPL-2.0
/*
 * Lazy zero-fill: a page appears when it is touched, zeroed, and not before;
 * faults in a row bring more, and nothing else does.
 */
#include "vmlab_test.h"

#define PAGES 1024UL

FIXTURE(zero)
{
	int fd;
	char *p;
};

FIXTURE_VARIANT(zero)
{
	__u32 flags;
};

FIXTURE_VARIANT_ADD(zero, plain) { };
FIXTURE_VARIANT_ADD(zero, strict) { .flags = VMLAB_REGION_STRICT };
FIXTURE_VARIANT_ADD(zero, track) { .flags = VMLAB_REGION_TRACK_DIRTY };
FIXTURE_VARIANT_ADD(zero, strict_track) { .flags = VMLAB_REGION_STRICT | VMLAB_REGION_TRACK_DIRTY };

FIXTURE_SETUP(zero)
{
	self->fd = region_zero(variant->flags, 0);
	ASSERT_GE(self->fd, 0);
	self->p = map_shared(self->fd, PAGES * PAGE);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN(zero)
{
	munmap(self->p, PAGES * PAGE);
	close(self->fd);
}

/* Every page once, and never one beside the last. */
static size_t scattered(size_t i)
{
	return i * 389 % PAGES;
}

TEST_F(zero, mmap_brings_nothing)
{
	struct vmlab_stat stat = region_stat(self->fd);

	EXPECT_EQ(0, stat.resident);
	EXPECT_EQ(0, stat.faults);
	EXPECT_EQ(variant->flags, stat.flags);
}

TEST_F(zero, mmap_of_a_tebibyte_brings_nothing)
{
	__u64 pages = module_features().pages;
	char *p = map_shared(self->fd, TIB);

	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, region_resident(self->fd));
	EXPECT_EQ(pages, module_features().pages);
	for (size_t i = 0; i < 100; i++)
		p[i * (TIB / 100) / PAGE * PAGE] = 1;
	EXPECT_EQ(100, region_resident(self->fd));
	EXPECT_EQ(pages + 100, module_features().pages);
	munmap(p, TIB);
}

TEST_F(zero, random_write_brings_one_page)
{
	for (size_t i = 0; i < PAGES; i++) {
		self->p[scattered(i) * PAGE + i] = 1;
		ASSERT_EQ(i + 1, region_resident(self->fd));
	}
	EXPECT_EQ(PAGES, region_stat(self->fd).zero_filled);
	EXPECT_EQ(PAGES, region_stat(self->fd).first_touch);
}

TEST_F(zero, random_read_brings_one_page)
{
	for (size_t i = 0; i < PAGES; i++) {
		ASSERT_EQ(0, self->p[scattered(i) * PAGE + i]);
		ASSERT_EQ(i + 1, region_resident(self->fd));
	}
}

TEST_F(zero, descending_touches_bring_one_page_each)
{
	for (size_t i = 0; i < PAGES; i++) {
		self->p[(PAGES - 1 - i) * PAGE] = 1;
		ASSERT_EQ(i + 1, region_resident(self->fd));
	}
}

TEST_F(zero, every_byte_is_zero)
{
	EXPECT_TRUE(all_zero(self->p, PAGES * PAGE));
	EXPECT_EQ(PAGES, region_resident(self->fd));
}

/* Frames that held something come back zeroed. */
TEST_F(zero, nothing_leaks_from_the_past)
{
	for (int round = 0; round < 4; round++) {
		int fd = region_zero(variant->flags, 0);
		char *p = map_shared(fd, PAGES * PAGE);

		ASSERT_TRUE(all_zero(p, PAGES * PAGE));
		memset(p, 0xa5, PAGES * PAGE);
		munmap(p, PAGES * PAGE);
		close(fd);
	}
}

TEST_F(zero, rest_of_a_written_page_is_zero)
{
	ASSERT_EQ(3, pwrite(self->fd, "abc", 3, 100));
	EXPECT_TRUE(all_zero(self->p, 100));
	EXPECT_EQ(0, memcmp(self->p + 100, "abc", 3));
	EXPECT_TRUE(all_zero(self->p + 103, PAGE - 103));
}

TEST_F(zero, read_of_holes_brings_nothing)
{
	char buffer[16 * PAGE];

	memset(buffer, 1, sizeof(buffer));
	EXPECT_EQ(sizeof(buffer), pread(self->fd, buffer, sizeof(buffer), 0));
	EXPECT_TRUE(all_zero(buffer, sizeof(buffer)));
	EXPECT_EQ(0, region_resident(self->fd));
}

TEST_F(zero, write_brings_what_it_touches)
{
	char buffer[2 * PAGE];

	fill(buffer, sizeof(buffer), 1);
	EXPECT_EQ(sizeof(buffer), pwrite(self->fd, buffer, sizeof(buffer), 7 * PAGE + 5));
	EXPECT_EQ(3, region_resident(self->fd));
	EXPECT_EQ(0, memcmp(self->p + 7 * PAGE + 5, buffer, sizeof(buffer)));
}

/* A page that is there is mapped at a fault, not made anew. */
TEST_F(zero, pages_outlive_their_mapping)
{
	struct vmlab_stat stat;

	for (size_t i = 0; i < PAGES; i++)
		self->p[i * PAGE] = i % 100 + 1;
	munmap(self->p, PAGES * PAGE);
	stat = region_stat(self->fd);
	self->p = map_shared(self->fd, PAGES * PAGE);
	for (size_t i = 0; i < PAGES; i++) {
		ASSERT_EQ(i % 100 + 1, self->p[i * PAGE]);
	}
	EXPECT_EQ(PAGES, region_resident(self->fd));
	EXPECT_EQ(stat.first_touch, region_stat(self->fd).first_touch);
	EXPECT_GT(region_stat(self->fd).refault, stat.refault);
}

/* Batching */

FIXTURE(batch)
{
	int fd;
};

FIXTURE_SETUP(batch)
{
	self->fd = region_open();
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(batch)
{
	close(self->fd);
}

/* Touches pages in order; pages that each fault brought, up to @max faults. */
static size_t windows(int fd, char *p, size_t pages, __u64 *window, size_t max)
{
	__u64 faults = region_stat(fd).faults, resident = region_resident(fd);
	size_t count = 0;

	for (size_t i = 0; i < pages && count < max; i++) {
		struct vmlab_stat stat;

		p[i * PAGE] = 1;
		stat = region_stat(fd);
		if (stat.faults == faults)
			continue;
		window[count++] = stat.resident - resident;
		faults = stat.faults;
		resident = stat.resident;
	}
	return count;
}

TEST_F(batch, ramps_up)
{
	char *p = map_shared(self->fd, PAGES * PAGE);
	__u64 window[PAGES], largest = 1;
	size_t count = windows(self->fd, p, PAGES, window, PAGES);

	EXPECT_LT(count, PAGES / 16);
	EXPECT_EQ(1, window[0]);
	EXPECT_EQ(1, window[1]);
	for (size_t i = 1; i < count; i++) {
		EXPECT_LE(window[i], 2 * window[i - 1]);
		if (window[i] > largest)
			largest = window[i];
	}
	EXPECT_EQ(BATCH_MAX, largest);
	EXPECT_EQ(PAGES, region_resident(self->fd));
	EXPECT_TRUE(all_zero(p + 1, PAGE - 1));
}

TEST_F(batch, stops_at_the_mappings_end)
{
	char *p = map_shared(self->fd, 50 * PAGE);

	for (size_t i = 0; i < 50; i++)
		p[i * PAGE] = 1;
	EXPECT_EQ(50, region_resident(self->fd));
}

TEST_F(batch, stops_at_the_regions_end)
{
	int fd = region_zero(0, 50 * PAGE);
	char *p = map_shared(fd, 50 * PAGE);

	for (size_t i = 0; i < 50; i++)
		p[i * PAGE] = 1;
	EXPECT_EQ(50, region_resident(fd));
}

TEST_F(batch, stops_at_a_truncated_end)
{
	char *p = map_shared(self->fd, PAGES * PAGE);

	ASSERT_EQ(0, ftruncate(region_fd(self->fd, 0), 50 * PAGE));
	for (size_t i = 0; i < 50; i++)
		p[i * PAGE] = 1;
	EXPECT_EQ(50, region_resident(self->fd));
	EXPECT_EQ(SIGBUS, trap_write(p + 50 * PAGE, 1));
	EXPECT_EQ(50, region_resident(self->fd));
}

TEST_F(batch, starts_anew_after_a_leap)
{
	char *p = map_shared(self->fd, 2 * PAGES * PAGE);
	__u64 window[PAGES], resident;

	windows(self->fd, p, PAGES, window, PAGES);
	resident = region_resident(self->fd);
	p[(PAGES + 500) * PAGE] = 1;
	EXPECT_EQ(resident + 1, region_resident(self->fd));
	p[(PAGES + 200) * PAGE] = 1;
	EXPECT_EQ(resident + 2, region_resident(self->fd));
}

TEST_F(batch, keeps_what_is_there)
{
	char *p = map_shared(self->fd, PAGES * PAGE);

	for (size_t i = 0; i < PAGES; i += 10) {
		ASSERT_EQ(1, pwrite(self->fd, "x", 1, i * PAGE + 5));
	}
	for (size_t i = 0; i < PAGES; i++)
		p[i * PAGE] = 1;
	for (size_t i = 0; i < PAGES; i++) {
		ASSERT_EQ(i % 10 ? 0 : 'x', p[i * PAGE + 5]);
	}
	EXPECT_EQ(PAGES, region_resident(self->fd));
}

TEST_F(batch, reads_are_batched_too)
{
	char *p = map_shared(self->fd, PAGES * PAGE);

	EXPECT_TRUE(all_zero(p, PAGES * PAGE));
	EXPECT_LT(region_stat(self->fd).faults, PAGES / 16);
}

TEST_F(batch, strict_never_batches)
{
	int fd = region_zero(VMLAB_REGION_STRICT, 0);
	char *p = map_shared(fd, PAGES * PAGE);

	for (size_t i = 0; i < PAGES; i++) {
		p[i * PAGE] = 1;
		ASSERT_EQ(i + 1, region_resident(fd));
	}
	EXPECT_EQ(PAGES, region_stat(fd).faults);
}

TEST_F(batch, tracked_writes_are_noticed_one_by_one)
{
	int fd = region_zero(VMLAB_REGION_TRACK_DIRTY, 0);
	char *p = map_shared(fd, PAGES * PAGE);

	for (size_t i = 0; i < PAGES; i++) {
		p[i * PAGE] = 1;
		ASSERT_EQ(i + 1, region_stat(fd).dirty);
	}
	EXPECT_EQ(PAGES, region_stat(fd).write_notify);
	p[0] = 2;
	EXPECT_EQ(PAGES, region_stat(fd).write_notify);
}

TEST_F(batch, tracked_reads_stay_clean)
{
	int fd = region_zero(VMLAB_REGION_TRACK_DIRTY, 0);
	char *p = map_shared(fd, PAGES * PAGE);

	EXPECT_TRUE(all_zero(p, PAGES * PAGE));
	EXPECT_EQ(0, region_stat(fd).dirty);
	EXPECT_EQ(0, region_stat(fd).write_notify);
	p[5 * PAGE] = 1;
	EXPECT_EQ(1, region_stat(fd).dirty);
	EXPECT_EQ(1, pwrite(fd, "x", 1, 9 * PAGE));
	EXPECT_EQ(2, region_stat(fd).dirty);
}

TEST_F(batch, resident_neighbours_are_mapped_together)
{
	char *p = map_shared(self->fd, PAGES * PAGE);
	struct vmlab_stat before;

	for (size_t i = 0; i < PAGES; i++)
		p[i * PAGE] = 1;
	munmap(p, PAGES * PAGE);
	before = region_stat(self->fd);
	p = map_shared(self->fd, PAGES * PAGE);
	for (size_t i = 0; i < PAGES; i++) {
		ASSERT_EQ(1, p[i * PAGE]);
	}
	EXPECT_LT(region_stat(self->fd).faults - before.faults, PAGES / 8);
}

TEST_HARNESS_MAIN
