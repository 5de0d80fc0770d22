// SPDX-License-Identifier: GPL-2.0
/*
 * Traces of page references, in any format: refused with a reason, or read to the end, and then
 * what each format makes of them is the same again, as far as it has room for it.
 */
#include "fuzz.h"

#include <stdio.h>

#include "trace.h"

/* What is compressed may be long. */
#define MAX_RECORDS	5000

#define SECOND		1000000000UL

static FILE *open_bytes(const void *data, size_t size)
{
	FILE *file = fmemopen((void *)(uintptr_t)data, size, "r");

	PROMISE(file);
	return file;
}

/*
 * Writes what is read from a trace. Returns how many records; -1: it was refused, or has one
 * that the other format cannot have.
 */
static int copy(struct trace_reader *reader, struct trace_writer *writer, enum trace_format to)
{
	struct trace_record record;
	int ret = 0, count;

	for (count = 0; count < MAX_RECORDS; count++) {
		ret = trace_next(reader, &record);
		if (ret <= 0)
			break;
		PROMISE(record.kind >= TRACE_READ && record.kind < TRACE_KINDS);
		if (trace_put(writer, &record)) {
			PROMISE(to == TRACE_ORACLE && record.time / SECOND > UINT32_MAX);
			return -1;
		}
	}
	PROMISE(ret >= 0 || *trace_error(reader));
	/* The end stays the end, and an error an error. */
	PROMISE(ret > 0 || trace_next(reader, &record) == ret);
	return ret < 0 ? -1 : count;
}

static void compare(const struct trace_record *a, const struct trace_record *b,
		    enum trace_format to)
{
	PROMISE(a->page == b->page);
	switch (to) {
	case TRACE_ORACLE:
		PROMISE(a->time / SECOND == b->time / SECOND);
		PROMISE(a->next == b->next);
		break;
	case TRACE_CSV:
	case TRACE_VMLAB:
		PROMISE(a->time == b->time && a->kind == b->kind);
		break;
	default:
		break;
	}
}

static void same(const void *data, size_t size, enum trace_format format, const char *again,
		 size_t length, enum trace_format to, int count)
{
	FILE *file = open_bytes(data, size), *copied = open_bytes(again, length);
	struct trace_reader *reader = trace_open(file, format);
	struct trace_reader *other = trace_open(copied, to == TRACE_VMLAB ? TRACE_ANY : to);
	struct trace_record a, b;

	PROMISE(reader && other);
	PROMISE(trace_format(other) == to);
	PROMISE(to != TRACE_VMLAB || trace_head(reader)->region == trace_head(other)->region);
	for (int i = 0; i < count; i++) {
		PROMISE(trace_next(reader, &a) == 1 && trace_next(other, &b) == 1);
		compare(&a, &b, to);
	}
	PROMISE(!trace_next(other, &b));
	trace_close(reader);
	trace_close(other);
	fclose(file);
	fclose(copied);
}

static void through(const void *data, size_t size, enum trace_format format, enum trace_format to,
		    bool zstd)
{
	char *again = NULL;
	size_t length = 0;
	FILE *file = open_bytes(data, size), *out = open_memstream(&again, &length);
	struct trace_reader *reader = trace_open(file, format);
	struct trace_writer *writer;
	int count;

	PROMISE(out && reader);
	writer = trace_create(out, to, zstd, trace_head(reader));
	PROMISE(writer);
	count = copy(reader, writer, to);
	PROMISE(!trace_finish(writer));
	trace_close(reader);
	fclose(file);
	fclose(out);
	if (count > 0 || (!count && to == TRACE_VMLAB))
		same(data, size, format, again, length, to, count);
	free(again);
}

/* The first byte says as what it is read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum trace_format format = TRACE_ANY;

	if (!size)
		return 0;
	if (*data < TRACE_FORMATS) {
		format = (enum trace_format)data[0];
		data++;
		size--;
	}
	if (!size)
		return 0;
	for (enum trace_format to = 0; to < TRACE_FORMATS; to++)
		through(data, size, format, to, size % 2);
	return 0;
}
