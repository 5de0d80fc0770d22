// SPDX-License-Identifier: GPL-2.0
/*
 * Errors for people: one sentence on stderr.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

static const char *prefix = "vmlab";

void fail_name(const char *name)
{
	prefix = name;
}

int fail(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", prefix);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -1;
}

int fail_op(enum vmlab_op op, int err)
{
	return fail("%s", vmlab_strerror(op, err));
}

int fail_fd(int fd, enum vmlab_op op, int err)
{
	if (err == -EBADF)
		return fail("descriptor %d is not open: open a region in the shell first, as with \"exec %d<>/dev/vmlab\"",
			    fd, fd);
	if (err == -ENOTTY)
		return fail("descriptor %d is not a region: \"exec %d<>/dev/vmlab\" makes it one (if it did, update the module)",
			    fd, fd);
	return fail_op(op, err);
}

int fail_errno(int err, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", prefix);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(abs(err)));
	return -1;
}
