// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab map: a picture of the pages of a region, or of a process's regions.
 */
#include <argp.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "extents.h"
#include "fail.h"
#include "json.h"
#include "number.h"
#include "picture.h"
#include "process.h"
#include "size.h"
#include "target.h"
#include "term.h"

#define KEY_COLOUR	1000

struct options {
	bool json;
	int pid;		/* 0: not given */
	int fd;			/* -1: not given */
	int lines;
};

/* A range of a region, and what to say about it. */
struct view {
	int fd;
	uint64_t start;
	uint64_t end;
	const struct process_mapping *mapping;	/* NULL: the whole region */
};

static const struct argp_option options[] = {
	{ "color", KEY_COLOUR, "WHEN", 0, "Use colours: auto (on a terminal), always or never", 0 },
	{ "fd", 'f', "N", 0, "Draw the region of descriptor N, which the shell passed on", 0 },
	{ "json", 'j', NULL, 0, "Print JSON, for programs", 0 },
	{ "lines", 'n', "N", 0, "Lines of a picture at most (16)", 0 },
	{ 0 },
};

static error_t parse_option(int key, const char *arg, struct argp_state *state)
{
	struct options *opts = state->input;

	switch (key) {
	case KEY_COLOUR:
		if (!term_set_colour(arg))
			argp_error(state, "--color takes auto, always or never, not \"%s\"", arg);
		return 0;
	case 'f':
		if (!number_int(arg, &opts->fd))
			argp_error(state, "\"%s\" is not the number of a descriptor", arg);
		return 0;
	case 'j':
		opts->json = true;
		return 0;
	case 'n':
		if (!number_int(arg, &opts->lines) || opts->lines < 1)
			argp_error(state, "\"%s\" is not a number of lines", arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opts = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (opts->pid)
			argp_error(state, "it takes one process, but there is \"%s\" too", arg);
		if (!number_int(arg, &opts->pid) || !opts->pid)
			argp_error(state, "\"%s\" is not the number of a process", arg);
		return 0;
	case ARGP_KEY_END:
		if (opts->pid ? opts->fd >= 0 : opts->fd < 0)
			argp_error(state, "give either the number of a process or --fd");
		return 0;
	}
	return parse_option(key, arg, state);
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PID",
	.doc = "Draw the pages of each region that the process PID has mapped, or of one region.",
};

static void print_title(const struct view *view, const struct vmlab_stat *stat)
{
	const struct process_mapping *m = view->mapping;

	fputs(term_colour(TERM_BOLD), stdout);
	if (m)
		printf("%" PRIx64 "-%" PRIx64 " %s", m->start, m->end, m->perms);
	else
		printf("descriptor %d", view->fd);
	printf("%s  %s of region %" PRIu64, term_colour(TERM_PLAIN),
	       size_text(view->end - view->start, false).text, (uint64_t)stat->id);
	if (view->start)
		printf(" from offset %" PRIx64, view->start);
	putchar('\n');
	if (m && m->perms[3] == 'p')
		puts("  (private: pages that the process wrote to are its own, and not in this picture)");
}

static void print_view(const struct view *view, const struct vmlab_stat *stat,
		       const struct extents *extents, uint32_t page_size, int lines)
{
	struct extents_pages pages = extents_pages(extents, page_size);
	struct picture picture = {
		.start = view->start,
		.end = view->end,
		.page_size = page_size,
		.indent = 2,
		.columns = term_columns(),
		.lines = lines,
		.extents = extents,
	};
	uint64_t cell;

	print_title(view, stat);
	cell = picture_print(stdout, &picture);
	printf("  %s in memory (%s), %" PRIu64 " mapped, %" PRIu64 " dirty, %" PRIu64 " shared",
	       size_pages(pages.resident).text, size_text(pages.resident * page_size, false).text,
	       pages.mapped, pages.dirty, pages.shared);
	if (stat->flags & VMLAB_REGION_HUGE)
		printf(", %" PRIu64 " in huge pages", pages.huge);
	if (pages.stored)
		printf("; %" PRIu64 " stored", pages.stored);
	putchar('\n');
	picture_legend(stdout, 2, cell, page_size);
}

static struct json_object *view_json(const struct view *view, const struct vmlab_stat *stat,
				     const struct extents *extents, uint32_t page_size)
{
	struct extents_pages pages = extents_pages(extents, page_size);
	struct json_object *object = json_object_new_object();

	if (view->mapping) {
		json_add_u64(object, "address", view->mapping->start);
		json_add_text(object, "perms", view->mapping->perms);
	}
	json_add_u64(object, "region", stat->id);
	json_add_u64(object, "start", view->start);
	json_add_u64(object, "end", view->end);
	json_add_u64(object, "page_size", page_size);
	json_add_u64(object, "resident_bytes", pages.resident * page_size);
	json_add_u64(object, "mapped_bytes", pages.mapped * page_size);
	json_add_u64(object, "dirty_bytes", pages.dirty * page_size);
	json_add_u64(object, "shared_bytes", pages.shared * page_size);
	json_add_u64(object, "huge_bytes", pages.huge * page_size);
	json_add_u64(object, "stored_bytes", pages.stored * page_size);
	json_object_object_add(object, "extents", extents_json(extents));
	return object;
}

/* Draws @view, or adds it to @array if that is not NULL. 0, or -1 after a sentence. */
static int show_view(struct view *view, int lines, struct json_object *array)
{
	struct vmlab_features features;
	struct vmlab_stat stat;
	struct extents extents;
	int ret;

	ret = vmlab_stat(view->fd, &stat);
	if (!ret)
		ret = vmlab_features(view->fd, &features);
	if (ret)
		return fail_fd(view->fd, VMLAB_OP_STAT, ret);

	if (!view->mapping)
		view->end = (stat.size + features.page_size - 1) / features.page_size *
			    features.page_size;
	ret = extents_read(&extents, view->fd, view->start, view->end);
	if (ret)
		return fail_op(VMLAB_OP_EXTENTS, ret);

	if (array)
		json_object_array_add(array, view_json(view, &stat, &extents, features.page_size));
	else
		print_view(view, &stat, &extents, features.page_size, lines);
	extents_free(&extents);
	return 0;
}

static int show_mapping(const struct options *opts, const struct process_mapping *mapping,
			struct json_object *array)
{
	struct view view = {
		.start = mapping->offset,
		.end = mapping->offset + (mapping->end - mapping->start),
		.mapping = mapping,
	};
	int ret;

	view.fd = target_open_mapping(opts->pid, mapping, O_RDONLY);
	if (view.fd < 0)
		return -1;
	ret = show_view(&view, opts->lines, array);
	close(view.fd);
	return ret;
}

static int show_process(const struct options *opts, struct json_object *array)
{
	struct process_mapping *list;
	size_t count;
	int ret = target_mappings(opts->pid, &list, &count);

	if (ret)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (i && !array)
			putchar('\n');
		if (show_mapping(opts, &list[i], array))
			ret = -1;
	}
	free(list);
	return ret;
}

int cmd_map(int argc, char **argv)
{
	struct options opts = { .fd = -1, .lines = PICTURE_LINES };
	struct json_object *array = NULL;
	int ret;

	term_set_colour("auto");
	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	if (opts.json)
		array = json_object_new_array();

	if (opts.pid) {
		ret = show_process(&opts, array);
	} else {
		struct view view = { .fd = opts.fd };

		ret = show_view(&view, opts.lines, array);
	}
	if (array && !ret)
		json_print(array);
	json_object_put(array);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
