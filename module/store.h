/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_STORE_H
#define VMLAB_STORE_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>

struct file;
struct page;
struct workqueue_struct;
struct vmlab_codec;
struct vmlab_store;

/* There is a copy. Nothing but the hint below means anything without. */
#define VMLAB_COPY_VALID BIT(0)
/* Of a page that is one word over and over: the word is the handle. */
#define VMLAB_COPY_SAME_FILLED BIT(1)
/* Of a page that was not compressed. */
#define VMLAB_COPY_RAW BIT(2)
/*
 * A hint: the page could not be compressed. It outlives the copy, and while it is there
 * nobody tries again. For the owner to take away, when it has reason to think that the page
 * is a different one by now.
 */
#define VMLAB_COPY_HOPELESS BIT(3)
/* Of a page that the file of a store with two tiers has. */
#define VMLAB_COPY_FAR BIT(4)

/**
 * struct vmlab_copy - where a store has a page
 * @handle: what the store knows it by
 * @checksum: of the bytes that are stored
 * @length: how many they are, unless %VMLAB_COPY_RAW: then they are a page
 * @flags: VMLAB_COPY_*, all clear at first
 *
 * Part of something of its owner's, who sees to it that calls about one copy do not overlap;
 * loads of it may.
 */
struct vmlab_copy {
	unsigned long handle;
	u32 checksum;
	u16 length;
	u16 flags;
};

/* Each page that a store has costs one. */
static_assert(sizeof(struct vmlab_copy) <= 16);

/**
 * struct vmlab_store_job - a page to be stored
 * @page: the page. Nobody writes to it meanwhile.
 * @copy: where there is none. Set; left alone, but for the hint, if it fails.
 * @ret: set to 0, and vmlab_store_drop() is due; or -ENOSPC where the store is full, -EBUSY as
 *	long as its file system is frozen, -ENOMEM, -EIO
 */
struct vmlab_store_job {
	struct page *page;
	struct vmlab_copy *copy;
	int ret;
};

/**
 * struct vmlab_store_ops - how a kind of store keeps bytes, or pages
 * @type: what users call it
 * @create: make one without content; @file and @limit are as for vmlab_store_new(). May
 *	sleep. An ERR_PTR if it cannot.
 * @destroy: the other way round, when nothing is stored. May sleep.
 * @batch: so many pages are best stored at once
 * @drop: forget a handle. May take spinlocks, no more.
 * @bytes: memory, or whatever is limited, that is in use. Any context.
 *
 * A store that compresses:
 * @write: keep @length bytes, at most a page, at @data, and set the handle. May sleep, but
 *	wait for no input or output that needs memory. -ENOSPC at the limit, -ENOMEM, -EIO.
 * @map: give access to the bytes of a handle, or a copy of them in @buffer, which has room for
 *	a page; aligned to words. May sleep; up to @unmap the caller may not. An ERR_PTR if it
 *	cannot.
 * @unmap: the other way round
 *
 * One that keeps pages as they are, where input and output are waited for. Both of these are
 * called by workers only, where no lock is held that a file system or a fault may want:
 * @write_pages: keep the pages of @nr jobs, set the handles of their copies, and results
 * @read_page: fill a page. 0, -EIO, -ENOMEM.
 *
 * What is done to content (compression, checksums) is none of their business.
 */
struct vmlab_store_ops {
	const char *type;
	struct vmlab_store *(*create)(struct file *file, u64 limit);
	void (*destroy)(struct vmlab_store *store);
	unsigned int batch;
	void (*write_pages)(struct vmlab_store *store, struct vmlab_store_job **jobs,
			    unsigned int nr);
	int (*read_page)(struct vmlab_store *store, unsigned long handle, struct page *page);
	int (*write)(struct vmlab_store *store, void *data, unsigned int length,
		     unsigned long *handle);
	void *(*map)(struct vmlab_store *store, unsigned long handle, unsigned int length,
		     void *buffer);
	void (*unmap)(struct vmlab_store *store, unsigned long handle, unsigned int length,
		      void *data);
	void (*drop)(struct vmlab_store *store, unsigned long handle);
	u64 (*bytes)(struct vmlab_store *store);
};

/**
 * struct vmlab_store - where pages go that are evicted
 * @ops: how it keeps bytes
 * @wq: where pages are evicted to a store that waits for input and output; else NULL. One that
 *	waits for ever keeps no other waiting.
 * @read_wq: where they come back from it. Who evicts may wait for a region's lock that somebody
 *	has who waits for a page: so that page never waits for a worker behind him.
 * @codec: how pages are compressed; NULL: they are not
 * @most: pages that are longer when compressed are stored as they are. Set by @create.
 * @far: the store in a file that stands behind this one, in memory, which is a store with two tiers
 *	then (tiers.c); else NULL. Both workqueues are that one's.
 * @limit: how much may be in use, in bytes; U64_MAX for as much as there is. May be changed
 *	at any time, by WRITE_ONCE(); what is stored stays.
 * @pages: pages that are stored, those below among them
 * @bytes: the bytes that these came to
 * @same_filled: those that are one word over and over
 * @incompressible: those that are stored as they are
 * @errors: how often a page could not be had back, or was not what it had been
 *
 * Embedded in what each kind of store has. No lock of its own.
 */
struct vmlab_store {
	const struct vmlab_store_ops *ops;
	struct workqueue_struct *wq;
	struct workqueue_struct *read_wq;
	struct vmlab_codec *codec;
	unsigned int most;
	struct vmlab_store *far;
	u64 limit;
	atomic_long_t pages;
	atomic_long_t bytes;
	atomic_long_t same_filled;
	atomic_long_t incompressible;
	atomic_long_t errors;
};

/* So many jobs at most are given to a store at once. */
#define VMLAB_STORE_BATCH 16

/* Must what it is asked for be asked for by workers, on its workqueues? @store may be NULL. */
static inline bool vmlab_store_waits(const struct vmlab_store *store)
{
	return store && store->wq;
}

/* So many jobs are best given to a store at once. */
static inline unsigned int vmlab_store_batch(const struct vmlab_store *store)
{
	return store->far ? store->far->ops->batch : store->ops->batch;
}

extern const struct vmlab_store_ops vmlab_store_zs;
extern const struct vmlab_store_ops vmlab_store_file;

void vmlab_store_zs_exit(void);

struct vmlab_store *vmlab_store_new(const char *type, const char *codec, struct file *file,
				    u64 limit);
void vmlab_store_free(struct vmlab_store *store);
void vmlab_store_put_behind(struct vmlab_store *store, struct vmlab_store *far);
void vmlab_store_pages(struct vmlab_store *store, struct vmlab_store_job *jobs,
		       unsigned int nr);
bool vmlab_store_is_far(const struct vmlab_store *store, const struct vmlab_copy *copy);
int vmlab_store_load(struct vmlab_store *store, const struct vmlab_copy *copy,
		     struct page *page);
void vmlab_store_drop(struct vmlab_store *store, struct vmlab_copy *copy);
u64 vmlab_store_bytes(struct vmlab_store *store);
const char *vmlab_store_codec_name(const struct vmlab_store *store);
struct file *vmlab_store_in_file(struct vmlab_store *store);

#endif
