// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab clone: runs a command that has a clone of a region as a descriptor.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vmlab.h>

#include "command.h"
#include "fail.h"
#include "target.h"

static const struct argp_option options[] = {
	{ "fd", 'f', "N", 0, "The region of descriptor N, which the shell passed on", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	return target_parse(key, arg, state, state->input);
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PID [ID] -- COMMAND [ARGUMENT...]\n--fd=N -- COMMAND [ARGUMENT...]",
	.doc = "Run COMMAND with a clone of the region that the process PID has mapped. Each {} in its "
	       "arguments becomes the number of a descriptor of the clone.",
};

/* The command's end, and so a copy is never freed. NULL if memory runs out. */
static char *with_number(const char *arg, const char *number)
{
	const char *place;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	while ((place = strstr(arg, "{}"))) {
		fprintf(out, "%.*s%s", (int)(place - arg), arg, number);
		arg = place + 2;
	}
	fputs(arg, out);
	return fclose(out) ? NULL : text;
}

/* @command has a name at least. Returns only if that fails, after a sentence. */
static void run(char **command, int clone)
{
	char number[16], **arg = command;

	snprintf(number, sizeof(number), "%d", clone);
	do {
		*arg = with_number(*arg, number);
		if (!*arg) {
			fail_errno(ENOMEM, "the command cannot be run");
			return;
		}
	} while (*++arg);
	execvp(command[0], command);
	fail_errno(errno, "%s cannot be run", command[0]);
}

/* The place of "--", or @argc. */
static int own_arguments(int argc, char **argv)
{
	int i = 1;

	while (i < argc && strcmp(argv[i], "--") != 0)
		i++;
	return i;
}

int cmd_clone(int argc, char **argv)
{
	struct target target = { .fd = -1 };
	int own = own_arguments(argc, argv), region, clone;

	argp_parse(&argp, own, argv, 0, NULL, &target);
	if (own + 1 >= argc) {
		fail("say what to run with the clone: -- COMMAND [ARGUMENT...]");
		return EXIT_USAGE;
	}
	region = target_open(&target);
	if (region < 0)
		return EXIT_FAILURE;
	clone = vmlab_clone(region, 0);
	close(region);
	if (clone < 0)
		fail_op(VMLAB_OP_CLONE, clone);
	else
		run(argv + own + 1, clone);
	return EXIT_FAILURE;
}
