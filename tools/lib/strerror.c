// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Errors in words: what happened, and what to do about it.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "vmlab.h"

struct message {
	int op;
	int err;
	const char *text;
};

/* The operation does not matter to this message. */
#define ANY	(-1)

/* The first entry that fits is taken. */
static const struct message messages[] = {
	{ VMLAB_OP_CLONE, ENOENT,
	  "/dev/vmlab does not exist: load the module (\"modprobe vmlab\", or \"make load\" in its source)" },
	{ VMLAB_OP_REGION_AT, ENOENT,
	  "/dev/vmlab does not exist: load the module (\"modprobe vmlab\", or \"make load\" in its source)" },
	{ VMLAB_OP_MAP_GLOBAL, EEXIST,
	  "something is mapped already where the region belongs in all processes, perhaps the region itself: "
	  "use that, or unmap it" },
	{ VMLAB_OP_MAP_GLOBAL, EBADF,
	  "the descriptor is not open, or the region has no address yet and it is not open for writing: "
	  "open it with O_RDWR" },
	{ VMLAB_OP_MAP_GLOBAL, EACCES,
	  "the region or its file is not open for what the mapping is to allow: "
	  "leave out PROT_WRITE, or open it with O_RDWR" },
	{ VMLAB_OP_MAP_GLOBAL, EINVAL,
	  "the mapping was refused: its length must not be 0, and its end within the region's limit "
	  "(map less, or configure a larger size)" },
	{ VMLAB_OP_MAP_GLOBAL, ENOMEM,
	  "there is no room for the mapping: map less, or raise the limits (ulimit -v, vm.max_map_count)" },
	{ VMLAB_OP_OPEN, ENOENT,
	  "/dev/vmlab does not exist: load the module (\"modprobe vmlab\", or \"make load\" in its source)" },
	{ VMLAB_OP_OPEN, EACCES,
	  "you may not use /dev/vmlab: join the group vmlab and log in again, or run this as root" },
	{ VMLAB_OP_OPEN, EINVAL,
	  "the flags for a new region are not valid: only the access mode and O_CLOEXEC are" },
	{ VMLAB_OP_OPEN_FILE, ENOENT,
	  "the file or /dev/vmlab does not exist: check the path, and that the module is loaded" },
	{ VMLAB_OP_OPEN_FILE, EACCES,
	  "you may not open the file or /dev/vmlab this way: check both for your permissions" },
	{ VMLAB_OP_OPEN_FILE, EISDIR,
	  "a directory cannot be the backing of a region: name a regular file" },
	{ VMLAB_OP_OPEN_FILE, EROFS,
	  "the file is on a read-only file system: open it with O_RDONLY" },
	{ VMLAB_OP_OPEN_FILE, ETXTBSY,
	  "the file is a program that is running: open it with O_RDONLY" },
	{ VMLAB_OP_OPEN_FILE, EINVAL,
	  "the region was refused: the file must be a regular one, offset and size multiples of the page size" },
	{ VMLAB_OP_READ, ENXIO,
	  "the file behind the region has become shorter, and what was not read before is gone" },
	{ VMLAB_OP_WRITE, ENXIO,
	  "the file behind the region has become shorter, and what was not read before is gone" },
	{ ANY, ENXIO, "no module answers at /dev/vmlab: load it (\"modprobe vmlab\")" },
	{ ANY, ENODEV, "no module answers at /dev/vmlab: load it (\"modprobe vmlab\")" },

	{ VMLAB_OP_CONFIGURE, EBUSY,
	  "the region was configured or used before: configure it once, "
	  "before its first mmap, read, write, change of size or clone" },
	{ VMLAB_OP_CONFIGURE, EINVAL,
	  "the region's configuration is not valid: size and offset must be multiples of the page size, "
	  "flags known, the file a regular one that is not in append mode, and huge pages not together "
	  "with VMLAB_REGION_STRICT, VMLAB_REGION_TRACK_DIRTY or a file" },
	{ VMLAB_OP_CONFIGURE, EBADF,
	  "the descriptor of the region or of its file is not open, or the file's is not open for reading" },
	{ VMLAB_OP_CONFIGURE, ELOOP,
	  "a region cannot be the backing of a region: give a regular file" },
	{ VMLAB_OP_OPEN_FILE, ELOOP,
	  "the file is itself a region, or its path has too many symbolic links: give a regular file" },
	{ VMLAB_OP_EXTENTS, EINVAL,
	  "the range is not valid: both ends must be multiples of the page size" },

	{ VMLAB_OP_CLONE, EBADF,
	  "the region is not open for reading, and so it cannot be cloned: open it with O_RDWR or O_RDONLY" },
	{ VMLAB_OP_CLONE, EACCES,
	  "the mapping at the address is not readable, or it is a file of a mount that you may not write to, "
	  "or you may not use /dev/vmlab: check these" },
	{ VMLAB_OP_CLONE, EROFS, "the mount is read-only: only root may clone its files" },
	{ VMLAB_OP_CLONE, EFAULT, "no region is mapped at the address: give one inside a mapping of a region" },
	{ VMLAB_OP_CLONE, EBUSY, "the region is just being configured: clone it afterwards" },
	{ VMLAB_OP_CLONE, EINVAL, "the flags of a clone are not valid: only O_CLOEXEC is" },
	{ VMLAB_OP_CLONE, ENOSPC,
	  "a device is writing to pages, which must be copied, and all regions together hold as many as "
	  "the module may: close some, or raise /sys/module/vmlab/parameters/max_pages" },
	{ VMLAB_OP_REGION_AT, EFAULT,
	  "no region is mapped at the address: give one inside a mapping of a region" },
	{ VMLAB_OP_REGION_AT, EACCES,
	  "the mapping at the address is not readable, or you may not use /dev/vmlab: check both" },
	{ VMLAB_OP_REGION_AT, EINVAL, "the flags of the descriptor are not valid: only O_CLOEXEC is" },

	{ VMLAB_OP_POOL_SET, EINVAL,
	  "the pool's settings are not valid: a budget is a multiple of the page size, from 64 KiB to the "
	  "machine's memory, as is a front, and names have at most 15 characters; a store is a block "
	  "device, or a regular file that is not empty or has a limit; it alone can have a front, and "
	  "has a codec only with one" },
	{ VMLAB_OP_POOL_SET, ENOENT,
	  "there is no such policy or codec: policies are random, fifo, clock, lru, 2q, arc, sieve, s3fifo, "
	  "lirs and those of other modules that are loaded, codecs lz4, zstd and lzo-rle" },
	{ VMLAB_OP_POOL_SET, EBUSY,
	  "the store, its codec, its limit and whether there is a front cannot be changed any more (set them with or before the "
	  "pool's first budget), or another pool has the file" },
	{ VMLAB_OP_POOL_SET, ELOOP, "a region cannot be the store: name a file of another file system" },
	{ VMLAB_OP_POOL_SET, EOPNOTSUPP,
	  "a region with a file has no budget, nor has a clone of one: its pages go back to the file" },
	{ VMLAB_OP_ADVISE, EINVAL,
	  "the advice is not valid: start and length are multiples of the page size, inside the region's "
	  "limit" },
	{ VMLAB_OP_ADVISE, EBADF,
	  "the region is not open for writing, and so its pages cannot be pinned or unpinned: open it with "
	  "O_RDWR" },
	{ VMLAB_OP_ADVISE, EFAULT,
	  "no region is mapped at the address, or not all of the range is in one mapping" },
	{ VMLAB_OP_ADVISE, ENOSPC,
	  "no more pages can be pinned: as many as half of the pool's budget can, and none without one" },
	{ VMLAB_OP_ADVISE, EOPNOTSUPP,
	  "pages of a region with a file are not evicted, nor are those of a clone of one" },
	{ VMLAB_OP_ADVISE, EINTR, "a signal came: a part was done, try again for the rest" },
	{ VMLAB_OP_RECORD, EBADF,
	  "the region is not open for writing, and so its references cannot be recorded: open it with O_RDWR" },
	{ VMLAB_OP_RECORD, EINVAL,
	  "the recording was refused: from 8 to 1024 pages are mapped at a time, and its only flags are "
	  "O_CLOEXEC and O_NONBLOCK" },
	{ VMLAB_OP_RECORD, EPERM, "the region is somebody else's: he may record it, or root" },
	{ VMLAB_OP_RECORD, EBUSY, "somebody records the region already" },
	{ VMLAB_OP_RECORD, EOPNOTSUPP, "references to huge pages cannot be recorded" },
	{ VMLAB_OP_POOL_SET, EBADF,
	  "the region is not open for writing, or the file of the store not for reading and writing: "
	  "open it with O_RDWR" },
	{ VMLAB_OP_POOL_SET, EPERM,
	  "only root may change the pool of a mount (\"mount -o remount,budget=SIZE\"), or of a region that "
	  "he could only read and has a clone of, or have a file for the store when the region has clones "
	  "already: name it before" },
	{ VMLAB_OP_POOL_SET, EINTR,
	  "a signal came: if the budget is set already, the rest is evicted in the background; else try again" },

	{ VMLAB_OP_MMAP, EACCES,
	  "the region or its file is not open for writing: map it read-only or privately, or open it for writing" },
	{ VMLAB_OP_MMAP, EINVAL,
	  "the mapping was refused: the offset must be a multiple of the page size, its end within the region's limit "
	  "(map less, or configure a larger size), and MAP_HUGETLB is not possible" },
	{ VMLAB_OP_MMAP, ENOMEM,
	  "there is no room for the mapping: map less, or raise the limits (ulimit -v, vm.max_map_count)" },
	{ VMLAB_OP_WRITE, EFBIG, "the write goes beyond the region's limit: configure a larger size" },
	{ VMLAB_OP_WRITE, ENOSPC,
	  "no page is left: all regions together hold as many as the module may, or the mount is full, or "
	  "the pool's budget is used up and nothing can be evicted (\"vmlab pool\" says why): "
	  "remove some, raise /sys/module/vmlab/parameters/max_pages or the budget, or remount with a larger size=" },
	{ VMLAB_OP_READ, ENOSPC,
	  "a page must be brought in, and all regions together hold as many as the module may, or the "
	  "pool's budget is used up and nothing can be evicted (\"vmlab pool\" says why): "
	  "close some, or raise /sys/module/vmlab/parameters/max_pages or the budget" },
	{ VMLAB_OP_WRITE, EBADF, "the descriptor is not open for writing: open the region with O_RDWR" },
	{ VMLAB_OP_READ, EBADF, "the descriptor is not open for reading: open the region with O_RDWR" },
	{ VMLAB_OP_SYNC, ENOSPC,
	  "the file system is full, pages are still only in memory: free space and sync again" },
	{ VMLAB_OP_SYNC, EDQUOT,
	  "the disk quota is used up, pages are still only in memory: free space and sync again" },
	{ VMLAB_OP_SYNC, EIO,
	  "pages could not be written to the file: check its disk (\"dmesg\"), then sync again" },
	{ ANY, EIO,
	  "the file behind the region could not be read or written, or the pool's store has lost a page: "
	  "check its disk (\"dmesg\") and \"vmlab pool\"" },

	{ ANY, ENOTTY,
	  "the descriptor is not a region of vmlab, or the loaded module is too old for this: "
	  "check the descriptor, and update the module" },
	{ ANY, E2BIG,
	  "the program is newer than the loaded module and asked for what it does not know: update the module" },
	{ ANY, EBADF, "the descriptor is not open" },
	{ ANY, EINVAL, "the kernel found an argument that is not valid" },
	{ ANY, EOVERFLOW, "offset and size together are too large: VMLAB_SIZE_MAX is the most" },
	{ ANY, EFAULT, "a pointer that was given is not valid memory" },
	{ ANY, EINTR, "a signal came before this was done: try again" },
	{ ANY, ENOMEM, "there is not enough memory: close programs or regions and try again" },
	{ ANY, EMFILE, "this process has too many open files: close some, or raise the limit (ulimit -n)" },
	{ ANY, ENFILE, "the system has too many open files: close some, or raise fs.file-max" },
	{ ANY, EACCES, "permission denied: run this as the region's owner or as root" },
	{ ANY, EPERM, "not permitted: run this as the region's owner or as root" },
};

const char *vmlab_strerror(enum vmlab_op op, int err)
{
	const char *text;

	err = abs(err);
	if (!err)
		return "no error";

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		const struct message *m = &messages[i];

		if (m->err == err && (m->op == ANY || m->op == (int)op))
			return m->text;
	}
	text = strerrordesc_np(err);
	return text ? text : "an error that this library does not know: update it";
}
