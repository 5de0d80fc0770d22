// SPDX-License-Identifier: GPL-2.0
/* Programs as text: a step a line, "p0 maps 4 pages of r1 from page 0 at m2.3 shared rw". */
#include "differ.h"

#include <err.h>
#include <string.h>

void step_print(FILE *out, const struct step *step)
{
	const char *words = step->op->words;
	unsigned int args = 0;

	fprintf(out, "p%u ", step->process);
	for (; *words; words++) {
		if (*words == '%')
			kind_print(out, *++words, step->args[args++]);
		else
			fputc(*words, out);
	}
	fputc('\n', out);
}

void program_print(FILE *out, const struct program *program)
{
	for (unsigned int i = 0; i < program->count; i++)
		step_print(out, &program->steps[i]);
}

/* Is @line what the operation says, word by word? Takes its arguments then. */
static bool parse_words(char *line, const struct op *op, struct step *step)
{
	char words[128], *words_rest, *line_rest;
	char *word, *text = strtok_r(line, " ", &line_rest);
	unsigned int args = 0;

	snprintf(words, sizeof(words), "%s", op->words);
	word = strtok_r(words, " ", &words_rest);
	while (word && text) {
		if (*word == '%' ? !kind_parse(word[1], text, &step->args[args++]) :
				   strcmp(word, text) != 0)
			return false;
		word = strtok_r(NULL, " ", &words_rest);
		text = strtok_r(NULL, " ", &line_rest);
	}
	step->op = op;
	return !word && !text;
}

static bool parse_step(const char *line, struct step *step)
{
	char copy[256];

	memset(step, 0, sizeof(*step));
	if (line[0] != 'p' || line[1] < '0' || line[1] >= '0' + (int)PROCESSES || line[2] != ' ')
		return false;
	step->process = (unsigned int)(line[1] - '0');
	for (size_t i = 0; i < ops_count(); i++) {
		snprintf(copy, sizeof(copy), "%s", line + 3);
		if (parse_words(copy, &ops[i], step))
			return true;
	}
	return false;
}

static bool parse(FILE *in, const char *path, struct program *program)
{
	unsigned int number = 0;
	char line[256];

	program->count = 0;
	while (fgets(line, sizeof(line), in)) {
		number++;
		line[strcspn(line, "\n")] = 0;
		if (*line == '#' || !*line)
			continue;
		if (program->count == STEPS_MAX ||
		    !parse_step(line, &program->steps[program->count++])) {
			warnx("%s:%u: no step, or too many: %s", path, number, line);
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
	whole = parse(in, path, program);
	fclose(in);
	return whole;
}

bool program_save(const char *path, const struct program *program, const char *comment)
{
	FILE *out = fopen(path, "we");
	bool saved;

	if (!out)
		return false;
	fprintf(out, "# %s\n", comment);
	program_print(out, program);
	saved = !ferror(out);
	return !fclose(out) && saved;
}
