// SPDX-License-Identifier: GPL-2.0
/*
 * The file system that mount -t vmlab gives: contents, mappings and space of files, which are
 * regions. What tmpfs does as well is asserted of both.
 */
#include "fs_test.h"

#include <sys/sendfile.h>

TEST_F(mount, a_file_is_empty_and_grows_with_writes)
{
	int fd = file("a");

	ASSERT_GE(fd, 0);
	EXPECT_EQ(0, stat_of("a").st_size);
	EXPECT_EQ(0, stat_of("a").st_blocks);
	EXPECT_TRUE(writes_filled(fd, 0, 5000, 1));
	EXPECT_EQ(5000, stat_of("a").st_size);
	EXPECT_EQ(2 * PAGE / 512, stat_of("a").st_blocks);
	EXPECT_TRUE(reads_filled(fd, 0, 5000, 1));
	EXPECT_EQ(3, pwrite(fd, "end", 3, 10 * PAGE));
	EXPECT_EQ(10 * PAGE + 3, stat_of("a").st_size);
	EXPECT_EQ(3 * PAGE / 512, stat_of("a").st_blocks);
	EXPECT_TRUE(reads_zero(fd, 5000, 10 * PAGE - 5000));
	EXPECT_EQ(0, pread(fd, &(char){ 0 }, 1, 10 * PAGE + 3));
}

TEST_F(mount, appends_and_truncates_at_open)
{
	int fd = file("a"), other;

	EXPECT_EQ(3, write(fd, "abc", 3));
	other = open("a", O_WRONLY | O_APPEND);
	EXPECT_EQ(3, write(other, "def", 3));
	EXPECT_EQ(6, stat_of("a").st_size);
	close(other);
	other = open("a", O_WRONLY | O_TRUNC);
	EXPECT_EQ(0, stat_of("a").st_size);
	EXPECT_EQ(0, pages_used());
}

TEST_F(mount, what_was_cut_off_is_gone)
{
	int fd = file("a");

	ASSERT_TRUE(writes_filled(fd, 0, 3 * PAGE, 1));
	EXPECT_EQ(0, ftruncate(fd, PAGE + 10));
	EXPECT_EQ(2, pages_used());
	EXPECT_EQ(0, truncate("a", 3 * PAGE));
	EXPECT_TRUE(reads_filled(fd, 0, PAGE, 1));
	EXPECT_TRUE(reads_zero(fd, PAGE + 10, 2 * PAGE - 10));
	EXPECT_FAILS(EINVAL, ftruncate(fd, -1));
}

TEST_F(mount, a_mapping_ends_with_the_file)
{
	int fd = file("a");
	char *p;

	ASSERT_EQ(0, ftruncate(fd, 3 * PAGE));
	p = map_shared(fd, 4 * PAGE);
	ASSERT_NE(MAP_FAILED, p);
	fill(p, 3 * PAGE, 2);
	EXPECT_EQ(SIGBUS, trap_read(p + 3 * PAGE));
	EXPECT_TRUE(reads_filled(fd, 0, 3 * PAGE, 2));
	EXPECT_EQ(0, ftruncate(fd, 1));
	EXPECT_EQ(SIGBUS, trap_write(p + PAGE, 1));
	EXPECT_EQ(0, p[1]);
	EXPECT_EQ(0, ftruncate(fd, 2 * PAGE));
	EXPECT_TRUE(all_zero(p + 1, 2 * PAGE - 1));
	munmap(p, 4 * PAGE);
}

TEST_F(mount, a_file_lives_as_long_as_its_mapping)
{
	int fd = file("a");
	char *p;

	ASSERT_EQ(0, ftruncate(fd, 2 * PAGE));
	p = map_shared(fd, 2 * PAGE);
	fill(p, 2 * PAGE, 3);
	EXPECT_EQ(0, unlink("a"));
	close(fd);
	EXPECT_TRUE(filled(p, 2 * PAGE, 3));
	EXPECT_EQ(2, pages_used());
	munmap(p, 2 * PAGE);
	EXPECT_EQ(0, pages_used());
	EXPECT_EQ(1, inodes_used());
}

TEST_F(mount, a_private_mapping_keeps_its_changes)
{
	int fd = file("a");
	char *p;

	ASSERT_TRUE(writes_filled(fd, 0, PAGE, 4));
	p = map(fd, PAGE, RW, MAP_PRIVATE, 0);
	p[0] = 0;
	EXPECT_TRUE(reads_filled(fd, 0, PAGE, 4));
	munmap(p, PAGE);
}

TEST_F(mount, a_full_mount_refuses_writes)
{
	int fd = file("a"), other = file("b");
	static char buffer[SIZE + PAGE];

	EXPECT_EQ(SIZE / PAGE, figures().f_blocks);
	EXPECT_EQ(PAGE, figures().f_bsize);
	EXPECT_EQ(1, write(other, "x", 1));
	EXPECT_EQ(1, pages_used());
	fill(buffer, sizeof(buffer), 5);
	EXPECT_EQ(SIZE - PAGE, write(fd, buffer, sizeof(buffer)));
	EXPECT_EQ(0, figures().f_bfree);
	EXPECT_EQ(0, figures().f_bavail);
	EXPECT_FAILS(ENOSPC, write(fd, "x", 1));
	EXPECT_EQ(SIZE - PAGE, stat_of("a").st_size);
	EXPECT_EQ(10, pwrite(other, "0123456789", 10, 100)); /* in the page it has */
	EXPECT_TRUE(reads_filled(fd, 0, SIZE - PAGE, 5));
	EXPECT_EQ(0, ftruncate(fd, PAGE));
	EXPECT_EQ(2, pages_used());
	close(fd);
	EXPECT_EQ(0, unlink("a"));
	EXPECT_EQ(1, pages_used());
}

TEST_F(mount, leases)
{
	int fd = file("a"), reader = open("a", O_RDONLY | O_CLOEXEC);

	close(fd);
	signal(SIGIO, SIG_IGN);		/* tells that somebody else wants it */
	EXPECT_EQ(0, fcntl(reader, F_SETLEASE, F_RDLCK));
	EXPECT_EQ(F_RDLCK, fcntl(reader, F_GETLEASE));
	EXPECT_FAILS(EAGAIN, open("a", O_WRONLY | O_NONBLOCK | O_CLOEXEC));
	EXPECT_EQ(0, fcntl(reader, F_SETLEASE, F_UNLCK));
	close(reader);
}

TEST_F(mount, a_full_mount_gives_sigbus)
{
	int fd = file("a");
	char *p;

	ASSERT_EQ(0, ftruncate(fd, 2 * SIZE));
	ASSERT_EQ(0, fallocate(fd, 0, 0, SIZE - PAGE));
	p = map_shared(fd, 2 * SIZE);
	EXPECT_EQ(0, trap_write(p + SIZE, 1));
	EXPECT_EQ(0, figures().f_bfree);
	EXPECT_EQ(SIGBUS, trap_write(p + SIZE + PAGE, 1));
	EXPECT_EQ(0, figures().f_bfree);
	EXPECT_EQ(0, trap_write(p, 1));
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	EXPECT_EQ(1, figures().f_bfree);
	EXPECT_EQ(0, trap_write(p + SIZE + PAGE, 1));
	munmap(p, 2 * SIZE);
}

TEST_F(mount, allocating_ahead)
{
	int fd = file("a");

	EXPECT_EQ(0, fallocate(fd, 0, PAGE, 2 * PAGE));
	EXPECT_EQ(3 * PAGE, stat_of("a").st_size);
	EXPECT_EQ(2, pages_used());
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 5 * PAGE));
	EXPECT_EQ(3 * PAGE, stat_of("a").st_size);
	EXPECT_EQ(5, pages_used());
	EXPECT_EQ(0, ftruncate(fd, 3 * PAGE));
	EXPECT_EQ(3, pages_used());
	EXPECT_FAILS(ENOSPC, fallocate(fd, 0, 0, SIZE + PAGE));
	EXPECT_EQ(3, pages_used());
	EXPECT_EQ(3 * PAGE, stat_of("a").st_size);
	EXPECT_FAILS(EOPNOTSUPP, fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, PAGE));
}

TEST_F(mount, data_and_holes)
{
	int fd = file("a");

	ASSERT_EQ(0, ftruncate(fd, 8 * PAGE));
	ASSERT_TRUE(writes_filled(fd, 2 * PAGE, PAGE, 1));
	ASSERT_TRUE(writes_filled(fd, 5 * PAGE, 2 * PAGE, 1));
	EXPECT_EQ(2 * PAGE, lseek(fd, 0, SEEK_DATA));
	EXPECT_EQ(3 * PAGE, lseek(fd, 2 * PAGE, SEEK_HOLE));
	EXPECT_EQ(5 * PAGE, lseek(fd, 3 * PAGE, SEEK_DATA));
	EXPECT_EQ(5 * PAGE + 1, lseek(fd, 5 * PAGE + 1, SEEK_DATA));
	EXPECT_EQ(7 * PAGE, lseek(fd, 5 * PAGE, SEEK_HOLE));
	EXPECT_FAILS(ENXIO, lseek(fd, 7 * PAGE, SEEK_DATA));
	EXPECT_FAILS(ENXIO, lseek(fd, 8 * PAGE, SEEK_HOLE));
	EXPECT_EQ(8 * PAGE, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * PAGE, PAGE));
	EXPECT_EQ(5 * PAGE, lseek(fd, 0, SEEK_DATA));
}

TEST_F(mount, inodes_and_names_are_counted)
{
	char name[16];
	int made;

	EXPECT_EQ(100, figures().f_files);
	EXPECT_EQ(99, figures().f_ffree);
	ASSERT_EQ(0, make("a"));
	for (made = 2; made < 100; made++) {
		snprintf(name, sizeof(name), "%d", made);
		if (made % 2 ? make(name) : link("a", name))
			break;
	}
	EXPECT_EQ(100, made);
	EXPECT_EQ(0, figures().f_ffree);
	EXPECT_FAILS(ENOSPC, make("b"));
	EXPECT_FAILS(ENOSPC, mkdir("b", 0755));
	EXPECT_FAILS(ENOSPC, symlink("a", "b"));
	EXPECT_FAILS(ENOSPC, link("a", "b"));
	EXPECT_FAILS(ENOSPC, mknod("b", S_IFIFO | 0600, 0));
	EXPECT_FAILS(ENOSPC, open(".", O_TMPFILE | O_RDWR, 0600));
	EXPECT_EQ(0, unlink("2"));
	EXPECT_EQ(0, make("b"));
	EXPECT_FALSE(figures().f_ffree);
}

TEST_F(mount, pipes_and_other_files_as_ends)
{
	int from = file("a"), to = file("b"), ends[2];
	loff_t offset = 0, start = 0;

	ASSERT_TRUE(writes_filled(from, 0, 4 * PAGE + 100, 6));
	EXPECT_EQ(4 * PAGE + 100, sendfile(to, from, &(off_t){ 0 }, SIZE));
	EXPECT_TRUE(reads_filled(to, 0, 4 * PAGE + 100, 6));
	ASSERT_EQ(0, ftruncate(to, 0));
	EXPECT_EQ(4 * PAGE + 100, copy_file_range(from, &offset, to, &start, SIZE, 0));
	EXPECT_TRUE(reads_filled(to, 0, 4 * PAGE + 100, 6));
	ASSERT_EQ(0, pipe(ends));
	offset = 0;
	EXPECT_EQ(2 * PAGE, splice(from, &offset, ends[1], NULL, 2 * PAGE, 0));
	offset = 100 * PAGE;
	EXPECT_EQ(2 * PAGE, splice(ends[0], NULL, to, &offset, 2 * PAGE, 0));
	EXPECT_TRUE(reads_filled(to, 100 * PAGE, 2 * PAGE, 6));
}

TEST_F(mount, programs_run_from_it)
{
	EXPECT_EQ(0, run("cp /bin/true prog && ./prog"));
	EXPECT_EQ(0, run("printf '#!/bin/sh\\nexit 7\\n' >script && chmod +x script"));
	EXPECT_EQ(7, WEXITSTATUS(run("./script")));
	EXPECT_FAILS(ETXTBSY, IN_CHILD(1) ? open("/proc/self/exe", O_WRONLY) : 0);
}

TEST_F(ours, files_end_at_the_limit_of_regions)
{
	int fd = file("a");

	EXPECT_EQ(1, pwrite(fd, "x", 1, VMLAB_SIZE_MAX - 1));
	EXPECT_FAILS(EFBIG, pwrite(fd, "x", 1, VMLAB_SIZE_MAX));
	EXPECT_FAILS(EFBIG, ftruncate(fd, VMLAB_SIZE_MAX + 1));
	EXPECT_EQ(VMLAB_SIZE_MAX, stat_of("a").st_size);
	EXPECT_EQ(1, pages_used());
	EXPECT_EQ(MAP_FAILED, map(fd, 2 * PAGE, RW, MAP_SHARED, VMLAB_SIZE_MAX - PAGE));
}

/* What cannot be read takes no room; on the tmpfs of 7.x it does. */
TEST_F(ours, a_write_of_bad_memory_leaves_nothing)
{
	static const char *const huge[] = { "never", "always" };
	const char *bad = map(-1, 2 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	__u64 before;

	for (unsigned int i = 0; i < ARRAY_SIZE(huge); i++) {
		char options[32], name[] = { 'a' + i, 0 };
		int fd;

		snprintf(options, sizeof(options), "size=8m,huge=%s", huge[i]);
		ASSERT_EQ(0, mount("none", self->dir, "vmlab", MS_REMOUNT, options));
		before = figures().f_bfree;
		fd = file(name);
		EXPECT_FAILS(EFAULT, pwrite(fd, bad, 2 * MIB, 0));
		EXPECT_FAILS(EFAULT, pwrite(fd, bad, 1, 4 * MIB));
		EXPECT_EQ(0, stat_of(name).st_blocks);
		EXPECT_EQ(before, figures().f_bfree);
		close(fd);
	}
}

TEST_F(ours, direct_io_goes_through)
{
	int fd = open("a", O_RDWR | O_CREAT | O_DIRECT, 0600);

	ASSERT_GE(fd, 0);
	EXPECT_TRUE(writes_filled(fd, 0, 3 * PAGE, 1));
	EXPECT_TRUE(reads_filled(fd, 0, 3 * PAGE, 1));
}

TEST_F(ours, ranges_can_be_zeroed)
{
	int fd = file("a");

	ASSERT_TRUE(writes_filled(fd, 0, 4 * PAGE, 1));
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_ZERO_RANGE, PAGE + 10, 2 * PAGE));
	EXPECT_EQ(4, pages_used());
	EXPECT_TRUE(reads_filled(fd, 0, PAGE, 1));
	EXPECT_TRUE(reads_zero(fd, PAGE + 10, 2 * PAGE));
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 4 * PAGE, PAGE));
	EXPECT_EQ(4 * PAGE, stat_of("a").st_size);
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_ZERO_RANGE, 4 * PAGE, 2 * PAGE));
	EXPECT_EQ(6 * PAGE, stat_of("a").st_size);
	EXPECT_EQ(6, pages_used());
}

/* Is a region in the list of all? */
static bool listed(int fd, __u64 id)
{
	static struct vmlab_stat stats[1024];
	struct vmlab_list list = {
		.cursor = id,
		.buffer = (unsigned long)stats,
		.count = 1,
		.entry_size = sizeof(stats[0]),
	};

	if (ioctl(fd, VMLAB_IOC_LIST, &list))
		broken("VMLAB_IOC_LIST: %s\n", strerror(errno));
	return list.count == 1 && stats[0].id == id;
}

TEST_F(ours, a_file_is_a_region)
{
	const struct vmlab_configure config = { .size = PAGE };
	__u64 regions = module_features().regions;
	int fd = file("a"), other;
	struct vmlab_stat stat;

	ASSERT_TRUE(writes_filled(fd, 0, 3 * PAGE, 1));
	EXPECT_EQ(regions, module_features().regions);
	stat = region_stat(fd);
	EXPECT_EQ(regions + 1, module_features().regions);
	EXPECT_TRUE(listed(fd, stat.id));
	EXPECT_EQ(3, stat.resident);
	EXPECT_EQ(3, stat.zero_filled);
	EXPECT_EQ(3 * PAGE, stat.size);
	EXPECT_EQ(VMLAB_BACKING_ZERO, stat.backing);
	EXPECT_EQ(getpid(), stat.pid);
	EXPECT_FAILS(EBUSY, region_configure(fd, &config));
	other = region_fd(fd, O_CLOEXEC);
	EXPECT_EQ(stat.id, region_stat(other).id);
	close(other);
	close(fd);
	EXPECT_EQ(0, unlink("a"));
	EXPECT_TRUE(EVENTUALLY(module_features().regions == regions));
}

TEST_F(ours, a_mapped_file_is_listed)
{
	__u64 regions = module_features().regions;
	int fd = file("a");
	char *p;

	ASSERT_EQ(0, ftruncate(fd, PAGE));
	p = map_shared(fd, PAGE);
	p[0] = 1;
	EXPECT_EQ(regions + 1, module_features().regions);
	EXPECT_EQ(1, region_stat(fd).first_touch);
	EXPECT_EQ(1, region_stat(fd).mappings);
	munmap(p, PAGE);
}

static int clone_of(int fd)
{
	return ioctl(fd, VMLAB_IOC_CLONE, &(struct vmlab_clone){ .flags = O_CLOEXEC });
}

TEST_F(ours, a_clone_outlives_the_mount)
{
	__u64 pages = module_features().pages;
	int fd = file("a"), clone;

	ASSERT_TRUE(writes_filled(fd, 0, 3 * PAGE, 1));
	clone = clone_of(fd);
	ASSERT_GE(clone, 0);
	EXPECT_EQ(3, pages_used());
	EXPECT_TRUE(writes_filled(fd, 0, PAGE, 2));
	EXPECT_EQ(4, pages_used());
	EXPECT_TRUE(reads_filled(clone, 0, 3 * PAGE, 1));
	close(fd);
	EXPECT_EQ(0, unlink("a"));
	EXPECT_EQ(3, pages_used());
	ASSERT_EQ(0, chdir("/"));
	EXPECT_EQ(0, umount(self->dir));
	EXPECT_TRUE(reads_filled(clone, 0, 3 * PAGE, 1));
	EXPECT_TRUE(writes_filled(clone, 0, 3 * PAGE, 3));
	EXPECT_TRUE(reads_filled(clone, 0, 3 * PAGE, 3));
	close(clone);
	EXPECT_TRUE(EVENTUALLY(module_features().pages == pages));
}

/* A clone has no name, but the limits of the mount are its own. */
TEST_F(ours, a_clone_counts_as_well)
{
	int fd = file("a"), clone;

	ASSERT_TRUE(writes_filled(fd, 0, 2 * PAGE, 1));
	clone = clone_of(fd);
	ASSERT_EQ(0, ftruncate(fd, 0));
	EXPECT_EQ(2, pages_used());
	EXPECT_TRUE(writes_filled(clone, 0, PAGE, 2));
	EXPECT_EQ(2, pages_used());
	close(clone);
	EXPECT_TRUE(EVENTUALLY(pages_used() == 0));
}

TEST_HARNESS_MAIN
