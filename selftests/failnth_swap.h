/* SPDX-License-Identifier: GPL-2.0 */
/* Pages that leave memory and come back, with failures. */
#ifndef VMLAB_FAILNTH_SWAP_H
#define VMLAB_FAILNTH_SWAP_H

#include "failnth_world.h"

static int set_pool(struct world *w)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_POOL_SET, &(struct vmlab_pool_set){
		.what = VMLAB_POOL_BUDGET | VMLAB_POOL_POLICY | VMLAB_POOL_CODEC,
		.budget = VMLAB_POOL_BUDGET_MIN, .policy = "random", .codec = "zstd",
	}));
}

static bool is_set(struct world *w)
{
	struct vmlab_pool_stat stat;

	return !ioctl(w->fd, VMLAB_IOC_POOL_STAT, &stat) && stat.budget == VMLAB_POOL_BUDGET_MIN &&
	       stat.resident == PAGES && reads_filled(w->fd, 0, LENGTH, 1);
}

OPERATION(ioctl_pool_set, .kind = ZERO, .touched = 1, .run = set_pool, .right = is_set,
	  .may = { ENOMEM, EFAULT }, .hits = 8);

static int set_policy(struct world *w)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_POOL_SET, &(struct vmlab_pool_set){
		.what = VMLAB_POOL_POLICY, .policy = "lirs",
	}));
}

static void have_pool(struct world *w)
{
	if (set_pool(w))
		broken("VMLAB_IOC_POOL_SET: %s\n", strerror(errno));
}

static bool has_policy(struct world *w)
{
	struct vmlab_pool_stat stat;

	return !ioctl(w->fd, VMLAB_IOC_POOL_STAT, &stat) && !strcmp((char *)stat.policy, "lirs") &&
	       reads_filled(w->fd, 0, LENGTH, 1);
}

OPERATION(ioctl_pool_set_policy, .kind = ZERO, .touched = 1, .prepare = have_pool,
	  .run = set_policy, .right = has_policy, .may = { ENOMEM, EFAULT }, .hits = 2,
	  .pure = true);

static int evict(struct world *w)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_ADVISE, &(struct vmlab_advise){
		.length = LENGTH, .advice = VMLAB_ADVISE_EVICT,
	}));
}

/* What could not be stored stayed. */
static bool nothing_is_lost(struct world *w)
{
	struct vmlab_stat stat = region_stat(w->fd);

	return stat.resident + stat.stored == PAGES && reads_filled(w->fd, 0, LENGTH, 1) &&
	       (!w->p || filled(w->p, LENGTH, 1));
}

OPERATION(ioctl_advise_evict, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .prepare = have_pool,
	  .run = evict, .right = nothing_is_lost, .may = { EFAULT }, .hits = PAGES);

static void have_stored(struct world *w)
{
	have_pool(w);
	if (evict(w) || region_stat(w->fd).stored != PAGES)
		broken("nothing is stored: %s\n", strerror(errno));
}

static int read_stored(struct world *w)
{
	return trap_read(w->p + PAGE) ? TRAPPED : 0;
}

OPERATION(fault_stored, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .prepare = have_stored,
	  .run = read_stored, .right = nothing_is_lost, .may = { TRAPPED }, .hits = 1);

static int pread_stored(struct world *w)
{
	return transfer(pread(w->fd, buffer, LENGTH, 0), LENGTH);
}

OPERATION(read_stored, .kind = ZERO, .touched = 1, .prepare = have_stored,
	  .run = pread_stored, .right = nothing_is_lost, .may = { ENOMEM, EFAULT, SHORT },
	  .hits = PAGES);

static int prefetch(struct world *w)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_ADVISE, &(struct vmlab_advise){
		.length = LENGTH, .advice = VMLAB_ADVISE_PREFETCH,
	}));
}

OPERATION(ioctl_advise_prefetch, .kind = ZERO, .touched = 1, .prepare = have_stored,
	  .run = prefetch, .right = nothing_is_lost, .may = { ENOMEM, EFAULT }, .hits = PAGES);

static void clone_stored(struct world *w)
{
	have_stored(w);
	w->made = ioctl(w->fd, VMLAB_IOC_CLONE, &(struct vmlab_clone){ .flags = O_CLOEXEC });
	if (w->made < 0)
		broken("VMLAB_IOC_CLONE: %s\n", strerror(errno));
}

static int write_stored(struct world *w)
{
	return transfer(pwrite(w->made, "!", 1, 0), 1);
}

static bool stored_are_apart(struct world *w)
{
	char first = 0;

	return pread(w->made, &first, 1, 0) == 1 && first == '!' &&
	       reads_filled(w->fd, 0, LENGTH, 1);
}

OPERATION(write_shared_stored, .kind = ZERO, .touched = 1, .prepare = clone_stored,
	  .run = write_stored, .right = stored_are_apart, .may = { ENOMEM, EFAULT }, .hits = 3);

#endif
