/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A region that is mapped, shared or privately: the fixture of what is done to mappings.
 */
#ifndef MAPPING_TEST_H
#define MAPPING_TEST_H

#include "vmlab_test.h"

#define PAGES 16UL
#define LENGTH (PAGES * PAGE)

FIXTURE(mapping)
{
	int fd;
	char *p;	/* LENGTH bytes of pattern 1, which the region has too */
};

FIXTURE_VARIANT(mapping)
{
	int flags;
};

FIXTURE_VARIANT_ADD(mapping, shared) { .flags = MAP_SHARED };
FIXTURE_VARIANT_ADD(mapping, private) { .flags = MAP_PRIVATE };

FIXTURE_SETUP(mapping)
{
	self->fd = region_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_TRUE(writes_filled(self->fd, 0, LENGTH, 1));
	self->p = map(self->fd, LENGTH, RW, variant->flags, 0);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN(mapping)
{
	munmap(self->p, LENGTH);
	close(self->fd);
}

#define SHARED (variant->flags == MAP_SHARED)

#endif
