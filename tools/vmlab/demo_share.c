// SPDX-License-Identifier: GPL-2.0
/*
 * The story about sharing: processes that have one memory.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "demo.h"
#include "fail.h"
#include "json.h"
#include "pass.h"
#include "term.h"

#define PAGES	16ULL
#define ROUNDS	100000

/* What is at the begin of each of the first pages. */
enum place {
	FROM_FIRST,		/* the first process writes, the second reads */
	FROM_SECOND,
	COUNTER,		/* both add to it */
	FROM_CHILD,
};

#define FIRST_SAYS	1111
#define SECOND_SAYS	2222
#define CHILD_SAYS	3333

/**
 * struct share - the first process, the region, and the others
 * @demo:	where it is told
 * @region:	descriptor; -1: there is none
 * @memory:	its mapping
 * @second:	a process that was there before the region
 * @child:	one that is forked when it is there
 */
struct share {
	struct demo *demo;
	int region;
	char *memory;
	struct demo_child second;
	struct demo_child child;
};

static _Atomic uint64_t *word(const struct share *share, char *memory, enum place place)
{
	return (_Atomic uint64_t *)(memory + place * share->demo->page);
}

static void count(_Atomic uint64_t *counter)
{
	for (int i = 0; i < ROUNDS; i++)
		atomic_fetch_add(counter, 1);
}

/* The second process. It ends when it is not asked any more. */
static void be_second(int socket, void *arg)
{
	const struct share *share = arg;
	uint64_t size = PAGES * share->demo->page, number;
	char *memory;
	int region;

	if (pass_receive(socket, &number, &region))
		return;
	/* What the first process took first is taken here, too: another address. */
	if (mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		return;
	memory = demo_mmap(region, size, PROT_READ | PROT_WRITE);
	close(region);
	if (!memory || pass_send(socket, (uintptr_t)memory, -1) ||
	    pass_receive(socket, &number, NULL))
		return;
	number = *word(share, memory, FROM_FIRST);
	*word(share, memory, FROM_SECOND) = SECOND_SAYS;
	if (pass_send(socket, number, -1) || pass_receive(socket, &number, NULL))
		return;
	count(word(share, memory, COUNTER));
	if (!pass_send(socket, 0, -1))
		pass_receive(socket, &number, NULL);
}

static void be_child(int socket, void *arg)
{
	const struct share *share = arg;
	uint64_t number = *word(share, share->memory, FROM_FIRST);

	*word(share, share->memory, FROM_CHILD) = CHILD_SAYS;
	if (!pass_send(socket, number, -1))
		pass_receive(socket, &number, NULL);
}

static int pass_on(struct share *share)
{
	struct tale *tale = &share->demo->tale;
	uint64_t address, size = PAGES * share->demo->page;
	struct vmlab_stat stat;
	int ret;

	tale_step(tale, "pass", "Pass a region to another process",
		  "A region has no name: who has a descriptor of it has the region, and others get at it only "
		  "if they are given one. Over a Unix socket a process can give a descriptor to another "
		  "(SCM_RIGHTS). The other maps it, at an address of its own.");
	share->region = demo_region(O_RDWR, -1, size);
	if (share->region < 0)
		return -1;
	share->memory = demo_mmap(share->region, size, PROT_READ | PROT_WRITE);
	if (!share->memory)
		return -1;
	ret = pass_send(share->second.socket, 0, share->region);
	if (ret)
		return fail_errno(ret, "the descriptor cannot be passed on");
	if (demo_hear(&share->second, &address, NULL) || demo_stat(share->region, &stat))
		return -1;
	tale_print(tale, "   the first process has it at  %p\n", (void *)share->memory);
	tale_print(tale, "   the second has it at         %p\n", (void *)(uintptr_t)address);
	tale_count(tale, "mappings", "mappings of it", stat.mappings);
	tale_count(tale, "resident_pages", "pages in memory", stat.resident);
	tale_check(tale, stat.mappings == 2 && !stat.resident,
		   "two processes have it mapped, and still it takes no memory");
	return 0;
}

static int talk(struct share *share)
{
	struct tale *tale = &share->demo->tale;
	struct vmlab_stat stat;
	uint64_t heard;

	tale_step(tale, "talk", "What one writes, the other reads",
		  "The first process writes 1111 to the first page, the second reads that and writes 2222 to "
		  "the second page. Nothing is sent: both have the same pages in their page tables.");
	*word(share, share->memory, FROM_FIRST) = FIRST_SAYS;
	if (demo_ask(&share->second, 0, &heard) || demo_stat(share->region, &stat))
		return -1;
	tale_count(tale, "second_read", "the second read", heard);
	tale_count(tale, "first_read", "the first read", *word(share, share->memory, FROM_SECOND));
	tale_count(tale, "resident_pages", "pages in memory", stat.resident);
	if (tale_picture(tale, "extents", share->region, PAGES * share->demo->page, true))
		return -1;
	tale_check(tale, heard == FIRST_SAYS, "the second saw what the first wrote");
	tale_check(tale, *word(share, share->memory, FROM_SECOND) == SECOND_SAYS,
		   "the first saw what the second wrote");
	tale_check(tale, stat.resident == 2 && !stat.cow_copies, "each page is there once");
	return 0;
}

static int count_together(struct share *share)
{
	struct tale *tale = &share->demo->tale;
	_Atomic uint64_t *counter = word(share, share->memory, COUNTER);
	uint64_t done;
	int ret;

	tale_step(tale, "count", "Both at once",
		  "Who shares memory must agree on who writes when. Here both processes add 1 to the same "
		  "number, 100000 times each, at the same time, with the processor's atomic addition.");
	ret = pass_send(share->second.socket, 0, -1);
	if (ret)
		return fail_errno(ret, "the other process is gone");
	count(counter);
	if (demo_hear(&share->second, &done, NULL))
		return -1;
	tale_count(tale, "sum", "the number is now", *counter);
	tale_check(tale, *counter == 2ULL * ROUNDS, "no addition was lost");
	return 0;
}

static int fork_and_look(struct share *share)
{
	struct tale *tale = &share->demo->tale;
	struct vmlab_stat stat;
	uint64_t heard;

	tale_step(tale, "fork", "A fork shares, too",
		  "The child of a fork has what its parent had mapped, and a shared mapping stays shared: what "
		  "the child writes is seen by all three. (\"vmlab demo cow\" shows the other way.)");
	if (demo_start(&share->child, be_child, share))
		return -1;
	if (demo_hear(&share->child, &heard, NULL) || demo_stat(share->region, &stat))
		return -1;
	tale_count(tale, "mappings", "mappings of it", stat.mappings);
	tale_count(tale, "child_read", "the child read", heard);
	tale_count(tale, "first_read", "the first read", *word(share, share->memory, FROM_CHILD));
	if (tale_picture(tale, "extents", share->region, PAGES * share->demo->page, false))
		return -1;
	tale_check(tale, stat.mappings == 3 && heard == FIRST_SAYS, "the child has it as well");
	tale_check(tale, *word(share, share->memory, FROM_CHILD) == CHILD_SAYS,
		   "the first saw what the child wrote");
	tale_check(tale, stat.resident == 4 && !stat.cow_copies, "each page is there once");
	return 0;
}

static int tell(struct share *share)
{
	if (pass_on(share) || talk(share) || count_together(share) || fork_and_look(share))
		return -1;
	return 0;
}

int demo_share(struct demo *demo)
{
	struct share share = { .demo = demo, .region = -1 };
	int ret = -1;

	tale_print(&demo->tale, "%svmlab demo share%s: one memory, several processes\n",
		   term_colour(TERM_BOLD), term_colour(TERM_PLAIN));
	tale_add(&demo->tale, "page_size", json_object_new_uint64(demo->page));
	if (!demo_start(&share.second, be_second, &share)) {
		ret = tell(&share);
		if (share.child.pid > 0)
			demo_end(&share.child);
		demo_end(&share.second);
	}
	if (share.memory)
		munmap(share.memory, PAGES * demo->page);
	if (share.region >= 0)
		close(share.region);
	return ret;
}
