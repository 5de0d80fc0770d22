// SPDX-License-Identifier: GPL-2.0
/* Pools: regions with a budget, whose pages are evicted and brought back. */
#include "swap_region_test.h"

TEST_F(swap, read_and_write)
{
	unsigned long buffer[PAGE / 8], page;

	fill_all(self->mem, PAGES, 1);
	for (page = 0; page < PAGES; page++) {
		ASSERT_EQ(pread(self->fd, buffer, PAGE, page * PAGE), PAGE);
		EXPECT_TRUE(!memcmp(buffer, self->mem + page * (PAGE / 8), PAGE));
	}
	for (page = 0; page < PAGES; page++) {
		buffer[0] = word(page, 0, 2);
		ASSERT_EQ(pwrite(self->fd, buffer, 8, page * PAGE), 8);
	}
	for (page = 0; page < PAGES; page++) {
		EXPECT_EQ(self->mem[page * (PAGE / 8)], word(page, 0, 2));
		EXPECT_EQ(self->mem[page * (PAGE / 8) + 16], word(page, 16, 1));
	}
}

TEST_F(swap, holes)
{
	int fd = ioctl(self->fd, VMLAB_IOC_REGION_FD, &(struct vmlab_region_fd){});
	unsigned long page;

	ASSERT_GE(fd, 0);
	fill_all(self->mem, PAGES, 1);
	ASSERT_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10 * PAGE, 50 * PAGE),
		  0);
	ASSERT_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100 * PAGE + 128, 128),
		  0);
	EXPECT_EQ(lseek(fd, 0, SEEK_HOLE), 10 * PAGE);
	EXPECT_EQ(lseek(fd, 10 * PAGE, SEEK_DATA), 60 * PAGE);
	EXPECT_EQ(pool_pages(fd), PAGES - 50);
	for (page = 0; page < PAGES; page++) {
		if (page >= 10 && page < 60) {
			EXPECT_EQ(self->mem[page * (PAGE / 8)], 0);
		} else if (page == 100) {
			EXPECT_EQ(self->mem[page * (PAGE / 8) + 16], 0);
		} else {
			EXPECT_TRUE(is_filled(self->mem, page, 1));
		}
	}
	EXPECT_EQ(self->mem[100 * (PAGE / 8)], word(100, 0, 1));
	EXPECT_EQ(self->mem[100 * (PAGE / 8) + 32], word(100, 32, 1));
	EXPECT_EQ(close(fd), 0);
}

TEST_F(swap, clones)
{
	unsigned long *clone, *second, page;
	int fd, fd2;

	fill_all(self->mem, PAGES, 1);
	fd = ioctl(self->fd, VMLAB_IOC_CLONE, &(struct vmlab_clone){});
	ASSERT_GE(fd, 0);
	clone = map_pages(fd, PAGES);
	EXPECT_EQ(count_wrong(clone, PAGES, 1), 0);
	EXPECT_EQ(pool_pages(fd), PAGES);
	for (page = 0; page < PAGES; page += 2)
		fill_page(self->mem, page, 2);
	fd2 = ioctl(self->fd, VMLAB_IOC_CLONE, &(struct vmlab_clone){});
	ASSERT_GE(fd2, 0);
	second = map_pages(fd2, PAGES);
	for (page = 0; page < PAGES; page += 3)
		fill_page(clone, page, 3);
	for (page = 0; page < PAGES; page++) {
		EXPECT_TRUE(is_filled(self->mem, page, page % 2 ? 1 : 2));
		EXPECT_TRUE(is_filled(clone, page, page % 3 ? 1 : 3));
		EXPECT_TRUE(is_filled(second, page, page % 2 ? 1 : 2));
	}
	EXPECT_LE(pool_stat(fd).resident, BUDGET_PAGES);
	/* Without the clones what they alone had is gone. */
	munmap(clone, PAGES * PAGE);
	munmap(second, PAGES * PAGE);
	close(fd);
	close(fd2);
	EXPECT_TRUE(EVENTUALLY(pool_pages(self->fd) == PAGES));
}

TEST_F(swap, forks)
{
	unsigned long page;
	int status;
	pid_t child;

	fill_all(self->mem, PAGES, 1);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		unsigned long wrong = count_wrong(self->mem, PAGES, 1);

		if (variant->flags & VMLAB_REGION_COW_FORK) {
			fill_all(self->mem, PAGES, 2);
			wrong += count_wrong(self->mem, PAGES, 2);
		}
		_exit(wrong ? 1 : 0);
	}
	if (variant->flags & VMLAB_REGION_COW_FORK) {
		for (page = 0; page < PAGES; page += 5)
			fill_page(self->mem, page, 3);
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	for (page = 0; page < PAGES; page++) {
		bool apart = variant->flags & VMLAB_REGION_COW_FORK;

		EXPECT_TRUE(is_filled(self->mem, page, apart && !(page % 5) ? 3 : 1));
	}
}

TEST_F(swap, budget_moves)
{
	fill_all(self->mem, PAGES, 1);
	EXPECT_EQ(set_budget(self->fd, 4 * BUDGET), 0);
	EXPECT_EQ(count_wrong(self->mem, PAGES, 1), 0);
	EXPECT_EQ(set_budget(self->fd, 2 * BUDGET), 0);
	EXPECT_LE(pool_stat(self->fd).resident, 2 * BUDGET_PAGES);
	EXPECT_EQ(set_budget(self->fd, VMLAB_POOL_UNLIMITED_BUDGET), 0);
	EXPECT_EQ(count_wrong(self->mem, PAGES, 1), 0);
	EXPECT_EQ(pool_stat(self->fd).stored, 0);
	EXPECT_EQ(set_budget(self->fd, BUDGET), 0);
	EXPECT_LE(pool_stat(self->fd).resident, BUDGET_PAGES);
	EXPECT_EQ(count_wrong(self->mem, PAGES, 1), 0);
}

static unsigned long count_resident(int fd, unsigned long first, unsigned long pages)
{
	struct vmlab_extent extents[64];
	struct vmlab_extents args = { .start = first * PAGE, .end = (first + pages) * PAGE,
				      .buffer = (unsigned long)extents, .count = 64 };
	unsigned long resident = 0;
	unsigned int i;

	while (args.start < args.end) {
		args.count = 64;
		if (ioctl(fd, VMLAB_IOC_EXTENTS, &args))
			broken("no extents: %s\n", strerror(errno));
		for (i = 0; i < args.count; i++) {
			if (extents[i].state & VMLAB_PAGE_RESIDENT)
				resident += extents[i].length / PAGE;
		}
	}
	return resident;
}

TEST_F(swap, advice_to_evict)
{
	unsigned long resident;

	fill_all(self->mem, PAGES, 1);
	EXPECT_EQ(set_budget(self->fd, VMLAB_POOL_UNLIMITED_BUDGET), 0);	/* no reclaim */
	EXPECT_EQ(count_wrong(self->mem, PAGES, 1), 0);
	resident = count_resident(self->fd, 50, 50);
	EXPECT_EQ(resident, 50);
	EXPECT_EQ(advise(self->fd, VMLAB_ADVISE_EVICT, 50, 50), 50);
	EXPECT_EQ(count_resident(self->fd, 0, PAGES), PAGES - 50);
	EXPECT_EQ(count_resident(self->fd, 50, 50), 0);
	EXPECT_EQ(count_wrong(self->mem, PAGES, 1), 0);
}

TEST_F(swap, advice_to_prefetch)
{
	fill_all(self->mem, PAGES, 1);
	EXPECT_EQ(set_budget(self->fd, 4 * BUDGET), 0);
	EXPECT_EQ(advise(self->fd, VMLAB_ADVISE_EVICT, 0, PAGES) >= 0, true);
	EXPECT_EQ(advise(self->fd, VMLAB_ADVISE_PREFETCH, 10, 20), 20);
	EXPECT_EQ(count_resident(self->fd, 0, PAGES), 20);
	EXPECT_EQ(count_resident(self->fd, 10, 20), 20);
	/* No further than there is room. */
	EXPECT_LT(advise(self->fd, VMLAB_ADVISE_PREFETCH, 0, PAGES), 4 * BUDGET_PAGES);
	EXPECT_EQ(count_wrong(self->mem, PAGES, 1), 0);
}

TEST_F(swap, advice_to_pin)
{
	unsigned long i;

	fill_all(self->mem, PAGES, 1);
	EXPECT_EQ(advise(self->fd, VMLAB_ADVISE_PIN, 0, BUDGET_PAGES / 2), BUDGET_PAGES / 2);
	EXPECT_EQ(advise(self->fd, VMLAB_ADVISE_PIN, BUDGET_PAGES, 1), -1);
	EXPECT_EQ(errno, ENOSPC);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(count_wrong(self->mem, PAGES, 1), 0);
		EXPECT_EQ(count_resident(self->fd, 0, BUDGET_PAGES / 2), BUDGET_PAGES / 2);
	}
	EXPECT_EQ(advise(self->fd, VMLAB_ADVISE_EVICT, 0, BUDGET_PAGES / 2), 0);
	EXPECT_EQ(advise(self->fd, VMLAB_ADVISE_UNPIN, 0, BUDGET_PAGES / 2), BUDGET_PAGES / 2);
	EXPECT_EQ(advise(self->fd, VMLAB_ADVISE_EVICT, 0, BUDGET_PAGES / 2), BUDGET_PAGES / 2);
	EXPECT_EQ(count_wrong(self->mem, PAGES, 1), 0);
}

TEST(advice_refused)
{
	int fd = region_zero(0, PAGES * PAGE);

	EXPECT_EQ(advise(fd, 99, 0, 1), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(advise(fd, VMLAB_ADVISE_EVICT, 0, 0), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(advise(fd, VMLAB_ADVISE_EVICT, PAGES, 1), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(advise(fd, VMLAB_ADVISE_PIN, 0, 1), -1);
	EXPECT_EQ(errno, ENOSPC);
	/* Evicting needs no budget. */
	EXPECT_EQ(advise(fd, VMLAB_ADVISE_EVICT, 0, PAGES), 0);
	close(fd);
}

/* What is asked by a clone of a clone of a reader's, as nobody. */
static bool has_no_say(int clone)
{
	int second = ioctl(clone, VMLAB_IOC_CLONE, &(struct vmlab_clone){});
	bool refused = true;

	for (unsigned int i = 0; i < 2; i++) {
		int fd = i ? second : clone;

		refused = refused && set_budget(fd, VMLAB_POOL_BUDGET_MIN) && errno == EPERM &&
			  advise(fd, VMLAB_ADVISE_PIN, 0, 1) < 0 && errno == EPERM;
	}
	return refused && second >= 0;
}

/* Who may only read takes part in a pool by a clone, but has no say there. */
TEST_F(swap, a_readers_clone)
{
	int fd = ioctl(self->fd, VMLAB_IOC_REGION_FD, &(struct vmlab_region_fd){}), reader, clone;
	char path[32];

	fill_all(self->mem, PAGES, 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY);
	clone = ioctl(reader, VMLAB_IOC_CLONE, &(struct vmlab_clone){});
	ASSERT_GE(clone, 0);
	EXPECT_EQ(advise(reader, VMLAB_ADVISE_UNPIN, 0, 1), -1);
	EXPECT_EQ(errno, EBADF);
	EXPECT_TRUE(IN_CHILD(!setgid(NOBODY) && !setuid(NOBODY) && has_no_say(clone)));
	EXPECT_EQ(set_budget(clone, BUDGET), 0);
	EXPECT_EQ(pwrite(clone, "!", 1, 0), 1);
	EXPECT_EQ(count_wrong(self->mem, PAGES, 1), 0);
	close(clone);
	close(reader);
	close(fd);
}

TEST(a_budget_for_pages_that_are_there)
{
	int fd = region_zero(0, PAGES * PAGE);
	unsigned long *mem = map_pages(fd, PAGES);

	fill_all(mem, PAGES, 1);
	EXPECT_STREQ((char *)pool_stat(fd).policy, "");
	ASSERT_EQ(set_budget(fd, BUDGET), 0);
	EXPECT_STREQ((char *)pool_stat(fd).policy, "lru");
	EXPECT_LE(pool_stat(fd).resident, BUDGET_PAGES);
	EXPECT_EQ(count_wrong(mem, PAGES, 1), 0);
	munmap(mem, PAGES * PAGE);
	close(fd);
}

/* What cannot be stored stays, and what is stored is not lost. */
TEST(a_store_that_is_full)
{
	struct vmlab_pool_set set = { .what = VMLAB_POOL_BUDGET | VMLAB_POOL_STORE_LIMIT,
				      .budget = BUDGET, .store_limit = 8 * PAGE };
	int fd = region_zero(0, PAGES * PAGE), random = open("/dev/urandom", O_RDONLY);
	char *content = malloc(PAGES * PAGE);
	unsigned long page;
	struct vmlab_pool_stat stat;
	char *mem;

	ASSERT_EQ(read(random, content, PAGES * PAGE), (ssize_t)(PAGES * PAGE));
	ASSERT_EQ(pool_set(fd, &set), 0);
	mem = (char *)map_pages(fd, PAGES);
	for (page = 0; page < PAGES && !trap_write(mem + page * PAGE, content[page * PAGE]); page++)
		memcpy(mem + page * PAGE, content + page * PAGE, PAGE);
	EXPECT_GE(page, BUDGET_PAGES);
	EXPECT_LT(page, BUDGET_PAGES + 16);
	stat = pool_stat(fd);
	EXPECT_GT(stat.store_errors, 0);
	EXPECT_TRUE(EVENTUALLY(pool_stat(fd).stored_bytes <= 8 * PAGE));
	EXPECT_EQ(pwrite(fd, content, PAGE, page * PAGE), -1);
	EXPECT_EQ(errno, ENOSPC);
	while (page--)
		EXPECT_TRUE(!memcmp(mem + page * PAGE, content + page * PAGE, PAGE));
	/* With more room it goes on. */
	EXPECT_EQ(set_budget(fd, 2 * BUDGET), 0);
	EXPECT_EQ(pwrite(fd, content, PAGE, (PAGES - 1) * PAGE), (ssize_t)PAGE);
	munmap(mem, PAGES * PAGE);
	free(content);
	close(random);
	close(fd);
}

/* A page that a system call or a device has in its hands stays. */
TEST(a_page_that_is_held)
{
	int fd = region_zero(0, PAGES * PAGE), pipes[2];
	unsigned long *mem;
	struct iovec vec;
	char byte;

	ASSERT_EQ(pipe(pipes), 0);
	mem = map_pages(fd, PAGES);
	fill_all(mem, 4, 1);
	vec = (struct iovec){ .iov_base = mem + PAGE / 8, .iov_len = PAGE };
	ASSERT_EQ(vmsplice(pipes[1], &vec, 1, 0), (ssize_t)PAGE);
	EXPECT_EQ(advise(fd, VMLAB_ADVISE_EVICT, 0, 4), 3);
	EXPECT_EQ(count_resident(fd, 0, 4), 1);
	EXPECT_EQ(count_resident(fd, 1, 1), 1);
	ASSERT_EQ(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	close(pipes[1]);
	EXPECT_EQ(advise(fd, VMLAB_ADVISE_EVICT, 0, 4), 1);
	EXPECT_EQ(count_wrong(mem, 4, 1), 0);
	munmap(mem, PAGES * PAGE);
	close(fd);
}

/* Small pages of a region that may have huge ones are brought back one with each fault. */
TEST(causes_of_faults_where_pages_may_be_huge)
{
	int fd = region_zero(VMLAB_REGION_HUGE, PAGES * PAGE);
	unsigned long *mem = map_pages(fd, PAGES);
	struct vmlab_stat before, after;

	fill_all(mem, PAGES, 1);
	ASSERT_EQ(PAGES, advise(fd, VMLAB_ADVISE_EVICT, 0, PAGES));
	before = region_stat(fd);
	EXPECT_EQ(0, count_wrong(mem, PAGES, 1));
	after = region_stat(fd);
	EXPECT_EQ(PAGES, after.swap_faults);
	EXPECT_EQ(before.first_touch, after.first_touch);
	EXPECT_EQ(before.refault, after.refault);
	munmap(mem, PAGES * PAGE);
	close(fd);
}

FIXTURE(codec)
{
	int fd;
	char *mem;
	char *content;
};

FIXTURE_VARIANT(codec)
{
	const char *codec;
};

FIXTURE_VARIANT_ADD(codec, lz4) { .codec = "lz4" };
FIXTURE_VARIANT_ADD(codec, zstd) { .codec = "zstd" };
FIXTURE_VARIANT_ADD(codec, lzo_rle) { .codec = "lzo-rle" };

/* Noise, and the rest text: more noise in each page. One page in four has one word, or is noise. */
static void compose(char *content)
{
	int random = open("/dev/urandom", O_RDONLY);
	unsigned long page, i;

	if (read(random, content, PAGES * PAGE) != (ssize_t)(PAGES * PAGE))
		broken("no noise: %s\n", strerror(errno));
	close(random);
	for (page = 0; page < PAGES; page++) {
		char *start = content + page * PAGE;

		switch (page % 4) {
		case 0:
			for (i = 0; i < PAGE; i += 8)
				memcpy(start + i, start, 8);
			break;
		case 1:
			break;
		default:
			for (i = page * (PAGE / PAGES); i < PAGE; i++)
				start[i] = (char)('a' + i % (page + 3) % 26);
		}
	}
}

FIXTURE_SETUP(codec)
{
	struct vmlab_pool_set set = { .what = VMLAB_POOL_BUDGET | VMLAB_POOL_CODEC,
				      .budget = BUDGET };

	self->fd = region_zero(0, PAGES * PAGE);
	ASSERT_GE(self->fd, 0);
	snprintf((char *)set.codec, sizeof(set.codec), "%s", variant->codec);
	ASSERT_EQ(pool_set(self->fd, &set), 0);
	EXPECT_STREQ((char *)pool_stat(self->fd).codec, variant->codec);
	self->mem = (char *)map_pages(self->fd, PAGES);
	self->content = malloc(PAGES * PAGE);
	ASSERT_TRUE(self->content);
}

FIXTURE_TEARDOWN(codec)
{
	munmap(self->mem, PAGES * PAGE);
	free(self->content);
	close(self->fd);
}

TEST_F(codec, gives_back_what_it_got)
{
	struct vmlab_pool_stat stat;
	unsigned int generation;

	for (generation = 0; generation < 3; generation++) {
		compose(self->content);
		memcpy(self->mem, self->content, PAGES * PAGE);
		stat = pool_stat(self->fd);
		EXPECT_GT(stat.same_filled, 0);
		EXPECT_GT(stat.incompressible, 0);
		EXPECT_TRUE(!memcmp(self->mem, self->content, PAGES * PAGE));
		EXPECT_TRUE(!memcmp(self->mem, self->content, PAGES * PAGE));
		EXPECT_EQ(pool_stat(self->fd).checksum_errors, 0);
		EXPECT_EQ(pool_stat(self->fd).store_errors, 0);
	}
}

TEST(refused)
{
	int fd = region_zero(0, PAGES * PAGE);
	struct vmlab_pool_set set = { .what = VMLAB_POOL_POLICY };

	EXPECT_EQ(set_budget(fd, 0), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(set_budget(fd, BUDGET - PAGE), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(set_budget(fd, BUDGET + 1), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(set_budget(fd, 1ULL << 50), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(set_policy(fd, "optimal"), -1);
	EXPECT_EQ(errno, ENOENT);
	memset(set.policy, 'x', sizeof(set.policy));
	EXPECT_EQ(pool_set(fd, &set), -1);
	EXPECT_EQ(errno, EINVAL);
	set = (struct vmlab_pool_set){ .what = VMLAB_POOL_CODEC, .codec = "zip" };
	EXPECT_EQ(pool_set(fd, &set), -1);
	EXPECT_EQ(errno, ENOENT);
	memset(set.codec, 'x', sizeof(set.codec));
	EXPECT_EQ(pool_set(fd, &set), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(pool_set(fd, &(struct vmlab_pool_set){}), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(pool_set(fd, &(struct vmlab_pool_set){ .what = 1U << 31 }), -1);
	EXPECT_EQ(errno, EINVAL);
	close(fd);
	fd = region_open_as(O_RDONLY);
	EXPECT_EQ(set_budget(fd, BUDGET), -1);
	EXPECT_EQ(errno, EBADF);
	close(fd);
}

TEST_HARNESS_MAIN
