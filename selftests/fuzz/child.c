// SPDX-License-Identifier: GPL-2.0
/*
 * The process that a program runs in. It may come to any end, but harms nobody: it has
 * little memory and small files, and touches no process but its own children.
 */
#include "fuzz.h"
#include "sys.h"

#define MEMORY_MAX	(256UL << 20)	/* private and writable, the rest has caps of its own */
#define FILE_MAX	(64UL << 20)

static const struct program *program;
static struct shared *shared;
static unsigned int threads;
static __thread unsigned int at;	/* the call that a thread is doing */
static bool forked;			/* this is a child of a thread */

/* Which call is next, until the race begins. */
static unsigned int turn;
static pthread_mutex_t turn_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_passed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t start;

static void limit(int resource, rlim_t most)
{
	const struct rlimit limits = { most, most };

	if (setrlimit(resource, &limits))
		err(2, "setrlimit");
}

static void interrupted(int number)
{
	(void)number;
}

static void set_up(void)
{
	const struct sigaction alarm = { .sa_handler = interrupted };
	int error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_DATA, MEMORY_MAX);
	limit(RLIMIT_FSIZE, FILE_MAX);
	limit(RLIMIT_NOFILE, 256);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sigaction(SIGALRM, &alarm, NULL);
	kcov_keep();
	touch_init();
	error = windows_make();
	if (error)
		errx(2, "the windows cannot be mapped: %s", strerror(-error));
}

static uint64_t resolve(const struct kind *kind, struct arg arg)
{
	if (arg.slot == SLOT_NONE)
		return arg.value;
	if (kind->class == ADDRESS)
		return window_address(arg.slot) + arg.value;
	return kind->made ? arg.slot : (uint64_t)slot_fd(arg.slot);
}

static long run_call(unsigned int index)
{
	const struct call *call = &program->calls[index];
	uint64_t values[ARGS_MAX];

	for (unsigned int i = 0; i < op_args(call->op); i++)
		values[i] = resolve(call->op->args[i], call->args[i]);
	return call->op->run(values);
}

static void do_call(unsigned int index)
{
	struct result *result = &shared->results[index];

	at = index;
	result->value = run_call(index);
	result->done = true;
}

void child_do_next(unsigned int count)
{
	forked = true;
	for (unsigned int i = at + 1; i < program->count && count; i++, count--)
		run_call(i);
}

bool child_is_forked(void)
{
	return forked;
}

static void await_turn(unsigned int index)
{
	pthread_mutex_lock(&turn_lock);
	while (turn != index)
		pthread_cond_wait(&turn_passed, &turn_lock);
	pthread_mutex_unlock(&turn_lock);
}

static void pass_turn(void)
{
	pthread_mutex_lock(&turn_lock);
	turn++;
	pthread_cond_broadcast(&turn_passed);
	pthread_mutex_unlock(&turn_lock);
}

static void do_calls_of(unsigned int thread)
{
	for (unsigned int i = 0; i < program->count; i++) {
		if (program->calls[i].thread != thread)
			continue;
		await_turn(i < program->race_from ? i : program->race_from);
		do_call(i);
		if (i < program->race_from)
			pass_turn();
	}
}

static void *run_thread(void *arg)
{
	unsigned int thread = (unsigned int)(uintptr_t)arg;

	kcov_start(thread);
	pthread_barrier_wait(&start);
	do_calls_of(thread);
	if (thread)
		kcov_stop(thread);
	return NULL;
}

/* What happens at exit is not recorded: so the end of it all is brought about before. */
static void tear_down(void)
{
	for (unsigned int window = 0; window < WINDOWS; window++)
		munmap((void *)window_address(window), TIB);
	close_range((unsigned int)slot_fd(0), (unsigned int)slot_fd(SLOTS - 1), 0);
	kcov_stop(0);
}

void child_run(const struct program *what, struct shared *where)
{
	pthread_t others[THREADS_MAX] = {};

	program = what;
	shared = where;
	threads = program_threads(program);
	set_up();
	pthread_barrier_init(&start, NULL, threads);
	for (unsigned int thread = 1; thread < threads; thread++) {
		if (pthread_create(&others[thread], NULL, run_thread, (void *)(uintptr_t)thread))
			errx(2, "no thread to be had");
	}
	run_thread(NULL);
	for (unsigned int thread = 1; thread < threads; thread++)
		pthread_join(others[thread], NULL);
	tear_down();
	_exit(0);
}
