// SPDX-License-Identifier: GPL-2.0
/* What a step must come to: processes, and what several kinds of steps share. */
#include "predict.h"

#include <string.h>

/* Another order, at the same time as the first. */
struct order *order_add(struct forecast *forecast, unsigned int process)
{
	struct order *order = &forecast->orders[forecast->count++];

	order->process = process;
	order->op = forecast->orders[0].op;
	order->value = 0;
	order->length = 0;
	for (size_t side = 0; side < SIDES; side++) {
		order->sides[side] = true;
		order->any_value[side] = false;
	}
	return order;
}

static void copy_args(struct order *order, const uint64_t *args)
{
	for (size_t side = 0; side < SIDES; side++)
		memcpy(order->args[side], args, sizeof(order->args[side]));
}

/* Other arguments than the step's. */
void order_args(struct order *order, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t args[ARGS_MAX] = { a, b, c, d };

	copy_args(order, args);
}

/* The step is vmlab's alone: it has no peer there, or none that would do the same. */
void order_alone(struct order *order)
{
	order->sides[MEMFD] = false;
}

bool predict(struct model *model, const struct step *step, struct forecast *forecast)
{
	struct process *process = &model->processes[step->process];

	if (!process->alive)
		return false;
	forecast->count = 0;
	forecast->changed = NULL;
	forecast->files = false;
	forecast->memory = false;
	forecast->orders[0].op = step->op;
	copy_args(order_add(forecast, step->process), step->args);
	model->now++;
	return step->op->predict(model, process, step->args, forecast);
}

/* fork %A */
PREDICT(fork)
{
	if (model->processes[a[0]].alive)
		return false;
	order_alone(&forecast->orders[0]);
	process_fork(process, &model->processes[a[0]]);
	return true;
}

/* The first process is there until the end. */
PREDICT(end)
{
	(void)a;
	if (process == &model->processes[0])
		return false;
	order_alone(&forecast->orders[0]);
	process_end(process);
	return true;
}

PREDICT(compare_files)
{
	(void)model;
	(void)process;
	(void)a;
	forecast->count = 0;
	forecast->files = true;
	return true;
}

PREDICT(compare_all)
{
	(void)model;
	(void)process;
	(void)a;
	forecast->count = 0;
	forecast->files = true;
	forecast->memory = true;
	return true;
}
