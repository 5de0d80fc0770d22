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
	{ VMLAB_OP_CONFIGURE, EINVAL, "huge pages not together" },
	{ VMLAB_OP_CONFIGURE, ENFILE, "too many open files" },
	{ VMLAB_OP_CONFIGURE, EBADF, "open for reading" },
	{ VMLAB_OP_CONFIGURE, ELOOP, "cannot be the backing" },
	{ VMLAB_OP_CONFIGURE, EOVERFLOW, "too large" },
	{ VMLAB_OP_CONFIGURE, E2BIG, "newer than the loaded module" },
	{ VMLAB_OP_STAT, ENOTTY, "too old" },
	{ VMLAB_OP_EXTENTS, EINVAL, "range" },
	{ VMLAB_OP_EXTENTS, EINTR, "signal" },
	{ VMLAB_OP_MMAP, EACCES, "not open for writing" },
	{ VMLAB_OP_WRITE, ENOSPC, "max_pages" },
	{ VMLAB_OP_WRITE, ENOSPC, "larger size=" },
	{ VMLAB_OP_READ, ENXIO, "shorter" },
	{ VMLAB_OP_READ, ENOSPC, "max_pages" },
	{ VMLAB_OP_WRITE, ENXIO, "shorter" },
	{ VMLAB_OP_SYNC, ENOSPC, "file system is full" },
	{ VMLAB_OP_SYNC, EIO, "dmesg" },
	{ VMLAB_OP_LIST, EPERM, "root" },
	{ VMLAB_OP_CLONE, EBADF, "not open for reading" },
	{ VMLAB_OP_CLONE, EACCES, "not readable" },
	{ VMLAB_OP_CLONE, EROFS, "read-only" },
	{ VMLAB_OP_CLONE, EFAULT, "no region is mapped" },
	{ VMLAB_OP_CLONE, EBUSY, "configured" },
	{ VMLAB_OP_CLONE, EINVAL, "O_CLOEXEC" },
	{ VMLAB_OP_CLONE, ENOSPC, "max_pages" },
	{ VMLAB_OP_CLONE, ENOENT, "load the module" },
	{ VMLAB_OP_REGION_AT, EFAULT, "no region is mapped" },
	{ VMLAB_OP_REGION_AT, EACCES, "not readable" },
	{ VMLAB_OP_REGION_AT, EINVAL, "O_CLOEXEC" },
	{ VMLAB_OP_REGION_AT, ENOENT, "load the module" },
	{ VMLAB_OP_MAP_GLOBAL, EEXIST, "something is mapped already" },
	{ VMLAB_OP_MAP_GLOBAL, EBADF, "open it with O_RDWR" },
	{ VMLAB_OP_MAP_GLOBAL, EACCES, "PROT_WRITE" },
	{ VMLAB_OP_MAP_GLOBAL, EINVAL, "limit" },
	{ VMLAB_OP_MAP_GLOBAL, ENOMEM, "no room for the mapping" },
	{ VMLAB_OP_POOL_SET, EINVAL, "from 64 KiB" },
	{ VMLAB_OP_POOL_SET, ENOENT, "no such policy or codec" },
	{ VMLAB_OP_POOL_SET, EBUSY, "cannot be changed any more" },
	{ VMLAB_OP_POOL_SET, EBADF, "not open for writing" },
	{ VMLAB_OP_POOL_SET, EPERM, "remount" },
	{ VMLAB_OP_POOL_SET, EINTR, "in the background" },
	{ VMLAB_OP_POOL_SET, ENOTTY, "too old" },
	{ VMLAB_OP_POOL_STAT, ENOTTY, "too old" },
	{ VMLAB_OP_POOL_SET, EOPNOTSUPP, "a region with a file" },
	{ VMLAB_OP_ADVISE, EINVAL, "multiples of the page size" },
	{ VMLAB_OP_ADVISE, EBADF, "cannot be pinned" },
	{ VMLAB_OP_ADVISE, EFAULT, "no region is mapped" },
	{ VMLAB_OP_ADVISE, ENOSPC, "half of the pool's budget" },
	{ VMLAB_OP_ADVISE, EOPNOTSUPP, "are not evicted" },
	{ VMLAB_OP_ADVISE, EINTR, "for the rest" },
	{ VMLAB_OP_ADVISE, ENOTTY, "too old" },
	{ VMLAB_OP_RECORD, EBADF, "open it with O_RDWR" },
	{ VMLAB_OP_RECORD, EINVAL, "from 8 to 1024" },
	{ VMLAB_OP_RECORD, EPERM, "somebody else's" },
	{ VMLAB_OP_RECORD, EBUSY, "records the region already" },
	{ VMLAB_OP_RECORD, EOPNOTSUPP, "huge pages" },
	{ VMLAB_OP_WRITE, ENOSPC, "nothing can be evicted" },
	{ VMLAB_OP_READ, ENOSPC, "nothing can be evicted" },
	{ VMLAB_OP_READ, EIO, "has lost a page" },
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
	for (int op = VMLAB_OP_OPEN; op <= VMLAB_OP_RECORD; op++) {
		for (int err = 0; err < 4096; err++) {
			const char *text = vmlab_strerror(op, err);

			if (!text || !*text || text[strlen(text) - 1] == '.')
				failed |= bad(op, err, text, "not a sentence without a full stop");
		}
	}
	return failed;
}
