// SPDX-License-Identifier: GPL-2.0
/*
 * libvmlab against the module. (What needs no module is tested in tools/lib.)
 */
#include "scratch_test.h"

#include "../tools/lib/vmlab.h"

TEST(opens)
{
	int fd = vmlab_open(O_RDWR | O_CLOEXEC);
	struct stat stat;

	ASSERT_GE(fd, 0);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	ASSERT_EQ(0, fstat(fd, &stat));
	EXPECT_TRUE(S_ISREG(stat.st_mode));
	EXPECT_EQ(0, ftruncate(fd, PAGE));
	EXPECT_EQ(-EINVAL, vmlab_open(O_RDWR | O_TRUNC));
}

TEST(opens_a_file)
{
	struct scratch scratch;
	const char *reason = scratch_make(&scratch, "tmpfs", 16 * MIB);
	char path[128], *p;
	int file, fd;

	if (reason)
		SKIP(return, "%s", reason);
	file = scratch_file(&scratch, "file", 4 * PAGE, 1);
	snprintf(path, sizeof(path), "%s/file", scratch.dir);
	fd = vmlab_open_file(path, O_RDWR, PAGE, 2 * PAGE);
	ASSERT_GE(fd, 0);
	p = map_shared(fd, 2 * PAGE);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, 2 * PAGE, 7);
	EXPECT_EQ(0, fsync(fd));
	EXPECT_TRUE(reads_filled(file, PAGE, 2 * PAGE, 7));
	EXPECT_TRUE(reads_filled(file, 0, PAGE, 1));
	EXPECT_EQ(-EINVAL, vmlab_open_file(path, O_RDWR, 1, 0));
	EXPECT_EQ(-EINVAL, vmlab_open_file(scratch.dir, O_RDONLY, 0, 0));
	EXPECT_EQ(-ENOENT, vmlab_open_file("/nonexistent", O_RDONLY, 0, 0));
	close(fd);
	munmap(p, 2 * PAGE);
	scratch_remove(&scratch);
}

TEST(features_and_stat)
{
	struct vmlab_features features;
	struct vmlab_stat stat;
	int fd = vmlab_open(O_RDWR);

	EXPECT_EQ(0, vmlab_features(fd, &features));
	EXPECT_EQ(PAGE, features.page_size);
	EXPECT_EQ(0, vmlab_stat(fd, &stat));
	EXPECT_EQ(region_stat(fd).id, stat.id);
	EXPECT_EQ(-EBADF, vmlab_stat(-1, &stat));
	EXPECT_EQ(-ENOTTY, vmlab_stat(open("/dev/null", O_RDWR), &stat));
	EXPECT_EQ(-ENOTTY, vmlab_features(memfd_create("x", 0), &features));
}

TEST(configures)
{
	struct vmlab_configure config = { .flags = VMLAB_REGION_STRICT, .size = PAGE };
	int fd = vmlab_open(O_RDWR);

	EXPECT_EQ(0, vmlab_configure(fd, &config));
	EXPECT_EQ(-EBUSY, vmlab_configure(fd, &config));
	EXPECT_EQ(PAGE, region_stat(fd).size);
}

TEST(sets_a_pool_and_tells_its_figures)
{
	struct vmlab_pool_set set = {
		.what = VMLAB_POOL_BUDGET | VMLAB_POOL_POLICY,
		.budget = VMLAB_POOL_BUDGET_MIN,
		.policy = "sieve",
	};
	int fd = vmlab_open(O_RDWR), reader = vmlab_open(O_RDONLY);
	struct vmlab_pool_stat stat;

	EXPECT_EQ(0, vmlab_pool_stat(fd, &stat));
	EXPECT_EQ(VMLAB_POOL_UNLIMITED_BUDGET, stat.budget);
	EXPECT_EQ(0, vmlab_pool_set(fd, &set));
	for (size_t i = 0; i < 32; i++) {
		ASSERT_EQ(1, pwrite(fd, "x", 1, i * PAGE));
	}
	EXPECT_EQ(0, vmlab_pool_stat(fd, &stat));
	EXPECT_EQ(VMLAB_POOL_BUDGET_MIN, stat.budget);
	EXPECT_STREQ("sieve", (char *)stat.policy);
	EXPECT_EQ(32, stat.resident + stat.stored);
	EXPECT_LE(stat.resident, VMLAB_POOL_BUDGET_MIN / PAGE);
	set.what = VMLAB_POOL_CODEC;
	memcpy(set.codec, "lz4", 4);	/* which it has */
	EXPECT_EQ(0, vmlab_pool_set(fd, &set));
	memcpy(set.codec, "zstd", 5);
	EXPECT_EQ(-EBUSY, vmlab_pool_set(fd, &set));
	EXPECT_EQ(-EBADF, vmlab_pool_set(reader, &set));
	set.what = 0;
	EXPECT_EQ(-EINVAL, vmlab_pool_set(fd, &set));
	EXPECT_EQ(-EBADF, vmlab_pool_stat(-1, &stat));
	EXPECT_EQ(-ENOTTY, vmlab_pool_stat(open("/dev/null", O_RDWR), &stat));
}

TEST(advice)
{
	int fd = vmlab_open(O_RDWR);
	char *p = map(fd, 4 * PAGE, RW, MAP_SHARED, 0);
	struct vmlab_stat stat;

	fill(p, 4 * PAGE, 1);
	EXPECT_EQ(3, vmlab_advise(fd, VMLAB_ADVISE_EVICT, PAGE, 3 * PAGE));
	ASSERT_EQ(0, vmlab_stat(fd, &stat));
	EXPECT_EQ(3, stat.stored);
	EXPECT_EQ(2, vmlab_advise_at(p + 2 * PAGE, 2 * PAGE, VMLAB_ADVISE_PREFETCH));
	ASSERT_EQ(0, vmlab_stat(fd, &stat));
	EXPECT_EQ(1, stat.stored);
	EXPECT_TRUE(filled(p, 4 * PAGE, 1));
	EXPECT_EQ(-ENOSPC, vmlab_advise(fd, VMLAB_ADVISE_PIN, 0, PAGE));
	EXPECT_EQ(-EINVAL, vmlab_advise(fd, VMLAB_ADVISE_EVICT, 1, PAGE));
	EXPECT_EQ(-EFAULT, vmlab_advise_at(p + 2 * PAGE, 3 * PAGE, VMLAB_ADVISE_EVICT));
	EXPECT_EQ(-EBADF, vmlab_advise(-1, VMLAB_ADVISE_EVICT, 0, PAGE));
}

TEST(list_has_every_region_once)
{
	enum { REGIONS = 300 };
	struct vmlab_stat *list = NULL;
	size_t count = 0, found = 0;
	int fds[REGIONS];
	__u64 last = 0;

	for (int i = 0; i < REGIONS; i++)
		fds[i] = vmlab_open(O_RDWR);
	ASSERT_EQ(0, vmlab_list(fds[0], &list, &count));
	for (size_t i = 0; i < count; i++) {
		EXPECT_GT(list[i].id, last);
		last = list[i].id;
		found += list[i].id >= region_stat(fds[0]).id &&
			 list[i].id <= region_stat(fds[REGIONS - 1]).id;
	}
	EXPECT_EQ(REGIONS, found);
	free(list);
}

static int count_extent(const struct vmlab_extent *extent, void *arg)
{
	*(__u64 *)arg += extent->length;
	return 0;
}

static int stop_at_once(const struct vmlab_extent *extent, void *arg)
{
	(void)extent;
	++*(__u64 *)arg;
	return 42;
}

TEST(walks_extents)
{
	int fd = vmlab_open(O_RDWR);
	__u64 bytes = 0;

	for (size_t i = 0; i < 500; i++) {
		ASSERT_EQ(1, pwrite(fd, "x", 1, 3 * i * PAGE));
	}
	EXPECT_EQ(0, vmlab_extents(fd, 0, VMLAB_SIZE_DEFAULT, count_extent, &bytes));
	EXPECT_EQ(500 * PAGE, bytes);
	bytes = 0;
	EXPECT_EQ(42, vmlab_extents(fd, 0, VMLAB_SIZE_DEFAULT, stop_at_once, &bytes));
	EXPECT_EQ(1, bytes);
	EXPECT_EQ(-EINVAL, vmlab_extents(fd, 1, PAGE, count_extent, &bytes));
}

TEST(clones)
{
	int fd = vmlab_open(O_RDWR), other;
	char *p = map_shared(fd, 4 * PAGE);

	fill(p, 4 * PAGE, 1);
	other = vmlab_clone(fd, O_CLOEXEC);
	ASSERT_GE(other, 0);
	EXPECT_EQ(FD_CLOEXEC, fcntl(other, F_GETFD));
	EXPECT_EQ(0, fcntl(vmlab_clone(fd, 0), F_GETFD));
	fill(p, 4 * PAGE, 2);
	EXPECT_TRUE(reads_filled(other, 0, 4 * PAGE, 1));
	EXPECT_TRUE(filled(p, 4 * PAGE, 2));
	EXPECT_EQ(-EINVAL, vmlab_clone(fd, O_RDWR));
	EXPECT_EQ(-EBADF, vmlab_clone(-1, 0));
	EXPECT_EQ(-EBADF, vmlab_clone(vmlab_open(O_WRONLY), 0));
	EXPECT_EQ(-ENOTTY, vmlab_clone(memfd_create("x", 0), 0));
}

TEST(clones_by_address)
{
	int fd = vmlab_open(O_RDWR), other;
	char *p = map_shared(fd, 4 * PAGE), *q = map(fd, PAGE, PROT_WRITE, MAP_SHARED, 0), byte;

	fill(p, 4 * PAGE, 1);
	other = vmlab_clone_at(p + PAGE + 7, O_CLOEXEC);
	ASSERT_GE(other, 0);
	EXPECT_EQ(FD_CLOEXEC, fcntl(other, F_GETFD));
	EXPECT_TRUE(reads_filled(other, 0, 4 * PAGE, 1));
	EXPECT_EQ(-EINVAL, vmlab_clone_at(p, O_RDWR));
	EXPECT_EQ(-EACCES, vmlab_clone_at(q, 0));
	EXPECT_EQ(-EFAULT, vmlab_clone_at(&byte, 0));
	EXPECT_EQ(-EFAULT, vmlab_clone_at(NULL, 0));
}

TEST(finds_a_region_by_its_address)
{
	int fd = vmlab_open(O_RDWR), found;
	__u64 id = region_stat(fd).id;
	char *p = map_shared(fd, PAGE), *q = map(fd, PAGE, PROT_WRITE, MAP_SHARED, 0), byte;

	close(fd);
	found = vmlab_region_at(p + 5, O_CLOEXEC);
	ASSERT_GE(found, 0);
	EXPECT_EQ(FD_CLOEXEC, fcntl(found, F_GETFD));
	EXPECT_EQ(id, region_stat(found).id);
	EXPECT_EQ(1, pwrite(found, "x", 1, 0));
	EXPECT_EQ('x', p[0]);
	EXPECT_EQ(-EINVAL, vmlab_region_at(p, O_RDWR));
	EXPECT_EQ(-EACCES, vmlab_region_at(q, 0));
	EXPECT_EQ(-EFAULT, vmlab_region_at(&byte, 0));
	EXPECT_EQ(-EFAULT, vmlab_region_at(NULL, 0));
}

TEST(a_child_finds_its_own)
{
	struct vmlab_configure config = { .flags = VMLAB_REGION_COW_FORK };
	int fd = vmlab_open(O_RDWR);
	char *p;

	ASSERT_EQ(0, vmlab_configure(fd, &config));
	p = map_shared(fd, PAGE);
	p[0] = 1;
	EXPECT_TRUE(IN_CHILD(({
		int own, other;
		char byte;

		p[0] = 2;
		own = vmlab_region_at(p, 0);
		other = vmlab_clone_at(p, 0);
		region_stat(own).id != region_stat(fd).id && region_stat(own).cow_copies == 1 &&
			pread(other, &byte, 1, 0) == 1 && byte == 2;
	})));
	EXPECT_EQ(1, p[0]);
}

/* A list whose links are pointers, walked by somebody else. */

struct link {
	struct link *next;
	int value;
};

TEST(maps_at_one_address_in_all_processes)
{
	int fd = vmlab_open(O_RDWR), reading = vmlab_region_at(map_shared(fd, PAGE), 0), clone;
	void *first, *second;
	struct link *link;

	ASSERT_EQ(0, vmlab_map_global(fd, 4 * PAGE, RW, &first));
	link = first;
	for (int i = 0; i < 4; i++) {
		link->value = i;
		link->next = i < 3 ? first + (i + 1) * PAGE : NULL;
		link = link->next;
	}
	EXPECT_EQ(-EEXIST, vmlab_map_global(fd, 4 * PAGE, RW, &second));
	munmap(first, 4 * PAGE);
	EXPECT_TRUE(IN_CHILD(({
		int sum = 0;
		int ret = vmlab_map_global(reading, 4 * PAGE, PROT_READ, &second);

		for (link = second; !ret && link; link = link->next)
			sum = sum * 10 + link->value;
		second == first && sum == 123;
	})));
	clone = vmlab_clone(fd, 0);
	ASSERT_EQ(0, vmlab_map_global(clone, 4 * PAGE, PROT_READ, &second));
	EXPECT_EQ(first, second);
	EXPECT_EQ(3, ((struct link *)(second + 3 * PAGE))->value);
}

TEST(only_a_writer_chooses_the_address)
{
	int fd = vmlab_open(O_RDONLY);
	void *p;

	EXPECT_EQ(-EBADF, vmlab_map_global(fd, PAGE, PROT_READ, &p));
	EXPECT_EQ(-EBADF, vmlab_map_global(-1, PAGE, PROT_READ, &p));
	EXPECT_EQ(-ENOTTY, vmlab_map_global(memfd_create("other", 0), PAGE, PROT_READ, &p));
}

TEST_HARNESS_MAIN
