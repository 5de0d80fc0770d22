/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPARE_H
#define COMPARE_H

struct launch_terms;
struct vmlab_policy_ops;

#define COMPARE_MAX	16

/**
 * struct compare_policies - what is compared
 * @list:	the policies
 * @count:	how many
 */
struct compare_policies {
	const struct vmlab_policy_ops *list[COMPARE_MAX];
	int count;
};

/* Adds a policy by its name, or "all". Returns 0 or -1: there is no such policy. */
int compare_add(struct compare_policies *policies, const char *name);

/*
 * Runs a program once with its references recorded, and under each policy; and prints on stderr the
 * misses that there were, beside those of the policy's simulation and of Belady's optimum. @terms
 * has a budget, and stores pages in memory. Returns the exit status.
 */
int compare(const struct compare_policies *policies, struct launch_terms *terms,
	    unsigned int window, char **command);

#endif /* COMPARE_H */
