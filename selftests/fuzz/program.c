// SPDX-License-Identifier: GPL-2.0
/*
 * Programs and their text:
 *
 *	# lines that begin so, and empty ones, say nothing
 *	0 open r0 O_RDWR
 *	race
 *	0 ftruncate r0 0x1000
 *	1 pwrite r0 m3+0 0x1000 0
 *
 * A call is a line, and begins with the number of the thread that does it. Calls are done
 * one after another, whichever thread does them, up to the line "race", if there is one:
 * from there on each thread does its own without waiting for others.
 */
#include "fuzz.h"
#include "sys.h"

unsigned int program_threads(const struct program *program)
{
	unsigned int threads = 1;

	for (unsigned int i = 0; i < program->count; i++) {
		if (program->calls[i].thread >= threads)
			threads = program->calls[i].thread + 1U;
	}
	return threads;
}

static void note_made(const struct call *call, struct made *made)
{
	for (unsigned int i = 0; i < op_args(call->op); i++) {
		const struct kind *kind = call->op->args[i];

		if (!kind->made || call->args[i].slot == SLOT_NONE)
			continue;
		if (kind->class == DESCRIPTOR)
			made->slots |= 1U << call->args[i].slot;
		else
			made->windows |= 1U << call->args[i].slot;
	}
}

struct made program_made(const struct program *program, unsigned int before)
{
	struct made made = { .windows = 1U << (WINDOWS - 1) };

	for (unsigned int i = 0; i < before; i++)
		note_made(&program->calls[i], &made);
	return made;
}

void program_remove(struct program *program, unsigned int index)
{
	if (program->race_from != NO_RACE)
		program->race_from -= index < program->race_from;
	program->count--;
	memmove(&program->calls[index], &program->calls[index + 1],
		(program->count - index) * sizeof(program->calls[0]));
}

bool program_insert(struct program *program, unsigned int index, const struct call *call)
{
	if (program->count == CALLS_MAX)
		return false;
	memmove(&program->calls[index + 1], &program->calls[index],
		(program->count - index) * sizeof(program->calls[0]));
	program->calls[index] = *call;
	if (program->race_from != NO_RACE)
		program->race_from += index < program->race_from;
	program->count++;
	return true;
}

void call_print(FILE *out, const struct call *call)
{
	fprintf(out, "%u %s", call->thread, call->op->name);
	for (unsigned int i = 0; i < op_args(call->op); i++) {
		fputc(' ', out);
		kind_print(out, call->op->args[i], call->args[i]);
	}
}

void program_print(FILE *out, const struct program *program)
{
	for (unsigned int i = 0; i < program->count; i++) {
		if (i == program->race_from)
			fputs("race\n", out);
		call_print(out, &program->calls[i]);
		fputc('\n', out);
	}
}

static bool parse_args(char **rest, struct call *call)
{
	for (unsigned int i = 0; i < op_args(call->op); i++) {
		char *word = strtok_r(NULL, " ", rest);

		if (!word || !kind_parse(word, call->op->args[i], &call->args[i]))
			return false;
	}
	return !strtok_r(NULL, " ", rest);
}

static bool parse_call(char *line, struct call *call)
{
	char *rest, *word = strtok_r(line, " ", &rest);

	if (!word || *word < '0' || *word >= '0' + THREADS_MAX || word[1])
		return false;
	call->thread = (uint8_t)(*word - '0');
	word = strtok_r(NULL, " ", &rest);
	call->op = word ? op_find(word) : NULL;
	return call->op && parse_args(&rest, call);
}

static bool parse_line(char *line, struct program *program)
{
	if (*line == '#' || !*line)
		return true;
	if (!strcmp(line, "race")) {
		program->race_from = program->count;
		return true;
	}
	return program->count < CALLS_MAX &&
	       parse_call(line, &program->calls[program->count]) && ++program->count;
}

bool program_parse(FILE *in, const char *path, struct program *program)
{
	unsigned int number = 0;
	char line[512], copy[512];

	memset(program, 0, sizeof(*program));
	program->race_from = NO_RACE;
	while (fgets(line, sizeof(line), in)) {
		number++;
		line[strcspn(line, "\n")] = 0;
		memcpy(copy, line, sizeof(copy));
		if (!parse_line(line, program)) {
			warnx("%s:%u: no call, or too many: %s", path, number, copy);
			return false;
		}
	}
	return true;
}

bool program_load(const char *path, struct program *program)
{
	FILE *in = fopen(path, "re");
	bool whole;

	if (!in) {
		warn("%s", path);
		return false;
	}
	whole = program_parse(in, path, program);
	fclose(in);
	return whole;
}

bool program_save(const char *path, const struct program *program)
{
	FILE *out = fopen(path, "we");
	bool saved;

	if (!out)
		return false;
	program_print(out, program);
	saved = !ferror(out);
	return !fclose(out) && saved;
}
