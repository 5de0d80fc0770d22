/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file with a region of it, on a file system of its own.
 *
 * The worker that writes back sleeps through these tests (writeback_secs is an
 * hour), but for those that wait for it.
 */
#ifndef FILE_TEST_H
#define FILE_TEST_H

#include "scratch_test.h"

#define PAGES 16UL
#define LENGTH (PAGES * PAGE)
#define NEVER 3600
#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

FIXTURE(file)
{
	struct scratch scratch;
	__u64 writeback_secs;
	int file;	/* LENGTH bytes of pattern 1 */
	int fd;		/* a region of the whole file */
	char *p;	/* its mapping, twice as long */
};

FIXTURE_VARIANT(file)
{
	const char *type;
};

FIXTURE_VARIANT_ADD(file, tmpfs) { .type = "tmpfs" };
FIXTURE_VARIANT_ADD(file, ext4) { .type = "ext4" };

FIXTURE_SETUP(file)
{
	const char *reason = scratch_make(&self->scratch, variant->type, 16 * MIB);

	if (reason) {
		scratch_remove(&self->scratch);
		SKIP_TEST("%s: %s", variant->type, reason);
	}
	self->writeback_secs = parameter_get("writeback_secs");
	ASSERT_EQ(0, parameter_set("writeback_secs", NEVER));
	self->file = scratch_file(&self->scratch, "file", LENGTH, 1);
	ASSERT_GE(self->file, 0);
	self->fd = region_file(self->file, 0, 0);
	ASSERT_GE(self->fd, 0);
	self->p = map_shared(self->fd, 2 * LENGTH);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN(file)
{
	munmap(self->p, 2 * LENGTH);
	close(self->fd);
	close(self->file);
	parameter_set("writeback_secs", self->writeback_secs);
	scratch_remove(&self->scratch);
}

static inline void release(FIXTURE_DATA(file) *self)
{
	munmap(self->p, 2 * LENGTH);
	close(self->fd);
	self->fd = -1;
}

static inline off_t length_of(int file)
{
	struct stat stat;

	return fstat(file, &stat) ? -1 : stat.st_size;
}

#endif
