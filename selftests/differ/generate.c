// SPDX-License-Identifier: GPL-2.0
/* Programs made up at random: of steps that make sense, as the model knows. */
#include "differ.h"

#include <string.h>

static struct forecast forecast;

static bool add(struct program *program, struct model *model, const struct step *step)
{
	if (!predict(model, step, &forecast))
		return false;
	program->steps[program->count++] = *step;
	return true;
}

static struct step any_step(const struct model *model, const struct op *op)
{
	struct subject subject = { NULL };
	char kinds[ARGS_MAX];
	unsigned int count;
	struct step step;

	memset(&step, 0, sizeof(step));
	step.op = op;
	do {
		step.process = (unsigned int)random_below(PROCESSES);
		subject.process = &model->processes[step.process];
	} while (!subject.process->alive);
	count = kinds_of(step.op->words, kinds);
	for (unsigned int i = 0; i < count; i++)
		step.args[i] = kind_generate(kinds[i], model, &subject);
	return step;
}

/* The mutex itself, which has its place only if both of them have one there. */
static void add_mutex(struct program *program, struct model *model, const struct step *use)
{
	const struct op *make = op_find("makes a mutex at %m + %u");
	struct step first = { make, use->process, { use->args[1], use->args[2] } };
	struct step second = { make, (unsigned int)use->args[3], { use->args[4], use->args[2] } };

	if (program->count + 3 <= STEPS_MAX && add(program, model, &first) &&
	    add(program, model, &second))
		add(program, model, use);
}

/* Aims where somebody waits, or at the same page and offset of something else. */
static void aim_at_waiter(const struct model *model, struct step *wake)
{
	const struct process *process = &model->processes[wake->process];
	const struct waiter *waiter = &model->processes[random_below(PROCESSES)].waiter;
	uint64_t first = random_below(PLACES);

	if (!waiter->view)
		return;
	for (uint64_t i = 0; i < PLACES; i++) {
		uint64_t at = (first + i) % PLACES;
		const struct place *place = &process->places[at];

		if (!place->view || !place->shared || place->page != waiter->offset / PAGE)
			continue;
		wake->args[1] = at;
		wake->args[2] = waiter->offset % PAGE;
		return;
	}
}

/* Aims at a region that the pages may be linked to. */
static void aim_at_relative(const struct model *model, struct step *link)
{
	const struct process *process = &model->processes[link->process];
	const struct file *from = process->files[link->args[1]];
	uint64_t first = random_below(SLOTS);

	for (uint64_t i = 0; from && i < SLOTS; i++) {
		const struct file *to = process->files[(first + i) % SLOTS];

		if (!to || to->view->pool != from->view->pool)
			continue;
		link->args[3] = (first + i) % SLOTS;
		return;
	}
}

/*
 * A mapping that shows all, or as much as there is room for, where an entry of a page table could
 * map a huge page.
 */
static void aim_at_whole(const struct model *model, struct step *map)
{
	const struct file *file = model->processes[map->process].files[map->args[1]];
	uint64_t room;

	if (!file)
		return;
	map->args[2] = random_below(view_pages(file->view) / HUGE_PAGES + 1) * HUGE_PAGES;
	map->args[3] = random_below(WINDOWS) * WINDOW_PAGES + random_below(2) * HUGE_PAGES;
	map->args[0] = view_pages(file->view) - map->args[2];
	room = WINDOW_PAGES - map->args[3] % WINDOW_PAGES;
	if (map->args[0] > room)
		map->args[0] = room;
}

/*
 * A large region that was opened has something in all of its pages, as far as that is quick. Or it
 * is empty, and its index grows while other steps are done.
 */
static void add_marks(struct program *program, struct model *model, const struct step *opened)
{
	const struct op *op = op_find("marks %n pages of %r from page %g as %z");
	uint64_t slot = opened->args[0], pages = opened->args[1];
	uint64_t count = pages > WINDOW_PAGES ? HOT_PAGES : pages;
	uint64_t seed = random_bits() & 0xffffff;
	struct step mark = { op, opened->process, { count, slot, pages - count, seed } };

	if (pages > HOT_PAGES && program->count < STEPS_MAX && random_chance(55))
		add(program, model, &mark);
}

static bool add_aimed(struct program *program, struct model *model, struct step *step)
{
	if (step->op->predict == predict_wake && random_chance(80))
		aim_at_waiter(model, step);
	if (step->op->predict == predict_link && random_chance(80))
		aim_at_relative(model, step);
	if (step->op->predict == predict_map && model->boundary && random_chance(40))
		aim_at_whole(model, step);
	if (!add(program, model, step))
		return false;
	if (step->op->predict == predict_open)
		add_marks(program, model, step);
	return true;
}

/* One that makes sense. */
static void add_one(struct program *program, struct model *model, const struct op *op)
{
	struct step step;

	do {
		step = any_step(model, op);
	} while (!add_aimed(program, model, &step));
}

/* So that most steps have something to work on. */
static void add_beginning(struct program *program, struct model *model)
{
	for (int i = 0; i < 3; i++)
		add_one(program, model, op_find("opens %R with %N pages %f"));
	for (int i = 0; i < 5; i++)
		add_one(program, model, op_find("maps %n pages of %r from page %g at %M %s %p"));
}

/* Most often there is none, or it is that of a huge page. */
static uint64_t any_boundary(void)
{
	static const uint64_t boundaries[] = {
		0, 0, 0, 0, HUGE_PAGES, HUGE_PAGES, HUGE_PAGES, 64, 64, 4096
	};

	return boundaries[random_below(COUNT(boundaries))];
}

void program_generate(struct program *program, unsigned int steps)
{
	struct model *model = model_new(run_traits());
	struct step compare = { op_find("compares everything"), 0, { 0 } };

	program->count = 0;
	model->boundary = any_boundary();
	add_beginning(program, model);
	while (program->count < steps) {
		struct step step = any_step(model, op_pick(model->traits.features));

		if (step.op->predict == predict_use_mutex)
			add_mutex(program, model, &step);
		else
			add_aimed(program, model, &step);
	}
	if (program->count < STEPS_MAX)
		program->steps[program->count++] = compare;
	model_free(model);
}
