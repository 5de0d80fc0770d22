/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_POOL_H
#define VMLAB_POOL_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct vmlab_cpu_latency;
struct vmlab_histogram;
struct vmlab_list;
struct vmlab_policy;
struct vmlab_pool_histograms;
struct vmlab_pool_set;
struct vmlab_pool_stat;
struct vmlab_region;
struct vmlab_store;
struct vmlab_tiers;
struct vmlab_workingset;

/* Faults of regions that have left a pool: the counters of each that go on counting for it. */
enum vmlab_pool_counter {
	VMLAB_POOL_FAULTS,
	VMLAB_POOL_FIRST_TOUCH,
	VMLAB_POOL_REFAULT,
	VMLAB_POOL_COW_FAULTS,
	VMLAB_POOL_SWAP_FAULTS,
	VMLAB_POOL_NR_COUNTERS,
};

/* A limit that is none. */
#define VMLAB_POOL_UNLIMITED LONG_MAX

/**
 * struct vmlab_pool - what a region and its clones, or the files of a mount, have together
 * @refs: the mount has one, and each inode whose memory is not free yet: pages that carry
 *	the mapping of a region may outlive it, and the mount
 * @pages: pages that its regions have, in memory or not; what several have counts once
 * @max_pages: so many are allowed. Changed by a remount, as @max_inodes.
 * @inodes: inodes, names beyond an inode's first, and extended attributes, which count as
 *	one for each %VMLAB_POOL_UNIT bytes
 * @max_inodes: so many are allowed
 * @mounted: it is that of a mount, which may have other people's files
 * @huge: enum vmlab_huge_policy. Changed by a remount.
 * @next_ino: the last inode number that was given away
 * @slots_lock: see struct vmlab_index
 * @regions_lock: protects @regions; inside invalidate_lock
 * @regions: those with the pool
 * @gone: what those that were have counted; under regions_lock
 * @frames: pages that are in memory and carry the mapping of one of its regions
 * @budget: so many are allowed, if that can be reached by swapping
 * @low: if fewer more are allowed, pages are reclaimed in the background
 * @high: until so many are
 * @swapping: it has a policy and a store, or had. Never taken back.
 * @knows_all: it knows of all pages, but for huge ones, that were there before that; under
 *	config_lock
 * @policy: chooses the pages that go
 * @policy_lock: protects it
 * @pinned: pages that it does not know of, as they are to stay; under policy_lock, too
 * @store: where they go
 * @tiers: which of them are in its first tier; NULL: it has but one
 * @workingset: how far they were from staying; under policy_lock
 * @reclaim_lock: whoever reclaims has it; inside mmap_lock, outside invalidate_lock
 * @config_lock: serializes changes of @budget and of @policy
 * @reclaim_work: reclaims in the background; has a reference while it is queued
 * @wanted: pages that it is to reclaim in any case
 * @pressed: pages that the kernel wants to leave, beside those that the budget wants to
 * @refused_memory: there was none under a lock of a region's; without, it is to be waited for
 * @rounds: how often it has looked what is to be done, and done it
 * @stuck: how often it could do nothing
 * @hard_pressed: so it was the last time; its own
 * @room: who waits for a round
 * @free_work: frees the pool
 * @id: names it, when something of it was set; key in the table of those pools. 0 before.
 * @uid: who has set something first
 * @timed: latencies of faults are measured; under config_lock
 * @latency: they are counted there. Never taken back.
 * @evicted: pages that were evicted
 * @refused: pages that were to be and could not: they were in use, or the store failed
 * @store_full: how often the store had no room for one
 * @frozen: the store's file system was, when last written to
 * @store_errors: how often the store failed
 *
 * No lock for what is counted: each is counted only if it fits. A limit that is lowered while
 * something is counted may be exceeded by that.
 */
struct vmlab_pool {
	refcount_t refs;
	atomic_long_t pages;
	long max_pages;
	atomic_long_t inodes;
	long max_inodes;
	bool mounted;
	unsigned int huge;
	atomic_long_t next_ino;

	spinlock_t slots_lock;
	struct mutex regions_lock;
	struct list_head regions;
	u64 gone[VMLAB_POOL_NR_COUNTERS];

	atomic_long_t frames;
	long budget;
	long low;
	long high;
	bool swapping;
	bool knows_all;
	struct vmlab_policy *policy;
	spinlock_t policy_lock;
	long pinned;
	struct vmlab_store *store;
	struct vmlab_tiers *tiers;
	struct vmlab_workingset *workingset;
	struct mutex reclaim_lock;
	struct mutex config_lock;
	struct work_struct reclaim_work;
	atomic_long_t wanted;
	atomic_long_t pressed;
	bool refused_memory;
	unsigned int rounds;
	unsigned int stuck;
	bool hard_pressed;
	wait_queue_head_t room;
	struct work_struct free_work;
	u32 id;
	kuid_t uid;
	bool timed;
	struct vmlab_cpu_latency __percpu *latency;
	atomic_long_t evicted;
	atomic_long_t refused;
	atomic_long_t store_errors;
	atomic_long_t store_full;
	bool frozen;
};

#define VMLAB_POOL_UNIT 1024

/* How pages are asked for, and what else comes with them: they are charged to who wants them. */
#define VMLAB_GFP (GFP_USER | __GFP_ACCOUNT)

/* So many pages more may come into memory before its budget is reached. */
static inline long vmlab_pool_frames_left(const struct vmlab_pool *pool)
{
	return READ_ONCE(pool->budget) - atomic_long_read(&pool->frames);
}

/* May a page come that nobody waits for: one that nothing has to be reclaimed for? */
static inline bool vmlab_pool_has_spare(const struct vmlab_pool *pool)
{
	return vmlab_pool_frames_left(pool) > READ_ONCE(pool->low);
}

int vmlab_pages_init(void);
void vmlab_pages_exit(void);
u64 vmlab_pages_total(void);
u64 vmlab_pages_max(void);
u64 vmlab_pool_pages_left(struct vmlab_pool *pool);
u64 vmlab_pages_left(struct vmlab_pool *pool);
unsigned int vmlab_pool_charge(struct vmlab_pool *pool, unsigned int least, unsigned int nr);
void vmlab_pool_charge_anyway(struct vmlab_pool *pool, unsigned int nr);
void vmlab_pool_uncharge(struct vmlab_pool *pool, unsigned int nr);
bool vmlab_pool_has_room(const struct vmlab_pool *pool);
gfp_t vmlab_pool_gfp(const struct vmlab_pool *pool);
int vmlab_pool_no_memory(struct vmlab_pool *pool, gfp_t gfp);
int vmlab_pool_full_error(const struct vmlab_pool *pool);
bool vmlab_pool_charge_frame(struct vmlab_pool *pool);
void vmlab_pool_charge_frame_anyway(struct vmlab_pool *pool);
void vmlab_pool_uncharge_frame(struct vmlab_pool *pool);
void vmlab_pool_uncharge_content(struct vmlab_pool *pool);
void vmlab_pool_wake_reclaim(struct vmlab_pool *pool);
void vmlab_pool_join(struct vmlab_region *region);
void vmlab_pool_leave(struct vmlab_region *region);

int vmlab_pool_set(struct vmlab_pool *pool, const struct vmlab_pool_set *set, struct file *file);
int vmlab_pool_begin(struct vmlab_pool *pool);

void vmlab_pool_count_faults(const struct vmlab_region *region, u64 *sums);
void vmlab_pool_stat(struct vmlab_pool *pool, struct vmlab_pool_stat *stat);
int vmlab_pool_histograms(struct vmlab_pool *pool, struct vmlab_pool_histograms *histograms);

int vmlab_pool_register(struct vmlab_pool *pool);
void vmlab_pool_unregister(struct vmlab_pool *pool);
int vmlab_pool_list(struct vmlab_list *list);

struct vmlab_pool *vmlab_pool_new(long max_pages, long max_inodes, unsigned int huge);
struct vmlab_pool *vmlab_pool_get(struct vmlab_pool *pool);
void vmlab_pool_put(struct vmlab_pool *pool);
int vmlab_pool_take_inodes(struct vmlab_pool *pool, unsigned int nr);
void vmlab_pool_give_inodes(struct vmlab_pool *pool, unsigned int nr);

#endif
