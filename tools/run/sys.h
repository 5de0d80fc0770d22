/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System calls that nobody interposes, and that leave errno alone: a result, or a negative
 * errno. They may be called at any time, in a signal handler too.
 */
#ifndef SYS_H
#define SYS_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define sys(...)					\
	({						\
		int saved_ = errno;			\
		long ret_ = syscall(__VA_ARGS__);	\
							\
		if (ret_ == -1) {			\
			ret_ = -errno;			\
			errno = saved_;			\
		}					\
		ret_;					\
	})

static inline long sys_mmap(uintptr_t address, size_t length, int prot, int flags, int fd,
			    uintptr_t offset)
{
	return sys(SYS_mmap, address, length, (long)prot, (long)flags, (long)fd, offset);
}

static inline long sys_munmap(uintptr_t address, size_t length)
{
	return sys(SYS_munmap, address, length);
}

static inline long sys_madvise(uintptr_t address, size_t length, int advice)
{
	return sys(SYS_madvise, address, length, (long)advice);
}

static inline long sys_ioctl(int fd, unsigned long request, void *arg)
{
	return sys(SYS_ioctl, (long)fd, request, arg);
}

static inline long sys_close(int fd)
{
	return sys(SYS_close, (long)fd);
}

static inline long sys_open(const char *path, int flags)
{
	return sys(SYS_openat, (long)AT_FDCWD, path, (long)flags, 0L);
}

static inline long sys_fcntl(int fd, int command, long arg)
{
	return sys(SYS_fcntl, (long)fd, (long)command, arg);
}

/* What a function of the C library returns: the result, or -1 with errno set. */
static inline long sys_return(long ret)
{
	if (ret < 0 && ret >= -4095) {
		errno = (int)-ret;
		return -1;
	}
	return ret;
}

#endif /* SYS_H */
