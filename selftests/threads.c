// SPDX-License-Identifier: GPL-2.0
/*
 * Threads fault in one region while its pages, its end and its mappings are
 * taken away. Every page is, at any time, either all zero or what was written.
 */
#include "vmlab_test.h"

#define PAGES 256UL
#define LENGTH (PAGES * PAGE)
#define THREADS 4
#define WORDS (PAGE / sizeof(__u64))

struct arena {
	int fd;
	int file;		/* the region as a regular file */
	char *volatile p;
	volatile bool stop, wrong;
};

static struct arena arena;

FIXTURE(race)
{
};

FIXTURE_VARIANT(race)
{
	void (*disturb)(unsigned long round);
	unsigned int rounds;	/* 1000 if not said */
	__u32 flags;
};

static void punch(unsigned long round)
{
	fallocate(arena.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		  round * 37 % PAGES * PAGE, (1 + round % 16) * PAGE);
}

/* Whole words of pages: what is left is still zero or a stamp. */
static void punch_parts(unsigned long round)
{
	fallocate(arena.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		  round * 37 % PAGES * PAGE + round % WORDS * sizeof(__u64), 2 * PAGE);
}

static void truncate_it(unsigned long round)
{
	ftruncate(arena.file, round * 37 % PAGES * PAGE) ?: ftruncate(arena.file, LENGTH);
}

static void remove_it(unsigned long round)
{
	madvise(arena.p + round * 37 % PAGES * PAGE, PAGE, MADV_REMOVE);
}

static void dontneed(unsigned long round)
{
	(void)round;
	madvise(arena.p, LENGTH, MADV_DONTNEED);
}

static void protect(unsigned long round)
{
	char *p = arena.p + round * 37 % (PAGES - 16) * PAGE;

	mprotect(p, 16 * PAGE, PROT_READ);
	mprotect(p, 16 * PAGE, PROT_NONE);
	mprotect(p, 16 * PAGE, RW);
}

static void move(unsigned long round)
{
	char *room = mmap(NULL, LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)round;
	arena.p = mremap(arena.p, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, room);
}

static void remap(unsigned long round)
{
	(void)round;
	if (mmap(arena.p, LENGTH, RW, MAP_SHARED | MAP_FIXED, arena.fd, 0) == MAP_FAILED)
		arena.wrong = true;
}

static void fork_and_touch(unsigned long round)
{
	pid_t child = fork();

	if (!child)
		_exit(trap_read(arena.p + round % PAGES * PAGE) != 0);
	if (child_status(child))
		arena.wrong = true;
}

static void look(unsigned long round)
{
	struct vmlab_extent extent[8];
	struct vmlab_extents extents = {
		.end = LENGTH, .buffer = (uintptr_t)extent, .count = 8,
	};
	struct vmlab_stat entry;
	struct vmlab_list list = {
		.buffer = (uintptr_t)&entry, .count = 1, .entry_size = sizeof(entry),
	};

	(void)round;
	if (ioctl(arena.fd, VMLAB_IOC_EXTENTS, &extents) ||
	    ioctl(arena.fd, VMLAB_IOC_LIST, &list) ||
	    region_resident(arena.fd) > PAGES)
		arena.wrong = true;
}

FIXTURE_VARIANT_ADD(race, punch) { .disturb = punch };
FIXTURE_VARIANT_ADD(race, punch_tracked) { .disturb = punch, .flags = VMLAB_REGION_TRACK_DIRTY };
FIXTURE_VARIANT_ADD(race, punch_parts) { .disturb = punch_parts };
FIXTURE_VARIANT_ADD(race, truncate) { .disturb = truncate_it };
FIXTURE_VARIANT_ADD(race, truncate_tracked) {
	.disturb = truncate_it, .flags = VMLAB_REGION_TRACK_DIRTY
};

FIXTURE_VARIANT_ADD(race, remove) { .disturb = remove_it };
FIXTURE_VARIANT_ADD(race, dontneed) { .disturb = dontneed };
FIXTURE_VARIANT_ADD(race, protect) { .disturb = protect, .rounds = 300 };
FIXTURE_VARIANT_ADD(race, move) { .disturb = move, .rounds = 300 };
FIXTURE_VARIANT_ADD(race, move_strict) {
	.disturb = move, .rounds = 300, .flags = VMLAB_REGION_STRICT
};

FIXTURE_VARIANT_ADD(race, remap) { .disturb = remap };
FIXTURE_VARIANT_ADD(race, fork) { .disturb = fork_and_touch, .rounds = 100 };
FIXTURE_VARIANT_ADD(race, look) { .disturb = look };

FIXTURE_SETUP(race)
{
	arena.fd = region_zero(variant->flags, LENGTH);
	ASSERT_GE(arena.fd, 0);
	arena.file = region_fd(arena.fd, 0);
	ASSERT_GE(arena.file, 0);
	arena.p = map_shared(arena.fd, LENGTH);
	ASSERT_NE(MAP_FAILED, arena.p);
}

FIXTURE_TEARDOWN(race)
{
	munmap(arena.p, LENGTH);
	close(arena.file);
	close(arena.fd);
}

/* Where a word is now. */
static void *word_at(__u64 page, size_t word)
{
	return arena.p + page * PAGE + word * sizeof(__u64);
}

static bool is_right(__u64 page, __u64 value)
{
	return !value || value == stamp_of(page);
}

static void check(__u64 page, size_t word)
{
	__u64 value;

	if (word_read(word_at(page, word), &value) && !is_right(page, value))
		arena.wrong = true;
}

/* In order for a while, then anywhere: both ways of faulting. */
static void *write_and_check(void *argument)
{
	__u64 page = (uintptr_t)argument * 61, state = (uintptr_t)argument + 1;

	while (!arena.stop) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		page = state >> 59 ? page + 1 : state >> 33;
		page %= PAGES;
		check(page, state >> 40 & (WORDS - 1));
		word_write(word_at(page, state >> 50 & (WORDS - 1)), stamp_of(page));
		check((page + 7) % PAGES, state >> 45 & (WORDS - 1));
	}
	return NULL;
}

TEST_F(race, every_page_is_zero_or_what_was_written)
{
	pthread_t threads[THREADS];
	unsigned long rounds = rounds_of(variant->rounds ?: 1000);

	for (uintptr_t i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, write_and_check, (void *)i));
	}
	for (unsigned long round = 0; round < rounds && !arena.wrong; round++) {
		variant->disturb(round);
		if (round % 8 == 0)
			sched_yield();
	}
	arena.stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_FALSE(arena.wrong);
	EXPECT_LE(region_resident(arena.fd), PAGES);

	/* The memory and read() agree on what is left. */
	for (__u64 page = 0; page < PAGES; page++) {
		__u64 words[WORDS], word;

		ASSERT_EQ(PAGE, pread(arena.fd, words, PAGE, page * PAGE));
		for (size_t i = 0; i < WORDS; i++) {
			ASSERT_TRUE(is_right(page, words[i])) {
				TH_LOG("page %llu: %llx, not %llx", page, words[i], stamp_of(page));
			}
			ASSERT_TRUE(word_read(word_at(page, i), &word));
			ASSERT_EQ(words[i], word);
		}
	}
}

/* All touch the same pages at the same time: each page appears once, and nobody's count is lost. */

FIXTURE(together)
{
	int fd;
};

FIXTURE_VARIANT(together)
{
	__u32 flags;
	bool scattered;
	bool own_mappings;
};

FIXTURE_VARIANT_ADD(together, plain) { };
FIXTURE_VARIANT_ADD(together, scattered) { .scattered = true };
FIXTURE_VARIANT_ADD(together, own_mappings) { .own_mappings = true };
FIXTURE_VARIANT_ADD(together, strict) { .flags = VMLAB_REGION_STRICT };
FIXTURE_VARIANT_ADD(together, tracked) { .flags = VMLAB_REGION_TRACK_DIRTY };

FIXTURE_SETUP(together)
{
	self->fd = region_zero(variant->flags, 0);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(together)
{
	close(self->fd);
}

struct counter {
	pthread_barrier_t *start;
	char *p;
	size_t step;
};

static void *count_on_each_page(void *argument)
{
	struct counter *counter = argument;

	pthread_barrier_wait(counter->start);
	for (size_t i = 0; i < PAGES; i++)
		__atomic_add_fetch((int *)(counter->p + i * counter->step % PAGES * PAGE), 1,
				   __ATOMIC_SEQ_CST);
	return NULL;
}

TEST_F(together, nothing_is_lost)
{
	pthread_barrier_t start;

	pthread_barrier_init(&start, NULL, THREADS);
	for (int round = 0; round < 50; round++) {
		struct counter counters[THREADS];
		pthread_t threads[THREADS];
		char *p = map(self->fd, LENGTH, RW, MAP_SHARED, round * LENGTH);

		for (int i = 0; i < THREADS; i++) {
			counters[i] = (struct counter){
				.start = &start, .p = p, .step = variant->scattered ? 89 : 1,
			};
			if (variant->own_mappings)
				counters[i].p = map(self->fd, LENGTH, RW, MAP_SHARED,
						    round * LENGTH);
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, count_on_each_page,
						    &counters[i]));
		}
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		for (size_t i = 0; i < PAGES; i++) {
			ASSERT_EQ(THREADS, *(int *)(p + i * PAGE));
		}
		ASSERT_EQ((round + 1) * PAGES, region_resident(self->fd));
		ASSERT_EQ((round + 1) * PAGES, region_stat(self->fd).zero_filled);
	}
}

/* A region's users come and go in different threads. */

static void *open_use_close(void *argument)
{
	volatile bool *wrong = argument;

	for (unsigned long i = rounds_of(300); i; i--) {
		int fd = region_open();
		char *p = map_shared(fd, 8 * PAGE);

		if (p == MAP_FAILED)
			return *wrong = true, NULL;
		p[i % 8 * PAGE] = 1;
		close(fd);
		*wrong |= p[i % 8 * PAGE] != 1 || p[(i + 1) % 8 * PAGE] != 0;
		munmap(p, 8 * PAGE);
	}
	return NULL;
}

TEST(regions_come_and_go)
{
	struct vmlab_features before = module_features();
	pthread_t threads[THREADS];
	volatile bool wrong = false;

	for (int i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, open_use_close, (void *)&wrong));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_FALSE(wrong);
	EXPECT_TRUE(EVENTUALLY(module_features().pages == before.pages));
	EXPECT_TRUE(EVENTUALLY(module_features().regions == before.regions));
}

TEST_HARNESS_MAIN
