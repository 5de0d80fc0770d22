// SPDX-License-Identifier: GPL-2.0
/*
 * The demo's step about memory that is much larger than the machine's.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "demo.h"
#include "fail.h"

#define SIZE		(1ULL << 40)
#define TOUCHES		100

/* The same sequence on each run, so that the picture can be talked about. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Writes one byte to each of TOUCHES pages; returns how many it then finds right. */
static int touch_pages(char *memory, uint64_t page)
{
	uint64_t offsets[TOUCHES], state = 88172645463325252ULL;
	int right = 0;

	for (int i = 0; i < TOUCHES; i++) {
		offsets[i] = next_random(&state) % (SIZE / page) * page;
		memory[offsets[i]] = (char)(i + 1);
	}
	for (int i = 0; i < TOUCHES; i++) {
		const char *p = memory + offsets[i];

		/* The page's other bytes: all like the second, and that is zero. */
		right += p[0] == (char)(i + 1) && !p[1] && !memcmp(p + 1, p + 2, page - 2);
	}
	return right;
}

/* Reads where no touch was: the region's last page. */
static int tell_hole(struct tale *tale, int region, uint64_t page)
{
	struct vmlab_stat stat;
	char byte = 1;

	if (pread(region, &byte, 1, (off_t)(SIZE - page)) != 1)
		return fail_op(VMLAB_OP_READ, errno);
	if (demo_stat(region, &stat))
		return -1;
	tale_check(tale, !byte && stat.resident == TOUCHES,
		   "read() of an untouched page gave zeroes and brought none");
	return 0;
}

static int tell(struct demo *demo, int region, char *memory)
{
	struct tale *tale = &demo->tale;
	struct vmlab_stat stat;
	double start, seconds;
	int right;

	if (demo_stat(region, &stat))
		return -1;
	tale_bytes(tale, "size_bytes", "addresses", SIZE);
	tale_check(tale, !stat.resident, "1 TiB was mapped without any memory");

	start = clock_seconds();
	right = touch_pages(memory, demo->page);
	seconds = clock_seconds() - start;
	if (demo_stat(region, &stat))
		return -1;

	tale_count(tale, "touched_pages", "pages touched", TOUCHES);
	tale_count(tale, "resident_pages", "pages in memory", stat.resident);
	tale_count(tale, "faults", "page faults", stat.faults);
	tale_bytes(tale, "resident_bytes", "memory used", stat.resident * demo->page);
	tale_seconds(tale, "seconds", "time", seconds);
	if (tale_picture(tale, "extents", region, SIZE, true))
		return -1;
	tale_check(tale, stat.resident == TOUCHES, "100 touches brought exactly 100 pages");
	tale_check(tale, right == TOUCHES, "each was zero but for the byte that was written");
	return tell_hole(tale, region, demo->page);
}

int demo_zero(struct demo *demo)
{
	char *memory;
	int region, ret = -1;

	tale_step(&demo->tale, "zero", "Map 1 TiB and touch 100 pages of it",
		  "Addresses cost nothing, only pages do. So a program may map far more than the machine "
		  "has, and use it anywhere: each page appears, filled with zeroes, when it is touched.");

	region = demo_region(O_RDWR, -1, SIZE);
	if (region < 0)
		return -1;
	memory = demo_mmap(region, SIZE, PROT_READ | PROT_WRITE);
	if (memory) {
		ret = tell(demo, region, memory);
		munmap(memory, SIZE);
	}
	close(region);
	return ret;
}
