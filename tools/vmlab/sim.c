// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab sim: replay a trace through the victim policies.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "curve.h"
#include "fail.h"
#include "json.h"
#include "number.h"
#include "policy/policy.h"
#include "refs.h"
#include "replay.h"
#include "table.h"
#include "term.h"

#define MAX_POLICIES	16
#define MAX_SIZES	64
/* A curve is drawn through so many, if --cache does not say. */
#define CURVE_SIZES	20

/* NULL in a list of policies. */
#define OPT_NAME	"opt"

/* A number of frames, or so many of a hundred distinct pages. */
struct size {
	uint64_t number;
	bool percent;
};

struct options {
	const struct vmlab_policy_ops *policies[MAX_POLICIES];
	int n_policies;
	struct size sizes[MAX_SIZES];
	int n_sizes;
	bool curve;
	const char *svg;
	bool json;
	bool lirs_paper;
	uint64_t seed;
	enum trace_format format;
	const char *path;
};

enum {
	OPT_CURVE = 0x100,
	OPT_SVG,
	OPT_SEED,
	OPT_FORMAT,
	OPT_LIRS,
	OPT_COLOR
};

static const struct argp_option options[] = {
	{ "cache", 'c', "N[,N...]", 0, "Frames; N% of the trace's pages (25%)", 0 },
	{ "color", OPT_COLOR, "WHEN", 0, "auto, always or never", 0 },
	{ "curve", OPT_CURVE, NULL, 0, "Draw miss ratios over numbers of frames", 0 },
	{ "format", OPT_FORMAT, "NAME", 0,
	  "text, csv, oracleGeneral or vmlab (auto: by its first bytes)", 0 },
	{ "json", 'j', NULL, 0, "Print JSON, for programs", 0 },
	{ "lirs", OPT_LIRS, "HOW", 0, "libcachesim: LIRS as that counts; or paper", 0 },
	{ "policy", 'p', "NAME[,NAME...]", 0,
	  "random, fifo, clock, lru, 2q, arc, sieve, s3fifo, lirs, opt, or all (all)", 0 },
	{ "seed", OPT_SEED, "N", 0, "What random's dice begin with (1)", 0 },
	{ "svg", OPT_SVG, "FILE", 0, "Write the curve to FILE as a picture", 0 },
	{ 0 },
};

static void add_policy(struct options *opts, const struct vmlab_policy_ops *ops)
{
	for (int i = 0; i < opts->n_policies; i++) {
		if (opts->policies[i] == ops)
			return;
	}
	opts->policies[opts->n_policies++] = ops;
}

static void parse_policy(struct argp_state *state, struct options *opts, const char *name)
{
	const struct vmlab_policy_ops *ops;

	if (!strcmp(name, "all")) {
		for (unsigned int i = 0; (ops = vmlab_policy_nth(i)); i++)
			add_policy(opts, ops);
		add_policy(opts, NULL);
		return;
	}
	ops = vmlab_policy_find(name);
	if (!ops && strcmp(name, OPT_NAME) != 0)
		argp_error(state, "there is no policy \"%s\"", name);
	add_policy(opts, ops);
}

static void parse_size(struct argp_state *state, struct options *opts, char *text)
{
	struct size *size = &opts->sizes[opts->n_sizes];
	size_t length = strlen(text);

	if (opts->n_sizes == MAX_SIZES)
		argp_error(state, "there are more than %d numbers of frames", MAX_SIZES);
	size->percent = length && text[length - 1] == '%';
	if (size->percent)
		text[length - 1] = 0;
	if (!number_u64(text, &size->number) || !size->number ||
	    size->number > (size->percent ? 100 : VMLAB_FRAMES_MAX))
		argp_error(state, "\"%s\" is not a number of frames", text);
	opts->n_sizes++;
}

/* Each of the words between commas. */
static void parse_list(struct argp_state *state, struct options *opts, char *list,
		       void (*parse_one)(struct argp_state *, struct options *, char *))
{
	char *word;

	while ((word = strsep(&list, ",")))
		parse_one(state, opts, word);
}

static void parse_policy_word(struct argp_state *state, struct options *opts, char *word)
{
	parse_policy(state, opts, word);
}

static void parse_lirs(struct argp_state *state, struct options *opts, const char *how)
{
	opts->lirs_paper = !strcmp(how, "paper");
	if (!opts->lirs_paper && strcmp(how, "libcachesim") != 0)
		argp_error(state, "--lirs takes libcachesim or paper, not \"%s\"", how);
}

static error_t parse_end(struct argp_state *state, struct options *opts)
{
	if (!opts->path)
		argp_error(state, "give the trace: a file, or - for standard input");
	if (!opts->n_policies)
		parse_policy(state, opts, "all");
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opts = state->input;

	switch (key) {
	case 'c':
		parse_list(state, opts, arg, parse_size);
		return 0;
	case 'j':
		opts->json = true;
		return 0;
	case 'p':
		parse_list(state, opts, arg, parse_policy_word);
		return 0;
	case OPT_COLOR:
		if (!term_set_colour(arg))
			argp_error(state, "--color takes auto, always or never, not \"%s\"", arg);
		return 0;
	case OPT_CURVE:
		opts->curve = true;
		return 0;
	case OPT_FORMAT:
		if (!trace_format_parse(arg, &opts->format))
			argp_error(state, "there is no format \"%s\"", arg);
		return 0;
	case OPT_LIRS:
		parse_lirs(state, opts, arg);
		return 0;
	case OPT_SEED:
		if (!number_u64(arg, &opts->seed))
			argp_error(state, "\"%s\" is not a number", arg);
		return 0;
	case OPT_SVG:
		opts->svg = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (opts->path)
			argp_error(state, "it takes one trace, but there is \"%s\" too", arg);
		opts->path = arg;
		return 0;
	case ARGP_KEY_END:
		return parse_end(state, opts);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "TRACE",
	.doc = "Replay a trace of page references through victim policies, and count misses.",
};

/* All runs: for each of @sizes the misses of OPT and of each policy, */
struct results {
	const struct options *opts;
	struct refs refs;
	uint32_t sizes[MAX_SIZES];
	int n_sizes;
	uint64_t opt[MAX_SIZES];
	uint64_t misses[MAX_POLICIES][MAX_SIZES];
};

static const char *policy_name(const struct vmlab_policy_ops *ops)
{
	return ops ? ops->name : OPT_NAME;
}

/* and here as a part of all references. */
static double ratio(const struct results *results, uint64_t misses)
{
	return (double)misses / (double)results->refs.count;
}

static int compare_sizes(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

static void add_size(struct results *results, double frames)
{
	uint32_t size = frames < 1 ? 1 : (uint32_t)frames;

	size = size > VMLAB_FRAMES_MAX ? VMLAB_FRAMES_MAX : size;
	for (int i = 0; i < results->n_sizes; i++) {
		if (results->sizes[i] == size)
			return;
	}
	results->sizes[results->n_sizes++] = size;
}

/* The numbers of frames, sorted: those that were asked for, or from 1 % to all pages. */
static void choose_sizes(struct results *results)
{
	const struct options *opts = results->opts;
	double pages = results->refs.distinct;

	for (int i = 0; i < opts->n_sizes; i++) {
		double number = (double)opts->sizes[i].number;

		add_size(results, opts->sizes[i].percent ? pages * number / 100 : number);
	}
	if (!opts->n_sizes && (opts->curve || opts->svg)) {
		for (int i = 0; i < CURVE_SIZES; i++)
			add_size(results, pages * pow(100, (double)i / (CURVE_SIZES - 1) - 1));
		add_size(results, pages);
	} else if (!opts->n_sizes) {
		add_size(results, pages / 4);
	}
	qsort(results->sizes, (size_t)results->n_sizes, sizeof(results->sizes[0]), compare_sizes);
}

static int run_size(struct results *results, int size, const struct replay *replay,
		    const uint32_t *next)
{
	const struct options *opts = results->opts;
	uint32_t frames = results->sizes[size];
	int ret = replay_opt(&results->refs, next, frames, &results->opt[size]);

	for (int i = 0; i < opts->n_policies && !ret; i++) {
		results->misses[i][size] = results->opt[size];
		if (opts->policies[i])
			ret = replay_policy(replay, opts->policies[i], frames,
					    &results->misses[i][size]);
	}
	return ret;
}

static int run_all(struct results *results)
{
	struct replay replay = {
		.refs = &results->refs,
		.seed = results->opts->seed,
		.lirs_paper = results->opts->lirs_paper,
		.entries = malloc(results->refs.distinct * sizeof(*replay.entries)),
	};
	uint32_t *next = opt_next(&results->refs);
	int ret = replay.entries && next ? 0 : -ENOMEM;

	for (int i = 0; i < results->n_sizes && !ret; i++)
		ret = run_size(results, i, &replay, next);
	free(replay.entries);
	free(next);
	return ret ? fail("there is not enough memory for \"%s\"", results->opts->path) : 0;
}

static void print_json(const struct results *results)
{
	const struct options *opts = results->opts;
	struct json_object *object = json_object_new_object();
	struct json_object *list = json_object_new_array();

	json_add_text(object, "trace", opts->path);
	json_add_u64(object, "references", results->refs.count);
	json_add_u64(object, "distinct", results->refs.distinct);
	json_object_object_add(object, "results", list);
	for (int size = 0; size < results->n_sizes; size++) {
		for (int i = 0; i < opts->n_policies; i++) {
			struct json_object *result = json_object_new_object();
			uint64_t misses = results->misses[i][size];

			json_add_text(result, "policy", policy_name(opts->policies[i]));
			json_add_u64(result, "frames", results->sizes[size]);
			json_add_u64(result, "misses", misses);
			json_object_object_add(result, "miss_ratio",
					       json_object_new_double(ratio(results, misses)));
			json_add_u64(result, "opt_misses", results->opt[size]);
			json_object_array_add(list, result);
		}
	}
	json_print(object);
	json_object_put(object);
}

static void print_row(struct table *table, const struct results *results, int size,
		      const char *name, uint64_t misses)
{
	table_cell(table, "%" PRIu32, results->sizes[size]);
	table_cell(table, "%s", name);
	table_cell(table, "%" PRIu64, misses);
	table_cell(table, "%.4f", ratio(results, misses));
	table_cell(table, "%.3f", (double)misses / (double)results->opt[size]);
}

static void print_table(const struct results *results)
{
	static const char *const heads[] = { ">frames", "policy", ">misses", ">miss ratio",
					     ">of opt" };
	const struct options *opts = results->opts;
	struct table *table = table_new(heads, sizeof(heads) / sizeof(heads[0]));

	printf("%zu references to %" PRIu32 " pages\n\n", results->refs.count,
	       results->refs.distinct);
	for (int size = 0; size < results->n_sizes; size++) {
		for (int i = 0; i < opts->n_policies; i++) {
			if (opts->policies[i])
				print_row(table, results, size, opts->policies[i]->name,
					  results->misses[i][size]);
		}
		print_row(table, results, size, OPT_NAME, results->opt[size]);
	}
	table_print(table, stdout);
	table_free(table);
}

/* What the curves show: the policies, and OPT at the end. */
struct plot {
	struct curves curves;
	const char *names[MAX_POLICIES + 1];
	double ratios[(MAX_POLICIES + 1) * MAX_SIZES];
};

static void add_curve(struct plot *plot, const struct results *results, const char *name,
		      const uint64_t *misses)
{
	for (int i = 0; i < results->n_sizes; i++)
		plot->ratios[plot->curves.policies * results->n_sizes + i] =
			ratio(results, misses[i]);
	plot->names[plot->curves.policies++] = name;
}

static void plot_results(struct plot *plot, const struct results *results)
{
	const struct options *opts = results->opts;

	plot->curves = (struct curves){
		.title = opts->path,
		.names = plot->names,
		.frames = results->sizes,
		.sizes = results->n_sizes,
		.ratios = plot->ratios,
	};
	for (int i = 0; i < opts->n_policies; i++) {
		if (opts->policies[i])
			add_curve(plot, results, opts->policies[i]->name, results->misses[i]);
	}
	add_curve(plot, results, OPT_NAME, results->opt);
}

static int write_svg(const struct plot *plot, const char *path)
{
	FILE *file = fopen(path, "w");
	bool failed;

	if (!file)
		return fail_errno(errno, "\"%s\" cannot be written", path);
	curves_svg(file, &plot->curves);
	failed = ferror(file);
	if (fclose(file) || failed)
		return fail_errno(errno, "\"%s\" cannot be written", path);
	return 0;
}

static int show(const struct results *results)
{
	const struct options *opts = results->opts;
	struct plot plot;

	plot_results(&plot, results);
	if (opts->svg && write_svg(&plot, opts->svg))
		return -1;
	if (opts->json)
		print_json(results);
	else if (opts->curve)
		curves_print(stdout, &plot.curves, term_columns());
	else
		print_table(results);
	return 0;
}

static int read_trace(struct refs *refs, const struct options *opts)
{
	bool piped = !strcmp(opts->path, "-");
	FILE *file = piped ? stdin : fopen(opts->path, "r");
	struct trace_reader *reader;
	int ret;

	if (!file)
		return fail_errno(errno, "\"%s\" cannot be opened", opts->path);
	reader = trace_open(file, opts->format);
	if (reader) {
		ret = refs_read(refs, reader, opts->path);
		trace_close(reader);
	} else {
		ret = fail("there is not enough memory for \"%s\"", opts->path);
	}
	if (!piped)
		fclose(file);
	return ret;
}

int cmd_sim(int argc, char **argv)
{
	struct options opts = { .seed = 1, .format = TRACE_ANY };
	struct results results = { .opts = &opts };
	int ret;

	term_set_colour("auto");
	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	if (read_trace(&results.refs, &opts))
		return EXIT_FAILURE;
	choose_sizes(&results);
	ret = run_all(&results);
	if (!ret)
		ret = show(&results);
	refs_free(&results.refs);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
