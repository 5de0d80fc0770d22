/* SPDX-License-Identifier: GPL-2.0 */
/* Pages that leave memory and come back, with failures. */
#ifndef VMLAB_FAILNTH_SWAP_H
#define VMLAB_FAILNTH_SWAP_H

#include "failnth_clone.h"
#include "failnth_fork.h"
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

/* The first page to go: its pool gets a policy and a store, and to know of its pages. */
OPERATION(ioctl_advise_evict_first, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = evict,
	  .right = nothing_is_lost, .may = { ENOMEM, EFAULT }, .hits = 16);

/* The kernel wants memory, and asks all that can give some. */
static int reclaim(struct world *w)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC), ret;

	(void)w;
	if (fd < 0)
		return errno;
	ret = transfer(write(fd, "2", 1), 1);
	close(fd);
	return ret;
}

OPERATION(reclaim, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .prepare = have_pool,
	  .run = reclaim, .right = nothing_is_lost, .may = { ENOMEM, EFAULT }, .hits = PAGES);

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
	  .run = read_stored, .right = nothing_is_lost, .hits = 1);

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
	clone_it(w);
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

/* Copies of several pages that are in memory. */
static void clone_in_pool(struct world *w)
{
	have_pool(w);
	clone_it(w);
}

OPERATION(cow_store_in_pool, .kind = ZERO, .map = MAP_SHARED, .touched = 1,
	  .prepare = clone_in_pool, .run = touch_writing, .right = stored_apart, .hits = 6);

OPERATION(fork_cow_stored, .kind = COW, .map = MAP_SHARED, .touched = 1,
	  .prepare = have_stored, .run = fork_copied, .right = mapping_is_copied,
	  .may = { ENOMEM, EAGAIN, TRAPPED }, .hits = 20);

/* What a pool is asked. */

static int ask_pool(struct world *w)
{
	struct vmlab_pool_stat stat;

	return outcome(ioctl(w->fd, VMLAB_IOC_POOL_STAT, &stat));
}

OPERATION(ioctl_pool_stat, .kind = ZERO, .touched = 1, .prepare = have_pool, .run = ask_pool,
	  .right = is_set, .may = { EFAULT }, .hits = 1, .pure = true);

static int measure(struct world *w)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_POOL_SET, &(struct vmlab_pool_set){
		.what = VMLAB_POOL_LATENCY, .latency = 1,
	}));
}

static bool is_measured(struct world *w)
{
	struct vmlab_pool_stat stat;

	return !ioctl(w->fd, VMLAB_IOC_POOL_STAT, &stat) && stat.latency && !stat.policy[0];
}

/* It gets an id. */
OPERATION(ioctl_pool_set_latency, .kind = ZERO, .touched = 1, .run = measure,
	  .right = is_measured, .may = { ENOMEM, EFAULT }, .hits = 2);

static struct vmlab_pool_stat got_pool;

static int ask_pools(struct world *w)
{
	struct vmlab_pool_stat own;
	struct vmlab_list list = {
		.buffer = (uintptr_t)&got_pool, .count = 1, .entry_size = sizeof(got_pool),
	};

	if (ioctl(w->fd, VMLAB_IOC_POOL_STAT, &own))
		return errno;
	list.cursor = own.id;
	return outcome(ioctl(w->fd, VMLAB_IOC_POOL_LIST, &list));
}

static bool pool_is_listed(struct world *w)
{
	return is_set(w) && got_pool.id && got_pool.budget == VMLAB_POOL_BUDGET_MIN;
}

OPERATION(ioctl_pool_list, .kind = ZERO, .touched = 1, .prepare = have_pool, .run = ask_pools,
	  .right = pool_is_listed, .may = { EFAULT }, .hits = 4, .pure = true);

static void have_come_back(struct world *w)
{
	have_pool(w);
	if (evict(w) || !reads_filled(w->fd, 0, LENGTH, 1))
		broken("pages did not come back: %s\n", strerror(errno));
}

static struct vmlab_histogram got_histograms[VMLAB_HISTOGRAMS];

static int ask_histograms(struct world *w)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_POOL_HISTOGRAMS, &(struct vmlab_pool_histograms){
		.buffer = (uintptr_t)got_histograms,
		.count = VMLAB_HISTOGRAMS,
		.entry_size = sizeof(got_histograms[0]),
	}));
}

static bool distances_are_right(struct world *w)
{
	const struct vmlab_histogram *distances = &got_histograms[VMLAB_HISTOGRAM_DISTANCE];
	__u64 sum = 0;

	for (int i = 0; i < VMLAB_HISTOGRAM_BUCKETS; i++)
		sum += distances->counts[i];
	return sum == PAGES && distances->sum == PAGES * (PAGES - 1) / 2 && is_set(w);
}

OPERATION(ioctl_pool_histograms, .kind = ZERO, .touched = 1, .prepare = have_come_back,
	  .run = ask_histograms, .right = distances_are_right, .may = { EFAULT },
	  .hits = VMLAB_HISTOGRAMS + 2, .pure = true);

/* A policy with room for more pages. */
static int raise_budget(struct world *w)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_POOL_SET, &(struct vmlab_pool_set){
		.what = VMLAB_POOL_BUDGET, .budget = 64 * VMLAB_POOL_BUDGET_MIN,
	}));
}

static void have_lirs(struct world *w)
{
	have_pool(w);
	if (set_policy(w))
		broken("VMLAB_IOC_POOL_SET: %s\n", strerror(errno));
}

static bool budget_is_raised(struct world *w)
{
	struct vmlab_pool_stat stat;

	return !ioctl(w->fd, VMLAB_IOC_POOL_STAT, &stat) &&
	       stat.budget == 64 * VMLAB_POOL_BUDGET_MIN && reads_filled(w->fd, 0, LENGTH, 1);
}

OPERATION(ioctl_pool_set_budget, .kind = ZERO, .touched = 1, .prepare = have_lirs,
	  .run = raise_budget, .right = budget_is_raised, .may = { ENOMEM, EFAULT }, .hits = 1,
	  .pure = true);

static int advise_all(struct world *w, __u32 advice)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_ADVISE, &(struct vmlab_advise){
		.length = LENGTH, .advice = advice,
	}));
}

static int pin_all(struct world *w)
{
	return advise_all(w, VMLAB_ADVISE_PIN);
}

static bool nothing_leaves(struct world *w)
{
	return !evict(w) && region_stat(w->fd).stored == 0 && reads_filled(w->fd, 0, LENGTH, 1);
}

/* Those that are stored are brought in for it. */
OPERATION(ioctl_advise_pin, .kind = ZERO, .touched = 1, .prepare = have_stored, .run = pin_all,
	  .right = nothing_leaves, .may = { ENOMEM, EFAULT }, .hits = PAGES);

static void have_pinned(struct world *w)
{
	have_pool(w);
	if (pin_all(w))
		broken("VMLAB_ADVISE_PIN: %s\n", strerror(errno));
}

static int unpin_all(struct world *w)
{
	return advise_all(w, VMLAB_ADVISE_UNPIN);
}

static bool all_leave(struct world *w)
{
	return !evict(w) && region_stat(w->fd).stored == PAGES &&
	       reads_filled(w->fd, 0, LENGTH, 1);
}

OPERATION(ioctl_advise_unpin, .kind = ZERO, .touched = 1, .prepare = have_pinned,
	  .run = unpin_all, .right = all_leave, .may = { EFAULT }, .hits = 1);

static int forget_uses(struct world *w)
{
	return advise_all(w, VMLAB_ADVISE_COLD);
}

OPERATION(ioctl_advise_cold, .kind = ZERO, .map = MAP_SHARED, .touched = 1,
	  .prepare = have_pool, .run = forget_uses, .right = nothing_is_lost,
	  .may = { EFAULT }, .hits = 1);

/* A budget that is used up: pages leave by a worker, as others come. */
#define MUCH (3 * VMLAB_POOL_BUDGET_MIN)

static int write_much(struct world *w)
{
	static char content[MUCH];
	int ret;

	fill(content, MUCH, 1);
	ret = transfer(pwrite(w->fd, content, MUCH, 0), MUCH);
	/* The worker has made room for one page more, unless it could not. */
	(void)EVENTUALLY(region_resident(w->fd) * PAGE < VMLAB_POOL_BUDGET_MIN);
	return ret;
}

static bool much_is_there(struct world *w)
{
	return reads_filled(w->fd, 0, MUCH, 1);
}

OPERATION(worker_evict, .kind = FRESH, .worker = true, .prepare = have_pool, .run = write_much,
	  .right = much_is_there, .hits = 1);

#endif
