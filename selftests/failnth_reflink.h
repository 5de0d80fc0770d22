/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reflinks page by page, with failures: those that come to somewhere else, or where there are
 * pages already. What was linked when something failed stays so, and the rest is as it was.
 */
#ifndef VMLAB_FAILNTH_REFLINK_H
#define VMLAB_FAILNTH_REFLINK_H

#include "failnth_clone.h"
#include "failnth_huge.h"
#include "failnth_mount.h"
#include "failnth_store.h"
#include "failnth_swap.h"
#include "failnth_world.h"

/* Pages are linked to @target of the target, around the end of a leaf of its index. */
#define AROUND 60UL
#define AROUND_END 68UL

static unsigned long target;

/* What page @page of the source, or of the target, is at first. */
#define SOURCE(page) (1 + (page))
#define TARGET(page) (100 + (page))

static int source_of(const struct world *w)
{
	return w->region < 0 ? w->file : w->region;
}

static bool page_is(int fd, unsigned long page, unsigned int seed)
{
	return reads_filled(fd, page * PAGE, PAGE, seed);
}

static void write_pages_of(int fd, unsigned long first, unsigned long end, unsigned int seed)
{
	for (unsigned long page = first; page < end; page++) {
		if (!writes_filled(fd, page * PAGE, PAGE, seed + page))
			broken("write: %s\n", strerror(errno));
	}
}

static bool pages_are(int fd, unsigned long first, unsigned long end, unsigned int seed)
{
	for (unsigned long page = first; page < end; page++) {
		if (!page_is(fd, page, seed + page))
			return false;
	}
	return true;
}

/* The first ones are linked, up to some page; the others, and all around, are as they were. */
static bool linked_so_far(struct world *w)
{
	unsigned long i = 0;

	while (i < PAGES && page_is(w->made, target + i, SOURCE(i)))
		i++;
	return pages_are(w->made, target + i, AROUND_END, TARGET(0)) &&
	       pages_are(w->made, AROUND, target, TARGET(0)) &&
	       pages_are(source_of(w), 0, PAGES, SOURCE(0));
}

static int link_pages(struct world *w)
{
	int ret = clone_range(source_of(w), 0, LENGTH, w->made, target * PAGE);

	return ret && !linked_so_far(w) ? WRONG : ret;
}

static bool all_linked(struct world *w)
{
	return pages_are(w->made, target, target + PAGES, SOURCE(-target)) && linked_so_far(w);
}

/* Then each is what is written to it. */
static bool linked_apart(struct world *w)
{
	int source = source_of(w);
	bool right = all_linked(w);

	write_pages_of(w->made, target, target + 2, TARGET(0));
	right = right && pages_are(source, 0, PAGES, SOURCE(0));
	write_pages_of(source, 0, PAGES, 50);
	return right && pages_are(w->made, AROUND, target + 2, TARGET(0)) &&
	       pages_are(w->made, target + 2, target + PAGES, SOURCE(-target)) &&
	       pages_are(w->made, target + PAGES, AROUND_END, TARGET(0)) &&
	       pages_are(source, 0, PAGES, 50);
}

/* A target of the same pool, with pages; and the source's pages. */
static void make_both(struct world *w)
{
	clone_it(w);
	write_pages_of(w->made, AROUND, AROUND_END, TARGET(0));
	write_pages_of(w->fd, 0, PAGES, SOURCE(0));
	target = 62;
}

OPERATION(reflink_part, .kind = FRESH, .map = MAP_SHARED, .prepare = make_both,
	  .run = link_pages, .right = linked_apart, .may = { ENOMEM, EFAULT }, .hits = 1);

/* The first two pages are copied, as somebody holds them: the second one is in another leaf. */

static void hold_source(struct world *w)
{
	make_both(w);
	target = 63;
	hold_pages(w);
}

static bool held_linked_apart(struct world *w)
{
	bool right = all_linked(w);

	let_go(&holder, 7);
	right = right && filled(w->p, 2 * PAGE, 7) && holder.written == 2 * PAGE &&
		pages_are(w->made, target, target + PAGES, SOURCE(-target));
	write_pages_of(source_of(w), 0, PAGES, SOURCE(0));
	return right && linked_apart(w);
}

OPERATION(reflink_part_held, .kind = FRESH, .map = MAP_SHARED, .prepare = hold_source,
	  .run = link_pages, .right = held_linked_apart, .may = { ENOMEM, EFAULT }, .hits = 3);

/* Who can do with less is told how much it was. */
static int copy_pages(struct world *w)
{
	loff_t in = 0, out = target * PAGE;
	ssize_t got = copy_file_range(source_of(w), &in, w->made, &out, LENGTH, 0);
	int error = errno;

	if (got != LENGTH && !linked_so_far(w))
		return WRONG;
	if (got > 0 && got < (ssize_t)LENGTH &&
	    (got % PAGE || !page_is(w->made, target + got / PAGE - 1, SOURCE(got / PAGE - 1))))
		return WRONG;
	errno = error;
	return transfer(got, LENGTH);
}

OPERATION(copy_file_range_part_held, .kind = FRESH, .map = MAP_SHARED, .prepare = hold_source,
	  .run = copy_pages, .right = held_linked_apart, .may = { ENOMEM, EFAULT, SHORT },
	  .hits = 3);

/* Within one region */

static void make_one(struct world *w)
{
	w->made = dup(w->region);
	write_pages_of(w->made, AROUND, AROUND_END, TARGET(0));
	write_pages_of(w->fd, 0, PAGES, SOURCE(0));
	target = 63;
	hold_pages(w);
}

OPERATION(reflink_within_held, .kind = FRESH, .map = MAP_SHARED, .prepare = make_one,
	  .run = link_pages, .right = held_linked_apart, .may = { ENOMEM, EFAULT }, .hits = 3);

/* Files of a mount, neither of which had pages in common with others before */

static void make_files(struct world *w)
{
	if (create(w) || unlink(path_of(w, "new")))
		broken("cannot make a file: %s\n", strerror(errno));
	write_pages_of(w->made, AROUND, AROUND_END, TARGET(0));
	write_pages_of(w->file, 0, PAGES, SOURCE(0));
	target = 63;
	if (map_first(w))
		broken("mmap: %s\n", strerror(errno));
	hold_pages(w);
}

OPERATION(reflink_files_held, .type = "vmlab", .prepare = make_files, .run = link_pages,
	  .right = held_linked_apart, .may = { ENOMEM, EFAULT }, .hits = 3);

/* Pages that are not in memory */

static void evict_source(struct world *w)
{
	if (evict(w) || region_stat(w->fd).stored != PAGES)
		broken("nothing is stored: %s\n", strerror(errno));
}

static void make_stored(struct world *w)
{
	make_both(w);
	have_pool(w);
	evict_source(w);
}

OPERATION(reflink_part_stored, .kind = FRESH, .prepare = make_stored, .run = link_pages,
	  .right = linked_apart, .may = { ENOMEM, EFAULT }, .hits = 1);

/* The pages of the source are small, as it ends inside, and the target has a huge one. */
static void make_target_huge(struct world *w)
{
	char *p;

	clone_it(w);
	p = map_at(THERE, w->made, HUGE, MAP_SHARED);
	if (p == MAP_FAILED)
		broken("mmap: %s\n", strerror(errno));
	for (size_t i = 0; i < HUGE; i += PAGE)
		p[i] = 5;
	write_pages_of(w->made, AROUND, AROUND_END, TARGET(0));
	if (region_resident(w->made) != HUGE / PAGE || region_stat(w->made).huge_made != 1)
		broken("no huge page\n");
	if (ftruncate(w->region, LENGTH))
		broken("ftruncate: %s\n", strerror(errno));
	write_pages_of(w->fd, 0, PAGES, SOURCE(0));
	target = 62;
}

/* To there they must be brought in: for which there is memory in the end, but not always a disk. */

static void lift_budget(struct world *w)
{
	struct vmlab_pool_set set = {
		.what = VMLAB_POOL_BUDGET, .budget = VMLAB_POOL_UNLIMITED_BUDGET,
	};

	if (ioctl(w->fd, VMLAB_IOC_POOL_SET, &set))
		broken("VMLAB_IOC_POOL_SET: %s\n", strerror(errno));
}

static void make_stored_huge(struct world *w)
{
	make_target_huge(w);
	have_pool(w);
	evict_source(w);
	lift_budget(w);
}

static void make_in_file_huge(struct world *w)
{
	make_target_huge(w);
	have_store(w);
	evict_source(w);
	lift_budget(w);
}

OPERATION(reflink_part_stored_huge, .kind = LARGE, .prepare = make_stored_huge,
	  .run = link_pages, .right = linked_apart, .may = { ENOMEM, EFAULT },
	  .hits = FIRST_ONES + LAST_ONES, .chances = HUGE / PAGE - PAGES, .step = 128);
OPERATION(worker_reflink_from_file_huge, .type = "ext4", .disk = true, .kind = LARGE,
	  .worker = true, .prepare = make_in_file_huge, .run = link_pages,
	  .right = linked_apart, .may = { ENOMEM, EIO }, .hits = 2);

/* Pages of a huge one are copied. */

static void make_source_huge(struct world *w)
{
	clone_it(w);
	if (ftruncate(w->made, AROUND_END * PAGE))	/* small ones only: it ends inside */
		broken("ftruncate: %s\n", strerror(errno));
	map_huge(w);
	w->p[0] = 1;
	if (region_stat(w->fd).huge_made != 1)
		broken("no huge page\n");
	write_pages_of(w->made, AROUND, AROUND_END, TARGET(0));
	write_pages_of(w->fd, 0, PAGES, SOURCE(0));
	target = 62;
}

OPERATION(reflink_from_huge, .kind = LARGE, .prepare = make_source_huge, .run = link_pages,
	  .right = linked_apart, .may = { ENOMEM, EFAULT }, .hits = 1 + PAGES);

/*
 * They come to be a part of a huge page that a third region has, too: before it is cut it must be
 * copied, when the shares of what comes there are at hand already.
 */
static void make_target_shared(struct world *w)
{
	make_target_huge(w);
	w->other = clone_of(w->made);
	if (w->other < 0)
		broken("clone: %s\n", strerror(errno));
}

/* All of the huge page but what was linked is there, and all of the third region's. */
static bool linked_into_shared(struct world *w)
{
	static char third[HUGE];
	bool right = pages_are(w->other, AROUND, AROUND_END, TARGET(0)) &&
		     pread(w->other, third, HUGE, 0) == HUGE;

	for (size_t i = 0; i < HUGE; i += PAGE) {
		if (i / PAGE >= AROUND && i / PAGE < AROUND_END)
			continue;
		right = right && third[i] == 5 && THERE[i] == 5;
	}
	return right && linked_apart(w) && pages_are(w->other, AROUND, AROUND_END, TARGET(0));
}

OPERATION(reflink_into_shared_huge, .kind = LARGE, .prepare = make_target_shared,
	  .run = link_pages, .right = linked_into_shared, .may = { ENOMEM, EFAULT },
	  .hits = FIRST_ONES + LAST_ONES, .chances = HUGE / PAGE - PAGES, .step = 128);
OPERATION(reflink_into_shared_huge_scattered, .kind = LARGE, .scattered = true,
	  .prepare = make_target_shared, .run = link_pages, .right = linked_into_shared,
	  .may = { ENOMEM }, .hits = LAST_ONES, .chances = HUGE / PAGE,
	  .step = 128);

/* Or of one that somebody holds, which stays and is written to. */

static void hold_target(struct world *w)
{
	make_target_huge(w);
	hold_pages_at(THERE + target * PAGE);
}

static bool linked_into_held(struct world *w)
{
	bool right = all_linked(w);

	let_go(&holder, 7);
	right = right && holder.written == 2 * PAGE && filled(THERE + target * PAGE, 2 * PAGE, 7) &&
		pages_are(source_of(w), 0, PAGES, SOURCE(0));
	write_pages_of(w->made, target, target + 2, SOURCE(-target));
	return right && linked_apart(w);
}

OPERATION(reflink_into_held_huge, .kind = LARGE, .prepare = hold_target, .run = link_pages,
	  .right = linked_into_held, .may = { ENOMEM, EFAULT }, .hits = 1);

#endif /* VMLAB_FAILNTH_REFLINK_H */
