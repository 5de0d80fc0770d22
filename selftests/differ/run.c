// SPDX-License-Identifier: GPL-2.0
/* A program, run in a process of its own and compared step by step. */
#include "differ.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LISTED	16	/* regions at a time */

static const char *const side_names[SIDES] = { "vmlab", "memfd" };

static struct traits traits;
static unsigned int seconds_limit;
static bool verbose;

/* Of the runner, whose parent looks at it, too. */
static struct result *result;
static struct model *model;
static struct forecast step_forecast, look_forecast;

static bool __attribute__((format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list args;

	result->failed = true;
	va_start(args, format);
	vsnprintf(result->text, sizeof(result->text), format, args);
	va_end(args);
	return false;
}

/* A value in words; several may be in use at once. */
static const char *value_text(long value)
{
	static char texts[4][64];
	static unsigned int next;
	char *text = texts[next++ % COUNT(texts)];
	int signal = (int)(value >> SIGNAL_SHIFT);

	if (value < 0)
		snprintf(text, sizeof(texts[0]), "-%s", strerrorname_np((int)-value) ?: "?");
	else if (signal)
		snprintf(text, sizeof(texts[0]), "SIG%s after %ld bytes",
			 sigabbrev_np(signal) ?: "?", value & ((1L << SIGNAL_SHIFT) - 1));
	else
		snprintf(text, sizeof(texts[0]), "%ld", value);
	return text;
}

/* What was looked at: "p1 loads ...", without its newline. */
static const char *order_text(const struct order *order)
{
	static char text[256];
	struct step step = { .op = order->op, .process = order->process };
	FILE *out = fmemopen(text, sizeof(text), "w");

	memcpy(step.args, order->args[VMLAB], sizeof(step.args));
	if (!out)
		errx(2, "no memory");
	step_print(out, &step);
	fclose(out);
	text[strcspn(text, "\n")] = 0;
	return text;
}

/* Told with what was looked at, if that is not the step itself. */
static const char *looking(const struct order *order)
{
	static char text[300];

	if (order >= step_forecast.orders && order < step_forecast.orders + 2)
		return "";
	snprintf(text, sizeof(text), "then, as %s: ", order_text(order));
	return text;
}

static bool compare_value(const struct order *order, const struct task *task, enum side side)
{
	enum side other = side == VMLAB ? MEMFD : VMLAB;

	if (task->value[side] == order->value)
		return true;
	return fail("%s%s gives %s, the model %s%s%s", looking(order), side_names[side],
		    value_text(task->value[side]), value_text(order->value),
		    order->sides[other] ? side == VMLAB ? ", memfd " : ", vmlab " : "",
		    order->sides[other] ? value_text(task->value[other]) : "");
}

static bool compare_data(const struct order *order, const struct task *task, enum side side)
{
	const uint8_t *data = task->data[side];
	size_t at = 0, count = 0;

	if (!memcmp(data, order->data, order->length))
		return true;
	while (data[at] == order->data[at])
		at++;
	for (size_t i = at; i < order->length; i++)
		count += data[i] != order->data[i];
	return fail("%sbyte %zu of %zu is %#04x in %s, %#04x in the model; %zu bytes differ",
		    looking(order), at, order->length, data[at], side_names[side],
		    order->data[at], count);
}

static bool compare_order(const struct order *order, const struct task *task)
{
	for (int side = 0; side < SIDES; side++) {
		if (!order->sides[side])
			continue;
		if (!compare_value(order, task, (enum side)side) ||
		    !compare_data(order, task, (enum side)side))
			return false;
	}
	return true;
}

/* Puts an order in its mailbox. */
static struct task *give(const struct order *order)
{
	struct mailbox *box = actor_mailbox(order->process);
	struct task *task = &box->tasks[box->count++];

	task->op = order->op;
	memcpy(task->sides, order->sides, sizeof(task->sides));
	memcpy(task->args, order->args, sizeof(task->args));
	return task;
}

static bool await(unsigned int number)
{
	const char *fate = actor_wait(number, seconds_limit);

	return !fate || fail("p%u %s", number, fate);
}

/* Has the orders done, all at once, and compares what came of them. */
static bool perform(const struct forecast *forecast)
{
	const struct order *orders = forecast->orders;
	bool pair = forecast->count == 2, two = pair && orders[0].process != orders[1].process;
	struct task *first, *second;

	actor_mailbox(orders[0].process)->count = 0;
	if (two)
		actor_mailbox(orders[1].process)->count = 0;
	first = give(&orders[0]);
	second = pair ? give(&orders[1]) : NULL;
	actor_go(orders[0].process);
	if (two)
		actor_go(orders[1].process);
	return await(orders[0].process) && (!two || await(orders[1].process)) &&
	       compare_order(&orders[0], first) && (!second || compare_order(&orders[1], second));
}

/*
 * Looks at something: a step that the program does not have. Where that takes long the @memfd is
 * left out, which is there to show that the model is right.
 */
static bool look(const struct op *op, bool memfd, unsigned int process, uint64_t a, uint64_t b,
		 uint64_t c)
{
	struct step step = { op, process, { a, b, c } };

	if (!predict(model, &step, &look_forecast))
		errx(2, "the model does not know what it sees");
	look_forecast.orders[0].sides[MEMFD] &= memfd;
	return perform(&look_forecast);
}

/* Where most steps go. One byte more than there can be: so the end is compared, too. */
static bool look_at_file(unsigned int process, uint64_t slot)
{
	const struct view *view = model->processes[process].files[slot]->view;
	uint64_t at = view->focus * PAGE;

	return look(&op_pread, true, process, least(view->limit + 1 - at, HOT_PAGES * PAGE), slot,
		    at);
}

/* Pages from here on that something was written to, where most steps do not go. */
static uint64_t count_written(const struct view *view, uint64_t page)
{
	uint64_t end = least(view_pages(view), page + DATA_PAGES), first = page;

	while (page < end && view->pages[page].bytes && !view_is_hot(view, page))
		page++;
	return page - first;
}

/*
 * Once in a step: the beginning of every page, of a very large file only of the last ones, and what
 * was written.
 */
static bool look_at_rest(unsigned int process, uint64_t slot)
{
	struct view *view = model->processes[process].files[slot]->view;
	uint64_t pages = view_pages(view), all = least(pages, WINDOW_PAGES), count;

	if (pages <= HOT_PAGES || view->looked_at == result->step)
		return true;
	view->looked_at = result->step;
	if (!look(&op_marks, false, process, all, slot, pages - all))
		return false;
	for (uint64_t page = 0; page < pages; page += count ?: 1) {
		count = count_written(view, page);
		if (count && !look(&op_pread, false, process, count * PAGE, slot, page * PAGE))
			return false;
	}
	return true;
}

/* Does it show something that is to be looked at? */
static bool is_of_interest(const struct place *place, const struct view *whole)
{
	return place->view && (place->copy || view_is_hot(place->view, place->page) ||
			       (place->view == whole && !place_access(place, false)));
}

/* How many bytes from here on can be loaded at once; at least one, be it for its signal. */
static uint64_t loadable(const struct place *places, uint64_t pages)
{
	const struct view *view = places->view;
	uint64_t length = 0;

	for (uint64_t i = 0; i < pages && places[i].view == view; i++) {
		uint64_t begin = places[i].page * PAGE;

		if (place_access(&places[i], false))
			break;
		if (view->size > begin && view->size < begin + PAGE)
			return length ?: view->size - begin;
		length += PAGE;
	}
	return length ?: 1;
}

static bool has_file(const struct view *view)
{
	for (unsigned int i = 0; i < PROCESSES; i++) {
		for (uint64_t slot = 0; slot < SLOTS; slot++) {
			const struct file *file = model->processes[i].files[slot];

			if (file && file->view == view)
				return true;
		}
	}
	return false;
}

/* Is all of it to be looked at in memory, as no descriptor shows it, and was not in this step? */
static bool is_whole_due(struct view *view)
{
	if (view->looked_at == result->step || has_file(view))
		return false;
	view->looked_at = result->step;
	return true;
}

/* How many places are to be looked at from here on, up to as many as one step can load. */
static uint64_t count_places(const struct place *places, uint64_t pages, const struct view *only,
			     const struct view *whole)
{
	uint64_t i = 0;

	while (i < least(pages, DATA_PAGES) && is_of_interest(&places[i], whole) &&
	       (!only || places[i].view == only))
		i++;
	return i;
}

/*
 * What is mapped in a process, or what of one view: where most steps go. If it is to be the @rest,
 * then all of what no descriptor shows, by its first mapping.
 */
static bool look_at_memory(unsigned int number, const struct view *only, bool rest)
{
	struct place *places = model->processes[number].places;
	const struct view *seen = NULL, *whole = NULL;
	uint64_t i = 0;

	while (i < PLACES) {
		struct view *view = places[i].view;
		uint64_t pages, length;

		if (rest && view && view != seen)
			whole = is_whole_due(view) ? view : NULL;
		seen = view;
		pages = count_places(&places[i], WINDOW_PAGES - i % WINDOW_PAGES, only, whole);
		if (!pages) {
			i++;
			continue;
		}
		length = loadable(&places[i], pages);
		if (!look(&op_load, true, number, length, i, 0))
			return false;
		i += (length + PAGE - 1) / PAGE;
	}
	return true;
}

static bool maps(const struct process *process, const struct view *view)
{
	for (uint64_t i = 0; i < PLACES; i++) {
		if (process->places[i].view == view)
			return true;
	}
	return false;
}

/* Looks at a view by a descriptor, which makes no pages appear, or else by a mapping. */
static bool look_at_view(const struct view *view)
{
	for (unsigned int i = 0; i < PROCESSES; i++) {
		for (uint64_t slot = 0; slot < SLOTS; slot++) {
			const struct file *file = model->processes[i].files[slot];

			if (file && file->view == view)
				return look_at_file(i, slot);
		}
	}
	for (unsigned int i = 0; i < PROCESSES; i++) {
		if (maps(&model->processes[i], view))
			return look_at_memory(i, view, false);
	}
	return true;
}

/* What every descriptor shows where most steps go, and the @rest. */
static bool look_at_files(unsigned int number, bool rest)
{
	for (uint64_t slot = 0; slot < SLOTS; slot++) {
		const struct file *file = model->processes[number].files[slot];

		if (!file)
			continue;
		if (!look_at_file(number, slot) || (rest && !look_at_rest(number, slot)))
			return false;
	}
	return true;
}

static bool look_at_all(bool all)
{
	for (unsigned int i = 0; i < PROCESSES; i++) {
		if (!look_at_files(i, all) || (all && !look_at_memory(i, NULL, true)))
			return false;
	}
	return true;
}

/* What a process leaves behind when it ends must not depend on how soon that is. */
static bool see_off(const struct step *step)
{
	if (model->processes[step->process].alive)
		return true;
	return actor_gone(step->process, seconds_limit) || fail("p%u does not end", step->process);
}

static bool do_step(const struct step *step)
{
	struct forecast *forecast = &step_forecast;

	if (!predict(model, step, forecast))
		return true;
	result->done++;
	if (verbose)
		step_print(stdout, step);
	if (forecast->count && !perform(forecast))
		return false;
	if (forecast->changed && !look_at_view(forecast->changed))
		return false;
	if (forecast->files && !look_at_all(forecast->memory))
		return false;
	return see_off(step);
}

static struct vmlab_features module_features(void)
{
	struct vmlab_features features = { 0 };
	int fd = open("/dev/vmlab", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, VMLAB_IOC_FEATURES, &features))
		err(2, "/dev/vmlab");
	close(fd);
	return features;
}

/* Regions go some time after who had them. */
static bool all_given_back(const struct vmlab_features *before)
{
	struct vmlab_features now = *before;

	for (unsigned int waited = 0; waited < seconds_limit * 100; waited++) {
		now = module_features();
		if (now.pages <= before->pages && now.regions <= before->regions)
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	return fail("of %llu regions with %llu pages %llu with %llu are left",
		    now.regions, now.pages, now.regions - before->regions,
		    now.pages - before->pages);
}

static bool list_regions(int device, struct vmlab_list *list)
{
	list->count = LISTED;
	return !ioctl(device, VMLAB_IOC_LIST, list) && list->count;
}

/* What all regions say that there are. */
static struct huge_count huge_now(int device)
{
	struct vmlab_stat stats[LISTED] = { 0 };
	struct vmlab_list list = { .buffer = (uintptr_t)stats, .entry_size = sizeof(stats[0]) };
	struct huge_count now = { 0 };

	while (list_regions(device, &list)) {
		for (uint32_t i = 0; i < list.count; i++) {
			now.made += stats[i].huge_made;
			now.split += stats[i].huge_split;
			now.fallback += stats[i].huge_fallback;
		}
		if (!list.cursor)
			break;
	}
	return now;
}

static unsigned long more(unsigned long now, unsigned long before)
{
	return now > before ? now - before : 0;
}

/* Regions take their figures with them when they go: so this is done after each step. */
static void count_huge(int device, struct huge_count *before)
{
	struct huge_count now = huge_now(device);

	result->huge.made += more(now.made, before->made);
	result->huge.split += more(now.split, before->split);
	result->huge.fallback += more(now.fallback, before->fallback);
	*before = now;
}

static void run_steps(const struct program *program)
{
	int device = open("/dev/vmlab", O_RDWR | O_CLOEXEC);
	struct huge_count huge = huge_now(device);
	struct vmlab_features before = module_features();

	model = model_new(&traits);
	actors_start();
	for (result->step = 0; result->step < program->count; result->step++) {
		if (!do_step(&program->steps[result->step]))
			return;
		count_huge(device, &huge);
	}
	actors_end();
	model_free(model);
	result->complete = all_given_back(&before);
	close(device);
}

static void __attribute__((noreturn)) runner(const struct program *program)
{
	/* All of its actors are its own, and nobody need wait for them. */
	setpgid(0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, SIG_IGN);
	run_steps(program);
	fflush(stdout);
	_exit(0);
}

struct result run(const struct program *program)
{
	int status;
	pid_t pid;

	memset(result, 0, sizeof(*result));
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		errx(2, "cannot fork");
	if (!pid)
		runner(program);
	waitpid(pid, &status, 0);
	kill(-pid, SIGKILL);	/* the actors, after a failure */
	if (WIFEXITED(status) && WEXITSTATUS(status))
		exit(2);	/* and has said why */
	if (WIFSIGNALED(status))
		errx(2, "the runner died of %s", strsignal(WTERMSIG(status)));
	if (!result->failed && !result->complete)
		errx(2, "the runner did not do its work");
	return *result;
}

static void find_traits(void)
{
	char *memory = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int region = open("/dev/vmlab", O_RDWR | O_CLOEXEC);
	int memfd = memfd_create("differ", MFD_CLOEXEC);

	if (memory == MAP_FAILED || region < 0 || memfd < 0 || ftruncate(memfd, PAGE))
		err(2, "/dev/vmlab");
	munmap(memory, 4 * PAGE);
	(void)mmap(memory, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, region, 0);
	traits.grows_in_place = mremap(memory, PAGE, 2 * PAGE, 0) == memory;
	munmap(memory, 2 * PAGE);
	(void)mmap(memory, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, memfd, 0);
	traits.removes_read_only = !madvise(memory, PAGE, MADV_REMOVE);
	munmap(memory, PAGE);
	(void)mremap(memory, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, memory + PAGE);
	traits.overlap_comes_first = errno == EINVAL;
	close(region);
	close(memfd);
	traits.features = module_features().features;
}

void run_init(unsigned int limit, bool tell)
{
	seconds_limit = limit;
	verbose = tell;
	find_traits();
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (result == MAP_FAILED)
		errx(2, "no memory");
}

/* Steps are not printed from here on: what is tried to make them fewer is of no interest. */
void run_quietly(void)
{
	verbose = false;
}

const struct traits *run_traits(void)
{
	return &traits;
}
