// SPDX-License-Identifier: GPL-2.0
/*
 * Clones: the image of a region at one moment, and what each side may do to its own
 * afterwards without the other's noticing.
 */
#include "clone_test.h"

/* Bits that all pages of [first, first + nr) have in common, and the pages found. */
static __u32 common_state(int fd, __u64 first, __u64 nr, __u64 *found)
{
	struct vmlab_extent extent[64];
	struct vmlab_extents extents = {
		.start = first * PAGE, .end = (first + nr) * PAGE,
		.buffer = (unsigned long)extent,
	};
	__u32 state = ~0U;

	*found = 0;
	do {
		extents.count = 64;
		if (ioctl(fd, VMLAB_IOC_EXTENTS, &extents))
			broken("VMLAB_IOC_EXTENTS: %s\n", strerror(errno));
		for (__u32 i = 0; i < extents.count; i++) {
			state &= extent[i].state;
			*found += extent[i].length / PAGE;
		}
	} while (extents.start < extents.end);
	return state;
}

TEST_F(clone, is_a_region_like_the_other)
{
	int other = clone_of(self->fd);
	struct vmlab_stat a = region_stat(self->fd), b = region_stat(other);

	ASSERT_GE(other, 0);
	EXPECT_NE(a.id, b.id);
	EXPECT_EQ(a.size, b.size);
	EXPECT_EQ(a.flags, b.flags);
	EXPECT_EQ(a.backing, b.backing);
	EXPECT_EQ(PAGES, b.resident);
	EXPECT_EQ(0, b.dirty);
	EXPECT_EQ(0, b.faults);
	EXPECT_EQ(FD_CLOEXEC, fcntl(other, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(other, F_GETFL) & O_ACCMODE);
	close(other);
}

TEST_F(clone, costs_no_pages)
{
	__u64 before = pages_now();
	int other[100];

	for (int i = 0; i < 100; i++) {
		other[i] = clone_of(self->fd);
		ASSERT_GE(other[i], 0);
	}
	EXPECT_EQ(before, pages_now());
	for (int i = 0; i < 100; i++) {
		EXPECT_TRUE(reads_filled(other[i], 0, LENGTH, 1));
		close(other[i]);
	}
	EXPECT_EQ(before, pages_now());
}

TEST_F(clone, keeps_what_was_when_the_other_writes)
{
	int other = clone_of(self->fd);
	char *q = map_shared(other, LENGTH);

	fill(self->p, LENGTH, 2);
	EXPECT_TRUE(filled(q, LENGTH, 1));
	EXPECT_TRUE(filled(self->p, LENGTH, 2));
	EXPECT_TRUE(reads_filled(other, 0, LENGTH, 1));
	munmap(q, LENGTH);
	close(other);
}

TEST_F(clone, writes_are_its_own)
{
	int other = clone_of(self->fd);
	char *q = map_shared(other, LENGTH);

	EXPECT_TRUE(filled(q, LENGTH, 1));
	fill(q, LENGTH, 2);
	EXPECT_TRUE(filled(q, LENGTH, 2));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_TRUE(reads_filled(self->fd, 0, LENGTH, 1));
	EXPECT_TRUE(reads_filled(other, 0, LENGTH, 2));
	munmap(q, LENGTH);
	close(other);
}

TEST_F(clone, each_page_is_copied_once)
{
	__u64 before = pages_now();
	int other = clone_of(self->fd);
	char *q = map_shared(other, LENGTH);

	for (unsigned long i = 0; i < PAGES; i += 7) {
		q[i * PAGE] = 9;
		q[i * PAGE + 1] = 9;
		ASSERT_EQ(1, pwrite(other, "x", 1, i * PAGE + 2));
	}
	EXPECT_EQ((PAGES + 6) / 7, region_stat(other).cow_copies);
	EXPECT_EQ(before + (PAGES + 6) / 7, pages_now());
	munmap(q, LENGTH);
	close(other);
	EXPECT_TRUE(EVENTUALLY(before == pages_now()));
}

TEST_F(clone, system_calls_write_apart)
{
	int other = clone_of(self->fd);

	EXPECT_TRUE(writes_filled(other, 0, LENGTH, 2));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_TRUE(writes_filled(self->fd, 0, LENGTH, 3));
	EXPECT_TRUE(filled(self->p, LENGTH, 3));
	EXPECT_TRUE(reads_filled(other, 0, LENGTH, 2));
	close(other);
}

TEST_F(clone, what_was_untouched_is_apart)
{
	int other;
	char *q, *tail;

	other = clone_of(self->fd);
	tail = map(self->fd, PAGE, RW, MAP_SHARED, 2 * LENGTH);
	q = map(other, PAGE, RW, MAP_SHARED, 2 * LENGTH);
	tail[0] = 1;
	EXPECT_EQ(0, q[0]);
	q[1] = 2;
	EXPECT_EQ(0, tail[1]);
	munmap(tail, PAGE);
	munmap(q, PAGE);
	close(other);
}

TEST_F(clone, the_last_owner_writes_in_place)
{
	__u64 before = pages_now(), regions = module_features().regions;
	int other = clone_of(self->fd);

	close(other);
	EXPECT_TRUE(EVENTUALLY(module_features().regions == regions));
	fill(self->p, LENGTH, 2);
	EXPECT_TRUE(filled(self->p, LENGTH, 2));
	EXPECT_EQ(0, region_stat(self->fd).cow_copies);
	EXPECT_EQ(before, pages_now());
}

TEST_F(clone, outlives_the_other)
{
	__u64 before = pages_now();
	int other = clone_of(self->fd);
	char *q = map_shared(other, LENGTH);

	self->p[0] = 99;
	munmap(self->p, LENGTH);
	close(self->fd);
	EXPECT_TRUE(EVENTUALLY(pages_now() == before));	/* the page of 99 has gone */
	EXPECT_TRUE(filled(q, LENGTH, 1));
	fill(q, LENGTH, 2);
	EXPECT_TRUE(filled(q, LENGTH, 2));
	EXPECT_EQ(before, pages_now());
	self->fd = other;
	self->p = q;
}

/* A chain of clones, each of which changes a page; then they go in a wild order. */
TEST_F(clone, of_a_clone_of_a_clone)
{
	enum { DEPTH = 40 };
	int fds[DEPTH];

	for (unsigned long i = 0; i < DEPTH; i++) {
		char byte = 100 + i;

		fds[i] = clone_of(i ? fds[i - 1] : self->fd);
		ASSERT_GE(fds[i], 0);
		ASSERT_EQ(1, pwrite(fds[i], &byte, 1, i * 5 * PAGE));
	}
	for (unsigned long n = 0, i = 0; n < DEPTH; n++, i = (i + 17) % DEPTH) {
		for (unsigned long j = 0; j < DEPTH; j++) {
			char byte = 0;

			ASSERT_EQ(1, pread(fds[i], &byte, 1, j * 5 * PAGE));
			ASSERT_EQ(j <= i ? (char)(100 + j) : self->p[j * 5 * PAGE], byte);
		}
		close(fds[i]);
	}
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_TRUE(EVENTUALLY(pages_now() == self->pages + PAGES));
}

TEST_F(clone, punching_leaves_the_other)
{
	int other = clone_of(self->fd), fd = region_fd(self->fd, 0);

	ASSERT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100,
			       LENGTH - 200));
	EXPECT_EQ(2, region_resident(fd));
	EXPECT_EQ(PAGES, region_resident(other));
	EXPECT_TRUE(all_zero(self->p + 100, LENGTH - 200));
	EXPECT_NE(0, self->p[99]);
	EXPECT_NE(0, self->p[LENGTH - 100]);
	EXPECT_TRUE(reads_filled(other, 0, LENGTH, 1));

	ASSERT_EQ(0, fallocate(other, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	EXPECT_NE(0, self->p[99]);
	EXPECT_TRUE(reads_zero(other, 0, PAGE));
	close(fd);
	close(other);
}

/* What goes as a whole is not copied before, wherever the range begins and ends. */
TEST_F(clone, punching_copies_nothing)
{
	int other = clone_of(self->fd), fd = region_fd(self->fd, O_CLOEXEC);

	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, 70 * PAGE));
	EXPECT_EQ(0, region_stat(self->fd).cow_copies);
	EXPECT_TRUE(all_zero(self->p + PAGE, 70 * PAGE));
	EXPECT_TRUE(reads_filled(other, 0, LENGTH, 1));
	close(fd);
	close(other);
}

/* Whole branches of the index, which both have, go from one side at once. */
TEST_F(clone, punching_much_leaves_the_other)
{
	const off_t from = 1L << 30, step = 64 * PAGE, end = from + 192 * step;
	int other, fd;

	for (off_t at = from; at < end; at += step)
		ASSERT_EQ(1, pwrite(self->fd, "x", 1, at));
	other = clone_of(self->fd);
	fd = region_fd(other, O_CLOEXEC);
	ASSERT_EQ(PAGES + 192, region_resident(other));
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, end - from));
	EXPECT_EQ(PAGES, region_resident(other));
	EXPECT_TRUE(reads_zero(other, from, step + 1));
	EXPECT_EQ(PAGES + 192, region_resident(self->fd));
	for (off_t at = from; at < end; at += step) {
		char byte = 0;

		EXPECT_EQ(1, pread(self->fd, &byte, 1, at));
		EXPECT_EQ('x', byte);
	}
	close(fd);
	close(other);
}

TEST_F(clone, truncating_leaves_the_other)
{
	int other = clone_of(self->fd);
	char *q = map_shared(other, LENGTH);

	EXPECT_TRUE(filled(q, LENGTH, 1));
	ASSERT_EQ(0, ftruncate(other, 10 * PAGE + 5));
	EXPECT_EQ(SIGBUS, trap_read(q + 11 * PAGE));
	EXPECT_EQ(0, q[10 * PAGE + 5]);
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	ASSERT_EQ(0, ftruncate(other, LENGTH));
	EXPECT_TRUE(all_zero(q + 10 * PAGE + 5, LENGTH - 10 * PAGE - 5));
	EXPECT_TRUE(filled(q, 10 * PAGE + 5, 1));
	munmap(q, LENGTH);
	close(other);
}

TEST_F(clone, says_which_pages_are_shared)
{
	int other = clone_of(self->fd);
	__u64 found;

	EXPECT_TRUE(common_state(other, 0, PAGES, &found) & VMLAB_PAGE_SHARED);
	EXPECT_EQ(PAGES, found);
	EXPECT_TRUE(common_state(self->fd, 0, PAGES, &found) & VMLAB_PAGE_SHARED);
	EXPECT_EQ(PAGES, found);
	self->p[70 * PAGE] = 0;
	EXPECT_FALSE(common_state(self->fd, 70, 1, &found) & VMLAB_PAGE_SHARED);
	EXPECT_FALSE(common_state(other, 70, 1, &found) & VMLAB_PAGE_SHARED);
	EXPECT_TRUE(common_state(other, 71, 1, &found) & VMLAB_PAGE_SHARED);
	close(other);
	EXPECT_TRUE(EVENTUALLY(!(common_state(self->fd, 0, PAGES, &found) &
				 VMLAB_PAGE_SHARED)));
}

/*
 * A page that is dirty in a page table must not be made writable by mprotect(), which may
 * believe that somebody had been asked.
 */
TEST_F(clone, mprotect_opens_no_way_around)
{
	int other = clone_of(self->fd);

	ASSERT_EQ(0, mprotect(self->p, LENGTH, PROT_READ));
	ASSERT_EQ(0, mprotect(self->p, LENGTH, RW));
	fill(self->p, LENGTH, 2);
	EXPECT_TRUE(reads_filled(other, 0, LENGTH, 1));
	close(other);

	ASSERT_EQ(0, mprotect(self->p, LENGTH, PROT_READ));
	other = clone_of(self->fd);
	ASSERT_EQ(0, mprotect(self->p, LENGTH, RW));
	fill(self->p, LENGTH, 3);
	EXPECT_TRUE(reads_filled(other, 0, LENGTH, 2));
	close(other);
}

TEST_F(clone, a_moved_mapping_asks_as_well)
{
	int other;
	char *q = mremap(self->p, LENGTH / 2, LENGTH / 2, MREMAP_MAYMOVE | MREMAP_FIXED,
			 map(-1, LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0));

	ASSERT_NE(MAP_FAILED, q);
	other = clone_of(self->fd);
	fill(q, LENGTH / 2, 2);
	memset(self->p + LENGTH / 2, 3, LENGTH / 2);
	EXPECT_TRUE(reads_filled(other, 0, LENGTH, 1));
	munmap(q, LENGTH);
	close(other);
}

TEST_F(clone, a_private_mapping_stays_private)
{
	int other = clone_of(self->fd);
	char *q = map(other, LENGTH, RW, MAP_PRIVATE, 0);

	EXPECT_TRUE(filled(q, LENGTH, 1));
	q[0] = 99;
	EXPECT_EQ(0, region_stat(other).cow_copies);
	EXPECT_TRUE(reads_filled(other, 0, LENGTH, 1));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	ASSERT_TRUE(writes_filled(other, PAGE, PAGE, 2));
	EXPECT_TRUE(filled(q + PAGE, PAGE, 2));
	EXPECT_EQ(99, q[0]);
	munmap(q, LENGTH);
	close(other);
}

TEST_F(clone, by_address)
{
	int any = region_open(), other = clone_at(any, self->p + 5 * PAGE, 0);

	ASSERT_GE(other, 0);
	EXPECT_EQ(0, fcntl(other, F_GETFD));
	EXPECT_TRUE(reads_filled(other, 0, LENGTH, 1));
	close(other);
	close(any);
}

/* Words at the same place of two clones are two words, and each wakes its own waiter. */
TEST_F(clone, a_futex_is_its_own)
{
	pthread_t waiter;
	int *a = (int *)self->p, *b, other;

	*a = 7;
	other = clone_of(self->fd);
	b = (int *)map_shared(other, PAGE);
	ASSERT_EQ(0, pthread_create(&waiter, NULL, wait_on, b));
	usleep(200000);
	EXPECT_EQ(0, futex(a, FUTEX_WAKE, 1, NULL));
	*a = 8;
	EXPECT_EQ(0, futex(a, FUTEX_WAKE, 1, NULL));
	EXPECT_TRUE(EVENTUALLY(futex(b, FUTEX_WAKE, 1, NULL) == 1));
	pthread_join(waiter, NULL);
	munmap(b, PAGE);
	close(other);
}

/* The page carries the name of a region that is no more, until the clone takes it over. */
TEST_F(clone, a_futex_in_an_inherited_page)
{
	int *a = (int *)self->p, *b, *c, second, third;
	pthread_t waiter;

	*a = 7;
	second = clone_of(self->fd);
	third = clone_of(self->fd);
	*a = 8;
	b = (int *)map_shared(second, PAGE);
	c = (int *)map_shared(third, PAGE);
	*b = 9;		/* now the page is the third's alone, made by the first */
	ASSERT_EQ(7, *c);
	ASSERT_EQ(0, pthread_create(&waiter, NULL, wait_on, c));
	usleep(200000);
	EXPECT_EQ(0, futex(a, FUTEX_WAKE, 1, NULL));
	EXPECT_EQ(0, futex(b, FUTEX_WAKE, 1, NULL));
	EXPECT_TRUE(EVENTUALLY(futex(c, FUTEX_WAKE, 1, NULL) == 1));
	pthread_join(waiter, NULL);
	munmap(b, PAGE);
	munmap(c, PAGE);
	close(second);
	close(third);
}

TEST_F(clone, pages_in_other_hands_stay_with_their_side)
{
	struct holder holder = { .target = self->p, .length = 4 * PAGE };
	const char *missing = hold(&holder);
	int first, second;

	if (missing)
		SKIP_TEST("%s", missing);
	first = clone_of(self->fd);
	self->p[5 * PAGE] ^= 1;
	self->p[5 * PAGE] ^= 1;
	second = clone_of(self->fd);	/* they are still held, though nothing was written */
	let_go(&holder, 5);
	EXPECT_EQ(4 * PAGE, holder.written);
	EXPECT_TRUE(filled(self->p, 4 * PAGE, 5));
	EXPECT_TRUE(reads_filled(first, 0, LENGTH, 1));
	EXPECT_TRUE(reads_filled(second, 0, LENGTH, 1));
	close(first);
	close(second);

	first = clone_of(self->fd);
	fill(self->p, 4 * PAGE, 6);
	EXPECT_TRUE(reads_filled(first, 0, 4 * PAGE, 5));
	close(first);
}

/* What somebody took out of one region does not change with another that has the page. */
TEST_F(clone, a_pipe_keeps_what_was_put_into_it)
{
	int other = clone_of(self->fd), ends[2];
	char *q = map(other, PAGE, PROT_READ, MAP_SHARED, 0), *buffer = malloc(PAGE);
	struct iovec iov = { .iov_base = q, .iov_len = PAGE };

	ASSERT_EQ(0, pipe(ends));
	ASSERT_TRUE(filled(q, PAGE, 1));
	ASSERT_EQ(PAGE, vmsplice(ends[1], &iov, 1, 0));
	munmap(q, PAGE);
	close(other);
	fill(self->p, PAGE, 2);
	ASSERT_TRUE(writes_filled(self->fd, 0, PAGE, 3));
	ASSERT_EQ(PAGE, read(ends[0], buffer, PAGE));
	EXPECT_TRUE(filled(buffer, PAGE, 1));
	EXPECT_TRUE(filled(self->p, PAGE, 3));
	free(buffer);
	close(ends[0]);
	close(ends[1]);
}

/* What may not be cloned */

FIXTURE(refused)
{
	int fd;
};

FIXTURE_SETUP(refused)
{
	self->fd = region_open();
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(refused)
{
	close(self->fd);
}

TEST_F(refused, bad_arguments)
{
	struct vmlab_clone clone = { .flags = O_CLOEXEC | O_APPEND };

	EXPECT_EQ(-1, ioctl(self->fd, VMLAB_IOC_CLONE, &clone));
	EXPECT_EQ(EINVAL, errno);
	clone = (struct vmlab_clone){ .__reserved = 1 };
	EXPECT_EQ(-1, ioctl(self->fd, VMLAB_IOC_CLONE, &clone));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->fd, VMLAB_IOC_CLONE, NULL));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(refused, addresses_that_are_no_region)
{
	char *p = map_shared(self->fd, PAGE);

	EXPECT_EQ(-1, clone_at(self->fd, &p, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, clone_at(self->fd, p + PAGE, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, clone_at(self->fd, (void *)-PAGE, 0));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_EQ(0, mprotect(p, PAGE, PROT_NONE));
	EXPECT_EQ(-1, clone_at(self->fd, p, 0));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(refused, without_the_right_to_read)
{
	int fd = region_open_as(O_WRONLY);

	EXPECT_EQ(-1, clone_of(fd));
	EXPECT_EQ(EBADF, errno);
	close(fd);
}

TEST_F(refused, without_a_descriptor_to_give)
{
	struct rlimit limit, none;
	__u64 regions = module_features().regions;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = 0;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-1, clone_of(self->fd));
	EXPECT_EQ(EMFILE, errno);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_TRUE(EVENTUALLY(module_features().regions == regions));
}

/* At the cap a copy cannot be made: the writer hears of it, the contents stay. */
TEST_F(refused, a_copy_at_the_cap)
{
	__u64 max = parameter_get("max_pages");
	char *p = map_shared(self->fd, 4 * PAGE), *q;
	int other;

	fill(p, 4 * PAGE, 1);
	other = clone_of(self->fd);
	q = map_shared(other, 4 * PAGE);
	EXPECT_TRUE(filled(q, 4 * PAGE, 1));
	ASSERT_EQ(0, parameter_set("max_pages", pages_now()));
	EXPECT_EQ(SIGBUS, trap_write(q, 9));
	EXPECT_EQ(-1, pwrite(other, "x", 1, 0));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(SIGBUS, trap_write(q, 9));
	/* A part of a page cannot be punched; whole pages can. */
	EXPECT_EQ(-1, fallocate(other, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 9, 3 * PAGE));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_TRUE(filled(q, 4 * PAGE, 1));
	EXPECT_EQ(0, fallocate(other, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE));
	/* What becomes shorter does so in any case. */
	EXPECT_EQ(0, ftruncate(other, 3 * PAGE + 9));
	EXPECT_EQ(0, ftruncate(other, 4 * PAGE));
	ASSERT_EQ(0, parameter_set("max_pages", max));
	EXPECT_TRUE(filled(q, PAGE, 1));
	EXPECT_TRUE(all_zero(q + PAGE, PAGE));
	EXPECT_EQ(0, memcmp(q + 2 * PAGE, p + 2 * PAGE, PAGE + 9));
	EXPECT_TRUE(all_zero(q + 3 * PAGE + 9, PAGE - 9));
	EXPECT_EQ(0, trap_write(q, 9));
	EXPECT_TRUE(filled(p, 4 * PAGE, 1));
	munmap(p, 4 * PAGE);
	munmap(q, 4 * PAGE);
	close(other);
}

TEST_HARNESS_MAIN
