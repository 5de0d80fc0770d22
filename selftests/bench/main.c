// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab-bench: what vmlab's work costs, each piece beside its peer.
 */
#include "bench.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

struct settings settings = { .pages = 8192, .sparse = 4 };

static void usage(FILE *out)
{
	fputs("usage: vmlab-bench [OPTION...]\n"
	      "\n"
	      "Touches memory of /dev/vmlab, and of its peers in turn, and prints the time that a page\n"
	      "takes, the median of all turns. In a VM under --icount that is instructions.\n"
	      "\n"
	      "  --threads      two threads on one region; the least of all turns\n"
	      "  --events       not time, but page faults and TLB shootdowns (both want two processors)\n"
	      "  --row TEXT     only the rows whose names have TEXT in them\n"
	      "  --json         print the figures for programs\n"
	      "  --pages N      pages touched in a turn (8192)\n"
	      "  --sparse N     random touches go to one page in N (4)\n"
	      "  --repeats N    counted turns of each side, 1 to 64 (5; 21 with --threads)\n",
	      out);
}

static const struct option options[] = {
	{ "threads", no_argument, NULL, 't' },
	{ "events", no_argument, NULL, 'e' },
	{ "row", required_argument, NULL, 'o' },
	{ "json", no_argument, NULL, 'j' },
	{ "pages", required_argument, NULL, 'p' },
	{ "sparse", required_argument, NULL, 's' },
	{ "repeats", required_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static unsigned long number(const char *text, unsigned long least, unsigned long most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || value < least || value > most) {
		fprintf(stderr, "vmlab-bench: %s is not a number from %lu to %lu\n", text, least,
			most);
		exit(1);
	}
	return value;
}

static void measure(bool threads, bool events, bool json)
{
	size_t available = meminfo("MemAvailable:") / 2, enough = settings.pages * 64 * PAGE;

	pretouch(available < enough ? available : enough);
	if (threads)
		threads_measure();
	else if (events)
		works_count_events();
	else
		works_measure();
	if (json)
		rows_json(events);
	else
		rows_print(events);
}

int main(int argc, char **argv)
{
	bool threads = false, json = false, events = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 't':
			threads = true;
			break;
		case 'e':
			events = true;
			break;
		case 'o':
			settings.only = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'p':
			settings.pages = number(optarg, 64, 1 << 20);
			break;
		case 's':
			settings.sparse = number(optarg, 1, 64);
			break;
		case 'r':
			settings.repeats = number(optarg, 1, REPEATS_MAX);
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 1;
		}
	}
	if (threads && (events || settings.only)) {
		fputs("vmlab-bench: --events and --row do not go with --threads\n", stderr);
		return 1;
	}
	if (!settings.repeats)
		settings.repeats = threads ? 21 : 5;
	measure(threads, events, json);
	return fflush(stdout) || ferror(stdout);
}
