// SPDX-License-Identifier: GPL-2.0
/* vmlab run --compare: the faults of a program under each policy, beside what they would be. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vmlab.h>

#include "compare.h"
#include "fail.h"
#include "launch.h"
#include "policy/policy.h"
#include "recording.h"
#include "refs.h"
#include "replay.h"
#include "table.h"

/**
 * struct comparison - what was found out
 * @policies:	those to compare
 * @refs:	the recorded references
 * @frames:	that the budget has
 * @opt:	misses of Belady's optimum
 * @simulated:	of each policy
 * @live:	likewise, as they happened
 * @status:	the exit status of the program, of the first run in which it was not 0
 */
struct comparison {
	const struct compare_policies *policies;
	struct refs refs;
	uint32_t frames;
	uint64_t opt;
	uint64_t simulated[COMPARE_MAX];
	uint64_t live[COMPARE_MAX];
	int status;
};

int compare_add(struct compare_policies *policies, const char *name)
{
	const struct vmlab_policy_ops *ops = vmlab_policy_find(name);
	bool all = !strcmp(name, "all");

	if (!ops && !all)
		return -1;
	for (unsigned int i = 0; all && (ops = vmlab_policy_nth(i)); i++)
		compare_add(policies, ops->name);
	for (int i = 0; i < policies->count && ops; i++) {
		if (policies->list[i] == ops)
			return 0;
	}
	if (ops)
		policies->list[policies->count++] = ops;
	return 0;
}

static int ended(void)
{
	return fail("a signal has ended the comparison");
}

/* Waits for a program that was started. Returns 0, or -1 if there is to be no other. */
static int finish(struct comparison *comparison, struct launch *launch)
{
	launch_wait(launch);
	if (!comparison->status)
		comparison->status = launch->status;
	if (launch->is_to_end)
		return ended();
	if (launch->status >= 126)
		return fail("the program has ended with status %d", launch->status);
	return 0;
}

static int record_run(struct comparison *comparison, struct launch *launch, unsigned int window,
		      struct recording_file *file, char **command)
{
	struct recording *recording = recording_begin(launch->terms.first, window, file);
	uint64_t references;
	int ret;

	if (!recording)
		return -1;
	ret = launch_start(launch, command);
	if (!ret) {
		/* Without a thread it would wait for ever. */
		ret = recording_run(recording);
		if (ret)
			kill(launch->pid, SIGKILL);
		if (finish(comparison, launch))
			ret = -1;
	}
	return recording_end(recording, &references) || ret ? -1 : 0;
}

static int read_refs(struct comparison *comparison, FILE *file)
{
	struct trace_reader *reader;
	int ret;

	rewind(file);
	reader = trace_open(file, TRACE_VMLAB);
	if (!reader) {
		fail("there is not enough memory for the trace");
		return -1;
	}
	ret = refs_read(&comparison->refs, reader, "the trace");
	trace_close(reader);
	return ret;
}

/* All its pages stay in memory here, whatever the budget. */
static int record(struct comparison *comparison, unsigned int window, char **command)
{
	const struct launch_terms unlimited = { .strict = true };
	struct recording_file file = { .file = tmpfile(), .path = "the trace" };
	struct launch launch;
	int ret;

	if (!file.file) {
		fail_errno(errno, "there is no place for the trace");
		return -1;
	}
	fcntl(fileno(file.file), F_SETFD, FD_CLOEXEC);	/* it is not the program's */
	ret = launch_prepare(&launch, &unlimited);
	if (!ret) {
		ret = record_run(comparison, &launch, window, &file, command);
		launch_end(&launch);
	}
	if (!ret)
		ret = read_refs(comparison, file.file);
	fclose(file.file);
	return ret;
}

static int simulate(struct comparison *comparison)
{
	struct replay replay = {
		.refs = &comparison->refs,
		.entries = malloc(comparison->refs.distinct * sizeof(*replay.entries)),
		.seed = 1,
		.lirs_paper = true,
	};
	uint32_t *next = opt_next(&comparison->refs);
	int ret = -ENOMEM, done = -1;

	if (replay.entries && next)
		ret = replay_opt(&comparison->refs, next, comparison->frames, &comparison->opt);
	for (int i = 0; i < comparison->policies->count && !ret && !launch_is_over(); i++) {
		ret = replay_policy(&replay, comparison->policies->list[i], comparison->frames,
				    &comparison->simulated[i]);
		done = i;
	}
	free(replay.entries);
	free(next);
	if (!ret && done < comparison->policies->count - 1)
		return ended();
	return ret ? fail("there is not enough memory to replay the trace") : 0;
}

/* Pages that were not in memory when they were touched, one fault for each. */
static int count_misses(const struct launch *launch, uint64_t *misses)
{
	struct vmlab_stat stat;
	int ret = vmlab_stat(launch->terms.first, &stat);

	if (ret)
		return fail_op(VMLAB_OP_STAT, ret);
	*misses = stat.first_touch + stat.swap_faults;
	return 0;
}

static int run_policy(struct comparison *comparison, int i, struct launch_terms *terms,
		      char **command)
{
	const char *name = comparison->policies->list[i]->name;
	struct launch launch;
	int ret;

	terms->set.what |= VMLAB_POOL_POLICY;
	memset(terms->set.policy, 0, sizeof(terms->set.policy));
	memcpy(terms->set.policy, name, strlen(name));
	if (launch_is_over())
		return ended();
	if (launch_prepare(&launch, terms))
		return -1;
	ret = launch_start(&launch, command);
	if (!ret)
		ret = finish(comparison, &launch);
	if (!ret)
		ret = count_misses(&launch, &comparison->live[i]);
	launch_end(&launch);
	return ret;
}

static void print_row(struct table *table, const struct comparison *comparison, const char *name,
		      const uint64_t *live, uint64_t simulated)
{
	table_cell(table, "%s", name);
	if (live) {
		table_cell(table, "%" PRIu64, *live);
		table_cell(table, "%.3f", (double)*live / (double)comparison->opt);
	} else {
		table_cell(table, "-");
		table_cell(table, "-");
	}
	table_cell(table, "%" PRIu64, simulated);
	if (live)
		table_cell(table, "%.3f", (double)*live / (double)simulated);
	else
		table_cell(table, "-");
}

static void print(const struct comparison *comparison, const char *program)
{
	static const char *const heads[] = { "policy", ">misses", ">of opt", ">simulated",
					     ">of simulated" };
	struct table *table = table_new(heads, sizeof(heads) / sizeof(heads[0]));

	fprintf(stderr,
		"vmlab run: %s: %zu references to %" PRIu32 " pages, in %" PRIu32 " frames\n\n",
		program, comparison->refs.count, comparison->refs.distinct, comparison->frames);
	for (int i = 0; i < comparison->policies->count; i++)
		print_row(table, comparison, comparison->policies->list[i]->name,
			  &comparison->live[i], comparison->simulated[i]);
	print_row(table, comparison, "opt", NULL, comparison->opt);
	table_print(table, stderr);
	table_free(table);
}

static int run_all(struct comparison *comparison, struct launch_terms *terms, unsigned int window,
		   char **command)
{
	int ret = record(comparison, window, command);

	if (!ret)
		ret = simulate(comparison);
	for (int i = 0; i < comparison->policies->count && !ret; i++)
		ret = run_policy(comparison, i, terms, command);
	return ret;
}

/* Is there to be such a pool at all? And how many frames has its budget? */
static int check_terms(struct comparison *comparison, const struct launch_terms *terms)
{
	struct vmlab_features features;
	struct launch launch;
	int ret = launch_prepare(&launch, terms);

	if (ret)
		return ret;
	ret = vmlab_features(launch.terms.root, &features);
	launch_end(&launch);
	if (ret)
		return fail_op(VMLAB_OP_FEATURES, ret);
	if (terms->set.budget / features.page_size > VMLAB_FRAMES_MAX)
		return fail("more than %u frames cannot be compared", VMLAB_FRAMES_MAX);
	comparison->frames = (uint32_t)(terms->set.budget / features.page_size);
	return 0;
}

int compare(const struct compare_policies *policies, struct launch_terms *terms,
	    unsigned int window, char **command)
{
	struct comparison comparison = { .policies = policies };
	int ret;

	terms->strict = true;
	ret = check_terms(&comparison, terms);
	if (!ret)
		ret = run_all(&comparison, terms, window, command);
	if (!ret)
		print(&comparison, command[0]);
	refs_free(&comparison.refs);
	if (comparison.status)
		return comparison.status;
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
