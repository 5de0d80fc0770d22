// SPDX-License-Identifier: GPL-2.0
/* Operations: regions as files, and the files behind them. */
#include "fuzz.h"
#include "sys.h"

#include <linux/aio_abi.h>
#include <linux/fadvise.h>
#include <linux/fs.h>

#define MOVED_MAX (1UL << 20)	/* bytes by one call that copies */

static long open_file(const uint64_t *a)
{
	char path[128];

	if (!scratch_name(path, sizeof(path), a[1]))
		return REFUSED;
	return slot_take(open(path, (int)a[2], 0600), a[0]);
}

/* A file that has something in it. */
static long make_file(const uint64_t *a)
{
	char path[128], page[PAGE];
	int fd;

	if (!scratch_name(path, sizeof(path), a[1]))
		return REFUSED;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	memset(page, 0xc3, sizeof(page));
	for (uint64_t done = 0; done < a[2]; done += PAGE) {
		size_t bytes = a[2] - done < PAGE ? a[2] - done : PAGE;

		if (pwrite(fd, page, bytes, (off_t)done) < 0)
			break;
	}
	return slot_take(fd, a[0]);
}

static long memfd(const uint64_t *a)
{
	return slot_take(memfd_create("fuzz", a[1]), a[0]);
}

static long pipes(const uint64_t *a)
{
	int ends[2];
	long ret;

	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC))
		return -errno;
	ret = slot_take(ends[0], a[0]);
	return slot_take(ends[1], a[1]) ?: ret;
}

static long read_fd(const uint64_t *a)
{
	return windows_hold(a[1], a[2]) ? SYS(read(a[0], (void *)a[1], a[2])) : REFUSED;
}

static long write_fd(const uint64_t *a)
{
	return SYS(write(a[0], (const void *)a[1], a[2]));
}

static long pread_fd(const uint64_t *a)
{
	return windows_hold(a[1], a[2]) ? SYS(pread(a[0], (void *)a[1], a[2], a[3])) : REFUSED;
}

static long pwrite_fd(const uint64_t *a)
{
	return SYS(pwrite(a[0], (const void *)a[1], a[2], a[3]));
}

static long readv_fd(const uint64_t *a)
{
	const struct iovec parts[] = { { (void *)a[1], a[2] }, { (void *)a[3], a[4] } };

	if (!windows_hold(a[1], a[2]) || !windows_hold(a[3], a[4]))
		return REFUSED;
	return SYS(preadv2(a[0], parts, 2, a[5], a[6]));
}

static long writev_fd(const uint64_t *a)
{
	const struct iovec parts[] = { { (void *)a[1], a[2] }, { (void *)a[3], a[4] } };

	return SYS(pwritev2(a[0], parts, 2, a[5], a[6]));
}

static long seek(const uint64_t *a)
{
	return SYS(lseek(a[0], a[1], a[2]));
}

static long allocate(const uint64_t *a)
{
	return SYS(fallocate(a[0], a[1], a[2], a[3]));
}

static long truncate_fd(const uint64_t *a)
{
	return SYS(ftruncate(a[0], a[1]));
}

static long sync_fd(const uint64_t *a)
{
	return SYS(fsync(a[0]));
}

static long datasync_fd(const uint64_t *a)
{
	return SYS(fdatasync(a[0]));
}

static long sync_range(const uint64_t *a)
{
	return SYS(sync_file_range(a[0], a[1], a[2], a[3]));
}

static long duplicate(const uint64_t *a)
{
	return slot_take(dup(a[1]), a[0]);
}

/* Any number but a slot's is our own. */
static long close_fd(const uint64_t *a)
{
	if ((int)a[0] < slot_fd(0) || (int)a[0] >= slot_fd(SLOTS))
		return REFUSED;
	return SYS(close(a[0]));
}

static uint64_t moved(uint64_t bytes)
{
	return bytes > MOVED_MAX ? MOVED_MAX : bytes;
}

static long splice_in(const uint64_t *a)
{
	loff_t pos = a[1];

	return SYS(splice(a[0], &pos, a[2], NULL, moved(a[3]), SPLICE_F_NONBLOCK));
}

static long splice_out(const uint64_t *a)
{
	loff_t pos = a[2];

	return SYS(splice(a[0], NULL, a[1], &pos, moved(a[3]), SPLICE_F_NONBLOCK | SPLICE_F_MOVE));
}

/* @a[3] SPLICE_F_GIFT: the pages themselves. */
static long splice_memory(const uint64_t *a)
{
	const struct iovec part = { (void *)a[1], moved(a[2]) };

	if (a[3] && !windows_hold(a[1], part.iov_len))
		return REFUSED;
	return SYS(vmsplice(a[0], &part, 1, a[3] | SPLICE_F_NONBLOCK));
}

static long tee_pipe(const uint64_t *a)
{
	return SYS(tee(a[0], a[1], moved(a[2]), SPLICE_F_NONBLOCK));
}

static long send_file(const uint64_t *a)
{
	off_t pos = a[2];

	return SYS(sendfile(a[0], a[1], &pos, moved(a[3])));
}

static long copy_range(const uint64_t *a)
{
	loff_t from = a[1], to = a[3];

	return SYS(copy_file_range(a[0], &from, a[2], &to, moved(a[4]), 0));
}

static long reflink(const uint64_t *a)
{
	return SYS(ioctl(a[0], FICLONE, a[1]));
}

static long reflink_range(const uint64_t *a)
{
	const struct file_clone_range range = {
		.src_fd = (int)a[1], .src_offset = a[2], .src_length = a[3], .dest_offset = a[4],
	};

	return SYS(ioctl(a[0], FICLONERANGE, &range));
}

/* No file system here does it; that it does not is noted with the range. */
static long deduplicate(const uint64_t *a)
{
	union {
		struct file_dedupe_range range;
		char bytes[sizeof(struct file_dedupe_range) +
			   sizeof(struct file_dedupe_range_info)];
	} request = {
		.range = { .src_offset = a[1], .src_length = a[3], .dest_count = 1 },
	};

	request.range.info[0].dest_fd = (int)a[2];
	request.range.info[0].dest_offset = a[4];
	return SYS(ioctl(a[0], FIDEDUPERANGE, &request));
}

static long stat_fd(const uint64_t *a)
{
	struct stat stat;

	return SYS(fstat(a[0], &stat));
}

static long stat_file_system(const uint64_t *a)
{
	struct statfs stat;

	return SYS(fstatfs(a[0], &stat));
}

static long change_mode(const uint64_t *a)
{
	return SYS(fchmod(a[0], a[1] & 0777));
}

static long set_flags(const uint64_t *a)
{
	return SYS(fcntl(a[0], F_SETFL, a[1]));
}

static long lock_file(const uint64_t *a)
{
	return SYS(flock(a[0], (a[1] & (LOCK_SH | LOCK_EX | LOCK_UN)) | LOCK_NB));
}

static long poll_fd(const uint64_t *a)
{
	struct pollfd fds = { .fd = a[0], .events = a[1] };

	return SYS(poll(&fds, 1, 0));
}

static long advise(const uint64_t *a)
{
	return -(long)posix_fadvise(a[0], a[1], a[2], a[3]);
}

static long read_fdinfo(const uint64_t *a)
{
	char path[64], text[PAGE];
	int info;
	long ret;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", (int)a[0]);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return -errno;
	ret = OK(read(info, text, sizeof(text)));
	close(info);
	return ret;
}

/* Asynchronous, so that a device may still work on the memory when the call is over. */
static long aio(const uint64_t *a)
{
	struct iocb request = {
		.aio_lio_opcode = a[4], .aio_fildes = a[0], .aio_buf = a[1], .aio_nbytes = a[2],
		.aio_offset = a[3],
	}, *requests[] = { &request };
	aio_context_t context = 0;
	struct io_event event;
	long ret;

	if (!windows_hold(a[1], a[2]))
		return REFUSED;
	if (syscall(SYS_io_setup, 1, &context))
		return -errno;
	ret = SYS(syscall(SYS_io_submit, context, 1, requests));
	if (ret == 1 && syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1)
		ret = event.res;
	syscall(SYS_io_destroy, context);
	return ret;
}

static const struct kind bytes = { NUMBER, .tame = true, .unit = PAGE / 2, .most = 64 };
static const struct kind memfd_flags = { FLAGS, .names = (const struct name[]){
	{ "MFD_CLOEXEC", MFD_CLOEXEC }, { "MFD_ALLOW_SEALING", MFD_ALLOW_SEALING }, { }
} };
static const struct kind rwf = { FLAGS, .names = (const struct name[]){
	{ "RWF_HIPRI", RWF_HIPRI }, { "RWF_DSYNC", RWF_DSYNC }, { "RWF_SYNC", RWF_SYNC },
	{ "RWF_NOWAIT", RWF_NOWAIT }, { "RWF_APPEND", RWF_APPEND }, { }
} };
static const struct kind whence = { CHOICE, .names = (const struct name[]){
	{ "SEEK_SET", SEEK_SET }, { "SEEK_CUR", SEEK_CUR }, { "SEEK_END", SEEK_END },
	{ "SEEK_DATA", SEEK_DATA }, { "SEEK_HOLE", SEEK_HOLE }, { }
} };
static const struct kind falloc_mode = { FLAGS, .names = (const struct name[]){
	{ "FALLOC_FL_KEEP_SIZE", FALLOC_FL_KEEP_SIZE },
	{ "FALLOC_FL_PUNCH_HOLE", FALLOC_FL_PUNCH_HOLE },
	{ "FALLOC_FL_ZERO_RANGE", FALLOC_FL_ZERO_RANGE },
	{ "FALLOC_FL_COLLAPSE_RANGE", FALLOC_FL_COLLAPSE_RANGE },
	{ "FALLOC_FL_INSERT_RANGE", FALLOC_FL_INSERT_RANGE }, { }
}, .usual = (const uint64_t[]){ FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE, 0 } };
static const struct kind range_flags = { FLAGS, .names = (const struct name[]){
	{ "WAIT_BEFORE", 1 }, { "WRITE", 2 }, { "WAIT_AFTER", 4 }, { }
} };
static const struct kind gift = { FLAGS, .names = (const struct name[]){
	{ "SPLICE_F_GIFT", SPLICE_F_GIFT }, { }
} };
static const struct kind lock_op = { CHOICE, .names = (const struct name[]){
	{ "LOCK_SH", LOCK_SH }, { "LOCK_EX", LOCK_EX }, { "LOCK_UN", LOCK_UN }, { }
} };
static const struct kind fadvice = { CHOICE, .names = (const struct name[]){
	{ "NORMAL", POSIX_FADV_NORMAL }, { "RANDOM", POSIX_FADV_RANDOM },
	{ "SEQUENTIAL", POSIX_FADV_SEQUENTIAL }, { "WILLNEED", POSIX_FADV_WILLNEED },
	{ "DONTNEED", POSIX_FADV_DONTNEED }, { "NOREUSE", POSIX_FADV_NOREUSE }, { }
} };
static const struct kind aio_op = { CHOICE, .names = (const struct name[]){
	{ "PREAD", IOCB_CMD_PREAD }, { "PWRITE", IOCB_CMD_PWRITE }, { "FSYNC", IOCB_CMD_FSYNC },
	{ "FDSYNC", IOCB_CMD_FDSYNC }, { }
} };

const struct op file_ops[] = {
	{ "open_file", open_file, { &new_file, &file_name, &create_flags } },
	{ "make_file", make_file, { &new_file, &file_name, &bytes } },
	{ "memfd", memfd, { &new_file, &memfd_flags } },
	{ "pipe", pipes, { &new_pipe, &new_pipe } },
	{ "read", read_fd, { &mappable, &address, &length } },
	{ "write", write_fd, { &mappable, &address, &length } },
	{ "pread", pread_fd, { &mappable, &address, &length, &offset } },
	{ "pwrite", pwrite_fd, { &mappable, &address, &length, &offset } },
	{ "preadv2", readv_fd,
	  { &mappable, &address, &length, &address, &length, &offset, &rwf } },
	{ "pwritev2", writev_fd,
	  { &mappable, &address, &length, &address, &length, &offset, &rwf } },
	{ "lseek", seek, { &mappable, &offset, &whence } },
	{ "fallocate", allocate, { &mappable, &falloc_mode, &offset, &length } },
	{ "ftruncate", truncate_fd, { &mappable, &size } },
	{ "fsync", sync_fd, { &fd } },
	{ "fdatasync", datasync_fd, { &fd } },
	{ "sync_file_range", sync_range, { &mappable, &offset, &length, &range_flags } },
	{ "dup_region", duplicate, { &new_region, &region } },
	{ "dup_file", duplicate, { &new_file, &mappable } },
	{ "close", close_fd, { &fd } },
	{ "splice_in", splice_in, { &mappable, &offset, &pipe_end, &length } },
	{ "splice_out", splice_out, { &pipe_end, &mappable, &offset, &length } },
	{ "vmsplice", splice_memory, { &pipe_end, &address, &length, &gift } },
	{ "tee", tee_pipe, { &pipe_end, &pipe_end, &length } },
	{ "sendfile", send_file, { &fd, &mappable, &offset, &length } },
	{ "copy_file_range", copy_range, { &mappable, &offset, &mappable, &offset, &length } },
	{ "ficlone", reflink, { &mappable, &mappable } },
	{ "ficlonerange", reflink_range, { &mappable, &mappable, &offset, &length, &offset } },
	{ "fideduperange", deduplicate, { &mappable, &offset, &mappable, &length, &offset } },
	{ "fstat", stat_fd, { &fd } },
	{ "fstatfs", stat_file_system, { &fd } },
	{ "fchmod", change_mode, { &mappable, &size } },
	{ "fcntl_setfl", set_flags, { &mappable, &open_flags } },
	{ "flock", lock_file, { &mappable, &lock_op } },
	{ "poll", poll_fd, { &fd, &small } },
	{ "fadvise", advise, { &mappable, &offset, &length, &fadvice } },
	{ "fdinfo", read_fdinfo, { &fd } },
	{ "aio", aio, { &mappable, &address, &length, &offset, &aio_op } },
	{ }
};
