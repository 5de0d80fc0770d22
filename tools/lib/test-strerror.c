// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Every error that the interface names has a sentence of its own, whatever the
 * sign, and any other value has one too. Needs no module. Exit status 0 or 1.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmlab.h"

static const struct {
	enum vmlab_op op;
	int err;
	const char *part;
} wanted[] = {
	{ VMLAB_OP_OPEN, ENOENT, "load the module" },
	{ VMLAB_OP_OPEN, ENXIO, "load it" },
	{ VMLAB_OP_OPEN, EACCES, "join the group vmlab" },
	{ VMLAB_OP_OPEN_FILE, EISDIR, "regular file" },
	{ VMLAB_OP_CONFIGURE, EBUSY, "before its first mmap" },
	{ VMLAB_OP_CONFIGURE, EINVAL, "multiples of the page size" },
	{ VMLAB_OP_CONFIGURE, EBADF, "open for reading" },
	{ VMLAB_OP_CONFIGURE, ELOOP, "cannot be the backing" },
	{ VMLAB_OP_CONFIGURE, EOVERFLOW, "too large" },
	{ VMLAB_OP_CONFIGURE, E2BIG, "newer than the loaded module" },
	{ VMLAB_OP_STAT, ENOTTY, "too old" },
	{ VMLAB_OP_EXTENTS, EINVAL, "range" },
	{ VMLAB_OP_EXTENTS, EINTR, "signal" },
	{ VMLAB_OP_MMAP, EACCES, "not open for writing" },
	{ VMLAB_OP_WRITE, ENOSPC, "max_pages" },
	{ VMLAB_OP_SYNC, ENOSPC, "file system is full" },
	{ VMLAB_OP_SYNC, EIO, "dmesg" },
	{ VMLAB_OP_LIST, EPERM, "root" },
};

static int bad(int op, int err, const char *text, const char *why)
{
	fprintf(stderr, "operation %d, errno %d: \"%s\": %s\n", op, err, text ? text : "(null)",
		why);
	return 1;
}

int main(void)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const char *text = vmlab_strerror(wanted[i].op, -wanted[i].err);

		if (!strstr(text, wanted[i].part))
			failed |= bad(wanted[i].op, wanted[i].err, text, wanted[i].part);
		if (text != vmlab_strerror(wanted[i].op, wanted[i].err))
			failed |= bad(wanted[i].op, wanted[i].err, text, "the sign matters");
	}
	for (int op = VMLAB_OP_OPEN; op <= VMLAB_OP_SYNC; op++) {
		for (int err = 0; err < 4096; err++) {
			const char *text = vmlab_strerror(op, err);

			if (!text || !*text || text[strlen(text) - 1] == '.')
				failed |= bad(op, err, text, "not a sentence without a full stop");
		}
	}
	return failed;
}
