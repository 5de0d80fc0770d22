// SPDX-License-Identifier: GPL-2.0
/*
 * The story about a budget: a program of four times as much memory as it may have.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "demo.h"
#include "fail.h"
#include "json.h"
#include "pass.h"
#include "term.h"

/* Pages in memory at most, those that the program has, and those of its region. */
#define BUDGET		96ULL
#define PAGES		(4 * BUDGET)
#define SIZE		(PAGES + 64)

/* The first pages are used again after each few of the others. */
#define HOT		24ULL
#define COLD_STEP	8ULL

/* Pages of the clone that are written to, from the first on. */
#define WRITES		8ULL

/**
 * struct swap - the region with a budget
 * @demo:	where it is told
 * @region:	it
 * @memory:	its mapping
 * @clone:	its clone
 * @pool:	the figures of their pool, when look() was called
 * @reader:	a process that reads all the while
 */
struct swap {
	struct demo *demo;
	struct demo_side region;
	char *memory;
	struct demo_side clone;
	struct vmlab_pool_stat pool;
	struct demo_child reader;
};

/* What page @i holds: its number, in words, over and over. */
static void write_page(const struct swap *swap, char *memory, uint64_t i, char letter)
{
	char *page = memory + i * swap->demo->page;
	size_t room = swap->demo->page, at = 0;

	while (at < room)
		at += (size_t)snprintf(page + at, room - at, "%c: this is page %llu of the program. ",
				       letter, (unsigned long long)i);
}

static bool page_is_right(const struct swap *swap, const char *memory, uint64_t i, char letter)
{
	const char *page = memory + i * swap->demo->page;
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "%c: this is page %llu of the program. ", letter,
		 (unsigned long long)i);
	return !strncmp(page, wanted, strlen(wanted)) &&
	       !memcmp(page, page + strlen(wanted), swap->demo->page - strlen(wanted) - 1);
}

/* Reads pages; how many are not as they were written. */
static uint64_t count_wrong(const struct swap *swap, const char *memory, uint64_t first,
			    uint64_t end, char letter)
{
	uint64_t wrong = 0;

	for (uint64_t i = first; i < end; i++)
		wrong += !page_is_right(swap, memory, i, letter);
	return wrong;
}

static int set_pool(const struct swap *swap, const struct vmlab_pool_set *set)
{
	int ret = vmlab_pool_set(swap->region.region, set);

	return ret ? fail_op(VMLAB_OP_POOL_SET, ret) : 0;
}

/* @pages 0: without a budget. */
static int set_budget(const struct swap *swap, uint64_t pages)
{
	const struct vmlab_pool_set set = {
		.what = VMLAB_POOL_BUDGET,
		.budget = pages ? pages * swap->demo->page : VMLAB_POOL_UNLIMITED_BUDGET,
	};

	return set_pool(swap, &set);
}

static int set_policy(const struct swap *swap, const char *name)
{
	struct vmlab_pool_set set = { .what = VMLAB_POOL_POLICY };

	snprintf((char *)set.policy, sizeof(set.policy), "%s", name);
	return set_pool(swap, &set);
}

/* Reads the figures of the region and of the pool. */
static int look(struct swap *swap)
{
	int ret = vmlab_pool_stat(swap->region.region, &swap->pool);

	if (ret)
		return fail_op(VMLAB_OP_POOL_STAT, ret);
	return demo_stat(swap->region.region, &swap->region.stat);
}

static void tell_pages(const struct swap *swap)
{
	struct tale *tale = &swap->demo->tale;

	tale_count(tale, "resident_pages", "pages in memory", swap->pool.resident);
	tale_count(tale, "stored_pages", "pages in the store", swap->pool.stored);
}

static int begin(struct swap *swap)
{
	const struct vmlab_configure configure = { .size = SIZE * swap->demo->page };
	struct tale *tale = &swap->demo->tale;
	char policy[VMLAB_POOL_NAME];

	tale_step(tale, "budget", "Set a budget",
		  "A region and its clones are a pool, and a pool may have a budget: so much of it may be in "
		  "memory at a time. What is more goes to a store, which is memory too, but compressed. A policy "
		  "chooses what goes, here \"lru\": the page that was not used for the longest time.");
	swap->region.region = demo_configured(O_RDWR, &configure);
	if (swap->region.region < 0)
		return -1;
	swap->memory = demo_mmap(swap->region.region, configure.size, PROT_READ | PROT_WRITE);
	if (!swap->memory || set_policy(swap, "lru") || set_budget(swap, BUDGET) || look(swap))
		return -1;
	memcpy(policy, swap->pool.policy, sizeof(policy));
	tale_bytes(tale, "program_bytes", "the program will need", PAGES * swap->demo->page);
	tale_bytes(tale, "budget_bytes", "its budget", swap->pool.budget);
	tale_check(tale, swap->pool.budget == BUDGET * swap->demo->page && !strcmp(policy, "lru"),
		   "the pool has the budget and the policy");
	return 0;
}

static int fill(struct swap *swap)
{
	struct tale *tale = &swap->demo->tale;

	tale_step(tale, "fill", "Write four times as much",
		  "The program writes a sentence over and over to each of 384 pages. Soon 96 are in memory, and "
		  "from then on one has to leave for each that comes: it is taken out of the page tables, "
		  "compressed and put into the store, and its memory serves the next. The last 64 pages of "
		  "the region are never touched.");
	for (uint64_t i = 0; i < PAGES; i++)
		write_page(swap, swap->memory, i, 'a');
	if (look(swap))
		return -1;
	tell_pages(swap);
	tale_bytes(tale, "stored_bytes", "of the program", swap->pool.stored * swap->demo->page);
	tale_bytes(tale, "store_bytes", "the store takes", swap->pool.stored_bytes);
	tale_count(tale, "evicted", "evicted", swap->pool.evicted);
	if (tale_picture(tale, "extents", swap->region.region, SIZE * swap->demo->page, true))
		return -1;
	tale_check(tale, swap->pool.resident <= BUDGET, "no more is in memory than the budget allows");
	tale_check(tale, swap->pool.resident + swap->pool.stored == PAGES,
		   "each page is in memory or in the store");
	tale_check(tale, swap->pool.stored_bytes < swap->pool.stored * swap->demo->page,
		   "the store takes less than the pages did");
	return 0;
}

static int read_back(struct swap *swap)
{
	struct tale *tale = &swap->demo->tale;
	uint64_t before = swap->region.stat.swapped_in, wrong;
	double start = clock_seconds();

	tale_step(tale, "read", "Read it all",
		  "The program knows nothing of all this. It reads its pages from the first to the last: a "
		  "touch of one that is in the store is a page fault, the module brings the page back, and "
		  "another one leaves.");
	wrong = count_wrong(swap, swap->memory, 0, PAGES, 'a');
	tale_seconds(tale, "seconds", "time", clock_seconds() - start);
	if (look(swap))
		return -1;
	tale_count(tale, "swapped_in", "pages brought back", swap->region.stat.swapped_in - before);
	tell_pages(swap);
	tale_check(tale, !wrong, "each page had what was written to it");
	tale_check(tale, swap->region.stat.swapped_in - before >= PAGES - BUDGET,
		   "what was in the store was brought back");
	tale_check(tale, swap->pool.resident <= BUDGET, "and still the budget holds");
	return 0;
}

/* Reads the hot set. How many of its pages had to be brought back for that, or -1. */
static int read_hot(struct swap *swap, uint64_t *wrong)
{
	uint64_t before;

	if (look(swap))
		return -1;
	before = swap->region.stat.swapped_in;
	*wrong += count_wrong(swap, swap->memory, 0, HOT, 'a');
	if (look(swap))
		return -1;
	return (int)(swap->region.stat.swapped_in - before);
}

/*
 * A processor leaves its mark when it looks into a page table, and not as long as it still
 * knows what it found there. Most programs use too much memory for that to last; this one is
 * so small that it has to be made to forget: unmapping more than 33 pages does that on x86.
 */
static int forget_translations(const struct swap *swap)
{
	size_t size = 64 * swap->demo->page;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		return fail_op(VMLAB_OP_MMAP, errno);
	return munmap(memory, size);
}

/* Reads all others once, and the hot set after each few of them. How often one was missed. */
static int scan(struct swap *swap, uint64_t *wrong)
{
	int missed = 0;

	for (uint64_t i = HOT; i < PAGES; i += COLD_STEP) {
		int found;

		*wrong += count_wrong(swap, swap->memory, i, i + COLD_STEP, 'a');
		found = forget_translations(swap) ? -1 : read_hot(swap, wrong);
		if (found < 0)
			return -1;
		missed += found;
	}
	return missed;
}

/* Two rounds: in the first the policy gets to know the pages, the second counts. */
static int try_policy(struct swap *swap, const char *name, const char *label, uint64_t *wrong)
{
	char key[32];
	int missed;

	if (set_policy(swap, name) || scan(swap, wrong) < 0)
		return -1;
	missed = scan(swap, wrong);
	if (missed < 0)
		return -1;
	snprintf(key, sizeof(key), "%s_missed", name);
	tale_count(&swap->demo->tale, key, label, (uint64_t)missed);
	return missed;
}

static int compare_policies(struct swap *swap)
{
	struct tale *tale = &swap->demo->tale;
	uint64_t wrong = 0;
	int fifo, s3fifo;

	tale_step(tale, "policy", "Let another policy choose",
		  "Programs use some pages again and again, and others once in a while. This one reads pages "
		  "24 to 383, and after each 8 of them pages 0 to 23. \"fifo\" has the page go that came "
		  "first, however often it is used. \"lru\" goes by the marks that the processor leaves in "
		  "page tables, as far as the kernel lets the module see them. \"s3fifo\" knows pages again "
		  "that left: who is back soon stays, and who comes once in a while goes first.");
	tale_count(tale, "reads", "reads of pages 0 to 23", HOT * (PAGES - HOT) / COLD_STEP);
	fifo = try_policy(swap, "fifo", "missed under fifo", &wrong);
	if (fifo < 0 || try_policy(swap, "lru", "missed under lru", &wrong) < 0)
		return -1;
	s3fifo = try_policy(swap, "s3fifo", "missed under s3fifo", &wrong);
	if (s3fifo < 0 ||
	    tale_picture(tale, "extents", swap->region.region, SIZE * swap->demo->page, false))
		return -1;
	tale_check(tale, fifo >= (int)HOT, "under fifo each of them was missed at some time");
	tale_check(tale, 4 * s3fifo <= fifo, "under s3fifo four times less often, or less");
	tale_check(tale, !wrong, "and whoever chooses, the program reads what it wrote");
	return 0;
}

/*
 * Another process: it reads all pages over and over. Asked, it does so once more from the
 * beginning, and answers how many were wrong so far. It ends when it is not asked any more.
 */
static void be_reader(int socket, void *arg)
{
	struct pollfd asked = { .fd = socket, .events = POLLIN };
	const struct swap *swap = arg;
	uint64_t wrong = 0, number;

	for (;;) {
		wrong += count_wrong(swap, swap->memory, 0, PAGES, 'a');
		if (poll(&asked, 1, 0) <= 0)
			continue;
		if (pass_receive(socket, &number, NULL))
			return;
		wrong += count_wrong(swap, swap->memory, 0, PAGES, 'a');
		if (pass_send(socket, wrong, -1))
			return;
	}
}

/*
 * Sets a budget, tells what is in memory at once, and after all was read once more. Returns
 * whether neither is more than the budget, and nothing was read wrong; or -1.
 */
static int try_budget(struct swap *swap, const char *key, const char *label, uint64_t pages)
{
	struct tale *tale = &swap->demo->tale;
	struct json_object *object = json_object_new_object();
	uint64_t at_once, wrong;

	tale_add(tale, key, object);
	if (set_budget(swap, pages) || look(swap))
		return -1;
	at_once = swap->pool.resident;
	if (demo_ask(&swap->reader, 0, &wrong) || look(swap))
		return -1;
	json_add_u64(object, "resident_pages_at_once", at_once);
	json_add_u64(object, "resident_pages", swap->pool.resident);
	json_add_u64(object, "stored_pages", swap->pool.stored);
	tale_print(tale, "   %-20s %10llu %14llu %10llu\n", label, (unsigned long long)at_once,
		   (unsigned long long)swap->pool.resident, (unsigned long long)swap->pool.stored);
	if (!pages)
		pages = PAGES;
	return at_once <= pages && swap->pool.resident <= pages && !wrong;
}

static int tell_budgets(struct swap *swap)
{
	struct tale *tale = &swap->demo->tale;
	int twice, half, none;
	bool all_back;

	tale_print(tale, "   %-20s %10s %14s %10s\n", "budget in pages", "at once", "a moment later",
		   "stored");
	twice = try_budget(swap, "twice", "192, twice as much", 2 * BUDGET);
	half = twice < 0 ? -1 : try_budget(swap, "half", "48, half as much", BUDGET / 2);
	none = half < 0 ? -1 : try_budget(swap, "none", "none", 0);
	if (none < 0)
		return -1;
	all_back = !swap->pool.stored;
	tale_check(tale, twice && half && none,
		   "each holds at once, and the other process read what was written");
	tale_check(tale, all_back, "without a budget all of it came back");
	return set_budget(swap, BUDGET);
}

static int move_budget(struct swap *swap)
{
	struct tale *tale = &swap->demo->tale;
	int ret;

	tale_step(tale, "resize", "Change the budget while a program runs",
		  "Another process has the region mapped, too, and reads all of its pages over and over. "
		  "Meanwhile the budget is raised and lowered. When it is lowered, pages leave before the call "
		  "returns.");
	if (demo_start(&swap->reader, be_reader, swap))
		return -1;
	ret = tell_budgets(swap);
	demo_end(&swap->reader);
	return ret;
}

static void drop_clone(struct swap *swap, char *image)
{
	if (image)
		munmap(image, SIZE * swap->demo->page);
	close(swap->clone.region);
}

static int write_clone(struct swap *swap, char *image)
{
	struct tale *tale = &swap->demo->tale;
	uint64_t pages = swap->pool.resident + swap->pool.stored, wrong;

	/* Backwards: more may be copied at a time for who goes forward. */
	for (uint64_t i = WRITES; i--;)
		write_page(swap, image, i, 'B');
	wrong = count_wrong(swap, image, 0, WRITES, 'B') +
		count_wrong(swap, image, WRITES, PAGES, 'a') +
		count_wrong(swap, swap->memory, 0, PAGES, 'a');
	if (look(swap) || demo_look(swap->demo, &swap->region, "region", SIZE) ||
	    demo_look(swap->demo, &swap->clone, "clone", SIZE))
		return -1;
	tale_count(tale, "pages", "pages of both, together",
		   swap->pool.resident + swap->pool.stored);
	tale_check(tale, pages == PAGES, "the clone took no page, in memory or in the store");
	tale_check(tale, !wrong, "each side reads what it wrote, and the rest as it was");
	tale_check(tale, swap->pool.resident + swap->pool.stored == PAGES + WRITES,
		   "8 pages were written to in the clone: both together have 8 more");
	tale_check(tale, swap->pool.resident <= BUDGET, "both together keep to the budget");
	return 0;
}

static int clone(struct swap *swap)
{
	struct tale *tale = &swap->demo->tale;
	double start;
	char *image;
	int ret = -1;

	tale_step(tale, "clone", "Clone it while most of it is stored",
		  "A clone has the same pages, wherever they are, and the store keeps each once for both. "
		  "Nothing has to be brought back for that. The clone is of the same pool: the budget is for "
		  "both. Then the program writes to 8 pages of the clone, and reads all of both.");
	if (look(swap))
		return -1;
	start = clock_seconds();
	swap->clone.region = vmlab_clone(swap->region.region, O_CLOEXEC);
	if (swap->clone.region < 0)
		return fail_op(VMLAB_OP_CLONE, swap->clone.region);
	tale_seconds(tale, "seconds", "time", clock_seconds() - start);
	tale_count(tale, "stored_before", "stored at that moment", swap->pool.stored);
	image = demo_mmap(swap->clone.region, SIZE * swap->demo->page, PROT_READ | PROT_WRITE);
	if (image && !look(swap))
		ret = write_clone(swap, image);
	drop_clone(swap, image);
	return ret;
}

static int tell(struct swap *swap)
{
	if (begin(swap) || fill(swap) || read_back(swap) || compare_policies(swap) ||
	    move_budget(swap) || clone(swap))
		return -1;
	return 0;
}

int demo_swap(struct demo *demo)
{
	struct swap swap = {
		.demo = demo,
		.region = { .title = "the region", .region = -1 },
		.clone = { .title = "its clone", .region = -1 },
	};
	int ret;

	tale_print(&demo->tale, "%svmlab demo swap%s: a program of four times its budget\n",
		   term_colour(TERM_BOLD), term_colour(TERM_PLAIN));
	tale_add(&demo->tale, "page_size", json_object_new_uint64(demo->page));
	ret = tell(&swap);
	if (swap.memory)
		munmap(swap.memory, SIZE * demo->page);
	if (swap.region.region >= 0)
		close(swap.region.region);
	return ret;
}
