// SPDX-License-Identifier: GPL-2.0
/* Stores with two tiers: compressed memory, and a file behind it. */
#include "swap_test.h"

#include <pthread.h>
#include <sys/wait.h>

#include <linux/fs.h>

#define FRONT (32 * PAGE)

FIXTURE(tiers)
{
	struct scratch scratch;
	int fd;
	char *mem;
};

FIXTURE_SETUP(tiers)
{
	const char *reason = scratch_make(&self->scratch, "ext4", 4 * MIB);

	if (reason)
		SKIP_TEST("%s", reason);
	self->fd = region_zero(VMLAB_REGION_STRICT, PAGES * PAGE);
	self->mem = (char *)map_pages(self->fd, PAGES);
}

FIXTURE_TEARDOWN(tiers)
{
	munmap(self->mem, PAGES * PAGE);
	close(self->fd);
	scratch_remove(&self->scratch);
}

static unsigned long *words(const FIXTURE_DATA(tiers) *self)
{
	return (unsigned long *)self->mem;
}

/* Sets @set, whose store is the file "store", made that long if it is not there. */
static int set_with_file(const FIXTURE_DATA(tiers) *self, struct vmlab_pool_set set,
			 unsigned long pages)
{
	int ret, error;

	set.what |= VMLAB_POOL_STORE;
	set.store_fd = scratch_reopen(&self->scratch, "store", O_RDWR);
	if (set.store_fd < 0)
		set.store_fd = scratch_file(&self->scratch, "store", pages * PAGE, 1);
	ret = pool_set(self->fd, &set);
	error = errno;
	close(set.store_fd);
	errno = error;
	return ret;
}

static int set_up(const FIXTURE_DATA(tiers) *self, unsigned long pages)
{
	return set_with_file(self, (struct vmlab_pool_set){
		.what = VMLAB_POOL_FRONT | VMLAB_POOL_BUDGET | VMLAB_POOL_POLICY |
			VMLAB_POOL_LATENCY,
		.front = FRONT, .budget = BUDGET, .policy = "fifo", .latency = 1 }, pages);
}

static int set_front(const FIXTURE_DATA(tiers) *self, __u64 bytes)
{
	return pool_set(self->fd, &(struct vmlab_pool_set){ .what = VMLAB_POOL_FRONT,
							    .front = bytes });
}

/* A page with nothing in it that can be compressed; the same for the same @page. */
static void fill_with_noise(char *to, unsigned long page)
{
	unsigned long *words = (unsigned long *)to, i, x = page + 1;

	for (i = 0; i < PAGE / sizeof(*words); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		words[i] = x * 0x9e3779b97f4a7c15UL;
	}
}

static void fill_all_with_noise(const FIXTURE_DATA(tiers) *self)
{
	unsigned long page;

	for (page = 0; page < PAGES; page++)
		fill_with_noise(self->mem + page * PAGE, page);
}

static unsigned long count_wrong_noise(const char *mem, unsigned long pages)
{
	unsigned long page, wrong = 0;
	char right[PAGE];

	for (page = 0; page < pages; page++) {
		fill_with_noise(right, page);
		wrong += memcmp(right, mem + page * PAGE, PAGE) != 0;
	}
	return wrong;
}

/* How many faults had to get a page from the file, by what was measured. */
static __u64 faults_from_file(int fd)
{
	struct vmlab_histogram histograms[VMLAB_HISTOGRAMS] = {};
	struct vmlab_pool_histograms args = {
		.buffer = (unsigned long)histograms,
		.count = VMLAB_HISTOGRAMS,
		.entry_size = sizeof(*histograms),
	};
	__u64 sum = 0;
	int i;

	if (ioctl(fd, VMLAB_IOC_POOL_HISTOGRAMS, &args))
		broken("no histograms: %s\n", strerror(errno));
	for (i = 0; i < VMLAB_HISTOGRAM_BUCKETS; i++)
		sum += histograms[VMLAB_HISTOGRAM_SWAP_FILE].counts[i];
	return sum;
}

TEST_F(tiers, refused)
{
	struct vmlab_pool_set set = { .what = VMLAB_POOL_FRONT };
	static const __u64 bad[] = { 0, PAGE, FRONT + 1, 1ULL << 60 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		set.front = bad[i];
		EXPECT_EQ(set_with_file(self, set, PAGES), -1);
		EXPECT_EQ(errno, EINVAL);
	}
	/* There is nothing behind it. */
	EXPECT_EQ(set_front(self, FRONT), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(pool_stat(self->fd).front, 0);
	EXPECT_STREQ((char *)pool_stat(self->fd).store, "");
	set.front = FRONT;
	set.what |= VMLAB_POOL_CODEC;
	snprintf((char *)set.codec, sizeof(set.codec), "no-such");
	EXPECT_EQ(set_with_file(self, set, PAGES), -1);
	EXPECT_EQ(errno, ENOENT);
	snprintf((char *)set.codec, sizeof(set.codec), "zstd");
	EXPECT_EQ(set_with_file(self, set, PAGES), 0);
	EXPECT_STREQ((char *)pool_stat(self->fd).store, "file");
	EXPECT_STREQ((char *)pool_stat(self->fd).codec, "zstd");
	EXPECT_EQ(pool_stat(self->fd).front, FRONT);
	/* A call that fails has changed nothing. */
	set = (struct vmlab_pool_set){ .what = VMLAB_POOL_FRONT | VMLAB_POOL_POLICY,
				       .front = 2 * FRONT, .policy = "no-such" };
	EXPECT_EQ(pool_set(self->fd, &set), -1);
	EXPECT_EQ(errno, ENOENT);
	EXPECT_EQ(pool_stat(self->fd).front, FRONT);
}

TEST_F(tiers, one_tier_stays_one)
{
	ASSERT_EQ(set_with_file(self, (struct vmlab_pool_set){}, PAGES), 0);
	EXPECT_EQ(set_front(self, FRONT), -1);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(pool_stat(self->fd).front, 0);
}

/* What fits stays in memory, and the file is not written to. */
TEST_F(tiers, memory_comes_first)
{
	struct vmlab_pool_stat stat;

	ASSERT_EQ(set_up(self, PAGES), 0);
	ASSERT_EQ(set_front(self, PAGES * PAGE), 0);
	fill_all(words(self), PAGES, 1);
	EXPECT_EQ(count_wrong(words(self), PAGES, 1), 0);
	stat = pool_stat(self->fd);
	EXPECT_EQ(stat.moved, 0);
	EXPECT_EQ(stat.stored_bytes, 0);
	EXPECT_EQ(stat.front_copies, stat.copies);
	EXPECT_GT(stat.front_bytes, 0);
	EXPECT_EQ(faults_from_file(self->fd), 0);
}

/* Those that left first are in the file, those that left last in memory. */
TEST_F(tiers, coldest_go_to_the_file)
{
	struct vmlab_pool_stat stat;
	__u64 from_file;

	ASSERT_EQ(set_up(self, PAGES), 0);
	fill_all(words(self), PAGES, 1);
	ASSERT_GT(advise(self->fd, VMLAB_ADVISE_EVICT, 0, PAGES), 0);
	stat = pool_stat(self->fd);
	EXPECT_LE(stat.front_bytes, FRONT);
	EXPECT_GT(stat.moved, 0);
	EXPECT_EQ(stat.copies, PAGES);
	ASSERT_GE(stat.front_copies, 8);
	EXPECT_EQ(stat.stored_bytes, (PAGES - stat.front_copies) * PAGE);
	EXPECT_EQ(faults_from_file(self->fd), 0);
	EXPECT_TRUE(is_filled(words(self), PAGES - 1, 1));
	EXPECT_EQ(faults_from_file(self->fd), 0);
	EXPECT_EQ(count_wrong(words(self), 8, 1), 0);
	from_file = faults_from_file(self->fd);
	EXPECT_EQ(from_file, 8);
	EXPECT_EQ(count_wrong(words(self), PAGES, 1), 0);
	EXPECT_EQ(pool_stat(self->fd).checksum_errors, 0);
	EXPECT_EQ(pool_stat(self->fd).store_errors, 0);
}

/* Copies of what is back do not keep others out. */
TEST_F(tiers, what_came_back_leaves_room)
{
	ASSERT_EQ(set_up(self, PAGES), 0);
	fill_all_with_noise(self);
	ASSERT_GT(advise(self->fd, VMLAB_ADVISE_EVICT, 0, PAGES), 0);
	ASSERT_GE(pool_stat(self->fd).front_copies, 16);
	ASSERT_EQ(set_front(self, VMLAB_POOL_BUDGET_MIN), 0);
	ASSERT_EQ(set_budget(self->fd, VMLAB_POOL_UNLIMITED_BUDGET), 0);
	EXPECT_EQ(count_wrong_noise(self->mem, PAGES), 0);
	EXPECT_EQ(pool_stat(self->fd).front_copies, 0);
}

/* What was written to again is stored anew, wherever its old copy was. */
TEST_F(tiers, written_again_and_again)
{
	unsigned long generation, page;

	ASSERT_EQ(set_up(self, PAGES), 0);
	fill_all(words(self), PAGES, 1);
	for (generation = 2; generation < 5; generation++) {
		for (page = 0; page < PAGES; page += 2)
			fill_page(words(self), page, generation);
		for (page = 0; page < PAGES; page++)
			EXPECT_TRUE(is_filled(words(self), page, page % 2 ? 1 : generation));
	}
	EXPECT_EQ(pool_stat(self->fd).store_errors, 0);
}

TEST_F(tiers, incompressible)
{
	ASSERT_EQ(set_up(self, PAGES), 0);
	fill_all_with_noise(self);
	EXPECT_LE(pool_stat(self->fd).front_bytes, FRONT);
	EXPECT_GT(pool_stat(self->fd).moved, 0);
	EXPECT_EQ(count_wrong_noise(self->mem, PAGES), 0);
	EXPECT_EQ(count_wrong_noise(self->mem, PAGES), 0);
}

/* It may be made larger and smaller while pages are there. */
TEST_F(tiers, front_changes)
{
	ASSERT_EQ(set_up(self, PAGES), 0);
	ASSERT_EQ(set_front(self, PAGES * PAGE), 0);
	fill_all(words(self), PAGES, 1);
	EXPECT_EQ(pool_stat(self->fd).moved, 0);
	ASSERT_EQ(set_front(self, VMLAB_POOL_BUDGET_MIN), 0);
	EXPECT_EQ(pool_stat(self->fd).front, VMLAB_POOL_BUDGET_MIN);
	fill_all(words(self), PAGES, 2);
	EXPECT_LE(pool_stat(self->fd).front_bytes, VMLAB_POOL_BUDGET_MIN);
	EXPECT_GT(pool_stat(self->fd).moved, 0);
	EXPECT_EQ(count_wrong(words(self), PAGES, 2), 0);
}

/* What the file cannot take stays in memory, there or in pages; no room for more is told. */
TEST_F(tiers, file_too_small)
{
	unsigned long page;

	ASSERT_EQ(set_up(self, 32), 0);
	for (page = 0; page < PAGES && !trap_write(self->mem + page * PAGE, 1); page++)
		fill_with_noise(self->mem + page * PAGE, page);
	EXPECT_GE(page, 32 + BUDGET_PAGES);
	EXPECT_LE(page, 32 + BUDGET_PAGES + FRONT / PAGE + 16);
	EXPECT_GT(pool_stat(self->fd).store_errors, 0);
	EXPECT_LE(pool_stat(self->fd).stored_bytes, 32 * PAGE);
	EXPECT_EQ(count_wrong_noise(self->mem, page), 0);
}

static void fill_and_look(const FIXTURE_DATA(tiers) *self)
{
	fill_all_with_noise(self);
	_exit(count_wrong_noise(self->mem, PAGES) != 0);
}

/* Nothing goes to the file, and nothing is lost of what should. */
TEST_F(tiers, on_a_frozen_file_system)
{
	int fd, status;
	pid_t child;

	ASSERT_EQ(set_up(self, PAGES), 0);
	fill_all(words(self), PAGES, 1);
	fd = scratch_reopen(&self->scratch, ".", O_RDONLY);
	ASSERT_EQ(0, ioctl(fd, FIFREEZE, 0));
	child = fork();
	if (!child)
		fill_and_look(self);
	usleep(700000);
	EXPECT_EQ(0, waitpid(child, &status, WNOHANG));
	EXPECT_EQ(0, ioctl(fd, FITHAW, 0));
	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, count_wrong_noise(self->mem, PAGES));
	close(fd);
}

/* What somebody else wrote to the file is told from what was stored there. */
TEST_F(tiers, file_written_to_by_others)
{
	unsigned long page, trapped = 0, right = 0, in_file;
	char garbage[PAGE] = { 2 };
	int fd;

	ASSERT_EQ(set_up(self, PAGES), 0);
	fill_all(words(self), PAGES, 1);
	ASSERT_GT(advise(self->fd, VMLAB_ADVISE_EVICT, 0, PAGES), 0);
	in_file = pool_stat(self->fd).stored_bytes / PAGE;
	ASSERT_GT(in_file, 0);
	fd = scratch_reopen(&self->scratch, "store", O_RDWR);
	for (page = 0; page < PAGES; page++)
		ASSERT_EQ(pwrite(fd, garbage, PAGE, page * PAGE), (ssize_t)PAGE);
	ASSERT_EQ(fsync(fd), 0);
	close(fd);
	/* The other way round: nothing that is in memory has gone to the file by then. */
	for (page = PAGES; page--;) {
		if (trap_read(self->mem + page * PAGE))
			trapped++;
		else
			right += is_filled(words(self), page, 1);
	}
	EXPECT_EQ(trapped, in_file);
	EXPECT_EQ(right, PAGES - in_file);
	EXPECT_GE(pool_stat(self->fd).checksum_errors, in_file);
}

struct writer {
	unsigned long *mem;
	unsigned long first;
	unsigned long wrong;
};

static void *write_and_read(void *data)
{
	struct writer *writer = data;
	unsigned long page, generation;

	for (generation = 1; generation <= 4; generation++) {
		for (page = writer->first; page < PAGES; page += 4)
			fill_page(writer->mem, page, generation);
		for (page = writer->first; page < PAGES; page += 4)
			writer->wrong += !is_filled(writer->mem, page, generation);
	}
	return NULL;
}

/* The front changes all the while. */
TEST_F(tiers, threads)
{
	struct writer writers[4] = {};
	pthread_t threads[4];
	unsigned int i;

	ASSERT_EQ(set_up(self, PAGES), 0);
	for (i = 0; i < 4; i++) {
		writers[i] = (struct writer){ .mem = words(self), .first = i };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, write_and_read, &writers[i]));
	}
	for (i = 0; i < 50; i++) {
		EXPECT_EQ(set_front(self, i % 2 ? FRONT : VMLAB_POOL_BUDGET_MIN), 0);
		usleep(5000);
	}
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		EXPECT_EQ(writers[i].wrong, 0);
	}
	EXPECT_GT(pool_stat(self->fd).moved, 0);
	EXPECT_EQ(pool_stat(self->fd).store_errors, 0);
}

/* A clone shares what is stored, in either tier; each goes on by itself. */
TEST_F(tiers, clones)
{
	unsigned long *theirs;
	int clone;

	ASSERT_EQ(set_up(self, 2 * PAGES), 0);
	fill_all(words(self), PAGES, 1);
	clone = ioctl(self->fd, VMLAB_IOC_CLONE, &(struct vmlab_clone){ .flags = O_CLOEXEC });
	ASSERT_GE(clone, 0);
	theirs = map_pages(clone, PAGES);
	fill_all(words(self), PAGES, 2);
	EXPECT_EQ(count_wrong(theirs, PAGES, 1), 0);
	EXPECT_EQ(count_wrong(words(self), PAGES, 2), 0);
	close(self->fd);
	munmap(self->mem, PAGES * PAGE);
	EXPECT_EQ(count_wrong(theirs, PAGES, 1), 0);
	EXPECT_EQ(pool_stat(clone).store_errors, 0);
	self->fd = clone;
	self->mem = (char *)theirs;
}

/* Pages that are given back while they are in either tier. */
TEST_F(tiers, discarded)
{
	struct vmlab_pool_stat stat;

	ASSERT_EQ(set_up(self, PAGES), 0);
	fill_all(words(self), PAGES, 1);
	ASSERT_EQ(0, madvise(self->mem, PAGES * PAGE, MADV_REMOVE));
	EXPECT_TRUE(EVENTUALLY(pool_stat(self->fd).copies == 0));
	stat = pool_stat(self->fd);
	EXPECT_EQ(stat.front_copies, 0);
	EXPECT_EQ(stat.stored_bytes, 0);
	EXPECT_EQ(self->mem[0], 0);
}

TEST_HARNESS_MAIN
