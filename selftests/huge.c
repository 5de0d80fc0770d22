// SPDX-License-Identifier: GPL-2.0
/*
 * Huge pages: that a first touch brings one where it can, that it is mapped by one entry, and
 * that all that may happen to a part of one leaves the rest as it was.
 */
#include "huge_region_test.h"

TEST_F(huge, addresses_are_aligned)
{
	char *q = map(self->fd, 3 * HUGE, RW, MAP_SHARED, HUGE + 5 * PAGE);

	EXPECT_EQ(0, (unsigned long)self->p % HUGE);
	EXPECT_EQ(5 * PAGE, (unsigned long)q % HUGE);
	munmap(q, 3 * HUGE);
}

TEST_F(huge, a_first_write_brings_all)
{
	self->p[HUGE + 7 * PAGE] = 1;
	EXPECT_EQ(HUGE / PAGE, region_resident(self->fd));
	EXPECT_EQ(HUGE, pmd_mapped(self->p));
	EXPECT_TRUE(is_huge(self->fd, HUGE));
	EXPECT_FALSE(is_huge(self->fd, 0));
	for (unsigned long i = 0; i < HUGE; i++)
		EXPECT_EQ(i == 7 * PAGE, self->p[HUGE + i]) break;
	EXPECT_EQ(1, region_stat(self->fd).first_touch);
	EXPECT_EQ(1, region_stat(self->fd).huge_made);
	EXPECT_EQ(HUGE / PAGE, region_stat(self->fd).zero_filled);
}

TEST_F(huge, a_first_read_brings_all)
{
	EXPECT_EQ(0, self->p[HUGE - 1]);
	EXPECT_EQ(HUGE, pmd_mapped(self->p));
	self->p[HUGE - 1] = 1;
	self->p[0] = 2;
	EXPECT_EQ(HUGE, pmd_mapped(self->p));
	EXPECT_EQ(1, region_stat(self->fd).huge_made);
	EXPECT_EQ(HUGE / PAGE, region_resident(self->fd));
}

TEST_F(huge, contents_stay)
{
	fill(self->p, LENGTH, 1);
	EXPECT_EQ(LENGTH, pmd_mapped(self->p));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_TRUE(reads_filled(self->fd, 0, LENGTH, 1));
	munmap(self->p, LENGTH);
	self->p = map_shared(self->fd, LENGTH);
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_EQ(LENGTH, pmd_mapped(self->p));
	EXPECT_EQ(HUGES, region_stat(self->fd).huge_made);
}

TEST_F(huge, system_calls_write_into_it)
{
	fill(self->p, LENGTH, 1);
	EXPECT_TRUE(writes_filled(self->fd, 0, LENGTH, 2));
	EXPECT_TRUE(filled(self->p, LENGTH, 2));
	EXPECT_EQ(LENGTH, pmd_mapped(self->p));
}

TEST_F(huge, a_punched_part_splits)
{
	int fd = region_fd(self->fd, O_CLOEXEC);

	fill(self->p, LENGTH, 1);
	ASSERT_EQ(0, fallocate(fd, PUNCH, HUGE + 3 * PAGE, 100 * PAGE));
	EXPECT_FALSE(is_huge(self->fd, HUGE));
	EXPECT_TRUE(is_huge(self->fd, 0));
	EXPECT_EQ((LENGTH / PAGE) - 100, region_resident(self->fd));
	EXPECT_EQ(self->pages + LENGTH / PAGE - 100, pages_now());
	EXPECT_EQ(1, region_stat(self->fd).huge_split);
	EXPECT_TRUE(filled_but(self->p, LENGTH, 1, HUGE + 3 * PAGE, 100 * PAGE));
	close(fd);
}

TEST_F(huge, a_punch_over_several_splits_the_ends)
{
	int fd = region_fd(self->fd, O_CLOEXEC);

	fill(self->p, LENGTH, 1);
	ASSERT_EQ(0, fallocate(fd, PUNCH, HUGE / 2 + 1, 2 * HUGE));
	EXPECT_EQ(2, region_stat(self->fd).huge_split);
	EXPECT_EQ((LENGTH - 2 * HUGE) / PAGE + 1, region_resident(self->fd));
	EXPECT_TRUE(filled_but(self->p, LENGTH, 1, HUGE / 2 + 1, 2 * HUGE));
	close(fd);
}

/* Huge pages stay where they are when there is a budget; what one is split into can leave. */
TEST_F(huge, a_part_of_one_is_stored)
{
	struct vmlab_advise evict = { .length = LENGTH, .advice = VMLAB_ADVISE_EVICT };
	int fd = region_fd(self->fd, O_CLOEXEC);

	fill(self->p, LENGTH, 1);
	ASSERT_EQ(0, set_budget(self->fd, VMLAB_POOL_BUDGET_MIN));
	ASSERT_EQ(0, ioctl(self->fd, VMLAB_IOC_ADVISE, &evict));
	EXPECT_EQ(0, region_stat(self->fd).stored);
	ASSERT_EQ(0, fallocate(fd, PUNCH, HUGE + 3 * PAGE, 100 * PAGE));
	ASSERT_EQ(0, ioctl(self->fd, VMLAB_IOC_ADVISE, &evict));
	EXPECT_TRUE(EVENTUALLY(region_stat(self->fd).stored == HUGE / PAGE - 100));
	/* What is stored comes back, after a wait each, but there is no room for anything new. */
	EXPECT_TRUE(filled_from(self->p, 1, HUGE - PAGE, 2 * PAGE));
	EXPECT_TRUE(filled_from(self->p, 1, HUGE + 103 * PAGE, PAGE));
	EXPECT_EQ(SIGBUS, trap_write(self->p + HUGE + 3 * PAGE, 1));
	ASSERT_EQ(0, set_budget(self->fd, VMLAB_POOL_UNLIMITED_BUDGET));
	EXPECT_TRUE(filled_but(self->p, LENGTH, 1, HUGE + 3 * PAGE, 100 * PAGE));
	close(fd);
}

TEST_F(huge, a_whole_one_is_punched_without_splitting)
{
	int fd = region_fd(self->fd, O_CLOEXEC);

	fill(self->p, LENGTH, 1);
	ASSERT_EQ(0, fallocate(fd, PUNCH, HUGE, 2 * HUGE));
	EXPECT_EQ(0, region_stat(self->fd).huge_split);
	EXPECT_EQ(2 * HUGE / PAGE, region_resident(self->fd));
	EXPECT_EQ(self->pages + 2 * HUGE / PAGE, pages_now());
	EXPECT_TRUE(filled_but(self->p, LENGTH, 1, HUGE, 2 * HUGE));
	EXPECT_EQ(LENGTH, pmd_mapped(self->p));		/* they are there again */
	close(fd);
}

TEST_F(huge, madvise_remove_splits)
{
	fill(self->p, LENGTH, 1);
	ASSERT_EQ(0, madvise(self->p + 9 * PAGE, PAGE, MADV_REMOVE));
	EXPECT_TRUE(filled_but(self->p, LENGTH, 1, 9 * PAGE, PAGE));
	EXPECT_EQ(1, region_stat(self->fd).huge_split);
}

TEST_F(huge, dontneed_keeps_it)
{
	fill(self->p, LENGTH, 1);
	ASSERT_EQ(0, madvise(self->p + 9 * PAGE, 3 * PAGE, MADV_DONTNEED));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_EQ(LENGTH, pmd_mapped(self->p));
	EXPECT_EQ(0, region_stat(self->fd).huge_split);
}

TEST_F(huge, truncate_splits)
{
	int fd = region_fd(self->fd, O_CLOEXEC);

	fill(self->p, LENGTH, 1);
	ASSERT_EQ(0, ftruncate(fd, HUGE + 5 * PAGE + 9));
	EXPECT_EQ(1, region_stat(self->fd).huge_split);
	EXPECT_EQ(HUGE / PAGE + 6, region_resident(self->fd));
	EXPECT_TRUE(filled(self->p, HUGE + 5 * PAGE + 9, 1));
	EXPECT_EQ(SIGBUS, trap_read(self->p + HUGE + 6 * PAGE));
	EXPECT_EQ(SIGBUS, trap_read(self->p + 2 * HUGE));
	ASSERT_EQ(0, ftruncate(fd, LENGTH));
	EXPECT_TRUE(all_zero(self->p + HUGE + 5 * PAGE + 9, LENGTH - HUGE - 5 * PAGE - 9));
	close(fd);
}

TEST_F(huge, where_the_region_ends_inside_pages_are_small)
{
	int fd = region_fd(self->fd, O_CLOEXEC);

	ASSERT_EQ(0, ftruncate(fd, 2 * HUGE - PAGE));
	fill(self->p, 2 * HUGE - PAGE, 1);
	EXPECT_EQ(HUGE, pmd_mapped(self->p));
	EXPECT_EQ(2 * HUGE / PAGE - 1, region_resident(self->fd));
	EXPECT_EQ(SIGBUS, trap_write(self->p + 2 * HUGE - PAGE, 1));
	close(fd);
}

TEST_F(huge, where_pages_are_others_stay_small)
{
	int fd = region_fd(self->fd, O_CLOEXEC);

	self->p[0] = 1;
	ASSERT_EQ(0, fallocate(fd, PUNCH, PAGE, HUGE - PAGE));
	EXPECT_EQ(1, region_resident(self->fd));
	self->p[7 * PAGE] = 1;
	EXPECT_EQ(2, region_resident(self->fd));
	ASSERT_EQ(0, fallocate(fd, PUNCH, 0, HUGE));
	self->p[7 * PAGE] = 1;
	EXPECT_EQ(HUGE / PAGE, region_resident(self->fd));
	close(fd);
}

TEST_F(huge, write_and_fallocate_bring_one)
{
	int fd = region_fd(self->fd, O_CLOEXEC);

	ASSERT_EQ(1, pwrite(fd, "x", 1, HUGE + 3 * PAGE));
	EXPECT_TRUE(is_huge(fd, HUGE));
	ASSERT_EQ(0, fallocate(fd, 0, 2 * HUGE, PAGE));
	EXPECT_TRUE(is_huge(fd, 2 * HUGE));
	EXPECT_EQ(2 * HUGE / PAGE, region_resident(fd));
	EXPECT_EQ('x', self->p[HUGE + 3 * PAGE]);
	close(fd);
}

TEST_F(huge, a_mapping_out_of_line_has_small_pages)
{
	char *area = map(-1, 3 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	char *at = (char *)(((unsigned long)area + HUGE - 1) & ~(HUGE - 1)) + PAGE;
	char *q = mmap(at, HUGE, RW, MAP_SHARED | MAP_FIXED, self->fd, 0);

	ASSERT_EQ(at, q);
	q[0] = 1;
	q[5 * PAGE] = 2;
	EXPECT_EQ(2, region_resident(self->fd));
	EXPECT_EQ(0, pmd_mapped(q));
	self->p[HUGE] = 1;		/* another is huge, and shown there by small entries */
	munmap(q, HUGE);
	q = mmap(at, HUGE, RW, MAP_SHARED | MAP_FIXED, self->fd, HUGE);
	fill(q, HUGE, 1);
	EXPECT_TRUE(filled(self->p + HUGE, HUGE, 1));
	EXPECT_EQ(0, pmd_mapped(q));
	EXPECT_EQ(2 + HUGE / PAGE, region_resident(self->fd));
	munmap(area, 3 * HUGE);
}

TEST_F(huge, protection_of_a_part)
{
	fill(self->p, LENGTH, 1);
	ASSERT_EQ(0, mprotect(self->p + HUGE + PAGE, PAGE, PROT_READ));
	EXPECT_EQ(SIGSEGV, trap_write(self->p + HUGE + PAGE, 1));
	EXPECT_EQ(0, trap_write(self->p + HUGE, self->p[HUGE]));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	ASSERT_EQ(0, mprotect(self->p, LENGTH, PROT_READ));
	EXPECT_EQ(SIGSEGV, trap_write(self->p, 1));
	ASSERT_EQ(0, mprotect(self->p, LENGTH, RW));
	fill(self->p, LENGTH, 2);
	EXPECT_TRUE(filled(self->p, LENGTH, 2));
}

TEST_F(huge, moving_and_unmapping_a_part)
{
	char *area = map(-1, LENGTH + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	char *q;

	fill(self->p, LENGTH, 1);
	ASSERT_EQ(0, munmap(self->p + PAGE, PAGE));
	EXPECT_TRUE(filled_from(self->p, 1, 2 * PAGE, HUGE));
	q = mremap(self->p + HUGE, 2 * HUGE, 2 * HUGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   area + PAGE);
	ASSERT_EQ(area + PAGE, q);
	EXPECT_TRUE(reads_filled_from(self->fd, 1, HUGE, 2 * HUGE));
	fill(q, 2 * HUGE, 2);
	EXPECT_TRUE(reads_filled(self->fd, HUGE, 2 * HUGE, 2));
	munmap(area, LENGTH + HUGE);
}

TEST_F(huge, a_locked_mapping)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &limit);
	ASSERT_EQ(0, mlock(self->p, LENGTH));
	EXPECT_EQ(LENGTH / PAGE, region_resident(self->fd));
	EXPECT_EQ(LENGTH, pmd_mapped(self->p));
	fill(self->p, LENGTH, 1);
	ASSERT_EQ(0, munlock(self->p + PAGE, PAGE));
	ASSERT_EQ(0, munlock(self->p, LENGTH));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
}

TEST_F(huge, holes_and_data)
{
	int fd = region_fd(self->fd, O_CLOEXEC);

	self->p[HUGE] = 1;
	EXPECT_EQ((off_t)HUGE, lseek(fd, 0, SEEK_DATA));
	EXPECT_EQ((off_t)(2 * HUGE), lseek(fd, HUGE, SEEK_HOLE));
	ASSERT_EQ(0, fallocate(fd, PUNCH, HUGE + PAGE, PAGE));
	EXPECT_EQ((off_t)(HUGE + PAGE), lseek(fd, HUGE, SEEK_HOLE));
	EXPECT_EQ((off_t)(HUGE + 2 * PAGE), lseek(fd, HUGE + PAGE, SEEK_DATA));
	close(fd);
}

/* Without room for huge pages. */

TEST_F(huge, at_the_cap_pages_are_small)
{
	__u64 cap = parameter_get("max_pages");

	self->p[0] = 1;
	parameter_set("max_pages", pages_now() + 20);
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(0, trap_write(self->p + HUGE + i * PAGE, 1));
	EXPECT_EQ(SIGBUS, trap_write(self->p + HUGE + 20 * PAGE, 1));
	EXPECT_GT(region_stat(self->fd).huge_fallback, 0);
	parameter_set("max_pages", cap);
	EXPECT_EQ(HUGE / PAGE + 20, region_resident(self->fd));
}

TEST_F(huge, splitting_at_the_cap)
{
	int fd = region_fd(self->fd, O_CLOEXEC), other;
	__u64 cap = parameter_get("max_pages");

	fill(self->p, LENGTH, 1);
	parameter_set("max_pages", pages_now());
	EXPECT_EQ(0, fallocate(fd, PUNCH, PAGE, PAGE));
	EXPECT_TRUE(filled_from(self->p, 1, 2 * PAGE, LENGTH - 2 * PAGE));
	other = clone_of(self->fd);
	EXPECT_EQ(SIGBUS, trap_write(self->p + HUGE, 1));
	EXPECT_EQ(-1, pwrite(other, "x", 1, HUGE));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(-1, fallocate(fd, PUNCH, HUGE + PAGE, PAGE));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(0, fallocate(fd, PUNCH, HUGE, HUGE));
	parameter_set("max_pages", cap);
	EXPECT_TRUE(reads_filled_from(other, 1, HUGE, LENGTH - HUGE));
	EXPECT_TRUE(all_zero(self->p + HUGE, HUGE));
	EXPECT_TRUE(filled_from(self->p, 1, 2 * HUGE, LENGTH - 2 * HUGE));
	close(other);
	close(fd);
}

/*
 * Memory in which hardly any 2 MiB lie together: a region takes nearly all of it, and gives
 * it back but for one page in each 64. Its pages cannot be moved. Most of the memory is taken
 * by huge pages first, which is sooner done, and stays so.
 */

FIXTURE(scattered)
{
	__u64 max_pages;
	int hog, fd;
	char *p, *rest;
	size_t rest_length;
};

static unsigned long free_bytes(void)
{
	return sysconf(_SC_AVPHYS_PAGES) * PAGE;
}

FIXTURE_SETUP(scattered)
{
	const unsigned long step = 16 * MIB, left = 96 * MIB, scattered = 256 * MIB;
	unsigned long taken = 0;

	self->rest_length = free_bytes() > scattered ? free_bytes() - scattered : PAGE;
	self->rest = mmap(NULL, self->rest_length, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, self->rest);
	madvise(self->rest, self->rest_length, MADV_HUGEPAGE);
	for (size_t at = 0; at < self->rest_length; at += PAGE)
		self->rest[at] = 1;
	self->max_pages = parameter_get("max_pages");
	ASSERT_EQ(0, parameter_set("max_pages", sysconf(_SC_PHYS_PAGES)));
	self->hog = region_zero(0, 0);
	self->p = map_shared(self->hog, TIB);
	ASSERT_NE(MAP_FAILED, self->p);
	for (; free_bytes() > left + step; taken += step)
		memset(self->p + taken, 1, step);
	for (unsigned long at = 0; at < taken; at += 64 * PAGE)
		ASSERT_EQ(0, madvise(self->p + at, 63 * PAGE, MADV_REMOVE));
	munmap(self->p, TIB);
	self->fd = region_zero(VMLAB_REGION_HUGE, 0);
	self->p = map_shared(self->fd, 256 * HUGE);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN(scattered)
{
	munmap(self->p, 256 * HUGE);
	close(self->fd);
	close(self->hog);
	munmap(self->rest, self->rest_length);
	parameter_set("max_pages", self->max_pages);
}

TEST_F(scattered, small_pages_take_their_place)
{
	struct vmlab_stat stat;
	int other;
	char *q;

	for (unsigned long i = 0; i < 256; i++)
		ASSERT_EQ(0, trap_write(self->p + i * HUGE, i % 100 + 1));
	stat = region_stat(self->fd);
	TH_LOG("%llu huge pages, %llu not", stat.huge_made, stat.huge_fallback);
	EXPECT_GT(stat.huge_fallback, 0);
	EXPECT_EQ(256, stat.huge_made + stat.huge_fallback);
	EXPECT_EQ(stat.huge_made * (HUGE / PAGE) + stat.huge_fallback, stat.resident);
	for (unsigned long i = 0; i < 256; i++)
		EXPECT_EQ((char)(i % 100 + 1), self->p[i * HUGE]);

	/* A clone that is written to has its copies in what there is, too. */
	fill(self->p, LENGTH, 1);
	other = clone_of(self->fd);
	q = map_shared(other, LENGTH);
	fill(q, LENGTH, 2);
	EXPECT_TRUE(filled(q, LENGTH, 2));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	munmap(q, LENGTH);
	close(other);
}

TEST_HARNESS_MAIN
