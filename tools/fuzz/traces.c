// SPDX-License-Identifier: GPL-2.0
/*
 * Traces of page references, in any format: refused with a reason, or read to the end, and then
 * what our own format makes of them is the same again.
 */
#include "fuzz.h"

#include <stdio.h>

#include "trace.h"

/* What is compressed may be long. */
#define MAX_RECORDS	20000

static FILE *open_bytes(const void *data, size_t size)
{
	FILE *file = fmemopen((void *)(uintptr_t)data, size, "r");

	PROMISE(file);
	return file;
}

/* Writes what is read from a trace. Returns how many records; -1: it was refused. */
static int copy(struct trace_reader *reader, struct trace_writer *writer)
{
	struct trace_record record;
	int ret = 0, count;

	for (count = 0; count < MAX_RECORDS; count++) {
		ret = trace_next(reader, &record);
		if (ret <= 0)
			break;
		PROMISE(record.kind >= TRACE_READ && record.kind < TRACE_KINDS);
		PROMISE(!trace_put(writer, &record));
	}
	PROMISE(ret >= 0 || *trace_error(reader));
	/* The end stays the end, and an error an error. */
	PROMISE(ret > 0 || trace_next(reader, &record) == ret);
	return ret < 0 ? -1 : count;
}

static void same(const void *data, size_t size, enum trace_format format, const char *again,
		 size_t length, int count)
{
	FILE *file = open_bytes(data, size), *copied = open_bytes(again, length);
	struct trace_reader *reader = trace_open(file, format);
	struct trace_reader *other = trace_open(copied, TRACE_ANY);
	struct trace_record a, b;

	PROMISE(reader && other);
	PROMISE(trace_format(other) == TRACE_VMLAB);
	PROMISE(trace_head(reader)->region == trace_head(other)->region);
	for (int i = 0; i < count; i++) {
		PROMISE(trace_next(reader, &a) == 1 && trace_next(other, &b) == 1);
		PROMISE(a.page == b.page && a.time == b.time && a.kind == b.kind);
	}
	PROMISE(!trace_next(other, &b));
	trace_close(reader);
	trace_close(other);
	fclose(file);
	fclose(copied);
}

/* The first byte says as what it is read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum trace_format format = TRACE_ANY;
	struct trace_reader *reader;
	struct trace_writer *writer;
	char *again = NULL;
	size_t length = 0;
	FILE *file, *out;
	int count;

	if (!size)
		return 0;
	if (*data < TRACE_FORMATS) {
		format = (enum trace_format)data[0];
		data++;
		size--;
	}
	if (!size)
		return 0;
	file = open_bytes(data, size);
	out = open_memstream(&again, &length);
	reader = trace_open(file, format);
	PROMISE(out && reader);
	writer = trace_create(out, TRACE_VMLAB, true, trace_head(reader));
	PROMISE(writer);
	count = copy(reader, writer);
	PROMISE(!trace_finish(writer));
	trace_close(reader);
	fclose(file);
	fclose(out);
	if (count >= 0)
		same(data, size, format, again, length, count);
	free(again);
	return 0;
}
