// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab run: runs a program whose heap is in regions of one pool.
 */
#include <argp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <vmlab.h>

#include "command.h"
#include "compare.h"
#include "fail.h"
#include "launch.h"
#include "number.h"
#include "recording.h"
#include "run_report.h"
#include "store.h"

enum {
	KEY_BUDGET = 1000,
	KEY_CODEC,
	KEY_POLICY,
	KEY_STAT,
	KEY_STORE,
	KEY_STORE_LIMIT,
	KEY_FRONT,
	KEY_RECORD,
	KEY_WINDOW,
	KEY_COMPARE,
};

/**
 * struct options - the command line
 * @terms:	the pool
 * @stat:	print figures
 * @record:	the file for a trace, or NULL
 * @window:	of a recording, as vmlab_record() has it
 * @compare:	the policies to compare, if there are some
 * @command:	the program and its arguments
 */
struct options {
	struct launch_terms terms;
	bool stat;
	const char *record;
	unsigned int window;
	struct compare_policies compare;
	char **command;
};

#define POLICIES "What chooses pages: random, fifo, clock, lru, 2q, arc, sieve, s3fifo, lirs"

static const struct argp_option options[] = {
	{ "budget", KEY_BUDGET, "SIZE", 0, "Memory that pages may take; the rest is stored", 0 },
	{ "compare", KEY_COMPARE, "NAME[,NAME...]", 0,
	  "Run PROGRAM under each of these policies, or all, and print its misses", 0 },
	{ "codec", KEY_CODEC, "NAME", 0, "What compresses stored pages: lz4, zstd or lzo-rle", 0 },
	{ "front", KEY_FRONT, "SIZE", 0, "Memory for compressed pages in front of the file", 0 },
	{ "policy", KEY_POLICY, "NAME", 0, POLICIES, 0 },
	{ "record", KEY_RECORD, "FILE", 0, "Write a trace of the pages PROGRAM references", 0 },
	{ "stat", KEY_STAT, NULL, 0, "Print figures on stderr when the program has ended", 0 },
	{ "store", KEY_STORE, "zs|file:PATH", 0, "Store pages in memory, or in a file", 0 },
	{ "store-limit", KEY_STORE_LIMIT, "SIZE", 0, "What stored pages may take of it", 0 },
	{ "window", KEY_WINDOW, "PAGES", 0,
	  "Pages mapped at a time, among which no reference is seen (32)", 0 },
	{ 0 },
};

static uint64_t parse_size(const char *arg, struct argp_state *state)
{
	uint64_t bytes;

	if (!number_size(arg, &bytes) || !bytes)
		argp_error(state, "\"%s\" is not a size, as 64M is one", arg);
	return bytes;
}

static void parse_name(const char *arg, __u8 *name, struct argp_state *state)
{
	if (!*arg || strlen(arg) >= VMLAB_POOL_NAME)
		argp_error(state, "\"%s\" is not the name of a policy or a codec", arg);
	memcpy(name, arg, strlen(arg) + 1);
}

static void parse_compare(char *arg, struct argp_state *state, struct options *opts)
{
	char *name;

	while ((name = strsep(&arg, ","))) {
		if (compare_add(&opts->compare, name))
			argp_error(state, "there is no policy \"%s\" to compare", name);
	}
}

/* What does not go together. */
static void check(const struct options *opts, struct argp_state *state)
{
	unsigned int what = opts->terms.set.what;

	if (opts->window && !opts->record && !opts->compare.count)
		argp_error(state, "--window is for --record and --compare");
	if (!opts->compare.count)
		return;
	if (!(what & VMLAB_POOL_BUDGET))
		argp_error(state, "--compare takes a --budget");
	if (what & VMLAB_POOL_POLICY || opts->record || opts->stat)
		argp_error(state, "--compare has no --policy, --record or --stat");
	if (opts->terms.store.path)
		argp_error(state, "--compare stores pages in memory only");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opts = state->input;

	switch (key) {
	case KEY_BUDGET:
		opts->terms.set.what |= VMLAB_POOL_BUDGET;
		opts->terms.set.budget = parse_size(arg, state);
		return 0;
	case KEY_STORE:
		store_parse(arg, &opts->terms.store, &opts->terms.set, state);
		return 0;
	case KEY_STORE_LIMIT:
		opts->terms.set.what |= VMLAB_POOL_STORE_LIMIT;
		opts->terms.set.store_limit = parse_size(arg, state);
		return 0;
	case KEY_FRONT:
		opts->terms.set.what |= VMLAB_POOL_FRONT;
		opts->terms.set.front = parse_size(arg, state);
		return 0;
	case KEY_POLICY:
		opts->terms.set.what |= VMLAB_POOL_POLICY;
		parse_name(arg, opts->terms.set.policy, state);
		return 0;
	case KEY_CODEC:
		opts->terms.set.what |= VMLAB_POOL_CODEC;
		parse_name(arg, opts->terms.set.codec, state);
		return 0;
	case KEY_RECORD:
		opts->record = arg;
		return 0;
	case KEY_WINDOW:
		recording_parse_window(arg, state, &opts->window);
		return 0;
	case KEY_COMPARE:
		parse_compare(arg, state, opts);
		return 0;
	case KEY_STAT:
		opts->stat = true;
		return 0;
	case ARGP_KEY_ARG:
		/* The rest is the program's. */
		opts->command = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "say what to run: -- PROGRAM [ARGUMENT...]");
		return 0;
	case ARGP_KEY_END:
		check(opts, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "-- PROGRAM [ARGUMENT...]",
	.doc = "Run PROGRAM, and what it starts, with the memory that they allocate in regions of one pool.",
};

/* With its references recorded. The program goes on even if that comes to an early end. */
static int run_recorded(struct launch *launch, const struct options *opts)
{
	struct recording_file file;
	struct recording *recording;
	uint64_t references;
	int ret, broken;

	if (recording_file_open(&file, opts->record))
		return -1;
	recording = recording_begin(launch->terms.first, opts->window, &file);
	if (!recording) {
		recording_file_close(&file, false);
		return -1;
	}
	ret = launch_start(launch, opts->command);
	broken = ret ?: recording_run(recording);
	if (!ret && !broken)
		launch_wait(launch);
	if (recording_end(recording, &references))
		broken = -1;
	if (!ret && !launch->ended)
		launch_wait(launch);
	if (recording_file_close(&file, !broken))
		broken = -1;
	return broken;
}

static int run(struct launch *launch, const struct options *opts)
{
	int ret;

	if (opts->record)
		return run_recorded(launch, opts);
	ret = launch_start(launch, opts->command);
	if (!ret)
		launch_wait(launch);
	return ret;
}

int cmd_run(int argc, char **argv)
{
	struct options opts = { .command = NULL };
	struct launch launch;
	int ret;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &opts);
	if (opts.compare.count)
		return compare(&opts.compare, &opts.terms, opts.window, opts.command);
	if (launch_prepare(&launch, &opts.terms))
		return EXIT_FAILURE;
	ret = run(&launch, &opts);
	if (opts.stat && launch.ended)
		run_report(opts.command[0], &launch);
	launch_end(&launch);
	return ret && !launch.status ? EXIT_FAILURE : launch.status;
}
