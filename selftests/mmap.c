// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings behave as those of a memfd do.
 */
#include "mapping_test.h"

TEST_F(mapping, shows_the_region)
{
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
}

TEST_F(mapping, stores_reach_the_region_if_shared)
{
	char *other = map_shared(self->fd, LENGTH);

	fill(self->p, LENGTH, 2);
	EXPECT_TRUE(filled(self->p, LENGTH, 2));
	EXPECT_TRUE(filled(other, LENGTH, SHARED ? 2 : 1));
	EXPECT_TRUE(reads_filled(self->fd, 0, LENGTH, SHARED ? 2 : 1));
	munmap(other, LENGTH);
}

/* A private page that was not written yet still follows the region. */
TEST_F(mapping, sees_other_mappings_stores)
{
	char *other = map_shared(self->fd, LENGTH);

	self->p[0] = 3;
	other[0] = 4;
	other[PAGE] = 4;
	EXPECT_EQ(SHARED ? 4 : 3, self->p[0]);
	EXPECT_EQ(4, self->p[PAGE]);
	munmap(other, LENGTH);
}

TEST_F(mapping, of_fresh_pages_is_zero_and_stays_private)
{
	char *p = map(self->fd, LENGTH, RW, variant->flags, LENGTH);

	EXPECT_TRUE(all_zero(p, LENGTH));
	fill(p, LENGTH, 5);
	EXPECT_TRUE(filled(p, LENGTH, 5));
	EXPECT_TRUE(SHARED ? reads_filled(self->fd, LENGTH, LENGTH, 5) :
			     reads_zero(self->fd, LENGTH, LENGTH));
}

TEST_F(mapping, at_an_offset)
{
	char *p = map(self->fd, 3 * PAGE, RW, variant->flags, 5 * PAGE);

	EXPECT_EQ(0, memcmp(p, self->p + 5 * PAGE, 3 * PAGE));
}

TEST_F(mapping, fixed_replaces)
{
	char *p = mmap(self->p + 4 * PAGE, 2 * PAGE, RW, variant->flags | MAP_FIXED, self->fd, 0);

	EXPECT_EQ(self->p + 4 * PAGE, p);
	EXPECT_TRUE(filled(p, 2 * PAGE, 1));
	EXPECT_TRUE(filled(self->p, 4 * PAGE, 1));
	p[0] = 99;
	EXPECT_EQ(SHARED ? 99 : 2, self->p[0]);
}

TEST_F(mapping, fixed_over_anonymous_memory)
{
	char *base = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p;

	memset(base, 7, 3 * PAGE);
	p = mmap(base + PAGE, PAGE, RW, variant->flags | MAP_FIXED, self->fd, 0);
	EXPECT_EQ(base + PAGE, p);
	EXPECT_TRUE(filled(p, PAGE, 1));
	EXPECT_EQ(7, base[PAGE - 1]);
	EXPECT_EQ(7, base[2 * PAGE]);
}

TEST_F(mapping, fixed_noreplace_respects)
{
	void *p = mmap(self->p + PAGE, PAGE, RW, variant->flags | MAP_FIXED_NOREPLACE, self->fd, 0);

	EXPECT_EQ(MAP_FAILED, p);
	EXPECT_EQ(EEXIST, errno);
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	ASSERT_EQ(0, munmap(self->p + PAGE, PAGE));
	p = mmap(self->p + PAGE, PAGE, RW, variant->flags | MAP_FIXED_NOREPLACE, self->fd, PAGE);
	EXPECT_EQ(self->p + PAGE, p);
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
}

TEST_F(mapping, populate_brings_all)
{
	__u64 resident = region_resident(self->fd), faults;
	char *p = map(self->fd, 100 * PAGE, RW, variant->flags | MAP_POPULATE, MIB);

	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(resident + 100, region_resident(self->fd));
	faults = region_stat(self->fd).faults;
	EXPECT_TRUE(all_zero(p, 100 * PAGE));
	p[50 * PAGE] = 1;
	EXPECT_EQ(faults, region_stat(self->fd).faults);
}

TEST_F(mapping, refuses_bad_places)
{
	int fd = region_zero(0, LENGTH);
	const struct {
		size_t length;
		__u64 offset;
	} bad[] = {
		{ LENGTH + PAGE, 0 },
		{ LENGTH, PAGE },
		{ PAGE, LENGTH },
		{ PAGE, TIB },
		{ PAGE, 1 },
		{ PAGE, PAGE / 2 },
		{ 0, 0 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(MAP_FAILED, map(fd, bad[i].length, RW, variant->flags, bad[i].offset));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(0, region_stat(fd).mappings);
	EXPECT_NE(MAP_FAILED, map(fd, LENGTH, RW, variant->flags, 0));
}

TEST_F(mapping, refuses_offsets_that_overflow)
{
	const __u64 bad[] = { 1ULL << 63, -2 * PAGE, LLONG_MAX & -PAGE };

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(MAP_FAILED, map(self->fd, 4 * PAGE, RW, variant->flags, bad[i]));
		EXPECT_TRUE(errno == EOVERFLOW || errno == EINVAL);
	}
}

TEST_F(mapping, hugetlb_is_refused)
{
	EXPECT_EQ(MAP_FAILED, map(self->fd, 2 * MIB, RW, variant->flags | MAP_HUGETLB, 0));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(mapping, sync_is_refused)
{
	EXPECT_EQ(MAP_FAILED, map(self->fd, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, 0));
	EXPECT_EQ(EOPNOTSUPP, errno);
}

TEST_F(mapping, outlives_its_fd)
{
	close(self->fd);
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	fill(self->p, LENGTH, 2);
	EXPECT_TRUE(filled(self->p, LENGTH, 2));
	self->fd = -1;
}

TEST_F(mapping, ends_in_sigbus)
{
	int fd = region_zero(0, 0);
	char *p = map(fd, LENGTH, RW, variant->flags, 0);

	ASSERT_EQ(0, ftruncate(region_fd(fd, 0), 3 * PAGE));
	EXPECT_EQ(0, trap_write(p + 3 * PAGE - 1, 1));
	EXPECT_EQ(SIGBUS, trap_read(p + 3 * PAGE));
	EXPECT_EQ(SIGBUS, trap_write(p + LENGTH - 1, 1));
	EXPECT_EQ(2, region_stat(fd).sigbus);
	EXPECT_EQ(0, p[0]);
}

/* mprotect and access modes */

TEST_F(mapping, mprotect_is_obeyed)
{
	ASSERT_EQ(0, mprotect(self->p + PAGE, PAGE, PROT_READ));
	EXPECT_EQ(0, trap_read(self->p + PAGE));
	EXPECT_EQ(SIGSEGV, trap_write(self->p + PAGE, 9));
	EXPECT_EQ(0, trap_write(self->p + 2 * PAGE, self->p[2 * PAGE]));
	ASSERT_EQ(0, mprotect(self->p + PAGE, PAGE, PROT_NONE));
	EXPECT_EQ(SIGSEGV, trap_read(self->p + PAGE));
	ASSERT_EQ(0, mprotect(self->p + PAGE, PAGE, RW));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_EQ(0, trap_write(self->p + PAGE, 9));
	EXPECT_EQ(9, self->p[PAGE]);
}

TEST_F(mapping, mprotect_before_the_first_touch)
{
	char *p = map(self->fd, LENGTH, PROT_READ, variant->flags, LENGTH);

	EXPECT_EQ(SIGSEGV, trap_write(p, 1));
	EXPECT_TRUE(all_zero(p, PAGE));
	ASSERT_EQ(0, mprotect(p, LENGTH, RW));
	fill(p, LENGTH, 4);
	EXPECT_TRUE(filled(p, LENGTH, 4));
}

TEST_F(mapping, of_a_reader_cannot_be_shared_for_writing)
{
	int fd = region_open_as(O_RDONLY);
	char *p = map(fd, PAGE, RW, variant->flags, 0);

	if (!SHARED) {
		ASSERT_NE(MAP_FAILED, p);
		p[0] = 1;
		EXPECT_TRUE(reads_zero(fd, 0, PAGE));
		return;
	}
	EXPECT_EQ(MAP_FAILED, p);
	EXPECT_EQ(EACCES, errno);
	p = map(fd, PAGE, PROT_READ, variant->flags, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(all_zero(p, PAGE));
	EXPECT_EQ(-1, mprotect(p, PAGE, RW));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(SIGSEGV, trap_write(p, 1));
}

TEST_F(mapping, of_a_writer_cannot_be)
{
	int fd = region_open_as(O_WRONLY);

	EXPECT_EQ(MAP_FAILED, map(fd, PAGE, RW, variant->flags, 0));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(MAP_FAILED, map(fd, PAGE, PROT_READ, variant->flags, 0));
	EXPECT_EQ(EACCES, errno);
}

/* fork */

static bool overwrite(char *p, unsigned int old, unsigned int new)
{
	if (!filled(p, LENGTH, old))
		return false;
	fill(p, LENGTH, new);
	return filled(p, LENGTH, new);
}

TEST_F(mapping, fork_shares_what_is_shared)
{
	EXPECT_TRUE(IN_CHILD(overwrite(self->p, 1, 2)));
	EXPECT_TRUE(filled(self->p, LENGTH, SHARED ? 2 : 1));
	EXPECT_EQ(1, region_stat(self->fd).mappings);
}

TEST_F(mapping, fork_copies_what_was_written_privately)
{
	fill(self->p, LENGTH, 5);
	EXPECT_TRUE(IN_CHILD(overwrite(self->p, 5, 6)));
	EXPECT_TRUE(filled(self->p, LENGTH, SHARED ? 6 : 5));
	EXPECT_TRUE(reads_filled(self->fd, 0, LENGTH, SHARED ? 6 : 1));
}

TEST_F(mapping, fork_shares_pages_that_appear_later)
{
	char *p = map(self->fd, LENGTH, RW, variant->flags, LENGTH);

	EXPECT_TRUE(IN_CHILD((fill(p, LENGTH, 7), filled(p, LENGTH, 7))));
	EXPECT_TRUE(SHARED ? filled(p, LENGTH, 7) : all_zero(p, LENGTH));
}

TEST_F(mapping, fork_of_a_fork)
{
	EXPECT_TRUE(IN_CHILD(overwrite(self->p, 1, 2) && IN_CHILD(overwrite(self->p, 2, 3)) &&
			     filled(self->p, LENGTH, SHARED ? 3 : 2)));
	EXPECT_TRUE(filled(self->p, LENGTH, SHARED ? 3 : 1));
}

TEST_F(mapping, child_outlives_its_parent)
{
	int pipe_fd[2];
	char byte = 0;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ASSERT_EQ(0, pipe(pipe_fd));
	EXPECT_TRUE(IN_CHILD(({
		if (!fork()) {
			bool whole;

			usleep(1000);
			close(self->fd);
			whole = filled(self->p, LENGTH, 1);
			fill(self->p, LENGTH, 2);
			byte = whole && filled(self->p, LENGTH, 2);
			write(pipe_fd[1], &byte, 1) == 1 ? _exit(0) : _exit(1);
		}
		true;
	})));
	munmap(self->p, LENGTH);
	close(self->fd);
	ASSERT_EQ(1, read(pipe_fd[0], &byte, 1));
	EXPECT_EQ(1, byte);
	EXPECT_LT(0, wait(NULL));
	self->fd = -1;
}

TEST_F(mapping, many_forks)
{
	__u64 pages = module_features().pages;

	for (int i = 0; i < 200; i++) {
		ASSERT_TRUE(IN_CHILD(trap_write(self->p + i % PAGES * PAGE, 1) == 0));
	}
	EXPECT_EQ(1, region_stat(self->fd).mappings);
	EXPECT_EQ(pages, module_features().pages);
}

/* msync */

TEST_F(mapping, msync)
{
	fill(self->p, LENGTH, 2);
	EXPECT_EQ(0, msync(self->p, LENGTH, MS_SYNC));
	EXPECT_EQ(0, msync(self->p, LENGTH, MS_ASYNC));
	EXPECT_EQ(0, msync(self->p, LENGTH, MS_SYNC | MS_INVALIDATE));
	EXPECT_EQ(-1, msync(self->p, LENGTH, MS_SYNC | MS_ASYNC));
	EXPECT_EQ(EINVAL, errno);
	munmap(self->p + PAGE, PAGE);
	EXPECT_EQ(-1, msync(self->p, LENGTH, MS_SYNC));
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_TRUE(filled(self->p, PAGE, 2));
}

/* What the system counts */

static long smaps_field(const char *p, const char *field)
{
	static char text[256 * 1024];
	char range[32], *at;

	snprintf(range, sizeof(range), "%lx-", (unsigned long)p);
	text_read("/proc/self/smaps", text, sizeof(text));
	at = strstr(text, range);
	at = at ? strstr(at, field) : NULL;
	return at ? strtol(at + strlen(field), NULL, 10) : -1;
}

TEST_F(mapping, is_counted_by_smaps)
{
	char *p = map(self->fd, 100 * PAGE, RW, variant->flags, MIB);

	EXPECT_EQ(0, smaps_field(p, "\nRss:"));
	for (size_t i = 0; i < 100; i += 5)
		p[i * PAGE] = 1;
	EXPECT_EQ(20 * 4, smaps_field(p, "\nRss:"));
	munmap(p + 50 * PAGE, 50 * PAGE);
	EXPECT_EQ(10 * 4, smaps_field(p, "\nRss:"));
}

/* As <linux/fs.h> has it from 6.11 on. */
struct procmap {
	__u64 size, flags, address;
	__u64 start, end, vma_flags, page_size, offset, inode;
	__u32 dev_major, dev_minor, name_size, build_id_size;
	__u64 name, build_id;
};

#define PROCMAP_GET _IOWR('f', 17, struct procmap)

/* The kernel itself looks for a build id at the beginning of the file: ours has none. */
TEST_F(mapping, has_no_build_id)
{
	static const char magic[] = "\177ELF";
	char build_id[20], name[64] = "";
	struct procmap query = {
		.size = sizeof(query),
		.address = (__u64)self->p,
		.name = (__u64)name,
		.name_size = sizeof(name),
		.build_id = (__u64)build_id,
		.build_id_size = sizeof(build_id),
	};
	int maps = open("/proc/self/maps", O_RDONLY), ret;

	memcpy(self->p, magic, sizeof(magic));
	ret = ioctl(maps, PROCMAP_GET, &query);
	if (ret && errno == ENOTTY)
		SKIP_TEST("this kernel does not give build ids");
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, query.build_id_size);
	EXPECT_EQ((__u64)self->p, query.start);
	EXPECT_TRUE(strstr(name, "/vmlab:"));
	close(maps);
}

TEST_F(mapping, gives_everything_back)
{
	__u64 pages = module_features().pages;
	int fd = region_open();
	char *p = map(fd, LENGTH, RW, variant->flags, 0);

	fill(p, LENGTH, 1);
	EXPECT_EQ(pages + PAGES, module_features().pages);
	close(fd);
	EXPECT_EQ(pages + PAGES, module_features().pages);
	munmap(p, LENGTH);
	EXPECT_TRUE(EVENTUALLY(module_features().pages == pages));
}

TEST_HARNESS_MAIN
