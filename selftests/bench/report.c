// SPDX-License-Identifier: GPL-2.0
/*
 * The table, for people and for programs.
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static struct row rows[32];
static size_t count;

void row_add(struct row row)
{
	rows[count++] = row;
}

static double figure(const struct row *row)
{
	return row->theirs < 0 ? row->ours : row->ours / row->theirs;
}

static const char *verdict(const struct row *row)
{
	if (row->skipped)
		return "skipped";
	if (!row->target)
		return "-";
	return (row->at_least ? figure(row) >= row->target : figure(row) <= row->target) ?
	       "met" : "MISSED";
}

static void print(const struct row *row)
{
	char target[32] = "-", theirs[32] = "-", ratio[32] = "-";

	if (row->skipped) {
		printf("%-52s %-13s skipped: %s\n", row->work, row->peer, row->skipped);
		return;
	}
	if (row->theirs >= 0) {
		snprintf(theirs, sizeof(theirs), "%.5g", row->theirs);
		snprintf(ratio, sizeof(ratio), "%.3f", figure(row));
	}
	if (row->target)
		snprintf(target, sizeof(target), "%s %.4g", row->at_least ? ">=" : "<=", row->target);
	printf("%-52s %-13s %9.5g %9s %7s %10s %-7s %s\n", row->work, row->peer, row->ours, theirs,
	       ratio, target, verdict(row), row->unit);
}

void rows_print(const char *title)
{
	printf("%s\n\n%-52s %-13s %9s %9s %7s %10s %-7s %s\n", title, "work", "peer", "vmlab", "peer",
	       "ratio", "target", "", "unit");
	for (size_t i = 0; i < count; i++)
		print(&rows[i]);
	fflush(stdout);
}

static void json_row(FILE *out, const struct row *row)
{
	fprintf(out, "    {\"work\": \"%s\", \"peer\": \"%s\", ", row->work, row->peer);
	if (row->skipped) {
		fprintf(out, "\"skipped\": \"%s\"}", row->skipped);
		return;
	}
	fprintf(out, "\"unit\": \"%s\", \"vmlab\": %.6g, ", row->unit, row->ours);
	if (row->theirs >= 0)
		fprintf(out, "\"peer_figure\": %.6g, \"ratio\": %.4f, ", row->theirs, figure(row));
	if (row->target)
		fprintf(out, "\"target\": %.4g, \"at_least\": %s, \"met\": %s}", row->target,
			row->at_least ? "true" : "false",
			strcmp(verdict(row), "met") ? "false" : "true");
	else
		fprintf(out, "\"target\": null}");
}

bool rows_json(const char *path, const char *mode)
{
	FILE *out = fopen(path, "w");
	struct utsname name;

	if (!out)
		return false;
	uname(&name);
	fprintf(out, "{\n  \"kernel\": \"%s\",\n  \"mode\": \"%s\",\n  \"rows\": [\n", name.release,
		mode);
	for (size_t i = 0; i < count; i++) {
		json_row(out, &rows[i]);
		fputs(i + 1 < count ? ",\n" : "\n", out);
	}
	fputs("  ]\n}\n", out);
	return !fclose(out);
}
