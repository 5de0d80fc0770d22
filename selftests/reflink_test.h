/* SPDX-License-Identifier: GPL-2.0 */
/* The fixture of reflinks: two files of a mount, or regions, of which one has contents. */
#ifndef REFLINK_TEST_H
#define REFLINK_TEST_H

#include "cow_test.h"
#include "mount_test.h"

#define PAGES 200UL
#define LENGTH (PAGES * PAGE)

FIXTURE(reflink)
{
	char dir[64];
	int in;
	int out;
	char *p;
	char *q;
};

FIXTURE_VARIANT(reflink)
{
	bool file;
	bool mapped;
};

FIXTURE_VARIANT_ADD(reflink, files) { .file = true };
FIXTURE_VARIANT_ADD(reflink, files_mapped) { .file = true, .mapped = true };
FIXTURE_VARIANT_ADD(reflink, regions) { };
FIXTURE_VARIANT_ADD(reflink, regions_mapped) { .mapped = true };

static inline int new_file(const char *name)
{
	return open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

/* A region without a size of its own; its own file, which ftruncate() works on. */
static inline int new_region(void)
{
	int device = region_open(), fd = region_fd(device, O_CLOEXEC);

	close(device);
	if (fd >= 0 && ftruncate(fd, 0))
		broken("ftruncate: %s\n", strerror(errno));
	return fd;
}

FIXTURE_SETUP(reflink)
{
	ASSERT_EQ(0, mount_new("vmlab", "size=16m", self->dir));
	self->in = variant->file ? new_file("in") : new_region();
	self->out = variant->file ? new_file("out") : clone_of(self->in);
	ASSERT_LE(0, self->in);
	ASSERT_LE(0, self->out);
	if (variant->mapped) {
		self->p = map_shared(self->in, LENGTH);
		self->q = map_shared(self->out, LENGTH);
		ASSERT_NE(MAP_FAILED, self->p);
		ASSERT_NE(MAP_FAILED, self->q);
		ASSERT_EQ(0, ftruncate(self->in, LENGTH));
		fill(self->p, LENGTH, 1);
	} else {
		ASSERT_TRUE(writes_filled(self->in, 0, LENGTH, 1));
	}
}

FIXTURE_TEARDOWN(reflink)
{
	close(self->in);
	close(self->out);
	if (variant->mapped) {
		munmap(self->p, LENGTH);
		munmap(self->q, LENGTH);
	}
	mount_end(self->dir);
}

#endif
