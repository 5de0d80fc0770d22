// SPDX-License-Identifier: GPL-2.0
/*
 * The demo's step about writing: on a temporary copy of the user's file.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "demo.h"
#include "fail.h"
#include "number.h"

#define DELAY_FILE	"/sys/module/vmlab/parameters/writeback_secs"
#define DELAY_DEFAULT	5

/* A longer delay is not waited for, and the worker may come this much late. */
#define DELAY_MOST	6
#define LATE_MOST	3

#define CHANGES		1000

static char copy_path[PATH_MAX];

void demo_remove_copy(void)
{
	if (copy_path[0])
		unlink(copy_path);
	copy_path[0] = 0;
}

/* Returns a descriptor, or -1 after a sentence. */
static int make_copy(struct demo *demo)
{
	const char *dir = getenv("TMPDIR");
	off_t from = 0;
	int fd;

	snprintf(copy_path, sizeof(copy_path), "%s/vmlab-demo.XXXXXX", dir && *dir ? dir : "/tmp");
	fd = mkostemp(copy_path, O_CLOEXEC);
	if (fd < 0) {
		fail_errno(errno, "%s cannot be made: name another directory with TMPDIR",
			   copy_path);
		copy_path[0] = 0;
		return -1;
	}
	while ((uint64_t)from < demo->size) {
		ssize_t done = sendfile(fd, demo->file, &from, demo->size - (uint64_t)from);

		if (done > 0)
			continue;
		fail_errno(done ? errno : EIO, "%s cannot be filled: name another directory with TMPDIR",
			   copy_path);
		close(fd);
		return -1;
	}
	return fd;
}

static uint64_t delay(void)
{
	FILE *file = fopen(DELAY_FILE, "re");
	char line[32] = "";
	uint64_t seconds;

	if (!file)
		return DELAY_DEFAULT;
	if (fgets(line, sizeof(line), file))
		line[strcspn(line, "\n")] = 0;
	fclose(file);
	return number_u64(line, &seconds) ? seconds : DELAY_DEFAULT;
}

/* One byte is changed again and again; the last change makes it differ. */
static void change(char *memory, char old)
{
	volatile char *p = memory;

	for (int i = 0; i < CHANGES; i++)
		*p = (char)(old + 1 + i % 2);
	*p = (char)(old + 1);
}

static bool file_has(int copy, char byte)
{
	char now;

	return pread(copy, &now, 1, 0) == 1 && now == byte;
}

/* Waits until the file has the change. Seconds since @start, or -1: it never came. */
static double wait_for_file(const struct demo *demo, int copy, char byte, double start, double most)
{
	static const struct timespec nap = { .tv_nsec = 100000000 };
	int next = 1;
	double now;

	while (!file_has(copy, byte)) {
		now = clock_seconds() - start;
		if (now > most)
			return -1;
		if (now >= next) {
			tale_print(&demo->tale, "   %6.1f s  the file still has the old byte\n",
				   now);
			next++;
		}
		nanosleep(&nap, NULL);
	}
	now = clock_seconds() - start;
	tale_print(&demo->tale, "   %6.1f s  the file has the new byte\n", now);
	return now;
}

/* The figures when the write has ended: the file has the byte a moment before that. */
static int stat_written(int region, struct vmlab_stat *stat)
{
	static const struct timespec nap = { .tv_nsec = 10000000 };
	unsigned int naps;

	for (naps = 0; naps < 200; naps++) {
		int ret = demo_stat(region, stat);

		if (ret || (!stat->dirty && stat->written_back))
			return ret;
		nanosleep(&nap, NULL);
	}
	return 0;
}

static int tell_arrival(struct demo *demo, int region, int copy, char byte, double start)
{
	struct tale *tale = &demo->tale;
	struct vmlab_stat stat;
	uint64_t seconds = delay();
	bool wait = seconds <= DELAY_MOST;
	double arrived, most = wait ? (double)(seconds + LATE_MOST) : LATE_MOST;

	if (!wait) {
		tale_say(tale, "The module would wait %" PRIu64 " s (writeback_secs). fsync() does not wait:",
			 seconds);
		if (fsync(region))
			return fail_op(VMLAB_OP_SYNC, errno);
	}
	tale_print(tale, "\n");
	arrived = wait_for_file(demo, copy, byte, start, most);
	tale_print(tale, "\n");
	if (stat_written(region, &stat))
		return -1;
	tale_seconds(tale, "arrived_seconds", "reached the file after", arrived);
	tale_count(tale, "dirty_pages_after", "dirty pages now", stat.dirty);
	tale_count(tale, "written_back_pages", "pages written", stat.written_back);
	tale_check(tale, arrived >= 0,
		   wait ? "the change reached the file by itself" :
			  "fsync() brought the change to the file");
	tale_check(tale, !stat.dirty && stat.written_back, "the page is clean again");
	return 0;
}

static int tell(struct demo *demo, int region, int copy, char *memory)
{
	struct tale *tale = &demo->tale;
	struct vmlab_stat stat;
	char old = memory[0];
	double start = clock_seconds();
	bool lazy;

	change(memory, old);
	lazy = file_has(copy, old);
	if (demo_stat(region, &stat))
		return -1;

	tale_count(tale, "changes", "writes to p[0]", CHANGES + 1);
	tale_count(tale, "dirty_pages", "dirty pages", stat.dirty);
	tale_count(tale, "write_notify", "first writes noticed", stat.write_notify);
	if (tale_picture(tale, "extents", region, demo->pages * demo->page, false))
		return -1;
	if (delay())
		tale_check(tale, lazy && stat.dirty == 1, "the memory has the change, the file does not yet");
	return tell_arrival(demo, region, copy, (char)(old + 1), start);
}

int demo_writeback(struct demo *demo)
{
	char *memory = NULL;
	int copy, region, ret = -1;

	tale_step(&demo->tale, "writeback", "Write a change back, but not at once",
		  "Writing to memory marks the page dirty, and the file stays as it is for some seconds: if "
		  "the program changes the page again, or deletes the file, the earlier write was not "
		  "needed.");

	copy = make_copy(demo);
	if (copy < 0)
		return -1;
	tale_say(&demo->tale, "Your file is left alone: this is a copy, %s.", copy_path);
	tale_print(&demo->tale, "\n");

	region = demo_region(O_RDWR, copy, demo->pages * demo->page);
	if (region >= 0)
		memory = demo_mmap(region, demo->size, PROT_READ | PROT_WRITE);
	if (memory) {
		ret = tell(demo, region, copy, memory);
		munmap(memory, demo->size);
	}
	demo_remove_copy();
	if (region >= 0)
		close(region);
	close(copy);
	return ret;
}
