// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab top: pools and regions at work, over and over.
 */
#include <argp.h>
#include <curses.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "fail.h"
#include "figures.h"
#include "number.h"
#include "table.h"
#include "term.h"
#include "top_sample.h"

/* The columns that rows can be sorted by, and the keys for that. */
static const struct {
	const char *name;
	char key;
} columns[TOP_COLUMNS] = {
	[TOP_FAULTS]		= { "faults", 'f' },
	[TOP_EVICTED]		= { "evicted", 'e' },
	[TOP_SWAPPED_IN]	= { "swapped-in", 'i' },
	[TOP_RESIDENT]		= { "resident", 'r' },
	[TOP_STORED]		= { "stored", 's' },
	[TOP_WORKING_SET]	= { "working-set", 'w' },
};

struct options {
	int batch;		/* how often, without a terminal; 0: on one, until it is ended */
	double delay;
	enum top_column column;
	bool bytes;
};

static const struct argp_option options[] = {
	{ "batch", 'n', "N", 0, "Print N times and end, for files and other programs", 0 },
	{ "bytes", 'b', NULL, 0, "Print sizes as numbers of bytes", 0 },
	{ "delay", 'd', "SECONDS", 0, "Look every so many seconds (2)", 0 },
	{ "sort", 's', "COLUMN", 0,
	  "Sort by faults, evicted, swapped-in, resident, stored or working-set", 0 },
	{ 0 },
};

static void parse_column(const char *arg, struct argp_state *state, struct options *opts)
{
	for (int i = 0; i < TOP_COLUMNS; i++) {
		if (!strcmp(arg, columns[i].name)) {
			opts->column = i;
			return;
		}
	}
	argp_error(state, "there is no column \"%s\" to sort by", arg);
}

static void parse_delay(const char *arg, struct argp_state *state, struct options *opts)
{
	char *end;

	opts->delay = strtod(arg, &end);
	if (end == arg || *end || !(opts->delay >= 0.1 && opts->delay <= 86400))
		argp_error(state, "--delay takes seconds, from 0.1 to 86400, not \"%s\"", arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opts = state->input;

	switch (key) {
	case 'n':
		if (!number_int(arg, &opts->batch) || !opts->batch)
			argp_error(state, "--batch takes how often to print, not \"%s\"", arg);
		return 0;
	case 'b':
		opts->bytes = true;
		return 0;
	case 'd':
		parse_delay(arg, state, opts);
		return 0;
	case 's':
		parse_column(arg, state, opts);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "it takes no arguments, but there is \"%s\"", arg);
		return EINVAL;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Watch pools and regions at work: how many faults they serve in a second, how many "
	       "pages leave and come back, and how much memory they have and would need.",
};

static void cell_size(struct table *table, double pages, const struct top_sample *sample,
		      bool exact)
{
	uint64_t bytes = (uint64_t)pages * sample->features.page_size;

	table_cell(table, "%s", size_text(bytes, exact).text);
}

static void cells_values(struct table *table, const struct top_row *row,
			 const struct top_sample *sample, bool exact)
{
	for (int i = 0; i < TOP_RATES; i++)
		table_cell(table, "%.0f", row->values[i]);
	cell_size(table, row->values[TOP_RESIDENT], sample, exact);
	cell_size(table, row->values[TOP_STORED], sample, exact);
}

static void print_pools(FILE *out, const struct top_sample *sample, bool exact)
{
	static const char *const heads[] = {
		">POOL",
		">FAULTS/s",
		">EVICTED/s",
		">SWAPPED-IN/s",
		">RESIDENT",
		">STORED",
		">WORKING SET",
		">BUDGET",
		">REGIONS",
		"POLICY",
		"STORE",
	};
	struct table *table = table_new(heads, sizeof(heads) / sizeof(heads[0]));

	for (size_t i = 0; i < sample->nr_pools; i++) {
		const struct vmlab_pool_stat *pool = sample->pools[i].pool;
		bool limited = pool->budget != VMLAB_POOL_UNLIMITED_BUDGET;

		table_cell(table, "%" PRIu64, (uint64_t)pool->id);
		cells_values(table, &sample->pools[i], sample, exact);
		if (pool->working_set)
			cell_size(table, (double)pool->working_set, sample, exact);
		else
			table_cell(table, "-");
		table_cell(table, "%s", limited ? size_text(pool->budget, exact).text : "none");
		table_cell(table, "%" PRIu64, (uint64_t)pool->regions);
		table_cell(table, "%s", *pool->policy ? (const char *)pool->policy : "-");
		table_cell(table, "%s", *pool->store ? (const char *)pool->store : "-");
	}
	table_print(table, out);
	table_free(table);
}

static void print_regions(FILE *out, const struct top_sample *sample, bool exact)
{
	static const char *const heads[] = {
		">REGION",
		">FAULTS/s",
		">EVICTED/s",
		">SWAPPED-IN/s",
		">RESIDENT",
		">STORED",
		">POOL",
		">PID",
		"COMMAND",
	};
	struct table *table = table_new(heads, sizeof(heads) / sizeof(heads[0]));

	for (size_t i = 0; i < sample->nr_regions; i++) {
		const struct vmlab_stat *region = sample->regions[i].region;

		table_cell(table, "%" PRIu64, (uint64_t)region->id);
		cells_values(table, &sample->regions[i], sample, exact);
		if (region->pool)
			table_cell(table, "%" PRIu64, (uint64_t)region->pool);
		else
			table_cell(table, "-");
		table_cell(table, "%u", region->pid);
		table_cell(table, "%s", figures_command(region).text);
	}
	table_print(table, out);
	table_free(table);
}

static void print_sample(FILE *out, const struct top_sample *sample, const struct options *opts)
{
	const struct vmlab_features *features = &sample->features;

	fprintf(out, "vmlab top: %zu pools, %zu regions; in memory %s of at most %s; by %s\n\n",
		sample->nr_pools, sample->nr_regions,
		size_text(features->pages * features->page_size, opts->bytes).text,
		size_text(features->pages_max * features->page_size, opts->bytes).text,
		columns[opts->column].name);
	if (sample->nr_pools) {
		print_pools(out, sample, opts->bytes);
		fputc('\n', out);
	}
	print_regions(out, sample, opts->bytes);
}

/* Takes the next sample, and the place of the one before. */
static int renew(struct top_sample *sample)
{
	struct top_sample next;

	if (top_sample_take(&next))
		return -1;
	top_sample_compare(&next, sample);
	top_sample_free(sample);
	*sample = next;
	return 0;
}

static int run_batch(struct top_sample *sample, const struct options *opts)
{
	for (int i = 0; i < opts->batch; i++) {
		poll(NULL, 0, (int)(opts->delay * 1000));
		if (renew(sample))
			return -1;
		top_sample_sort(sample, opts->column);
		if (i)
			putchar('\n');
		print_sample(stdout, sample, opts);
		if (fflush(stdout))
			return 0;	/* told by main() */
	}
	return 0;
}

static void show(const struct top_sample *sample, const struct options *opts)
{
	char *text = NULL, *line, *rest;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;		/* the next time, perhaps */
	print_sample(out, sample, opts);
	fclose(out);
	erase();
	line = text;
	for (int row = 0; row < LINES - 1 && line; row++, line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			*rest++ = 0;
		mvaddnstr(row, 0, line, COLS);
	}
	free(text);
	attron(A_REVERSE);
	mvaddnstr(LINES - 1, 0,
		  "sort by: f faults  e evicted  i swapped in  r resident  s stored  w working set;  q quit",
		  COLS);
	attroff(A_REVERSE);
	refresh();
}

/* Has the terminal gone? Nobody will press a key there. */
static bool is_hung_up(void)
{
	struct pollfd terminal = { .fd = STDIN_FILENO };

	return poll(&terminal, 1, 0) > 0 && terminal.revents & (POLLHUP | POLLERR);
}

/* Returns whether to go on. */
static bool handle_key(int key, struct options *opts)
{
	if (key == ERR)
		return !is_hung_up();
	for (int i = 0; i < TOP_COLUMNS; i++) {
		if (key == columns[i].key)
			opts->column = i;
	}
	return key != 'q';
}

/* Shows what is there until it is time for the next sample. Returns whether to go on. */
static bool show_until(double end, struct top_sample *sample, struct options *opts)
{
	bool go_on;

	do {
		double left = end - clock_seconds();

		top_sample_sort(sample, opts->column);
		show(sample, opts);
		timeout(left > 0 ? (int)(left * 1000) + 1 : 0);
		go_on = handle_key(getch(), opts);
	} while (go_on && clock_seconds() < end);
	return go_on;
}

static int run_on_screen(struct top_sample *sample, struct options *opts)
{
	int ret = 0;

	while (!ret && show_until(sample->seconds + opts->delay, sample, opts))
		ret = renew(sample);
	return ret;
}

/* The same while errors wait: what is written to the screen now vanishes with it. */
static int run_with_errors_kept(struct top_sample *sample, struct options *opts, char **errors)
{
	FILE *terminal = stderr;
	size_t size;
	int ret;

	stderr = open_memstream(errors, &size);
	if (!stderr)
		stderr = terminal;
	ret = run_on_screen(sample, opts);
	if (stderr != terminal)
		fclose(stderr);
	stderr = terminal;
	return ret;
}

/* The terminal becomes a screen for as long. */
static int run_on_terminal(struct top_sample *sample, struct options *opts)
{
	char *errors = NULL;
	SCREEN *screen;
	int ret;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return fail("this is no terminal: \"vmlab top --batch N\" needs none");
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return fail("it is not known what this terminal can do: set TERM, or use \"vmlab top --batch N\"");
	cbreak();
	noecho();
	keypad(stdscr, true);
	curs_set(0);
	ret = run_with_errors_kept(sample, opts, &errors);
	endwin();
	delscreen(screen);
	if (errors)
		fputs(errors, stderr);
	free(errors);
	return ret;
}

int cmd_top(int argc, char **argv)
{
	struct options opts = { .delay = 2 };
	struct top_sample sample;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	term_set_colour("never");
	if (top_sample_take(&sample))
		return EXIT_FAILURE;
	ret = opts.batch ? run_batch(&sample, &opts) : run_on_terminal(&sample, &opts);
	top_sample_free(&sample);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
