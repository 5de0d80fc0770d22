// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's first process: loads the modules of the initramfs, makes the
 * host's file system its root under an overlay, loads the module under test,
 * runs the command with its streams joined to the port, unloads the module, looks
 * for memory and pages that were lost and reports the exit status. What to do is in /spec, files
 * of NUL-terminated strings that selftests/vm/run wrote.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/random.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "frame.h"
#include "leaks.h"
#include "pages.h"

static int port = -1;

static struct {
	char **argv;	/* the command */
	char **env;
	char **cwd;
	char **pty;	/* present: the command gets a terminal */
	char **charged;	/* present: pages are charged to the command */
	char **checked;	/* present: the kernel must be able to tell of lost memory */
	char **module;	/* present: path, arguments, modules it needs */
	char **lib;	/* this kernel's modules: on the host, for modprobe */
	char **shares;	/* directories that stay writable, tags share0, ... */
	char **seed;
} spec;

static void send_frame(enum frame_type type, const void *data, size_t len)
{
	static struct frame f;

	f.type = type;
	f.len = len;
	if (len)
		memcpy(f.data, data, len);
	write_all(port, &f, FRAME_HEADER + len);
}

/* The end of a run that could not be: having read why, the host ends the VM. */
static void __attribute__((format(printf, 1, 2), noreturn))
fail(const char *fmt, ...)
{
	char why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (port < 0)
		dprintf(2, "vmlab init: %s\n", why);
	else
		send_frame(FRAME_FAIL, why, strlen(why));
	for (;;)
		pause();
}

static void *allocate(size_t n, size_t size)
{
	void *memory = calloc(n, size);

	if (!memory)
		fail("out of memory");
	return memory;
}

/* The strings of a file in /spec, ended by NULL; none when it is not there. */
static char **read_spec(const char *path)
{
	char **list, *text;
	int fd, n = 0, i;
	struct stat st;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return allocate(1, sizeof(*list));
	fstat(fd, &st);
	text = allocate(1, st.st_size + 1);
	if (read(fd, text, st.st_size) != st.st_size)
		fail("cannot read %s", path);
	close(fd);
	for (i = 0; i < st.st_size; i++)
		n += !text[i];
	list = allocate(n + 1, sizeof(*list));
	for (i = 0; i < n; i++, text += strlen(text) + 1)
		list[i] = text;
	return list;
}

static void read_specs(void)
{
	spec.argv = read_spec("/spec/argv");
	spec.env = read_spec("/spec/env");
	spec.cwd = read_spec("/spec/cwd");
	spec.pty = read_spec("/spec/pty");
	spec.charged = read_spec("/spec/charged");
	spec.checked = read_spec("/spec/checked");
	spec.module = read_spec("/spec/module");
	spec.lib = read_spec("/spec/lib");
	spec.shares = read_spec("/spec/shares");
	spec.seed = read_spec("/spec/seed");
}

static void mount_at(const char *source, const char *target, const char *type,
		     unsigned long flags, const char *options)
{
	mkdir(target, 0755);
	if (mount(source, target, type, flags, options))
		fail("cannot mount %s on %s: %s", type ? type : source, target,
		     strerror(errno));
}

static void load(const char *path, const char *args)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, args, 0))
		fail("cannot load %s: %s", path, strerror(errno));
	close(fd);
}

static void load_boot_modules(void)
{
	char path[256];
	FILE *order = fopen("/modules/order", "r");

	while (order && fscanf(order, "%255s", path) == 1)
		load(path, "");
	if (order)
		fclose(order);
}

/* The port appears once the host has answered the driver. */
static void open_port(void)
{
	for (int tries = 0; port < 0 && tries < 1000; tries++) {
		DIR *dev = opendir("/dev");
		struct dirent *d;

		if (!dev)
			fail("cannot read /dev: %s", strerror(errno));
		while ((d = readdir(dev)))
			if (!strncmp(d->d_name, "vport", 5))
				port = openat(dirfd(dev), d->d_name,
					      O_RDWR | O_CLOEXEC);
		closedir(dev);
		if (port < 0)
			usleep(10000);
	}
	if (port < 0)
		fail("no virtio-serial port");
}

/* Does the caller work in /tmp? Then the host's must be seen there. */
static bool uses_tmp(void)
{
	char **const lists[] = { spec.argv, spec.cwd, spec.module,
				 spec.shares };

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		for (char **s = lists[i]; *s; s++)
			if (!strcmp(*s, "/tmp") || !strncmp(*s, "/tmp/", 5))
				return true;
	return false;
}

static void mount_root(void)
{
	mount_at("host", "/lower", "virtiofs", MS_RDONLY, NULL);
	mount_at("tmpfs", "/writable", "tmpfs", 0, "mode=755,size=75%");
	mkdir("/writable/upper", 0755);
	mkdir("/writable/work", 0755);
	mount_at("overlay", "/root", "overlay", 0,
		 "lowerdir=/lower,upperdir=/writable/upper,workdir=/writable/work");
	mount_at("/dev", "/root/dev", NULL, MS_MOVE, NULL);
	mount_at("/proc", "/root/proc", NULL, MS_MOVE, NULL);
	mount_at("/sys", "/root/sys", NULL, MS_MOVE, NULL);
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) ||
	    chroot("."))
		fail("cannot change the root: %s", strerror(errno));

	mount_at("tmpfs", "/run", "tmpfs", 0, "mode=755");
	if (!uses_tmp())
		mount_at("tmpfs", "/tmp", "tmpfs", 0, "mode=1777");
	mount_at("devpts", "/dev/pts", "devpts", 0,
		 "gid=5,mode=620,ptmxmode=666");
	mount_at("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777");
	mount_at("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	mount_at("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	mount_at("bpf", "/sys/fs/bpf", "bpf", 0, NULL);
	if (spec.charged[0]) {
		const char *reason = pages_prepare();

		if (reason)
			fail("%s: %s", reason, strerror(errno));
	}
	if (symlink("/proc/self/fd", "/dev/fd") ||
	    symlink("/proc/self/fd/0", "/dev/stdin") ||
	    symlink("/proc/self/fd/1", "/dev/stdout") ||
	    symlink("/proc/self/fd/2", "/dev/stderr"))
		fail("cannot make /dev/fd: %s", strerror(errno));
	for (int i = 0; spec.shares[i]; i++) {
		char tag[16];

		snprintf(tag, sizeof(tag), "share%d", i);
		mount_at(tag, spec.shares[i], "virtiofs", 0, NULL);
	}
	mkdir("/lib/modules", 0755);
	mount_at(spec.lib[0], spec.lib[1], NULL, MS_BIND, NULL);
}

/* What a distribution's first minute does and programs expect. */
static void set_up_system(void)
{
	const int size = 64;
	struct rand_pool_info *entropy = allocate(1, sizeof(*entropy) + size);
	struct ifreq lo = { .ifr_name = "lo",
			    .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	sethostname("vmlab", 5);
	ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);

	entropy->entropy_count = size * 8;
	entropy->buf_size = size;
	memcpy(entropy->buf, spec.seed[0], size);
	fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
	ioctl(fd, RNDADDENTROPY, entropy);
	close(fd);
	free(entropy);
}

/* Starts @argv in a session of its own, with these streams. */
static pid_t start(char **argv, int in, int out, int err)
{
	pid_t pid = fork();
	sigset_t none;
	int why;

	if (pid)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	if (isatty(in))
		ioctl(in, TIOCSCTTY, 0);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	environ = spec.env;
	if (argv == spec.argv && spec.charged[0] && !pages_charge_me()) {
		dprintf(2, "vmlab: there is no charging pages to the command\n");
		_exit(126);
	}
	if (!chdir(spec.cwd[0]))
		execvp(argv[0], argv);
	why = errno;
	dprintf(2, "vmlab: cannot run %s in %s: %s\n", argv[0], spec.cwd[0],
		strerror(why));
	_exit(why == ENOENT ? 127 : 126);
}

static void load_module(void)
{
	char *modprobe[] = { "modprobe", NULL, NULL };
	int status;

	for (char **needed = spec.module + 2; *needed; needed++) {
		modprobe[1] = *needed;
		waitpid(start(modprobe, 0, 1, 2), &status, 0);
		if (status)
			fail("cannot load %s, which the module needs", *needed);
	}
	load(spec.module[0], spec.module[1]);
}

/*
 * Files and their pages may be let go of a moment after the last process; a
 * module that stays busy leaks.
 */
static void unload_module(void)
{
	int tries = 20;

	while (syscall(SYS_delete_module, "vmlab", O_NONBLOCK)) {
		if (errno == ENOENT)
			return;
		if (!tries--)
			fail("the module cannot be unloaded after the command: %s",
			     strerror(errno));
		usleep(100000);
	}
}

/* The command's streams as seen from here; a terminal is all three. */
struct streams {
	int in;
	int out;
	int err;
};

static pid_t start_command(struct streams *s)
{
	int in[2], out[2], err[2];
	pid_t pid;

	if (spec.pty[0]) {
		int pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), tty;

		grantpt(pty);
		unlockpt(pty);
		tty = open(ptsname(pty), O_RDWR | O_NOCTTY | O_CLOEXEC);
		*s = (struct streams){ pty, pty, -1 };
		pid = start(spec.argv, tty, tty, tty);
		close(tty);
		return pid;
	}
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    pipe2(err, O_CLOEXEC))
		fail("cannot make pipes: %s", strerror(errno));
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	*s = (struct streams){ in[1], out[0], err[0] };
	pid = start(spec.argv, in[0], out[1], err[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	return pid;
}

/* Passes on what is there to read; at the end forgets the descriptor. */
static void pump(int *fd, enum frame_type type)
{
	static char buf[FRAME_MAX];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n > 0)
		send_frame(type, buf, n);
	else if (n == 0 || errno != EINTR)
		*fd = -1;
}

/*
 * Carries out a frame of the host's, of whose input the command has @done bytes
 * already; true when all of it is done.
 */
static bool deliver(const struct frame *f, size_t *done, struct streams *s)
{
	ssize_t n;

	if (f->type == FRAME_WINSIZE) {
		ioctl(s->in, TIOCSWINSZ, f->data);
		return true;
	}
	if (s->in < 0)
		return true;
	if (!f->len) {
		if (spec.pty[0])
			return true;
		close(s->in);
		s->in = -1;
		return true;
	}
	n = write(s->in, f->data + *done, f->len - *done);
	if (n < 0 && errno != EAGAIN) {
		close(s->in);
		s->in = -1;
		return true;
	}
	*done += n > 0 ? n : 0;
	return *done == f->len;
}

/* Waits for whoever has ended; true when @pid is among them. */
static bool reap(pid_t pid, int *status)
{
	bool found = false;
	pid_t ended;
	int st;

	while ((ended = waitpid(-1, &st, WNOHANG)) > 0)
		if (ended == pid) {
			found = true;
			*status = st;
		}
	return found;
}

static uint32_t run_command(void)
{
	static struct frame f;
	size_t have = 0, done = 0;
	bool full = false, ended = false;
	struct streams s;
	sigset_t chld;
	int status, sigfd;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	sigfd = signalfd(-1, &chld, SFD_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	send_frame(FRAME_READY, NULL, 0);
	pid = start_command(&s);

	while (!ended) {
		struct pollfd fds[] = {
			{ .fd = sigfd, .events = POLLIN },
			{ .fd = s.out, .events = POLLIN },
			{ .fd = s.err, .events = POLLIN },
			{ .fd = full ? s.in : port,
			  .events = full ? POLLOUT : POLLIN },
		};

		poll(fds, 4, -1);
		if (fds[1].revents)
			pump(&s.out, FRAME_STDOUT);
		if (fds[2].revents)
			pump(&s.err, FRAME_STDERR);
		if (fds[3].revents && !full &&
		    frame_read(port, &f, &have) > 0) {
			full = true;
			done = 0;
		}
		if (full && deliver(&f, &done, &s)) {
			full = false;
			have = 0;
		}
		if (fds[0].revents) {
			struct signalfd_siginfo info;

			if (read(sigfd, &info, sizeof(info)) > 0)
				ended = reap(pid, &status);
		}
	}
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	while (s.out >= 0)
		pump(&s.out, FRAME_STDOUT);
	while (s.err >= 0)
		pump(&s.err, FRAME_STDERR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool tell_lost(char *report)
{
	if (report)
		send_frame(FRAME_STDERR, report, strnlen(report, FRAME_MAX));
	return report;
}

/* Unloads the module, after which nothing may be left of what it had. */
static void end_module(void)
{
	bool lost;

	leaks_before_unload();
	unload_module();
	lost = tell_lost(leaks_after_unload(spec.checked[0]));
	lost |= spec.charged[0] && tell_lost(pages_lost());
	if (lost)
		fail("the kernel has lost memory: see above");
}

int main(void)
{
	uint32_t status;

	mount_at("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=755");
	mount_at("proc", "/proc", "proc", 0, NULL);
	mount_at("sysfs", "/sys", "sysfs", 0, NULL);
	load_boot_modules();
	open_port();
	read_specs();
	mount_root();
	set_up_system();
	if (spec.module[0])
		load_module();
	status = run_command();
	if (spec.module[0])
		end_module();
	sync();
	send_frame(FRAME_EXIT, &status, sizeof(status));
	for (;;)
		pause();
}
