// SPDX-License-Identifier: GPL-2.0
/*
 * A memory cgroup, in which this program is for a while. What it had before stays charged where it
 * was.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"
#define OWN ROOT "/vmlab-bench"

static bool inside;

static void move_to(const char *procs)
{
	if (!setting_write(procs, "0"))
		die(procs);
}

/* A limit of SIZE_MAX: none. */
void cgroup_enter(size_t bytes)
{
	char text[32];

	if (access(ROOT "/cgroup.controllers", F_OK) && mount("none", ROOT, "cgroup2", 0, NULL))
		die(ROOT);
	if (!setting_write(ROOT "/cgroup.subtree_control", "+memory"))
		die(ROOT "/cgroup.subtree_control");
	if (mkdir(OWN, 0755) && errno != EEXIST)
		die(OWN);
	move_to(OWN "/cgroup.procs");
	inside = true;
	if (bytes == SIZE_MAX)
		snprintf(text, sizeof(text), "max");
	else
		snprintf(text, sizeof(text), "%zu", bytes);
	if (!setting_write(OWN "/memory.max", text))
		die(OWN "/memory.max");
}

void cgroup_leave(void)
{
	if (!inside)
		return;
	move_to(ROOT "/cgroup.procs");
	if (rmdir(OWN))
		die(OWN);
	inside = false;
}
