// SPDX-License-Identifier: GPL-2.0
/*
 * Mounting our file system: its options, and how they are changed; read-only and busy mounts.
 */
#include "fs_test.h"

#include <linux/fs.h>

#include <sys/syscall.h>
#include <sys/xattr.h>

TEST_F(mount, a_read_only_mount_does_not_change)
{
	int fd = file("a");

	close(fd);
	ASSERT_EQ(0, mount("none", self->dir, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	EXPECT_FAILS(EROFS, open("a", O_RDWR));
	EXPECT_FAILS(EROFS, make("b"));
	EXPECT_FAILS(EROFS, unlink("a"));
	EXPECT_FAILS(EROFS, truncate("a", 1));
	EXPECT_FAILS(EROFS, chmod("a", 0));
	EXPECT_FAILS(EROFS, setxattr("a", "trusted.x", "one", 3, 0));
	EXPECT_GE(open("a", O_RDONLY), 0);
}

TEST_F(mount, is_busy_while_mapped)
{
	int fd = file("a");
	char *p;

	ASSERT_EQ(0, ftruncate(fd, PAGE));
	p = map_shared(fd, PAGE);
	close(fd);
	ASSERT_EQ(0, chdir("/"));
	EXPECT_FAILS(EBUSY, umount(self->dir));
	EXPECT_EQ(0, umount2(self->dir, MNT_DETACH));
	fill(p, PAGE, 7);
	EXPECT_TRUE(filled(p, PAGE, 7));
	munmap(p, PAGE);
}

static int remount(const char *dir, unsigned long flags, const char *options)
{
	return mount("none", dir, "vmlab", MS_REMOUNT | flags, options);
}

/* Does the line of a mount in /proc/mounts end with these options? */
static bool shows(const char *dir, const char *options)
{
	static char mounts[1 << 16];
	char end[256];
	char *line;

	snprintf(end, sizeof(end), "%s 0 0\n", options);
	text_read("/proc/mounts", mounts, sizeof(mounts));
	line = strstr(mounts, dir);
	return line && strstr(line, end) && strstr(line, end) < strchr(line, '\n');
}

TEST_F(ours, options_are_shown)
{
	EXPECT_TRUE(shows(self->dir, ",size=1024k,nr_inodes=100,huge=never,mode=750,uid=3,gid=4"));
	EXPECT_EQ(0750, stat_of(".").st_mode & 07777);
	EXPECT_EQ(3, stat_of(".").st_uid);
	EXPECT_EQ(4, stat_of(".").st_gid);
	EXPECT_EQ(0, chmod(".", 0700));
	EXPECT_TRUE(shows(self->dir, ",mode=700,uid=3,gid=4"));
}

TEST_F(ours, options_can_be_changed)
{
	ASSERT_TRUE(make_filled("a", SIZE / 2, 1));
	EXPECT_EQ(0, remount(self->dir, 0, "size=2m"));
	EXPECT_EQ(2 * SIZE / PAGE, figures().f_blocks);
	EXPECT_TRUE(shows(self->dir, ",size=2048k,nr_inodes=100,huge=never,mode=750,uid=3,gid=4"));
	EXPECT_EQ(0, remount(self->dir, 0, "nr_inodes=1k,mode=0711,uid=0,gid=0"));
	EXPECT_TRUE(shows(self->dir, ",size=2048k,nr_inodes=1024,huge=never,mode=711"));
	EXPECT_EQ(0711, stat_of(".").st_mode & 07777);
	EXPECT_EQ(0, stat_of(".").st_uid);
	EXPECT_EQ(0, remount(self->dir, 0, "size=512k"));
	EXPECT_EQ(0, figures().f_bfree);
	EXPECT_FAILS(ENOSPC, pwrite(file("a"), "x", 1, SIZE));
	EXPECT_EQ(0, remount(self->dir, 0, "size=0,nr_inodes=0"));
	EXPECT_TRUE(shows(self->dir, ",size=0k,nr_inodes=0,huge=never,mode=711"));
	EXPECT_EQ(0, figures().f_blocks);
	EXPECT_EQ(1, pwrite(file("a"), "x", 1, SIZE));
}

TEST_F(ours, less_than_is_used_cannot_be_had)
{
	ASSERT_TRUE(make_filled("a", SIZE / 2, 1));
	EXPECT_FAILS(EINVAL, remount(self->dir, 0, "mode=700,size=508k"));
	EXPECT_FAILS(EINVAL, remount(self->dir, 0, "size=2m,nr_inodes=1"));
	EXPECT_TRUE(shows(self->dir, ",size=1024k,nr_inodes=100,huge=never,mode=750,uid=3,gid=4"));
}

/* More may be in use than the limit has: a file was made shorter. mount(8) repeats all options. */
TEST_F(ours, the_same_limit_can_be_asked_for_again)
{
	int in, out = file("b");

	ASSERT_TRUE(make_filled("a", SIZE, 1));
	in = file("a");
	ASSERT_EQ(0, ioctl(out, FICLONE, in));
	ASSERT_EQ(0, ftruncate(out, 100));
	ASSERT_EQ(0, figures().f_bfree);
	EXPECT_EQ(0, remount(self->dir, 0, "size=1m,mode=700"));
	EXPECT_TRUE(shows(self->dir, ",size=1024k,nr_inodes=100,huge=never,mode=700,uid=3,gid=4"));
	EXPECT_FAILS(EINVAL, remount(self->dir, 0, "size=1020k"));
	EXPECT_EQ(0, remount(self->dir, 0, "size=1028k"));
	close(in);
	close(out);
}

TEST_F(ours, bad_options_are_refused)
{
	static const char *const bad[] = {
		"size=",
		"size=x",
		"size=1m1",
		"size=101%",
		"size=10%x",
		"size=-1",
		"size",
		"size=2000000000g",
		"nr_inodes=",
		"nr_inodes=x",
		"mode=8",
		"mode=10000",
		"mode=x",
		"uid=x",
		"uid=4294967295",
		"gid=4294967295",
		"unknown",
		"huge=sometimes",
		"budget=",
		"budget=0",
		"budget=60k",
		"budget=101%",
		"budget=1000000g",
		"budget=x",
		"policy=",
		"policy=optimal",
		"policy=a-name-that-is-too-long",
		"codec=",
		"codec=zip",
		"codec=a-name-that-is-too-long",
		"store",
		"store=",
		"store=zram",
		"store=file",
		"store_limit=x",
		"store_limit",
	};
	char dir[64];

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(EINVAL, mount_new("vmlab", bad[i], dir))
		{
			TH_LOG("%s", bad[i]);
		}
		EXPECT_FAILS(EINVAL, remount(self->dir, 0, bad[i]));
	}
	EXPECT_TRUE(shows(self->dir, ",size=1024k,nr_inodes=100,huge=never,mode=750,uid=3,gid=4"));
}

TEST_F(ours, sizes_may_be_parts_of_memory)
{
	unsigned long pages = sysconf(_SC_PHYS_PAGES), shown;
	char dir[64];

	ASSERT_EQ(0, mount_new("vmlab", "size=50%", dir));
	shown = figures().f_blocks;
	EXPECT_LE(shown, pages / 2 + 1);
	EXPECT_GE(shown, pages / 2 - pages / 50);
	mount_end(dir);
	ASSERT_EQ(0, mount_new("vmlab", "", dir));
	EXPECT_EQ(pages / 2, figures().f_blocks);
	EXPECT_EQ(pages / 2, figures().f_files);
	EXPECT_EQ(01777, stat_of(".").st_mode & 07777);
	mount_end(dir);
}

/* The pool of a mount: files of more than its budget. */
FIXTURE(pool)
{
	char dir[64];
};

FIXTURE_SETUP(pool)
{
	ASSERT_EQ(0, mount_new("vmlab", "size=4m,budget=128k,policy=sieve,codec=zstd,store_limit=1m",
			       self->dir));
}

FIXTURE_TEARDOWN(pool)
{
	mount_end(self->dir);
}

/* Does the line of the mount show these options, in a row? */
static bool shows_pool(const char *dir, const char *options)
{
	char all[256];

	snprintf(all, sizeof(all), ",huge=never%s,mode=1777", options);
	return shows(dir, all);
}

static struct vmlab_pool_stat pool_of(const char *name)
{
	struct vmlab_pool_stat stat;
	int fd = open(name, O_RDONLY);

	if (ioctl(fd, VMLAB_IOC_POOL_STAT, &stat))
		broken("no figures of %s: %s\n", name, strerror(errno));
	close(fd);
	return stat;
}

TEST_F(pool, has_what_was_asked_for)
{
	struct vmlab_pool_stat stat;

	EXPECT_TRUE(shows_pool(self->dir,
			       ",budget=128k,policy=sieve,codec=zstd,store_limit=1048576"));
	ASSERT_TRUE(make_filled("a", SIZE / 2, 1));
	ASSERT_TRUE(make_filled("b", SIZE / 2, 2));
	stat = pool_of("a");
	EXPECT_EQ(128 << 10, stat.budget);
	EXPECT_LE(stat.resident * PAGE, stat.budget);
	EXPECT_EQ(SIZE / PAGE, stat.resident + stat.stored);
	EXPECT_EQ(SIZE, stat.store_limit);
	EXPECT_TRUE(has("a", SIZE / 2, 1));
	EXPECT_TRUE(has("b", SIZE / 2, 2));
	EXPECT_EQ(0, unlink("a"));
	EXPECT_EQ(SIZE / 2 / PAGE, pages_used());
}

TEST_F(pool, budget_and_policy_can_be_changed)
{
	ASSERT_TRUE(make_filled("a", SIZE / 2, 1));
	EXPECT_EQ(0, remount(self->dir, 0, "budget=64k,policy=2q"));
	EXPECT_TRUE(shows_pool(self->dir, ",budget=64k,policy=2q,codec=zstd,store_limit=1048576"));
	EXPECT_LE(pool_of("a").resident, 16);
	EXPECT_EQ(0, remount(self->dir, 0, "budget=none"));
	EXPECT_TRUE(shows_pool(self->dir, ",budget=none,policy=2q,codec=zstd,store_limit=1048576"));
	EXPECT_TRUE(has("a", SIZE / 2, 1));
	EXPECT_EQ(0, pool_of("a").stored);
}

/* As mount(8) does it: all that is shown, and what is to change. */
TEST_F(pool, what_is_in_force_can_be_asked_for_again)
{
	EXPECT_EQ(0, remount(self->dir, 0,
			     "size=4m,budget=128k,policy=sieve,codec=zstd,"
			     "store_limit=1048576,budget=256k"));
	EXPECT_TRUE(shows_pool(self->dir,
			       ",budget=256k,policy=sieve,codec=zstd,store_limit=1048576"));
}

TEST_F(pool, the_store_stays_as_it_is)
{
	EXPECT_FAILS(EINVAL, remount(self->dir, 0, "budget=256k,codec=lz4"));
	EXPECT_FAILS(EINVAL, remount(self->dir, 0, "size=8m,store_limit=2m"));
	EXPECT_FAILS(EINVAL, remount(self->dir, 0, "store_limit=0"));
	EXPECT_TRUE(shows_pool(self->dir,
			       ",budget=128k,policy=sieve,codec=zstd,store_limit=1048576"));
	EXPECT_EQ(4 * SIZE / PAGE, figures().f_blocks);
}

/* A pool whose store is in a file. */
FIXTURE(file_pool)
{
	char dir[64];
	char store[64];
	char options[128];
};

FIXTURE_SETUP(file_pool)
{
	int fd;

	strcpy(self->store, "/tmp/vmlab-store-XXXXXX");
	fd = mkstemp(self->store);
	ASSERT_EQ(0, ftruncate(fd, SIZE));
	close(fd);
	snprintf(self->options, sizeof(self->options), "budget=128k,policy=lru,store=file:%s",
		 self->store);
	ASSERT_EQ(0, mount_new("vmlab", self->options, self->dir));
}

FIXTURE_TEARDOWN(file_pool)
{
	mount_end(self->dir);
	unlink(self->store);
}

TEST_F(file_pool, has_what_was_asked_for)
{
	char shown[160];

	snprintf(shown, sizeof(shown), ",%s,store_limit=0", self->options);
	EXPECT_TRUE(shows_pool(self->dir, shown));
	ASSERT_TRUE(make_filled("a", SIZE / 2, 1));
	ASSERT_TRUE(make_filled("b", SIZE / 2, 2));
	EXPECT_STREQ("file", (char *)pool_of("a").store);
	EXPECT_GE(pool_of("a").stored_bytes, SIZE / 2);
	EXPECT_TRUE(has("a", SIZE / 2, 1));
	EXPECT_TRUE(has("b", SIZE / 2, 2));
	EXPECT_EQ(0, remount(self->dir, 0, shown + 1));
	EXPECT_TRUE(has("a", SIZE / 2, 1));
}

TEST_F(file_pool, the_store_stays_as_it_is)
{
	char dir[64];

	EXPECT_FAILS(EINVAL, remount(self->dir, 0, "store=zs"));
	EXPECT_FAILS(EINVAL, remount(self->dir, 0, "store=file:/dev/null"));
	EXPECT_FAILS(EINVAL, remount(self->dir, 0, "codec=lz4"));
	EXPECT_FAILS(EINVAL, remount(self->dir, 0, "front=64k"));
	EXPECT_FAILS(ENOENT, remount(self->dir, 0, "store=file:/nonexistent"));
	/* It is one mount's. */
	EXPECT_EQ(EINVAL, mount_new("vmlab", self->options, dir));
}

TEST_F(file_pool, may_have_memory_in_front)
{
	char options[192], shown[224];

	mount_end(self->dir);
	snprintf(options, sizeof(options), "%s,front=64k,codec=zstd", self->options);
	ASSERT_TRUE(EVENTUALLY(!mount_new("vmlab", options, self->dir)));
	snprintf(shown, sizeof(shown), ",%s,store_limit=0", options);
	EXPECT_TRUE(shows_pool(self->dir, shown));
	ASSERT_TRUE(make_filled("a", SIZE / 2, 1));
	EXPECT_EQ(64 * 1024, pool_of("a").front);
	EXPECT_GE(pool_of("a").copies, SIZE / 2 / PAGE - 32);
	EXPECT_EQ(0, remount(self->dir, 0, shown + 1));
	EXPECT_EQ(0, remount(self->dir, 0, "front=1m"));
	EXPECT_EQ(1024 * 1024, pool_of("a").front);
	EXPECT_FAILS(EINVAL, remount(self->dir, 0, "front=4k"));
	EXPECT_FAILS(EINVAL, remount(self->dir, 0, "front=0"));
	EXPECT_TRUE(has("a", SIZE / 2, 1));
}

/* The options say so then, and are given to a remount as they are. */
TEST_F(file_pool, goes_on_when_its_file_is_removed)
{
	char shown[192];

	ASSERT_EQ(0, unlink(self->store));
	snprintf(shown, sizeof(shown), "%s (deleted),store_limit=0", self->options);
	EXPECT_EQ(0, remount(self->dir, 0, shown));
	EXPECT_FAILS(ENOENT, remount(self->dir, 0, "store=file:/nonexistent"));
	ASSERT_TRUE(make_filled("a", SIZE / 2, 1));
	EXPECT_TRUE(has("a", SIZE / 2, 1));
}

TEST_F(ours, gets_a_pool_by_a_remount)
{
	ASSERT_TRUE(make_filled("a", SIZE / 2, 1));
	EXPECT_EQ(0, remount(self->dir, 0, "budget=none"));
	EXPECT_TRUE(shows(self->dir, ",huge=never,mode=750,uid=3,gid=4"));
	EXPECT_EQ(0, remount(self->dir, 0, "budget=64k"));
	EXPECT_TRUE(shows(self->dir,
			  ",budget=64k,policy=lru,codec=lz4,store_limit=0,mode=750,uid=3,gid=4"));
	EXPECT_LE(pool_of("a").resident, 16);
	EXPECT_TRUE(has("a", SIZE / 2, 1));
}

static bool sets_as_nobody(void)
{
	struct vmlab_pool_set set = { .what = VMLAB_POOL_POLICY, .policy = "lru" };
	int fd = open("a", O_RDWR);

	return fd >= 0 && ioctl(fd, VMLAB_IOC_POOL_SET, &set) && errno == EPERM;
}

/* A clone is in the pool of the mount, though it is not there. */
static bool sets_by_a_clone(void)
{
	struct vmlab_pool_set set = { .what = VMLAB_POOL_POLICY, .policy = "lru" };
	struct vmlab_clone clone = { .flags = O_CLOEXEC };
	int fd = ioctl(open("a", O_RDONLY), VMLAB_IOC_CLONE, &clone);

	return fd >= 0 && ioctl(fd, VMLAB_IOC_POOL_SET, &set) && errno == EPERM;
}

static int evict(int fd)
{
	struct vmlab_advise advise = { .length = PAGE, .advice = VMLAB_ADVISE_EVICT };

	return ioctl(fd, VMLAB_IOC_ADVISE, &advise);
}

static bool evicts_first(void)
{
	return evict(open("a", O_RDWR)) && errno == EPERM;
}

static bool evicts(void)
{
	return !evict(open("a", O_RDWR));
}

/* What would make a store for the mount, and end its huge pages. */
TEST_F(ours, is_evicted_from_by_root_first)
{
	ASSERT_TRUE(make_filled("a", SIZE / 2, 1));
	ASSERT_EQ(0, chmod("a", 0666));
	ASSERT_EQ(0, chmod(".", 0755));
	EXPECT_TRUE(as_nobody(evicts_first));
	EXPECT_TRUE(evicts());
	EXPECT_TRUE(as_nobody(evicts));
	EXPECT_TRUE(has("a", SIZE / 2, 1));
}

static int clone_as(int mode)
{
	return ioctl(open("a", mode), VMLAB_IOC_CLONE, &(struct vmlab_clone){});
}

static bool clones_to_read(void)
{
	return clone_as(O_RDONLY) >= 0;
}

static bool is_no_writer(void)
{
	int fd = open("a", O_RDONLY);
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	struct vmlab_clone clone = { .address = (__u64)p };

	return clone_as(O_RDONLY) < 0 && errno == EACCES && p != MAP_FAILED &&
	       ioctl(fd, VMLAB_IOC_CLONE, &clone) < 0 && errno == EACCES;
}

/* What is written to a clone is in the space of the mount, and nobody sees where. */
TEST_F(ours, is_cloned_by_who_may_write)
{
	ASSERT_TRUE(make_filled("a", SIZE / 2, 1));
	ASSERT_EQ(0, chmod(".", 0755));
	ASSERT_EQ(0, chmod("a", 0644));
	EXPECT_TRUE(as_nobody(is_no_writer));
	EXPECT_TRUE(clones_to_read());
	ASSERT_EQ(0, chmod("a", 0666));
	EXPECT_TRUE(as_nobody(clones_to_read));
}

TEST_F(pool, is_set_by_root_only)
{
	ASSERT_TRUE(make("a") == 0);
	ASSERT_EQ(0, chmod("a", 0666));
	EXPECT_TRUE(as_nobody(sets_as_nobody));
	EXPECT_TRUE(as_nobody(sets_by_a_clone));
}

/* More than the budget is zeroed, and comes into memory for that, a part at a time. */
TEST_F(pool, a_range_is_zeroed)
{
	struct vmlab_pool_stat stat;
	int fd;

	ASSERT_TRUE(make_filled("a", SIZE / 2, 1));
	fd = open("a", O_RDWR);
	ASSERT_EQ(0, fallocate(fd, FALLOC_FL_ZERO_RANGE, PAGE / 2, SIZE / 2 - PAGE));
	stat = pool_of("a");
	EXPECT_LE(stat.resident * PAGE, stat.budget);
	EXPECT_TRUE(reads_filled(fd, 0, PAGE / 2, 1));
	EXPECT_TRUE(reads_zero(fd, PAGE / 2, SIZE / 2 - PAGE));
	close(fd);
}

/* The reason is told to who mounts by the new system calls: its message begins with "e ". */
TEST_F(pool, says_why)
{
	static const char *const wanted[][3] = {
		{ "codec", "zip", "There is no codec 'zip'" },
		{ "policy", "optimal", "Bad value for 'policy'" },
		{ "budget", "60k", "Bad value for 'budget'" },
		{ "store", "zram", "The store is 'zs' or 'file:PATH'" },
		{ "store", "file:/dev/null", "neither file nor block device" },
		{ "store", "file:a", "The store is itself in a region" },
		{ "front", "64k", "The front is that of a store in a file" },
	};

	ASSERT_TRUE(make_filled("a", PAGE, 1));

	for (unsigned int i = 0; i < ARRAY_SIZE(wanted); i++) {
		int fs = syscall(SYS_fsopen, "vmlab", 0);
		char message[256] = "";

		ASSERT_GE(fs, 0);
		if (!syscall(SYS_fsconfig, fs, 1, wanted[i][0], wanted[i][1], 0))
			EXPECT_FAILS(EINVAL, syscall(SYS_fsconfig, fs, 6, NULL, NULL, 0));
		ASSERT_GT(read(fs, message, sizeof(message) - 1), 0);
		EXPECT_NE(NULL, strstr(message, wanted[i][2]))
		{
			TH_LOG("%s", message);
		}
		close(fs);
	}
}

static bool mounts_as_nobody(void)
{
	return !unshare(CLONE_NEWUSER | CLONE_NEWNS) && mount("none", "/tmp", "vmlab", 0, NULL) &&
	       errno == EPERM;
}

TEST_F(ours, user_namespaces_cannot_mount_it)
{
	if (!IN_CHILD(!unshare(CLONE_NEWUSER | CLONE_NEWNS)))
		SKIP_TEST("no user namespaces here");
	EXPECT_TRUE(as_nobody(mounts_as_nobody));
}

TEST_F(ours, what_is_available_is_what_the_cap_leaves)
{
	__u64 max_pages = parameter_get("max_pages");

	ASSERT_EQ(0, parameter_set("max_pages", module_features().pages + 10));
	EXPECT_EQ(SIZE / PAGE, figures().f_bfree);
	EXPECT_EQ(10, figures().f_bavail);
	EXPECT_EQ(10 * PAGE, write(file("a"), (char[20 * PAGE]){}, 20 * PAGE));
	parameter_set("max_pages", max_pages);
}

TEST_HARNESS_MAIN
