// SPDX-License-Identifier: GPL-2.0
/* Runs programs, each in a child with a time limit. */
#include "fuzz.h"
#include "sys.h"

static struct shared *shared;
static int limit_msec;

void execute_init(unsigned int seconds)
{
	limit_msec = (int)seconds * 1000;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		errx(2, "no memory");
}

/* Has the child ended within so many milliseconds? */
static bool ended(int pidfd, int msec)
{
	struct pollfd fds = { .fd = pidfd, .events = POLLIN };

	return poll(&fds, 1, msec) == 1;
}

static void judge(struct outcome *outcome, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status))
		errx(2, "the child could not begin");	/* and said why */
	if (WIFSIGNALED(status)) {
		outcome->verdict = DIED;
		outcome->signal = WTERMSIG(status);
	}
}

static void await(struct outcome *outcome, pid_t child)
{
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0), status;

	if (pidfd < 0)
		err(2, "pidfd_open");
	if (ended(pidfd, limit_msec)) {
		if (waitpid(child, &status, 0) == child)
			judge(outcome, status);
	} else {
		outcome->verdict = HUNG;
		kill(child, SIGKILL);
		/* If not even that helps, it is left to the kernel, which will tell. */
		if (ended(pidfd, limit_msec))
			waitpid(child, NULL, 0);
	}
	close(pidfd);
}

static bool mounts(const struct program *program)
{
	for (unsigned int i = 0; i < program->count; i++) {
		if (program->calls[i].op->mounts)
			return true;
	}
	return false;
}

struct outcome execute(const struct program *program)
{
	struct outcome outcome = { .verdict = RAN };
	pid_t child;

	memset(shared, 0, sizeof(*shared));
	kcov_reset();
	fflush(NULL);
	child = fork();
	if (child < 0)
		err(2, "fork");
	if (!child)
		child_run(program, shared);
	await(&outcome, child);
	memcpy(outcome.results, shared->results, sizeof(outcome.results));
	scratch_reset(mounts(program));
	return outcome;
}
