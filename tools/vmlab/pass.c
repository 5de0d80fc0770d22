// SPDX-License-Identifier: GPL-2.0
/*
 * Passing numbers and descriptors to another process.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "pass.h"

/* Room for the header of one descriptor, aligned as it must be. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

int pass_send(int socket, uint64_t number, int fd)
{
	struct iovec data = { .iov_base = &number, .iov_len = sizeof(number) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	union control control = { 0 };

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int pass_receive(int socket, uint64_t *number, int *fd)
{
	struct iovec data = { .iov_base = number, .iov_len = sizeof(*number) };
	union control control = { 0 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = fd ? &control : NULL,
		.msg_controllen = fd ? sizeof(control) : 0,
	};
	ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);

	if (got != sizeof(*number))
		return got < 0 ? -errno : -EPIPE;
	if (!fd)
		return 0;
	if (message.msg_controllen < CMSG_LEN(sizeof(*fd)) ||
	    control.header.cmsg_type != SCM_RIGHTS)
		return -EBADMSG;
	memcpy(fd, CMSG_DATA(&control.header), sizeof(*fd));
	return 0;
}
