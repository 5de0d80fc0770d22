// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab-bench: what vmlab's work costs, each piece beside its peer.
 */
#include "bench.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static void usage(FILE *out)
{
	fputs("usage: vmlab-bench [--threads] [--json FILE] [--pages N] [--sparse N] [--repeats N]\n"
	      "\n"
	      "Touches memory of /dev/vmlab, and of its peers in turn, and prints the cost of a page.\n"
	      "In a VM under --icount a nanosecond is an instruction.\n"
	      "\n"
	      "  --threads      two threads on one region, by wall clock (wants two processors)\n"
	      "  --json FILE    write the figures to FILE, too\n"
	      "  --pages N      pages touched in a turn (8192)\n"
	      "  --sparse N     random touches go to one page in N (4)\n"
	      "  --repeats N    counted turns of each side, 1 to 64 (5; 21 with --threads)\n", out);
}

static const struct option options[] = {
	{ "threads", no_argument, NULL, 't' },
	{ "json", required_argument, NULL, 'j' },
	{ "pages", required_argument, NULL, 'p' },
	{ "sparse", required_argument, NULL, 's' },
	{ "repeats", required_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static unsigned long number(const char *text, unsigned long least, unsigned long most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || value < least || value > most) {
		fprintf(stderr, "vmlab-bench: %s is not a number from %lu to %lu\n", text, least, most);
		exit(1);
	}
	return value;
}

int main(int argc, char **argv)
{
	struct settings settings = { .pages = 8192, .sparse = 4 };
	const char *json = NULL;
	bool threads = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 't': threads = true; break;
		case 'j': json = optarg; break;
		case 'p': settings.pages = number(optarg, 64, 1 << 20); break;
		case 's': settings.sparse = number(optarg, 1, 64); break;
		case 'r': settings.repeats = number(optarg, 1, 64); break;
		case 'h': usage(stdout); return 0;
		default: usage(stderr); return 1;
		}
	}
	if (!settings.repeats)
		settings.repeats = threads ? 21 : 5;
	pretouch(meminfo("MemAvailable:") / 2);
	if (threads)
		threads_measure(&settings);
	else
		rows_measure(&settings);
	rows_print(threads ? "Two processors, wall clock (the least of all turns)" :
			     "One processor (medians; under --icount a nanosecond is an instruction)");
	if (json && !rows_json(json, threads ? "threads" : "single"))
		die(json);
	return 0;
}
