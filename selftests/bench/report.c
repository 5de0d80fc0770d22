// SPDX-License-Identifier: GPL-2.0
/*
 * The table, for people and for programs.
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static struct row rows[192];
static size_t count;

void row_add(struct row row)
{
	if (!row.unit)
		row.unit = meter_counts_instructions() ? "instructions/page" : "ns/page";
	rows[count++] = row;
}

static double figure(const struct row *row)
{
	return row->theirs < 0 ? row->ours : row->ours / row->theirs;
}

static bool met(const struct row *row)
{
	return row->at_least ? figure(row) >= row->target : figure(row) <= row->target;
}

static void print_events(const struct row *row)
{
	printf("%-46s %-12s %8.4f %8.4f %8.4f %8.4f\n", row->work, row->peer,
	       row->our_events.faults, row->their_events.faults, row->our_events.shootdowns,
	       row->their_events.shootdowns);
}

static void print_costs(const struct row *row)
{
	char target[32] = "-", theirs[32] = "-", ratio[32] = "-";

	if (row->theirs >= 0) {
		snprintf(theirs, sizeof(theirs), "%.5g", row->theirs);
		snprintf(ratio, sizeof(ratio), "%.3f", figure(row));
	}
	if (row->target)
		snprintf(target, sizeof(target), "%s %.4g", row->at_least ? ">=" : "<=",
			 row->target);
	printf("%-46s %-12s %8.5g %8s %7s %12s %-7s%s\n", row->work, row->peer, row->ours, theirs,
	       ratio, target, row->target ? met(row) ? "met" : "MISSED" : "", row->unit);
}

void rows_print(bool events)
{
	if (events)
		printf("%-46s %-12s %17s %17s\n%-46s %-12s %8s %8s %8s %8s\n", "", "",
		       "faults/page", "shootdowns/page", "work", "peer", "vmlab", "peer", "vmlab",
		       "peer");
	else
		printf("%-46s %-12s %8s %8s %7s %12s\n", "work", "peer", "vmlab", "peer", "ratio",
		       "target");
	for (size_t i = 0; i < count; i++) {
		if (rows[i].skipped)
			printf("%-46s %-12s skipped: %s\n", rows[i].work, rows[i].peer,
			       rows[i].skipped);
		else if (events)
			print_events(&rows[i]);
		else
			print_costs(&rows[i]);
	}
}

static void json_costs(const struct row *row)
{
	printf("\"unit\": \"%s\", \"headline\": %s, \"vmlab\": %.6g, ", row->unit,
	       row->headline ? "true" : "false", row->ours);
	if (row->theirs >= 0)
		printf("\"peer_figure\": %.6g, \"ratio\": %.4f, ", row->theirs, figure(row));
	if (row->target)
		printf("\"target\": %.8g, \"at_least\": %s, \"met\": %s}", row->target,
		       row->at_least ? "true" : "false", met(row) ? "true" : "false");
	else
		printf("\"target\": null}");
}

static void json_events(const struct row *row)
{
	printf("\"faults\": [%.4f, %.4f], \"shootdowns\": [%.4f, %.4f]}", row->our_events.faults,
	       row->their_events.faults, row->our_events.shootdowns,
	       row->their_events.shootdowns);
}

static void json_row(const struct row *row, bool events)
{
	printf("    {\"work\": \"%s\", \"peer\": \"%s\", ", row->work, row->peer);
	if (row->skipped)
		printf("\"skipped\": \"%s\"}", row->skipped);
	else if (events)
		json_events(row);
	else
		json_costs(row);
}

/* "model name : ..." of the first processor. */
static const char *processor(void)
{
	static char text[1024];
	char *at;

	if (!setting_read("/proc/cpuinfo", text, sizeof(text)))
		die("/proc/cpuinfo");
	at = strstr(text, "model name");
	at = at ? strchr(at, ':') : NULL;
	return at ? strtok(at + 2, "\n") : "unknown";
}

void rows_json(bool events)
{
	struct utsname name;

	uname(&name);
	printf("{\n  \"kernel\": \"%s\",\n  \"cpu\": \"%s\",\n  \"rows\": [\n", name.release,
	       processor());
	for (size_t i = 0; i < count; i++) {
		json_row(&rows[i], events);
		puts(i + 1 < count ? "," : "");
	}
	puts("  ]\n}");
}
