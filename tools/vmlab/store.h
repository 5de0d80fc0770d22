/* SPDX-License-Identifier: GPL-2.0 */
#ifndef STORE_H
#define STORE_H

#include <argp.h>

#include <vmlab.h>

/* Where a pool is to store pages, as an option says. */
struct store_option {
	const char *path;	/* NULL: in memory */
};

/* Parses "zs" or "file:PATH" of --store, and notes in @set that it was given. */
void store_parse(const char *arg, struct store_option *option, struct vmlab_pool_set *set,
		 struct argp_state *state);

/*
 * vmlab_pool_set(), after the file was opened if there is one; where the store has a limit it is
 * made if it does not exist. Returns 0, or -1 after a sentence.
 */
int store_pool_set(int region, const struct store_option *option, struct vmlab_pool_set *set);

#endif /* STORE_H */
