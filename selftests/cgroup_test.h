/* SPDX-License-Identifier: GPL-2.0 */
/* Memory cgroups (v2). cgroup_make() gives the reason why none can be had, or NULL. */
#ifndef CGROUP_TEST_H
#define CGROUP_TEST_H

#include "vmlab_test.h"

/* One with a limit, and processes in another below it. */
struct cgroup {
	char dir[32];	/* where the hierarchy is mounted for it */
	char path[64];
	char leaf[72];
};

static inline const char *cgroup_make(struct cgroup *group, __u64 max)
{
	strcpy(group->dir, "/tmp/vmlab-cgroup.XXXXXX");
	if (!mkdtemp(group->dir) || mount("none", group->dir, "cgroup2", 0, NULL))
		return "cgroup2 cannot be mounted";
	snprintf(group->path, sizeof(group->path), "%s/%s", group->dir,
		 strchr(group->dir, '.') + 1);
	snprintf(group->leaf, sizeof(group->leaf), "%s/leaf", group->path);
	if (!run("exec 2>/dev/null; echo +memory >%s/cgroup.subtree_control && mkdir %s && cd %s && "
		 "echo %llu >memory.max && echo +memory >cgroup.subtree_control && mkdir leaf",
		 group->dir, group->path, group->path, max))
		return NULL;
	rmdir(group->path);
	umount2(group->dir, MNT_DETACH);
	rmdir(group->dir);
	return "no memory controller in cgroup2";
}

static inline void cgroup_remove(const struct cgroup *group)
{
	rmdir(group->leaf);
	rmdir(group->path);
	umount2(group->dir, MNT_DETACH);
	rmdir(group->dir);
}

/* The caller is in it from here on. */
static inline bool cgroup_enter(const struct cgroup *group)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/cgroup.procs", group->leaf);
	return !text_write(path, "0");
}

/* Runs @expression in a child that is in it; true if the child then says so by its value. */
#define IN_CGROUP(group, expression) IN_CHILD(cgroup_enter(group) && (expression))

/* Runs @expression likewise; true if a signal ends that child. */
#define DIES_IN_CGROUP(group, expression) ({				\
	pid_t __pid = fork();						\
	int __status = 0;						\
									\
	if (!__pid) {							\
		if (cgroup_enter(group))				\
			(void)(expression);				\
		_exit(0);						\
	}								\
	waitpid(__pid, &__status, 0) == __pid && WIFSIGNALED(__status);	\
})

/* What is charged to it, in bytes. */
static inline __u64 cgroup_current(const struct cgroup *group)
{
	char path[96], text[32] = "";

	snprintf(path, sizeof(path), "%s/memory.current", group->path);
	if (text_read(path, text, sizeof(text)) < 0)
		broken("%s: %s\n", path, strerror(errno));
	return strtoull(text, NULL, 10);
}

/* Is less than that charged to it? What processors hold ready for it they give up for this. */
static inline bool cgroup_is_below(const struct cgroup *group, __u64 bytes)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/memory.high", group->path);
	text_write(path, "0");
	return cgroup_current(group) < bytes;
}

/* How many processes in it the kernel has killed. */
static inline long cgroup_kills(const struct cgroup *group)
{
	char path[96], text[256] = "", *line;

	snprintf(path, sizeof(path), "%s/memory.events", group->path);
	text_read(path, text, sizeof(text));
	line = strstr(text, "oom_kill ");
	return line ? strtol(line + strlen("oom_kill "), NULL, 10) : -1;
}

/* Has memory of it reclaimed, all of it if that can be. */
static inline void cgroup_reclaim(const struct cgroup *group)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/memory.reclaim", group->path);
	if (text_write(path, "64M") && errno != EAGAIN)
		broken("%s: %s\n", path, strerror(errno));
}

#endif /* CGROUP_TEST_H */
