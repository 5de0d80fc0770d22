// SPDX-License-Identifier: GPL-2.0
/*
 * What a process says of its mappings, and what comes of it: madvise() and mlock().
 */
#include "mapping_test.h"

TEST_F(mapping, madvise_dontneed_drops_what_is_private)
{
	fill(self->p, LENGTH, 2);
	ASSERT_EQ(0, madvise(self->p, LENGTH, MADV_DONTNEED));
	EXPECT_TRUE(filled(self->p, LENGTH, SHARED ? 2 : 1));
	EXPECT_EQ(PAGES, region_resident(self->fd));
}

TEST_F(mapping, madvise_remove_punches)
{
	fill(self->p, LENGTH, 2);
	if (!SHARED) {
		EXPECT_EQ(-1, madvise(self->p, LENGTH, MADV_REMOVE));
		EXPECT_EQ(EACCES, errno);
		EXPECT_TRUE(filled(self->p, LENGTH, 2));
		return;
	}
	ASSERT_EQ(0, madvise(self->p + 2 * PAGE, 3 * PAGE, MADV_REMOVE));
	EXPECT_EQ(PAGES - 3, region_resident(self->fd));
	EXPECT_TRUE(filled(self->p, 2 * PAGE, 2));
	EXPECT_TRUE(all_zero(self->p + 2 * PAGE, 3 * PAGE));
	EXPECT_TRUE(reads_filled(self->fd, 0, 2 * PAGE, 2));
}

TEST_F(mapping, madvise_populates)
{
	__u64 resident = region_resident(self->fd);
	char *p = map(self->fd, LENGTH, RW, variant->flags, LENGTH);

	EXPECT_EQ(0, madvise(p, LENGTH / 2, MADV_POPULATE_READ));
	EXPECT_EQ(resident + PAGES / 2, region_resident(self->fd));
	EXPECT_EQ(0, madvise(p, LENGTH, MADV_POPULATE_WRITE));
	EXPECT_EQ(resident + PAGES, region_resident(self->fd));
	EXPECT_TRUE(all_zero(p, LENGTH));
}

TEST_F(mapping, madvise_populate_fails_past_the_end)
{
	int fd = region_open();
	char *p = map(fd, LENGTH, RW, variant->flags, 0);

	ASSERT_EQ(0, ftruncate(region_fd(fd, 0), 2 * PAGE));
	EXPECT_EQ(-1, madvise(p, LENGTH, MADV_POPULATE_READ));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, madvise(p, LENGTH, MADV_POPULATE_WRITE));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(2, region_resident(fd));
}

/* Advice that asks for nothing we promise must at least do no harm. */
TEST_F(mapping, madvise_of_other_kinds_keeps_contents)
{
	const int advice[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_COLD, MADV_PAGEOUT,
		MADV_DONTDUMP, MADV_DONTFORK,
	};

	fill(self->p, LENGTH, 2);
	for (unsigned int i = 0; i < ARRAY_SIZE(advice); i++) {
		EXPECT_EQ(0, madvise(self->p, LENGTH, advice[i])) {
			TH_LOG("advice %d: %s", advice[i], strerror(errno));
		}
		EXPECT_TRUE(filled(self->p, LENGTH, 2));
	}
	EXPECT_EQ(PAGES, region_resident(self->fd));
}

/*
 * Mappings whose faults are batched are VM_MIXEDMAP, and for those the kernel
 * takes no MADV_DODUMP, and 7.x no MADV_DOFORK.
 */
TEST_F(mapping, madvise_back_is_refused_at_most)
{
	ASSERT_EQ(0, madvise(self->p, LENGTH, MADV_DONTDUMP));
	if (madvise(self->p, LENGTH, MADV_DODUMP))
		EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, madvise(self->p, LENGTH, MADV_DONTFORK));
	if (madvise(self->p, LENGTH, MADV_DOFORK))
		EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
}

TEST_F(mapping, madvise_free_is_for_anonymous_memory)
{
	EXPECT_EQ(-1, madvise(self->p, LENGTH, MADV_FREE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, madvise(self->p, LENGTH, MADV_WIPEONFORK));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
}

TEST_F(mapping, madvise_dontfork)
{
	ASSERT_EQ(0, madvise(self->p, LENGTH, MADV_DONTFORK));
	EXPECT_TRUE(IN_CHILD(trap_read(self->p) == SIGSEGV));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
}

/* mlock */

TEST_F(mapping, mlock_brings_all)
{
	__u64 resident = region_resident(self->fd);
	char *p = map(self->fd, LENGTH, RW, variant->flags, LENGTH);

	ASSERT_EQ(0, mlock(p, LENGTH));
	EXPECT_EQ(resident + PAGES, region_resident(self->fd));
	EXPECT_TRUE(all_zero(p, LENGTH));
	fill(p, LENGTH, 3);
	EXPECT_EQ(0, munlock(p, LENGTH));
	EXPECT_TRUE(filled(p, LENGTH, 3));
	ASSERT_EQ(0, mlock(p, PAGE));
	EXPECT_EQ(0, munmap(p, LENGTH));
}

/* The kernel leaves VM_MIXEDMAP mappings unlocked, and populates them at once. */
TEST_F(mapping, mlock_on_fault)
{
	char *p = map(self->fd, LENGTH, RW, variant->flags, LENGTH);

	ASSERT_EQ(0, mlock2(p, LENGTH, MLOCK_ONFAULT));
	fill(p, LENGTH, 3);
	EXPECT_TRUE(filled(p, LENGTH, 3));
	EXPECT_EQ(2 * PAGES, region_resident(self->fd));
	EXPECT_EQ(0, munlock(p, LENGTH));
}

TEST_F(mapping, mlockall)
{
	ASSERT_EQ(0, mlockall(MCL_CURRENT | MCL_FUTURE));
	char *p = map(self->fd, LENGTH, RW, variant->flags, LENGTH);

	ASSERT_NE(MAP_FAILED, p);
	fill(p, LENGTH, 3);
	EXPECT_EQ(0, munlockall());
	EXPECT_TRUE(filled(p, LENGTH, 3));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
}

TEST_HARNESS_MAIN
