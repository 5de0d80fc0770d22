// SPDX-License-Identifier: GPL-2.0
/*
 * The region that a command is about: a process's or a descriptor's.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"
#include "number.h"
#include "process.h"
#include "target.h"

static void parse_arg(const char *arg, struct argp_state *state, struct target *target)
{
	if (!target->pid) {
		if (!number_int(arg, &target->pid) || !target->pid)
			argp_error(state, "\"%s\" is not the number of a process", arg);
		return;
	}
	if (target->named)
		argp_error(state, "it takes one region, but there is \"%s\" too", arg);
	if (!number_u64(arg, &target->id))
		argp_error(state, "\"%s\" is not the id of a region: \"vmlab map %d\" shows them",
			   arg, target->pid);
	target->named = true;
}

error_t target_parse(int key, const char *arg, struct argp_state *state, struct target *target)
{
	switch (key) {
	case 'f':
		if (!number_int(arg, &target->fd))
			argp_error(state, "\"%s\" is not the number of a descriptor", arg);
		return 0;
	case ARGP_KEY_ARG:
		parse_arg(arg, state, target);
		return 0;
	case ARGP_KEY_END:
		if (target->pid ? target->fd >= 0 : target->fd < 0)
			argp_error(state, "give either the number of a process or --fd");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

int target_mappings(pid_t pid, struct process_mapping **list, size_t *count)
{
	int ret = process_mappings(pid, list, count);

	if (ret == -ENOENT || ret == -ESRCH)
		return fail("there is no process %d: \"vmlab ls\" shows who has regions", pid);
	if (ret == -EACCES || ret == -EPERM)
		return fail("you may not look into process %d: run this as its user, or as root",
			    pid);
	if (ret)
		return fail_errno(ret, "the mappings of process %d cannot be read", pid);
	if (!*count)
		return fail("process %d has no region mapped: \"vmlab ls\" shows who has regions",
			    pid);
	return 0;
}

int target_open_mapping(pid_t pid, const struct process_mapping *mapping, int access)
{
	int fd = process_open_region(pid, mapping, access);

	if (fd >= 0)
		return fd;
	if (fd == -ENOENT)
		return fail("process %d has closed its descriptor of region %" PRIu64
			    ", or does not let you copy it: run this as root to reach it through the mapping",
			    pid, mapping->id);
	if (fd == -ENXIO)
		return fail("region %" PRIu64 " is copied at forks, and process %d may have a copy of its own, "
			    "which only that process can reach: see vmlab_region_at(3)",
			    mapping->id, pid);
	return fail("you may not look into process %d: run this as its user, or as root", pid);
}

/* The mapping of the region that is meant; NULL after a sentence. */
static const struct process_mapping *choose(const struct target *target,
					    const struct process_mapping *list, size_t count)
{
	const struct process_mapping *chosen = NULL;

	for (size_t i = 0; i < count; i++) {
		if (target->named && list[i].id != target->id)
			continue;
		if (chosen && list[i].id != chosen->id) {
			fail("process %d has several regions mapped: name one, \"vmlab map %d\" shows them",
			     target->pid, target->pid);
			return NULL;
		}
		chosen = &list[i];
	}
	if (!chosen)
		fail("process %d does not have region %" PRIu64 " mapped: \"vmlab map %d\" shows what it has",
		     target->pid, target->id, target->pid);
	return chosen;
}

int target_open(const struct target *target)
{
	const struct process_mapping *mapping;
	struct process_mapping *list;
	size_t count;
	int fd = -1;

	if (target->fd >= 0) {
		fd = fcntl(target->fd, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? fail_fd(target->fd, VMLAB_OP_CLONE, -errno) : fd;
	}
	if (target_mappings(target->pid, &list, &count))
		return -1;
	mapping = choose(target, list, count);
	if (mapping)
		fd = target_open_mapping(target->pid, mapping, target->access);
	free(list);
	return fd;
}
