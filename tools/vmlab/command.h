/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMMAND_H
#define COMMAND_H

/**
 * struct command - one subcommand of vmlab
 * @name:	what the user types
 * @summary:	one line for "vmlab help"
 * @run:	takes its own argv, [0] is "vmlab NAME"; returns an exit status
 */
struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
};

int cmd_stat(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_clone(int argc, char **argv);
int cmd_pool(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_snapshot(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_sim(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_trace(int argc, char **argv);

/* The exit status of a wrong command line, as argp_error() is told to use. */
#define EXIT_USAGE	2

#endif /* COMMAND_H */
