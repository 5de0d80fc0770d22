/* SPDX-License-Identifier: GPL-2.0 */
/* The fixture of forks: a region with contents, which is copied then. */
#ifndef FORK_TEST_H
#define FORK_TEST_H

#include "cow_test.h"

#define PAGES 200UL
#define LENGTH (PAGES * PAGE)

FIXTURE(fork)
{
	int fd;
	char *p;
	__u64 pages;
	__u64 regions;
};

FIXTURE_VARIANT(fork)
{
	__u32 flags;
};

FIXTURE_VARIANT_ADD(fork, cow) { };
FIXTURE_VARIANT_ADD(fork, strict) { .flags = VMLAB_REGION_STRICT };
FIXTURE_VARIANT_ADD(fork, track) { .flags = VMLAB_REGION_TRACK_DIRTY };

FIXTURE_SETUP(fork)
{
	self->pages = pages_now();
	self->regions = module_features().regions;
	self->fd = region_zero(variant->flags | VMLAB_REGION_COW_FORK, 0);
	ASSERT_GE(self->fd, 0);
	self->p = map_shared(self->fd, LENGTH);
	ASSERT_NE(MAP_FAILED, self->p);
	fill(self->p, LENGTH, 1);
}

FIXTURE_TEARDOWN(fork)
{
	munmap(self->p, LENGTH);
	close(self->fd);
	EXPECT_TRUE(EVENTUALLY(pages_now() == self->pages));
	EXPECT_TRUE(EVENTUALLY(module_features().regions == self->regions));
}

#endif
