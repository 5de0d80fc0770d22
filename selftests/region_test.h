/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A region that is open: the fixture of what is told and asked of it.
 */
#ifndef REGION_TEST_H
#define REGION_TEST_H

#include "vmlab_test.h"

FIXTURE(region)
{
	int fd;
};

FIXTURE_SETUP(region)
{
	self->fd = region_open();
	ASSERT_GE(self->fd, 0) {
		TH_LOG("%s: %s", DEVICE, strerror(errno));
	}
}

FIXTURE_TEARDOWN(region)
{
	close(self->fd);
}

#endif
