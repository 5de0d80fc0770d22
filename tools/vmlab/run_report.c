// SPDX-License-Identifier: GPL-2.0
/* vmlab run --stat: where a program's memory was. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmlab.h>

#include "fail.h"
#include "launch.h"
#include "run_report.h"
#include "size.h"

static void line(const char *name, const char *value, const char *note)
{
	fprintf(stderr, "  %-18s %10s%s%s\n", name, value, *note ? "  " : "", note);
}

static void line_bytes(const char *name, uint64_t bytes, const char *note)
{
	line(name, size_text(bytes, false).text, note);
}

static void line_count(const char *name, uint64_t count, const char *note)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, count);
	line(name, text, note);
}

static void line_maps(const char *name, uint64_t maps, uint64_t bytes, const char *why)
{
	char note[96];

	snprintf(note, sizeof(note), "in %" PRIu64 " mapping%s%s%s", maps, maps == 1 ? "" : "s",
		 *why ? ": " : "", why);
	line_bytes(name, bytes, note);
}

static void print_maps(const struct launch *launch)
{
	static const char *const reasons[RUN_REASONS] = {
		[RUN_SHARED] = "shared between processes",
		[RUN_SPECIAL] = "huge pages, locked, or growing downwards",
		[RUN_FAILED] = "a region could not be mapped",
	};
	const struct run_figures *figures = launch->figures;

	line_maps("mapped in regions", figures->maps, figures->mapped_bytes, "");
	for (int i = 0; i < RUN_REASONS; i++) {
		if (figures->kernel_maps[i])
			line_maps("left to the kernel", figures->kernel_maps[i],
				  figures->kernel_bytes[i], reasons[i]);
	}
	line_bytes("the kernel's", launch->anonymous,
		   "of anonymous memory, at most, with stacks and variables");
}

/* Of the program itself, whatever became of it, and of others that ended by exit(). */
static void print_faults(const struct launch *launch, const struct vmlab_stat *stat)
{
	const struct run_figures *figures = launch->figures;

	line_count("faults", stat->faults + figures->faults, "of which");
	line_count("  first touch", stat->first_touch + figures->first_touch, "made pages appear");
	line_count("  swapped", stat->swap_faults + figures->swap_faults, "found the page stored");
	line_count("brought back", stat->swapped_in + figures->swapped_in, "pages");
	line_count("copied", stat->cow_copies + figures->cow_copies, "pages that a fork or mremap() had shared");
}

static void print_pool(const struct vmlab_pool_stat *pool, uint64_t page_size)
{
	bool limited = pool->budget != VMLAB_POOL_UNLIMITED_BUDGET;
	double stored = (double)(pool->stored * page_size);
	bool file = !strcmp((const char *)pool->store, "file");
	char note[128] = "";

	if (limited)
		snprintf(note, sizeof(note), "of at most %s, policy %s",
			 size_text(pool->budget, false).text, (const char *)pool->policy);
	line_bytes("resident", pool->resident * page_size, note);
	*note = 0;
	if (pool->front)
		snprintf(note, sizeof(note), "in %s of memory, %s, and in %s of the file",
			 size_text(pool->front_bytes, false).text, (const char *)pool->codec,
			 size_text(pool->stored_bytes, false).text);
	else if (pool->stored_bytes && file)
		snprintf(note, sizeof(note), "in %s of the file",
			 size_text(pool->stored_bytes, false).text);
	else if (pool->stored_bytes)
		snprintf(note, sizeof(note), "in %s of memory, %.1f to 1, %s",
			 size_text(pool->stored_bytes, false).text,
			 stored / (double)pool->stored_bytes, (const char *)pool->codec);
	line_bytes("stored", pool->stored * page_size, note);
	line_count("evicted", pool->evicted, "pages");
	line_count("refused", pool->refused, "times a page that was to go was in use");
	line_count("store errors", pool->store_errors, "");
	if (pool->checksum_errors)
		line_count("checksum errors", pool->checksum_errors,
			   "pages that were stored came back otherwise");
}

void run_report(const char *program, const struct launch *launch)
{
	struct vmlab_features features;
	struct vmlab_pool_stat pool;
	struct vmlab_stat stat;
	int ret = vmlab_stat(launch->terms.first, &stat);

	if (!ret)
		ret = vmlab_features(launch->terms.first, &features);
	if (!ret)
		ret = vmlab_pool_stat(launch->terms.root, &pool);
	if (ret) {
		fail_op(VMLAB_OP_STAT, ret);
		return;
	}
	fprintf(stderr, "vmlab run: %s ended with status %d\n", program, launch->status);
	line_count("programs", launch->figures->programs,
		   launch->figures->apart ? "not all of them in the pool" : "");
	print_maps(launch);
	print_faults(launch, &stat);
	print_pool(&pool, features.page_size);
}
