// SPDX-License-Identifier: GPL-2.0
/* The store in memory: zsmalloc packs what pages were compressed to into other pages. */
#include "store.h"

#include <linux/container_of.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/numa.h>
#include <linux/slab.h>
#include <linux/zsmalloc.h>

#include "compat.h"

/*
 * Memory is asked for while memory is being reclaimed: no input or output, and no insisting;
 * a page that is not stored stays where it is. Whether reserves may be used is for the
 * caller to say (PF_MEMALLOC). No memory cgroup is charged: one at its limit could store nothing.
 * zsmalloc can move what it has, so that it may be where memory is to stay movable.
 */
#define ZS_GFP (GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN | __GFP_HIGHMEM | __GFP_MOVABLE)

struct zs_store {
	struct vmlab_store store;
	struct zs_pool *pool;
};

/* Pools of zsmalloc that nobody has. */
#define SPARES 8

/*
 * Kept for who comes next: on 6.1 a pool cannot be made while one is on its way out, as
 * their slab caches have one name. @lock protects the others.
 */
static struct {
	struct mutex lock;
	unsigned int nr;
	struct zs_pool *pools[SPARES];
} spare = {
	.lock = __MUTEX_INITIALIZER(spare.lock),
};

static struct zs_pool *new_pool(void)
{
	struct zs_pool *pool = NULL;
	unsigned int tries;

	mutex_lock(&spare.lock);
	if (spare.nr)
		pool = spare.pools[--spare.nr];
	mutex_unlock(&spare.lock);
	for (tries = 5; !pool && tries; tries--) {
		pool = zs_create_pool("vmlab");
		if (!pool && tries > 1)
			msleep(20);
	}
	return pool;
}

static void free_pool(struct zs_pool *pool)
{
	mutex_lock(&spare.lock);
	if (spare.nr < SPARES) {
		spare.pools[spare.nr++] = pool;
		pool = NULL;
	}
	mutex_unlock(&spare.lock);
	if (pool)
		zs_destroy_pool(pool);
}

/* There is no store any more. May sleep. */
void vmlab_store_zs_exit(void)
{
	while (spare.nr)
		zs_destroy_pool(spare.pools[--spare.nr]);
}

static struct zs_pool *pool_of(struct vmlab_store *store)
{
	return container_of(store, struct zs_store, store)->pool;
}

static struct vmlab_store *create(struct file *file, u64 limit)
{
	struct zs_store *zs = kzalloc(sizeof(*zs), GFP_KERNEL);

	if (!zs)
		return ERR_PTR(-ENOMEM);
	zs->pool = new_pool();
	if (!zs->pool) {
		kfree(zs);
		return ERR_PTR(-ENOMEM);
	}
	/* From here on an object has a page for itself, as an uncompressed one has. */
	zs->store.most = min_t(size_t, zs_huge_class_size(zs->pool), PAGE_SIZE) - 1;
	return &zs->store;
}

static void destroy(struct vmlab_store *store)
{
	struct zs_store *zs = container_of(store, struct zs_store, store);

	free_pool(zs->pool);
	kfree(zs);
}

static u64 bytes(struct vmlab_store *store)
{
	return (u64)zs_get_total_pages(pool_of(store)) << PAGE_SHIFT;
}

/*
 * Is there more than the limit allows? Then objects are moved together if that gives back any
 * pages. It costs little if it does not.
 */
static bool over_limit(struct vmlab_store *store)
{
	u64 limit = READ_ONCE(store->limit);

	return unlikely(bytes(store) > limit) &&
	       (!zs_compact(pool_of(store)) || bytes(store) > limit);
}

/*
 * An object that fits into pages that are there is welcome up to the limit; otherwise there
 * are a few pages too many, for a moment: which it will be is not known before.
 */
static int write(struct vmlab_store *store, void *data, unsigned int length,
		 unsigned long *handle)
{
	struct zs_pool *pool = pool_of(store);

	*handle = zs_malloc(pool, length, ZS_GFP, NUMA_NO_NODE);
	if (IS_ERR_VALUE(*handle))
		return -ENOMEM;
	if (over_limit(store)) {
		zs_free(pool, *handle);
		return -ENOSPC;
	}
	zs_obj_write(pool, *handle, data, length);
	return 0;
}

static void *map(struct vmlab_store *store, unsigned long handle, unsigned int length,
		 void *buffer)
{
	return zs_obj_read_begin(pool_of(store), handle, length, buffer);
}

static void unmap(struct vmlab_store *store, unsigned long handle, unsigned int length,
		  void *data)
{
	zs_obj_read_end(pool_of(store), handle, length, data);
}

static void drop(struct vmlab_store *store, unsigned long handle)
{
	zs_free(pool_of(store), handle);
}

const struct vmlab_store_ops vmlab_store_zs = {
	.type = "zs",
	.create = create,
	.destroy = destroy,
	.batch = 1,
	.write = write,
	.map = map,
	.unmap = unmap,
	.drop = drop,
	.bytes = bytes,
};
