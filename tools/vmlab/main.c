// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab: look at and try the memory regions of the vmlab module.
 */
#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "fail.h"

static int cmd_help(int argc, char **argv);

static const struct command commands[] = {
	{ "clone", "run a command on a clone of a process's region", cmd_clone },
	{ "demo", "show lazy paging, copy-on-write, sharing or swapping step by step", cmd_demo },
	{ "ls", "list the regions on the system", cmd_ls },
	{ "map", "draw the pages of a region or of a process", cmd_map },
	{ "pool", "show or set how much memory a region and its clones may take", cmd_pool },
	{ "record", "write a trace of the pages of a region that are referenced", cmd_record },
	{ "run", "run a program with its memory in a pool with a budget", cmd_run },
	{ "sim", "replay a trace of page references through victim policies", cmd_sim },
	{ "snapshot", "write a region to a file, as it is at one moment", cmd_snapshot },
	{ "stat", "show the figures of the module or of a region", cmd_stat },
	{ "top", "watch pools and regions at work", cmd_top },
	{ "trace", "write a trace of page references in another format", cmd_trace },
	{ "help", "explain a command", cmd_help },
};

#define N_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	char name[32];

	/* argp and getopt take the program's name from here. */
	snprintf(name, sizeof(name), "vmlab %s", command->name);
	argv[0] = name;
	fail_name(name);
	return command->run(argc, argv);
}

static void print_commands(FILE *out)
{
	fputs("Usage: vmlab COMMAND [ARGUMENT...]\n"
	      "Look at and try the memory regions of the vmlab module.\n\n",
	      out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\n  -V, --version   print the version\n"
	      "  -?, --help      print this\n\n"
	      "\"vmlab help COMMAND\" lists the options of COMMAND; \"man vmlab\" says more.\n",
	      out);
}

static int unknown_command(const char *name)
{
	fail("there is no command \"%s\": \"vmlab help\" lists them", name);
	return EXIT_USAGE;
}

static int cmd_help(int argc, char **argv)
{
	char help[] = "--help";
	char *args[] = { NULL, help, NULL };
	const struct command *command;

	if (argc > 2)
		return unknown_command(argv[2]);
	if (argc < 2 || argv[1][0] == '-') {
		print_commands(stdout);
		return EXIT_SUCCESS;
	}
	command = find_command(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	if (command->run == cmd_help) {
		print_commands(stdout);
		return EXIT_SUCCESS;
	}
	return run_command(command, 2, args);
}

static int run(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("vmlab " VMLAB_VERSION);
		return EXIT_SUCCESS;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") || !strcmp(argv[1], "-h")) {
		print_commands(stdout);
		return EXIT_SUCCESS;
	}
	command = find_command(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	return run_command(command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int status;

	setlocale(LC_ALL, "");
	argp_err_exit_status = EXIT_USAGE;

	status = run(argc, argv);
	/* What is still in the buffer is the output, too. */
	if (fflush(stdout) || ferror(stdout)) {
		fail_errno(errno, "the output cannot be written");
		return EXIT_FAILURE;
	}
	return status;
}
