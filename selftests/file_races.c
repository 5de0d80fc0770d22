// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that race for files: for the names and pages of a mount, and for the size of a file
 * that a region is of.
 */
#include "cow_test.h"
#include "fs_test.h"
#include "scratch_test.h"

#include <sys/xattr.h>

/* Threads that make, fill, move and remove files with a few names between them. */
#define NAMES 5

static void *stir(void *arg)
{
	unsigned int seed = (unsigned long)arg;
	static const char *const names[NAMES] = { "a", "b", "d/a", "d/b", "d/c" };

	for (unsigned long i = rounds_of(2000); i; i--) {
		const char *one = names[rand_r(&seed) % NAMES];
		const char *two = names[rand_r(&seed) % NAMES];
		int fd;

		switch (rand_r(&seed) % 6) {
		case 0:
			unlink(one);
			break;
		case 1:
			rename_flags(one, two, rand_r(&seed) % 3);
			break;
		case 2:
			link(one, two);
			break;
		case 3:
			truncate(one, rand_r(&seed) % (20 * PAGE));
			break;
		default:
			fd = file(one);
			pwrite(fd, names, sizeof(names), rand_r(&seed) % (20 * PAGE));
			fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  rand_r(&seed) % (20 * PAGE), PAGE);
			close(fd);
		}
	}
	return NULL;
}

TEST_F(mount, figures_are_right_after_races)
{
	pthread_t threads[4];

	ASSERT_EQ(0, mkdir("d", 0755));
	for (unsigned long i = 0; i < 4; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, stir, (void *)(i + 1)));
	}
	for (unsigned long i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, run("rm -rf a b d"));
	EXPECT_EQ(0, pages_used());
	EXPECT_EQ(1, inodes_used());
}

struct attribute_race {
	const char *path;
	bool stop;
};

static void *replace_attribute(void *arg)
{
	struct attribute_race *race = arg;
	char value = 0;

	while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
		if (setxattr(race->path, "trusted.a", &value, 1, 0))
			return arg;
		value++;
	}
	return NULL;
}

/* Who lists the names sees each once, whether it has its old value or the new one. */
TEST_F(mount, names_of_attributes_while_they_change)
{
	struct attribute_race race = { .path = "a" };
	pthread_t thread;
	char names[32];
	void *failed;

	close(file("a"));
	ASSERT_EQ(0, setxattr("a", "trusted.a", "", 0, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, replace_attribute, &race));
	for (unsigned long i = rounds_of(20000); i; i--)
		ASSERT_EQ(10, listxattr("a", names, sizeof(names)));
	__atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
}

struct touch {
	char *mem;
	int go;
	unsigned int delay;
};

static void *touch_when_told(void *arg)
{
	struct touch *touch = arg;

	while (!__atomic_load_n(&touch->go, __ATOMIC_ACQUIRE))
		;
	for (volatile unsigned int i = 0; i < touch->delay; i++)
		;
	return (void *)(long)((volatile char *)touch->mem)[0];
}

/* A clone has what the file has, up to where it once ended: nothing beyond that may come back. */
TEST(what_a_clone_was_cut_off_stays_away)
{
	int source = memfd_create("file", MFD_CLOEXEC), region;

	ASSERT_TRUE(writes_filled(source, 0, PAGE, 1));
	region = region_file(source, 0, 0);
	ASSERT_GE(region, 0);
	for (unsigned int i = 0; i < rounds_of(600); i++) {
		int other = clone_of(region);
		struct touch touch = { .mem = map_shared(other, PAGE), .delay = i * 7 % 2000 };
		pthread_t thread;

		ASSERT_EQ(0, pthread_create(&thread, NULL, touch_when_told, &touch));
		__atomic_store_n(&touch.go, 1, __ATOMIC_RELEASE);
		ASSERT_EQ(0, ftruncate(other, 100));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(0, ftruncate(other, PAGE));
		ASSERT_TRUE(reads_zero(other, 100, PAGE - 100));
		munmap(touch.mem, PAGE);
		close(other);
	}
	close(region);
	close(source);
}

struct truncations {
	int file;
	bool stop;
};

static void *grow_and_shrink(void *arg)
{
	struct truncations *t = arg;

	for (size_t i = 0; !__atomic_load_n(&t->stop, __ATOMIC_RELAXED); i++) {
		if (ftruncate(t->file, i % 5 * 3 * PAGE + 100))
			return arg;
	}
	return NULL;
}

/* A region stayed longer than its file, or write-back made the file longer again. */
TEST(sizes_agree_after_a_race)
{
	struct truncations t = { 0 };
	struct scratch scratch;
	const char *reason = scratch_make(&scratch, "tmpfs", 16 * MIB);
	pthread_t thread;
	void *failed;
	int region;
	char *p;

	if (reason)
		SKIP(return, "%s", reason);
	t.file = scratch_file(&scratch, "file", 100, 1);
	region = region_file(t.file, 0, 0);
	p = map_shared(region, 16 * PAGE);
	for (int round = 0; round < 20; round++) {
		t.stop = false;
		ASSERT_EQ(0, pthread_create(&thread, NULL, grow_and_shrink, &t));
		for (int i = 0; i < 200; i++) {
			trap_write(p + i % 16 * PAGE + 50, i);
			if (i % 20 == 0)
				fsync(region);
		}
		__atomic_store_n(&t.stop, true, __ATOMIC_RELAXED);
		ASSERT_EQ(0, pthread_join(thread, &failed));
		ASSERT_EQ(NULL, failed);
		ASSERT_EQ(0, ftruncate(t.file, 200));
		fsync(region);
		ASSERT_EQ(200, lseek(t.file, 0, SEEK_END));
		ASSERT_TRUE(EVENTUALLY(region_stat(region).size == 200));
		ASSERT_EQ(SIGBUS, trap_read(p + PAGE));
	}
	munmap(p, 16 * PAGE);
	close(region);
	close(t.file);
	scratch_remove(&scratch);
}

TEST_HARNESS_MAIN
