// SPDX-License-Identifier: GPL-2.0
/* A program that fails, made as short as it still fails. */
#include "differ.h"

#include <string.h>
#include <time.h>

#define SECONDS_MAX 600

static void cut(struct program *program, unsigned int from, unsigned int count)
{
	memmove(&program->steps[from], &program->steps[from + count],
		(program->count - from - count) * sizeof(program->steps[0]));
	program->count -= count;
}

/* What comes after the step that showed it has no part in it. */
static void cut_end(struct program *program, const struct result *result)
{
	if (result->step + 1 < program->count)
		program->count = result->step + 1;
}

/* Keeps the shorter or simpler program if it still fails. */
static bool try(struct program *program, struct result *result, struct program *simpler)
{
	struct result attempt = run(simpler);

	if (!attempt.failed)
		return false;
	cut_end(simpler, &attempt);
	*program = *simpler;
	*result = attempt;
	return true;
}

/* Takes out @size steps wherever it fails without them as well; true if there were any. */
static bool cut_all(struct program *program, struct result *result, unsigned int size,
		    time_t deadline)
{
	static struct program shorter;
	bool any = false;

	for (unsigned int at = program->count; at > 0 && time(NULL) < deadline;) {
		at = at > size ? at - size : 0;
		if (at >= program->count)
			continue;
		shorter = *program;
		cut(&shorter, at, at + size > shorter.count ? shorter.count - at : size);
		any |= try(program, result, &shorter);
	}
	return any;
}

/* Has the first process do what another did, which need not be forked then. */
static void merge(struct program *program, uint64_t number)
{
	for (unsigned int i = 0; i < program->count; i++) {
		struct step *step = &program->steps[i];
		char kinds[ARGS_MAX];
		unsigned int count = kinds_of(step->op->words, kinds);

		if (step->process == number)
			step->process = 0;
		for (unsigned int arg = 0; arg < count; arg++) {
			if (kinds[arg] == 'a' && step->args[arg] == number)
				step->args[arg] = 0;
			if (kinds[arg] == 'A' && step->args[arg] == number)
				cut(program, i--, 1);
		}
	}
}

static void merge_all(struct program *program, struct result *result)
{
	static struct program simpler;

	for (uint64_t number = 1; number < PROCESSES; number++) {
		simpler = *program;
		merge(&simpler, number);
		try(program, result, &simpler);
	}
}

struct result shrink(struct program *program, struct result result)
{
	time_t deadline = time(NULL) + SECONDS_MAX;
	unsigned int size;

	cut_end(program, &result);
	for (size = program->count / 2; size > 1; size /= 2)
		cut_all(program, &result, size, deadline);
	do {
		merge_all(program, &result);
	} while (cut_all(program, &result, 1, deadline));
	return result;
}
