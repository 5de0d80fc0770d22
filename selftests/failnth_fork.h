/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copy-on-write over fork, with failures: the fork itself comes to what forks come to. If
 * there was no memory for the clone, the child has nothing at that place, and the parent
 * all that it had.
 */
#ifndef VMLAB_FAILNTH_FORK_H
#define VMLAB_FAILNTH_FORK_H

#include "cow_test.h"
#include "failnth_clone.h"
#include "failnth_mapping.h"
#include "failnth_world.h"

#define NOTHING 2	/* a child's status: it has no clone, and all is as it is to be then */

/* A mapping without a region may be cut, moved, and inherited; there is nothing to be had. */
static bool is_nothing(char *p, int fd)
{
	struct vmlab_region_fd at = { .address = (unsigned long)p };

	return trap_read(p) == SIGBUS && trap_write(p, 1) == SIGBUS &&
	       madvise(p, PAGE, MADV_REMOVE) == -1 && msync(p, PAGE, MS_SYNC) == -1 &&
	       clone_at(fd, p, 0) == -1 && ioctl(fd, VMLAB_IOC_REGION_FD, &at) == -1 &&
	       errno == EFAULT && IN_CHILD(trap_read(p) == SIGBUS) &&
	       !mprotect(p, PAGE, PROT_READ) && !munmap(p + PAGE, PAGE) &&
	       mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, THERE + AREA) ==
		       THERE + AREA && trap_read(THERE + AREA) == SIGBUS;
}

static int in_child(struct world *w)
{
	if (trap_read(w->p))
		return is_nothing(w->p, w->fd) ? NOTHING : 1;
	if (!filled(w->p, LENGTH, 1))
		return 1;
	fill(w->p, LENGTH, 2);
	return filled(w->p, LENGTH, 2) && holds_1(w) ? 0 : 1;
}

/* Forks, and has the child do something that returns 0, or NOTHING if it sees nothing. */
static int fork_to(struct world *w, int (*child_does)(struct world *w))
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return errno;
	if (!child)
		_exit(child_does(w));
	status = child_status(child);
	return status == NOTHING ? TRAPPED : status ? WRONG : 0;
}

static int fork_copied(struct world *w)
{
	return fork_to(w, in_child);
}

static bool is_copied(struct world *w)
{
	return fork_copied(w) == 0 && holds_1(w);
}

static bool mapping_is_copied(struct world *w)
{
	return filled(w->p, LENGTH, 1) && is_copied(w) && filled(w->p, LENGTH, 1);
}

OPERATION(fork_cow, .kind = COW, .map = MAP_SHARED, .touched = 1, .run = fork_copied,
	  .right = mapping_is_copied, .may = { ENOMEM, EAGAIN, TRAPPED }, .hits = 20);

/* The private mapping beside it has one page of its own, and shows one of the region. */
static void map_private_beside(struct world *w)
{
	char *private = map_at(THERE, w->fd, LENGTH, MAP_PRIVATE);

	if (private != THERE)
		broken("mmap: %s\n", strerror(errno));
	private[0] = 77;
}

static int fork_both(struct world *w)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return errno;
	if (!child && THERE[0] != 77)
		_exit(1);
	if (!child && trap_read(THERE + PAGE))
		_exit(trap_read(w->p) == SIGBUS ? NOTHING : 1);
	if (!child)
		_exit(memcmp(THERE + PAGE, w->p + PAGE, LENGTH - PAGE) ? 1 : in_child(w));
	status = child_status(child);
	return status == NOTHING ? TRAPPED : status ? WRONG : 0;
}

OPERATION(fork_cow_private, .kind = COW, .map = MAP_SHARED, .touched = 1,
	  .prepare = map_private_beside, .run = fork_both, .right = mapping_is_copied,
	  .may = { ENOMEM, EAGAIN, TRAPPED }, .hits = 20);

/* A page that somebody is about to write to must be copied by the fork. */
static bool held_is_the_parents(struct world *w)
{
	bool right = filled(w->p, LENGTH, 1);

	let_go(&holder, 7);
	right = right && filled(w->p, 2 * PAGE, 7);
	fill(w->p, LENGTH, 1);
	return right && mapping_is_copied(w);
}

OPERATION(fork_cow_held, .kind = COW, .map = MAP_SHARED, .touched = 1, .prepare = hold_pages,
	  .run = fork_copied, .right = held_is_the_parents, .may = { ENOMEM, EAGAIN, TRAPPED },
	  .hits = 20);

static int configure_cow(struct world *w)
{
	return outcome(region_configure(w->fd, &(struct vmlab_configure){
		.flags = VMLAB_REGION_COW_FORK, .size = LENGTH,
	}));
}

static bool copies_at_forks(struct world *w)
{
	if (region_stat(w->fd).flags != VMLAB_REGION_COW_FORK)
		return false;
	w->p = map_at(HERE, w->fd, LENGTH, MAP_SHARED);
	fill(w->p, LENGTH, 1);
	return mapping_is_copied(w);
}

OPERATION(ioctl_configure_cow, .kind = FRESH, .run = configure_cow, .right = copies_at_forks,
	  .may = { ENOMEM, EFAULT }, .hits = 4, .pure = true);

static bool new_mapping_is_copied(struct world *w)
{
	return mapping_holds_1(w) && mapping_is_copied(w);
}

OPERATION(mmap_cow, .kind = COW, .touched = 1, .run = map_shared_region,
	  .right = new_mapping_is_copied, .may = { ENOMEM }, .hits = 2);

static bool moved_is_copied(struct world *w)
{
	return moved_holds_1(w) && mapping_is_copied(w);
}

/* A child that has no page there cannot be asked for it. */
static bool cut_is_apart(struct world *w)
{
	return unmapped_right(w) &&
	       IN_CHILD(middle_is_gone(w) && !trap_write(w->p, 9)) && middle_is_gone(w);
}

static bool protected_is_copied(struct world *w)
{
	return is_protected(w) && IN_CHILD(trap_write(w->p + PAGE, 1) == SIGSEGV &&
					   !trap_write(w->p, 9)) && is_protected(w);
}

OPERATION(mremap_cow, .kind = COW, .map = MAP_SHARED, .touched = 1, .run = move_mapping,
	  .right = moved_is_copied, .may = { ENOMEM }, .hits = 4);
OPERATION(munmap_part_cow, .kind = COW, .map = MAP_SHARED, .touched = 1, .run = unmap_middle,
	  .right = cut_is_apart, .may = { ENOMEM }, .hits = 2);
OPERATION(mprotect_part_cow, .kind = COW, .map = MAP_SHARED, .touched = 1,
	  .run = protect_middle, .right = protected_is_copied, .may = { ENOMEM }, .hits = 2);

#endif /* VMLAB_FAILNTH_FORK_H */
