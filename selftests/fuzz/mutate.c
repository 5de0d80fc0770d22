// SPDX-License-Identifier: GPL-2.0
/* New programs, at random or from others. */
#include "fuzz.h"
#include "sys.h"

/* The call that makes what an argument wants and no earlier call made; or NULL. */
static const struct op *maker(const struct kind *kind, const struct made *made)
{
	unsigned int slot;

	if (kind->class == ADDRESS && !kind->made)
		return made->windows == 1U << (WINDOWS - 1) ? op_find("mmap") : NULL;
	if (kind->class != DESCRIPTOR || kind->made)
		return NULL;
	slot = slot_pick(kind->families, made->slots);
	if (made->slots & 1U << slot)
		return NULL;
	switch (slot / SLOTS_EACH) {
	case 0:
		if (random_chance(20))
			return op_find("open_huge");
		return op_find(random_chance(50) ? "open" : "open_configured");
	case 1:
		return op_find("make_file");
	default:
		return op_find("pipe");
	}
}

static void generate_call(struct call *call, const struct op *op, const struct made *made,
			  unsigned int threads)
{
	*call = (struct call){ .op = op, .thread = (uint8_t)random_below(threads) };
	for (unsigned int i = 0; i < op_args(op); i++)
		call->args[i] = kind_generate(op->args[i], made);
}

/*
 * Inserts a call, and before it those that make what it works on. They go before a race;
 * so does the call where the race begins if it is to be @early. Returns how many.
 */
static unsigned int insert(struct program *program, unsigned int index, const struct op *op,
			   unsigned int threads, bool early)
{
	unsigned int inserted = 0, done;
	struct call call;
	struct made made;

	for (unsigned int i = 0; i < op_args(op); i++) {
		unsigned int at = index + inserted;
		const struct op *first;

		made = program_made(program, at);
		first = maker(op->args[i], &made);
		/* Sometimes it has to do without. */
		if (!first || first == op || random_chance(3))
			continue;
		if (at >= program->race_from)
			inserted += insert(program, program->race_from, first, threads, true);
		else
			inserted += insert(program, at, first, threads, false);
	}
	made = program_made(program, index + inserted);
	generate_call(&call, op, &made, threads);
	done = program_insert(program, index + inserted, &call);
	program->race_from += early && done;
	return inserted + done;
}

static const struct op *any_op(void)
{
	const struct op *op;

	do {
		op = op_at(random_below(ops_count()));
	} while (op->slow && random_chance(90));
	return op;
}

/* Some calls in order, and perhaps others that race. */
void program_generate(struct program *program, unsigned int threads)
{
	unsigned int wanted = 4 + (unsigned int)random_below(CALLS_MAX - 8);
	unsigned int ordered = threads > 1 && random_chance(60) ? wanted / 2 : wanted;

	*program = (struct program){ .race_from = NO_RACE };
	while (program->count < ordered)
		insert(program, program->count, any_op(), threads, false);
	if (ordered < wanted)
		program->race_from = program->count;
	while (program->count < wanted)
		insert(program, program->count, any_op(), threads, false);
}

static void change_arg(struct program *program)
{
	unsigned int index = (unsigned int)random_below(program->count), i;
	struct call *call = &program->calls[index];
	struct made made = program_made(program, index);

	if (!op_args(call->op))
		return;
	i = (unsigned int)random_below(op_args(call->op));
	call->args[i] = kind_generate(call->op->args[i], &made);
}

/* Puts calls of another program among ours. */
static void splice_in(struct program *program, const struct program *other)
{
	unsigned int at = (unsigned int)random_below(program->count + 1);
	unsigned int from = (unsigned int)random_below(other->count);
	unsigned int to = from + 1 + (unsigned int)random_below(other->count - from);

	while (from < to && program_insert(program, at, &other->calls[from])) {
		from++;
		at += 1 + (unsigned int)random_below(program->count - at);
	}
}

static void duplicate(struct program *program, unsigned int threads)
{
	unsigned int index = (unsigned int)random_below(program->count);
	struct call call = program->calls[index];

	call.thread = (uint8_t)random_below(threads);
	program_insert(program, (unsigned int)random_below(program->count + 1), &call);
}

static void mutate_once(struct program *program, const struct program *other,
			unsigned int threads)
{
	unsigned int index = program->count ? (unsigned int)random_below(program->count) : 0;

	if (!program->count || random_chance(30)) {
		insert(program, (unsigned int)random_below(program->count + 1), any_op(), threads,
		       false);
		return;
	}
	switch (random_below(8)) {
	case 0:
		program_remove(program, index);
		break;
	case 1:
		if (other->count)
			splice_in(program, other);
		break;
	case 2:
		duplicate(program, threads);
		break;
	case 3:
		program->calls[index].thread = (uint8_t)random_below(threads);
		break;
	case 4:
		program->race_from = threads > 1 ? (unsigned int)random_below(program->count + 1) :
						   NO_RACE;
		break;
	default:
		change_arg(program);
	}
}

void program_mutate(struct program *program, const struct program *other, unsigned int threads)
{
	do {
		mutate_once(program, other, threads);
	} while (random_chance(60));
}
