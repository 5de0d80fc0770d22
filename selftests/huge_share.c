// SPDX-License-Identifier: GPL-2.0
/* Huge pages that several regions have, or somebody holds: clones, children, reflinks. */
#include "huge_region_test.h"

TEST_F(huge, a_clone_has_it_in_common)
{
	__u64 before;
	int other;
	char *q;

	fill(self->p, LENGTH, 1);
	before = pages_now();
	other = clone_of(self->fd);
	ASSERT_GE(other, 0);
	EXPECT_EQ(before, pages_now());
	q = map_shared(other, LENGTH);
	EXPECT_TRUE(filled(q, LENGTH, 1));
	EXPECT_EQ(LENGTH, pmd_mapped(q));
	EXPECT_EQ(LENGTH / PAGE, region_resident(other));
	EXPECT_EQ(before, pages_now());
	munmap(q, LENGTH);
	close(other);
}

TEST_F(huge, either_side_of_a_clone_writes_apart)
{
	int other;
	char *q;

	fill(self->p, LENGTH, 1);
	other = clone_of(self->fd);
	q = map_shared(other, LENGTH);
	fill(q, HUGE, 2);
	fill(self->p + HUGE, HUGE, 3);
	ASSERT_EQ(1, pwrite(other, "x", 1, 2 * HUGE + 5));
	EXPECT_TRUE(filled(q, HUGE, 2));
	EXPECT_TRUE(reads_filled(self->fd, 0, HUGE, 1));
	EXPECT_TRUE(filled_from(q, 1, HUGE, HUGE));
	EXPECT_TRUE(filled(self->p + HUGE, HUGE, 3));
	EXPECT_EQ('x', q[2 * HUGE + 5]);
	EXPECT_TRUE(filled_from(self->p, 1, 2 * HUGE, 2 * HUGE));
	EXPECT_EQ(2 * HUGE / PAGE, region_stat(other).cow_copies);
	EXPECT_EQ(HUGE / PAGE, region_stat(self->fd).cow_copies);
	munmap(q, LENGTH);
	close(other);
}

TEST_F(huge, the_last_owner_writes_in_place)
{
	__u64 before, regions;
	int other;

	fill(self->p, LENGTH, 1);
	before = pages_now();
	regions = module_features().regions;
	other = clone_of(self->fd);
	close(other);
	EXPECT_TRUE(EVENTUALLY(module_features().regions == regions));
	fill(self->p, LENGTH, 2);
	EXPECT_TRUE(filled(self->p, LENGTH, 2));
	EXPECT_EQ(LENGTH, pmd_mapped(self->p));
	EXPECT_EQ(0, region_stat(self->fd).cow_copies);
	EXPECT_EQ(before, pages_now());
}

TEST_F(huge, a_clone_outlives_the_other)
{
	int other;
	char *q;

	fill(self->p, LENGTH, 1);
	other = clone_of(self->fd);
	munmap(self->p, LENGTH);
	close(self->fd);
	q = map_shared(other, LENGTH);
	EXPECT_TRUE(filled(q, LENGTH, 1));
	fill(q, LENGTH, 2);
	EXPECT_TRUE(filled(q, LENGTH, 2));
	self->fd = other;
	self->p = q;
}

TEST_F(huge, punching_what_a_clone_has_too)
{
	int fd = region_fd(self->fd, O_CLOEXEC), other;

	fill(self->p, LENGTH, 1);
	other = clone_of(self->fd);
	ASSERT_EQ(0, fallocate(fd, PUNCH, PAGE, PAGE));
	ASSERT_EQ(0, fallocate(fd, PUNCH, HUGE, HUGE));
	ASSERT_EQ(0, fallocate(other, PUNCH, 3 * HUGE + PAGE, PAGE));
	EXPECT_TRUE(filled_from(self->p, 1, 2 * HUGE, 2 * HUGE));
	EXPECT_TRUE(all_zero(self->p + PAGE, PAGE));
	EXPECT_TRUE(all_zero(self->p + HUGE, HUGE));
	EXPECT_TRUE(reads_filled(other, 0, 3 * HUGE, 1));
	EXPECT_TRUE(reads_zero(other, 3 * HUGE + PAGE, PAGE));
	close(other);
	close(fd);
}

TEST_F(huge, held_pages_stay_with_their_side)
{
	struct holder holder = { .target = self->p + HUGE / 2, .length = PAGE };
	const char *reason;
	int other;

	fill(self->p, LENGTH, 1);
	reason = hold(&holder);
	if (reason)
		SKIP_TEST("%s", reason);
	other = clone_of(self->fd);
	ASSERT_GE(other, 0);
	let_go(&holder, 9);
	EXPECT_TRUE(filled(self->p + HUGE / 2, PAGE, 9));
	EXPECT_TRUE(reads_filled(other, 0, LENGTH, 1));
	EXPECT_EQ(self->pages + (LENGTH + HUGE) / PAGE, pages_now());
	close(other);
}

TEST_F(huge, a_held_page_is_not_split)
{
	struct holder holder = { .target = self->p + HUGE / 2, .length = PAGE };
	int fd = region_fd(self->fd, O_CLOEXEC);
	const char *reason;

	fill(self->p, LENGTH, 1);
	reason = hold(&holder);
	if (reason)
		SKIP_TEST("%s", reason);
	ASSERT_EQ(0, fallocate(fd, PUNCH, 0, PAGE));
	EXPECT_EQ(0, region_stat(self->fd).huge_split);
	EXPECT_TRUE(all_zero(self->p, PAGE));
	let_go(&holder, 9);
	EXPECT_TRUE(filled(self->p + HUGE / 2, PAGE, 9));
	EXPECT_TRUE(filled_from(self->p, 1, PAGE, HUGE / 2 - PAGE));
	EXPECT_TRUE(filled_from(self->p, 1, HUGE / 2 + PAGE, LENGTH - HUGE / 2 - PAGE));
	close(fd);
}

TEST_F(huge, the_end_inside_a_held_page)
{
	struct holder holder = { .target = self->p + HUGE / 2, .length = PAGE };
	int fd = region_fd(self->fd, O_CLOEXEC);
	const char *reason;

	fill(self->p, LENGTH, 1);
	reason = hold(&holder);
	if (reason)
		SKIP_TEST("%s", reason);
	ASSERT_EQ(0, ftruncate(fd, HUGE / 2 + 7 * PAGE));
	EXPECT_EQ(SIGBUS, trap_read(self->p + HUGE / 2 + 7 * PAGE));
	EXPECT_EQ(0, trap_read(self->p + HUGE / 2 + 6 * PAGE));
	EXPECT_EQ(SIGBUS, trap_write(self->p + HUGE / 2 + 7 * PAGE, 1));
	let_go(&holder, 9);
	EXPECT_TRUE(filled(self->p + HUGE / 2, PAGE, 9));
	EXPECT_TRUE(filled(self->p, HUGE / 2, 1));
	ASSERT_EQ(0, ftruncate(fd, LENGTH));
	EXPECT_TRUE(all_zero(self->p + HUGE / 2 + 7 * PAGE, LENGTH - HUGE / 2 - 7 * PAGE));
	close(fd);
}

TEST_F(huge, a_child_writes_apart_or_not)
{
	bool apart = variant->flags & VMLAB_REGION_COW_FORK;

	fill(self->p, LENGTH, 1);
	EXPECT_TRUE(IN_CHILD(filled(self->p, LENGTH, 1) &&
			     pmd_mapped(self->p) == LENGTH &&
			     (fill(self->p, HUGE, 2), filled(self->p, HUGE, 2)) &&
			     filled_from(self->p, 1, HUGE, LENGTH - HUGE)));
	EXPECT_TRUE(filled(self->p, HUGE, apart ? 1 : 2));
	fill(self->p + HUGE, HUGE, 3);
	EXPECT_TRUE(filled(self->p + HUGE, HUGE, 3));
}

TEST_F(huge, a_private_mapping_copies_single_pages)
{
	char *q = map(self->fd, LENGTH, RW, MAP_PRIVATE, 0);

	fill(self->p, LENGTH, 1);
	EXPECT_TRUE(filled(q, LENGTH, 1));
	EXPECT_EQ(LENGTH, pmd_mapped(q));
	fill(q + PAGE, PAGE, 7);
	EXPECT_TRUE(filled(q + PAGE, PAGE, 7));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_TRUE(filled(q, PAGE, 1));
	EXPECT_EQ(LENGTH / PAGE, region_resident(self->fd));
	EXPECT_TRUE(IN_CHILD(filled(q + PAGE, PAGE, 7) && filled(q, PAGE, 1)));
	munmap(q, LENGTH);
}

/* Nobody else has it mapped: so it may be taken for one that somebody holds. */
TEST_F(huge, a_clone_of_what_is_mapped_privately)
{
	__u64 before;
	int other;
	char *q;

	fill(self->p, LENGTH, 1);
	munmap(self->p, LENGTH);
	q = map(self->fd, LENGTH, RW, MAP_PRIVATE, 0);
	EXPECT_TRUE(filled(q, LENGTH, 1));
	before = pages_now();
	other = clone_of(self->fd);
	EXPECT_EQ(before, pages_now());
	EXPECT_TRUE(filled(q, LENGTH, 1));
	EXPECT_TRUE(reads_filled(other, 0, LENGTH, 1));
	munmap(q, LENGTH);
	close(other);
	self->p = map_shared(self->fd, LENGTH);
}

TEST_F(huge, a_futex_of_a_clone_is_its_own)
{
	pthread_t waiter;
	int other;
	char *q;

	*(int *)(self->p + HUGE + PAGE) = 7;
	other = clone_of(self->fd);
	q = map_shared(other, LENGTH);
	*(int *)(q + HUGE + PAGE) = 7;
	*(int *)(self->p + HUGE + PAGE) = 7;
	ASSERT_EQ(0, pthread_create(&waiter, NULL, wait_on, q + HUGE + PAGE));
	EXPECT_EQ(0, futex(self->p + HUGE + PAGE, FUTEX_WAKE, 1, NULL));
	EXPECT_TRUE(EVENTUALLY(futex(q + HUGE + PAGE, FUTEX_WAKE, 1, NULL) == 1));
	pthread_join(waiter, NULL);
	munmap(q, LENGTH);
	close(other);
}

TEST_F(huge, a_reflink_has_all_in_common)
{
	int from = region_fd(self->fd, O_CLOEXEC), other = clone_of(self->fd);
	__u64 before;

	fill(self->p, LENGTH, 1);
	before = pages_now();
	ASSERT_EQ(0, ioctl(other, FICLONE, from));
	EXPECT_EQ(before, pages_now());
	EXPECT_TRUE(is_huge(other, HUGE));
	fill(self->p, LENGTH, 2);
	EXPECT_TRUE(reads_filled(other, 0, LENGTH, 1));
	close(other);
	close(from);
}

TEST_F(huge, a_reflink_within)
{
	int fd = region_fd(self->fd, O_CLOEXEC);

	fill(self->p, LENGTH, 1);
	ASSERT_EQ(0, clone_range(fd, 3 * PAGE, HUGE, fd, 2 * HUGE - 9 * PAGE));
	EXPECT_EQ(0, memcmp(self->p + 3 * PAGE, self->p + 2 * HUGE - 9 * PAGE, HUGE));
	EXPECT_TRUE(filled_from(self->p, 1, 0, 2 * HUGE - 9 * PAGE));
	EXPECT_TRUE(filled_from(self->p, 1, 3 * HUGE, HUGE));
	self->p[3 * PAGE]++;
	EXPECT_NE(self->p[3 * PAGE], self->p[2 * HUGE - 9 * PAGE]);
	close(fd);
}

/* What goes where the hole before the pages is to be is a part of the huge page that has them. */
TEST_F(huge, a_reflink_of_a_hole_and_pages_into_the_same)
{
	int fd = region_fd(self->fd, O_CLOEXEC);
	char *first = malloc(8 * PAGE);

	fill(self->p + HUGE, HUGE, 1);
	memcpy(first, self->p + HUGE, 8 * PAGE);
	ASSERT_EQ(0, clone_range(fd, HUGE - 12 * PAGE, 20 * PAGE, fd, HUGE + 88 * PAGE));
	EXPECT_TRUE(all_zero(self->p + HUGE + 88 * PAGE, 12 * PAGE));
	EXPECT_EQ(0, memcmp(self->p + HUGE + 100 * PAGE, first, 8 * PAGE));
	EXPECT_TRUE(filled_from(self->p + HUGE, 1, 0, 88 * PAGE));
	EXPECT_TRUE(filled_from(self->p + HUGE, 1, 108 * PAGE, HUGE - 108 * PAGE));
	free(first);
	close(fd);
}

TEST_F(huge, a_reflink_to_a_part_that_is_held)
{
	struct holder holder = { .target = self->p + HUGE / 2, .length = PAGE };
	int fd = region_fd(self->fd, O_CLOEXEC);
	const char *reason;

	fill(self->p, LENGTH, 1);
	reason = hold(&holder);
	if (reason)
		SKIP_TEST("%s", reason);
	EXPECT_EQ(0, clone_range(fd, HUGE, PAGE, fd, 0));
	EXPECT_EQ(0, memcmp(self->p, self->p + HUGE, PAGE));
	let_go(&holder, 9);
	EXPECT_EQ(0, memcmp(self->p, self->p + HUGE, PAGE));
	EXPECT_TRUE(filled_from(self->p, 1, PAGE, HUGE / 2 - PAGE));
	EXPECT_TRUE(filled(self->p + HUGE / 2, PAGE, 9));
	EXPECT_TRUE(filled_from(self->p, 1, HUGE, LENGTH - HUGE));
	close(fd);
}

/* Another mapping has it read-only when this side gets its copy. */
TEST_F(huge, another_mapping_sees_what_is_written)
{
	char *q = map_shared(self->fd, LENGTH);
	int other;

	fill(self->p, LENGTH, 1);
	other = clone_of(self->fd);
	EXPECT_EQ(0, trap_read(q + HUGE));
	EXPECT_EQ(0, trap_read(self->p + HUGE));
	self->p[HUGE] = 99;
	EXPECT_EQ(99, q[HUGE]);
	q[HUGE + 1] = 98;
	EXPECT_EQ(98, self->p[HUGE + 1]);
	EXPECT_TRUE(reads_filled_from(other, 1, 0, LENGTH));
	munmap(q, LENGTH);
	close(other);
}

/* Far from the region's beginning, where its index is high. */
TEST_F(huge, high_up)
{
	const off_t far = 1L << 40;
	char *q = map(self->fd, HUGE, RW, MAP_SHARED, far);
	int other;

	q[0] = 1;
	EXPECT_TRUE(is_huge(self->fd, far));
	other = clone_of(self->fd);
	EXPECT_TRUE(is_huge(other, far));
	close(other);
	q[PAGE] = 2;
	EXPECT_TRUE(is_huge(self->fd, far));
	EXPECT_EQ(HUGE / PAGE, region_resident(self->fd));
	other = clone_of(self->fd);
	q[PAGE] = 3;
	EXPECT_EQ(2 * HUGE / PAGE, region_resident(self->fd) + region_resident(other));
	close(other);
	munmap(q, HUGE);
}

/* A small one that is mapped read-only, as a clone has it, too. */
TEST_F(huge, a_small_page_at_the_cap)
{
	char *q = map(self->fd, PAGE, RW, MAP_SHARED, PAGE);
	__u64 cap = parameter_get("max_pages");
	int other;

	q[0] = 1;
	other = clone_of(self->fd);
	EXPECT_EQ(0, trap_read(q));
	parameter_set("max_pages", pages_now());
	EXPECT_EQ(SIGBUS, trap_write(q, 2));
	parameter_set("max_pages", cap);
	EXPECT_EQ(1, q[0]);
	EXPECT_EQ(0, trap_write(q, 2));
	EXPECT_EQ(2, q[0]);
	munmap(q, PAGE);
	close(other);
}

/* There is room in the budget, but not for all of a copy; of what is copied the most can leave. */
TEST_F(huge, a_copy_with_little_room)
{
	int other;
	char *q;

	fill(self->p, LENGTH, 1);
	ASSERT_EQ(0, set_budget(self->fd, LENGTH + HUGE / 4));
	other = clone_of(self->fd);
	q = map_shared(other, LENGTH);
	ASSERT_EQ(1, pwrite(other, "x", 1, 5));
	EXPECT_EQ(0, trap_write(q + HUGE, 'y'));
	EXPECT_EQ(0, trap_write(self->p + 2 * HUGE, 'z'));
	EXPECT_EQ('x', q[5]);
	EXPECT_EQ('y', q[HUGE]);
	EXPECT_EQ('z', self->p[2 * HUGE]);
	EXPECT_TRUE(reads_filled_from(other, 1, 6, HUGE - 6));
	EXPECT_TRUE(reads_filled_from(other, 1, HUGE + 1, LENGTH - HUGE - 1));
	EXPECT_TRUE(filled_from(self->p, 1, 0, 2 * HUGE));
	EXPECT_TRUE(filled_from(self->p, 1, 2 * HUGE + 1, LENGTH - 2 * HUGE - 1));
	munmap(q, LENGTH);
	close(other);
}

/* The clone gets copies of what is held, whether there is room or not. */
TEST_F(huge, a_clone_with_little_room_while_a_page_is_held)
{
	struct holder holder = { .target = self->p + HUGE, .length = PAGE };
	const char *reason;
	int other;

	fill(self->p, LENGTH, 1);
	ASSERT_EQ(0, set_budget(self->fd, LENGTH + HUGE / 4));
	reason = hold(&holder);
	if (reason)
		SKIP_TEST("%s", reason);
	other = clone_of(self->fd);
	EXPECT_GE(other, 0);
	let_go(&holder, 9);
	EXPECT_TRUE(filled(self->p + HUGE, PAGE, 9));
	EXPECT_TRUE(reads_filled_from(other, 1, 0, LENGTH));
	close(other);
}

/* The child's own and the parent's, side by side: the kernel may take them for one mapping. */
TEST(a_child_has_both_side_by_side)
{
	int fd = region_zero(VMLAB_REGION_HUGE | VMLAB_REGION_COW_FORK, 0);
	char *p = map_shared(fd, LENGTH);

	fill(p, LENGTH, 1);
	EXPECT_TRUE(IN_CHILD(({
		void *q = mmap(p, HUGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);

		mprotect(p + HUGE / 2, HUGE / 2, PROT_READ);
		mprotect(p + HUGE / 4 * 3, HUGE / 4, RW);
		p[HUGE - 1] = 99;
		p[HUGE] = 98;
		q == p;
	})));
	EXPECT_EQ(99, p[HUGE - 1]);
	EXPECT_TRUE(filled_from(p, 1, 0, HUGE - 1));
	EXPECT_TRUE(filled_from(p, 1, HUGE, LENGTH - HUGE));
	munmap(p, LENGTH);
	close(fd);
}

/*
 * In a child, mappings of the parent's region and of its own, made by mmap(), in one row: a part of
 * the second is to become like the first, by mprotect(), or all of it comes from elsewhere, by
 * mremap(). What is written there then must not be the parent's.
 */
static bool apart_when_merged(const char *p, int fd, bool moved)
{
	struct vmlab_region_fd at = { .flags = O_CLOEXEC, .address = (unsigned long)p };
	int own = ioctl(fd, VMLAB_IOC_REGION_FD, &at);
	char *room = map(-1, 8 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	char *first = (char *)(((unsigned long)room + HUGE - 1) / HUGE * HUGE), *second;

	if (mmap(first, HUGE, RW, MAP_SHARED | MAP_FIXED, fd, 0) != first)
		return false;
	second = mmap(first + (moved ? 4 : 1) * HUGE, HUGE, RW, MAP_SHARED | MAP_FIXED, own, HUGE);
	if (moved) {
		second = mremap(second, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, first + HUGE);
	} else {
		mprotect(second, HUGE, PROT_READ);
		mprotect(second, HUGE / 2, RW);
	}
	madvise(second, HUGE / 2, MADV_DONTNEED);
	second[0] = 99;
	second[PAGE] = 98;
	return own >= 0 && p[HUGE] == 99 && p[HUGE + PAGE] == 98;
}

TEST(a_child_has_both_by_mmap)
{
	int fd = region_zero(VMLAB_REGION_HUGE | VMLAB_REGION_COW_FORK, 0);
	char *p = map_shared(fd, LENGTH);

	fill(p, LENGTH, 1);
	EXPECT_TRUE(IN_CHILD(apart_when_merged(p, fd, false)));
	EXPECT_TRUE(IN_CHILD(apart_when_merged(p, fd, true)));
	EXPECT_TRUE(filled(p, LENGTH, 1));
	munmap(p, LENGTH);
	close(fd);
}

/* A huge page that a clone has, too, must be copied for that. */
TEST_F(huge, a_reflink_to_a_part_keeps_to_the_cap)
{
	__u64 cap = parameter_get("max_pages"), before;
	int other, fd;

	fill(self->p, LENGTH, 1);
	other = clone_of(self->fd);
	fd = region_fd(other, O_CLOEXEC);
	before = pages_now();
	parameter_set("max_pages", before);
	for (size_t i = 1; i < HUGES; i++)
		EXPECT_EQ(ENOSPC, clone_range(fd, 0, PAGE, fd, i * HUGE + PAGE));
	EXPECT_EQ(before, pages_now());
	parameter_set("max_pages", cap);
	EXPECT_TRUE(reads_filled_from(other, 1, 0, LENGTH));
	EXPECT_EQ(0, clone_range(fd, 0, PAGE, fd, HUGE + PAGE));
	EXPECT_TRUE(reads_filled_from(other, 1, HUGE + 2 * PAGE, LENGTH - HUGE - 2 * PAGE));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	close(fd);
	close(other);
}

TEST_HARNESS_MAIN
