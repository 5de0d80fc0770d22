// SPDX-License-Identifier: GPL-2.0
/*
 * The second half of the story about copying on write: a fork.
 */
#include <fcntl.h>
#include <unistd.h>

#include "demo.h"
#include "fail.h"
#include "pass.h"

/* Pages that the child writes to; the parent writes to the first of them. */
#define WRITES	4

/**
 * struct family - parent and child, and the memory that they have at the same address
 * @demo:	where it is told
 * @parent:	the parent's
 * @own:	the child's, whose descriptor the child passes on
 * @memory:	where both are
 * @pages:	of each
 * @child:	the child
 */
struct family {
	struct demo *demo;
	struct demo_side parent;
	struct demo_side own;
	volatile char *memory;
	uint64_t pages;
	struct demo_child child;
};

/* The child: passes its own region on; writes when it is told to, and says what it saw. */
static void be_child(int socket, void *arg)
{
	const struct family *family = arg;
	volatile char *p = family->memory;
	uint64_t number, before;
	int own = vmlab_region_at((const void *)p, O_CLOEXEC);

	if (own < 0 || pass_send(socket, (uintptr_t)p, own))
		return;
	close(own);
	if (pass_receive(socket, &number, NULL))
		return;
	before = (unsigned char)p[0];
	for (uint64_t i = 0; i < WRITES; i++)
		p[i * family->demo->page] = 'C';
	if (!pass_send(socket, before << 8 | (unsigned char)p[0], -1))
		pass_receive(socket, &number, NULL);	/* the end */
}

static int look_at_both(struct family *family)
{
	if (demo_tell_held(family->demo, family->parent.region) ||
	    demo_look(family->demo, &family->parent, "parent", family->pages))
		return -1;
	return demo_look(family->demo, &family->own, "child", family->pages);
}

static bool both_share(const struct family *family, uint64_t pages)
{
	return family->parent.shared == pages && family->own.shared == pages;
}

static int start(struct family *family)
{
	struct tale *tale = &family->demo->tale;
	struct vmlab_stat before;
	uint64_t address, copies;

	tale_step(tale, "fork", "Fork",
		  "The region was configured with VMLAB_REGION_COW_FORK. A fork copies a process, with its "
		  "memory; the child often needs little of it, so that to copy all of it would be work for "
		  "nothing. The child's mapping shows a clone: at the same address, and nothing is copied.");
	if (demo_stat(family->parent.region, &before) ||
	    demo_start(&family->child, be_child, family))
		return -1;
	if (demo_hear(&family->child, &address, &family->own.region) || look_at_both(family))
		return -1;
	tale_check(tale, address == (uintptr_t)family->memory, "both have it at the same address");
	tale_check(tale, family->own.stat.id != family->parent.stat.id, "they are two regions");
	tale_check(tale, both_share(family, family->pages), "they have every page in common");
	copies = family->parent.stat.cow_copies - before.cow_copies;
	tale_check(tale, !copies && !family->own.stat.cow_copies, "none was copied");
	return 0;
}

/* What the child answered: the byte that it found, and the one that it has. */
static void check_contents(const struct family *family, uint64_t bytes)
{
	struct tale *tale = &family->demo->tale;

	tale_print(tale, "   at %p: the parent has \"%c\"; the child had \"%c\" and has \"%c\"\n",
		   (const void *)family->memory, family->memory[0], (char)(bytes >> 8),
		   (char)bytes);
	tale_check(tale, bytes == ('a' << 8 | 'C') && family->memory[0] == 'P',
		   "each has its own, at the same address");
	tale_check(tale, family->memory[family->demo->page] == 'a',
		   "the parent sees nothing of what the child wrote");
}

static int diverge(struct family *family)
{
	struct tale *tale = &family->demo->tale;
	uint64_t before = family->parent.stat.cow_copies, bytes, copies;

	tale_step(tale, "diverge", "Write on both sides, at the same address",
		  "The parent writes \"P\" to its first page, and then the child \"C\" to its first four. "
		  "Each sees what it wrote, and the child finds nothing of what its parent wrote after "
		  "the fork. The page that the parent got a copy of is the child's alone: it writes to it "
		  "without another copy.");
	family->memory[0] = 'P';
	if (demo_ask(&family->child, 0, &bytes) || look_at_both(family))
		return -1;
	copies = family->parent.stat.cow_copies - before;
	tale_count(tale, "parent_copies", "copied for the parent", copies);
	tale_count(tale, "child_copies", "copied for the child", family->own.stat.cow_copies);
	check_contents(family, bytes);
	tale_check(tale, both_share(family, family->pages - WRITES),
		   "only what was written to is apart");
	tale_check(tale, copies == 1 && family->own.stat.cow_copies == WRITES - 1,
		   "and it was copied once");
	return 0;
}

static int outlive(struct family *family)
{
	struct tale *tale = &family->demo->tale;

	tale_step(tale, "outlive", "The child ends",
		  "Its copy goes with it, and the parent has its memory for itself.");
	close(family->own.region);
	family->own.region = -1;
	demo_end(&family->child);
	family->child.pid = 0;
	if (demo_tell_held(family->demo, family->parent.region) ||
	    demo_look(family->demo, &family->parent, "parent", family->pages))
		return -1;
	tale_check(tale, !family->parent.shared && family->memory[0] == 'P',
		   "nothing is shared any more");
	return 0;
}

int demo_fork(struct demo *demo, int region, char *memory, uint64_t pages)
{
	struct family family = {
		.demo = demo,
		.parent = { .title = "the parent's", .region = region },
		.own = { .title = "the child's", .region = -1 },
		.memory = memory,
		.pages = pages,
	};
	int ret = start(&family);

	if (!ret)
		ret = diverge(&family);
	if (!ret)
		ret = outlive(&family);
	if (family.own.region >= 0)
		close(family.own.region);
	if (family.child.pid > 0)
		demo_end(&family.child);
	return ret;
}
