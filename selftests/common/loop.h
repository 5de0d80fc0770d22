/* SPDX-License-Identifier: GPL-2.0 */
/* Block devices that are made for a test, and go with it. */
#ifndef LOOP_H
#define LOOP_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/loop.h>

/* A new loop device on @image, which goes with the last who has it open; or -1. */
static inline int loop_open(int image)
{
	struct loop_config config = { .fd = image, .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), fd;
	char path[32];

	do {	/* somebody else may be faster */
		snprintf(path, sizeof(path), "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0 || !ioctl(fd, LOOP_CONFIGURE, &config))
			break;
		close(fd);
		fd = -1;
	} while (errno == EBUSY);
	close(control);
	return fd;
}

#endif
