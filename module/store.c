// SPDX-License-Identifier: GPL-2.0
/*
 * Where pages go that are evicted: what all stores have in common. A page that is one word
 * over and over takes no room, others are compressed where that pays, and what comes back is
 * compared with the checksum of what went.
 */
#include "store.h"

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "codec.h"

static const struct vmlab_store_ops *const types[] = { &vmlab_store_zs, &vmlab_store_file };

/* Is the page one word over and over? Its ends are compared first: most differ there. */
static bool is_same_filled(const unsigned long *words)
{
	const size_t nr = PAGE_SIZE / sizeof(*words);
	const unsigned long word = words[0];
	size_t i;

	if (likely(words[nr - 1] != word))
		return false;
	for (i = 0; i < nr; i += 4) {
		if (words[i] != word || words[i + 1] != word || words[i + 2] != word ||
		    words[i + 3] != word)
			return false;
	}
	return true;
}

/* Odd, with half of their bits set, as digits of pi are. */
#define MIX_A 0x243f6a8885a308d3
#define MIX_B 0x13198a2e03707345

/* Two words more: one to one in each of them, and in the state, while the others are the same. */
static __always_inline u64 mix(u64 state, const u64 *at)
{
	return (rol64(state ^ at[0], 29) + at[1]) * MIX_A;
}

/* Four sums do not wait for each other: one multiplication takes longer than to begin four. */
static __always_inline void mix_eight(u64 *sums, const u64 *at)
{
	sums[0] = mix(sums[0], at);
	sums[1] = mix(sums[1], at + 2);
	sums[2] = mix(sums[2], at + 4);
	sums[3] = mix(sums[3], at + 6);
}

/*
 * Tells whether bytes changed, not whether somebody changed them on purpose. Every load of a
 * page pays for it: this takes fewer instructions than xxh64(), and many fewer than
 * crc32c() where the processor has no help.
 */
static u32 checksum(const void *data, unsigned int length)
{
	u64 sums[4] = { length, MIX_A, MIX_B }, rest[8] = {}, sum;
	const u64 *at = data;
	unsigned int n;

	for (n = length / sizeof(rest); n; n--, at += ARRAY_SIZE(rest))
		mix_eight(sums, at);
	if (length % sizeof(rest)) {
		memcpy(rest, at, length % sizeof(rest));
		mix_eight(sums, rest);
	}
	sum = mix(mix(sums[0], &sums[1]), (u64[]){ sums[3], MIX_B });
	return sum >> 32 ^ sum;
}

/**
 * vmlab_store_new - make a store
 * @type: its kind: zs, file
 * @codec: how pages are compressed: see vmlab_codec_open(); NULL for the default
 * @file: where a store of that kind is to keep pages; else not used
 * @limit: how much may be in use, in bytes; U64_MAX for as much as there is
 *
 * Context: may sleep.
 * Return: the store, and vmlab_store_free() is due; or an ERR_PTR: -ENOENT for a type or codec
 * that there is not, -ENOMEM, or what the kind of store says.
 */
struct vmlab_store *vmlab_store_new(const char *type, const char *codec, struct file *file,
				    u64 limit)
{
	struct vmlab_codec *opened = NULL;
	struct vmlab_store *store;
	unsigned int i = 0;

	while (strcmp(type, types[i]->type)) {
		if (++i == ARRAY_SIZE(types))
			return ERR_PTR(-ENOENT);
	}
	if (types[i]->write)
		opened = vmlab_codec_open(codec);
	if (IS_ERR(opened))
		return ERR_CAST(opened);
	store = types[i]->create(file, limit);
	if (IS_ERR(store)) {
		if (opened)
			vmlab_codec_close(opened);
		return store;
	}
	store->ops = types[i];
	store->codec = opened;
	store->limit = limit;
	return store;
}

/**
 * vmlab_store_put_behind - make two stores one with two tiers
 * @store: one in memory, which is it from now on
 * @far: one in a file, to which pages go that this one has no room for; freed with it
 */
void vmlab_store_put_behind(struct vmlab_store *store, struct vmlab_store *far)
{
	store->far = far;
	store->wq = far->wq;
	store->read_wq = far->read_wq;
}

/* All copies have been dropped. May sleep. */
void vmlab_store_free(struct vmlab_store *store)
{
	struct vmlab_codec *codec = store->codec;

	WARN_ON_ONCE(atomic_long_read(&store->pages));
	if (store->far)
		vmlab_store_free(store->far);
	store->ops->destroy(store);
	if (codec)
		vmlab_codec_close(codec);
}

/* Keeps @length bytes at @data, which are what @flags say, as the copy. */
static int keep(struct vmlab_store *store, void *data, unsigned int length, unsigned int flags,
		struct vmlab_copy *copy)
{
	unsigned long handle;
	int ret = store->ops->write(store, data, length, &handle);

	if (unlikely(ret))
		return ret;
	copy->handle = handle;
	copy->checksum = checksum(data, length);
	copy->length = flags & VMLAB_COPY_RAW ? 0 : length;
	copy->flags = flags | VMLAB_COPY_VALID;
	atomic_long_add(length, &store->bytes);
	atomic_long_inc(&store->pages);
	return 0;
}

static int keep_raw(struct vmlab_store *store, void *data, struct vmlab_copy *copy)
{
	int ret = keep(store, data, PAGE_SIZE, VMLAB_COPY_RAW | VMLAB_COPY_HOPELESS, copy);

	if (!ret)
		atomic_long_inc(&store->incompressible);
	return ret;
}

static void keep_word(struct vmlab_store *store, unsigned long word, struct vmlab_copy *copy)
{
	copy->handle = word;
	copy->length = 0;
	copy->flags = VMLAB_COPY_SAME_FILLED | VMLAB_COPY_VALID;
	atomic_long_inc(&store->same_filled);
	atomic_long_inc(&store->pages);
}

/* Returns 1 if the page is not worth being compressed. */
static int keep_compressed(struct vmlab_store *store, void *data, struct vmlab_copy *copy)
{
	struct vmlab_codec_context *context = vmlab_codec_take(store->codec);
	unsigned int length = vmlab_codec_compress(store->codec, context, data, store->most);
	int ret = length ? keep(store, context->buffer, length, 0, copy) : 1;

	vmlab_codec_give(context);
	return ret;
}

/* Stores one page in a store that compresses. */
static int keep_page(struct vmlab_store *store, struct page *page, struct vmlab_copy *copy)
{
	void *data = kmap_local_page(page);
	int ret = 1;

	if (is_same_filled(data)) {
		keep_word(store, *(unsigned long *)data, copy);
		ret = 0;
	} else {
		if (!(copy->flags & VMLAB_COPY_HOPELESS))
			ret = keep_compressed(store, data, copy);
		if (ret > 0) {
			copy->flags |= VMLAB_COPY_HOPELESS;
			ret = keep_raw(store, data, copy);
		}
	}
	kunmap_local(data);
	return ret;
}

/* What can be done for a job without any input or output. Returns whether all is done. */
static bool prepare(struct vmlab_store *store, struct vmlab_store_job *job)
{
	void *data = kmap_local_page(job->page);
	bool done = is_same_filled(data);

	job->ret = 0;
	if (done)
		keep_word(store, *(unsigned long *)data, job->copy);
	else
		job->copy->checksum = checksum(data, PAGE_SIZE);
	kunmap_local(data);
	return done;
}

static void keep_pages(struct vmlab_store *store, struct vmlab_store_job *jobs, unsigned int nr)
{
	struct vmlab_store_job *left[VMLAB_STORE_BATCH];
	unsigned int i, nr_left = 0;

	for (i = 0; i < nr; i++) {
		if (!prepare(store, &jobs[i]))
			left[nr_left++] = &jobs[i];
	}
	if (nr_left)
		store->ops->write_pages(store, left, nr_left);
	for (i = 0; i < nr_left; i++) {
		if (left[i]->ret)
			continue;
		left[i]->copy->length = 0;
		left[i]->copy->flags |= VMLAB_COPY_RAW | VMLAB_COPY_VALID;
		atomic_long_add(PAGE_SIZE, &store->bytes);
		atomic_long_inc(&store->pages);
	}
}

/* What memory had no room for goes to the file at once. */
static void keep_far(struct vmlab_store *far, struct vmlab_store_job *jobs, unsigned int nr)
{
	struct vmlab_store_job left[VMLAB_STORE_BATCH];
	u8 of[VMLAB_STORE_BATCH];
	unsigned int i, nr_left = 0;

	for (i = 0; i < nr; i++) {
		if (!jobs[i].ret)
			continue;
		of[nr_left] = i;
		left[nr_left++] = jobs[i];
	}
	if (!nr_left)
		return;
	keep_pages(far, left, nr_left);
	for (i = 0; i < nr_left; i++) {
		jobs[of[i]].ret = left[i].ret;
		if (!left[i].ret)
			left[i].copy->flags |= VMLAB_COPY_FAR;
	}
}

/**
 * vmlab_store_pages - store copies of pages
 * @store: the store
 * @jobs: the pages, and what became of each
 * @nr: how many, at most VMLAB_STORE_BATCH
 *
 * Context: may sleep, for memory: without input or output of a store that does not wait, so
 * that it may be called while memory is reclaimed; but not by reclaim that an allocation here
 * began, so a shrinker leaves it alone where __GFP_FS is missing. By workers only if
 * vmlab_store_waits().
 */
void vmlab_store_pages(struct vmlab_store *store, struct vmlab_store_job *jobs, unsigned int nr)
{
	unsigned int i;

	if (store->ops->write_pages) {
		keep_pages(store, jobs, nr);
		return;
	}
	for (i = 0; i < nr; i++)
		jobs[i].ret = keep_page(store, jobs[i].page, jobs[i].copy);
	if (store->far)
		keep_far(store->far, jobs, nr);
}

/* Gets @data, which was checked, to be the page again. */
static bool unpack(struct vmlab_store *store, struct vmlab_codec_context *context,
		   const void *data, unsigned int length, void *page)
{
	if (context)
		return vmlab_codec_decompress(store->codec, context, data, length, page);
	if (data != page)
		copy_page(page, (void *)data);
	return true;
}

/* @context is NULL for what was not compressed, and needs no buffer but the page itself. */
static int fetch(struct vmlab_store *store, const struct vmlab_copy *copy,
		 struct vmlab_codec_context *context, void *page)
{
	unsigned int length = context ? copy->length : PAGE_SIZE;
	void *data = store->ops->map(store, copy->handle, length,
				     context ? context->buffer : page);
	int ret = 0;

	if (IS_ERR(data))
		return -EIO;
	if (unlikely(checksum(data, length) != copy->checksum ||
		     !unpack(store, context, data, length, page)))
		ret = -EIO;
	store->ops->unmap(store, copy->handle, length, data);
	return ret;
}

static void fill_page(struct page *page, unsigned long word)
{
	void *to = kmap_local_page(page);

	memset_l(to, word, PAGE_SIZE / sizeof(long));
	kunmap_local(to);
}

/* Fills a page with what is stored as it was. */
static int read_page(struct vmlab_store *store, const struct vmlab_copy *copy, struct page *page)
{
	int ret = store->ops->read_page(store, copy->handle, page);
	void *data;

	if (ret)
		return ret;
	data = kmap_local_page(page);
	if (unlikely(checksum(data, PAGE_SIZE) != copy->checksum))
		ret = -EIO;
	kunmap_local(data);
	return ret;
}

/* The same with what may be compressed, in memory. */
static int unpack_page(struct vmlab_store *store, const struct vmlab_copy *copy,
		       struct page *page)
{
	struct vmlab_codec_context *context = NULL;
	void *to = kmap_local_page(page);
	int ret;

	if (!(copy->flags & VMLAB_COPY_RAW))
		context = vmlab_codec_take(store->codec);
	ret = fetch(store, copy, context, to);
	if (context)
		vmlab_codec_give(context);
	kunmap_local(to);
	return ret;
}

/**
 * vmlab_store_is_far - is there a copy that only a worker can load
 * @store: the store
 * @copy: where it has it, or none
 *
 * Context: any; it may change unless the caller sees to it that it does not.
 */
bool vmlab_store_is_far(const struct vmlab_store *store, const struct vmlab_copy *copy)
{
	/* Who does not see to it that it stays wants a hint. */
	unsigned int flags = data_race(copy->flags);

	if (!(flags & VMLAB_COPY_VALID) || flags & VMLAB_COPY_SAME_FILLED)
		return false;
	return store->far ? flags & VMLAB_COPY_FAR : vmlab_store_waits(store);
}

/**
 * vmlab_store_load - get a page back
 * @store: the store
 * @copy: where it has it; stays
 * @page: the page to be filled, which nobody sees yet
 *
 * Context: may sleep. By workers only if vmlab_store_is_far().
 * Return: 0; -ENOMEM; or -EIO, counted, if what the store has is not what was stored, or cannot
 * be read. Then the content of @page is anything, and not to be shown to anyone.
 */
int vmlab_store_load(struct vmlab_store *store, const struct vmlab_copy *copy,
		     struct page *page)
{
	int ret = 0;

	if (copy->flags & VMLAB_COPY_FAR)
		store = store->far;
	if (copy->flags & VMLAB_COPY_SAME_FILLED)
		fill_page(page, copy->handle);
	else if (store->ops->read_page)
		ret = read_page(store, copy, page);
	else
		ret = unpack_page(store, copy, page);
	flush_dcache_page(page);
	if (unlikely(ret == -EIO))
		atomic_long_inc(&store->errors);
	return ret;
}

/**
 * vmlab_store_drop - forget a copy
 * @store: the store
 * @copy: where it has it; afterwards there is none, and the hint stays
 *
 * Context: any that may take a spinlock, but for interrupts.
 */
void vmlab_store_drop(struct vmlab_store *store, struct vmlab_copy *copy)
{
	bool raw = copy->flags & VMLAB_COPY_RAW;

	if (copy->flags & VMLAB_COPY_FAR)
		store = store->far;
	if (copy->flags & VMLAB_COPY_SAME_FILLED) {
		atomic_long_dec(&store->same_filled);
	} else {
		store->ops->drop(store, copy->handle);
		atomic_long_sub(raw ? PAGE_SIZE : copy->length, &store->bytes);
		if (raw && store->codec)
			atomic_long_dec(&store->incompressible);
	}
	atomic_long_dec(&store->pages);
	copy->flags &= VMLAB_COPY_HOPELESS;
}

/**
 * vmlab_store_bytes - how much of what is limited is in use
 * @store: the store
 *
 * More than the bytes that are stored: there are gaps between them.
 * Context: any.
 * Return: bytes; of a store with two tiers those of memory.
 */
u64 vmlab_store_bytes(struct vmlab_store *store)
{
	return store->ops->bytes(store);
}

/* The name of what compresses its pages. */
const char *vmlab_store_codec_name(const struct vmlab_store *store)
{
	return store->codec ? vmlab_codec_name(store->codec) : "none";
}
