/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests share: regions, mappings, stores that may end in a signal,
 * children, module parameters, commands.
 *
 * Functions return what the system call they wrap returned, with errno as it
 * left it, so that a test asserts on them as on the call itself.
 */
#ifndef VMLAB_TEST_H
#define VMLAB_TEST_H

#include "kselftest_harness.h"

/* Seconds after which a test counts as hung: on kernels made for finding bugs all takes long. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 600

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include <linux/falloc.h>
#include <linux/vmlab.h>

#include "common/trap.h"

#define DEVICE		"/dev/vmlab"
#define PARAMETERS	"/sys/module/vmlab/parameters/"
#define PAGE		4096UL
#define MIB		(1UL << 20)
#define TIB		(1UL << 40)
#define BATCH_MAX	64	/* pages that one fault may bring in */
#define RW		(PROT_READ | PROT_WRITE)
#define NOBODY		65534	/* a user without rights */

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif

/* Leaves a test, or a fixture's set-up, for a reason that the report shows. */
#define SKIP_TEST(fmt, ...) SKIP(_exit(255), fmt, ##__VA_ARGS__)

/* Ends a test whose helper cannot go on. */
#define broken(fmt, ...) ({						\
	fprintf(stderr, "# " fmt, ##__VA_ARGS__);			\
	_exit(1);							\
})

/*
 * Waits for a condition that something in the background brings about. The
 * deadline only ends a test that fails anyway.
 */
#define EVENTUALLY(condition) ({					\
	int __left = 2000;						\
									\
	while (!(condition) && --__left)				\
		usleep(10000);						\
	__left > 0;							\
})

/* Regions */

static inline int region_open_as(int mode)
{
	return open(DEVICE, mode | O_CLOEXEC);
}

static inline int region_open(void)
{
	return region_open_as(O_RDWR);
}

static inline int region_configure(int fd, const struct vmlab_configure *config)
{
	return ioctl(fd, VMLAB_IOC_CONFIGURE, config);
}

/* Opens a region and configures it; the error of configuring survives. */
static inline int region_new(const struct vmlab_configure *config)
{
	int fd = region_open();

	if (fd >= 0 && region_configure(fd, config)) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static inline int region_zero(__u32 flags, __u64 size)
{
	return region_new(&(struct vmlab_configure){ .flags = flags, .size = size });
}

static inline int region_file(int backing, __u64 offset, __u64 size)
{
	return region_new(&(struct vmlab_configure){
		.backing = VMLAB_BACKING_FILE,
		.backing_fd = backing,
		.backing_offset = offset,
		.size = size,
	});
}

static inline int pool_set(int fd, const struct vmlab_pool_set *set)
{
	return ioctl(fd, VMLAB_IOC_POOL_SET, set);
}

static inline int set_budget(int fd, __u64 budget)
{
	return pool_set(fd, &(struct vmlab_pool_set){ .what = VMLAB_POOL_BUDGET,
						      .budget = budget });
}

static inline struct vmlab_stat region_stat(int fd)
{
	struct vmlab_stat stat;

	if (ioctl(fd, VMLAB_IOC_STAT, &stat))
		broken("VMLAB_IOC_STAT: %s\n", strerror(errno));
	return stat;
}

static inline __u64 region_resident(int fd)
{
	return region_stat(fd).resident;
}

static inline int region_fd(int fd, __u32 flags)
{
	return ioctl(fd, VMLAB_IOC_REGION_FD, &(struct vmlab_region_fd){ .flags = flags });
}

static inline struct vmlab_features module_features(void)
{
	struct vmlab_features features;
	int fd = region_open();

	if (fd < 0 || ioctl(fd, VMLAB_IOC_FEATURES, &features))
		broken("VMLAB_IOC_FEATURES: %s\n", strerror(errno));
	close(fd);
	features.regions--;
	return features;
}

/* Mappings */

static inline char *map(int fd, size_t length, int prot, int flags, off_t offset)
{
	return mmap(NULL, length, prot, flags, fd, offset);
}

static inline char *map_shared(int fd, size_t length)
{
	return map(fd, length, RW, MAP_SHARED, 0);
}

/* Contents: each page can tell whose it is. */

static inline __u64 stamp_of(__u64 page)
{
	return (page + 1) * 0x9e3779b97f4a7c15ULL;
}

static inline void fill(char *p, size_t length, unsigned int seed)
{
	for (size_t i = 0; i < length; i++)
		p[i] = (i * 31 + i / PAGE + seed) % 251 + 1;
}

static inline bool filled(const char *p, size_t length, unsigned int seed)
{
	for (size_t i = 0; i < length; i++) {
		if (p[i] != (char)((i * 31 + i / PAGE + seed) % 251 + 1))
			return false;
	}
	return true;
}

static inline bool all_zero(const char *p, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (p[i])
			return false;
	}
	return true;
}

/* What read() finds at an offset of a region or file: wholly the pattern, or wholly zero? */

static inline bool reads_filled(int fd, off_t offset, size_t length, unsigned int seed)
{
	char *buffer = malloc(length);
	bool same = pread(fd, buffer, length, offset) == (ssize_t)length &&
		    filled(buffer, length, seed);

	free(buffer);
	return same;
}

static inline bool reads_zero(int fd, off_t offset, size_t length)
{
	char *buffer = malloc(length);
	bool same = pread(fd, buffer, length, offset) == (ssize_t)length &&
		    all_zero(buffer, length);

	free(buffer);
	return same;
}

static inline bool writes_filled(int fd, off_t offset, size_t length, unsigned int seed)
{
	char *buffer = malloc(length);
	bool whole;

	fill(buffer, length, seed);
	whole = pwrite(fd, buffer, length, offset) == (ssize_t)length;
	free(buffer);
	return whole;
}

/* Accesses that may end in a signal, in any thread */

static inline void __attribute__((constructor)) trap_install_all(void)
{
	trap_install(SIGBUS);
	trap_install(SIGSEGV);
}

/* The signal that reading the byte at @p gives, or 0. */
static inline int trap_read(const char *p)
{
	return TRAP((void)*(volatile const char *)p);
}

/* The signal that storing @value at @p gives, or 0. */
static inline int trap_write(char *p, char value)
{
	return TRAP(*(volatile char *)p = value);
}

/* The same for words, which are read or written as a whole: false if a signal comes. */

static inline bool word_read(const void *p, __u64 *value)
{
	return !TRAP(*value = *(const volatile __u64 *)p);
}

static inline bool word_write(void *p, __u64 value)
{
	return !TRAP(*(volatile __u64 *)p = value);
}

/*
 * How many of @rounds something is given, a race above all: fewer where the kernel looks for bugs
 * of any kind, and takes long. Where it looks for races (KCSAN) all of them.
 */
static inline unsigned long rounds_of(unsigned long rounds)
{
	return access("/sys/kernel/debug/kmemleak", F_OK) ? rounds : rounds / 4;
}

/* Descriptors: how many are open */

static inline int count_files(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Children */

/* The status that a child exits with, or -1 if a signal ended it. */
static inline int child_status(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* Runs @statement in a child; true if the child then says so by its value. */
#define IN_CHILD(expression) ({						\
	pid_t __pid = fork();						\
									\
	if (!__pid)							\
		_exit((expression) ? 0 : 1);				\
	child_status(__pid) == 0;					\
})

/* Small text files below /proc and /sys */

static inline int text_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), error;
	ssize_t done;

	if (fd < 0)
		return -1;
	done = write(fd, text, strlen(text));
	error = errno;
	close(fd);
	errno = error;
	return done < 0 ? -1 : 0;
}

static inline ssize_t text_read(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t got;

	if (fd < 0)
		return -1;
	while (have < size - 1 && (got = read(fd, buffer + have, size - 1 - have)) > 0)
		have += got;
	buffer[have] = 0;
	close(fd);
	return have;
}

static inline int parameter_write(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	return text_write(path, text);
}

static inline int parameter_set(const char *name, __u64 value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", value);
	return parameter_write(name, text);
}

static inline __u64 parameter_get(const char *name)
{
	char path[128], text[32] = "";

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	if (text_read(path, text, sizeof(text)) < 0)
		broken("%s: %s\n", path, strerror(errno));
	return strtoull(text, NULL, 10);
}

/* Commands */

static inline int run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command);
}

#endif /* VMLAB_TEST_H */
