/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TARGET_H
#define TARGET_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_mapping;

/**
 * struct target - the one region that a command is about
 * @pid:	of a process that has it mapped; 0: not given
 * @named:	@id was given
 * @id:		the region, if the process has several
 * @fd:		or the number of a descriptor of it; -1: not given
 * @access:	as for open(2), if it is a process's; a descriptor's own is what it is
 */
struct target {
	pid_t pid;
	bool named;
	uint64_t id;
	int fd;
	int access;
};

/* For an argp parser that has -f: takes what is the target's, else ARGP_ERR_UNKNOWN. */
error_t target_parse(int key, const char *arg, struct argp_state *state, struct target *target);

/* Opens it. Returns a descriptor that the caller closes, or -1 after a sentence. */
int target_open(const struct target *target);

/* As in process.h, but after an error, or without any mapping, -1 and a sentence. */
int target_mappings(pid_t pid, struct process_mapping **list, size_t *count);
int target_open_mapping(pid_t pid, const struct process_mapping *mapping, int access);

#endif /* TARGET_H */
