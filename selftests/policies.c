// SPDX-License-Identifier: GPL-2.0
/* The policies by which victims are chosen: none loses a page, and some resist scans. */
#include "swap_test.h"

FIXTURE(policy)
{
	int fd;
	unsigned long *mem;
};

FIXTURE_VARIANT(policy)
{
	const char *policy;
	bool resists_scans;
};

FIXTURE_VARIANT_ADD(policy, random) { .policy = "random" };
FIXTURE_VARIANT_ADD(policy, fifo) { .policy = "fifo" };
FIXTURE_VARIANT_ADD(policy, clock) { .policy = "clock" };
FIXTURE_VARIANT_ADD(policy, lru) { .policy = "lru" };
FIXTURE_VARIANT_ADD(policy, twoq) { .policy = "2q", .resists_scans = true };
FIXTURE_VARIANT_ADD(policy, arc) { .policy = "arc", .resists_scans = true };
FIXTURE_VARIANT_ADD(policy, sieve) { .policy = "sieve", .resists_scans = true };
FIXTURE_VARIANT_ADD(policy, s3fifo) { .policy = "s3fifo", .resists_scans = true };
FIXTURE_VARIANT_ADD(policy, lirs) { .policy = "lirs", .resists_scans = true };

FIXTURE_SETUP(policy)
{
	self->fd = region_zero(0, PAGES * PAGE);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(set_policy(self->fd, variant->policy), 0);
	ASSERT_EQ(set_budget(self->fd, BUDGET), 0);
	EXPECT_STREQ((char *)pool_stat(self->fd).policy, variant->policy);
	self->mem = map_pages(self->fd, PAGES);
}

FIXTURE_TEARDOWN(policy)
{
	munmap(self->mem, PAGES * PAGE);
	close(self->fd);
}

TEST_F(policy, pages_come_back)
{
	struct vmlab_pool_stat stat;
	unsigned long generation;

	fill_all(self->mem, PAGES, 1);
	stat = pool_stat(self->fd);
	EXPECT_LE(stat.resident, BUDGET_PAGES);
	EXPECT_GE(stat.stored, PAGES - BUDGET_PAGES);
	EXPECT_EQ(stat.resident + stat.stored, PAGES);
	EXPECT_EQ(count_wrong(self->mem, PAGES, 1), 0);
	EXPECT_LE(pool_stat(self->fd).resident, BUDGET_PAGES);
	EXPECT_GE(region_stat(self->fd).swapped_in, PAGES - BUDGET_PAGES);
	/* What was written after they came back is not lost, either. */
	for (generation = 2; generation < 4; generation++) {
		fill_all(self->mem, PAGES, generation);
		EXPECT_EQ(count_wrong(self->mem, PAGES, generation), 0);
		EXPECT_EQ(count_wrong(self->mem, PAGES, generation), 0);
	}
}

/* More pages than there is room for, again and again: they come back while they are remembered. */
TEST_F(policy, budget_moves_with_a_history)
{
	const unsigned long excess = 16, pages = 8 * BUDGET_PAGES + excess;
	unsigned long generation, round;
	__u64 before;

	for (generation = 1; generation < 3; generation++) {
		EXPECT_EQ(set_budget(self->fd, 8 * BUDGET), 0);
		fill_all(self->mem, PAGES, generation);
		before = region_stat(self->fd).swapped_in;
		for (round = 0; round < 4; round++)
			EXPECT_EQ(count_wrong(self->mem, pages, generation), 0);
		EXPECT_GE(region_stat(self->fd).swapped_in - before, 4 * excess);
		EXPECT_EQ(set_budget(self->fd, VMLAB_POOL_BUDGET_MIN), 0);
		EXPECT_LE(pool_stat(self->fd).resident, VMLAB_POOL_BUDGET_MIN / PAGE);
		EXPECT_EQ(count_wrong(self->mem, pages, generation), 0);
		EXPECT_EQ(set_budget(self->fd, 4 * BUDGET), 0);
		EXPECT_EQ(count_wrong(self->mem, PAGES, generation), 0);
	}
}

static void touch(const unsigned long *mem, unsigned long page)
{
	(void)((const volatile unsigned long *)mem)[page * (PAGE / 8)];
}

/* A processor marks a page again when it has forgotten where it is: after so many were unmapped. */
static void forget_translations(void)
{
	unsigned long pages = 64, page, *mem;

	mem = mmap(NULL, pages * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		broken("mmap: %s\n", strerror(errno));
	for (page = 0; page < pages; page++)
		mem[page * (PAGE / 8)] = 1;
	munmap(mem, pages * PAGE);
}

/* Some pages are used often, and then more others than there is room for, once. */
TEST_F(policy, scans)
{
	const unsigned long hot = 24, scan = 100;
	unsigned long round, pass, page, next = 0;
	__u64 before, missed;

	fill_all(self->mem, PAGES, 1);
	ASSERT_EQ(set_budget(self->fd, 4 * BUDGET), 0);
	for (round = 0; round < 4; round++) {
		for (pass = 0; pass < 16; pass++) {
			forget_translations();
			for (page = 0; page < hot; page++) {
				touch(self->mem, page);
				if (page % 4 == 0)
					touch(self->mem, hot + next++ % (PAGES - hot));
			}
		}
		for (page = 0; page < scan; page++)
			touch(self->mem, hot + next++ % (PAGES - hot));
	}
	before = region_stat(self->fd).swapped_in;
	for (page = 0; page < hot; page++)
		touch(self->mem, page);
	missed = region_stat(self->fd).swapped_in - before;
	if (variant->resists_scans) {
		EXPECT_LE(missed, hot / 4);
	} else if (strcmp(variant->policy, "random") != 0) {
		EXPECT_GE(missed, hot / 2);
	}
	EXPECT_EQ(count_wrong(self->mem, PAGES, 1), 0);
}

TEST_HARNESS_MAIN
