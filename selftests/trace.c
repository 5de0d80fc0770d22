// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints, through tracefs: they are there, and tell what happened.
 * (trace.sh has the tools read them.)
 */
#include "scratch_test.h"

FIXTURE(trace)
{
	char root[64];
	char text[512 * 1024];
	int fd;
	__u64 id;
	__u64 writeback_secs;
};

/* An instance of its own, so that nobody else's tracing is disturbed. */
FIXTURE_SETUP(trace)
{
	const char *tracefs = "/sys/kernel/tracing";
	char path[128];

	if (access("/sys/kernel/tracing/events", F_OK) &&
	    mount("none", tracefs, "tracefs", 0, NULL))
		SKIP_TEST("tracefs cannot be mounted: %s", strerror(errno));
	snprintf(self->root, sizeof(self->root), "%s/instances/vmlab-%d", tracefs, getpid());
	if (mkdir(self->root, 0700))
		SKIP_TEST("no instance of tracefs can be made: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s/events/vmlab/enable", self->root);
	ASSERT_EQ(0, text_write(path, "1")) {
		TH_LOG("%s: %s", path, strerror(errno));
	}
	self->fd = region_open();
	ASSERT_GE(self->fd, 0);
	self->id = region_stat(self->fd).id;
	/* Nothing is written back but when a test says so. */
	self->writeback_secs = parameter_get("writeback_secs");
	ASSERT_EQ(0, parameter_set("writeback_secs", 3600));
}

FIXTURE_TEARDOWN(trace)
{
	parameter_set("writeback_secs", self->writeback_secs);
	close(self->fd);
	rmdir(self->root);
}

/* Lines of the trace with both @event and what follows it. */
static int traced(FIXTURE_DATA(trace) *self, const char *event, const char *what, ...)
{
	char path[128], wanted[128], *line, *rest;
	va_list args;
	int count = 0;

	va_start(args, what);
	vsnprintf(wanted, sizeof(wanted), what, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/trace", self->root);
	text_read(path, self->text, sizeof(self->text));
	for (line = strtok_r(self->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		count += line[0] != '#' && strstr(line, event) && strstr(line, wanted);
	return count;
}

TEST_F(trace, every_event_has_a_format)
{
	const char *events[] = {
		"vmlab_fault", "vmlab_page_state", "vmlab_huge_split", "vmlab_mapping",
		"vmlab_clone", "vmlab_writeback", "vmlab_error", "vmlab_swap_in",
	};
	char path[192];

	for (unsigned int i = 0; i < ARRAY_SIZE(events); i++) {
		snprintf(path, sizeof(path), "%s/events/vmlab/%s/format", self->root, events[i]);
		EXPECT_GT(text_read(path, self->text, sizeof(self->text)), 0) {
			TH_LOG("%s: %s", path, strerror(errno));
		}
		EXPECT_NE(NULL, strstr(self->text, "field:u32 region;"));
	}
}

TEST_F(trace, faults)
{
	char *p = map_shared(self->fd, 64 * PAGE);
	struct vmlab_stat stat;

	for (int i = 0; i < 64; i++)
		p[i * PAGE] = 1;
	stat = region_stat(self->fd);
	EXPECT_EQ(stat.faults, traced(self, "vmlab_fault:", "region=%llu ", self->id));
	EXPECT_EQ(1, traced(self, "vmlab_fault:", "address=%#lx pgoff=0 write nr=1 cause=first_touch",
			    (unsigned long)p));
}

TEST_F(trace, refaults)
{
	char *p;

	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 5 * PAGE));
	p = map_shared(self->fd, 64 * PAGE);
	EXPECT_EQ(0, trap_read(p + 5 * PAGE));
	EXPECT_EQ(1, traced(self, "vmlab_fault:", "pgoff=5 read nr=1 cause=refault"));
}

/* First one that a clone has, too, then one that is this region's alone again. */
TEST_F(trace, writes_to_what_is_mapped)
{
	char *p = map_shared(self->fd, 64 * PAGE);
	int clone;

	fill(p, 64 * PAGE, 1);
	clone = ioctl(self->fd, VMLAB_IOC_CLONE, &(struct vmlab_clone){ .flags = O_CLOEXEC });
	ASSERT_GE(clone, 0);
	EXPECT_EQ(0, trap_read(p + 9 * PAGE));
	p[9 * PAGE] = 2;
	EXPECT_EQ(1, traced(self, "vmlab_fault:", "pgoff=9 write nr=1 cause=copy_on_write"));
	close(clone);
	EXPECT_EQ(0, trap_read(p + 30 * PAGE));
	p[30 * PAGE] = 2;
	EXPECT_EQ(1, traced(self, "vmlab_fault:", "pgoff=30 write nr=1 cause=write_notify"));
}

/* One page after the other leaves and comes back: how many have left between is known. */
TEST_F(trace, pages_that_come_back)
{
	char *p = map_shared(self->fd, 64 * PAGE);
	struct vmlab_advise advise = { .length = 8 * PAGE, .advice = VMLAB_ADVISE_EVICT };

	fill(p, 8 * PAGE, 1);
	ASSERT_EQ(0, ioctl(self->fd, VMLAB_IOC_ADVISE, &advise));
	ASSERT_EQ(8, advise.pages);
	EXPECT_EQ(0, trap_read(p + 3 * PAGE));
	EXPECT_EQ(1, traced(self, "vmlab_swap_in:", "region=%llu pgoff=3 distance=4 frames=1 ns=",
			    self->id));
	EXPECT_EQ(0, traced(self, "vmlab_swap_in:", "ns=0"));
	EXPECT_EQ(1, traced(self, "vmlab_page_state:", "region=%llu pgoff=3 nr=1 stored -> clean",
			    self->id));
}

TEST_F(trace, sigbus)
{
	char *p = map_shared(self->fd, 64 * PAGE);

	ASSERT_EQ(0, ftruncate(region_fd(self->fd, 0), PAGE));
	EXPECT_EQ(SIGBUS, trap_read(p + 9 * PAGE));
	EXPECT_EQ(1, traced(self, "vmlab_fault:", "pgoff=9 read nr=0 cause=beyond_end"));
}

TEST_F(trace, mappings)
{
	char *p = map_shared(self->fd, 4 * PAGE);

	munmap(p, 4 * PAGE);
	EXPECT_EQ(1, traced(self, "vmlab_mapping:", "region=%llu mmap %#lx-", self->id,
			    (unsigned long)p));
	EXPECT_EQ(1, traced(self, "vmlab_mapping:", "region=%llu close %#lx-", self->id,
			    (unsigned long)p));
}

TEST_F(trace, page_states)
{
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 7 * PAGE));
	EXPECT_EQ(1, traced(self, "vmlab_page_state:", "region=%llu pgoff=7 nr=1 empty -> ",
			    self->id));
	ASSERT_EQ(0, fallocate(region_fd(self->fd, 0),
			       FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 7 * PAGE, PAGE));
	EXPECT_EQ(1, traced(self, "vmlab_page_state:", "-> empty"));
}

TEST_F(trace, cap)
{
	__u64 max_pages = parameter_get("max_pages");
	char *p = map_shared(self->fd, 4 * PAGE);

	ASSERT_EQ(0, parameter_set("max_pages", module_features().pages));
	EXPECT_EQ(SIGBUS, trap_write(p, 1));
	ASSERT_EQ(0, parameter_set("max_pages", max_pages));
	EXPECT_EQ(1, traced(self, "vmlab_fault:", "cause=failed"));
	EXPECT_LE(1, traced(self, "vmlab_error:", "region=%llu fault pgoff=0 error=-", self->id));
}

TEST_F(trace, writeback)
{
	struct scratch scratch;
	const char *reason = scratch_make(&scratch, "tmpfs", MIB);
	int file, filler, region;
	char *p, block[PAGE] = "";

	if (reason)
		SKIP(return, "%s", reason);
	file = scratch_file(&scratch, "file", 4 * PAGE, 1);
	region = region_file(file, 0, 0);
	p = map_shared(region, 4 * PAGE);
	p[2 * PAGE] = 99;
	EXPECT_EQ(0, fsync(region));
	EXPECT_EQ(1, traced(self, "vmlab_writeback:", "pgoff=2 nr=1 error=0"));
	EXPECT_EQ(1, traced(self, "vmlab_page_state:", "pgoff=2 nr=1 clean -> dirty"));

	/* No room: told as an error of write-back. */
	ASSERT_EQ(0, ftruncate(file, 0));
	ASSERT_EQ(0, ftruncate(file, 4 * PAGE));
	p[PAGE] = 1;
	filler = scratch_file(&scratch, "filler", 0, 0);
	while (write(filler, block, sizeof(block)) > 0)
		;
	close(filler);
	EXPECT_EQ(-1, fsync(region));
	EXPECT_LE(1, traced(self, "vmlab_writeback:", "error=%d", -ENOSPC) +
		     traced(self, "vmlab_error:", "writeback pgoff=1 error=%d", -ENOSPC));
	scratch_unlink(&scratch, "filler");
	EXPECT_EQ(0, fsync(region));
	munmap(p, 4 * PAGE);
	close(region);
	scratch_remove(&scratch);
}

TEST_HARNESS_MAIN
