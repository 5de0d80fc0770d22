/* SPDX-License-Identifier: GPL-2.0 */
/* Pools, and pages that tell which they are. */
#ifndef SWAP_TEST_H
#define SWAP_TEST_H

#include "scratch_test.h"

#define BUDGET		(64UL << 10)
#define BUDGET_PAGES	(BUDGET / PAGE)
#ifndef PAGES	/* the test has said how many */
#define PAGES		256UL
#endif

static inline int set_policy(int fd, const char *name)
{
	struct vmlab_pool_set set = { .what = VMLAB_POOL_POLICY };

	snprintf((char *)set.policy, sizeof(set.policy), "%s", name);
	return pool_set(fd, &set);
}

static inline struct vmlab_pool_stat pool_stat(int fd)
{
	struct vmlab_pool_stat stat = {};

	if (ioctl(fd, VMLAB_IOC_POOL_STAT, &stat))
		broken("no figures of a pool: %s\n", strerror(errno));
	return stat;
}

static inline __u64 pool_pages(int fd)
{
	struct vmlab_pool_stat stat = pool_stat(fd);

	return stat.resident + stat.stored;
}

static inline unsigned long *map_pages(int fd, unsigned long pages)
{
	void *mem = mmap(NULL, pages * PAGE, RW, MAP_SHARED, fd, 0);

	if (mem == MAP_FAILED)
		broken("mmap: %s\n", strerror(errno));
	return mem;
}

/* What page @page has in generation @generation: all of its words differ from all others. */
static inline unsigned long word(unsigned long page, unsigned long i, unsigned long generation)
{
	return (page << 32 | i << 16 | generation) * 0x9e3779b97f4a7c15UL;
}

static inline void fill_page(unsigned long *mem, unsigned long page, unsigned long generation)
{
	unsigned long i;

	for (i = 0; i < PAGE / 8; i += 16)
		mem[page * (PAGE / 8) + i] = word(page, i, generation);
}

static inline bool is_filled(const unsigned long *mem, unsigned long page, unsigned long generation)
{
	unsigned long i;

	for (i = 0; i < PAGE / 8; i += 16) {
		if (mem[page * (PAGE / 8) + i] != word(page, i, generation))
			return false;
	}
	return true;
}

static inline unsigned long count_wrong(const unsigned long *mem, unsigned long pages,
					unsigned long generation)
{
	unsigned long page, wrong = 0;

	for (page = 0; page < pages; page++)
		wrong += !is_filled(mem, page, generation);
	return wrong;
}

static inline void fill_all(unsigned long *mem, unsigned long pages, unsigned long generation)
{
	unsigned long page;

	for (page = 0; page < pages; page++)
		fill_page(mem, page, generation);
}

/*
 * Pages of the pool of @fd go to a file of a disk, which has so many pages already; where there is
 * a @front, to so much memory first.
 */
static inline int store_behind(int fd, const struct scratch *scratch, unsigned long pages,
			       __u64 limit, __u64 front)
{
	struct vmlab_pool_set set = {
		.what = VMLAB_POOL_STORE | VMLAB_POOL_STORE_LIMIT |
			(front ? VMLAB_POOL_FRONT : 0),
		.store_fd = scratch_file(scratch, "store", pages * PAGE, 1),
		.store_limit = limit,
		.front = front,
	};
	int ret = pool_set(fd, &set), error = errno;

	close(set.store_fd);
	errno = error;
	return ret;
}

static inline int store_in(int fd, const struct scratch *scratch, unsigned long pages, __u64 limit)
{
	return store_behind(fd, scratch, pages, limit, 0);
}

static inline long advise(int fd, __u32 advice, unsigned long first, unsigned long pages)
{
	struct vmlab_advise args = { .start = first * PAGE, .length = pages * PAGE,
				     .advice = advice };

	return ioctl(fd, VMLAB_IOC_ADVISE, &args) ? -1 : (long)args.pages;
}

#endif /* SWAP_TEST_H */
