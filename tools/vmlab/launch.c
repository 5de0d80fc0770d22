// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vmlab.h>

#include "fail.h"
#include "launch.h"

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
static int open_root(const struct launch_terms *wanted)
{
	struct vmlab_configure configure = {
		.flags = VMLAB_REGION_COW_FORK | (wanted->strict ? VMLAB_REGION_STRICT : 0),
	};
	struct vmlab_pool_set set = wanted->set;
	int fd = vmlab_open(O_RDWR | O_CLOEXEC), ret;

	if (fd < 0)
		return fail_op(VMLAB_OP_OPEN, fd);
	ret = vmlab_configure(fd, &configure);
	if (ret) {
		fail_op(VMLAB_OP_CONFIGURE, ret);
		goto close;
	}
	if (set.what && store_pool_set(fd, &wanted->store, &set))
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

/* Descriptors that there are not are -1. */
void launch_end(struct launch *launch)
{
	const int fds[] = { launch->terms.root, launch->terms.first, launch->terms.figures };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	if (launch->figures)
		munmap(launch->figures, RUN_FIGURES_SIZE);
}

int launch_prepare(struct launch *launch, const struct launch_terms *wanted)
{
	struct run_terms *terms = &launch->terms;

	*launch = (struct launch){
		.terms = { .root = -1, .first = -1, .figures = -1, .runner = getpid() },
	};
	terms->root = open_root(wanted);
	if (terms->root < 0 || region_id(terms->root, &terms->root_id))
		goto close;
	terms->first = open_first(terms->root);
	if (terms->first < 0 || region_id(terms->first, &terms->first_id))
		goto close;
	terms->figures = open_figures(&launch->figures);
	if (terms->figures < 0)
		goto close;
	return 0;
close:
	launch_end(launch);
	return -1;
}

/* Signals that are meant for the program; and what was blocked before these were. */
static sigset_t forwarded, mask;

/* The exit status is what a shell's would be. */
static _Noreturn void execute(struct launch *launch, char **command)
{
	struct run_terms *terms = &launch->terms;
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
	sigprocmask(SIG_SETMASK, &mask, NULL);
	execvp(command[0], command);
	err = errno;
	fail_errno(err, "%s cannot be run", command[0]);
	_exit(err == ENOENT ? 127 : 126);
}

static void block_signals(void)
{
	static const int numbers[] = { SIGCHLD, SIGINT,	 SIGQUIT, SIGTERM, SIGHUP,
				       SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH };
	static bool blocked;

	if (blocked)
		return;
	blocked = true;
	sigemptyset(&forwarded);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaddset(&forwarded, numbers[i]);
	sigprocmask(SIG_BLOCK, &forwarded, &mask);
}

int launch_start(struct launch *launch, char **command)
{
	block_signals();
	launch->pid = fork();
	if (!launch->pid)
		execute(launch, command);
	return launch->pid < 0 ? fail_errno(errno, "there is no process for the program") : 0;
}

/* The most that was seen. */
static void sample(struct launch *launch)
{
	static const char name[] = "RssAnon:";
	char path[32], line[128];
	uint64_t bytes;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)launch->pid);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, sizeof(name) - 1) != 0)
			continue;
		bytes = strtoull(line + sizeof(name) - 1, NULL, 10) * 1024;
		if (bytes > launch->anonymous)
			launch->anonymous = bytes;
	}
	fclose(file);
}

static bool ends(int number)
{
	return number == SIGINT || number == SIGQUIT || number == SIGTERM || number == SIGHUP;
}

/* Passes on what other processes send. What the terminal sends has reached the program, too. */
static bool take_signal(struct launch *launch, const struct timespec *patience)
{
	siginfo_t info;
	int number = sigtimedwait(&forwarded, &info, patience);

	if (number > 0 && number != SIGCHLD) {
		launch->is_to_end |= ends(number);
		if (info.si_code <= 0)
			kill(launch->pid, number);
	}
	return number > 0;
}

bool launch_is_over(void)
{
	const struct timespec none = { 0 };
	int number;

	block_signals();
	while ((number = sigtimedwait(&forwarded, NULL, &none)) > 0) {
		if (ends(number))
			return true;
	}
	return false;
}

void launch_wait(struct launch *launch)
{
	const struct timespec none = { 0 };
	struct timespec pause = { .tv_nsec = 1000000 };
	siginfo_t info = { 0 };
	int status;

	while (!waitid(P_PID, (id_t)launch->pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
	       !info.si_pid) {
		take_signal(launch, &pause);
		sample(launch);
		if (pause.tv_nsec < 100000000)
			pause.tv_nsec *= 2;
	}
	/* It is there still, though it has ended: nobody else gets what comes just now. */
	while (take_signal(launch, &none))
		;
	waitpid(launch->pid, &status, 0);
	launch->ended = true;
	launch->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
