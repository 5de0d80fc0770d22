// SPDX-License-Identifier: GPL-2.0
/*
 * What belongs to files beside their contents: rights, times and extended attributes. What
 * tmpfs does as well is asserted of both.
 */
#include "fs_test.h"

#include <sys/xattr.h>

#define PAST 1000 /* a time long ago, in seconds */

static bool is_refused(void)
{
	return open("a", O_RDWR) < 0 && errno == EACCES && open("a", O_RDONLY) >= 0 &&
	       chmod("a", 0777) && errno == EPERM && unlink("a") && errno == EPERM &&
	       rename("a", "b") && errno == EPERM && !make("mine") && !unlink("mine") &&
	       chown("a", NOBODY, NOBODY) && errno == EPERM;
}

static bool writes_to_a(void)
{
	int fd = open("a", O_WRONLY);

	return write(fd, "x", 1) == 1;
}

TEST_F(mount, permissions)
{
	EXPECT_EQ(01777, stat_of(".").st_mode & 07777);
	ASSERT_EQ(0, make("a"));
	EXPECT_EQ(0644, stat_of("a").st_mode & 07777);
	EXPECT_TRUE(as_nobody(is_refused));
	EXPECT_EQ(0, chmod("a", 06777));
	EXPECT_EQ(06777, stat_of("a").st_mode & 07777);
	EXPECT_TRUE(as_nobody(writes_to_a));
	EXPECT_EQ(0777, stat_of("a").st_mode & 07777);
	EXPECT_EQ(0, chown("a", NOBODY, 7));
	EXPECT_EQ(NOBODY, stat_of("a").st_uid);
	EXPECT_EQ(7, stat_of("a").st_gid);
}

TEST_F(mount, a_directory_hands_its_group_down)
{
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, chown("d", 0, 7));
	ASSERT_EQ(0, chmod("d", 02755));
	ASSERT_EQ(0, make("d/a"));
	ASSERT_EQ(0, mkdir("d/e", 0755));
	EXPECT_EQ(7, stat_of("d/a").st_gid);
	EXPECT_EQ(7, stat_of("d/e").st_gid);
	EXPECT_TRUE(stat_of("d/e").st_mode & S_ISGID);
}

static void age(const char *name)
{
	struct timespec past[2] = { { .tv_sec = PAST }, { .tv_sec = PAST } };

	if (utimensat(AT_FDCWD, name, past, AT_SYMLINK_NOFOLLOW))
		broken("utimensat: %s\n", strerror(errno));
}

/* Was ctime moved as well? It cannot be set back, so it is compared with the time before. */
struct moment {
	struct timespec ctime;
};

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

static struct moment now(const char *name)
{
	struct moment moment;
	struct timespec clock;

	age(name);
	moment.ctime = stat_of(name).st_ctim;
	do {	/* the clock that files have their times from goes in steps */
		usleep(1000);
		clock_gettime(CLOCK_REALTIME_COARSE, &clock);
	} while (!is_later(&clock, &moment.ctime));
	return moment;
}

/* Which of the times of a file have moved since: a string of a, m and c. */
static const char *moved(const char *name, struct moment since)
{
	static char text[4];
	struct stat st = stat_of(name);
	char *p = text;

	if (st.st_atim.tv_sec != PAST)
		*p++ = 'a';
	if (st.st_mtim.tv_sec != PAST)
		*p++ = 'm';
	if (is_later(&st.st_ctim, &since.ctime))
		*p++ = 'c';
	*p = 0;
	return text;
}

TEST_F(mount, times_of_reads_and_writes)
{
	int fd = file("a"), quiet = open("a", O_RDWR | O_NOATIME);
	struct moment since;
	char byte;

	since = now("a");
	EXPECT_STREQ("", moved("a", since));
	EXPECT_EQ(3, write(fd, "abc", 3));
	EXPECT_STREQ("mc", moved("a", since));
	since = now("a");
	EXPECT_EQ(1, pread(fd, &byte, 1, 0));
	EXPECT_STREQ("a", moved("a", since));
	since = now("a");
	EXPECT_EQ(1, pread(quiet, &byte, 1, 0));
	EXPECT_STREQ("", moved("a", since));
	EXPECT_EQ(0, chmod("a", 0600));
	EXPECT_STREQ("c", moved("a", since));
}

TEST_F(mount, time_of_birth)
{
	struct statx made, changed;

	ASSERT_EQ(0, make("a"));
	ASSERT_EQ(0, statx(AT_FDCWD, "a", 0, STATX_BTIME | STATX_CTIME, &made));
	EXPECT_TRUE(made.stx_mask & STATX_BTIME);
	EXPECT_EQ(made.stx_ctime.tv_sec, made.stx_btime.tv_sec);
	now("a");
	EXPECT_EQ(0, chmod("a", 0600));
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, statx(AT_FDCWD, "a", 0, STATX_BTIME | STATX_CTIME, &changed));
	EXPECT_EQ(0, memcmp(&made.stx_btime, &changed.stx_btime, sizeof(made.stx_btime)));
	EXPECT_NE(0, memcmp(&made.stx_ctime, &changed.stx_ctime, sizeof(made.stx_ctime)));
	ASSERT_EQ(0, statx(AT_FDCWD, "d", 0, STATX_BTIME, &changed));
	EXPECT_GE(changed.stx_btime.tv_sec, made.stx_btime.tv_sec);
}

TEST_F(mount, times_of_changes_of_size)
{
	int fd = file("a");
	struct moment since = now("a");

	EXPECT_EQ(0, ftruncate(fd, 10 * PAGE));
	EXPECT_STREQ("mc", moved("a", since));
	since = now("a");
	EXPECT_EQ(0, truncate("a", 10 * PAGE));
	EXPECT_STREQ("", moved("a", since));
	EXPECT_EQ(0, truncate("a", PAGE));
	EXPECT_STREQ("mc", moved("a", since));
	since = now("a");
	EXPECT_EQ(0, fallocate(fd, 0, 0, 2 * PAGE));
	EXPECT_STREQ("mc", moved("a", since));
	since = now("a");
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	EXPECT_STREQ("mc", moved("a", since));
}

TEST_F(mount, times_of_mappings)
{
	int fd = file("a");
	struct moment since;
	char *p;

	ASSERT_EQ(0, ftruncate(fd, 2 * PAGE));
	since = now("a");
	p = map_shared(fd, 2 * PAGE);
	EXPECT_STREQ("a", moved("a", since));
	since = now("a");
	EXPECT_EQ(0, ((volatile char *)p)[0]);
	EXPECT_STREQ("", moved("a", since));
	p[PAGE] = 1;
	EXPECT_STREQ("mc", moved("a", since));
	munmap(p, 2 * PAGE);
	p = map(fd, PAGE, RW, MAP_PRIVATE, 0);
	since = now("a");
	p[0] = 1;
	EXPECT_STREQ("", moved("a", since));
	munmap(p, PAGE);
}

TEST_F(mount, times_of_names)
{
	struct moment since, of_a;

	since = now(".");
	ASSERT_EQ(0, make("a"));
	EXPECT_STREQ("mc", moved(".", since));
	of_a = now("a");
	since = now(".");
	EXPECT_EQ(0, link("a", "b"));
	EXPECT_STREQ("mc", moved(".", since));
	EXPECT_STREQ("c", moved("a", of_a));
	since = now(".");
	EXPECT_EQ(0, rename("b", "c"));
	EXPECT_STREQ("mc", moved(".", since));
	since = now(".");
	EXPECT_EQ(0, unlink("c"));
	EXPECT_STREQ("mc", moved(".", since));
}

TEST_F(mount, attributes_of_root)
{
	char value[16] = "", names[64] = "";

	ASSERT_EQ(0, make("a"));
	EXPECT_FAILS(ENODATA, getxattr("a", "trusted.x", value, 16));
	EXPECT_EQ(0, setxattr("a", "trusted.x", "one", 3, 0));
	EXPECT_EQ(3, getxattr("a", "trusted.x", NULL, 0));
	EXPECT_EQ(3, getxattr("a", "trusted.x", value, 16));
	EXPECT_STREQ("one", value);
	EXPECT_FAILS(ERANGE, getxattr("a", "trusted.x", value, 2));
	EXPECT_FAILS(EEXIST, setxattr("a", "trusted.x", "two", 3, XATTR_CREATE));
	EXPECT_FAILS(ENODATA, setxattr("a", "trusted.y", "two", 3, XATTR_REPLACE));
	EXPECT_EQ(0, setxattr("a", "trusted.x", "", 0, XATTR_REPLACE));
	EXPECT_EQ(0, getxattr("a", "trusted.x", value, 16));
	EXPECT_EQ(0, setxattr("a", "trusted.y", "two", 3, 0));
	EXPECT_EQ(20, listxattr("a", NULL, 0));
	EXPECT_EQ(20, listxattr("a", names, sizeof(names)));
	EXPECT_NE(NULL, memmem(names, 20, "trusted.y", 10));
	EXPECT_FAILS(ERANGE, listxattr("a", names, 19));
	EXPECT_EQ(0, removexattr("a", "trusted.x"));
	EXPECT_FAILS(ENODATA, removexattr("a", "trusted.x"));
	EXPECT_EQ(10, listxattr("a", names, sizeof(names)));
	EXPECT_EQ(0, symlink("a", "s"));
	EXPECT_EQ(0, lsetxattr("s", "trusted.x", "one", 3, 0));
	EXPECT_EQ(0, setxattr(".", "trusted.x", "one", 3, 0));
	EXPECT_EQ(0, setxattr("a", "security.x", "one", 3, 0));
	EXPECT_EQ(3, getxattr("a", "security.x", value, 16));
}

TEST_F(ours, attributes_of_users)
{
	static char large[65536];
	char names[64];

	ASSERT_EQ(0, make("a"));
	EXPECT_EQ(2, inodes_used());
	EXPECT_EQ(0, setxattr("a", "user.x", "one", 3, 0));
	EXPECT_EQ(3, inodes_used());
	EXPECT_EQ(0, setxattr("a", "trusted.x", "one", 3, 0));
	EXPECT_EQ(0, setxattr("a", "user.x", large, 4000, 0));
	EXPECT_EQ(7, inodes_used());
	EXPECT_EQ(0, setxattr("a", "user.y", large, sizeof(large), 0));
	EXPECT_FAILS(ENOSPC, setxattr("a", "user.z", large, sizeof(large), 0));
	EXPECT_EQ(65536, getxattr("a", "user.y", NULL, 0));
	EXPECT_FAILS(ENODATA, getxattr("a", "user.z", NULL, 0));
	EXPECT_FAILS(EOPNOTSUPP, setxattr("a", "other.x", "one", 3, 0));
	EXPECT_FAILS(EOPNOTSUPP, getxattr("a", "system.posix_acl_access", NULL, 0));
	EXPECT_EQ(0, chmod(".", 0755));
	EXPECT_TRUE(IN_CHILD(!setuid(NOBODY) && listxattr("a", names, 64) == 14));
	EXPECT_EQ(0, unlink("a"));
	EXPECT_EQ(1, inodes_used());
}

TEST_HARNESS_MAIN
