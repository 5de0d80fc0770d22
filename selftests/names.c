// SPDX-License-Identifier: GPL-2.0
/*
 * Names in the file system that mount -t vmlab gives: links, directories, renames, files of
 * other kinds and files without names. What tmpfs does as well is asserted of both.
 */
#include "fs_test.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static bool exists(const char *name)
{
	struct stat st;

	return !lstat(name, &st);
}

TEST_F(mount, links)
{
	char target[16] = "";

	ASSERT_EQ(0, make("a"));
	EXPECT_EQ(0, link("a", "b"));
	EXPECT_EQ(2, stat_of("a").st_nlink);
	EXPECT_EQ(stat_of("a").st_ino, stat_of("b").st_ino);
	EXPECT_FAILS(EEXIST, link("a", "b"));
	EXPECT_EQ(0, unlink("a"));
	EXPECT_EQ(1, stat_of("b").st_nlink);
	EXPECT_EQ(0, symlink("b", "c"));
	EXPECT_EQ(1, readlink("c", target, sizeof(target)));
	EXPECT_STREQ("b", target);
	EXPECT_EQ(1, stat_of("c").st_size);
	EXPECT_TRUE(S_ISLNK(stat_of("c").st_mode));
	EXPECT_EQ(0, access("c", R_OK));
	EXPECT_EQ(0, unlink("b"));
	EXPECT_FAILS(ENOENT, access("c", R_OK));
	EXPECT_FAILS(ENOENT, unlink("b"));
}

TEST_F(mount, long_names_and_targets)
{
	char name[300], target[PAGE];

	memset(name, 'n', sizeof(name));
	name[255] = 0;
	EXPECT_EQ(0, make(name));
	name[255] = 'n';
	name[256] = 0;
	EXPECT_FAILS(ENAMETOOLONG, make(name));
	memset(target, 't', sizeof(target));
	target[PAGE - 1] = 0;
	EXPECT_EQ(0, symlink(target, "s"));
	EXPECT_EQ(PAGE - 1, stat_of("s").st_size);
}

TEST_F(mount, directories)
{
	EXPECT_EQ(2, stat_of(".").st_nlink);
	EXPECT_EQ(0, mkdir("d", 0755));
	EXPECT_EQ(3, stat_of(".").st_nlink);
	EXPECT_EQ(2, stat_of("d").st_nlink);
	EXPECT_EQ(0, make("d/a"));
	EXPECT_FAILS(ENOTEMPTY, rmdir("d"));
	EXPECT_FAILS(EISDIR, unlink("d"));
	EXPECT_FAILS(EEXIST, mkdir("d", 0755));
	EXPECT_EQ(0, unlink("d/a"));
	EXPECT_EQ(0, rmdir("d"));
	EXPECT_EQ(2, stat_of(".").st_nlink);
	EXPECT_EQ(1, inodes_used());
}

TEST_F(mount, a_directory_is_read_while_it_changes)
{
	unsigned int seen = 0, types = 0;
	struct dirent *entry;
	char name[32];
	DIR *dir;

	ASSERT_EQ(0, mkdir("d", 0755));
	for (unsigned int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "d/%u", i);
		ASSERT_EQ(0, make(name));
	}
	dir = opendir("d");
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		seen++;
		types += entry->d_type == DT_REG;
		snprintf(name, sizeof(name), "d/%.20s", entry->d_name);
		EXPECT_EQ(0, unlink(name));
	}
	closedir(dir);
	EXPECT_EQ(50, seen);
	EXPECT_EQ(50, types);
	EXPECT_EQ(0, rmdir("d"));
}

TEST_F(mount, rename_replaces)
{
	ASSERT_EQ(0, make("a"));
	ASSERT_TRUE(make_filled("b", PAGE, 1));
	ASSERT_EQ(0, link("b", "c"));
	EXPECT_EQ(0, rename("a", "b"));
	EXPECT_FALSE(exists("a"));
	EXPECT_EQ(0, stat_of("b").st_size);
	EXPECT_EQ(1, stat_of("c").st_nlink);
	EXPECT_EQ(3, inodes_used());
	EXPECT_EQ(0, rename("b", "c"));
	EXPECT_EQ(2, inodes_used());
	EXPECT_FAILS(ENOENT, rename("b", "c"));
}

TEST_F(mount, rename_moves_directories)
{
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, mkdir("e", 0755));
	ASSERT_EQ(0, mkdir("d/f", 0755));
	EXPECT_EQ(0, rename("d/f", "e/g"));
	EXPECT_EQ(2, stat_of("d").st_nlink);
	EXPECT_EQ(3, stat_of("e").st_nlink);
	EXPECT_FAILS(ENOTEMPTY, rename("d", "e"));
	EXPECT_EQ(0, rename("d", "e/g"));
	EXPECT_EQ(3, stat_of("e").st_nlink);
	EXPECT_FAILS(EINVAL, rename("e", "e/g/h"));
	ASSERT_EQ(0, make("a"));
	EXPECT_FAILS(ENOTDIR, rename("e", "a"));
	EXPECT_FAILS(EISDIR, rename("a", "e"));
}

TEST_F(mount, rename_without_replacing_and_exchanging)
{
	ino_t a, d;

	ASSERT_EQ(0, make("a"));
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, mkdir("e", 0755));
	ASSERT_EQ(0, make("e/b"));
	a = stat_of("a").st_ino;
	d = stat_of("d").st_ino;
	EXPECT_FAILS(EEXIST, rename_flags("a", "d", RENAME_NOREPLACE));
	EXPECT_EQ(0, rename_flags("a", "c", RENAME_NOREPLACE));
	EXPECT_EQ(0, rename_flags("c", "d", RENAME_EXCHANGE));
	EXPECT_EQ(d, stat_of("c").st_ino);
	EXPECT_EQ(a, stat_of("d").st_ino);
	EXPECT_EQ(0, rename_flags("c", "e/b", RENAME_EXCHANGE));
	EXPECT_EQ(3, stat_of("e").st_nlink);
	EXPECT_EQ(3, stat_of(".").st_nlink);
	EXPECT_FAILS(ENOENT, rename_flags("d", "x", RENAME_EXCHANGE));
}

TEST_F(mount, rename_leaves_a_whiteout)
{
	ASSERT_TRUE(make_filled("a", PAGE, 1));
	EXPECT_EQ(0, rename_flags("a", "b", RENAME_WHITEOUT));
	EXPECT_TRUE(S_ISCHR(stat_of("a").st_mode));
	EXPECT_EQ(0, stat_of("a").st_rdev);
	EXPECT_TRUE(has("b", PAGE, 1));
	EXPECT_EQ(3, inodes_used());
	EXPECT_EQ(0, unlink("a"));
	EXPECT_EQ(0, unlink("b"));
	EXPECT_FALSE(exists("a"));
	EXPECT_EQ(1, inodes_used());
}

TEST_F(mount, files_without_names)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);
	char path[64];

	ASSERT_GE(fd, 0);
	EXPECT_TRUE(writes_filled(fd, 0, PAGE, 1));
	EXPECT_EQ(2, inodes_used());
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_EQ(0, linkat(AT_FDCWD, path, AT_FDCWD, "a", AT_SYMLINK_FOLLOW));
	EXPECT_EQ(1, stat_of("a").st_nlink);
	EXPECT_EQ(2, inodes_used());
	close(fd);
	EXPECT_TRUE(has("a", PAGE, 1));

	fd = open(".", O_TMPFILE | O_EXCL | O_RDWR, 0600);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_FAILS(ENOENT, linkat(AT_FDCWD, path, AT_FDCWD, "b", AT_SYMLINK_FOLLOW));
	close(fd);
	EXPECT_EQ(2, inodes_used());
}

TEST_F(mount, other_kinds_of_files)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
	char byte = 0;
	int fd;

	EXPECT_EQ(0, mknod("fifo", S_IFIFO | 0600, 0));
	fd = open("fifo", O_RDWR);
	EXPECT_EQ(1, write(fd, "x", 1));
	EXPECT_EQ(1, read(fd, &byte, 1));
	EXPECT_EQ('x', byte);
	EXPECT_EQ(0, mknod("null", S_IFCHR | 0600, makedev(1, 3)));
	EXPECT_EQ(1, write(open("null", O_WRONLY), "x", 1));
	EXPECT_EQ(makedev(1, 3), stat_of("null").st_rdev);
	EXPECT_EQ(0, bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address,
			  sizeof(address)));
	EXPECT_TRUE(S_ISSOCK(stat_of("socket").st_mode));
	EXPECT_EQ(0, mknod("file", S_IFREG | 0600, 0));
	EXPECT_TRUE(make_filled("file", PAGE, 1));
}

TEST_F(ours, overlayfs_can_write_to_it)
{
	ASSERT_EQ(0, run("mkdir lower upper work merged && echo one >lower/a && mkdir lower/d"));
	if (run("mount -t overlay none -o lowerdir=lower,upperdir=upper,workdir=work merged"))
		SKIP_TEST("cannot mount an overlayfs");
	EXPECT_EQ(0, run("echo two >>merged/a && rm -r merged/d && mv merged/a merged/b"));
	EXPECT_EQ(0, run("[ \"$(cat merged/b)\" = \"$(printf 'one\\ntwo')\" ]"));
	EXPECT_EQ(0, run("[ -c upper/a ] && [ -c upper/d ] && [ ! -e merged/a ]"));
	EXPECT_EQ(0, umount("merged"));
}

TEST_HARNESS_MAIN
