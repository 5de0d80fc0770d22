// SPDX-License-Identifier: GPL-2.0
/*
 * What can be asked of regions beside their figures: which there are (VMLAB_IOC_LIST), and
 * which pages they have (VMLAB_IOC_EXTENTS).
 */
#include "region_test.h"

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
		.buffer = (uintptr_t)&entry, .count = 1, .entry_size = 152 - 8,
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

	for (size_t i = 0; i < 5; i++) {
		ASSERT_EQ(1, pwrite(self->fd, "x", 1, i * 7 * PAGE));
	}
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

TEST_HARNESS_MAIN
