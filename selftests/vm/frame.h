/* SPDX-License-Identifier: GPL-2.0 */
/* What init in the guest and host outside say to each other over their port. */
#ifndef VMLAB_VM_FRAME_H
#define VMLAB_VM_FRAME_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum frame_type {
	/* guest to host */
	FRAME_READY,	/* the command is about to start */
	FRAME_STDOUT,
	FRAME_STDERR,
	FRAME_FAIL,	/* the last one: why the guest could not do its part */
	FRAME_EXIT,	/* the last one: the command's status, uint32_t */
	/* host to guest */
	FRAME_STDIN,	/* without data: end of input */
	FRAME_WINSIZE,	/* struct winsize of the caller's terminal */
};

#define FRAME_MAX 65536

struct frame {
	uint32_t type;
	uint32_t len;
	char data[FRAME_MAX];
};

#define FRAME_HEADER offsetof(struct frame, data)

/* Writes all of it to a blocking descriptor; -1 when that fails. */
static inline int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

/*
 * Reads what is there of one frame: 1 when it is whole, 0 when more must come,
 * -1 at the end of the stream or on an error. @have counts the bytes read so
 * far; the caller sets it to 0 before each new frame.
 */
static inline int frame_read(int fd, struct frame *f, size_t *have)
{
	size_t want = FRAME_HEADER;

	if (*have >= FRAME_HEADER) {
		if (f->len > FRAME_MAX)
			return -1;
		want += f->len;
	}
	if (*have < want) {
		ssize_t n = read(fd, (char *)f + *have, want - *have);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return -1;
		*have += n;
	}
	return *have >= FRAME_HEADER && *have == FRAME_HEADER + f->len;
}

#endif
