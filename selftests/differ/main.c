// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab-differ: random steps on vmlab, on a memfd and on a model, and whether they agree.
 */
#include "differ.h"
#include "../common/number.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct options {
	uint64_t seed, steps, programs, seconds, limit;
	const char *replay, *findings;
	bool verbose;
	bool budget;
} opts = { .steps = 300, .programs = 1, .limit = 60 };

static struct program program;

static void save(const char *text)
{
	char *path;

	if (asprintf(&path, "%s/difference-%lx", opts.findings ?: ".", opts.seed) < 0)
		errx(2, "no memory");
	if (!program_save(path, &program, text))
		err(2, "%s", path);
	printf("\nreplay it with: vmlab-differ --replay %s\n", path);
	free(path);
}

/* Tells a difference, makes the program short and writes it down, and ends the run. */
static void found(const struct result *result)
{
	unsigned int before = program.count;
	struct result last;

	printf("\nFOUND: step %u: %s\n", result->step + 1, result->text);
	fflush(stdout);
	run_quietly();
	last = run(&program);
	if (!last.failed) {
		printf("It did not happen again. All of its steps:\n\n");
		last = *result;
	} else {
		last = shrink(&program, last);
		printf("%u steps became %u:\n\n", before, program.count);
	}
	program_print(stdout, &program);
	printf("\n%s\n", last.text);
	save(last.text);
	exit(1);
}

static bool time_left(time_t began, unsigned long done)
{
	return opts.seconds ? (uint64_t)(time(NULL) - began) < opts.seconds : done < opts.programs;
}

static void run_programs(void)
{
	struct huge_count huge = { 0 };
	unsigned long done = 0, steps = 0;
	time_t began = time(NULL), told = began;

	for (; time_left(began, done); done++, opts.seed++) {
		struct result result;

		random_seed(opts.seed);
		program_generate(&program, (unsigned int)opts.steps);
		result = run(&program);
		steps += result.done;
		huge.made += result.huge.made;
		huge.split += result.huge.split;
		huge.fallback += result.huge.fallback;
		if (result.failed) {
			printf("seed %lu, %lu steps\n", opts.seed, opts.steps);
			found(&result);
		}
		if (time(NULL) - told < 60)
			continue;
		told = time(NULL);
		printf("%lu programs, %lu steps, up to seed %lu\n", done + 1, steps, opts.seed);
		fflush(stdout);
	}
	printf("%lu programs, %lu steps: all alike\n", done, steps);
	printf("huge pages: %lu made, %lu split, %lu not to be had\n", huge.made, huge.split,
	       huge.fallback);
}

static void replay(void)
{
	struct result result;

	if (!program_load(opts.replay, &program))
		exit(2);
	result = run(&program);
	if (result.failed)
		found(&result);
	printf("%u steps of %u made sense: all alike\n", result.done, program.count);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 's':
		opts.seed = number_option(arg, 0, UINT64_MAX, state);
		return 0;
	case 'n':
		opts.steps = number_option(arg, 8, STEPS_MAX - 1, state);
		return 0;
	case 'p':
		opts.programs = number_option(arg, 1, UINT64_MAX, state);
		return 0;
	case 't':
		opts.seconds = number_option(arg, 1, UINT32_MAX, state);
		return 0;
	case 'l':
		opts.limit = number_option(arg, 1, 3600, state);
		return 0;
	case 'r':
		opts.replay = arg;
		return 0;
	case 'f':
		opts.findings = arg;
		return 0;
	case 'v':
		opts.verbose = true;
		return 0;
	case 'b':
		opts.budget = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "seed", 's', "N", 0, "Run the programs of seeds N, N + 1, ... (the time)", 0 },
		{ "steps", 'n', "N", 0, "Steps of a program (300)", 0 },
		{ "programs", 'p', "N", 0, "Run N programs (1)", 0 },
		{ "seconds", 't', "N", 0, "Run programs for N seconds", 0 },
		{ "replay", 'r', "FILE", 0, "Run the program in FILE", 0 },
		{ "findings", 'f', "DIR", 0, "Write what is found there (.)", 0 },
		{ "limit", 'l', "N", 0, "Seconds after which a step counts as hung (60)", 0 },
		{ "budget", 'b', NULL, 0, "Give regions small budgets, and evict after steps", 0 },
		{ "verbose", 'v', NULL, 0, "Print each step before it is done", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		options, parse_option, NULL,
		"Does random steps on vmlab, on a memfd and on a model, and tells when they differ.",
		NULL, NULL, NULL
	};

	opts.seed = (uint64_t)time(NULL);
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (opts.budget)
		sides_evict();
	run_init((unsigned int)opts.limit, opts.verbose);
	printf("clones: %s; copy-on-write over fork: %s\n",
	       run_traits()->features & VMLAB_FEATURE_CLONE ? "yes" : "not in this module",
	       run_traits()->features & VMLAB_FEATURE_COW_FORK ? "yes" : "not in this module");
	if (opts.replay) {
		replay();
	} else {
		printf("seed %lu, %lu steps each\n", opts.seed, opts.steps);
		run_programs();
	}
	return 0;
}
