/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <vmlab.h>

#include "../run/run.h"
#include "store.h"

/* Starting a program whose heap is in regions of one pool. */

/**
 * struct launch_terms - what the pool is to be
 * @set:	its settings
 * @store:	where it stores pages
 * @strict:	each fault brings its page alone
 */
struct launch_terms {
	struct vmlab_pool_set set;
	struct store_option store;
	bool strict;
};

/**
 * struct launch - a program, or the place for one
 * @terms:	the descriptors; @terms.first is the region of the program itself
 * @figures:	what the preloaded library counted
 * @pid:	the program
 * @ended:	it has been waited for
 * @anonymous:	the most anonymous memory of the kernel's that it was seen with, in bytes
 * @status:	its exit status as a shell would have it, or 128 and the number of a signal
 * @is_to_end:	a signal came for it by which one wants things to end
 */
struct launch {
	struct run_terms terms;
	struct run_figures *figures;
	pid_t pid;
	bool ended;
	uint64_t anonymous;
	int status;
	bool is_to_end;
};

/*
 * Makes the pool, and the first region in it. Returns 0; or -1 after a sentence, and then there is
 * nothing to end.
 */
int launch_prepare(struct launch *launch, const struct launch_terms *wanted);

/*
 * Starts the program, which finds @command in PATH; if it cannot be run, that is its exit status.
 * Signals for it are blocked here from then on. Returns 0, or -1 after a sentence.
 */
int launch_start(struct launch *launch, char **command);

/* Between programs: has such a signal come, which no program got? */
bool launch_is_over(void);

/* Waits for the program, which must have been started, and passes signals on to it. */
void launch_wait(struct launch *launch);

/* Lets the pool go, when nobody waits for the program. */
void launch_end(struct launch *launch);

#endif /* LAUNCH_H */
