// SPDX-License-Identifier: GPL-2.0
/*
 * kmemleak knows no pages, and the module counts one as gone when it lets go of it, whoever has it
 * still. But a page is charged to the memory cgroup of who asked for it until it is free. So the
 * command gets a cgroup, and when all its processes have ended, and the module is gone, no page may
 * be charged to that but those of files and of tmpfs: they are on the kernel's LRU lists, where the
 * module's never are; and a few that have no flags at all: the upper page tables of a process that
 * is gone, while somebody in the kernel remembers it. The module's are up to date once in use.
 *
 * Nobody is charged for what the kernel's own tasks ask for: a worker, or the reserve of small
 * pages (module/huge.c).
 */

#define _GNU_SOURCE
#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CGROUPS "/sys/fs/cgroup"
#define GROUP CGROUPS "/vmlab-command"

#define AT_ONCE 65536UL
#define PATIENCE 15	/* seconds, in which what is freed late has its time */
#define FEW_PLAIN 16	/* pages without flags that there may be */

#define FLAG(name) (1ULL << KPF_##name)

static struct {
	uint64_t groups[AT_ONCE];
	uint64_t flags[AT_ONCE];
} read_at_once;

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return done;
}

/* Makes the command's cgroup. Gives the reason why it cannot be had, or NULL. */
const char *pages_prepare(void)
{
	if (mount("none", CGROUPS, "cgroup2", 0, NULL))
		return "cgroup2 cannot be mounted";
	if (!write_text(CGROUPS "/cgroup.subtree_control", "+memory"))
		return "there is no memory controller";
	return mkdir(GROUP, 0755) ? "no cgroup can be made" : NULL;
}

/* What this process and its children ask for is the command's from now on. */
bool pages_charge_me(void)
{
	return write_text(GROUP "/cgroup.procs", "0");
}

/*
 * A processor that has nothing to do keeps the page tables of who ran there last, of which one page
 * does not look like any. It drops them when somebody else comes.
 */
static void visit_processors(void)
{
	const int last = sysconf(_SC_NPROCESSORS_CONF) - 1;
	cpu_set_t one, before;

	sched_getaffinity(0, sizeof(before), &before);
	for (int cpu = 0; cpu <= last; cpu++) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);	/* or it is offline */
	}
	sched_setaffinity(0, sizeof(before), &before);
}

/*
 * Pages are put on the LRU lists some at a time, and the last ones wait. This makes the kernel look
 * for all that there is to reclaim: it sees to them before it gives up.
 */
static void put_on_lists(void)
{
	write_text(GROUP "/memory.reclaim", "1T");
}

struct lost {
	unsigned long plain;	/* pages without flags */
	unsigned long others;
	uint64_t flags;		/* of one of those */
};

/* Counts in what was read. */
static void count_in(struct lost *count, size_t nr, uint64_t group)
{
	static bool lost;	/* the page before */

	for (size_t i = 0; i < nr; i++) {
		uint64_t now = read_at_once.flags[i];

		/* Only the first page of several is charged, or all are: newer kernels. */
		if (!(now & FLAG(COMPOUND_TAIL)))
			lost = read_at_once.groups[i] == group && !(now & FLAG(LRU));
		if (!lost)
			continue;
		if (!now)
			count->plain++;
		else
			count->others++;
		count->flags |= now;
	}
}

/* Counts pages that are on no list. Fails if the kernel does not tell. */
static bool count_lost(struct lost *count)
{
	int groups = open("/proc/kpagecgroup", O_RDONLY | O_CLOEXEC);
	int kinds = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	struct stat group;
	bool good = !stat(GROUP, &group);
	ssize_t got = 1;

	*count = (struct lost){ 0 };
	while (good && got > 0) {
		got = read(groups, read_at_once.groups, sizeof(read_at_once.groups));
		good = got >= 0 && read(kinds, read_at_once.flags, got) == got;
		if (good)
			count_in(count, got / sizeof(uint64_t), group.st_ino);
	}
	close(groups);
	close(kinds);
	return good;
}

/*
 * What was lost, as text, or NULL if nothing was. What is freed after a grace period, or by a
 * worker, has its time.
 */
char *pages_lost(void)
{
	const time_t until = time(NULL) + PATIENCE;
	struct lost lost;
	char *report;

	for (;;) {
		visit_processors();
		if (!count_lost(&lost))
			return strdup("/proc/kpagecgroup or /proc/kpageflags cannot be read\n");
		if (!lost.others && lost.plain <= FEW_PLAIN)
			return NULL;
		if (time(NULL) >= until)
			break;
		put_on_lists();
		usleep(500000);
	}
	if (asprintf(&report,
		     "pages lost: %lu, and %lu without flags. They are not free, but charged to "
		     "the command, which has ended (--uncharged looks for none). Flags: %#lx.\n",
		     lost.others, lost.plain, (unsigned long)lost.flags) < 0)
		return strdup("pages are lost\n");
	return report;
}
