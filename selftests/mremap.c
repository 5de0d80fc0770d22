// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings that are unmapped, moved, made longer or shorter, as a whole or in parts.
 */
#include "mapping_test.h"

/* munmap */

TEST_F(mapping, partial_munmap)
{
	ASSERT_EQ(0, munmap(self->p + 4 * PAGE, 3 * PAGE));
	EXPECT_EQ(SIGSEGV, trap_read(self->p + 4 * PAGE));
	EXPECT_EQ(SIGSEGV, trap_write(self->p + 7 * PAGE - 1, 1));
	EXPECT_TRUE(filled(self->p, 4 * PAGE, 1));
	fill(self->p, 4 * PAGE, 2);
	self->p[7 * PAGE] = 99;
	EXPECT_EQ(99, self->p[7 * PAGE]);
	EXPECT_EQ(2, region_stat(self->fd).mappings);
	EXPECT_EQ(PAGES, region_resident(self->fd));
	EXPECT_TRUE(reads_filled(self->fd, 0, 4 * PAGE, SHARED ? 2 : 1));
}

TEST_F(mapping, munmap_of_every_other_page)
{
	for (size_t i = 0; i < PAGES; i += 2) {
		ASSERT_EQ(0, munmap(self->p + i * PAGE, PAGE));
	}
	for (size_t i = 0; i < PAGES; i++)
		EXPECT_EQ(i % 2 ? 0 : SIGSEGV, trap_write(self->p + i * PAGE, 1));
	EXPECT_EQ(PAGES / 2, region_stat(self->fd).mappings);
}

/* mremap */

TEST_F(mapping, mremap_shrinks)
{
	EXPECT_EQ(self->p, mremap(self->p, LENGTH, 3 * PAGE, 0));
	EXPECT_EQ(SIGSEGV, trap_read(self->p + 3 * PAGE));
	EXPECT_TRUE(filled(self->p, 3 * PAGE, 1));
}

TEST_F(mapping, mremap_grows)
{
	char *p;

	ASSERT_TRUE(writes_filled(self->fd, 0, 2 * LENGTH, 1));
	p = mremap(self->p, LENGTH, 2 * LENGTH, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(filled(p, 2 * LENGTH, 1));
	EXPECT_EQ(1, region_stat(self->fd).mappings);
	fill(p, 2 * LENGTH, 2);
	EXPECT_TRUE(reads_filled(self->fd, 0, 2 * LENGTH, SHARED ? 2 : 1));
	munmap(p, 2 * LENGTH);
}

TEST_F(mapping, mremap_grows_in_place)
{
	char *room = mmap(NULL, 2 * LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p = mmap(room, LENGTH, RW, variant->flags | MAP_FIXED, self->fd, 0);

	ASSERT_EQ(0, munmap(room + LENGTH, LENGTH));
	ASSERT_EQ(room, p);
	p[0] = 1;
	if (mremap(p, LENGTH, 2 * LENGTH, 0) == MAP_FAILED) {
		/* Newer kernels extend no VM_MIXEDMAP mapping in its place, but move it. */
		char *elsewhere = mmap(NULL, 2 * LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
				       -1, 0);

		ASSERT_EQ(ENOMEM, errno);
		EXPECT_EQ(SIGSEGV, trap_read(p + LENGTH));
		p = mremap(p, LENGTH, 2 * LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere);
		ASSERT_EQ(elsewhere, p);
		EXPECT_EQ(1, p[0]);
	}
	EXPECT_TRUE(all_zero(p + LENGTH, LENGTH));
	p[2 * LENGTH - 1] = 1;
}

TEST_F(mapping, mremap_grows_past_the_limit_into_sigbus)
{
	int fd = region_zero(0, PAGE);
	char *p = map(fd, PAGE, RW, variant->flags, 0);

	p[0] = 1;
	p = mremap(p, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
	if (p == MAP_FAILED) {
		EXPECT_EQ(EINVAL, errno);
		return;
	}
	EXPECT_EQ(1, p[0]);
	EXPECT_EQ(SIGBUS, trap_read(p + PAGE));
	EXPECT_EQ(SIGBUS, trap_write(p + 2 * PAGE, 1));
	EXPECT_EQ(1, region_resident(fd));
}

TEST_F(mapping, mremap_moves)
{
	char *room = mmap(NULL, LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *old = self->p;

	fill(old, LENGTH, 2);
	ASSERT_EQ(room, mremap(old, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, room));
	EXPECT_EQ(SIGSEGV, trap_read(old));
	EXPECT_TRUE(filled(room, LENGTH, 2));
	fill(room, LENGTH, 3);
	EXPECT_TRUE(reads_filled(self->fd, 0, LENGTH, SHARED ? 3 : 1));
	EXPECT_EQ(1, region_stat(self->fd).mappings);
	munmap(room, LENGTH);
}

/* The part of a mapping that moves keeps its place in the region. */
TEST_F(mapping, mremap_moves_a_part)
{
	char *room = mmap(NULL, LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_EQ(room, mremap(self->p + 5 * PAGE, 2 * PAGE, 2 * PAGE,
			       MREMAP_MAYMOVE | MREMAP_FIXED, room));
	EXPECT_EQ(SIGSEGV, trap_read(self->p + 5 * PAGE));
	room[0] = 77;
	EXPECT_EQ(0, munmap(self->p, LENGTH));
	self->p = map(self->fd, LENGTH, RW, variant->flags, 0);
	EXPECT_EQ(SHARED, self->p[5 * PAGE] == 77);
	EXPECT_TRUE(filled(self->p, 5 * PAGE, 1));
}

TEST_F(mapping, mremap_dontunmap_leaves_the_old_place)
{
	char *p = mremap(self->p, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);

	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(filled(p, LENGTH, 1));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
}

TEST_F(mapping, mremap_of_nothing_doubles_a_shared_mapping)
{
	char *p = mremap(self->p, 0, LENGTH, MREMAP_MAYMOVE);

	if (!SHARED) {
		EXPECT_EQ(MAP_FAILED, p);
		EXPECT_EQ(EINVAL, errno);
		return;
	}
	ASSERT_NE(MAP_FAILED, p);
	fill(p, LENGTH, 2);
	EXPECT_TRUE(filled(self->p, LENGTH, 2));
}

TEST_F(mapping, remap_file_pages_reorders)
{
	long result = syscall(SYS_remap_file_pages, self->p, PAGE, 0, 9, 0);

	if (!SHARED) {
		EXPECT_EQ(-1, result);
		EXPECT_EQ(EINVAL, errno);
		return;
	}
	EXPECT_EQ(0, result);
	EXPECT_EQ(0, memcmp(self->p, self->p + 9 * PAGE, PAGE));
	EXPECT_EQ(0, trap_write(self->p, 55));
	EXPECT_EQ(55, self->p[9 * PAGE]);
}

TEST_HARNESS_MAIN
