// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab record: which pages of a process's region are referenced, as a trace.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <vmlab.h>

#include "command.h"
#include "fail.h"
#include "number.h"
#include "recording.h"
#include "target.h"

struct options {
	struct target target;
	const char *path;
	unsigned int window;
	int seconds;
};

enum {
	KEY_FOR = 0x100,
	KEY_WINDOW,
};

static const struct argp_option options[] = {
	{ "fd", 'f', "N", 0, "The region of descriptor N, which the shell passed on", 0 },
	{ "for", KEY_FOR, "SECONDS", 0, "For so long (until the process ends, or ^C)", 0 },
	{ "output", 'o', "FILE", 0, "The file to write, a new one; - is standard output", 0 },
	{ "window", KEY_WINDOW, "PAGES", 0,
	  "Pages mapped at a time, among which no reference is seen (32)", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opts = state->input;

	switch (key) {
	case KEY_FOR:
		if (!number_int(arg, &opts->seconds) || !opts->seconds ||
		    opts->seconds > INT_MAX / 1000)
			argp_error(state, "\"%s\" is not a number of seconds", arg);
		return 0;
	case KEY_WINDOW:
		recording_parse_window(arg, state, &opts->window);
		return 0;
	case 'o':
		opts->path = arg;
		return 0;
	case ARGP_KEY_END:
		if (!opts->path)
			argp_error(state, "say which file to write: -o FILE");
		break;
	}
	return target_parse(key, arg, state, &opts->target);
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PID [ID]",
	.doc = "Write a trace of the pages that are referenced of the region that the process PID has "
	       "mapped, while it goes on.",
};

/* SIGINT, SIGTERM and SIGHUP end the recording, as a descriptor that can be polled. */
static int open_signals(void)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	fd = signalfd(-1, &signals, SFD_CLOEXEC);
	return fd < 0 ? fail_errno(errno, "the recording cannot begin") : fd;
}

/* Until the process ends, somebody has enough of it, or the time is over. */
static int wait_for(const struct options *opts, int process, int signals, int ended)
{
	struct pollfd wait[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = ended, .events = POLLIN },
		{ .fd = process, .events = POLLIN },	/* -1 is left out */
	};
	int ret;

	do {
		ret = poll(wait, 3, opts->seconds ? opts->seconds * 1000 : -1);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? fail_errno(errno, "the recording cannot go on") : 0;
}

static int record(const struct options *opts, int region, int process, int signals,
		  struct recording_file *file)
{
	struct recording *recording = recording_begin(region, opts->window, file);
	uint64_t references;
	int ret;

	if (!recording)
		return -1;
	ret = recording_run(recording);
	if (!ret)
		ret = wait_for(opts, process, signals, recording_ended(recording));
	if (recording_end(recording, &references))
		ret = -1;
	if (!ret)
		fprintf(stderr, "%" PRIu64 " references\n", references);
	return ret;
}

static int open_process(pid_t pid)
{
	int process = pidfd_open(pid, 0);

	if (process < 0 && errno == ESRCH)
		return fail("there is no process %d any more", pid);
	return process < 0 ? fail_errno(errno, "process %d cannot be waited for", pid) : process;
}

static int record_to_file(const struct options *opts, int region, int process)
{
	int signals = open_signals(), ret;
	struct recording_file file;

	if (signals < 0)
		return -1;
	ret = recording_file_open(&file, opts->path);
	if (!ret) {
		ret = record(opts, region, process, signals, &file);
		if (recording_file_close(&file, !ret))
			ret = -1;
	}
	close(signals);
	return ret;
}

static int record_process(const struct options *opts, int region)
{
	int process, ret;

	if (!opts->target.pid)
		return record_to_file(opts, region, -1);
	process = open_process(opts->target.pid);
	if (process < 0)
		return -1;
	ret = record_to_file(opts, region, process);
	close(process);
	return ret;
}

int cmd_record(int argc, char **argv)
{
	struct options opts = { .target = { .fd = -1, .access = O_RDWR } };
	int region, ret;

	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	region = target_open(&opts.target);
	if (region < 0)
		return EXIT_FAILURE;
	ret = record_process(&opts, region);
	close(region);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
