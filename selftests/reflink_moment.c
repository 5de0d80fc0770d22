// SPDX-License-Identifier: GPL-2.0
/* Reflinks that are made while a thread writes to what they are of: each is of one moment. */
#include "reflink_test.h"

struct counter {
	pthread_t thread;
	volatile bool *stop;
	volatile __u64 *first, *second;
	__u64 count;
};

/* Writes a number to its first page and then to its second. */
static void *count_up(void *arg)
{
	struct counter *counter = arg;

	while (!*counter->stop) {
		*counter->first = ++counter->count;
		*counter->second = counter->count;
		if (*counter->first != counter->count || *counter->second != counter->count)
			return (void *)1;
	}
	return NULL;
}

static bool is_one_moment(int in, int out, const char *q, off_t to)
{
	__u64 first, second;

	if (clone_range(in, 0, 100 * PAGE, out, to))
		return false;
	memcpy(&first, q + to, sizeof(first));
	memcpy(&second, q + to + 99 * PAGE, sizeof(second));
	return first - second <= 1;
}

/* Whatever moment it is of, the second number is the first or one less. */
TEST_F(reflink, is_of_one_moment_while_others_write)
{
	char *p = self->p ?: map_shared(self->in, LENGTH);
	char *q = self->q ?: map_shared(self->out, LENGTH);
	volatile bool stop = false;
	struct counter counter = {
		.stop = &stop,
		.first = (void *)p,
		.second = (void *)(p + 99 * PAGE),
	};
	bool ok = true;
	void *wrong;

	memset(p, 0, LENGTH);
	ASSERT_EQ(0, pthread_create(&counter.thread, NULL, count_up, &counter));
	for (unsigned long i = 0; i < 100 && ok; i++)
		ok = is_one_moment(self->in, self->out, q, i * PAGE);
	stop = true;
	pthread_join(counter.thread, &wrong);
	EXPECT_TRUE(ok);
	EXPECT_EQ(NULL, wrong);
	if (!self->p) {
		munmap(p, LENGTH);
		munmap(q, LENGTH);
	}
}

TEST_HARNESS_MAIN
