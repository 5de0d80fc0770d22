// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "trace_input.h"

struct file_input {
	struct input input;	/* data is in @buffer */
	FILE *file;
	ZSTD_DCtx *zstd;	/* NULL: it is not compressed */
	ZSTD_inBuffer packed;	/* compressed bytes, in @raw */
	size_t wanted;		/* by zstd: 0 between frames */
	uint8_t raw[64 * 1024];
	uint8_t buffer[INPUT_ROOM];
};

static size_t read_file(struct file_input *in, void *buffer, size_t room)
{
	size_t got = fread(buffer, 1, room, in->file);

	if (got < room && ferror(in->file))
		in->input.error = "it cannot be read";
	return got;
}

/* More bytes into the buffer, of which @used are used. Returns how many; 0: the end. */
static size_t unpack(struct file_input *in, size_t used)
{
	ZSTD_outBuffer out = { in->buffer, sizeof(in->buffer), used };

	while (out.pos == used) {
		if (in->packed.pos == in->packed.size) {
			in->packed.pos = 0;
			in->packed.size = read_file(in, in->raw, sizeof(in->raw));
			if (!in->packed.size && in->wanted && !in->input.error)
				in->input.error = "it was cut off: the compressed data has no end";
			if (!in->packed.size)
				return 0;
		}
		in->wanted = ZSTD_decompressStream(in->zstd, &out, &in->packed);
		if (ZSTD_isError(in->wanted)) {
			in->input.error = "its compressed data is damaged";
			return 0;
		}
	}
	return out.pos - used;
}

bool input_fill(struct input *input, size_t bytes)
{
	struct file_input *in = (struct file_input *)input;
	size_t got = 1;

	if (input->left >= bytes || input->error)
		return input->left >= bytes;
	memmove(in->buffer, input->data, input->left);
	input->data = in->buffer;
	while (input->left < bytes && got && !input->error) {
		if (in->zstd)
			got = unpack(in, input->left);
		else
			got = read_file(in, in->buffer + input->left,
					sizeof(in->buffer) - input->left);
		input->left += got;
	}
	return input->left >= bytes;
}

struct input *input_open(FILE *file)
{
	static const uint8_t magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
	struct file_input *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->file = file;
	in->input.data = in->buffer;
	in->packed.src = in->raw;
	in->packed.size = read_file(in, in->raw, sizeof(in->raw));
	if (in->packed.size < sizeof(magic) || memcmp(in->raw, magic, sizeof(magic)) != 0) {
		memcpy(in->buffer, in->raw, in->packed.size);
		in->input.left = in->packed.size;
		return &in->input;
	}
	in->zstd = ZSTD_createDCtx();
	if (!in->zstd) {
		free(in);
		return NULL;
	}
	return &in->input;
}

void input_close(struct input *input)
{
	struct file_input *in = (struct file_input *)input;

	ZSTD_freeDCtx(in->zstd);
	free(in);
}
