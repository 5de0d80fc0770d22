// SPDX-License-Identifier: GPL-2.0
/*
 * Reading traces, of whatever format.
 */
#include <ctype.h>
#include <endian.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "trace.h"
#include "trace_input.h"

/* The longest line of a text or CSV. */
#define MAX_LINE	4096
/* As much of a line is shown when something is wrong with it. */
#define SHOWN		24
#define MAX_COLUMNS	32

struct trace_reader {
	struct input *input;
	enum trace_format format;
	struct trace_head head;
	uint64_t count;			/* records, or lines, read so far */
	bool failed;
	bool ended;
	char error[200];
	uint64_t page;			/* TRACE_VMLAB: of the record before */
	uint64_t time;
	int columns;			/* TRACE_CSV: how many there are, */
	int column_of[3];		/* and which are these; -1: none */
};

/* TRACE_CSV: the columns that matter. */
enum {
	COLUMN_TIME,
	COLUMN_PAGE,
	COLUMN_KIND,
	COLUMNS
};

static const char *const column_names[COLUMNS] = {
	[COLUMN_TIME] = "time_ns",
	[COLUMN_PAGE] = "page",
	[COLUMN_KIND] = "kind",
};

const char *const trace_kind_names[TRACE_KINDS] = {
	[TRACE_READ] = "read",
	[TRACE_WRITE] = "write",
	[TRACE_FAULT] = "fault",
};

/* Returns -1. */
static int __attribute__((format(printf, 2, 3))) wrong(struct trace_reader *reader,
						       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reader->error, sizeof(reader->error), format, args);
	va_end(args);
	reader->failed = true;
	return -1;
}

/* So many bytes must be there: a record does not end in the middle. Returns 0 or -1. */
static int need(struct trace_reader *reader, size_t bytes)
{
	if (input_fill(reader->input, bytes))
		return 0;
	if (reader->input->error)
		return wrong(reader, "%s", reader->input->error);
	return wrong(reader, "it was cut off after %" PRIu64 " records", reader->count);
}

static void skip(struct trace_reader *reader, size_t bytes)
{
	reader->input->data += bytes;
	reader->input->left -= bytes;
}

/* The next line, without its end. Returns 1, 0 at the end, or -1. */
static int next_line(struct trace_reader *reader, const char **line, size_t *length)
{
	struct input *input = reader->input;
	const uint8_t *end;

	if (!input->left && !input_fill(input, 1)) {
		if (!input->error)
			return 0;
		wrong(reader, "%s", input->error);
		return -1;
	}
	end = memchr(input->data, '\n', input->left);
	if (!end) {
		input_fill(input, MAX_LINE);
		if (input->error) {
			wrong(reader, "%s", input->error);
			return -1;
		}
		end = memchr(input->data, '\n', input->left);
	}
	reader->count++;
	*line = (const char *)input->data;
	*length = end ? (size_t)(end - input->data) : input->left;
	if (*length >= MAX_LINE) {
		wrong(reader, "line %" PRIu64 " is too long", reader->count);
		return -1;
	}
	skip(reader, end ? *length + 1 : *length);
	return 1;
}

/* A decimal number, and nothing else. */
static bool parse_number(const char *text, size_t length, uint64_t *value)
{
	uint64_t number = 0;

	if (!length)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!isdigit((unsigned char)text[i]) ||
		    __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number))
			return false;
	}
	*value = number;
	return true;
}

/* Line so and so: "@text" is not @what. Returns -1. */
static int wrong_line(struct trace_reader *reader, const char *text, size_t length,
		      const char *what)
{
	char shown[SHOWN + 1];

	text_copy(shown, text, length < SHOWN ? length : SHOWN);
	return wrong(reader, "line %" PRIu64 ": \"%s%s\" is not %s", reader->count, shown,
		     length > SHOWN ? "..." : "", what);
}

static int next_text(struct trace_reader *reader, struct trace_record *record)
{
	const char *line;
	size_t length;
	int ret = next_line(reader, &line, &length);

	if (ret <= 0)
		return ret;
	if (!parse_number(line, length, &record->page))
		return wrong_line(reader, line, length, "a page number");
	return 1;
}

/* The next field of a line; it is NULL after the last one. */
static bool next_field(const char **line, size_t *left, const char **field, size_t *length)
{
	const char *comma;

	if (!*line)
		return false;
	comma = memchr(*line, ',', *left);
	*field = *line;
	*length = comma ? (size_t)(comma - *line) : *left;
	*left -= comma ? *length + 1 : *length;
	*line = comma ? comma + 1 : NULL;
	return true;
}

/* The first line has the names of the columns. */
static int head_csv(struct trace_reader *reader)
{
	const char *line, *field;
	size_t left, length;
	int ret = next_line(reader, &line, &left);

	if (ret <= 0)
		return ret < 0 ? ret : wrong(reader, "it is empty");
	memset(reader->column_of, -1, sizeof(reader->column_of));
	while (next_field(&line, &left, &field, &length)) {
		for (int i = 0; i < COLUMNS; i++) {
			if (strlen(column_names[i]) == length &&
			    !memcmp(column_names[i], field, length))
				reader->column_of[i] = reader->columns;
		}
		if (++reader->columns > MAX_COLUMNS)
			return wrong(reader, "it has more than %d columns", MAX_COLUMNS);
	}
	if (reader->column_of[COLUMN_PAGE] < 0)
		return wrong(reader, "line 1 names no column \"page\": it should be like \"%s\"",
			     TRACE_CSV_HEAD);
	return 0;
}

static int parse_kind(struct trace_reader *reader, const char *text, size_t length,
		      enum trace_kind *kind)
{
	for (int i = TRACE_READ; i < TRACE_KINDS; i++) {
		if (strlen(trace_kind_names[i]) == length &&
		    !memcmp(trace_kind_names[i], text, length)) {
			*kind = (enum trace_kind)i;
			return 0;
		}
	}
	return wrong_line(reader, text, length, "\"read\", \"write\" or \"fault\"");
}

static int next_csv(struct trace_reader *reader, struct trace_record *record)
{
	const char *line, *field;
	size_t left, length;
	int ret = next_line(reader, &line, &left), column = 0;

	if (ret <= 0)
		return ret;
	for (; next_field(&line, &left, &field, &length); column++) {
		if (column == reader->column_of[COLUMN_PAGE] &&
		    !parse_number(field, length, &record->page))
			return wrong_line(reader, field, length, "a page number");
		if (column == reader->column_of[COLUMN_TIME] &&
		    !parse_number(field, length, &record->time))
			return wrong_line(reader, field, length, "a time");
		if (column == reader->column_of[COLUMN_KIND] &&
		    parse_kind(reader, field, length, &record->kind))
			return -1;
	}
	if (column != reader->columns)
		return wrong(reader, "line %" PRIu64 " has %d columns, and the first one %d",
			     reader->count, column, reader->columns);
	return 1;
}

static uint64_t get_u64(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return le64toh(value);
}

static uint32_t get_u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

static int next_oracle(struct trace_reader *reader, struct trace_record *record)
{
	const uint8_t *bytes;

	if (!reader->input->left && !input_fill(reader->input, 1) && !reader->input->error)
		return 0;
	if (need(reader, TRACE_ORACLE_BYTES))
		return -1;
	bytes = reader->input->data;
	record->time = get_u32(bytes) * 1000000000ULL;
	record->page = get_u64(bytes + 4);
	record->next = (int64_t)get_u64(bytes + 16);
	skip(reader, TRACE_ORACLE_BYTES);
	reader->count++;
	return 1;
}

static int head_vmlab(struct trace_reader *reader)
{
	const uint8_t *bytes;
	uint32_t version, size;

	if (need(reader, TRACE_HEAD_BYTES))
		return -1;
	bytes = reader->input->data;
	if (memcmp(bytes, TRACE_MAGIC, TRACE_MAGIC_BYTES) != 0)
		return wrong(reader, "it does not begin as a trace of vmlab");
	version = get_u32(bytes + 8);
	if (version != TRACE_VERSION)
		return wrong(reader, "it is of version %" PRIu32 ", and only %d is known here",
			     version, TRACE_VERSION);
	size = get_u32(bytes + 12);
	if (size < TRACE_HEAD_BYTES || size > MAX_LINE)
		return wrong(reader, "its head has an impossible size");
	reader->head.page_size = get_u32(bytes + 16);
	reader->head.region = get_u64(bytes + 24);
	reader->head.region_size = get_u64(bytes + 32);
	if (need(reader, size))
		return -1;
	skip(reader, size);
	return 0;
}

/* Seven bits in each byte, the lowest first; the last byte has its highest bit clear. */
static int next_varint(struct trace_reader *reader, uint64_t *value)
{
	struct input *input = reader->input;
	unsigned int shift = 0;
	uint8_t byte;

	*value = 0;
	do {
		if (!input->left && need(reader, 1))
			return -1;
		byte = *input->data;
		skip(reader, 1);
		if (shift == 63 && byte > 1)
			return wrong(reader, "record %" PRIu64 " has a number that is too large",
				     reader->count);
		*value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return 0;
}

/* A difference of either sign: 0, -1, 1, -2, ... */
static int next_difference(struct trace_reader *reader, uint64_t *value)
{
	uint64_t folded;

	if (next_varint(reader, &folded))
		return -1;
	*value += folded >> 1 ^ -(folded & 1);
	return 0;
}

/* The number of records is at the end, and nothing behind it. */
static int end_vmlab(struct trace_reader *reader)
{
	uint64_t count;

	if (next_varint(reader, &count))
		return -1;
	if (count != reader->count)
		return wrong(reader, "it has %" PRIu64 " records, and should have %" PRIu64,
			     reader->count, count);
	if (input_fill(reader->input, 1))
		return wrong(reader, "there is something behind its end");
	if (reader->input->error)
		return wrong(reader, "%s", reader->input->error);
	return 0;
}

static int next_vmlab(struct trace_reader *reader, struct trace_record *record)
{
	uint8_t kind;

	if (need(reader, 1))
		return -1;
	kind = *reader->input->data;
	skip(reader, 1);
	if (kind == TRACE_END)
		return end_vmlab(reader);
	if (kind >= TRACE_KINDS)
		return wrong(reader, "record %" PRIu64 " is of a kind that is not known here",
			     reader->count);
	if (next_difference(reader, &reader->page) || next_difference(reader, &reader->time))
		return -1;
	record->kind = (enum trace_kind)kind;
	record->page = reader->page;
	record->time = reader->time;
	reader->count++;
	return 1;
}

static const struct {
	const char *name;
	int (*head)(struct trace_reader *reader);
	int (*next)(struct trace_reader *reader, struct trace_record *record);
} formats[TRACE_FORMATS] = {
	[TRACE_TEXT] = { "text", NULL, next_text },
	[TRACE_CSV] = { "csv", head_csv, next_csv },
	[TRACE_ORACLE] = { "oracleGeneral", NULL, next_oracle },
	[TRACE_VMLAB] = { "vmlab", head_vmlab, next_vmlab },
};

const char *trace_format_name(enum trace_format format)
{
	return formats[format].name;
}

bool trace_format_parse(const char *name, enum trace_format *format)
{
	for (int i = 0; i < TRACE_FORMATS; i++) {
		if (!strcasecmp(formats[i].name, name)) {
			*format = (enum trace_format)i;
			return true;
		}
	}
	*format = TRACE_ANY;
	return !strcmp(name, "auto");
}

/* What the first record of oracleGeneral cannot be: its page comes again before it. */
static bool like_oracle(const struct input *input)
{
	int64_t next;

	if (input->left < TRACE_ORACLE_BYTES)
		return false;
	next = (int64_t)get_u64(input->data + 16);
	return next == TRACE_NEVER || next > 0;
}

static enum trace_format guess(const struct input *input)
{
	bool comma = false;

	if (input->left >= TRACE_MAGIC_BYTES &&
	    !memcmp(input->data, TRACE_MAGIC, TRACE_MAGIC_BYTES))
		return TRACE_VMLAB;
	for (size_t i = 0; i < input->left && input->data[i] != '\n'; i++) {
		uint8_t byte = input->data[i];

		if (!isprint(byte) && byte != '\r' && byte != '\t')
			return like_oracle(input) ? TRACE_ORACLE : TRACE_ANY;
		comma |= byte == ',' || isalpha(byte);
	}
	return comma ? TRACE_CSV : TRACE_TEXT;
}

/* Compressed by something else, which a pipe could undo. */
static const char *packed_by(const struct input *input)
{
	if (input->left >= 6 && !memcmp(input->data, "\xfd\x37zXZ\0", 6))
		return "xz";
	if (input->left >= 2 && !memcmp(input->data, "\x1f\x8b", 2))
		return "gzip";
	return NULL;
}

static void begin(struct trace_reader *reader)
{
	const char *packer;

	input_fill(reader->input, MAX_LINE);
	packer = packed_by(reader->input);
	if (reader->input->error && !reader->input->left)
		wrong(reader, "%s", reader->input->error);
	else if (!reader->input->left)
		wrong(reader, "it is empty");
	else if (packer && reader->format == TRACE_ANY)
		wrong(reader, "it is compressed by %s: let \"%s -dc\" write it to this command, and read \"-\"",
		      packer, packer);
	if (reader->failed)
		return;
	if (reader->format == TRACE_ANY)
		reader->format = guess(reader->input);
	if (reader->format == TRACE_ANY)
		wrong(reader, "its format is not known: --format says which it is");
	else if (formats[reader->format].head)
		formats[reader->format].head(reader);
}

struct trace_reader *trace_open(FILE *file, enum trace_format format)
{
	struct trace_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->format = format;
	reader->input = input_open(file);
	if (!reader->input) {
		free(reader);
		return NULL;
	}
	begin(reader);
	return reader;
}

const struct trace_head *trace_head(const struct trace_reader *reader)
{
	return &reader->head;
}

enum trace_format trace_format(const struct trace_reader *reader)
{
	return reader->format;
}

int trace_next(struct trace_reader *reader, struct trace_record *record)
{
	int ret;

	if (reader->failed || reader->ended)
		return reader->failed ? -1 : 0;
	*record = (struct trace_record){ .next = TRACE_NEVER, .kind = TRACE_READ };
	ret = formats[reader->format].next(reader, record);
	reader->ended = !ret;
	return ret;
}

const char *trace_error(const struct trace_reader *reader)
{
	return reader->error;
}

void trace_close(struct trace_reader *reader)
{
	input_close(reader->input);
	free(reader);
}
