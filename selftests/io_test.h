/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A region that is read and written by system calls: the device node, or the region as a file.
 */
#ifndef IO_TEST_H
#define IO_TEST_H

#include "vmlab_test.h"

#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

FIXTURE(io)
{
	int device;
	int fd;		/* the descriptor under test, of the same region */
	char buffer[8 * PAGE];
};

FIXTURE_VARIANT(io)
{
	bool file;
};

FIXTURE_VARIANT_ADD(io, device) { };
FIXTURE_VARIANT_ADD(io, file) { .file = true };

FIXTURE_SETUP(io)
{
	self->device = region_open();
	ASSERT_GE(self->device, 0);
	self->fd = variant->file ? region_fd(self->device, 0) : self->device;
	ASSERT_GE(self->fd, 0);
	fill(self->buffer, sizeof(self->buffer), 1);
}

FIXTURE_TEARDOWN(io)
{
	close(self->fd);
}

/* What the kernel refuses on a device node before the module is asked. */
FIXTURE(sized)
{
	int fd;
	char buffer[8 * PAGE];
};

FIXTURE_SETUP(sized)
{
	self->fd = region_fd(region_open(), 0);
	ASSERT_GE(self->fd, 0);
	fill(self->buffer, sizeof(self->buffer), 1);
}

FIXTURE_TEARDOWN(sized)
{
	close(self->fd);
}

#endif
