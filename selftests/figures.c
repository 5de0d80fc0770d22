// SPDX-License-Identifier: GPL-2.0
/*
 * What a pool tells of its faults: their causes and latencies, how far from each other pages leave
 * and come back, and how much memory would do.
 */
#define PAGES 200UL
#include "swap_test.h"
#include "region_test.h"

static void get_histograms(int fd, struct vmlab_histogram *all)
{
	struct vmlab_pool_histograms args = {
		.buffer = (uintptr_t)all,
		.count = VMLAB_HISTOGRAMS,
		.entry_size = sizeof(*all),
	};

	if (ioctl(fd, VMLAB_IOC_POOL_HISTOGRAMS, &args) || args.count != VMLAB_HISTOGRAMS)
		broken("no histograms: %s\n", strerror(errno));
}

static struct vmlab_histogram histogram(int fd, unsigned int kind)
{
	struct vmlab_histogram all[VMLAB_HISTOGRAMS];

	get_histograms(fd, all);
	return all[kind];
}

static __u64 total(const struct vmlab_histogram *histogram)
{
	__u64 sum = 0;

	for (int i = 0; i < VMLAB_HISTOGRAM_BUCKETS; i++)
		sum += histogram->counts[i];
	return sum;
}

/* How many latencies of a kind were measured. */
static __u64 measured(int fd, unsigned int kind)
{
	struct vmlab_histogram latencies = histogram(fd, kind);

	return total(&latencies);
}

static __u64 all_measured(int fd)
{
	__u64 sum = 0;

	for (unsigned int kind = 0; kind < VMLAB_HISTOGRAM_DISTANCE; kind++)
		sum += measured(fd, kind);
	return sum;
}

static int measure(int fd, __u32 latency)
{
	return pool_set(fd, &(struct vmlab_pool_set){ .what = VMLAB_POOL_LATENCY,
						      .latency = latency });
}

static unsigned long touch(const char *p, unsigned long pages)
{
	unsigned long failed = 0;

	for (unsigned long page = 0; page < pages; page++)
		failed += trap_read(p + page * PAGE) != 0;
	return failed;
}

/* Latencies: none is measured, or each fault of its cause once. */

FIXTURE(latency)
{
	struct scratch scratch;
	int fd;
	char *p;
};

FIXTURE_VARIANT(latency)
{
	__u32 flags;
	const char *disk;	/* has the store */
};

FIXTURE_VARIANT_ADD(latency, strict) { .flags = VMLAB_REGION_STRICT };
FIXTURE_VARIANT_ADD(latency, batched) { };
FIXTURE_VARIANT_ADD(latency, huge) { .flags = VMLAB_REGION_HUGE };
FIXTURE_VARIANT_ADD(latency, ext4) { .flags = VMLAB_REGION_STRICT, .disk = "ext4" };

FIXTURE_SETUP(latency)
{
	self->fd = region_zero(variant->flags, 2 * MIB);
	ASSERT_GE(self->fd, 0);
	if (variant->disk) {
		const char *reason = scratch_make(&self->scratch, variant->disk, 16 * MIB);

		if (reason)
			SKIP_TEST("%s", reason);
		ASSERT_EQ(store_in(self->fd, &self->scratch, 0, 8 * MIB), 0);
	}
	self->p = map_shared(self->fd, PAGES * PAGE);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN(latency)
{
	munmap(self->p, PAGES * PAGE);
	close(self->fd);
	if (variant->disk)
		scratch_remove(&self->scratch);
}

TEST_F(latency, first_touches)
{
	__u64 before;

	EXPECT_EQ(0, touch(self->p, 10));
	EXPECT_EQ(0, all_measured(self->fd));
	before = region_stat(self->fd).first_touch;
	ASSERT_EQ(0, measure(self->fd, 1));
	EXPECT_EQ(1, pool_stat(self->fd).latency);
	EXPECT_EQ(0, touch(self->p, PAGES));
	EXPECT_EQ(region_stat(self->fd).first_touch - before,
		  measured(self->fd, VMLAB_HISTOGRAM_FIRST_TOUCH));
	EXPECT_EQ(measured(self->fd, VMLAB_HISTOGRAM_FIRST_TOUCH), all_measured(self->fd));
	EXPECT_GT(histogram(self->fd, VMLAB_HISTOGRAM_FIRST_TOUCH).sum, 0);
	/* What was measured stays. */
	before = all_measured(self->fd);
	EXPECT_GT(before, 0);
	ASSERT_EQ(0, measure(self->fd, 0));
	EXPECT_EQ(0, pool_stat(self->fd).latency);
	EXPECT_EQ(PAGES, advise(self->fd, VMLAB_ADVISE_EVICT, 0, PAGES));
	EXPECT_EQ(0, touch(self->p, PAGES));
	EXPECT_EQ(before, all_measured(self->fd));
}

TEST_F(latency, refaults)
{
	__u64 before;
	char *q;

	EXPECT_EQ(0, touch(self->p, PAGES));
	ASSERT_EQ(0, measure(self->fd, 1));
	q = map_shared(self->fd, PAGES * PAGE);
	before = region_stat(self->fd).refault;
	EXPECT_EQ(0, touch(q, PAGES));
	EXPECT_GT(region_stat(self->fd).refault, before);
	EXPECT_EQ(region_stat(self->fd).refault - before,
		  measured(self->fd, VMLAB_HISTOGRAM_REFAULT));
	EXPECT_EQ(measured(self->fd, VMLAB_HISTOGRAM_REFAULT), all_measured(self->fd));
	munmap(q, PAGES * PAGE);
}

TEST_F(latency, copies)
{
	int clone;

	fill(self->p, PAGES * PAGE, 1);
	clone = ioctl(self->fd, VMLAB_IOC_CLONE, &(struct vmlab_clone){ .flags = O_CLOEXEC });
	ASSERT_GE(clone, 0);
	ASSERT_EQ(0, measure(self->fd, 1));
	EXPECT_EQ(0, region_stat(self->fd).cow_faults);
	fill(self->p, PAGES * PAGE, 2);
	EXPECT_GT(region_stat(self->fd).cow_faults, 0);
	EXPECT_LE(region_stat(self->fd).cow_faults, PAGES);
	EXPECT_EQ(region_stat(self->fd).cow_faults, measured(self->fd, VMLAB_HISTOGRAM_COPY));
	/* Read-only, and asked for by the first write. */
	if (variant->flags & VMLAB_REGION_STRICT) {
		EXPECT_EQ(PAGES, region_stat(self->fd).cow_faults);
	}
	EXPECT_TRUE(reads_filled(clone, 0, PAGES * PAGE, 1));
	close(clone);
}

TEST_F(latency, copies_of_what_is_mapped)
{
	int clone;

	fill(self->p, PAGES * PAGE, 1);
	clone = ioctl(self->fd, VMLAB_IOC_CLONE, &(struct vmlab_clone){ .flags = O_CLOEXEC });
	ASSERT_GE(clone, 0);
	EXPECT_EQ(0, touch(self->p, PAGES));
	ASSERT_EQ(0, measure(self->fd, 1));
	fill(self->p, PAGES * PAGE, 2);
	EXPECT_GT(region_stat(self->fd).cow_faults, 0);
	EXPECT_EQ(region_stat(self->fd).cow_faults, measured(self->fd, VMLAB_HISTOGRAM_COPY));
	close(clone);
}

TEST_F(latency, swap_ins)
{
	unsigned int kind = variant->disk ? VMLAB_HISTOGRAM_SWAP_FILE :
					    VMLAB_HISTOGRAM_SWAP_MEMORY;

	if (variant->flags & VMLAB_REGION_HUGE) {	/* no huge page leaves */
		ASSERT_EQ(set_budget(self->fd, VMLAB_POOL_UNLIMITED_BUDGET), 0);
	}
	fill(self->p, PAGES * PAGE, 1);
	ASSERT_EQ(PAGES, advise(self->fd, VMLAB_ADVISE_EVICT, 0, PAGES));
	ASSERT_EQ(0, measure(self->fd, 1));
	EXPECT_TRUE(filled(self->p, PAGES * PAGE, 1));
	EXPECT_GT(region_stat(self->fd).swap_faults, 0);
	EXPECT_EQ(region_stat(self->fd).swap_faults, measured(self->fd, kind));
	EXPECT_EQ(PAGES, region_stat(self->fd).evicted);
	EXPECT_EQ(PAGES, region_stat(self->fd).swapped_in);
	EXPECT_EQ(PAGES, pool_stat(self->fd).swapped_in);
	if (variant->flags & VMLAB_REGION_STRICT) {
		EXPECT_EQ(PAGES, region_stat(self->fd).swap_faults);
	}
}

/* A region with a file has no store, and its latencies are measured all the same. */
TEST(latencies_of_a_file)
{
	struct scratch scratch;
	const char *reason = scratch_make(&scratch, "tmpfs", MIB);
	int fd;
	char *p;

	if (reason)
		SKIP(return, "%s", reason);
	fd = region_file(scratch_file(&scratch, "file", 64 * PAGE, 1), 0, 0);
	ASSERT_EQ(0, measure(fd, 1));
	EXPECT_STREQ("", (char *)pool_stat(fd).policy);
	p = map_shared(fd, 64 * PAGE);
	EXPECT_TRUE(filled(p, 64 * PAGE, 1));
	EXPECT_GT(region_stat(fd).first_touch, 0);
	EXPECT_EQ(region_stat(fd).first_touch, measured(fd, VMLAB_HISTOGRAM_READ_IN));
	EXPECT_EQ(measured(fd, VMLAB_HISTOGRAM_READ_IN), all_measured(fd));
	EXPECT_EQ(-1, set_budget(fd, BUDGET));
	EXPECT_EQ(EOPNOTSUPP, errno);
	munmap(p, 64 * PAGE);
	close(fd);
	scratch_remove(&scratch);
}

/* Distances */

/* All pages leave in order and come back in order: before page i all behind it have left. */
TEST(distances_of_a_sweep)
{
	int fd = region_zero(VMLAB_REGION_STRICT, PAGES * PAGE);
	struct vmlab_histogram wanted = {}, distances;
	unsigned long *mem = map_pages(fd, PAGES);
	struct vmlab_pool_stat stat;

	fill_all(mem, PAGES, 1);
	ASSERT_EQ(PAGES, advise(fd, VMLAB_ADVISE_EVICT, 0, PAGES));
	EXPECT_EQ(0, pool_stat(fd).working_set);
	EXPECT_EQ(0, count_wrong(mem, PAGES, 1));
	for (unsigned long page = 0; page < PAGES; page++) {
		unsigned long distance = PAGES - 1 - page;

		wanted.sum += distance;
		wanted.counts[distance ? 63 - __builtin_clzl(distance) : 0]++;
	}
	distances = histogram(fd, VMLAB_HISTOGRAM_DISTANCE);
	EXPECT_EQ(0, memcmp(&wanted, &distances, sizeof(wanted)));
	/* As many as all of them would have had to be in memory, each time. */
	stat = pool_stat(fd);
	EXPECT_GE(stat.working_set, PAGES);
	EXPECT_LE(stat.working_set, PAGES + PAGES / 8);
	munmap(mem, PAGES * PAGE);
	close(fd);
}

FIXTURE(loop)
{
	struct scratch scratch;
	int fd;
	unsigned long *mem;
};

FIXTURE_VARIANT(loop)
{
	const char *disk;
};

FIXTURE_VARIANT_ADD(loop, memory) { };
FIXTURE_VARIANT_ADD(loop, ext4) { .disk = "ext4" };

FIXTURE_SETUP(loop)
{
	self->fd = region_zero(VMLAB_REGION_STRICT, PAGES * PAGE);
	ASSERT_GE(self->fd, 0);
	if (variant->disk) {
		const char *reason = scratch_make(&self->scratch, variant->disk, 16 * MIB);

		if (reason)
			SKIP_TEST("%s", reason);
		ASSERT_EQ(store_in(self->fd, &self->scratch, 0, 8 * MIB), 0);
	}
	ASSERT_EQ(set_policy(self->fd, "fifo"), 0);
	ASSERT_EQ(set_budget(self->fd, 4 * BUDGET), 0);
	self->mem = map_pages(self->fd, PAGES);
}

FIXTURE_TEARDOWN(loop)
{
	munmap(self->mem, PAGES * PAGE);
	close(self->fd);
	if (variant->disk)
		scratch_remove(&self->scratch);
}

#define FRAMES (4 * BUDGET_PAGES)
#define LOOP 168UL

/*
 * A loop over more pages than there are frames: first in, first out has each come back, after as
 * many have left as there are too many, and some more, as room is made before it is needed.
 */
TEST_F(loop, distances)
{
	const unsigned long least = LOOP - FRAMES, most = least + 24;
	struct vmlab_histogram distances;
	struct vmlab_pool_stat stat;

	fill_all(self->mem, LOOP, 1);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, count_wrong(self->mem, LOOP, 1));
	distances = histogram(self->fd, VMLAB_HISTOGRAM_DISTANCE);
	EXPECT_EQ(3 * LOOP, total(&distances));
	EXPECT_EQ(3 * LOOP, distances.counts[6]);	/* 64 to 127 */
	EXPECT_GE(distances.sum, 3 * LOOP * least);
	EXPECT_LE(distances.sum, 3 * LOOP * most);
	stat = pool_stat(self->fd);
	EXPECT_EQ(3 * LOOP, stat.swapped_in);
	EXPECT_EQ(3 * LOOP, stat.swap_faults);
	EXPECT_EQ(LOOP, stat.first_touch);
	EXPECT_EQ(4 * LOOP, stat.faults);
	EXPECT_GE(stat.working_set, LOOP - 8);
	EXPECT_LE(stat.working_set, LOOP + LOOP / 8 + 8);
}

/* With so much memory nothing has to come back. */
TEST_F(loop, fits_in_its_working_set)
{
	struct vmlab_pool_stat stat;

	fill_all(self->mem, LOOP, 1);
	EXPECT_EQ(0, count_wrong(self->mem, LOOP, 1));
	stat = pool_stat(self->fd);
	ASSERT_GE(stat.working_set, LOOP - 8);
	ASSERT_EQ(0, set_budget(self->fd, (stat.working_set + 16) * PAGE));
	EXPECT_EQ(0, count_wrong(self->mem, LOOP, 1));
	stat = pool_stat(self->fd);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, count_wrong(self->mem, LOOP, 1));
	EXPECT_EQ(stat.swapped_in, pool_stat(self->fd).swapped_in);
	EXPECT_EQ(stat.evicted, pool_stat(self->fd).evicted);
}

/* Of what comes back 27 % needs much memory; but that was before all else. */
TEST(what_was_long_ago_is_forgotten)
{
	int fd = region_zero(VMLAB_REGION_STRICT, PAGES * PAGE);
	unsigned long *mem = map_pages(fd, PAGES);

	ASSERT_EQ(set_policy(fd, "fifo"), 0);
	ASSERT_EQ(set_budget(fd, 4 * BUDGET), 0);
	fill_all(mem, LOOP, 1);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(0, count_wrong(mem, LOOP, 1));
	EXPECT_GE(pool_stat(fd).working_set, LOOP - 8);
	ASSERT_EQ(0, set_budget(fd, BUDGET));
	for (int i = 0; i < 56; i++)
		EXPECT_EQ(0, count_wrong(mem, 32, 1));
	EXPECT_LE(pool_stat(fd).working_set, 64);
	munmap(mem, PAGES * PAGE);
	close(fd);
}

/* Pools of several regions, and their list */

TEST_F(region, figures_of_those_that_are_gone_stay)
{
	char *p = map_shared(self->fd, PAGES * PAGE), *q;
	struct vmlab_pool_stat stat;
	__u64 faults;
	int clone;

	fill(p, PAGES * PAGE, 1);
	EXPECT_EQ(region_stat(self->fd).faults, pool_stat(self->fd).faults);
	EXPECT_EQ(1, pool_stat(self->fd).regions);
	clone = ioctl(self->fd, VMLAB_IOC_CLONE, &(struct vmlab_clone){ .flags = O_CLOEXEC });
	ASSERT_GE(clone, 0);
	q = map_shared(clone, PAGES * PAGE);
	fill(q, PAGES * PAGE, 2);
	stat = pool_stat(clone);
	faults = region_stat(self->fd).faults + region_stat(clone).faults;
	EXPECT_GT(region_stat(clone).cow_faults, 0);
	EXPECT_EQ(2, stat.regions);
	EXPECT_EQ(faults, stat.faults);
	EXPECT_EQ(region_stat(self->fd).first_touch, stat.first_touch);
	EXPECT_EQ(region_stat(clone).refault, stat.refault);
	EXPECT_EQ(region_stat(clone).cow_faults, stat.cow_faults);
	munmap(q, PAGES * PAGE);
	close(clone);
	EXPECT_TRUE(EVENTUALLY(pool_stat(self->fd).regions == 1));
	EXPECT_EQ(faults, pool_stat(self->fd).faults);
	EXPECT_EQ(stat.cow_faults, pool_stat(self->fd).cow_faults);
	munmap(p, PAGES * PAGE);
}

TEST_F(region, pages_of_a_pool_by_state)
{
	struct vmlab_pool_stat stat;
	unsigned long *mem;
	char *same;

	close(self->fd);
	self->fd = region_zero(VMLAB_REGION_TRACK_DIRTY | VMLAB_REGION_STRICT, 2 * PAGES * PAGE);
	mem = map_pages(self->fd, 2 * PAGES);
	fill_all(mem, PAGES, 1);
	same = (char *)mem + PAGES * PAGE;
	for (unsigned long i = 0; i < 10; i++)
		memset(same + i * PAGE, 7, PAGE);
	EXPECT_EQ(0, touch(same + 10 * PAGE, 5));
	ASSERT_EQ(0, set_budget(self->fd, 32 * BUDGET));
	ASSERT_EQ(15, advise(self->fd, VMLAB_ADVISE_EVICT, PAGES, 20));
	ASSERT_EQ(50, advise(self->fd, VMLAB_ADVISE_EVICT, 0, 50));
	ASSERT_EQ(7, advise(self->fd, VMLAB_ADVISE_PIN, 100, 7));
	stat = pool_stat(self->fd);
	EXPECT_EQ(PAGES - 50, stat.resident);
	EXPECT_EQ(50 + 15, stat.stored);
	EXPECT_EQ(PAGES + 10, stat.dirty);
	EXPECT_EQ(7, stat.pinned);
	EXPECT_EQ(50 + 15, stat.copies);
	EXPECT_EQ(15, stat.same_filled);
	/* One word in sixteen is not zero. What they came to is in memory, with gaps. */
	EXPECT_GT(stat.copied_bytes, 50 * PAGE / 16);
	EXPECT_LE(stat.copied_bytes, 50 * PAGE);
	EXPECT_LE(stat.copied_bytes, stat.stored_bytes);
	/* A copy stays when its page comes back. */
	EXPECT_EQ(0, count_wrong(mem, 10, 1));
	EXPECT_EQ(stat.copies, pool_stat(self->fd).copies);
	EXPECT_EQ(stat.stored - 10, pool_stat(self->fd).stored);
	munmap(mem, 2 * PAGES * PAGE);
}

/* A line of fdinfo; there is none of a pool of which nothing was set. */
static bool fdinfo_tells(int fd, const char *name, __u64 value)
{
	char path[64], text[4096], wanted[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	snprintf(wanted, sizeof(wanted), "\nvmlab-%s:\t%llu\n", name, value);
	return text_read(path, text, sizeof(text)) > 0 && strstr(text, wanted);
}

TEST_F(region, fdinfo_has_its_pool)
{
	char *p = map_shared(self->fd, PAGES * PAGE);
	struct vmlab_pool_stat stat;

	fill(p, PAGES * PAGE, 1);
	EXPECT_FALSE(fdinfo_tells(self->fd, "pool", 0));
	EXPECT_TRUE(fdinfo_tells(self->fd, "evicted", 0));
	ASSERT_EQ(100, advise(self->fd, VMLAB_ADVISE_EVICT, 0, 100));
	EXPECT_TRUE(filled(p, 50 * PAGE, 1));
	stat = pool_stat(self->fd);
	EXPECT_TRUE(fdinfo_tells(self->fd, "evicted", 100));
	EXPECT_TRUE(fdinfo_tells(self->fd, "pool", stat.id));
	EXPECT_TRUE(fdinfo_tells(self->fd, "pool-evicted", 100));
	EXPECT_TRUE(fdinfo_tells(self->fd, "pool-regions", 1));
	EXPECT_TRUE(fdinfo_tells(self->fd, "pool-stored", stat.stored));
	EXPECT_TRUE(fdinfo_tells(self->fd, "pool-copied-bytes", stat.copied_bytes));
	EXPECT_TRUE(fdinfo_tells(self->fd, "pool-faults", region_stat(self->fd).faults));
	EXPECT_TRUE(fdinfo_tells(self->fd, "pool-swap-faults", stat.swap_faults));
	EXPECT_TRUE(fdinfo_tells(self->fd, "pool-working-set", stat.working_set));
	EXPECT_GT(stat.swap_faults, 0);
	EXPECT_GT(stat.working_set, 0);
	munmap(p, PAGES * PAGE);
}

static int list_pools(int fd, struct vmlab_list *request)
{
	request->entry_size = sizeof(struct vmlab_pool_stat);
	return ioctl(fd, VMLAB_IOC_POOL_LIST, request);
}

static bool pool_is_listed(int fd, __u64 id)
{
	struct vmlab_pool_stat entry;
	struct vmlab_list request = { .cursor = id, .buffer = (uintptr_t)&entry, .count = 1 };

	return !list_pools(fd, &request) && request.count == 1 && entry.id == id;
}

TEST_F(region, its_pool_is_listed_when_something_was_set)
{
	struct vmlab_pool_stat entry, stat;
	struct vmlab_list request = { .buffer = (uintptr_t)&entry, .count = 1 };

	EXPECT_EQ(0, pool_stat(self->fd).id);
	EXPECT_EQ(0, region_stat(self->fd).pool);
	ASSERT_EQ(0, set_budget(self->fd, BUDGET));
	stat = pool_stat(self->fd);
	EXPECT_GT(stat.id, 0);
	EXPECT_EQ(stat.id, region_stat(self->fd).pool);
	EXPECT_EQ(getuid(), stat.uid);
	request.cursor = stat.id;
	ASSERT_EQ(0, list_pools(self->fd, &request));
	ASSERT_EQ(1, request.count);
	EXPECT_EQ(0, memcmp(&stat, &entry, sizeof(stat)));
}

TEST_F(region, list_of_pools_goes_on_where_it_stopped)
{
	struct vmlab_pool_stat entry;
	struct vmlab_list request = { .buffer = (uintptr_t)&entry };
	unsigned int found = 0;
	__u64 last = 0, mine[3];
	int fds[3];

	for (int i = 0; i < 3; i++) {
		fds[i] = region_open();
		ASSERT_EQ(0, i ? measure(fds[i], 1) : set_budget(fds[i], BUDGET));
		mine[i] = pool_stat(fds[i]).id;
	}
	do {
		request.count = 1;
		ASSERT_EQ(0, list_pools(self->fd, &request));
		if (!request.count)
			break;
		EXPECT_GT(entry.id, last);
		last = entry.id;
		for (int i = 0; i < 3; i++)
			found += entry.id == mine[i];
	} while (request.cursor);
	EXPECT_EQ(3, found);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	for (int i = 0; i < 3; i++)
		EXPECT_TRUE(EVENTUALLY(!pool_is_listed(self->fd, mine[i])));
}

TEST_F(region, list_of_pools_shows_strangers_nothing)
{
	__u64 id;

	if (getuid())
		SKIP(return, "not root, so nobody to become");
	ASSERT_EQ(0, measure(self->fd, 1));
	id = pool_stat(self->fd).id;
	EXPECT_TRUE(pool_is_listed(self->fd, id));
	EXPECT_TRUE(IN_CHILD(!setresuid(NOBODY, NOBODY, NOBODY) && !pool_is_listed(self->fd, id)));
}

TEST_F(region, histograms_as_far_as_they_are_wanted)
{
	struct { struct vmlab_histogram histogram; __u64 more; } long_ones[VMLAB_HISTOGRAMS + 1];
	struct vmlab_pool_histograms args = {
		.buffer = (uintptr_t)long_ones, .count = 2, .entry_size = sizeof(long_ones[0]),
	};

	memset(long_ones, 0x5a, sizeof(long_ones));
	ASSERT_EQ(0, ioctl(self->fd, VMLAB_IOC_POOL_HISTOGRAMS, &args));
	EXPECT_EQ(2, args.count);
	EXPECT_TRUE(all_zero((char *)long_ones, 2 * sizeof(long_ones[0])));
	EXPECT_EQ(0x5a5a5a5a5a5a5a5a, long_ones[2].histogram.sum);
	args.count = VMLAB_HISTOGRAMS + 1;
	ASSERT_EQ(0, ioctl(self->fd, VMLAB_IOC_POOL_HISTOGRAMS, &args));
	EXPECT_EQ(VMLAB_HISTOGRAMS, args.count);
	EXPECT_EQ(0x5a5a5a5a5a5a5a5a, long_ones[VMLAB_HISTOGRAMS].histogram.sum);
}

TEST_F(region, refused)
{
	struct vmlab_histogram one;
	struct vmlab_pool_histograms args = { .buffer = (uintptr_t)&one, .count = 1 };
	struct vmlab_pool_stat entry;
	struct vmlab_list request = {
		.buffer = (uintptr_t)&entry, .count = 1, .entry_size = 248 - 8,
	};
	struct vmlab_pool_set set = { .what = VMLAB_POOL_LATENCY, .__reserved = 1 };

	EXPECT_EQ(-1, ioctl(self->fd, VMLAB_IOC_POOL_LIST, &request));
	EXPECT_EQ(EINVAL, errno);
	args.entry_size = 328 - 8;
	EXPECT_EQ(-1, ioctl(self->fd, VMLAB_IOC_POOL_HISTOGRAMS, &args));
	EXPECT_EQ(EINVAL, errno);
	args.entry_size = PAGE + 8;
	EXPECT_EQ(-1, ioctl(self->fd, VMLAB_IOC_POOL_HISTOGRAMS, &args));
	EXPECT_EQ(EINVAL, errno);
	args = (struct vmlab_pool_histograms){
		.buffer = 8, .count = 1, .entry_size = sizeof(one),
	};
	EXPECT_EQ(-1, ioctl(self->fd, VMLAB_IOC_POOL_HISTOGRAMS, &args));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, measure(self->fd, 2));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, pool_set(self->fd, &set));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, set_policy(self->fd, "optimal"));
	EXPECT_EQ(0, measure(self->fd, 0));	/* as it is */
	EXPECT_EQ(0, pool_stat(self->fd).id);
	EXPECT_EQ(-1, measure(region_open_as(O_RDONLY), 1));
	EXPECT_EQ(EBADF, errno);
}

TEST_HARNESS_MAIN
