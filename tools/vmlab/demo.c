// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab demo: what lazy paging is, step by step, on a real file; and other stories.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "demo.h"
#include "fail.h"
#include "json.h"
#include "size.h"
#include "term.h"

#define DEFAULT_FILE	"/usr/share/common-licenses/GPL-3"
#define SIZE_MOST	(16ULL << 20)
#define KEY_COLOUR	1000

static const struct argp_option options[] = {
	{ "color", KEY_COLOUR, "WHEN", 0, "Use colours: auto (on a terminal), always or never", 0 },
	{ "json", 'j', NULL, 0, "Print the same facts as one JSON object", 0 },
	{ "pause", 'p', NULL, 0, "Wait for Enter between the steps", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct demo *demo = state->input;

	switch (key) {
	case KEY_COLOUR:
		if (!term_set_colour(arg))
			argp_error(state, "--color takes auto, always or never, not \"%s\"", arg);
		return 0;
	case 'j':
		demo->tale.json = true;
		return 0;
	case 'p':
		demo->tale.pause = true;
		return 0;
	case ARGP_KEY_ARG:
		if (demo->path)
			argp_error(state, "it takes one file, but there is \"%s\" too", arg);
		demo->path = arg;
		return 0;
	case ARGP_KEY_END:
		if (demo->tale.pause && demo->tale.json)
			argp_error(state, "--json has no steps to wait between: leave out --pause");
		if (demo->tale.pause && !isatty(STDIN_FILENO))
			argp_error(state, "--pause waits for Enter, but its input is not a terminal");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[FILE]\ncow\nshare\nswap",
	.doc = "Show lazy paging step by step on FILE, which is only read, never changed; or copying on "
	       "write; or memory that several processes share; or a program of four times its budget.\v"
	       "Without FILE it is " DEFAULT_FILE ". A file that is called cow is ./cow.",
};

int demo_configured(int flags, const struct vmlab_configure *configure)
{
	int fd, ret;

	fd = vmlab_open(flags | O_CLOEXEC);
	if (fd < 0)
		return fail_op(VMLAB_OP_OPEN, fd);
	ret = vmlab_configure(fd, configure);
	if (ret) {
		close(fd);
		return fail_op(VMLAB_OP_CONFIGURE, ret);
	}
	return fd;
}

int demo_region(int flags, int file, uint64_t size)
{
	const struct vmlab_configure configure = {
		.backing = file < 0 ? VMLAB_BACKING_ZERO : VMLAB_BACKING_FILE,
		.backing_fd = file < 0 ? 0 : file,
		.size = size,
	};

	return demo_configured(flags, &configure);
}

char *demo_mmap(int region, uint64_t size, int prot)
{
	void *memory = mmap(NULL, size, prot, MAP_SHARED | MAP_NORESERVE, region, 0);

	if (memory != MAP_FAILED)
		return memory;
	fail_op(VMLAB_OP_MMAP, errno);
	return NULL;
}

int demo_stat(int region, struct vmlab_stat *stat)
{
	int ret = vmlab_stat(region, stat);

	return ret ? fail_op(VMLAB_OP_STAT, ret) : 0;
}

static void write_sentence(const char *text)
{
	ssize_t ignored = write(STDERR_FILENO, text, strlen(text));

	(void)ignored;	/* there is nothing left to try */
}

static void on_signal(int number)
{
	demo_remove_copy();
	if (number == SIGBUS) {
		write_sentence("vmlab demo: a page could not be served (SIGBUS): the file shrank, its disk failed, "
			       "or all regions together hold max_pages already: see \"vmlab stat\"\n");
		_exit(EXIT_FAILURE);
	}
	signal(number, SIG_DFL);
	raise(number);
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGBUS };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_NODEFER };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
}

static void set_sizes(struct demo *demo, uint64_t size)
{
	demo->size = size < SIZE_MOST ? size : SIZE_MOST;
	demo->pages = (demo->size + demo->page - 1) / demo->page;

	tale_print(&demo->tale, "%svmlab demo%s: %s%s, %s\n", term_colour(TERM_BOLD),
		   term_colour(TERM_PLAIN), demo->size < size ? "the beginning of " : "",
		   demo->path, size_text(demo->size, false).text);
	tale_add(&demo->tale, "file", json_object_new_string(demo->path));
	tale_add(&demo->tale, "size_bytes", json_object_new_uint64(demo->size));
	tale_add(&demo->tale, "page_size", json_object_new_uint64(demo->page));
}

static int open_file(struct demo *demo)
{
	struct stat st;

	demo->file = open(demo->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (demo->file < 0 || fstat(demo->file, &st))
		return fail_errno(errno, "%s cannot be opened", demo->path);
	if (!S_ISREG(st.st_mode))
		return fail("%s is not a regular file, and only those can be paged: name another",
			    demo->path);
	if (!st.st_size)
		return fail("%s is empty, there is nothing to page: name another file", demo->path);

	set_sizes(demo, (uint64_t)st.st_size);
	return 0;
}

static int tell_paging(struct demo *demo)
{
	static int (*const steps[])(struct demo *) = {
		demo_map,
		demo_touch,
		demo_loop,
		demo_compare,
		demo_zero,
		demo_writeback,
	};

	if (open_file(demo))
		return -1;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i](demo))
			return -1;
	}
	return 0;
}

/* Before any story begins, as most errors come from here. */
static int try_device(void)
{
	int fd = vmlab_open(O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return fail_op(VMLAB_OP_OPEN, fd);
	close(fd);
	return 0;
}

/* The story that is asked for: without a name the one about a file. */
static int tell_story(struct demo *demo)
{
	if (try_device())
		return -1;
	if (demo->path && !strcmp(demo->path, "cow"))
		return demo_cow(demo);
	if (demo->path && !strcmp(demo->path, "share"))
		return demo_share(demo);
	if (demo->path && !strcmp(demo->path, "swap"))
		return demo_swap(demo);
	if (!demo->path)
		demo->path = DEFAULT_FILE;
	return tell_paging(demo);
}

static void close_all(struct demo *demo)
{
	demo_remove_copy();
	if (demo->memory)
		munmap((void *)(uintptr_t)demo->memory, demo->size);
	if (demo->region >= 0)
		close(demo->region);
	if (demo->file >= 0)
		close(demo->file);
}

static void print_end(const struct demo *demo, double seconds)
{
	const struct tale *tale = &demo->tale;

	tale_print(tale, "\n%s%d of %d checks hold%s, in %.1f s.\n", term_colour(TERM_BOLD),
		   tale->checks - tale->failed, tale->checks, term_colour(TERM_PLAIN), seconds);
	if (demo->file < 0)
		return;
	tale_print(tale,
		   "\nTry next:\n"
		   "  vmlab demo --pause /bin/bash     a larger file: batches grow up to 64 pages\n"
		   "  vmlab demo cow                   clones and forks: copied when written to\n"
		   "  vmlab demo share                 two processes and one memory\n"
		   "  vmlab demo swap                  more memory than there may be\n"
		   "  exec 7<>/dev/vmlab; echo hello >&7; vmlab map --fd 7\n"
		   "                                   a region of your shell, and its picture\n"
		   "  vmlab ls; vmlab stat             the regions on this system, and the totals\n"
		   "  man vmlab                        everything else\n");
}

int cmd_demo(int argc, char **argv)
{
	struct demo demo = {
		.file = -1,
		.region = -1,
		.page = (uint64_t)sysconf(_SC_PAGESIZE),
	};
	double start = clock_seconds();
	bool ok;

	term_set_colour("auto");
	argp_parse(&argp, argc, argv, 0, NULL, &demo);

	catch_signals();
	tale_begin(&demo.tale);
	ok = !tell_story(&demo);
	if (ok)
		print_end(&demo, clock_seconds() - start);
	ok = ok && !demo.tale.failed;
	close_all(&demo);
	tale_end(&demo.tale, ok);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
