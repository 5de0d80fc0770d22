// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab run: runs a program whose heap is in regions of one pool.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vmlab.h>

#include "command.h"
#include "fail.h"
#include "number.h"
#include "run_report.h"
#include "store.h"

enum {
	KEY_BUDGET = 1000,
	KEY_CODEC,
	KEY_POLICY,
	KEY_STAT,
	KEY_STORE,
	KEY_STORE_LIMIT,
	KEY_FRONT,
};

struct options {
	struct vmlab_pool_set set;
	struct store_option store;
	bool stat;
	char **command;
};

#define POLICIES "What chooses pages: random, fifo, clock, lru, 2q, arc, sieve, s3fifo, lirs"

static const struct argp_option options[] = {
	{ "budget", KEY_BUDGET, "SIZE", 0, "Memory that pages may take; the rest is stored", 0 },
	{ "codec", KEY_CODEC, "NAME", 0, "What compresses stored pages: lz4, zstd or lzo-rle", 0 },
	{ "front", KEY_FRONT, "SIZE", 0, "Memory for compressed pages in front of the file", 0 },
	{ "policy", KEY_POLICY, "NAME", 0, POLICIES, 0 },
	{ "stat", KEY_STAT, NULL, 0, "Print figures on stderr when the program has ended", 0 },
	{ "store", KEY_STORE, "zs|file:PATH", 0, "Store pages in memory, or in a file", 0 },
	{ "store-limit", KEY_STORE_LIMIT, "SIZE", 0, "What stored pages may take of it", 0 },
	{ 0 },
};

static uint64_t parse_size(const char *arg, struct argp_state *state)
{
	uint64_t bytes;

	if (!number_size(arg, &bytes) || !bytes)
		argp_error(state, "\"%s\" is not a size, as 64M is one", arg);
	return bytes;
}

static void parse_name(const char *arg, __u8 *name, struct argp_state *state)
{
	if (!*arg || strlen(arg) >= VMLAB_POOL_NAME)
		argp_error(state, "\"%s\" is not the name of a policy or a codec", arg);
	memcpy(name, arg, strlen(arg) + 1);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opts = state->input;

	switch (key) {
	case KEY_BUDGET:
		opts->set.what |= VMLAB_POOL_BUDGET;
		opts->set.budget = parse_size(arg, state);
		return 0;
	case KEY_STORE:
		store_parse(arg, &opts->store, &opts->set, state);
		return 0;
	case KEY_STORE_LIMIT:
		opts->set.what |= VMLAB_POOL_STORE_LIMIT;
		opts->set.store_limit = parse_size(arg, state);
		return 0;
	case KEY_FRONT:
		opts->set.what |= VMLAB_POOL_FRONT;
		opts->set.front = parse_size(arg, state);
		return 0;
	case KEY_POLICY:
		opts->set.what |= VMLAB_POOL_POLICY;
		parse_name(arg, opts->set.policy, state);
		return 0;
	case KEY_CODEC:
		opts->set.what |= VMLAB_POOL_CODEC;
		parse_name(arg, opts->set.codec, state);
		return 0;
	case KEY_STAT:
		opts->stat = true;
		return 0;
	case ARGP_KEY_ARG:
		/* The rest is the program's. */
		opts->command = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "say what to run: -- PROGRAM [ARGUMENT...]");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "-- PROGRAM [ARGUMENT...]",
	.doc = "Run PROGRAM, and what it starts, with the memory that they allocate in regions of one pool.",
};

/* "/" stands at the end of a folder. */
static bool exists(char *path, size_t size, const char *folder, const char *name)
{
	snprintf(path, size, "%s%s", folder, name);
	return !access(path, R_OK);
}

/* Beside the command in its tree, or where both were installed. */
static int find_library(char *path, size_t size)
{
	static const char *const names[] = {
		"../run/libvmlab-run.so",
		"../lib/libvmlab-run.so",
		"../lib/x86_64-linux-gnu/libvmlab-run.so",
		"../lib64/libvmlab-run.so",
	};
	char folder[1024];
	ssize_t length = readlink("/proc/self/exe", folder, sizeof(folder) - 1);

	if (length < 0)
		return fail_errno(errno, "/proc/self/exe cannot be read");
	folder[length] = 0;
	*(strrchr(folder, '/') + 1) = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (exists(path, size, folder, names[i]))
			return 0;
	}
	return fail("there is no %s%s: install vmlab again", folder, names[1]);
}

/* glibc's own allocator asks the kernel in a way that cannot be interposed. */
static int find_allocator(char *path, size_t size)
{
	static const char *const folders[] = { "/usr/local/lib/", "/usr/lib/x86_64-linux-gnu/",
					       "/usr/lib64/", "/usr/lib/" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		if (exists(path, size, folders[i], "libjemalloc.so.2"))
			return 0;
	}
	return fail("libjemalloc.so.2 is not installed: \"apt-get install libjemalloc2\"");
}

/* Sets what is preloaded, before what was going to be. */
static int preload(void)
{
	char library[2048], allocator[256], *text;
	const char *others = getenv("LD_PRELOAD") ?: "";
	int ret;

	if (find_library(library, sizeof(library)) ||
	    find_allocator(allocator, sizeof(allocator)))
		return -1;
	if (strpbrk(library, " :"))
		return fail("\"%s\" has a space or a colon in it: move it", library);
	if (asprintf(&text, "%s %s %s", library, allocator, others) < 0)
		return fail_errno(ENOMEM, "the program cannot be run");
	ret = setenv("LD_PRELOAD", text, 1);
	free(text);
	return ret ? fail_errno(errno, "the program cannot be run") : 0;
}

/* Under a number that programs seldom use; -1 after a sentence. Takes @fd over. */
static int raise_number(int fd)
{
	struct rlimit limit;
	int from = 1000, high;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur <= 1024)
		from = limit.rlim_cur > 48 ? (int)limit.rlim_cur - 24 : 3;
	high = fcntl(fd, F_DUPFD_CLOEXEC, from);
	if (high < 0)
		fail_errno(errno, "there is no room for the descriptors of a run");
	close(fd);
	return high;
}

/* A region that stays empty, whose clones are in its pool. */
static int open_root(struct options *opts)
{
	struct vmlab_configure configure = { .flags = VMLAB_REGION_COW_FORK };
	int fd = vmlab_open(O_RDWR | O_CLOEXEC), ret;

	if (fd < 0)
		return fail_op(VMLAB_OP_OPEN, fd);
	ret = vmlab_configure(fd, &configure);
	if (ret) {
		fail_op(VMLAB_OP_CONFIGURE, ret);
		goto close;
	}
	if (opts->set.what && store_pool_set(fd, &opts->store, &opts->set))
		goto close;
	return raise_number(fd);
close:
	close(fd);
	return -1;
}

static int open_first(int root)
{
	int fd = vmlab_clone(root, O_CLOEXEC);

	return fd < 0 ? fail_op(VMLAB_OP_CLONE, fd) : raise_number(fd);
}

static int open_figures(struct run_figures **figures)
{
	int fd = memfd_create("vmlab-run", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && !ftruncate(fd, RUN_FIGURES_SIZE) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		*figures = mmap(NULL, RUN_FIGURES_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (*figures != MAP_FAILED)
			return raise_number(fd);
	}
	fail_errno(errno, "there is no memory for the figures");
	if (fd >= 0)
		close(fd);
	return -1;
}

static int region_id(int fd, unsigned long long *id)
{
	struct vmlab_stat stat;
	int ret = vmlab_stat(fd, &stat);

	*id = stat.id;
	return ret ? fail_op(VMLAB_OP_STAT, ret) : 0;
}

/* The descriptors end with the process. */
static int agree(struct options *opts, struct run_terms *terms, struct run_figures **figures)
{
	terms->runner = getpid();
	terms->root = open_root(opts);
	if (terms->root < 0 || region_id(terms->root, &terms->root_id))
		return -1;
	terms->first = open_first(terms->root);
	if (terms->first < 0 || region_id(terms->first, &terms->first_id))
		return -1;
	terms->figures = open_figures(figures);
	return terms->figures < 0 ? -1 : 0;
}

/* The exit status is what a shell's would be. */
static _Noreturn void execute(struct run_terms *terms, char **command, const sigset_t *mask)
{
	char text[160];
	int err;

	terms->first_pid = getpid();
	snprintf(text, sizeof(text), RUN_FORMAT, terms->root, terms->root_id, terms->first,
		 terms->first_id, terms->figures, terms->runner, terms->first_pid);
	if (setenv(RUN_VARIABLE, text, 1) || preload())
		_exit(EXIT_FAILURE);
	fcntl(terms->root, F_SETFD, 0);
	fcntl(terms->first, F_SETFD, 0);
	fcntl(terms->figures, F_SETFD, 0);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(command[0], command);
	err = errno;
	fail_errno(err, "%s cannot be run", command[0]);
	_exit(err == ENOENT ? 127 : 126);
}

/* Signals that are meant for the program. */
static void fill_signals(sigset_t *signals)
{
	static const int forwarded[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2,
					 SIGALRM, SIGWINCH };

	sigemptyset(signals);
	sigaddset(signals, SIGCHLD);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(*forwarded); i++)
		sigaddset(signals, forwarded[i]);
}

/*
 * Waits for the program, passes on what other processes send, and looks now and then how much
 * memory it has of the kernel's. What the terminal sends has reached the program, too.
 */
static int wait_for(pid_t pid, const sigset_t *signals, uint64_t *anonymous)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		siginfo_t info;
		int number = sigtimedwait(signals, &info, &pause);

		if (number > 0 && number != SIGCHLD && info.si_code <= 0)
			kill(pid, number);
		run_sample(pid, anonymous);
		if (pause.tv_nsec < 100000000)
			pause.tv_nsec *= 2;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int cmd_run(int argc, char **argv)
{
	struct options opts = { .command = NULL };
	struct run_report report = { .anonymous = 0 };
	sigset_t signals, mask;
	struct utsname kernel;
	pid_t pid;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &opts);
	if (uname(&kernel) || strtol(kernel.release, NULL, 10) >= 7) {
		fail("vmlab run works on Linux 6 only: on 7 programs go wrong that give back memory");
		return EXIT_FAILURE;
	}
	if (agree(&opts, &report.terms, &report.figures))
		return EXIT_FAILURE;
	fill_signals(&signals);
	sigprocmask(SIG_BLOCK, &signals, &mask);
	pid = fork();
	if (!pid)
		execute(&report.terms, opts.command, &mask);
	if (pid < 0) {
		fail_errno(errno, "there is no process for the program");
		return EXIT_FAILURE;
	}
	report.status = wait_for(pid, &signals, &report.anonymous);
	if (opts.stat)
		run_report(opts.command[0], &report);
	return report.status;
}
