// SPDX-License-Identifier: GPL-2.0
/*
 * The first half of the demo: reading a file through memory.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "demo.h"
#include "fail.h"
#include "json.h"
#include "size.h"
#include "term.h"

/* Faults that are shown one by one. */
#define FAULTS_SHOWN	12
#define GAUGE_MOST	32
#define LINES_SHOWN	3
#define LINE_MOST	70

int demo_map(struct demo *demo)
{
	struct tale *tale = &demo->tale;
	struct vmlab_stat stat;

	tale_step(tale, "mmap", "Map the file",
		  "mmap() makes a promise: these addresses stand for the file. It reads nothing and "
		  "takes no memory, so it is as quick for a huge file as for a small one.");

	demo->region = demo_region(O_RDONLY, demo->file, demo->pages * demo->page);
	if (demo->region < 0)
		return -1;
	demo->memory = demo_mmap(demo->region, demo->size, PROT_READ);
	if (!demo->memory || demo_stat(demo->region, &stat))
		return -1;

	tale_count(tale, "pages", "pages the file takes", demo->pages);
	tale_count(tale, "resident_pages", "pages in memory", stat.resident);
	tale_count(tale, "faults", "page faults", stat.faults);
	if (tale_picture(tale, "extents", demo->region, demo->pages * demo->page, true))
		return -1;
	tale_check(tale, !stat.resident && !stat.faults, "mmap() brought no page into memory");
	return 0;
}

int demo_touch(struct demo *demo)
{
	volatile const char *p = demo->memory;
	struct tale *tale = &demo->tale;
	struct vmlab_stat stat;
	char first;

	tale_step(tale, "touch", "Touch one byte",
		  "The program reads p[0]. No page is there, so the processor stops it and calls the "
		  "kernel: a page fault. The module reads this one page from the file, and the program "
		  "goes on as if nothing had happened.");
	first = p[0];
	if (demo_stat(demo->region, &stat))
		return -1;

	tale_count(tale, "byte", "p[0] as a number", (unsigned char)first);
	tale_count(tale, "resident_pages", "pages in memory", stat.resident);
	tale_count(tale, "faults", "page faults", stat.faults);
	if (tale_picture(tale, "extents", demo->region, demo->pages * demo->page, false))
		return -1;
	tale_check(tale, stat.resident == 1 && stat.faults == 1, "one byte brought exactly one page");
	return 0;
}

/* The loop that the step's text shows. */
static void put_memory(const char *p, size_t size)
{
	size_t len;

	for (len = 0; len < size; len++)
		putchar(p[len]);
}

static void show_fault(struct demo *demo, const struct vmlab_stat *stat, uint64_t page,
		       uint64_t brought, FILE *out)
{
	const char *here = term_utf8() ? "▓" : "M";
	const char *absent = term_utf8() ? "·" : ".";
	uint64_t gauge = GAUGE_MOST, full;

	if (demo->pages < gauge)
		gauge = demo->pages;
	full = (stat->resident * gauge + demo->pages - 1) / demo->pages;

	fprintf(out, "   %5" PRIu64 " %8" PRIu64 " %8" PRIu64 " %10" PRIu64 "   %s",
		(uint64_t)stat->faults, page, brought, (uint64_t)stat->resident,
		term_colour(TERM_GREEN));
	for (uint64_t i = 0; i < gauge; i++) {
		if (i == full)
			fprintf(out, "%s%s", term_colour(TERM_PLAIN), term_colour(TERM_DIM));
		fputs(i < full ? here : absent, out);
	}
	fprintf(out, "%s\n", term_colour(TERM_PLAIN));
}

/*
 * The loop, page by page, so that the module's figures can be looked at in
 * between: each time pages appeared, a line goes to @out.
 */
static int read_and_watch(struct demo *demo, FILE *out)
{
	struct json_object *faults = json_object_new_array();
	struct vmlab_stat before, now;
	uint64_t hidden = 0;

	tale_add(&demo->tale, "appeared", faults);
	if (demo_stat(demo->region, &before))
		return -1;
	for (uint64_t page = 0; page < demo->pages; page++, before = now) {
		uint64_t start = page * demo->page;
		uint64_t end = page + 1 < demo->pages ? start + demo->page : demo->size;
		struct json_object *fault;

		put_memory(demo->memory + start, end - start);
		if (demo_stat(demo->region, &now))
			return -1;
		if (now.resident == before.resident)
			continue;
		fault = json_object_new_object();
		json_add_u64(fault, "page", page);
		json_add_u64(fault, "pages", now.resident - before.resident);
		json_object_array_add(faults, fault);
		if (demo->tale.json)
			continue;
		if (json_object_array_length(faults) <= FAULTS_SHOWN)
			show_fault(demo, &now, page, now.resident - before.resident, out);
		else
			hidden++;
	}
	if (hidden)
		fprintf(out, "   ... and %" PRIu64 " more, up to fault %" PRIu64 "\n", hidden,
			(uint64_t)now.faults);
	return 0;
}

/* The first lines that are not empty, cut to fit. */
static void show_lines(const struct tale *tale, const char *text, size_t bytes)
{
	int lines = 0;

	for (size_t at = 0; at < bytes && lines < LINES_SHOWN; at++) {
		char line[LINE_MOST + 1];
		size_t length = 0;

		for (; at < bytes && text[at] != '\n'; at++) {
			if (length < LINE_MOST)
				line[length++] = isprint((unsigned char)text[at]) ? text[at] : '.';
		}
		line[length] = 0;
		if (!length)
			continue;
		tale_print(tale, "   | %s\n", line);
		lines++;
	}
}

/* What the loop printed: its first lines, and the checksum of all of it. */
static int look_at_output(struct demo *demo, int sink)
{
	char buffer[16384];
	ssize_t got;

	while ((got = pread(sink, buffer, sizeof(buffer), (off_t)demo->printed.length)) > 0) {
		if (!demo->printed.length)
			show_lines(&demo->tale, buffer, (size_t)got);
		cksum_add(&demo->printed, buffer, (size_t)got);
	}
	return got < 0 ? fail_errno(errno, "what was printed cannot be read again") : 0;
}

/*
 * Runs the loop with stdout going to @sink; its own lines go to where stdout
 * went before.
 */
static int run_loop(struct demo *demo, int sink)
{
	FILE *out;
	int old, ret;

	fflush(stdout);
	old = dup(STDOUT_FILENO);
	if (old < 0)
		return fail_errno(errno, "the output cannot be redirected");
	out = fdopen(old, "w");
	if (!out || dup2(sink, STDOUT_FILENO) < 0) {
		ret = fail_errno(errno, "the output cannot be redirected");
		goto close_old;
	}
	ret = read_and_watch(demo, out);
	fflush(stdout);
	if (dup2(old, STDOUT_FILENO) < 0)
		ret = fail_errno(errno, "the output cannot be redirected");
close_old:
	if (out)
		fclose(out);	/* closes old too */
	else
		close(old);
	return ret;
}

int demo_loop(struct demo *demo)
{
	struct tale *tale = &demo->tale;
	struct vmlab_stat stat;
	int sink, ret;

	tale_step(tale, "loop", "Read it all, with a plain loop",
		  "\"for (len = 0; len < size; len++) putchar(p[len]);\" calls no read(), and still the "
		  "file comes in. The module sees that the faults go forward, and brings more pages with "
		  "each, so that fewer are needed.");

	sink = memfd_create("vmlab-demo", MFD_CLOEXEC);
	if (sink < 0)
		return fail_errno(errno, "there is no place for the output");
	if (demo->pages > 1)
		tale_print(tale, "   fault  at page  brought  in memory\n");
	ret = run_loop(demo, sink);
	if (!ret) {
		tale_print(tale, "\n");
		tale_say(tale, "What it printed begins with");
		ret = look_at_output(demo, sink);
	}
	close(sink);
	tale_print(tale, "\n");
	if (ret || demo_stat(demo->region, &stat))
		return -1;

	tale_count(tale, "printed_bytes", "bytes printed", demo->printed.length);
	tale_count(tale, "resident_pages", "pages in memory", stat.resident);
	tale_count(tale, "faults", "page faults", stat.faults);
	tale_check(tale, demo->printed.length == demo->size, "every byte was printed");
	tale_check(tale, stat.resident == demo->pages, "every page of the file is in memory");
	return 0;
}

int demo_compare(struct demo *demo)
{
	struct tale *tale = &demo->tale;
	struct cksum sum = { 0 };
	char buffer[16384];

	tale_step(tale, "compare", "Compare with read()",
		  "The same file, read in the usual way. Both sums are those that the command cksum prints.");
	while (sum.length < demo->size) {
		uint64_t left = demo->size - sum.length;
		size_t wanted = left < sizeof(buffer) ? left : sizeof(buffer);
		ssize_t got = pread(demo->file, buffer, wanted, (off_t)sum.length);

		if (got < 0)
			return fail_errno(errno, "%s cannot be read", demo->path);
		if (!got)
			return fail("%s became shorter during the demo: name a file that stays as it is",
				    demo->path);
		cksum_add(&sum, buffer, (size_t)got);
	}
	tale_count(tale, "sum_memory", "checksum through memory", cksum_end(&demo->printed));
	tale_count(tale, "sum_read", "checksum through read()", cksum_end(&sum));
	tale_check(tale, cksum_end(&demo->printed) == cksum_end(&sum), "both are the same");
	return 0;
}
