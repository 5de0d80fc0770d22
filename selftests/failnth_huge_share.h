/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Huge pages that several regions have, with failures: each is copied as a huge one, or else by
 * 512 small ones, of which any may be the one that there is no memory for.
 */
#ifndef VMLAB_FAILNTH_HUGE_SHARE_H
#define VMLAB_FAILNTH_HUGE_SHARE_H

#include "failnth_clone.h"
#include "failnth_fork.h"
#include "failnth_huge.h"
#include "failnth_mount.h"
#include "failnth_world.h"

/* Each page begins with a word of its own: to write and compare all bytes would take too long. */

static void stamp(char *p, __u64 seed)
{
	for (size_t i = 0; i < HUGE; i += PAGE)
		*(__u64 *)(p + i) = stamp_of(i / PAGE) + seed;
}

static bool is_stamped(const char *p, size_t from, __u64 seed)
{
	for (size_t i = from; i < HUGE; i += PAGE) {
		if (*(const __u64 *)(p + i) != stamp_of(i / PAGE) + seed)
			return false;
	}
	return true;
}

static void stamp_huge(struct world *w)
{
	map_huge(w);
	stamp(w->p, 1);
	if (region_resident(w->fd) != HUGE / PAGE || !region_stat(w->fd).huge_made)
		broken("no huge page\n");
}

/* Maps one more region, after the one that is there. */
static char *map_clone_of_huge(int fd)
{
	char *p = map_at(THERE, fd, HUGE, MAP_SHARED);

	if (p == MAP_FAILED)
		broken("mmap: %s\n", strerror(errno));
	return p;
}

/*
 * The clone is what the region was, from @from on; then each is what was written to it. That is
 * not to be more pages than it takes: one by one they are copied slowly.
 */
static bool huge_from_is_apart(struct world *w, size_t from)
{
	char *clone = map_clone_of_huge(w->made);
	bool right = is_stamped(clone, 0, 1) && is_stamped(w->p, from, 1);

	clone[HUGE - PAGE]++;
	right = right && is_stamped(w->p, from, 1);
	w->p[HUGE - 2 * PAGE]++;
	clone[HUGE - PAGE]--;
	return right && is_stamped(clone, 0, 1);
}

static bool huge_clone_is_apart(struct world *w)
{
	return huge_from_is_apart(w, 0);
}

OPERATION(clone_huge, .kind = LARGE, .prepare = stamp_huge, .run = make_clone,
	  .right = huge_clone_is_apart, .may = { ENOMEM, EFAULT }, .hits = 6, .pure = true);

/* A huge page that somebody is about to write to is copied at once. */

static void hold_huge(struct world *w)
{
	stamp_huge(w);
	hold_pages(w);
}

static bool held_huge_stays_behind(struct world *w)
{
	let_go(&holder, 7);
	return holder.written == 2 * PAGE && filled(w->p, 2 * PAGE, 7) &&
	       huge_from_is_apart(w, 2 * PAGE);
}

OPERATION(clone_huge_held, .kind = LARGE, .prepare = hold_huge, .run = make_clone,
	  .right = held_huge_stays_behind, .may = { ENOMEM, EFAULT }, .hits = 16);
OPERATION(clone_huge_held_scattered, .kind = LARGE, .scattered = true, .prepare = hold_huge,
	  .run = make_clone, .right = held_huge_stays_behind, .may = { ENOMEM },
	  .hits = LAST_ONES, .chances = HUGE / PAGE, .step = 128);

/* Writing to one that a clone has as well: by a store, by write(), and zeroes */

static void clone_stamped(struct world *w)
{
	stamp_huge(w);
	clone_it(w);
}

static int store_in_huge(struct world *w)
{
	return trap_write(w->p + 5 * PAGE, 9) ? TRAPPED : 0;
}

static bool stored_in_huge(struct world *w)
{
	bool right = w->p[5 * PAGE] == 9;

	*(__u64 *)(w->p + 5 * PAGE) = stamp_of(5) + 1;
	return right && huge_clone_is_apart(w);
}

/* There is always memory for it in the end: the kernel tries again. */
OPERATION(store_shared_huge, .kind = LARGE, .prepare = clone_stamped, .run = store_in_huge,
	  .right = stored_in_huge, .hits = 4);
OPERATION(store_shared_huge_scattered, .kind = LARGE, .scattered = true,
	  .prepare = clone_stamped, .run = store_in_huge, .right = stored_in_huge,
	  .hits = LAST_ONES, .chances = HUGE / PAGE, .step = 128);

static int write_in_huge(struct world *w)
{
	int ret = transfer(pwrite(w->fd, "\t", 1, 5 * PAGE), 1);

	return ret && !is_stamped(w->p, 0, 1) ? WRONG : ret;
}

OPERATION(write_shared_huge_scattered, .kind = LARGE, .scattered = true,
	  .prepare = clone_stamped, .run = write_in_huge, .right = stored_in_huge,
	  .may = { ENOMEM }, .hits = LAST_ONES, .chances = HUGE / PAGE,
	  .step = 128);

static int zero_in_huge(struct world *w)
{
	int ret = outcome(fallocate(w->region, FALLOC_FL_ZERO_RANGE, 5 * PAGE, PAGE));

	return ret && !is_stamped(w->p, 0, 1) ? WRONG : ret;
}

static bool zeroed_in_huge(struct world *w)
{
	bool right = all_zero(w->p + 5 * PAGE, PAGE);

	*(__u64 *)(w->p + 5 * PAGE) = stamp_of(5) + 1;
	return right && huge_clone_is_apart(w);
}

OPERATION(zero_shared_huge, .kind = LARGE, .prepare = clone_stamped, .run = zero_in_huge,
	  .right = zeroed_in_huge, .may = { ENOMEM }, .hits = 4);
/* Forks */

static void make_huge_cow(struct world *w)
{
	struct vmlab_configure config = {
		.flags = VMLAB_REGION_HUGE | VMLAB_REGION_COW_FORK, .size = SPAN,
	};

	if (region_configure(w->fd, &config))
		broken("VMLAB_IOC_CONFIGURE: %s\n", strerror(errno));
	stamp_huge(w);
}

static int in_child_huge(struct world *w)
{
	const size_t at = HUGE - PAGE;
	char parents;

	if (trap_read(w->p))
		return trap_write(w->p + HUGE - PAGE, 1) == SIGBUS ? NOTHING : 1;
	if (!is_stamped(w->p, 0, 1))
		return 1;
	w->p[at]++;
	/* The descriptor is the parent's still. */
	return pread(w->fd, &parents, 1, at) == 1 && parents == (char)(w->p[at] - 1) ? 0 : 1;
}

static int fork_huge(struct world *w)
{
	return fork_to(w, in_child_huge);
}

static bool huge_is_copied(struct world *w)
{
	return is_stamped(w->p, 0, 1) && fork_huge(w) == 0 && is_stamped(w->p, 0, 1);
}

/* A huge page that is held is copied by the fork, others when they are written to. */

static void hold_huge_cow(struct world *w)
{
	make_huge_cow(w);
	hold_pages(w);
}

static bool held_huge_is_the_parents(struct world *w)
{
	bool right = is_stamped(w->p, 0, 1);

	let_go(&holder, 7);
	right = right && filled(w->p, 2 * PAGE, 7);
	stamp(w->p, 1);
	return right && huge_is_copied(w);
}

/* A second for each: most are the kernel's, and fail as in fork_cow_held. */
OPERATION(fork_cow_huge_held, .kind = FRESH, .prepare = hold_huge_cow, .run = fork_huge,
	  .right = held_huge_is_the_parents, .may = { ENOMEM, EAGAIN, TRAPPED },
	  .hits = FIRST_ONES + LAST_ONES, .chances = 100, .step = 4);

/* The first file of a mount that may have huge pages: there is to be a reserve of small ones. */

static void set_huge(struct world *w, const char *option)
{
	if (mount(NULL, w->scratch->dir, NULL, MS_REMOUNT, option))
		broken("mount: %s\n", strerror(errno));
}

static void allow_huge(struct world *w)
{
	set_huge(w, "huge=always");
}

static bool unnamed_is_huge(struct world *w)
{
	bool right = region_stat(w->made).flags & VMLAB_REGION_HUGE &&
		     !ftruncate(w->made, HUGE) && pwrite(w->made, "!", 1, 0) == 1 &&
		     region_resident(w->made) == HUGE / PAGE;

	set_huge(w, "huge=never");	/* and the next world's file takes none */
	return right;
}

static bool created_is_huge(struct world *w)
{
	return unnamed_is_huge(w) && new_is_there(w);
}

OPERATION(mount_create_huge, .type = "vmlab", .prepare = allow_huge, .run = create,
	  .right = created_is_huge, .may = { ENOMEM, EFAULT }, .hits = FIRST_ONES + LAST_ONES,
	  .chances = HUGE / PAGE + 3, .step = 128);
OPERATION(mount_create_unnamed_huge, .type = "vmlab", .prepare = allow_huge,
	  .run = create_unnamed, .right = unnamed_is_huge, .may = { ENOMEM, EFAULT },
	  .hits = FIRST_ONES + LAST_ONES, .chances = HUGE / PAGE + 3, .step = 128);

#endif /* VMLAB_FAILNTH_HUGE_SHARE_H */
