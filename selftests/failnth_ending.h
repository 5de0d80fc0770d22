/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The region goes while the worker is at its last page already, which counts as clean while
 * it is being written; and that fails. The worker waits for the file's lock, which a
 * write() holds whose memory does not come before we say so.
 */
#ifndef VMLAB_FAILNTH_ENDING_H
#define VMLAB_FAILNTH_ENDING_H

#include "failnth_world.h"
#include "failnth_writeback.h"

#include <linux/userfaultfd.h>

FIXTURE(ending)
{
	struct scratch scratch;
	__u64 writeback_secs;
	struct failnth_workers workers;
	struct world w;
};

FIXTURE_SETUP(ending)
{
	const char *reason = failnth_prepare();

	if (reason)
		SKIP_TEST("%s", reason);
	reason = scratch_make(&self->scratch, "tmpfs", MIB);
	if (reason)
		SKIP_TEST("%s", reason);
	self->writeback_secs = parameter_get("writeback_secs");
	self->w.file = scratch_file(&self->scratch, "file", LENGTH, 1);
	self->w.fd = region_file(self->w.file, 0, 0);
	self->w.region = region_fd(self->w.fd, O_CLOEXEC);
	self->w.p = map_at(HERE, self->w.fd, 2 * LENGTH, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, self->w.p);
	make_empty(&self->w);
	close(self->w.region);
	close(self->w.fd);
}

FIXTURE_TEARDOWN(ending)
{
	close(self->w.file);
	parameter_set("writeback_secs", self->writeback_secs);
	scratch_remove(&self->scratch);
	failnth_restore();
}

struct held_file {
	int file;
	int uffd;
	char *memory;
	pthread_t writer;
};

static void *write_slowly(void *arg)
{
	struct held_file *held = arg;

	return pwrite(held->file, held->memory, PAGE, PAGE) == PAGE ? NULL : arg;
}

static void file_hold(struct held_file *held, int file)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffd_msg fault;

	held->file = file;
	held->memory = map(-1, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	held->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	range.range.start = (__u64)held->memory;
	range.range.len = PAGE;
	if (held->uffd < 0 || ioctl(held->uffd, UFFDIO_API, &api) ||
	    ioctl(held->uffd, UFFDIO_REGISTER, &range) ||
	    pthread_create(&held->writer, NULL, write_slowly, held) ||
	    read(held->uffd, &fault, sizeof(fault)) != sizeof(fault))
		broken("userfaultfd: %s\n", strerror(errno));
}

static bool file_let_go(struct held_file *held)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (__u64)held->memory, .len = PAGE },
	};
	void *failed;

	if (ioctl(held->uffd, UFFDIO_ZEROPAGE, &zero))
		broken("UFFDIO_ZEROPAGE: %s\n", strerror(errno));
	pthread_join(held->writer, &failed);
	close(held->uffd);
	munmap(held->memory, PAGE);
	return !failed;
}

static void *unmap_in_thread(void *arg)
{
	return munmap(arg, 2 * LENGTH) ? arg : NULL;
}

TEST_F_TIMEOUT(ending, loses_nothing_that_was_under_way, 60)
{
	const struct vmlab_features before = module_features();
	struct held_file held;
	pthread_t thread;
	void *failed;

	file_hold(&held, self->w.file);
	ASSERT_EQ(0, parameter_set("writeback_secs", 0));
	ASSERT_EQ(0, trap_write(self->w.p, 2));
	usleep(500000);		/* the worker comes to the lock */
	ASSERT_EQ(0, pthread_create(&thread, NULL, unmap_in_thread, self->w.p));
	usleep(500000);		/* and the region's end to the worker */
	failnth_workers_arm(&self->workers, 1);
	EXPECT_TRUE(file_let_go(&held));
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
	EXPECT_LT(0, failnth_workers_disarm(&self->workers));
	EXPECT_EQ(1, pread(self->w.file, buffer, 1, 0));
	EXPECT_EQ(2, buffer[0]);
	EXPECT_TRUE(EVENTUALLY(module_features().regions + 1 == before.regions));
	EXPECT_EQ(before.pages_lost, module_features().pages_lost);
}

#endif /* VMLAB_FAILNTH_ENDING_H */
