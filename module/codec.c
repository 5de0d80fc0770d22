// SPDX-License-Identifier: GPL-2.0
/*
 * Compressing pages, by the kernel's own libraries.
 *
 * They are called directly and not through the crypto API: all of them are there for modules
 * on every kernel, and zstd can be told that all it will see is a page, which makes its tables,
 * cleared for each page, a sixteenth of what they are for input of any length.
 */
#include "codec.h"

#include <linux/build_bug.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/lz4.h>
#include <linux/lzo.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/zstd.h>

/* No codec makes more of a page than LZO may, whose compressor knows no limit. */
#define BUFFER ALIGN(lzo1x_worst_compress(PAGE_SIZE), 64)

/* zstd's own default. */
#define ZSTD_LEVEL 3

/**
 * struct vmlab_codec - a way to compress pages
 * @name: what users call it
 * @work_bytes: memory that a context has for it
 * @prepare: does what is to be done once to a context, or is NULL. False: it cannot be used.
 * @compress: compresses a page to at most @most bytes of the context's buffer; returns how
 *	many, or 0 if they are not enough. May return more, up to the size of the buffer.
 * @decompress: the other way round. False: @data is not what becomes of a page.
 * @users: who has it open
 * @nr: how many contexts there are, while there are users
 * @contexts: the contexts
 *
 * The last three change under codecs_lock. Who has the codec open reads the last two without.
 */
struct vmlab_codec {
	const char *name;
	size_t (*work_bytes)(void);
	bool (*prepare)(struct vmlab_codec_context *context);
	unsigned int (*compress)(struct vmlab_codec_context *context, const void *page,
				 unsigned int most);
	bool (*decompress)(struct vmlab_codec_context *context, const void *data,
			   unsigned int length, void *page);
	unsigned long users;
	unsigned int nr;
	struct vmlab_codec_context **contexts;
};

static DEFINE_MUTEX(codecs_lock);

static size_t lz4_work_bytes(void)
{
	return LZ4_MEM_COMPRESS;
}

/* Where it cannot run out of room it does not ask whether there is any: a fourteenth less. */
static unsigned int lz4_compress(struct vmlab_codec_context *context, const void *page,
				 unsigned int most)
{
	BUILD_BUG_ON(LZ4_COMPRESSBOUND(PAGE_SIZE) > BUFFER);
	return LZ4_compress_default(page, context->buffer, PAGE_SIZE, BUFFER, context->work);
}

static bool lz4_decompress(struct vmlab_codec_context *context, const void *data,
			   unsigned int length, void *page)
{
	return LZ4_decompress_safe(data, page, length, PAGE_SIZE) == PAGE_SIZE;
}

static size_t lzo_work_bytes(void)
{
	return LZO1X_MEM_COMPRESS;
}

static unsigned int lzo_rle_compress(struct vmlab_codec_context *context, const void *page,
				     unsigned int most)
{
	size_t length;

	if (lzorle1x_1_compress(page, PAGE_SIZE, context->buffer, &length, context->work))
		return 0;
	return length;
}

static bool lzo_decompress(struct vmlab_codec_context *context, const void *data,
			   unsigned int length, void *page)
{
	size_t size = PAGE_SIZE;

	return lzo1x_decompress_safe(data, length, page, &size) == LZO_E_OK && size == PAGE_SIZE;
}

static zstd_parameters zstd_page_params(void)
{
	return zstd_get_params(ZSTD_LEVEL, PAGE_SIZE);
}

/* zstd aligns what it puts into a workspace to 8 bytes. */
static size_t zstd_compress_bytes(void)
{
	zstd_parameters params = zstd_page_params();

	return ALIGN(zstd_cctx_workspace_bound(&params.cParams), 64);
}

static size_t zstd_work_bytes(void)
{
	return zstd_compress_bytes() + zstd_dctx_workspace_bound();
}

static bool zstd_prepare(struct vmlab_codec_context *context)
{
	size_t bytes = zstd_compress_bytes();

	context->zstd_compress = zstd_init_cctx(context->work, bytes);
	context->zstd_decompress = zstd_init_dctx(context->work + bytes,
						  zstd_dctx_workspace_bound());
	return context->zstd_compress && context->zstd_decompress;
}

static unsigned int zstd_compress_page(struct vmlab_codec_context *context, const void *page,
				       unsigned int most)
{
	zstd_parameters params = zstd_page_params();
	size_t length = zstd_compress_cctx(context->zstd_compress, context->buffer, most, page,
					   PAGE_SIZE, &params);

	return zstd_is_error(length) ? 0 : length;
}

static bool zstd_decompress_page(struct vmlab_codec_context *context, const void *data,
				 unsigned int length, void *page)
{
	return zstd_decompress_dctx(context->zstd_decompress, page, PAGE_SIZE, data,
				    length) == PAGE_SIZE;
}

/* The first is the default. */
static struct vmlab_codec codecs[] = {
	{ .name = "lz4",
	  .work_bytes = lz4_work_bytes,
	  .compress = lz4_compress,
	  .decompress = lz4_decompress },
	{ .name = "zstd",
	  .work_bytes = zstd_work_bytes,
	  .prepare = zstd_prepare,
	  .compress = zstd_compress_page,
	  .decompress = zstd_decompress_page },
	{ .name = "lzo-rle",
	  .work_bytes = lzo_work_bytes,
	  .compress = lzo_rle_compress,
	  .decompress = lzo_decompress },
};

/* A context, its buffer and its work memory are one piece. */
static struct vmlab_codec_context *new_context(const struct vmlab_codec *codec)
{
	size_t head = ALIGN(sizeof(struct vmlab_codec_context), 64);
	struct vmlab_codec_context *context = vzalloc(head + BUFFER + codec->work_bytes());

	if (!context)
		return NULL;
	context->buffer = (void *)context + head;
	context->work = context->buffer + BUFFER;
	mutex_init(&context->lock);
	if (codec->prepare && !codec->prepare(context)) {
		vfree(context);
		return NULL;
	}
	return context;
}

static void free_contexts(struct vmlab_codec *codec)
{
	while (codec->nr)
		vfree(codec->contexts[--codec->nr]);
	kfree(codec->contexts);
	codec->contexts = NULL;
}

static bool make_contexts(struct vmlab_codec *codec)
{
	unsigned int nr = num_online_cpus();

	codec->contexts = kcalloc(nr, sizeof(*codec->contexts), GFP_KERNEL);
	if (!codec->contexts)
		return false;
	while (codec->nr < nr) {
		codec->contexts[codec->nr] = new_context(codec);
		if (!codec->contexts[codec->nr]) {
			free_contexts(codec);
			return false;
		}
		codec->nr++;
	}
	return true;
}

/**
 * vmlab_codec_open - have a codec ready to be used
 * @name: lz4, zstd or lzo-rle; NULL for the default, which is lz4
 *
 * Its first user makes as many contexts as there are CPUs, of 21 KiB each (zstd: about 200),
 * which all its users share.
 * Context: may sleep.
 * Return: the codec, and vmlab_codec_close() is due; or an ERR_PTR: -ENOENT for a name that
 * there is not, -ENOMEM.
 */
struct vmlab_codec *vmlab_codec_open(const char *name)
{
	struct vmlab_codec *codec = codecs;

	while (name && strcmp(name, codec->name)) {
		if (++codec == codecs + ARRAY_SIZE(codecs))
			return ERR_PTR(-ENOENT);
	}
	mutex_lock(&codecs_lock);
	if (codec->users || make_contexts(codec))
		codec->users++;
	else
		codec = ERR_PTR(-ENOMEM);
	mutex_unlock(&codecs_lock);
	return codec;
}

/* Its last user takes the contexts along; nobody has one taken. May sleep. */
void vmlab_codec_close(struct vmlab_codec *codec)
{
	mutex_lock(&codecs_lock);
	if (!--codec->users)
		free_contexts(codec);
	mutex_unlock(&codecs_lock);
}

const char *vmlab_codec_name(const struct vmlab_codec *codec)
{
	return codec->name;
}

/**
 * vmlab_codec_take - have a context for oneself
 * @codec: the codec, which the caller has open
 *
 * That of this CPU, or another that is free, or else this CPU's when it is free again. It
 * stays the caller's on whatever CPU, and he may sleep meanwhile: in an allocation,
 * but in none that could come back here, by way of a shrinker say.
 * Context: may sleep.
 * Return: the context, and vmlab_codec_give() is due.
 */
struct vmlab_codec_context *vmlab_codec_take(struct vmlab_codec *codec)
{
	unsigned int nr = codec->nr, mine = raw_smp_processor_id() % nr, i;

	for (i = 0; i < nr; i++) {
		struct vmlab_codec_context *context = codec->contexts[(mine + i) % nr];

		if (likely(mutex_trylock(&context->lock)))
			return context;
	}
	mutex_lock(&codec->contexts[mine]->lock);
	return codec->contexts[mine];
}

void vmlab_codec_give(struct vmlab_codec_context *context)
{
	mutex_unlock(&context->lock);
}

/**
 * vmlab_codec_compress - compress a page
 * @codec: the codec
 * @context: a context of its, taken by the caller
 * @page: the address of the page
 * @most: the most bytes that are of use to the caller, at most a page
 *
 * Context: any, with a context.
 * Return: how many bytes of the context's buffer are the compressed page; 0 if it would be
 * more than @most.
 */
unsigned int vmlab_codec_compress(const struct vmlab_codec *codec,
				  struct vmlab_codec_context *context, const void *page,
				  unsigned int most)
{
	unsigned int length = codec->compress(context, page, most);

	return length <= most ? length : 0;
}

/**
 * vmlab_codec_decompress - get a page back
 * @codec: the codec that compressed it
 * @context: a context of its, taken by the caller; the buffer is not touched
 * @data: the compressed page
 * @length: its length in bytes
 * @page: the address of the page to be filled
 *
 * Whatever @data is, nothing beyond it is read and nothing beyond the page written.
 * Context: any, with a context.
 * Return: whether it was one; if not, the content of @page is anything.
 */
bool vmlab_codec_decompress(const struct vmlab_codec *codec,
			    struct vmlab_codec_context *context, const void *data,
			    unsigned int length, void *page)
{
	return codec->decompress(context, data, length, page);
}
