/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture of clones: a region with contents; @p was mapped before any clone, the others
 * are made by the tests.
 */
#ifndef CLONE_TEST_H
#define CLONE_TEST_H

#include "cow_test.h"

#define PAGES 300UL
#define LENGTH (PAGES * PAGE)

FIXTURE(clone)
{
	int fd;
	char *p;
	__u64 pages;
};

FIXTURE_VARIANT(clone)
{
	__u32 flags;
	bool cloned_before;	/* so that the mapping is one that asks before each write */
};

FIXTURE_VARIANT_ADD(clone, plain) { };
FIXTURE_VARIANT_ADD(clone, asking) { .cloned_before = true };
FIXTURE_VARIANT_ADD(clone, strict) { .flags = VMLAB_REGION_STRICT, .cloned_before = true };
FIXTURE_VARIANT_ADD(clone, track) { .flags = VMLAB_REGION_TRACK_DIRTY };

FIXTURE_SETUP(clone)
{
	self->pages = pages_now();
	self->fd = region_zero(variant->flags, 0);
	ASSERT_GE(self->fd, 0);
	if (variant->cloned_before) {
		int other = clone_of(self->fd);

		ASSERT_GE(other, 0);
		close(other);
	}
	self->p = map_shared(self->fd, LENGTH);
	ASSERT_NE(MAP_FAILED, self->p);
	fill(self->p, LENGTH, 1);
}

FIXTURE_TEARDOWN(clone)
{
	munmap(self->p, LENGTH);
	close(self->fd);
	EXPECT_TRUE(EVENTUALLY(pages_now() == self->pages));
}

#endif
