// SPDX-License-Identifier: GPL-2.0
/* Threads write while the process forks: as for clones (moment.c), each child is of one moment. */
#include "fork_test.h"
#include "writers.h"

static bool is_one_moment(struct writer *writers)
{
	__u64 first[2], second[2];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2; i++) {
			first[i] = *writers[i].first;
			second[i] = *writers[i].second;
			if (first[i] - second[i] > 1)
				return false;
		}
		*writers[0].second = *writers[0].first = 10;
		*writers[1].first = *writers[1].second = 11;
		usleep(1000);
	}
	return first[0] == 10 && second[1] == 11;
}

TEST_F(fork, is_of_one_moment_while_threads_write)
{
	struct writer writers[2];
	bool right = true;

	memset(self->p, 0, LENGTH);
	for (unsigned long i = 0; i < 2; i++)
		writer_start(&writers[i], self->p + i * (LENGTH - PAGE),
			     self->p + 64 * PAGE + i * 64);
	for (unsigned long i = rounds_of(100); right && i; i--)
		right = IN_CHILD(is_one_moment(writers));
	EXPECT_TRUE(writers_end(writers, 2));
	EXPECT_TRUE(right);
}

TEST_HARNESS_MAIN
