// SPDX-License-Identifier: GPL-2.0
/* Huge pages of files of a mount. */
#include "huge_test.h"
#include "mount_test.h"

FIXTURE(mounted)
{
	char dir[32];
	char *p;
	int fd;
};

FIXTURE_VARIANT(mounted)
{
	const char *huge;	/* the option */
	bool expected;		/* is a first touch of a mapping to bring a huge page? */
	int advice;
};

FIXTURE_VARIANT_ADD(mounted, never) { .huge = "never" };
FIXTURE_VARIANT_ADD(mounted, always) { .huge = "always", .expected = true };
FIXTURE_VARIANT_ADD(mounted, always_but_here) { .huge = "always", .advice = MADV_NOHUGEPAGE };
FIXTURE_VARIANT_ADD(mounted, advise) { .huge = "advise" };
FIXTURE_VARIANT_ADD(mounted, advised) {
	.huge = "advise", .expected = true, .advice = MADV_HUGEPAGE
};

FIXTURE_SETUP(mounted)
{
	char options[32];

	snprintf(options, sizeof(options), "huge=%s", variant->huge);
	ASSERT_EQ(0, mount_new("vmlab", options, self->dir));
	self->fd = open(self->dir, O_RDWR | O_TMPFILE, 0600);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, ftruncate(self->fd, LENGTH));
	self->p = map_shared(self->fd, LENGTH);
	ASSERT_NE(MAP_FAILED, self->p);
	if (variant->advice)
		ASSERT_EQ(0, madvise(self->p, LENGTH, variant->advice));
}

FIXTURE_TEARDOWN(mounted)
{
	munmap(self->p, LENGTH);
	close(self->fd);
	EXPECT_EQ(0, chdir("/"));
	EXPECT_EQ(0, umount(self->dir));
	rmdir(self->dir);
}

TEST_F(mounted, a_first_touch)
{
	struct stat stat;

	self->p[HUGE] = 1;
	EXPECT_EQ(variant->expected ? HUGE : 0, pmd_mapped(self->p));
	EXPECT_EQ(variant->expected, is_huge(self->fd, HUGE));
	fill(self->p, LENGTH, 1);
	EXPECT_EQ(variant->expected ? LENGTH : 0, pmd_mapped(self->p));
	EXPECT_TRUE(reads_filled(self->fd, 0, LENGTH, 1));
	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_EQ(LENGTH / 512, (unsigned long)stat.st_blocks);
	ASSERT_EQ(0, ftruncate(self->fd, PAGE + 1));
	EXPECT_TRUE(filled(self->p, PAGE + 1, 1));
	EXPECT_EQ(SIGBUS, trap_read(self->p + 2 * PAGE));
	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_EQ(2 * PAGE / 512, (unsigned long)stat.st_blocks);
}

TEST_F(mounted, the_option_is_shown_and_changes)
{
	char mounts[65536], expected[64];

	snprintf(expected, sizeof(expected), ",huge=%s,", variant->huge);
	ASSERT_LT(0, text_read("/proc/self/mounts", mounts, sizeof(mounts)));
	ASSERT_NE(NULL, strstr(mounts, self->dir));
	EXPECT_NE(NULL, strstr(strstr(mounts, self->dir), expected));
	EXPECT_EQ(-1, mount("none", self->dir, "vmlab", MS_REMOUNT, "huge=sometimes"));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, mount("none", self->dir, "vmlab", MS_REMOUNT, "huge=never"));
	self->p[HUGE] = 1;
	EXPECT_EQ(0, pmd_mapped(self->p));
	ASSERT_EQ(0, mount("none", self->dir, "vmlab", MS_REMOUNT, "huge=always"));
	self->p[0] = 1;
	EXPECT_EQ(variant->advice != MADV_NOHUGEPAGE && strcmp(variant->huge, "never") != 0 ?
			  HUGE : 0, pmd_mapped(self->p));
}

TEST_F(mounted, small_files_stay_small)
{
	struct stat stat;
	int fd = open(self->dir, O_RDWR | O_TMPFILE, 0600);

	ASSERT_EQ(5, write(fd, "12345", 5));
	ASSERT_EQ(0, fstat(fd, &stat));
	EXPECT_EQ(PAGE / 512, (unsigned long)stat.st_blocks);
	close(fd);
}

/* Files have what the mount's option was when they were made; copies have what it is. */
TEST(files_of_both_kinds)
{
	int huge, small, other;
	char dir[32];

	ASSERT_EQ(0, mount_new("vmlab", "huge=always", dir));
	huge = open(dir, O_RDWR | O_TMPFILE, 0600);
	ASSERT_TRUE(writes_filled(huge, 0, LENGTH, 1));
	ASSERT_TRUE(is_huge(huge, HUGE));
	ASSERT_EQ(0, mount("none", dir, "vmlab", MS_REMOUNT, "huge=never"));
	small = open(dir, O_RDWR | O_TMPFILE, 0600);
	ASSERT_EQ(0, clone_range(huge, 0, LENGTH, small, 0));
	EXPECT_TRUE(reads_filled(small, 0, LENGTH, 1));
	EXPECT_FALSE(is_huge(small, 0));
	ASSERT_TRUE(writes_filled(small, 0, LENGTH, 2));
	EXPECT_TRUE(reads_filled(huge, 0, LENGTH, 1));
	ASSERT_EQ(0, clone_range(small, PAGE, HUGE, huge, PAGE));
	EXPECT_TRUE(reads_filled_from(huge, 2, PAGE, HUGE));
	EXPECT_TRUE(reads_filled_from(huge, 1, HUGE + PAGE, LENGTH - HUGE - PAGE));
	ASSERT_TRUE(is_huge(huge, 2 * HUGE));
	other = clone_of(huge);
	ASSERT_EQ(1, pwrite(other, "x", 1, 2 * HUGE));
	EXPECT_FALSE(is_huge(other, 2 * HUGE));
	EXPECT_TRUE(is_huge(other, 3 * HUGE));
	EXPECT_TRUE(reads_filled_from(other, 1, 2 * HUGE + 1, LENGTH - 2 * HUGE - 1));
	close(other);
	close(small);
	close(huge);
	mount_end(dir);
}

TEST_HARNESS_MAIN
