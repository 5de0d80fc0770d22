// SPDX-License-Identifier: GPL-2.0
/*
 * Actors: the processes that do the steps.
 *
 * The first is the runner's child, the others are forked by actors. Each has a mailbox in
 * memory that all share, and a socket on which it is told that there is something in it,
 * and tells that it is done.
 */
#include "differ.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct mailbox *boxes;
static int runner_ends[PROCESSES], actor_ends[PROCESSES];

/* An actor's own. */
static unsigned int own_number;
static bool leaving;

/* A side of a task that a thread of its own does. */
struct helper {
	struct task *task;
	enum side side;
	atomic_bool ready;
};

static void do_side(struct task *task, enum side side)
{
	if (task->sides[side])
		task->value[side] = task->op->run(side, task->args[side], task->data[side]);
}

static void *help(void *argument)
{
	struct helper *helper = argument;

	atomic_store(&helper->ready, true);
	do_side(helper->task, helper->side);
	return NULL;
}

/* Two tasks begin at the same time, as near as can be. */
static void do_both(struct task *tasks, enum side side)
{
	struct helper helper = { .task = &tasks[1], .side = side };
	pthread_t thread;

	if (pthread_create(&thread, NULL, help, &helper))
		errx(2, "no thread");
	while (!atomic_load(&helper.ready))
		;
	do_side(&tasks[0], side);
	pthread_join(thread, NULL);
}

static void do_tasks(struct mailbox *box)
{
	for (int side = 0; side < SIDES; side++) {
		if (box->count == 2)
			do_both(box->tasks, (enum side)side);
		else
			do_side(&box->tasks[0], (enum side)side);
	}
	sides_evict_some();
}

static void __attribute__((noreturn)) act(unsigned int number)
{
	char byte;

	own_number = number;
	while (read(actor_ends[number], &byte, 1) == 1) {
		do_tasks(&boxes[number]);
		if (write(actor_ends[number], &byte, 1) != 1 || leaving)
			break;
	}
	_exit(0);
}

/* Called by an actor: becomes another one, too. */
long actor_fork(unsigned int number)
{
	pid_t pid = fork();

	if (!pid) {
		waiters_forget();
		act(number);
	}
	boxes[number].pid = pid;
	return pid < 0 ? -errno : 0;
}

/* Called by an actor: it goes after it has answered. */
void actor_leave(void)
{
	leaving = true;
}

void actors_start(void)
{
	pid_t pid;

	boxes = mmap(NULL, PROCESSES * sizeof(*boxes), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (boxes == MAP_FAILED)
		errx(2, "no memory");
	for (size_t i = 0; i < PROCESSES; i++) {
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
			errx(2, "no sockets");
		runner_ends[i] = ends[0];
		actor_ends[i] = ends[1];
	}
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		errx(2, "cannot fork");
	for (size_t i = 0; i < PROCESSES; i++)
		close(pid ? actor_ends[i] : runner_ends[i]);
	if (!pid) {
		touch_init();
		act(0);
	}
	boxes[0].pid = pid;
}

struct mailbox *actor_mailbox(unsigned int number)
{
	return &boxes[number];
}

void actor_go(unsigned int number)
{
	if (write(runner_ends[number], "", 1) != 1)
		errx(2, "an actor cannot be reached");
}

static bool is_gone(unsigned int number)
{
	return kill(boxes[number].pid, 0) && errno == ESRCH;
}

/* NULL, or what became of it instead of an answer. */
const char *actor_wait(unsigned int number, unsigned int seconds)
{
	struct pollfd poll_answer = { .fd = runner_ends[number], .events = POLLIN };
	char byte;

	for (unsigned int waited = 0; waited < seconds; waited++) {
		if (poll(&poll_answer, 1, 1000) > 0)
			return read(runner_ends[number], &byte, 1) == 1 ? NULL : "died";
		if (is_gone(number))
			return "died";
	}
	return "hung";
}

/* False if it is still there then. */
bool actor_gone(unsigned int number, unsigned int seconds)
{
	for (unsigned int waited = 0; !is_gone(number); waited++) {
		if (waited == seconds * 1000)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return true;
}

/* They find nobody at the other end, and go. */
void actors_end(void)
{
	for (size_t i = 0; i < PROCESSES; i++)
		close(runner_ends[i]);
}
