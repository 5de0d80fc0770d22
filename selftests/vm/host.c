// SPDX-License-Identifier: GPL-2.0
/*
 * host SECONDS LOG HOPELESS STATUS QEMU...
 *
 * Runs QEMU with one end of a socket as its descriptor 3, and joins the other
 * end to our own standard streams until the guest's init reports the command's
 * exit status, which goes to the file STATUS. QEMU's own messages are appended
 * to LOG. Exits 0 if the guest reported; otherwise says why not and exits with
 * 124 (out of time) or 125 (the guest failed or died). After a line in LOG that
 * matches HOPELESS, an extended regular expression, a little time is left: for a
 * test to report, not to wait for what will not come. QEMU never outlives this
 * process, nor this process the script that started it.
 *
 * A terminal that is both stdin and stdout is passed on raw to a terminal in
 * the guest: Ctrl-C then goes to the command, and three of them within a second
 * end a guest that no longer listens.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "frame.h"
#include "log.h"

#define CTRL_C 3

/* Seconds that are left when there is no hope, and between looks at the log. */
#define LAST_SECONDS 30
#define LOOK_SECONDS 2

static int port;
static pid_t qemu;
static bool raw, hopeless;
static struct termios cooked;
static volatile sig_atomic_t stopped, resized;

static void on_signal(int sig)
{
	if (sig == SIGWINCH) {
		resized = 1;
		return;
	}
	stopped = sig;
	kill(qemu, SIGKILL);
}

static void end(int status)
{
	kill(qemu, SIGKILL);
	waitpid(qemu, NULL, 0);
	if (raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
	if (stopped && stopped != SIGALRM) {
		signal(stopped, SIG_DFL);
		raise(stopped);
	}
	exit(status);
}

static void fail(int status, const char *why)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
	if (!stopped || stopped == SIGALRM)
		fprintf(stderr, "vmlab: %s\n", why);
	end(status);
}

static void start_qemu(const char *log, char **argv)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		fail(125, strerror(errno));
	qemu = fork();
	if (qemu == 0) {
		int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
		int in = open("/dev/null", O_RDONLY);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		dup2(in, 0);
		dup2(out, 1);
		dup2(out, 2);
		dup2(pair[1], 3);
		execvp(argv[0], argv);
		dprintf(2, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	port = pair[0];
	fcntl(port, F_SETFL, O_NONBLOCK);
	close(pair[1]);
}

static void go_raw(void)
{
	struct termios t;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &cooked))
		return;
	t = cooked;
	cfmakeraw(&t);
	raw = !tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
	resized = 1;
}

/* A guest that hangs hears no Ctrl-C: three in a second are meant for us. */
static bool ends_vm(const char *typed, size_t n)
{
	static time_t last[2];
	time_t now = time(NULL);

	for (; n; n--, typed++) {
		if (*typed != CTRL_C)
			continue;
		if (now - last[0] <= 1)
			return true;
		last[0] = last[1];
		last[1] = now;
	}
	return false;
}

/* The command runs to its end even when nobody reads what it says any more. */
static void from_guest(struct frame *f, const char *status_file)
{
	uint32_t status;
	FILE *file;

	switch (f->type) {
	case FRAME_READY:
		go_raw();
		break;
	case FRAME_STDOUT:
		write_all(STDOUT_FILENO, f->data, f->len);
		break;
	case FRAME_STDERR:
		write_all(STDERR_FILENO, f->data, f->len);
		break;
	case FRAME_FAIL:
		f->data[f->len < FRAME_MAX ? f->len : FRAME_MAX - 1] = 0;
		fail(125, f->data);
		break;
	case FRAME_EXIT:
		memcpy(&status, f->data, sizeof(status));
		file = fopen(status_file, "w");
		if (!file || fprintf(file, "%u\n", status) < 0 || fclose(file))
			fail(125, "cannot write down the command's status");
		end(0);
	}
}

/* Fills @f with the next thing to tell the guest, if there is one. */
static bool to_guest(struct frame *f, bool readable)
{
	ssize_t n;

	if (resized && raw) {
		resized = 0;
		f->type = FRAME_WINSIZE;
		f->len = sizeof(struct winsize);
		return !ioctl(STDIN_FILENO, TIOCGWINSZ, f->data);
	}
	if (!readable)
		return false;
	n = read(STDIN_FILENO, f->data, FRAME_MAX);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	f->type = FRAME_STDIN;
	f->len = n > 0 ? n : 0;
	if (raw && ends_vm(f->data, f->len))
		fail(130, "ended by Ctrl-C");
	return true;
}

static void look_at_log(void)
{
	static time_t last;
	time_t now = time(NULL);

	if (hopeless || now - last < LOOK_SECONDS)
		return;
	last = now;
	hopeless = log_matches();
	if (hopeless) {
		unsigned int left = alarm(0);

		alarm(left && left < LAST_SECONDS ? left : LAST_SECONDS);
	}
}

static void out_of_time(void)
{
	if (hopeless)
		fail(125, "the kernel has come to grief: the VM was ended");
	fail(124, "out of time: the VM was ended (see --timeout)");
}

int main(int argc, char **argv)
{
	static struct frame in, out;
	size_t have = 0, sent = 0, pending = 0;
	bool input = true;
	struct sigaction sa = { .sa_handler = on_signal };
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGALRM,
				       SIGWINCH };

	if (argc < 6)
		return 125;
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	start_qemu(argv[2], argv + 5);
	if (close(open(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0644)) ||
	    !log_watch(argv[2], argv[3]))
		fail(125, "cannot watch the log");
	alarm(strtoul(argv[1], NULL, 10));

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = port,
			  .events = POLLIN | (pending ? POLLOUT : 0) },
			{ .fd = input && !pending ? STDIN_FILENO : -1,
			  .events = POLLIN },
		};
		int r = 0;

		if (poll(fds, 2, LOOK_SECONDS * 1000) < 0 && errno != EINTR)
			fail(125, strerror(errno));
		look_at_log();
		if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
			r = frame_read(port, &in, &have);
		if (stopped == SIGALRM)
			out_of_time();
		if (r < 0 || stopped)
			fail(125, "the VM died before the command ended");
		if (r > 0) {
			have = 0;
			from_guest(&in, argv[4]);
		}
		if (!pending && to_guest(&out, fds[1].revents)) {
			input = out.type != FRAME_STDIN || out.len;
			pending = FRAME_HEADER + out.len;
			sent = 0;
		}
		if (pending) {
			ssize_t n = write(port, (char *)&out + sent, pending);

			if (n > 0) {
				sent += n;
				pending -= n;
			}
		}
	}
}
