/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fault injection: the n-th chance to fail that a task comes to fails, an allocation, a
 * copy to or from user space, or a request to a disk that failnth_disk() chose. A test
 * runs an operation again and again with n = 1, 2, ... until it did not come to its n-th.
 */
#ifndef VMLAB_FAILNTH_H
#define VMLAB_FAILNTH_H

#include "scratch_test.h"

#include <dirent.h>
#include <sys/rseq.h>
#include <sys/sysmacros.h>

#define DEBUGFS		"/sys/kernel/debug"

/* What must be set so that nothing is exempt, and that the log stays readable. */
static struct {
	const char *path;
	const char *value;
	char before[32];
} failnth_settings[] = {
	{ DEBUGFS "/failslab/ignore-gfp-wait", "N", "" },
	{ DEBUGFS "/failslab/cache-filter", "N", "" },
	{ DEBUGFS "/failslab/verbose", "0", "" },
	{ DEBUGFS "/fail_page_alloc/ignore-gfp-wait", "N", "" },
	{ DEBUGFS "/fail_page_alloc/ignore-gfp-highmem", "N", "" },
	{ DEBUGFS "/fail_page_alloc/min-order", "0", "" },
	{ DEBUGFS "/fail_page_alloc/verbose", "0", "" },
	{ DEBUGFS "/fail_make_request/verbose", "0", "" },
	{ DEBUGFS "/fail_usercopy/verbose", "0", "" },
};

/*
 * The kernel may write to the C library's rseq area whenever it comes back to user space, and
 * kills us if that fails, which has nothing to do with the operation.
 */
static inline void failnth_without_rseq(void)
{
	unsigned int registered = __rseq_size > 32 ? __rseq_size : 32;

	if (__rseq_size && syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset,
				   registered, RSEQ_FLAG_UNREGISTER, RSEQ_SIG))
		broken("rseq: %s\n", strerror(errno));
}

/* Where nothing can be made to fail the whole program is skipped. */
static inline void __attribute__((constructor)) failnth_needed(void)
{
	if (!access("/proc/self/fail-nth", W_OK))
		return;
	puts("TAP version 13\n"
	     "1..0 # SKIP this kernel was built without fault injection, or we are not root");
	exit(4);
}

/* Gives the reason why faults cannot be injected here, or NULL. */
static inline const char *failnth_prepare(void)
{
	if (access(DEBUGFS "/failslab", F_OK))
		mount("none", DEBUGFS, "debugfs", 0, NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(failnth_settings); i++) {
		const char *path = failnth_settings[i].path;

		if (text_read(path, failnth_settings[i].before, 32) < 0 ||
		    text_write(path, failnth_settings[i].value))
			return "a kind of fault injection is missing in this kernel";
	}
	failnth_without_rseq();
	return NULL;
}

/* As it was before. */
static inline void failnth_restore(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(failnth_settings); i++)
		text_write(failnth_settings[i].path, failnth_settings[i].before);
}

/* A task's /proc file: its own for "thread-self". */
static inline int failnth_open(const char *task)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/fail-nth", task);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* Until the next failnth_disarm() the task's @n-th chance to fail will fail. */
static inline void failnth_arm(int fd, unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fd, text, length, 0) != length)
		broken("fail-nth: %s\n", strerror(errno));
}

/*
 * Returns how many more chances it would have taken: 0 if one did fail. Reading and
 * writing the file copies to and from user space, and so counts itself if the task is our
 * own.
 */
static inline unsigned int failnth_disarm(int fd)
{
	char text[16] = "";
	ssize_t got = pread(fd, text, sizeof(text) - 1, 0);

	if (got < 0 && errno == ESRCH)
		return UINT_MAX;	/* a worker that was not needed any more */
	if (got < 0 && errno != EFAULT)
		broken("fail-nth: %s\n", strerror(errno));
	while (pwrite(fd, "0", 1, 0) != 1) {
		if (errno != EFAULT)
			broken("fail-nth: %s\n", strerror(errno));
	}
	return got < 0 ? 1 : strtoul(text, NULL, 10);
}

/*
 * Memory of which there is enough, but nowhere 2 MiB in one piece: a huge page is not to be had
 * by this thread until scattered_disarm(), and of the pages that it gets instead the @n-th (of 512)
 * fails. (An allocation fails that is of as many pages as "space" says or more; until then each
 * takes its pages off that.) For fail-nth the huge page would be all that fails.
 */
static inline void scattered_arm(int make_it_fail, unsigned int n)
{
	char space[16];

	snprintf(space, sizeof(space), "%u", n);
	if (text_write(DEBUGFS "/fail_page_alloc/task-filter", "Y") ||
	    text_write(DEBUGFS "/fail_page_alloc/space", space) ||
	    text_write(DEBUGFS "/fail_page_alloc/times", "2") ||
	    text_write(DEBUGFS "/fail_page_alloc/probability", "100") ||
	    pwrite(make_it_fail, "1", 1, 0) != 1)
		broken("fail_page_alloc: %s\n", strerror(errno));
}

/* Returns how many allocations failed: two, if the n-th page was among them. */
static inline unsigned int scattered_disarm(int make_it_fail)
{
	char left[16] = "";

	if (pwrite(make_it_fail, "0", 1, 0) != 1 ||
	    text_read(DEBUGFS "/fail_page_alloc/times", left, sizeof(left)) < 0 ||
	    text_write(DEBUGFS "/fail_page_alloc/probability", "0") ||
	    text_write(DEBUGFS "/fail_page_alloc/times", "1") ||
	    text_write(DEBUGFS "/fail_page_alloc/space", "0") ||
	    text_write(DEBUGFS "/fail_page_alloc/task-filter", "N"))
		broken("fail_page_alloc: %s\n", strerror(errno));
	return 2 - strtoul(left, NULL, 10);
}

/* From now on requests to a disk may fail, or not any more. */
static inline int failnth_device(dev_t device, bool fail)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/make-it-fail", major(device),
		 minor(device));
	return text_write(path, fail ? "1" : "0");
}

/* The same for the disk below a folder. */
static inline int failnth_disk(const char *dir, bool fail)
{
	struct stat stat_dir;

	return stat(dir, &stat_dir) ? -1 : failnth_device(stat_dir.st_dev, fail);
}

/* All requests to the disks that failnth_disk() chose fail from now on, or only the n-th. */
static inline int failnth_disks_die(bool dead)
{
	const char *probability = dead ? "100" : "0", *times = dead ? "-1" : "1";

	return text_write(DEBUGFS "/fail_make_request/times", times) ||
	       text_write(DEBUGFS "/fail_make_request/probability", probability);
}

/* The kernel's workers that are not bound to a CPU: one of them runs our work. */
struct failnth_workers {
	int fds[64];
	unsigned int nr;
};

static inline void failnth_workers_arm(struct failnth_workers *workers, unsigned int n)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char path[300], name[32];

	workers->nr = 0;
	while ((entry = readdir(proc)) && workers->nr < ARRAY_SIZE(workers->fds)) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name) ||
		    text_read(path, name, sizeof(name)) < 0 || strncmp(name, "kworker/u", 9) != 0)
			continue;
		workers->fds[workers->nr] = failnth_open(entry->d_name);
		if (workers->fds[workers->nr] >= 0)
			failnth_arm(workers->fds[workers->nr++], n);
	}
	closedir(proc);
}

/* How many of them did fail. */
static inline unsigned int failnth_workers_disarm(struct failnth_workers *workers)
{
	unsigned int failed = 0;

	for (unsigned int i = 0; i < workers->nr; i++) {
		failed += !failnth_disarm(workers->fds[i]);
		close(workers->fds[i]);
	}
	return failed;
}

#endif /* VMLAB_FAILNTH_H */
