/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_POOL_H
#define VMLAB_POOL_H

#include <linux/atomic.h>
#include <linux/refcount.h>
#include <linux/types.h>

/* A limit that is none. */
#define VMLAB_POOL_UNLIMITED LONG_MAX

/**
 * struct vmlab_pool - what the files of a mount have together
 * @refs: the mount has one, and each inode whose memory is not free yet: pages that carry
 *	the mapping of a region may outlive it, and the mount
 * @pages: pages that carry the mapping of one of its regions
 * @max_pages: so many are allowed. Changed by a remount, as @max_inodes.
 * @inodes: inodes, names beyond an inode's first, and extended attributes, which count as
 *	one for each %VMLAB_POOL_UNIT bytes
 * @max_inodes: so many are allowed
 * @huge: enum vmlab_huge_policy. Changed by a remount.
 * @next_ino: the last inode number that was given away
 *
 * No lock: each is counted only if it fits. A limit that is lowered while something
 * is counted may be exceeded by that.
 */
struct vmlab_pool {
	refcount_t refs;
	atomic_long_t pages;
	long max_pages;
	atomic_long_t inodes;
	long max_inodes;
	unsigned int huge;
	atomic_long_t next_ino;
};

#define VMLAB_POOL_UNIT 1024

void vmlab_pages_init(void);
u64 vmlab_pages_total(void);
u64 vmlab_pages_max(void);
u64 vmlab_pool_pages_left(struct vmlab_pool *pool);
u64 vmlab_pages_left(struct vmlab_pool *pool);
unsigned int vmlab_pool_charge(struct vmlab_pool *pool, unsigned int least, unsigned int nr);
void vmlab_pool_charge_anyway(struct vmlab_pool *pool, unsigned int nr);
void vmlab_pool_uncharge(struct vmlab_pool *pool, unsigned int nr);

struct vmlab_pool *vmlab_pool_new(long max_pages, long max_inodes, unsigned int huge);
struct vmlab_pool *vmlab_pool_get(struct vmlab_pool *pool);
void vmlab_pool_put(struct vmlab_pool *pool);
int vmlab_pool_take_inodes(struct vmlab_pool *pool, unsigned int nr);
void vmlab_pool_give_inodes(struct vmlab_pool *pool, unsigned int nr);

#endif
