// SPDX-License-Identifier: GPL-2.0
/*
 * The story about copying on write: first with clones, then with a fork.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "demo.h"
#include "fail.h"
#include "json.h"
#include "term.h"

#define PAGES		64ULL

/* Pages that each side writes to: [FIRST, FIRST + WRITES); some are the same. */
#define REGION_FIRST	8
#define CLONE_FIRST	12
#define WRITES		8
#define WRITTEN		(CLONE_FIRST + WRITES - REGION_FIRST)

/**
 * struct cow - a region and its clone
 * @demo:	where it is told
 * @region:	the region
 * @memory:	its mapping
 * @clone:	the clone
 * @image:	its mapping
 */
struct cow {
	struct demo *demo;
	struct demo_side region;
	char *memory;
	struct demo_side clone;
	char *image;
};

static void write_pages(const struct cow *cow, char *memory, uint64_t first, uint64_t pages,
			char letter)
{
	volatile char *p = memory;

	for (uint64_t i = first; i < first + pages; i++)
		p[i * cow->demo->page] = letter;
}

/* How many of the pages begin with @letter. */
static uint64_t count_pages(const struct cow *cow, const char *memory, uint64_t first,
			    uint64_t pages, char letter)
{
	uint64_t right = 0;

	for (uint64_t i = first; i < first + pages; i++)
		right += memory[i * cow->demo->page] == letter;
	return right;
}

static int fill(struct cow *cow)
{
	const struct vmlab_configure configure = {
		.flags = VMLAB_REGION_COW_FORK,
		.size = PAGES * cow->demo->page,
	};
	struct tale *tale = &cow->demo->tale;
	struct vmlab_stat stat;

	tale_step(tale, "fill", "Fill a region",
		  "The program writes the letter \"a\" to each page of a region. This much memory it "
		  "takes; nobody else has these pages.");
	cow->region.region = demo_configured(O_RDWR, &configure);
	if (cow->region.region < 0 || demo_held(cow->region.region, &cow->demo->held))
		return -1;
	cow->memory = demo_mmap(cow->region.region, configure.size, PROT_READ | PROT_WRITE);
	if (!cow->memory)
		return -1;
	write_pages(cow, cow->memory, 0, PAGES, 'a');
	if (demo_stat(cow->region.region, &stat) ||
	    demo_tell_held(cow->demo, cow->region.region) ||
	    tale_picture(tale, "region", cow->region.region, configure.size, true))
		return -1;
	tale_check(tale, stat.resident == PAGES && !stat.cow_copies, "each page is there");
	return 0;
}

static int look_at_both(struct cow *cow)
{
	if (demo_tell_held(cow->demo, cow->region.region) ||
	    demo_look(cow->demo, &cow->region, "region", PAGES))
		return -1;
	return demo_look(cow->demo, &cow->clone, "clone", PAGES);
}

/* Both sides say that so many of their pages are shared. */
static bool both_share(const struct cow *cow, uint64_t pages)
{
	return cow->region.shared == pages && cow->clone.shared == pages;
}

static int clone(struct cow *cow)
{
	struct tale *tale = &cow->demo->tale;
	double start;

	tale_step(tale, "clone", "Clone it",
		  "A clone is a second region with the same contents, as if all pages had been copied. "
		  "But none is: as long as nobody writes, one page can serve both. The module takes the "
		  "right to write out of the page tables, so that it hears of the next write.");
	start = clock_seconds();
	cow->clone.region = vmlab_clone(cow->region.region, O_CLOEXEC);
	if (cow->clone.region < 0)
		return fail_op(VMLAB_OP_CLONE, cow->clone.region);
	tale_seconds(tale, "seconds", "time", clock_seconds() - start);
	cow->image = demo_mmap(cow->clone.region, PAGES * cow->demo->page, PROT_READ | PROT_WRITE);
	if (!cow->image || look_at_both(cow))
		return -1;
	tale_check(tale, both_share(cow, PAGES), "they have every page in common");
	tale_check(tale, !cow->region.stat.cow_copies && !cow->clone.stat.cow_copies,
		   "none was copied");
	tale_check(tale, count_pages(cow, cow->image, 0, PAGES, 'a') == PAGES,
		   "the clone reads as the region did");
	return 0;
}

/* All pages are as they were, except those that were written to on this side. */
static bool only_written(const struct cow *cow, const char *memory, uint64_t first, char letter)
{
	return count_pages(cow, memory, first, WRITES, letter) == WRITES &&
	       count_pages(cow, memory, 0, PAGES, 'a') == PAGES - WRITES;
}

static int write_both(struct cow *cow)
{
	struct tale *tale = &cow->demo->tale;

	tale_step(tale, "write", "Write on both sides",
		  "The program writes \"A\" to pages 8 to 15 of the region, and then \"B\" to pages 12 to "
		  "19 of the clone. The first write to a shared page is a page fault: the module copies "
		  "the page for the writer, and the other side keeps the old one, alone. So who writes "
		  "second, here to pages 12 to 15, needs no copy.");
	write_pages(cow, cow->memory, REGION_FIRST, WRITES, 'A');
	write_pages(cow, cow->image, CLONE_FIRST, WRITES, 'B');
	if (look_at_both(cow))
		return -1;
	tale_count(tale, "region_copies", "copied for the region", cow->region.stat.cow_copies);
	tale_count(tale, "clone_copies", "copied for the clone", cow->clone.stat.cow_copies);
	tale_check(tale, both_share(cow, PAGES - WRITTEN), "only what was written to is apart");
	tale_check(tale, cow->region.stat.cow_copies + cow->clone.stat.cow_copies == WRITTEN,
		   "12 pages were written to, by one or both: 12 copies");
	tale_check(tale, only_written(cow, cow->memory, REGION_FIRST, 'A'),
		   "the region has what was written to it, and nothing else changed");
	tale_check(tale, only_written(cow, cow->image, CLONE_FIRST, 'B'), "and so has the clone");
	return 0;
}

static void drop_clone(struct cow *cow)
{
	if (cow->image)
		munmap(cow->image, PAGES * cow->demo->page);
	if (cow->clone.region >= 0)
		close(cow->clone.region);
	cow->image = NULL;
	cow->clone.region = -1;
}

static int end_clone(struct cow *cow)
{
	struct tale *tale = &cow->demo->tale;

	tale_step(tale, "drop", "Drop the clone",
		  "Its own pages go with it. The others are the region's alone again.");
	drop_clone(cow);
	if (demo_tell_held(cow->demo, cow->region.region) ||
	    demo_look(cow->demo, &cow->region, "region", PAGES))
		return -1;
	tale_check(tale, cow->region.stat.resident == PAGES && !cow->region.shared,
		   "nothing is shared any more");
	tale_check(tale, only_written(cow, cow->memory, REGION_FIRST, 'A'),
		   "the region's contents stay");
	return 0;
}

static int tell_clones(struct cow *cow)
{
	if (fill(cow) || clone(cow) || write_both(cow) || end_clone(cow))
		return -1;
	return 0;
}

int demo_cow(struct demo *demo)
{
	struct cow cow = {
		.demo = demo,
		.region = { .title = "the region", .region = -1 },
		.clone = { .title = "its clone", .region = -1 },
	};
	int ret;

	tale_print(&demo->tale, "%svmlab demo cow%s: copied when written to, and not before\n",
		   term_colour(TERM_BOLD), term_colour(TERM_PLAIN));
	tale_add(&demo->tale, "page_size", json_object_new_uint64(demo->page));
	ret = tell_clones(&cow);
	if (!ret)
		ret = demo_fork(demo, cow.region.region, cow.memory, PAGES);
	drop_clone(&cow);
	if (cow.memory)
		munmap(cow.memory, PAGES * demo->page);
	if (cow.region.region >= 0)
		close(cow.region.region);
	return ret;
}
