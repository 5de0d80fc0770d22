// SPDX-License-Identifier: GPL-2.0
/*
 * Threads write to huge pages while their region is cloned or copied by forks, and while
 * the pages are split, taken away and mapped anew: each image is of one moment and stays as
 * it is, and nothing that was written gets lost.
 */
#include "huge_test.h"
#include "writers.h"

#define WRITERS 3
#define ROUNDS 16
/* In each huge page the writers' words are in one page, so that the others may go. */
#define WORDS_AT (100 * PAGE)
/* Nobody writes to the last huge page: it comes and goes. */
#define SPARE ((HUGES - 1) * HUGE)

static struct arena {
	int fd;
	int file;		/* the region as a regular file */
	char *p;
	volatile bool stop;
	void (*disturb)(unsigned long round);
	pthread_t disturber;
	unsigned long rounds;
	struct writer writers[WRITERS];
} arena;

static void nothing(unsigned long round)
{
	(void)round;
	sched_yield();
}

static void punch(off_t start, off_t length)
{
	if (fallocate(arena.file, PUNCH, start, length))
		broken("fallocate: %s\n", strerror(errno));
	arena.p[start] = 1;
}

static void punch_whole(unsigned long round)
{
	(void)round;
	punch(SPARE, HUGE);
}

/* Splits those with words once, and the other again and again. */
static void punch_part(unsigned long round)
{
	punch(round % HUGES * HUGE + (101 + round * 37 % 300) * PAGE, 4 * PAGE);
	if (round % HUGES == HUGES - 1)
		punch_whole(round);
}

static void truncate_it(unsigned long round)
{
	if (ftruncate(arena.file, SPARE + round * 37 % (HUGE / PAGE) * PAGE) ||
	    ftruncate(arena.file, LENGTH))
		broken("ftruncate: %s\n", strerror(errno));
	arena.p[SPARE] = 1;
}

static void dontneed(unsigned long round)
{
	madvise(arena.p + round % HUGES * HUGE, HUGE, MADV_DONTNEED);
}

/* Some other huge page, then a part of it. */
static void protect_spare(unsigned long round)
{
	char *p = arena.p + SPARE;

	(void)round;
	mprotect(p, HUGE, PROT_READ);
	mprotect(p + PAGE, PAGE, PROT_NONE);
	mprotect(p, HUGE, RW);
	*p = 1;
}

/* By its descriptor, in pages and in more than one huge page. */
static void write_by_call(unsigned long round)
{
	static char bytes[4 * PAGE];

	if (pwrite(arena.fd, bytes, sizeof(bytes), round % HUGES * HUGE) < 0 ||
	    pwrite(arena.fd, bytes, sizeof(bytes), SPARE - 2 * PAGE) < 0)
		broken("pwrite: %s\n", strerror(errno));
}

static void *disturb_on(void *arg)
{
	(void)arg;
	for (; !arena.stop; arena.rounds++)
		arena.disturb(arena.rounds);
	return NULL;
}

FIXTURE(huge_races)
{
	__u64 pages;
};

FIXTURE_VARIANT(huge_races)
{
	void (*disturb)(unsigned long round);
};

FIXTURE_VARIANT_ADD(huge_races, nothing) { .disturb = nothing };
FIXTURE_VARIANT_ADD(huge_races, punch_part) { .disturb = punch_part };
FIXTURE_VARIANT_ADD(huge_races, punch_whole) { .disturb = punch_whole };
FIXTURE_VARIANT_ADD(huge_races, truncate) { .disturb = truncate_it };
FIXTURE_VARIANT_ADD(huge_races, dontneed) { .disturb = dontneed };
FIXTURE_VARIANT_ADD(huge_races, protect) { .disturb = protect_spare };
FIXTURE_VARIANT_ADD(huge_races, write_by_call) { .disturb = write_by_call };

FIXTURE_SETUP(huge_races)
{
	self->pages = pages_now();
}

FIXTURE_TEARDOWN(huge_races)
{
	EXPECT_TRUE(EVENTUALLY(pages_now() == self->pages));
}

/* All pages are huge when the threads are let loose. */
static void begin(void (*disturb)(unsigned long round), __u32 flags)
{
	arena = (struct arena){ .disturb = disturb };
	arena.fd = region_zero(flags | VMLAB_REGION_HUGE, LENGTH);
	arena.file = region_fd(arena.fd, O_CLOEXEC);
	arena.p = map_shared(arena.fd, LENGTH);
	if (arena.fd < 0 || arena.file < 0 || arena.p == MAP_FAILED)
		broken("no region: %s\n", strerror(errno));
	for (size_t i = 0; i < HUGES; i++)
		arena.p[i * HUGE] = 1;
	if (pmd_mapped(arena.p) != LENGTH)
		broken("the pages are not huge\n");
	for (int i = 0; i < WRITERS; i++) {
		char *words = arena.p + WORDS_AT + i * 64L;

		writer_start(&arena.writers[i], words + i % (HUGES - 1) * HUGE,
			     words + (i + 1) % (HUGES - 1) * HUGE + 8);
	}
	if (pthread_create(&arena.disturber, NULL, disturb_on, NULL))
		broken("pthread_create: %s\n", strerror(errno));
}

static bool end(void)
{
	bool right;

	arena.stop = true;
	pthread_join(arena.disturber, NULL);
	right = writers_end(arena.writers, WRITERS) && arena.rounds > 0;
	munmap(arena.p, LENGTH);
	close(arena.file);
	close(arena.fd);
	return right;
}

static bool image_is_right(const char *copy)
{
	for (int i = 0; i < WRITERS; i++) {
		if (!writer_image_is_right(&arena.writers[i], arena.p, copy))
			return false;
	}
	return true;
}

/* What was there, before and after others wrote, and after this side did. */
static bool image_stays(char *copy)
{
	static char before[HUGES - 1][PAGE];
	bool right = image_is_right(copy);

	for (size_t i = 0; i < HUGES - 1; i++)
		memcpy(before[i], copy + i * HUGE + WORDS_AT, PAGE);
	for (size_t i = 0; i < HUGES - 1; i++)
		copy[i * HUGE + WORDS_AT + PAGE - 1] = 2;
	sched_yield();
	for (size_t i = 0; i < HUGES - 1; i++)
		right &= !memcmp(before[i], copy + i * HUGE + WORDS_AT, PAGE - 1);
	return right && image_is_right(copy);
}

static bool clone_is_right(void)
{
	int clone = clone_of(arena.fd);
	char *copy = map_shared(clone, LENGTH);
	bool right = clone >= 0 && copy != MAP_FAILED && image_stays(copy);

	munmap(copy, LENGTH);
	close(clone);
	return right;
}

TEST_F(huge_races, clones_stay_what_they_are)
{
	bool right = true;

	begin(variant->disturb, 0);
	for (unsigned long i = rounds_of(ROUNDS); right && i; i--)
		right = clone_is_right();
	EXPECT_TRUE(end());
	EXPECT_TRUE(right);
}

TEST_F(huge_races, children_have_their_own)
{
	bool right = true;

	begin(variant->disturb, VMLAB_REGION_COW_FORK);
	for (unsigned long i = rounds_of(ROUNDS); right && i; i--)
		right = IN_CHILD(image_stays(arena.p));
	EXPECT_TRUE(end());
	EXPECT_TRUE(right);
}

static void *try_for_huge(void *arg)
{
	int fd = *(int *)arg;

	for (unsigned long i = rounds_of(20000); i; i--) {
		if (pwrite(fd, "x", 1, HUGE) != 1 || fallocate(fd, PUNCH, HUGE, PAGE))
			return (void *)1;
	}
	return NULL;
}

/* Who tries for 512 pages where there is no room for them does not keep others from theirs. */
TEST(trying_at_the_cap_takes_no_room)
{
	__u64 cap = parameter_get("max_pages"), before = pages_now();
	int huge = region_zero(VMLAB_REGION_HUGE, LENGTH), fd = region_fd(huge, O_CLOEXEC);
	int other = region_fd(region_zero(0, 0), O_CLOEXEC);
	void *tried;
	pthread_t thread;
	int wrong = 0;

	parameter_set("max_pages", pages_now() + 256);
	ASSERT_EQ(0, pthread_create(&thread, NULL, try_for_huge, &fd));
	for (unsigned long i = rounds_of(20000); i; i--)
		wrong += pwrite(other, "x", 1, 0) != 1 || fallocate(other, PUNCH, 0, PAGE);
	pthread_join(thread, &tried);
	parameter_set("max_pages", cap);
	EXPECT_EQ(NULL, tried);
	EXPECT_EQ(0, wrong);
	EXPECT_GE(region_stat(huge).huge_fallback, rounds_of(20000));
	close(other);
	close(fd);
	close(huge);
	EXPECT_TRUE(EVENTUALLY(pages_now() == before));
}

TEST_HARNESS_MAIN
