// SPDX-License-Identifier: GPL-2.0
/*
 * Threads write to a region while it is cloned, or copied by forks, and while its pages,
 * its end and its mappings are taken away: each clone is of one moment and never changes,
 * and nothing that was written gets lost, on no side.
 *
 * Each writer has a word in each page and numbers its rounds over the pages: at any moment
 * its words are N in the first pages and N - 1 in the others, or 0 where a page was taken
 * away since.
 */
#include "cow_test.h"

#define PAGES 96UL
#define LENGTH (PAGES * PAGE)
#define WRITERS 3
#define KEPT 4		/* clones that are there at a time */
#define ROUNDS 12

/* Where the mapping is, in turns; nothing else is there. */
#define HERE ((char *)(1UL << 44))
#define THERE ((char *)(1UL << 45))

/* Words of the writers to the region, and of those to its clones: 64 bytes apart. */
#define FIRST_WORD 0
#define CLONE_WORD 2048
/* What lies between may be punched without harm. */
#define PUNCH_FROM 1024

struct writer {
	pthread_t thread;
	char *volatile *where;
	size_t offset;		/* of its words in their pages */
	__u64 number;		/* of its round */
	__u64 rounds;		/* so many; 0: until it is stopped */
	bool may_vanish;	/* its words */
	bool wrong;
};

static struct arena {
	int fd;
	int file;		/* the region as a regular file */
	int backing;
	char *volatile p;
	volatile bool stop;
	bool may_vanish;	/* pages are taken away */
	void (*disturb)(unsigned long round);
	pthread_t disturber;
	struct writer writers[WRITERS];
} arena;

/* Writers */

/* Until it can be written to; false: it is time to stop. */
static bool word_advance(struct writer *writer, unsigned long page)
{
	size_t offset = page * PAGE + writer->offset;
	__u64 before;

	while (!word_read(*writer->where + offset, &before) ||
	       !word_write(*writer->where + offset, writer->number)) {
		if (arena.stop)
			return false;
	}
	if (before != writer->number - 1 && !(writer->may_vanish && !before))
		writer->wrong = true;
	return true;
}

static void *write_rounds(void *arg)
{
	struct writer *writer = arg;

	for (__u64 round = 0; writer->rounds ? round < writer->rounds : !arena.stop; round++) {
		writer->number++;
		for (unsigned long page = 0; page < PAGES; page++) {
			if (!word_advance(writer, page))
				return NULL;
		}
	}
	return NULL;
}

static void writers_start(struct writer *writers, const struct writer *all)
{
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = *all;
		writers[i].offset += i * 64UL;
		if (pthread_create(&writers[i].thread, NULL, write_rounds, &writers[i]))
			broken("pthread_create: %s\n", strerror(errno));
	}
}

static bool writers_end(struct writer *writers)
{
	bool wrong = false;

	for (int i = 0; i < WRITERS; i++) {
		pthread_join(writers[i].thread, NULL);
		wrong |= writers[i].wrong;
	}
	return !wrong;
}

/* Images */

static bool words_are_of_one_moment(const char *image, size_t offset)
{
	__u64 first = 0, least = 0, word;

	for (unsigned long page = 0; page < PAGES; page++) {
		memcpy(&word, image + page * PAGE + offset, sizeof(word));
		if (!word && arena.may_vanish)
			continue;
		if (!first) {
			first = word;
			least = word;
		}
		if (!word || word > least || word + 1 < first) {
			printf("# page %lu: %llu after %llu, %llu\n", page, word, first, least);
			return false;
		}
		least = word;
	}
	return true;
}

static bool is_of_one_moment(const char *image)
{
	for (size_t i = 0; i < WRITERS; i++) {
		if (!words_are_of_one_moment(image, FIRST_WORD + i * 64UL))
			return false;
	}
	return true;
}

/* Clears the words of the writers to a clone. */
static void forget_clone_words(char *image)
{
	for (unsigned long page = 0; page < PAGES; page++)
		memset(image + page * PAGE + CLONE_WORD, 0, WRITERS * 64UL);
}

/* Threads write to a clone, and thus copy the same pages; the other words stay. */
static bool writers_work_on(char *p, const char *image)
{
	static char now[LENGTH];
	char *volatile where = p;
	struct writer writers[WRITERS];
	bool right;

	writers_start(writers, &(struct writer){
		.where = &where, .offset = CLONE_WORD, .rounds = 2 });
	right = writers_end(writers);
	memcpy(now, p, LENGTH);
	for (int i = 0; i < WRITERS; i++) {
		for (unsigned long page = 0; page < PAGES; page++)
			right &= *(__u64 *)(now + page * PAGE + CLONE_WORD + i * 64UL) == 2;
	}
	forget_clone_words(now);
	return right && !memcmp(now, image, LENGTH);
}

/* Disturbances */

static void nothing(unsigned long round)
{
	(void)round;
	sched_yield();
}

/* Whole pages, and parts where no words are. */
static void punch(unsigned long round)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	off_t start = round * 37 % (PAGES - 8) * PAGE + PUNCH_FROM;

	fallocate(arena.file, mode, start, 1024);
	fallocate(arena.file, mode, start, (1 + round % 8) * PAGE - PUNCH_FROM);
}

static void punch_parts(unsigned long round)
{
	fallocate(arena.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		  round * 37 % PAGES * PAGE + PUNCH_FROM, 1024);
}

static void truncate_it(unsigned long round)
{
	ftruncate(arena.file, round * 37 % PAGES * PAGE + PUNCH_FROM) ?:
		ftruncate(arena.file, LENGTH);
}

static void remove_it(unsigned long round)
{
	madvise(arena.p + round * 37 % (PAGES - 4) * PAGE, 4 * PAGE, MADV_REMOVE);
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
	char *from = arena.p, *to = from == HERE ? THERE : HERE;

	(void)round;
	if (mremap(from, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		broken("mremap: %s\n", strerror(errno));
	arena.p = to;
}

static void remap(unsigned long round)
{
	char *p = arena.p;

	if (round % 2)
		munmap(p + PAGES / 2 * PAGE, PAGES / 2 * PAGE);
	if (mmap(p, LENGTH, RW, MAP_SHARED | MAP_FIXED, arena.fd, 0) != p)
		broken("mmap: %s\n", strerror(errno));
}

static void write_back(unsigned long round)
{
	if (round % 2 ? fsync(arena.fd) : msync(arena.p, LENGTH, MS_SYNC))
		broken("fsync: %s\n", strerror(errno));
}

static void write_by_call(unsigned long round)
{
	char zeroes[512] = "";
	struct iovec local = { zeroes, sizeof(zeroes) };
	struct iovec remote = {
		arena.p + round * 37 % PAGES * PAGE + PUNCH_FROM, sizeof(zeroes)
	};

	if (pwrite(arena.fd, zeroes, sizeof(zeroes), round * 41 % PAGES * PAGE + PUNCH_FROM) < 0 ||
	    process_vm_writev(getpid(), &local, 1, &remote, 1, 0) < 0)
		broken("write: %s\n", strerror(errno));
}

static void *disturb_on(void *arg)
{
	(void)arg;
	for (unsigned long round = 0; !arena.stop; round++)
		arena.disturb(round);
	return NULL;
}

FIXTURE(races)
{
	__u64 pages;
	__u64 regions;
};

FIXTURE_VARIANT(races)
{
	void (*disturb)(unsigned long round);
	__u32 flags;
	bool file;		/* behind the region */
	bool may_vanish;
};

FIXTURE_VARIANT_ADD(races, nothing) { .disturb = nothing };
FIXTURE_VARIANT_ADD(races, nothing_tracked) {
	.disturb = nothing, .flags = VMLAB_REGION_TRACK_DIRTY
};

FIXTURE_VARIANT_ADD(races, punch) { .disturb = punch, .may_vanish = true };
FIXTURE_VARIANT_ADD(races, punch_strict) {
	.disturb = punch, .flags = VMLAB_REGION_STRICT, .may_vanish = true
};

FIXTURE_VARIANT_ADD(races, punch_parts) { .disturb = punch_parts };
FIXTURE_VARIANT_ADD(races, truncate) { .disturb = truncate_it, .may_vanish = true };
FIXTURE_VARIANT_ADD(races, remove) { .disturb = remove_it, .may_vanish = true };
FIXTURE_VARIANT_ADD(races, dontneed) { .disturb = dontneed };
FIXTURE_VARIANT_ADD(races, protect) { .disturb = protect };
FIXTURE_VARIANT_ADD(races, move) { .disturb = move };
FIXTURE_VARIANT_ADD(races, remap) { .disturb = remap };
FIXTURE_VARIANT_ADD(races, write_back) { .disturb = write_back, .file = true };
FIXTURE_VARIANT_ADD(races, write_by_call) { .disturb = write_by_call };

static int region_for(const FIXTURE_VARIANT(races) *variant, bool copied_at_forks)
{
	struct vmlab_configure config = { .flags = variant->flags, .size = LENGTH };

	if (copied_at_forks)
		config.flags |= VMLAB_REGION_COW_FORK;
	if (variant->file) {
		config.backing = VMLAB_BACKING_FILE;
		arena.backing = memfd_create("races", MFD_CLOEXEC);
		config.backing_fd = arena.backing;
		if (ftruncate(arena.backing, LENGTH))
			broken("ftruncate: %s\n", strerror(errno));
	}
	return region_new(&config);
}

/* Lets the threads loose. All words are 1 by then. */
static void begin(const FIXTURE_VARIANT(races) *variant, bool copied_at_forks)
{
	static char ones[LENGTH];

	arena = (struct arena){
		.backing = -1, .may_vanish = variant->may_vanish, .disturb = variant->disturb
	};
	arena.fd = region_for(variant, copied_at_forks);
	arena.file = region_fd(arena.fd, O_CLOEXEC);
	arena.p = mmap(HERE, LENGTH, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, arena.fd, 0);
	if (arena.file < 0 || arena.p == MAP_FAILED)
		broken("no region: %s\n", strerror(errno));
	for (unsigned long page = 0; page < PAGES; page++) {
		for (int i = 0; i < WRITERS; i++)
			*(__u64 *)(ones + page * PAGE + FIRST_WORD + i * 64UL) = 1;
	}
	if (pwrite(arena.fd, ones, LENGTH, 0) != (ssize_t)LENGTH)
		broken("pwrite: %s\n", strerror(errno));
	writers_start(arena.writers, &(struct writer){
		.where = &arena.p, .offset = FIRST_WORD, .number = 1,
		.may_vanish = variant->may_vanish });
	if (pthread_create(&arena.disturber, NULL, disturb_on, NULL))
		broken("pthread_create: %s\n", strerror(errno));
}

/* Are all threads content, and is nothing lost? */
static bool end(void)
{
	static char image[LENGTH];
	bool right;

	arena.stop = true;
	pthread_join(arena.disturber, NULL);
	right = writers_end(arena.writers);
	right &= pread(arena.fd, image, LENGTH, 0) == (ssize_t)LENGTH && is_of_one_moment(image) &&
		 !memcmp(image, arena.p, LENGTH);
	munmap(arena.p, LENGTH);
	close(arena.file);
	close(arena.fd);
	close(arena.backing);
	return right;
}

FIXTURE_SETUP(races)
{
	self->pages = pages_now();
	self->regions = module_features().regions;
}

FIXTURE_TEARDOWN(races)
{
	EXPECT_TRUE(EVENTUALLY(pages_now() == self->pages));
	EXPECT_TRUE(EVENTUALLY(module_features().regions == self->regions));
}

struct kept {
	int fd;
	char *p;
	char image[LENGTH];
};

/* What a region is cloned from may be shorter at that moment: the rest is zeroes. */
static bool make_long(int fd, char *p)
{
	__u64 size = region_stat(fd).size;

	return !ftruncate(fd, LENGTH) && all_zero(p + size, LENGTH - size);
}

static bool kept_make(struct kept *kept)
{
	kept->fd = clone_of(arena.fd);
	if (kept->fd < 0)
		return false;
	kept->p = map_shared(kept->fd, LENGTH);
	if (!make_long(kept->fd, kept->p))
		return false;
	memcpy(kept->image, kept->p, LENGTH);
	return is_of_one_moment(kept->image);
}

/* It has not changed since, and can be written to. */
static bool kept_end(struct kept *kept)
{
	bool right = !memcmp(kept->image, kept->p, LENGTH) &&
		     writers_work_on(kept->p, kept->image);

	munmap(kept->p, LENGTH);
	close(kept->fd);
	return right;
}

TEST_F(races, clones_stay_what_they_are)
{
	static struct kept kept[KEPT];
	unsigned long rounds = rounds_of(ROUNDS);
	bool right = true;

	begin(variant, false);
	for (unsigned long round = 0; right && round < rounds + KEPT; round++) {
		if (round >= KEPT)
			right = kept_end(&kept[round % KEPT]);
		if (right && round < rounds)
			right = kept_make(&kept[round % KEPT]);
	}
	EXPECT_TRUE(end());
	EXPECT_TRUE(right);
}

/* The second half of the mapping may be missing. */
static bool make_whole(int fd, char *p)
{
	const size_t half = PAGES / 2 * PAGE;

	return mmap(p + half, LENGTH - half, RW, MAP_SHARED | MAP_FIXED, fd, half) == p + half;
}

/* The mapping may have been on its way from one place to the other. */
static char *own_mapping(void)
{
	struct vmlab_region_fd at;
	char *p = NULL;
	int fd = -1;

	for (int i = 0; i < 2 && fd < 0; i++) {
		p = i ? THERE : HERE;
		mprotect(p, PAGE, RW);
		at = (struct vmlab_region_fd){ .address = (unsigned long)p };
		fd = ioctl(arena.fd, VMLAB_IOC_REGION_FD, &at);
	}
	if (fd < 0 || (arena.disturb == remap && !make_whole(fd, p)) ||
	    mprotect(p, LENGTH, RW) || !make_long(fd, p))
		return NULL;
	close(fd);
	return p;
}

static bool child_has_its_own(void)
{
	static char image[LENGTH];
	char *p = own_mapping();

	if (!p)
		return false;
	memcpy(image, p, LENGTH);
	return is_of_one_moment(image) && writers_work_on(p, image) && !munmap(p + PAGE, PAGE);
}

TEST_F(races, children_have_their_own)
{
	bool right = true;

	begin(variant, true);
	for (unsigned long round = rounds_of(ROUNDS); right && round; round--)
		right = IN_CHILD(child_has_its_own());
	EXPECT_TRUE(end());
	EXPECT_TRUE(right);
}

TEST_HARNESS_MAIN
