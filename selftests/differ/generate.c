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
	const struct process *process;
	char kinds[ARGS_MAX];
	unsigned int count;
	struct step step;

	memset(&step, 0, sizeof(step));
	step.op = op;
	do {
		step.process = (unsigned int)random_below(PROCESSES);
		process = &model->processes[step.process];
	} while (!process->alive);
	count = kinds_of(step.op->words, kinds);
	for (unsigned int i = 0; i < count; i++)
		step.args[i] = kind_generate(kinds[i], model, &process);
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

/* One that makes sense. */
static void add_one(struct program *program, struct model *model, const struct op *op)
{
	struct step step;

	do {
		step = any_step(model, op);
	} while (!add(program, model, &step));
}

/* So that most steps have something to work on. */
static void add_beginning(struct program *program, struct model *model)
{
	for (int i = 0; i < 3; i++)
		add_one(program, model, op_find("opens %R with %n pages %f"));
	for (int i = 0; i < 5; i++)
		add_one(program, model, op_find("maps %n pages of %r from page %n at %M %s %p"));
}

void program_generate(struct program *program, unsigned int steps)
{
	struct model *model = model_new(run_traits());
	struct step compare = { op_find("compares everything"), 0, { 0 } };

	program->count = 0;
	add_beginning(program, model);
	while (program->count < steps) {
		struct step step = any_step(model, op_pick(model->traits.features));

		if (step.op->predict == predict_wake && random_chance(80))
			aim_at_waiter(model, &step);
		if (step.op->predict == predict_link && random_chance(80))
			aim_at_relative(model, &step);
		if (step.op->predict == predict_use_mutex)
			add_mutex(program, model, &step);
		else
			add(program, model, &step);
	}
	if (program->count < STEPS_MAX)
		program->steps[program->count++] = compare;
	model_free(model);
}
