// SPDX-License-Identifier: GPL-2.0
/* Pools that are set up anew, or forked, while threads write to what they hold. */
#include "swap_region_test.h"

/* Threads that write to pages of their own, and read those of all. */
struct load {
	unsigned long *mem;
	unsigned int self;
	unsigned long wrong;
	bool *stop;
};

#define THREADS 4

static void *load(void *data)
{
	struct load *load = data;
	unsigned long generation, page;

	for (generation = 1; !__atomic_load_n(load->stop, __ATOMIC_RELAXED); generation++) {
		for (page = load->self; page < PAGES; page += THREADS)
			fill_page(load->mem, page, generation);
		for (page = load->self; page < PAGES; page += THREADS)
			load->wrong += !is_filled(load->mem, page, generation);
		for (page = 0; page < PAGES; page++)
			(void)((volatile unsigned long *)load->mem)[page * (PAGE / 8)];
	}
	return NULL;
}

TEST_F(swap, changes_under_load)
{
	static const char *const names[] = { "fifo", "lirs", "random", "arc", "2q", "s3fifo",
					     "sieve", "clock", "lru" };
	struct load loads[THREADS];
	pthread_t threads[THREADS];
	bool stop = false;
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		loads[i] = (struct load){ .mem = self->mem, .self = i, .stop = &stop };
		ASSERT_EQ(pthread_create(&threads[i], NULL, load, &loads[i]), 0);
	}
	for (i = 0; i < 3 * sizeof(names) / sizeof(*names); i++) {
		EXPECT_EQ(set_policy(self->fd, names[i % (sizeof(names) / sizeof(*names))]), 0);
		EXPECT_EQ(set_budget(self->fd, BUDGET * (1 + i % 4)), 0);
		usleep(20000);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(pthread_join(threads[i], NULL), 0);
		EXPECT_EQ(loads[i].wrong, 0);
	}
}

/* Forks while threads write, and pages come and go: each child has what was there then. */
TEST(forks_under_load)
{
	int fd = region_zero(VMLAB_REGION_COW_FORK, PAGES * PAGE), status;
	struct load loads[THREADS];
	pthread_t threads[THREADS];
	unsigned long *mem;
	bool stop = false;
	unsigned int i;
	pid_t child;

	ASSERT_EQ(set_policy(fd, "clock"), 0);
	ASSERT_EQ(set_budget(fd, BUDGET), 0);
	mem = map_pages(fd, PAGES);
	for (i = 0; i < THREADS; i++) {
		loads[i] = (struct load){ .mem = mem, .self = i, .stop = &stop };
		ASSERT_EQ(pthread_create(&threads[i], NULL, load, &loads[i]), 0);
	}
	for (i = rounds_of(4); i; i--) {
		child = fork();
		ASSERT_GE(child, 0);
		if (!child) {
			fill_all(mem, PAGES, 1000);
			_exit(count_wrong(mem, PAGES, 1000) ? 1 : 0);
		}
		usleep(20000);
		ASSERT_EQ(waitpid(child, &status, 0), child);
		EXPECT_EQ(status, 0);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(pthread_join(threads[i], NULL), 0);
		EXPECT_EQ(loads[i].wrong, 0);
	}
	munmap(mem, PAGES * PAGE);
	close(fd);
}

TEST_HARNESS_MAIN
