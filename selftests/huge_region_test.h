/* SPDX-License-Identifier: GPL-2.0 */
/* A region that may have huge pages, as it is mapped in different ways. */
#ifndef HUGE_REGION_TEST_H
#define HUGE_REGION_TEST_H

#include "huge_test.h"

FIXTURE(huge)
{
	int fd;
	char *p;
	__u64 pages;
};

FIXTURE_VARIANT(huge)
{
	__u32 flags;
	bool cloned_before;	/* so that the mapping asks before the first write to a page */
};

FIXTURE_VARIANT_ADD(huge, plain) { };
FIXTURE_VARIANT_ADD(huge, asking) { .cloned_before = true };
FIXTURE_VARIANT_ADD(huge, cow_fork) { .flags = VMLAB_REGION_COW_FORK };

FIXTURE_SETUP(huge)
{
	self->pages = pages_now();
	self->fd = region_zero(variant->flags | VMLAB_REGION_HUGE, 0);
	ASSERT_GE(self->fd, 0);
	if (variant->cloned_before) {
		int other = clone_of(self->fd);

		ASSERT_GE(other, 0);
		close(other);
	}
	self->p = map_shared(self->fd, LENGTH);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN(huge)
{
	munmap(self->p, LENGTH);
	close(self->fd);
	EXPECT_TRUE(EVENTUALLY(pages_now() == self->pages));
}

#endif
