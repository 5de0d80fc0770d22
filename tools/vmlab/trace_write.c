// SPDX-License-Identifier: GPL-2.0
/*
 * Writing traces, of whatever format.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "trace.h"

struct trace_writer {
	FILE *file;
	enum trace_format format;
	ZSTD_CCtx *zstd;	/* NULL: not compressed */
	int err;
	uint64_t count;
	uint64_t page;		/* TRACE_VMLAB: of the record before */
	uint64_t time;
	size_t used;
	uint8_t buffer[64 * 1024];
};

/* The longest line or record. */
#define MAX_RECORD	64

static void write_file(struct trace_writer *writer, const void *data, size_t bytes)
{
	if (!writer->err && fwrite(data, 1, bytes, writer->file) != bytes)
		writer->err = -errno;
}

static void flush(struct trace_writer *writer, ZSTD_EndDirective end)
{
	ZSTD_inBuffer in = { writer->buffer, writer->used, 0 };
	uint8_t packed[16 * 1024];
	size_t left;

	writer->used = 0;
	if (!writer->zstd) {
		write_file(writer, writer->buffer, in.size);
		return;
	}
	do {
		ZSTD_outBuffer out = { packed, sizeof(packed), 0 };

		left = ZSTD_compressStream2(writer->zstd, &out, &in, end);
		if (ZSTD_isError(left)) {
			writer->err = -ENOMEM;
			return;
		}
		write_file(writer, packed, out.pos);
	} while (end == ZSTD_e_end ? left > 0 : in.pos < in.size);
}

/* Where the next record goes to. */
static uint8_t *room(struct trace_writer *writer)
{
	if (writer->used + MAX_RECORD > sizeof(writer->buffer))
		flush(writer, ZSTD_e_continue);
	return writer->buffer + writer->used;
}

static void put_u32(uint8_t *bytes, uint32_t value)
{
	value = htole32(value);
	memcpy(bytes, &value, sizeof(value));
}

static void put_u64(uint8_t *bytes, uint64_t value)
{
	value = htole64(value);
	memcpy(bytes, &value, sizeof(value));
}

static void put_varint(struct trace_writer *writer, uint64_t value)
{
	while (value > 0x7f) {
		writer->buffer[writer->used++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	writer->buffer[writer->used++] = (uint8_t)value;
}

static void put_difference(struct trace_writer *writer, uint64_t value)
{
	put_varint(writer, value << 1 ^ -(value >> 63));
}

static void put_vmlab(struct trace_writer *writer, const struct trace_record *record)
{
	*room(writer) = (uint8_t)record->kind;
	writer->used++;
	put_difference(writer, record->page - writer->page);
	put_difference(writer, record->time - writer->time);
	writer->page = record->page;
	writer->time = record->time;
}

static void head_vmlab(struct trace_writer *writer, const struct trace_head *head)
{
	uint8_t *bytes = room(writer);

	memset(bytes, 0, TRACE_HEAD_BYTES);
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, and not text */
	memcpy(bytes, TRACE_MAGIC, TRACE_MAGIC_BYTES);
	put_u32(bytes + 8, TRACE_VERSION);
	put_u32(bytes + 12, TRACE_HEAD_BYTES);
	put_u32(bytes + 16, head->page_size);
	put_u64(bytes + 24, head->region);
	put_u64(bytes + 32, head->region_size);
	writer->used += TRACE_HEAD_BYTES;
}

static int put_oracle(struct trace_writer *writer, const struct trace_record *record)
{
	uint64_t seconds = record->time / 1000000000;
	uint8_t *bytes = room(writer);

	if (seconds > UINT32_MAX)
		return -1;
	put_u32(bytes, (uint32_t)seconds);
	put_u64(bytes + 4, record->page);
	put_u32(bytes + 12, 1);
	put_u64(bytes + 16, (uint64_t)record->next);
	writer->used += TRACE_ORACLE_BYTES;
	return 0;
}

struct trace_writer *trace_create(FILE *file, enum trace_format format, bool zstd,
				  const struct trace_head *head)
{
	struct trace_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return NULL;
	writer->file = file;
	writer->format = format;
	if (zstd || format == TRACE_VMLAB) {
		writer->zstd = ZSTD_createCCtx();
		if (!writer->zstd) {
			free(writer);
			return NULL;
		}
		ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
	}
	if (format == TRACE_VMLAB)
		head_vmlab(writer, head);
	else if (format == TRACE_CSV)
		writer->used = (size_t)sprintf((char *)room(writer), "%s\n", TRACE_CSV_HEAD);
	return writer;
}

int trace_put(struct trace_writer *writer, const struct trace_record *record)
{
	char *line;
	int ret = 0;

	switch (writer->format) {
	case TRACE_VMLAB:
		put_vmlab(writer, record);
		break;
	case TRACE_ORACLE:
		ret = put_oracle(writer, record);
		break;
	case TRACE_CSV:
		line = (char *)room(writer);
		writer->used += (size_t)snprintf(line, MAX_RECORD, "%" PRIu64 ",%" PRIu64 ",%s\n",
						 record->time, record->page,
						 trace_kind_names[record->kind]);
		break;
	default:
		line = (char *)room(writer);
		writer->used += (size_t)snprintf(line, MAX_RECORD, "%" PRIu64 "\n", record->page);
	}
	writer->count++;
	return ret;
}

bool trace_is_broken(const struct trace_writer *writer)
{
	return writer->err;
}

int trace_finish(struct trace_writer *writer)
{
	int err;

	if (writer->format == TRACE_VMLAB) {
		*room(writer) = TRACE_END;
		writer->used++;
		put_varint(writer, writer->count);
	}
	flush(writer, ZSTD_e_end);
	if (!writer->err && fflush(writer->file))
		writer->err = -errno;
	err = writer->err;
	ZSTD_freeCCtx(writer->zstd);
	free(writer);
	return err;
}
