// SPDX-License-Identifier: GPL-2.0
/*
 * Clones that are made while others write to the region, or cut it off: each is of one
 * moment.
 */
#include "clone_test.h"
#include "writers.h"

#define WRITERS 3

/* A clone made while the other is truncated has all of it, or ends where it ends then. */

static void *truncate_on(void *arg)
{
	int fd = *(int *)arg;

	while (!writers_stop) {
		if (ftruncate(fd, PAGE / 2) || ftruncate(fd, LENGTH) ||
		    !writes_filled(fd, 0, LENGTH, 1))
			return (void *)1;
	}
	return NULL;
}

static bool clone_is_whole_or_zero(int fd)
{
	int other = clone_of(fd);
	bool right = other >= 0;

	if (right && region_stat(other).size == PAGE / 2)
		right = !ftruncate(other, LENGTH) &&
			reads_zero(other, PAGE / 2, LENGTH - PAGE / 2);
	close(other);
	return right;
}

TEST_F(clone, has_nothing_that_was_cut_off)
{
	int fd = region_fd(self->fd, 0);
	bool right = true;
	pthread_t thread;
	void *wrong;

	ASSERT_EQ(0, ftruncate(fd, LENGTH));
	ASSERT_EQ(0, pthread_create(&thread, NULL, truncate_on, &fd));
	for (unsigned long i = rounds_of(100); right && i; i--)
		right = clone_is_whole_or_zero(fd);
	writers_stop = true;
	pthread_join(thread, &wrong);
	EXPECT_TRUE(right);
	EXPECT_EQ(NULL, wrong);
	close(fd);
}

static bool clone_is_one_moment(int fd, struct writer *writers, char *base)
{
	int clone = clone_of(fd);
	char *copy = map_shared(clone, LENGTH), *again = malloc(LENGTH);
	bool ok = clone >= 0 && copy != MAP_FAILED;

	for (int i = 0; ok && i < WRITERS; i++)
		ok = writer_image_is_right(&writers[i], base, copy);
	if (ok) {
		memcpy(again, copy, LENGTH);
		sched_yield();
		ok = !memcmp(again, copy, LENGTH);
		copy[0] = 1;
		copy[LENGTH / 2] = 1;
	}
	free(again);
	munmap(copy, LENGTH);
	close(clone);
	return ok;
}

TEST_F(clone, is_of_one_moment_while_others_write)
{
	struct writer writers[WRITERS];
	bool right = true;

	memset(self->p, 0, LENGTH);
	for (unsigned long i = 0; i < WRITERS; i++)
		writer_start(&writers[i], self->p + i * 64 + (i & 1) * (LENGTH - 2 * PAGE),
			     self->p + i * 64 + 64 * PAGE);
	for (unsigned long i = rounds_of(100); right && i; i--)
		right = clone_is_one_moment(self->fd, writers, self->p);
	EXPECT_TRUE(writers_end(writers, WRITERS));
	EXPECT_TRUE(right);
}

static void *append_on(void *arg)
{
	const ssize_t length = PAGE / 2;
	int fd = *(int *)arg;
	char buffer[PAGE / 2];

	memset(buffer, 'x', length);
	while (!writers_stop) {
		if (ftruncate(fd, 0))
			return (void *)1;
		for (int i = 0; i < 64; i++) {
			if (pwrite(fd, buffer, length, i * length) != length)
				return (void *)1;
		}
	}
	return NULL;
}

/* A clone has a write and the end that it made, or neither. */
TEST_F(clone, has_nothing_behind_its_end)
{
	int fd = region_fd(self->fd, 0), other;
	bool right = true;
	pthread_t thread;
	__u64 size;
	void *wrong;

	ASSERT_EQ(0, pthread_create(&thread, NULL, append_on, &fd));
	for (unsigned long i = rounds_of(200); right && i; i--) {
		other = clone_of(fd);
		size = region_stat(other).size;
		right = other >= 0 && (size >= LENGTH || (!ftruncate(other, LENGTH) &&
							  reads_zero(other, size, LENGTH - size)));
		close(other);
	}
	writers_stop = true;
	pthread_join(thread, &wrong);
	EXPECT_TRUE(right);
	EXPECT_EQ(NULL, wrong);
	close(fd);
}

TEST_HARNESS_MAIN
