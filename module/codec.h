/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_CODEC_H
#define VMLAB_CODEC_H

#include <linux/mutex.h>
#include <linux/types.h>

struct vmlab_codec;

/**
 * struct vmlab_codec_context - what compressing a page takes, beside the page
 * @lock: held by whoever uses it, from vmlab_codec_take() to vmlab_codec_give()
 * @buffer: what was compressed is left here; free for other use otherwise. Has room for a
 *	page, and for what a page can grow to.
 * @work: the codec's own
 * @zstd_compress: zstd's two contexts, both in @work
 * @zstd_decompress: see there
 */
struct vmlab_codec_context {
	struct mutex lock;
	void *buffer;
	void *work;
	void *zstd_compress;
	void *zstd_decompress;
};

struct vmlab_codec *vmlab_codec_open(const char *name);
void vmlab_codec_close(struct vmlab_codec *codec);
const char *vmlab_codec_name(const struct vmlab_codec *codec);

struct vmlab_codec_context *vmlab_codec_take(struct vmlab_codec *codec);
void vmlab_codec_give(struct vmlab_codec_context *context);
unsigned int vmlab_codec_compress(const struct vmlab_codec *codec,
				  struct vmlab_codec_context *context, const void *page,
				  unsigned int most);
bool vmlab_codec_decompress(const struct vmlab_codec *codec,
			    struct vmlab_codec_context *context, const void *data,
			    unsigned int length, void *page);

#endif
