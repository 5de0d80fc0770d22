// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that close all descriptors they do not know are not to close ours: to them, these
 * are not open.
 */
#include <fcntl.h>
#include <limits.h>

#include "region.h"
#include "sys.h"

static bool is_ours(int fd)
{
	for (unsigned int i = 0; i < REGION_DESCRIPTORS; i++) {
		if (fd >= 0 && fd == region_descriptor(i))
			return true;
	}
	return false;
}

/* The first of ours in a range, or what is behind its end. */
static unsigned long next_of_ours(unsigned long first, unsigned long last)
{
	unsigned long next = last + 1;

	for (unsigned int i = 0; i < REGION_DESCRIPTORS; i++) {
		int fd = region_descriptor(i);

		if (fd >= 0 && (unsigned long)fd >= first && (unsigned long)fd < next)
			next = (unsigned long)fd;
	}
	return next;
}

static long close_others(unsigned long first, unsigned long last, int flags)
{
	long ret = 0;

	do {
		unsigned long end = next_of_ours(first, last);

		if (end > first)
			ret = sys(SYS_close_range, first, end - 1, (long)flags);
		first = end + 1;
	} while (!ret && first <= last);
	return ret;
}

int close(int fd)
{
	return (int)sys_return(is_ours(fd) ? -EBADF : sys_close(fd));
}

int close_range(unsigned int first, unsigned int last, int flags)
{
	/* The kernel says what is wrong with that. */
	if (first > last)
		return (int)sys_return(sys(SYS_close_range, (long)first, (long)last, (long)flags));
	return (int)sys_return(close_others(first, last, flags));
}

void closefrom(int first)
{
	close_others(first < 0 ? 0 : (unsigned long)first, UINT_MAX, 0);
}

int dup2(int old, int new)
{
	return (int)sys_return(is_ours(new) ? -EBADF : sys(SYS_dup2, (long)old, (long)new));
}

int dup3(int old, int new, int flags)
{
	return (int)sys_return(is_ours(new) ? -EBADF :
					      sys(SYS_dup3, (long)old, (long)new, (long)flags));
}
