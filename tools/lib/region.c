// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Making regions, and the requests that concern one of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmlab.h"

#define DEVICE	"/dev/vmlab"

static int request(int fd, unsigned long number, void *arg)
{
	int ret = ioctl(fd, number, arg);

	return ret < 0 ? -errno : ret;
}

const char *vmlab_version(void)
{
	return VMLAB_VERSION;
}

int vmlab_open(int flags)
{
	struct vmlab_region_fd arg = { .flags = flags & O_CLOEXEC };
	int dev, fd;

	if (flags & ~(O_ACCMODE | O_CLOEXEC) || (flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;

	dev = open(DEVICE, (flags & O_ACCMODE) | O_CLOEXEC);
	if (dev < 0)
		return -errno;

	/* The new descriptor keeps the region; the device's own is not needed. */
	fd = request(dev, VMLAB_IOC_REGION_FD, &arg);
	close(dev);
	return fd;
}

int vmlab_open_file(const char *path, int flags, uint64_t offset, uint64_t size)
{
	struct vmlab_configure configure = {
		.backing = VMLAB_BACKING_FILE,
		.backing_offset = offset,
		.size = size,
	};
	int file, fd, ret;

	if ((flags & O_ACCMODE) == O_WRONLY)
		return -EINVAL;

	/* O_NONBLOCK: do not wait for the writer of a FIFO, which is refused below. */
	file = open(path, (flags & O_ACCMODE) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file < 0)
		return -errno;

	fd = vmlab_open(flags);
	if (fd < 0)
		goto close_file;

	configure.backing_fd = file;
	ret = vmlab_configure(fd, &configure);
	if (ret < 0) {
		close(fd);
		fd = ret;
	}
close_file:
	close(file);	/* the region has its own reference */
	return fd;
}

int vmlab_features(int fd, struct vmlab_features *features)
{
	return request(fd, VMLAB_IOC_FEATURES, features);
}

int vmlab_configure(int fd, const struct vmlab_configure *configure)
{
	struct vmlab_configure copy = *configure;

	return request(fd, VMLAB_IOC_CONFIGURE, &copy);
}

int vmlab_stat(int fd, struct vmlab_stat *stat)
{
	return request(fd, VMLAB_IOC_STAT, stat);
}

int vmlab_pool_set(int fd, const struct vmlab_pool_set *set)
{
	struct vmlab_pool_set copy = *set;

	return request(fd, VMLAB_IOC_POOL_SET, &copy);
}

int vmlab_pool_stat(int fd, struct vmlab_pool_stat *stat)
{
	return request(fd, VMLAB_IOC_POOL_STAT, stat);
}

int vmlab_record(int fd, int flags, unsigned int window)
{
	struct vmlab_record args = { .flags = (uint32_t)flags, .window = window };

	return request(fd, VMLAB_IOC_RECORD, &args);
}

static long ask(int fd, struct vmlab_advise *args)
{
	int ret = request(fd, VMLAB_IOC_ADVISE, args);

	return ret < 0 ? ret : (long)args->pages;
}

long vmlab_advise(int fd, int advice, uint64_t start, uint64_t length)
{
	struct vmlab_advise args = { .start = start, .length = length, .advice = (uint32_t)advice };

	return ask(fd, &args);
}

long vmlab_advise_at(void *address, size_t length, int advice)
{
	struct vmlab_advise args = {
		.start = (uintptr_t)address,
		.length = length,
		.advice = (uint32_t)advice,
		.address = 1,
	};
	int fd = vmlab_open(O_RDONLY | O_CLOEXEC);
	long ret = fd;

	if (fd >= 0) {
		ret = ask(fd, &args);
		close(fd);
	}
	return ret;
}

int vmlab_clone(int fd, int flags)
{
	struct vmlab_clone arg = { .flags = (uint32_t)flags };

	return request(fd, VMLAB_IOC_CLONE, &arg);
}

/* A request that concerns an address: any descriptor of vmlab will do for it. */
static int request_at(unsigned long number, void *arg)
{
	int dev, fd;

	dev = open(DEVICE, O_RDONLY | O_CLOEXEC);
	if (dev < 0)
		return -errno;
	fd = request(dev, number, arg);
	close(dev);
	return fd;
}

/* To the kernel the address 0 means the descriptor's own region; none is mapped there. */
int vmlab_clone_at(const void *address, int flags)
{
	struct vmlab_clone arg = {
		.flags = (uint32_t)flags,
		.address = (uintptr_t)address,
	};

	return address ? request_at(VMLAB_IOC_CLONE, &arg) : -EFAULT;
}

int vmlab_region_at(const void *address, int flags)
{
	struct vmlab_region_fd arg = {
		.flags = (uint32_t)flags,
		.address = (uintptr_t)address,
	};

	return address ? request_at(VMLAB_IOC_REGION_FD, &arg) : -EFAULT;
}
