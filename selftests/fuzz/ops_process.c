// SPDX-License-Identifier: GPL-2.0
/* Operations: processes, descriptors that travel, signals, time. */
#include "fuzz.h"
#include "sys.h"

/* Forks; the child does @statement and exits. Returns 0 once it is gone. */
#define IN_CHILD(statement) ({						\
	pid_t __child = fork();						\
									\
	if (!__child) {							\
		prctl(PR_SET_PDEATHSIG, SIGKILL);			\
		kcov_start_forked();					\
		statement;						\
		_exit(0);						\
	}								\
	__child < 0 ? -(long)errno : reap(__child);			\
})

static long reap(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return status;
}

static long fork_touch(const uint64_t *a)
{
	void *address = (void *)a[0];
	uint64_t bytes = a[1] < 64 * PAGE ? a[1] : 64 * PAGE;

	if (!windows_hold(a[0], bytes))
		return REFUSED;
	return IN_CHILD({
		touch_read(address, bytes, PAGE);
		if (a[2])
			touch_write(address, bytes, PAGE, 0xc3);
	});
}

static long fork_unmap(const uint64_t *a)
{
	if (!windows_hold(a[0], a[1]))
		return REFUSED;
	return IN_CHILD(munmap((void *)a[0], a[1]));
}

/* The child closes what it inherited. */
static long fork_close(const uint64_t *a)
{
	return IN_CHILD(close((int)a[0]));
}

/* The parent goes on while the child, ended by time or by us, still has it all. */
static long fork_linger(const uint64_t *a)
{
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		usleep((useconds_t)a[0]);
		_exit(0);
	}
	return 0;
}

/* The child does the calls that come next, and so does the parent, after it or beside it. */
static long fork_calls(const uint64_t *a)
{
	pid_t child;

	if (child_is_forked())
		return REFUSED;		/* there would be no end of it */
	child = fork();
	if (child < 0)
		return -errno;
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Should it wait for what the parent, waiting for it, does not do. */
		signal(SIGALRM, SIG_DFL);
		alarm(5);
		kcov_start_forked();
		child_do_next((unsigned int)a[0]);
		_exit(0);
	}
	return a[1] ? reap(child) : 0;
}

static long fork_exec(const uint64_t *a)
{
	(void)a;
	return IN_CHILD(execl("/bin/true", "true", (char *)NULL); _exit(127));
}

static void message_with(struct msghdr *message, void *control, size_t bytes, int fd)
{
	struct cmsghdr *header;

	message->msg_control = control;
	message->msg_controllen = bytes;
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
}

static int receive(int socket)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(socket, &message, MSG_DONTWAIT) != 1 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static long post(int socket, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	message_with(&message, &control, sizeof(control), fd);
	return SYS(sendmsg(socket, &message, MSG_DONTWAIT));
}

/* Through a socket; @a[2] is 0: closed with the descriptor still in it. */
static long pass(const uint64_t *a)
{
	int ends[2];
	long ret;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	ret = post(ends[0], (int)a[1]);
	close(ends[0]);
	if (ret == 1)
		ret = a[2] ? slot_take(receive(ends[1]), a[0]) : 0;
	close(ends[1]);
	return ret;
}

/* Signals that interrupt what waits, until the program's end or @a[0] is 0. */
static long timer(const uint64_t *a)
{
	const struct itimerval interval = {
		.it_interval.tv_usec = (suseconds_t)a[0], .it_value.tv_usec = (suseconds_t)a[0],
	};

	return SYS(setitimer(ITIMER_REAL, &interval, NULL));
}

static long wait_usec(const uint64_t *a)
{
	usleep((useconds_t)a[0]);
	return 0;
}

static long change_user(const uint64_t *a)
{
	/* The system call: of this thread only, and the program's other threads stay root. */
	return SYS(syscall(SYS_setresuid, -1, a[0] % 2 ? 65534 : 0, -1));
}

static const struct kind yes_or_no = { CHOICE, .names = (const struct name[]){
	{ "0", 0 }, { "1", 1 }, { }
} };
static const struct kind usecs = { NUMBER, .tame = true, .unit = 200, .most = 50 };
static const struct kind user = { NUMBER, .tame = true, .unit = 1, .most = 2 };

const struct op process_ops[] = {
	{ "fork_touch", fork_touch, { &address, &length, &yes_or_no } },
	{ "fork_unmap", fork_unmap, { &address, &length } },
	{ "fork_close", fork_close, { &fd } },
	{ "fork_linger", fork_linger, { &usecs } },
	{ "fork_calls", fork_calls, { &small, &yes_or_no } },
	{ "fork_exec", fork_exec, { }, .slow = true },
	{ "pass_region", pass, { &new_region, &region, &yes_or_no } },
	{ "timer", timer, { &usecs } },
	{ "wait", wait_usec, { &usecs } },
	{ "seteuid", change_user, { &user } },
	{ }
};
