// SPDX-License-Identifier: GPL-2.0
/* Memory that is short, a memory cgroup's above all: pools without a budget give pages for it. */
#define PAGES 2048UL
#include "swap_test.h"

#include "cgroup_test.h"

#define LIMIT		(4 * MIB)	/* half of PAGES */
#define LIMIT_PAGES	(LIMIT / PAGE)

FIXTURE(pressure)
{
	struct cgroup group;
	struct scratch scratch;
	int fd;
	unsigned long *mem;
};

FIXTURE_VARIANT(pressure)
{
	const char *policy;
	const char *disk;	/* has the store */
};

FIXTURE_VARIANT_ADD(pressure, zs) { .policy = "lru" };
FIXTURE_VARIANT_ADD(pressure, ext4) { .policy = "s3fifo", .disk = "ext4" };

/* A region whose pages may go to a store, which is on a disk if there is one. */
static int region_with_store(__u32 flags, const char *policy, const struct scratch *scratch)
{
	int fd = region_zero(flags, PAGES * PAGE);

	if (scratch->is_disk) {
		scratch_unlink(scratch, "store");	/* whoever has it keeps it */
		if (store_in(fd, scratch, 0, 2 * PAGES * PAGE))
			return -1;
	}
	return set_policy(fd, policy) ? -1 : fd;
}

/* The pool is made by somebody who is not in the cgroup: who touches pages counts. */
FIXTURE_SETUP(pressure)
{
	const char *reason = cgroup_make(&self->group, LIMIT);

	if (reason)
		SKIP_TEST("%s", reason);
	reason = variant->disk ? scratch_make(&self->scratch, variant->disk, 32 * MIB) : NULL;
	if (reason)
		SKIP_TEST("%s", reason);
	self->fd = region_with_store(0, variant->policy, &self->scratch);
	ASSERT_GE(self->fd, 0);
	self->mem = map_pages(self->fd, PAGES);
}

FIXTURE_TEARDOWN(pressure)
{
	munmap(self->mem, PAGES * PAGE);
	close(self->fd);
	/* Of what was charged nothing stays. */
	EXPECT_TRUE(EVENTUALLY(cgroup_is_below(&self->group, LIMIT / 8)));
	cgroup_remove(&self->group);
	if (variant->disk)
		scratch_remove(&self->scratch);
}

static bool fill_and_check(unsigned long *mem, unsigned long pages)
{
	fill_all(mem, pages, 1);
	return !count_wrong(mem, pages, 1);
}

TEST_F(pressure, more_than_the_limit)
{
	struct vmlab_pool_stat stat;

	EXPECT_TRUE(IN_CGROUP(&self->group, fill_and_check(self->mem, PAGES)));
	EXPECT_EQ(cgroup_kills(&self->group), 0);
	stat = pool_stat(self->fd);
	EXPECT_EQ(stat.resident + stat.stored, PAGES);
	/* It is charged, and the limit is made use of. */
	EXPECT_LE(stat.resident, LIMIT_PAGES);
	EXPECT_GE(stat.resident, LIMIT_PAGES / 2);
	EXPECT_GE(cgroup_current(&self->group), stat.resident * PAGE);
	EXPECT_EQ(count_wrong(self->mem, PAGES, 1), 0);
}

/* They are charged to who brings them back, whoever touched them first. */
TEST_F(pressure, more_than_the_limit_comes_back)
{
	fill_all(self->mem, PAGES, 1);
	ASSERT_EQ(advise(self->fd, VMLAB_ADVISE_EVICT, 0, PAGES), PAGES);
	EXPECT_TRUE(IN_CGROUP(&self->group, !count_wrong(self->mem, PAGES, 1)));
	EXPECT_EQ(cgroup_kills(&self->group), 0);
}

static bool grow(unsigned long bytes)
{
	char *mem = mmap(NULL, bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return false;
	fill(mem, bytes, 1);
	return filled(mem, bytes, 1);
}

/* Memory that is not ours is wanted, and only the kernel can say so. */
TEST_F(pressure, others_grow)
{
	const unsigned long pages = LIMIT_PAGES * 3 / 4;

	EXPECT_TRUE(IN_CGROUP(&self->group, fill_and_check(self->mem, pages) && grow(LIMIT / 2) &&
			      !count_wrong(self->mem, pages, 1)));
	EXPECT_EQ(cgroup_kills(&self->group), 0);
}

TEST_F(pressure, other_groups_keep_theirs)
{
	int fd = region_zero(0, PAGES * PAGE);
	unsigned long *mem = map_pages(fd, PAGES);
	struct cgroup other;
	__u64 stored;

	ASSERT_EQ(cgroup_make(&other, 64 * MIB), NULL);
	ASSERT_EQ(set_policy(fd, "lru"), 0);
	EXPECT_TRUE(IN_CGROUP(&other, fill_and_check(mem, 512)));
	EXPECT_TRUE(IN_CGROUP(&self->group, fill_and_check(self->mem, 512) && grow(LIMIT * 3 / 4)));
	stored = pool_stat(self->fd).stored;
	EXPECT_GT(stored, 0);
	EXPECT_EQ(pool_stat(fd).stored, 0);
	EXPECT_TRUE(EVENTUALLY((cgroup_reclaim(&other), pool_stat(fd).stored == 512)));
	EXPECT_EQ(pool_stat(self->fd).stored, stored);
	EXPECT_EQ(count_wrong(mem, 512, 1), 0);
	munmap(mem, PAGES * PAGE);
	close(fd);
	cgroup_remove(&other);
}

/* Whatever is asked for: what is to stay, and what somebody holds. */
TEST_F(pressure, what_cannot_leave)
{
	struct iovec held = { .iov_base = self->mem, .iov_len = 8 * PAGE };
	int pipes[2];

	EXPECT_TRUE(IN_CGROUP(&self->group, fill_and_check(self->mem, 256)));
	ASSERT_EQ(pipe(pipes), 0);
	ASSERT_EQ(vmsplice(pipes[1], &held, 1, 0), 8 * PAGE);
	ASSERT_EQ(set_budget(self->fd, PAGES * PAGE), 0);	/* or nothing may be pinned */
	ASSERT_EQ(advise(self->fd, VMLAB_ADVISE_PIN, 100, 16), 16);
	EXPECT_TRUE(EVENTUALLY((cgroup_reclaim(&self->group),
				region_stat(self->fd).stored == 256 - 8 - 16)));
	cgroup_reclaim(&self->group);
	EXPECT_EQ(region_resident(self->fd), 8 + 16);
	EXPECT_EQ(count_wrong(self->mem, 256, 1), 0);
	/* Then they can. */
	close(pipes[0]);
	close(pipes[1]);
	ASSERT_EQ(advise(self->fd, VMLAB_ADVISE_UNPIN, 100, 16), 16);
	EXPECT_TRUE(EVENTUALLY((cgroup_reclaim(&self->group), region_resident(self->fd) == 0)));
}

/* The kernel's own caches: of a pool that is in no cgroup, too. */
TEST_F(pressure, caches_are_dropped)
{
	fill_all(self->mem, 256, 1);
	EXPECT_TRUE(EVENTUALLY(!text_write("/proc/sys/vm/drop_caches", "2") &&
			       pool_stat(self->fd).stored == 256));
	EXPECT_EQ(count_wrong(self->mem, 256, 1), 0);
}

#define THREADS 4

struct load {
	unsigned long *mem;
	unsigned int self;
	unsigned long wrong;
};

/* Writes to pages of its own, and reads them; and forks, for some. */
static void *load(void *data)
{
	struct load *load = data;
	unsigned long generation, page;

	for (generation = 1; generation <= rounds_of(4); generation++) {
		for (page = load->self; page < LIMIT_PAGES; page += THREADS)
			fill_page(load->mem, page, generation);
		if (load->self < 2)
			load->wrong += !IN_CHILD(is_filled(load->mem, load->self, generation) &&
						 fill_and_check(load->mem, 64));
		for (page = load->self; page < LIMIT_PAGES; page += THREADS)
			load->wrong += !is_filled(load->mem, page, generation);
	}
	return NULL;
}

static bool run_load(unsigned long *mem)
{
	struct load loads[THREADS];
	pthread_t threads[THREADS];
	unsigned long wrong = 0;
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		loads[i] = (struct load){ .mem = mem, .self = i };
		if (pthread_create(&threads[i], NULL, load, &loads[i]))
			return false;
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		wrong += loads[i].wrong;
	}
	return !wrong;
}

TEST_F(pressure, threads_and_forks)
{
	int fd = region_with_store(VMLAB_REGION_COW_FORK, variant->policy, &self->scratch);

	ASSERT_GE(fd, 0);
	EXPECT_TRUE(IN_CGROUP(&self->group, run_load(map_pages(fd, PAGES))));
	EXPECT_EQ(cgroup_kills(&self->group), 0);
	EXPECT_GT(pool_stat(fd).evicted, 0);
	close(fd);
}

/* Nothing that could be compressed. */
static bool scramble(unsigned long *mem, unsigned long pages)
{
	unsigned long x = 1, i;

	for (i = 0; i < pages * (PAGE / 8); i++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		mem[i] = x;
	}
	return true;
}

/* Who cannot be helped is killed, as he would be with any other memory; alone. */
TEST(store_is_full)
{
	struct vmlab_pool_set set = { .what = VMLAB_POOL_STORE_LIMIT, .store_limit = 16 * PAGE };
	int fd = region_zero(0, PAGES * PAGE);
	unsigned long *mem = map_pages(fd, PAGES);
	struct cgroup group;
	const char *reason = cgroup_make(&group, LIMIT);

	if (reason)
		SKIP_TEST("%s", reason);
	ASSERT_EQ(pool_set(fd, &set), 0);
	ASSERT_EQ(set_policy(fd, "lru"), 0);
	fill_all(mem, 16, 1);
	EXPECT_TRUE(DIES_IN_CGROUP(&group, scramble(mem + 16 * (PAGE / 8), PAGES - 16)));
	EXPECT_EQ(cgroup_kills(&group), 1);
	EXPECT_EQ(count_wrong(mem, 16, 1), 0);
	munmap(mem, PAGES * PAGE);
	close(fd);
	cgroup_remove(&group);
}

TEST_HARNESS_MAIN
