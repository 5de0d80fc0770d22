/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Traces: which pages were referenced, one after the other. Documentation/traces.rst describes
 * the formats byte by byte.
 */

enum trace_format {
	TRACE_TEXT,	/* a page number on each line */
	TRACE_CSV,
	TRACE_ORACLE,	/* oracleGeneral, of libCacheSim */
	TRACE_VMLAB,	/* our own */
	TRACE_FORMATS,
	TRACE_ANY,	/* whatever the first bytes look like */
};

enum trace_kind {
	TRACE_READ = 1,
	TRACE_WRITE,
	TRACE_FAULT,
	TRACE_KINDS,
};

/* The page is not referenced again. */
#define TRACE_NEVER	(-1)

/**
 * struct trace_record - a reference
 * @time:	nanoseconds since the trace began; 0 where the format has none
 * @page:	its number in the region
 * @next:	for TRACE_ORACLE alone: the number of the next record with that page, from 0, or
 *		TRACE_NEVER
 * @kind:	a read where the format does not tell
 */
struct trace_record {
	uint64_t time;
	uint64_t page;
	int64_t next;
	enum trace_kind kind;
};

/**
 * struct trace_head - what a trace says of itself; 0 where the format does not tell
 * @page_size:	bytes
 * @region:	id of the region
 * @region_size: bytes, when the trace began
 */
struct trace_head {
	uint32_t page_size;
	uint64_t region;
	uint64_t region_size;
};

/* "text", "csv", "oracleGeneral", "vmlab" */
const char *trace_format_name(enum trace_format format);

/* The format of that name, or "auto". Returns false if there is none. */
bool trace_format_parse(const char *name, enum trace_format *format);

struct trace_reader;

/*
 * Reads a trace from a file or a pipe, which may be compressed by zstd. Returns NULL if there
 * is no memory; what is wrong with the trace is for trace_next() to say. Does not close @file.
 */
struct trace_reader *trace_open(FILE *file, enum trace_format format);

/* What it says of itself; known from the beginning. */
const struct trace_head *trace_head(const struct trace_reader *reader);

/* Which it is; TRACE_ANY if that could not be told. */
enum trace_format trace_format(const struct trace_reader *reader);

/* Returns 1; 0 at the end; or -1: trace_error() says why. */
int trace_next(struct trace_reader *reader, struct trace_record *record);

/* The end of a sentence that begins with the trace's name. */
const char *trace_error(const struct trace_reader *reader);

void trace_close(struct trace_reader *reader);

struct trace_writer;

/*
 * Writes a trace. TRACE_VMLAB is always compressed, the others with @zstd. Returns NULL if
 * there is no memory. Does not close @file.
 */
struct trace_writer *trace_create(FILE *file, enum trace_format format, bool zstd,
				  const struct trace_head *head);

/*
 * Returns 0, or -1 if the format cannot say it (TRACE_ORACLE: a time beyond 136 years). What
 * cannot be written is seen by trace_finish().
 */
int trace_put(struct trace_writer *writer, const struct trace_record *record);

/* Something could not be written, and nothing more will be: trace_finish() says why. */
bool trace_is_broken(const struct trace_writer *writer);

/* Writes the end, and frees @writer. Returns 0 or a negative errno. */
int trace_finish(struct trace_writer *writer);

/* Bytes of TRACE_VMLAB: Documentation/traces.rst. */
#define TRACE_MAGIC		"VMLTRACE"
#define TRACE_MAGIC_BYTES	8
#define TRACE_VERSION		1
#define TRACE_HEAD_BYTES	40
#define TRACE_END		0	/* where a record has its kind */

/* A record of TRACE_ORACLE. */
#define TRACE_ORACLE_BYTES	24

/* The first line of TRACE_CSV, as it is written. */
#define TRACE_CSV_HEAD		"time_ns,page,kind"

extern const char *const trace_kind_names[TRACE_KINDS];

#endif /* TRACE_H */
