// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab trace convert: a trace in another format.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "fail.h"
#include "refs.h"
#include "trace.h"

struct options {
	enum trace_format from;
	enum trace_format to;	/* TRACE_ANY: not given */
	bool zstd;
	const char *paths[2];	/* from where, and to where */
	int n_paths;
};

enum {
	OPT_FROM = 0x100,
	OPT_ZSTD
};

static const struct argp_option options[] = {
	{ "from", OPT_FROM, "FORMAT", 0, "What IN is (auto: by its first bytes)", 0 },
	{ "to", 't', "FORMAT", 0, "What OUT is to be: text, csv, oracleGeneral or vmlab", 0 },
	{ "zstd", OPT_ZSTD, NULL, 0, "Compress OUT; vmlab is always compressed", 0 },
	{ 0 },
};

static void parse_format(struct argp_state *state, const char *name, enum trace_format *format)
{
	if (!trace_format_parse(name, format))
		argp_error(state, "there is no format \"%s\"", name);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opts = state->input;

	switch (key) {
	case 't':
		parse_format(state, arg, &opts->to);
		return 0;
	case OPT_FROM:
		parse_format(state, arg, &opts->from);
		return 0;
	case OPT_ZSTD:
		opts->zstd = true;
		return 0;
	case ARGP_KEY_ARG:
		if (opts->n_paths == 2)
			argp_error(state, "it takes two files, but there is \"%s\" too", arg);
		opts->paths[opts->n_paths++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (opts->n_paths < 2)
			argp_error(state, "give two files, of which either may be -");
		if (opts->to == TRACE_ANY)
			argp_error(state, "give the format of the new file: --to");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "IN OUT",
	.doc = "Write the trace IN to the new file OUT, in another format.",
};

/* A record that waits until it is known when its page is referenced again. */
struct waiting {
	struct trace_record *list;
	size_t count;
	size_t room;
};

static int keep(struct waiting *waiting, const struct trace_record *record)
{
	if (waiting->count == waiting->room) {
		size_t room = waiting->room + waiting->room / 2 + 4096;
		struct trace_record *grown = realloc(waiting->list, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		waiting->list = grown;
		waiting->room = room;
	}
	waiting->list[waiting->count++] = *record;
	return 0;
}

/* From the end to the beginning: when was the page seen last? */
static int look_ahead(struct waiting *waiting)
{
	struct numbering numbering = { 0 };
	int64_t *seen = NULL;
	size_t room = 0;
	int ret = 0;

	for (size_t i = waiting->count; i-- && !ret;) {
		uint32_t known = numbering.count, page;

		ret = numbering_get(&numbering, waiting->list[i].page, &page);
		if (!ret && page >= room) {
			int64_t *grown;

			room += room / 2 + 4096;
			grown = realloc(seen, room * sizeof(*seen));
			if (!grown) {
				ret = -ENOMEM;
				break;
			}
			seen = grown;
		}
		if (ret)
			break;
		waiting->list[i].next = page < known ? seen[page] : TRACE_NEVER;
		seen[page] = (int64_t)i;
	}
	free(seen);
	numbering_free(&numbering);
	return ret;
}

static int no_memory(const char *name)
{
	return fail("there is not enough memory for \"%s\"", name);
}

static int too_late(const char *name)
{
	return fail("\"%s\" goes on for longer than oracleGeneral can tell: 136 years", name);
}

/* All of it is read, then it is known what comes next, and then it is written. */
static int copy_all(struct trace_reader *reader, struct trace_writer *writer, const char *name)
{
	struct waiting waiting = { 0 };
	struct trace_record record;
	int ret, err = 0;

	while ((ret = trace_next(reader, &record)) > 0 && !err)
		err = keep(&waiting, &record);
	if (!err && !ret)
		err = look_ahead(&waiting);
	if (err)
		ret = no_memory(name);
	else if (ret < 0)
		fail("\"%s\": %s", name, trace_error(reader));
	for (size_t i = 0; i < waiting.count && !ret; i++) {
		if (trace_put(writer, &waiting.list[i]))
			ret = too_late(name);
	}
	free(waiting.list);
	return ret;
}

static int copy(struct trace_reader *reader, struct trace_writer *writer, const char *name)
{
	struct trace_record record;
	int ret;

	while ((ret = trace_next(reader, &record)) > 0) {
		if (trace_put(writer, &record))
			return too_late(name);
	}
	return ret ? fail("\"%s\": %s", name, trace_error(reader)) : 0;
}

static int convert(FILE *in, FILE *out, const struct options *opts)
{
	struct trace_reader *reader = trace_open(in, opts->from);
	struct trace_writer *writer = NULL;
	int ret, err;

	if (reader)
		writer = trace_create(out, opts->to, opts->zstd, trace_head(reader));
	if (!writer) {
		if (reader)
			trace_close(reader);
		return no_memory(opts->paths[0]);
	}
	if (opts->to == TRACE_ORACLE)
		ret = copy_all(reader, writer, opts->paths[0]);
	else
		ret = copy(reader, writer, opts->paths[0]);
	err = trace_finish(writer);
	trace_close(reader);
	if (err && !ret)
		ret = fail_errno(err, "\"%s\" cannot be written", opts->paths[1]);
	return ret;
}

/* A new file, which nobody loses; it does not stay if something goes wrong. */
static int convert_to(FILE *in, const struct options *opts)
{
	const char *path = opts->paths[1];
	int fd, ret;
	FILE *out;

	if (!strcmp(path, "-"))
		return convert(in, stdout, opts);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return fail_errno(errno, "\"%s\" cannot be made", path);
	out = fdopen(fd, "w");
	if (!out) {
		close(fd);
		ret = no_memory(path);
	} else {
		ret = convert(in, out, opts);
		if (fclose(out) && !ret)
			ret = fail_errno(errno, "\"%s\" cannot be written", path);
	}
	if (ret)
		unlink(path);
	return ret;
}

static int cmd_convert(int argc, char **argv)
{
	struct options opts = { .from = TRACE_ANY, .to = TRACE_ANY };
	FILE *in = stdin;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	if (strcmp(opts.paths[0], "-") != 0)
		in = fopen(opts.paths[0], "r");
	if (!in) {
		fail_errno(errno, "\"%s\" cannot be opened", opts.paths[0]);
		return EXIT_FAILURE;
	}
	ret = convert_to(in, &opts);
	fclose(in);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

int cmd_trace(int argc, char **argv)
{
	char name[] = "vmlab trace convert";

	if (argc > 1 && !strcmp(argv[1], "convert")) {
		argv[1] = name;
		fail_name(name);
		return cmd_convert(argc - 1, argv + 1);
	}
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?"))) {
		argv[0] = name;
		return cmd_convert(argc, argv);
	}
	if (argc > 1)
		fail("there is no \"vmlab trace %s\", only \"vmlab trace convert\"", argv[1]);
	else
		fail("say what to do: \"vmlab trace convert\"");
	return EXIT_USAGE;
}
