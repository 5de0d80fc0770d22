// SPDX-License-Identifier: GPL-2.0
/*
 * FICLONE and FICLONERANGE: between files of a mount, between descriptors of regions, and
 * within one.
 */
#include "reflink_test.h"

static int clone_whole(int in, int out)
{
	return ioctl(out, FICLONE, in) ? errno : 0;
}

static off_t size_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		broken("fstat: %s\n", strerror(errno));
	return st.st_size;
}

/* Pages that are in a store, of which a huge page gets copies, and all else shares. */
FIXTURE(stored)
{
	char dir[64];
};

FIXTURE_VARIANT(stored)
{
	const char *options;
};

FIXTURE_VARIANT_ADD(stored, small) { .options = "size=16m,budget=64k" };
FIXTURE_VARIANT_ADD(stored, huge) { .options = "size=16m,budget=64k,huge=always" };

FIXTURE_SETUP(stored)
{
	ASSERT_EQ(0, mount_new("vmlab", variant->options, self->dir));
}

FIXTURE_TEARDOWN(stored)
{
	mount_end(self->dir);
}

TEST_F(stored, comes_to_both_sides)
{
	int in = new_file("in"), out = new_file("out");

	ASSERT_TRUE(writes_filled(in, 0, LENGTH / 2, 1));
	ASSERT_TRUE(writes_filled(in, LENGTH / 2, LENGTH / 2, 4));
	ASSERT_LT(0, region_stat(in).stored);
	ASSERT_EQ(0, clone_whole(in, out));
	EXPECT_TRUE(reads_filled(out, 0, LENGTH / 2, 1));
	EXPECT_TRUE(reads_filled(out, LENGTH / 2, LENGTH / 2, 4));
	ASSERT_TRUE(writes_filled(out, 0, LENGTH / 2, 2));
	ASSERT_TRUE(writes_filled(in, LENGTH / 2, LENGTH / 2, 3));
	EXPECT_TRUE(reads_filled(in, 0, LENGTH / 2, 1));
	EXPECT_TRUE(reads_filled(out, 0, LENGTH / 2, 2));
	EXPECT_TRUE(reads_filled(in, LENGTH / 2, LENGTH / 2, 3));
	EXPECT_TRUE(reads_filled(out, LENGTH / 2, LENGTH / 2, 4));
	close(in);
	close(out);
}

/* The other has been mapped and touched, so that there is something to be unmapped. */
static bool fill_other(int fd, char *q, unsigned int seed)
{
	if (!q)
		return writes_filled(fd, 0, LENGTH, seed);
	if (ftruncate(fd, LENGTH))
		return false;
	fill(q, LENGTH, seed);
	return true;
}

TEST_F(reflink, the_whole_is_the_same_and_costs_no_pages)
{
	__u64 before = pages_now();

	ASSERT_EQ(0, clone_whole(self->in, self->out));
	EXPECT_EQ(before, pages_now());
	EXPECT_EQ(LENGTH, size_of(self->out));
	EXPECT_TRUE(reads_filled(self->out, 0, LENGTH, 1));
	if (variant->mapped)
		EXPECT_TRUE(filled(self->q, LENGTH, 1));
	EXPECT_EQ(before, pages_now());
}

TEST_F(reflink, each_side_has_its_own_from_then_on)
{
	__u64 before = pages_now();

	ASSERT_EQ(0, clone_whole(self->in, self->out));
	ASSERT_TRUE(writes_filled(self->in, 3 * PAGE, 2 * PAGE, 2));
	ASSERT_TRUE(writes_filled(self->out, 4 * PAGE, 2 * PAGE, 3));
	if (variant->mapped) {
		fill(self->p + 10 * PAGE, PAGE, 4);
		fill(self->q + 11 * PAGE, PAGE, 5);
	} else {
		ASSERT_TRUE(writes_filled(self->in, 10 * PAGE, PAGE, 4));
		ASSERT_TRUE(writes_filled(self->out, 11 * PAGE, PAGE, 5));
	}
	EXPECT_EQ(before + 5, pages_now());
	EXPECT_TRUE(reads_filled(self->in, 3 * PAGE, 2 * PAGE, 2));
	EXPECT_TRUE(reads_filled(self->in, 10 * PAGE, PAGE, 4));
	EXPECT_TRUE(reads_filled(self->out, 4 * PAGE, 2 * PAGE, 3));
	EXPECT_TRUE(reads_filled(self->out, 11 * PAGE, PAGE, 5));
	ASSERT_EQ(0, ftruncate(self->out, 0));
	EXPECT_EQ(before, pages_now());
	EXPECT_TRUE(reads_filled(self->in, 3 * PAGE, 2 * PAGE, 2));
}

TEST_F(reflink, a_range_goes_to_another_place)
{
	char *content = malloc(LENGTH), *expected = malloc(LENGTH);
	__u64 before;

	ASSERT_TRUE(fill_other(self->out, self->q, 2));
	ASSERT_EQ(0, fallocate(self->in, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 60 * PAGE,
			       3 * PAGE));
	ASSERT_EQ(LENGTH, pread(self->in, content, LENGTH, 0));
	ASSERT_EQ(LENGTH, pread(self->out, expected, LENGTH, 0));
	memcpy(expected + 7 * PAGE, content + 50 * PAGE, 100 * PAGE);
	before = pages_now();
	ASSERT_EQ(0, clone_range(self->in, 50 * PAGE, 100 * PAGE, self->out, 7 * PAGE));
	EXPECT_EQ(before - 100, pages_now());
	ASSERT_EQ(LENGTH, pread(self->out, content, LENGTH, 0));
	EXPECT_EQ(0, memcmp(content, expected, LENGTH));
	if (variant->mapped)
		EXPECT_EQ(0, memcmp(self->q, expected, LENGTH));
	ASSERT_TRUE(writes_filled(self->in, 50 * PAGE, 100 * PAGE, 3));
	ASSERT_EQ(LENGTH, pread(self->out, content, LENGTH, 0));
	EXPECT_EQ(0, memcmp(content, expected, LENGTH));
	free(content);
	free(expected);
}

TEST_F(reflink, again_and_again)
{
	__u64 before = pages_now();

	for (off_t i = 0; i < 20; i++) {
		ASSERT_TRUE(writes_filled(self->in, i * PAGE, PAGE, 50 + i));
		ASSERT_EQ(0, clone_range(self->in, 0, 100 * PAGE, self->out, i * PAGE));
		EXPECT_TRUE(reads_filled(self->out, 2 * i * PAGE, PAGE, 50 + i));
	}
	for (off_t i = 0; i < 20; i++)
		EXPECT_TRUE(reads_filled(self->out, i * PAGE, PAGE, 50));
	ASSERT_EQ(0, ftruncate(self->in, 0));
	EXPECT_TRUE(reads_filled(self->out, 38 * PAGE, PAGE, 69));
	ASSERT_EQ(0, ftruncate(self->out, 0));
	EXPECT_EQ(before - PAGES, pages_now());
}

TEST_F(reflink, within_one)
{
	char *expected = malloc(LENGTH), *content = malloc(LENGTH);
	__u64 before = pages_now();

	ASSERT_EQ(LENGTH, pread(self->in, expected, LENGTH, 0));
	ASSERT_EQ(0, clone_range(self->in, 0, 10 * PAGE, self->in, 100 * PAGE));
	EXPECT_EQ(before - 10, pages_now());
	memcpy(expected + 100 * PAGE, expected, 10 * PAGE);
	ASSERT_TRUE(writes_filled(self->in, 2 * PAGE, PAGE, 2));
	fill(expected + 2 * PAGE, PAGE, 2);
	ASSERT_TRUE(writes_filled(self->in, 103 * PAGE, PAGE, 3));
	fill(expected + 103 * PAGE, PAGE, 3);
	if (variant->mapped) {
		fill(self->p + 4 * PAGE, PAGE, 4);
		fill(expected + 4 * PAGE, PAGE, 4);
		EXPECT_EQ(0, memcmp(self->p, expected, LENGTH));
	}
	ASSERT_EQ(LENGTH, pread(self->in, content, LENGTH, 0));
	EXPECT_EQ(0, memcmp(content, expected, LENGTH));
	free(expected);
	free(content);
}

TEST_F(reflink, the_end_need_not_be_that_of_a_page)
{
	ASSERT_EQ(0, ftruncate(self->in, 5 * PAGE + 100));
	ASSERT_EQ(0, clone_whole(self->in, self->out));
	EXPECT_EQ(5 * PAGE + 100, size_of(self->out));
	EXPECT_TRUE(reads_filled(self->out, 0, 5 * PAGE, 1));
	ASSERT_EQ(0, ftruncate(self->out, 6 * PAGE));
	EXPECT_TRUE(reads_zero(self->out, 5 * PAGE + 100, PAGE - 100));
	/* Into the middle of what is there only whole pages go. */
	EXPECT_EQ(EINVAL, clone_range(self->in, 0, 0, self->out, 0));
	ASSERT_EQ(0, clone_range(self->in, 0, 5 * PAGE, self->out, 0));
	EXPECT_EQ(6 * PAGE, size_of(self->out));
}

TEST_F(reflink, what_was_there_and_longer_stays_behind_it)
{
	ASSERT_TRUE(fill_other(self->out, self->q, 2));
	ASSERT_EQ(0, ftruncate(self->in, 10 * PAGE));
	ASSERT_EQ(0, clone_whole(self->in, self->out));
	EXPECT_EQ(LENGTH, size_of(self->out));
	EXPECT_TRUE(reads_filled(self->out, 0, 10 * PAGE, 1));
	EXPECT_FALSE(reads_filled(self->out, 10 * PAGE, PAGE, 1));
	EXPECT_FALSE(reads_zero(self->out, 10 * PAGE, PAGE));
}

TEST_F(reflink, what_cannot_be_is_refused)
{
	int backing = memfd_create("backing", MFD_CLOEXEC), region, other;

	EXPECT_EQ(EINVAL, clone_range(self->in, 100, PAGE, self->out, 0));
	EXPECT_EQ(EINVAL, clone_range(self->in, 0, PAGE, self->out, 100));
	EXPECT_EQ(EINVAL, clone_range(self->in, 0, 100, self->out, 0));
	EXPECT_EQ(EINVAL, clone_range(self->in, LENGTH, PAGE, self->out, 0));
	EXPECT_EQ(EINVAL, clone_range(self->in, 0, 5 * PAGE, self->in, 4 * PAGE));
	EXPECT_EQ(EFBIG, clone_range(self->in, 0, PAGE, self->out, 1L << 61));
	EXPECT_EQ(EXDEV, clone_whole(self->in, backing));
	ASSERT_EQ(0, ftruncate(backing, LENGTH));
	region = region_file(backing, 0, LENGTH);
	ASSERT_LE(0, region);
	other = region_fd(region, O_CLOEXEC);
	ASSERT_LE(0, other);
	EXPECT_EQ(variant->file ? EXDEV : EOPNOTSUPP, clone_whole(other, self->out));
	EXPECT_EQ(variant->file ? EXDEV : EOPNOTSUPP, clone_whole(self->in, other));
	EXPECT_EQ(0, size_of(self->out));
	EXPECT_TRUE(reads_filled(self->in, 0, LENGTH, 1));
	close(other);
	close(region);
	close(backing);
}

TEST_F(reflink, duplicates_are_not_looked_for)
{
	struct file_dedupe_range *range = calloc(1, sizeof(*range) + sizeof(range->info[0]));

	ASSERT_TRUE(writes_filled(self->out, 0, PAGE, 1));
	range->src_length = PAGE;
	range->dest_count = 1;
	range->info[0].dest_fd = self->out;
	ASSERT_EQ(0, ioctl(self->in, FIDEDUPERANGE, range));
	EXPECT_EQ(-EOPNOTSUPP, range->info[0].status);
	free(range);
}

TEST_F(reflink, copying_a_file_shares_it)
{
	__u64 before = pages_now();
	loff_t from = 10 * PAGE, to = 0;

	ASSERT_EQ(20 * PAGE, copy_file_range(self->in, &from, self->out, &to, 20 * PAGE, 0));
	EXPECT_EQ(before, pages_now());
	EXPECT_EQ(20 * PAGE, size_of(self->out));
	from = 50;
	to = 10;
	ASSERT_EQ(100, copy_file_range(self->in, &from, self->out, &to, 100, 0));
	EXPECT_EQ(before + 1, pages_now());
}

/* Pages that somebody holds stay where they are; the other side has what was in them. */
TEST_F(reflink, what_is_held_stays)
{
	struct holder holder = { .length = 4 * PAGE };
	char *p = self->p ?: map_shared(self->in, LENGTH);
	const char *broken_holder;

	holder.target = p + 20 * PAGE;
	memset(p + 20 * PAGE, 9, 4 * PAGE);
	broken_holder = hold(&holder);
	if (broken_holder)
		SKIP(return, "%s", broken_holder);
	ASSERT_EQ(0, clone_range(self->in, 18 * PAGE, 10 * PAGE, self->out, 0));
	let_go(&holder, 7);
	EXPECT_EQ(4 * PAGE, holder.written);
	EXPECT_TRUE(filled(p + 20 * PAGE, 4 * PAGE, 7));
	for (unsigned long i = 0; i < 4; i++) {
		char byte = 0;

		ASSERT_EQ(1, pread(self->out, &byte, 1, (2 + i) * PAGE));
		EXPECT_EQ(9, byte);
	}
	if (!self->p)
		munmap(p, LENGTH);
}

/* A page that came from another place in the same file, and is that one's no more. */
TEST_F(reflink, a_futex_in_a_page_that_was_linked_within)
{
	char *p = map_shared(self->in, LENGTH);
	pthread_t waiter;

	ASSERT_EQ(0, clone_range(self->in, 0, PAGE, self->in, PAGE));
	ASSERT_EQ(0, fallocate(self->in, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	*(int *)p = 7;
	*(int *)(p + PAGE) = 7;
	ASSERT_EQ(0, pthread_create(&waiter, NULL, wait_on, p));
	for (int i = 0; i < 100; i++) {
		usleep(1000);
		EXPECT_EQ(0, futex(p + PAGE, FUTEX_WAKE, 1, NULL));
	}
	EXPECT_TRUE(EVENTUALLY(futex(p, FUTEX_WAKE, 1, NULL) == 1));
	pthread_join(waiter, NULL);
	munmap(p, LENGTH);
}

/* Pages that others have, too, are copied before the first is zeroed. */
TEST_F(reflink, zeroing_what_is_shared_at_the_cap)
{
	__u64 cap = parameter_get("max_pages");

	ASSERT_TRUE(writes_filled(self->in, 0, 8 * PAGE, 1));
	ASSERT_EQ(0, clone_range(self->in, 0, 8 * PAGE, self->out, 0));
	parameter_set("max_pages", pages_now() + 7);
	EXPECT_EQ(-1, fallocate(self->out, FALLOC_FL_ZERO_RANGE, 0, 8 * PAGE));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_TRUE(reads_filled(self->out, 0, 8 * PAGE, 1));
	parameter_set("max_pages", cap);
	EXPECT_EQ(0, fallocate(self->out, FALLOC_FL_ZERO_RANGE, 10, 8 * PAGE - 20));
	EXPECT_TRUE(reads_filled(self->out, 0, 10, 1));
	EXPECT_TRUE(reads_zero(self->out, 10, 8 * PAGE - 20));
	EXPECT_TRUE(reads_filled(self->in, 0, 8 * PAGE, 1));
}

/* Whose page it is a futex is told by: two sides, at unequal offsets, wake their own. */
TEST_F(reflink, a_futex_is_its_own)
{
	pthread_t waiter;
	char *p = self->p ?: map_shared(self->in, LENGTH);
	char *q = self->q ?: map_shared(self->out, LENGTH);
	int *a = (int *)(p + 5 * PAGE), *b = (int *)(q + 9 * PAGE);

	*a = 7;
	ASSERT_EQ(0, clone_range(self->in, 0, 10 * PAGE, self->out, 4 * PAGE));
	*b = 7;
	ASSERT_EQ(0, pthread_create(&waiter, NULL, wait_on, b));
	usleep(200000);
	EXPECT_EQ(0, futex(a, FUTEX_WAKE, 1, NULL));
	EXPECT_TRUE(EVENTUALLY(futex(b, FUTEX_WAKE, 1, NULL) == 1));
	pthread_join(waiter, NULL);
	if (!self->p) {
		munmap(p, LENGTH);
		munmap(q, LENGTH);
	}
}

FIXTURE(full)
{
	char dir[64];
	int in;
	int out;
};

/* A mount whose pages are all used. */
FIXTURE_SETUP(full)
{
	ASSERT_EQ(0, mount_new("vmlab", "size=80k", self->dir));
	self->in = new_file("in");
	self->out = new_file("out");
	ASSERT_TRUE(writes_filled(self->in, 0, 20 * PAGE, 1));
}

FIXTURE_TEARDOWN(full)
{
	close(self->in);
	close(self->out);
	mount_end(self->dir);
}

TEST_F(full, links_but_does_not_copy)
{
	char *q;

	ASSERT_EQ(0, clone_whole(self->in, self->out));
	EXPECT_EQ(-1, pwrite(self->out, "x", 1, 0));
	EXPECT_EQ(ENOSPC, errno);
	q = map_shared(self->out, 20 * PAGE);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(SIGBUS, trap_write(q + PAGE, 1));
	EXPECT_TRUE(filled(q, 20 * PAGE, 1));
	/* What only one has any more can be written to. */
	close(self->in);
	ASSERT_EQ(0, unlink("in"));
	EXPECT_EQ(0, trap_write(q + PAGE, 1));
	EXPECT_EQ(1, q[PAGE]);
	munmap(q, 20 * PAGE);
	self->in = -1;
}

/* Who makes a file shorter wants to have room, and gets it. */
TEST_F(full, becomes_shorter)
{
	ASSERT_EQ(0, clone_whole(self->in, self->out));
	EXPECT_EQ(0, ftruncate(self->out, 3 * PAGE + 100));
	EXPECT_TRUE(reads_filled(self->out, 0, 3 * PAGE + 100, 1));
	EXPECT_EQ(0, ftruncate(self->out, 4 * PAGE));
	EXPECT_TRUE(reads_zero(self->out, 3 * PAGE + 100, PAGE - 100));
	EXPECT_TRUE(reads_filled(self->in, 0, 20 * PAGE, 1));
}

/* What cannot be copied, because it is held, is an error, and what was there stays. */
TEST_F(full, what_cannot_be_copied_changes_nothing)
{
	struct holder holder = { .length = PAGE };
	char *p = map_shared(self->in, 20 * PAGE);
	const char *broken_holder;

	ASSERT_EQ(0, ftruncate(self->in, 19 * PAGE));
	ASSERT_TRUE(writes_filled(self->out, 0, PAGE, 2));
	p[3 * PAGE] = 1;
	holder.target = p + 3 * PAGE;
	broken_holder = hold(&holder);
	if (broken_holder)
		SKIP(return, "%s", broken_holder);
	EXPECT_EQ(ENOSPC, clone_range(self->in, 3 * PAGE, PAGE, self->out, 0));
	EXPECT_TRUE(reads_filled(self->out, 0, PAGE, 2));
	EXPECT_EQ(PAGE, size_of(self->out));
	let_go(&holder, 7);
	EXPECT_TRUE(filled(p + 3 * PAGE, PAGE, 7));
	munmap(p, 20 * PAGE);
}

/* Each has a budget of its own. */
TEST(between_pools_there_is_none)
{
	int in = new_region(), out = new_region();

	ASSERT_TRUE(writes_filled(in, 0, LENGTH, 1));
	EXPECT_EQ(EXDEV, clone_whole(in, out));
	EXPECT_EQ(EXDEV, clone_range(in, 0, PAGE, out, 0));
	EXPECT_EQ(0, size_of(out));
	EXPECT_EQ((ssize_t)LENGTH, copy_file_range(in, &(off_t){ 0 }, out, NULL, LENGTH, 0));
	EXPECT_TRUE(reads_filled(out, 0, LENGTH, 1));
	close(in);
	close(out);
}

TEST_HARNESS_MAIN
