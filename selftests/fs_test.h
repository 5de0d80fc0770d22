/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mounts of our file system, and of tmpfs where that does the same, and what is done to the
 * files there.
 */
#ifndef FS_TEST_H
#define FS_TEST_H

#include "mount_test.h"

#include <sys/statfs.h>

#define SIZE MIB

FIXTURE(mount)
{
	char dir[64];
};

FIXTURE_VARIANT(mount)
{
	const char *type;
};

FIXTURE_VARIANT_ADD(mount, vmlab) { .type = "vmlab" };
FIXTURE_VARIANT_ADD(mount, tmpfs) { .type = "tmpfs" };

FIXTURE_SETUP(mount)
{
	ASSERT_EQ(0, mount_new(variant->type, "size=1m,nr_inodes=100", self->dir));
	umask(022);
}

FIXTURE_TEARDOWN(mount)
{
	mount_end(self->dir);
}

/* Opens a file that may be made, for reading and writing. */
static inline int file(const char *name)
{
	return open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
}

static inline int rename_flags(const char *from, const char *to, unsigned int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static inline struct stat stat_of(const char *name)
{
	struct stat st;

	if (lstat(name, &st))
		broken("%s: %s\n", name, strerror(errno));
	return st;
}

/* Makes a file with a pattern. */
static inline bool make_filled(const char *name, size_t length, unsigned int seed)
{
	int fd = file(name);
	bool done = fd >= 0 && writes_filled(fd, 0, length, seed);

	close(fd);
	return done;
}

static inline bool has(const char *name, size_t length, unsigned int seed)
{
	int fd = open(name, O_RDONLY);
	bool same = fd >= 0 && reads_filled(fd, 0, length, seed);

	close(fd);
	return same;
}

static inline int make(const char *name)
{
	int fd = file(name);

	return fd < 0 ? -1 : close(fd);
}

static inline struct statfs figures(void)
{
	struct statfs fs;

	if (statfs(".", &fs))
		broken("statfs: %s\n", strerror(errno));
	return fs;
}

static inline unsigned long pages_used(void)
{
	struct statfs fs = figures();

	return fs.f_blocks - fs.f_bfree;
}

static inline unsigned long inodes_used(void)
{
	struct statfs fs = figures();

	return fs.f_files - fs.f_ffree;
}

#define EXPECT_FAILS(error, call)	\
	do {				\
		EXPECT_EQ(-1, call);	\
		EXPECT_EQ(error, errno); \
	} while (0)

static inline bool as_nobody(bool (*fn)(void))
{
	return IN_CHILD(!setgid(NOBODY) && !setuid(NOBODY) && fn());
}

/* What only our file system does, or tmpfs of some kernels does not. */

FIXTURE(ours)
{
	char dir[64];
};

FIXTURE_SETUP(ours)
{
	ASSERT_EQ(0, mount_new("vmlab", "size=1m,nr_inodes=100,mode=750,uid=3,gid=4", self->dir));
}

FIXTURE_TEARDOWN(ours)
{
	mount_end(self->dir);
}

#endif
