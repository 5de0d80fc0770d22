// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab pool: what a region and its clones may take, what becomes of the rest, and why.
 */
#include <argp.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vmlab.h>

#include "command.h"
#include "fail.h"
#include "histogram.h"
#include "json.h"
#include "number.h"
#include "size.h"
#include "store.h"
#include "target.h"
#include "term.h"

enum {
	KEY_BUDGET = 1000,
	KEY_POLICY,
	KEY_CODEC,
	KEY_STORE,
	KEY_STORE_LIMIT,
	KEY_FRONT,
	KEY_HISTOGRAMS,
	KEY_LATENCY,
};

struct options {
	struct target target;
	struct vmlab_pool_set set;
	struct store_option store;
	bool bytes;
	bool json;
	bool histograms;
};

/* A pool as it is shown. */
struct view {
	uint64_t region;
	uint32_t page_size;
	struct vmlab_pool_stat stat;
	struct vmlab_histogram histograms[VMLAB_HISTOGRAMS];
};

static const struct argp_option options[] = {
	{ "budget", KEY_BUDGET, "SIZE", 0, "Memory for its pages: 64K or more, or none", 0 },
	{ "bytes", 'b', NULL, 0, "Print sizes as numbers of bytes", 0 },
	{ "codec", KEY_CODEC, "NAME", 0, "What compresses stored pages: lz4, zstd or lzo-rle", 0 },
	{ "fd", 'f', "N", 0, "The region of descriptor N, which the shell passed on", 0 },
	{ "front", KEY_FRONT, "SIZE", 0, "Memory for compressed pages in front of the file", 0 },
	{ "histograms", KEY_HISTOGRAMS, NULL, 0,
	  "Show, too, how long faults took, and how soon pages came back", 0 },
	{ "json", 'j', NULL, 0, "Print JSON, for programs", 0 },
	{ "latency", KEY_LATENCY, "on|off", 0, "Measure how long faults take, or do not", 0 },
	{ "policy", KEY_POLICY, "NAME", 0,
	  "What chooses pages: random, fifo, clock, lru, 2q, arc, sieve, s3fifo or lirs", 0 },
	{ "store", KEY_STORE, "zs|file:PATH", 0, "Store pages in memory, or in a file", 0 },
	{ "store-limit", KEY_STORE_LIMIT, "SIZE", 0, "What the store may take, or none", 0 },
	{ 0 },
};

/* A size, or @none for the word "none". */
static uint64_t parse_size(const char *option, const char *arg, uint64_t none,
			   struct argp_state *state)
{
	uint64_t bytes = 0;

	if (!strcmp(arg, "none"))
		return none;
	if (!number_size(arg, &bytes) || !bytes)
		argp_error(state, "--%s takes a size, as 64M, or none, not \"%s\"", option, arg);
	return bytes;
}

static void parse_name(const char *option, const char *arg, __u8 *name, struct argp_state *state)
{
	if (!*arg || strlen(arg) >= VMLAB_POOL_NAME)
		argp_error(state, "--%s takes a name, not \"%s\"", option, arg);
	else
		memcpy(name, arg, strlen(arg) + 1);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opts = state->input;
	struct vmlab_pool_set *set = &opts->set;

	switch (key) {
	case KEY_BUDGET:
		set->what |= VMLAB_POOL_BUDGET;
		set->budget = parse_size("budget", arg, VMLAB_POOL_UNLIMITED_BUDGET, state);
		return 0;
	case KEY_STORE:
		store_parse(arg, &opts->store, set, state);
		return 0;
	case KEY_STORE_LIMIT:
		set->what |= VMLAB_POOL_STORE_LIMIT;
		set->store_limit = parse_size("store-limit", arg, 0, state);
		return 0;
	case KEY_FRONT:
		set->what |= VMLAB_POOL_FRONT;
		if (!number_size(arg, (uint64_t *)&set->front) || !set->front)
			argp_error(state, "--front takes a size, as 64M, not \"%s\"", arg);
		return 0;
	case KEY_POLICY:
		set->what |= VMLAB_POOL_POLICY;
		parse_name("policy", arg, set->policy, state);
		return 0;
	case KEY_CODEC:
		set->what |= VMLAB_POOL_CODEC;
		parse_name("codec", arg, set->codec, state);
		return 0;
	case KEY_LATENCY:
		set->what |= VMLAB_POOL_LATENCY;
		set->latency = !strcmp(arg, "on");
		if (!set->latency && strcmp(arg, "off") != 0)
			argp_error(state, "--latency takes on or off, not \"%s\"", arg);
		return 0;
	case KEY_HISTOGRAMS:
		opts->histograms = true;
		return 0;
	case 'b':
		opts->bytes = true;
		return 0;
	case 'j':
		opts->json = true;
		return 0;
	}
	if (key == ARGP_KEY_END && set->what && opts->histograms)
		argp_error(state, "what sets something shows nothing: leave out --histograms");
	return target_parse(key, arg, state, &opts->target);
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PID [ID]\n--fd=N",
	.doc = "Show the pool of the region that the process PID has mapped, which the region has in common "
	       "with its clones, or with the other files of its mount; or set its budget, its policy and its "
	       "store.",
};

static bool in_file(const struct view *view)
{
	return !strcmp((const char *)view->stat.store, "file");
}

/* Why pages that should be stored are not, or are not to be had back; NULL if there is nothing. */
static const char *reason(const struct view *view)
{
	const struct vmlab_pool_stat *stat = &view->stat;
	bool file = in_file(view);

	if (stat->checksum_errors && stat->front)
		return "the file, or memory in front of it, gave back pages otherwise than it had "
		       "been given them, or not at all, and who touches them gets SIGBUS: see who "
		       "else writes to the file, and check its disk (\"dmesg\") and the memory";
	if (stat->checksum_errors && file)
		return "the file gave back pages otherwise than it had been given them, or not at "
		       "all, and who touches them gets SIGBUS: see who else writes to it, and "
		       "check its disk (\"dmesg\")";
	if (stat->checksum_errors)
		return "the store gave back pages that it had been given otherwise, and who touches them gets "
		       "SIGBUS: check the machine's memory";
	if (stat->store_errors && stat->store_limit &&
	    stat->stored_bytes + view->page_size > stat->store_limit)
		return "the store is at its limit, and pages stay in memory: raise the budget";
	if (stat->store_errors && file)
		return "the file could not take pages, which stay in memory: it or its disk is "
		       "full, or fails (\"dmesg\")";
	if (stat->store_errors)
		return "the store could not take pages, at its limit or without memory";
	if (stat->budget != VMLAB_POOL_UNLIMITED_BUDGET &&
	    stat->resident * view->page_size > stat->budget)
		return "more is in memory than the budget allows, as some pages cannot leave: they are held by a "
		       "device or a system call, huge, or not written back to their file yet";
	return NULL;
}

static double quotient(uint64_t pages, const struct view *view, uint64_t bytes)
{
	return bytes ? (double)(pages * view->page_size) / (double)bytes : 0;
}

/* Of bytes that are not in memory, how many there are for each byte that the store takes. */
static double ratio(const struct view *view)
{
	return quotient(view->stat.stored, view, view->stat.stored_bytes + view->stat.front_bytes);
}

/* How well what the store has could be compressed. */
static double compression(const struct view *view)
{
	return quotient(view->stat.copies, view, view->stat.copied_bytes);
}

static void line(const char *name, const char *value, const char *note)
{
	printf("%-18s %10s%s%s\n", name, value, *note ? "  " : "", note);
}

static void line_count(const char *name, uint64_t count, const char *note)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, count);
	line(name, text, note);
}

/* The tier in memory of a store in a file. */
static void print_front(const struct vmlab_pool_stat *stat, bool bytes)
{
	char note[96];

	snprintf(note, sizeof(note), "of memory in front of the file, at most %s",
		 size_text(stat->front, bytes).text);
	line("  front", size_text(stat->front_bytes, bytes).text, note);
	line_count("  in front", stat->front_copies, "pages");
	line_count("  moved", stat->moved, "pages went from there to the file");
}

static void print_store(const struct view *view, bool bytes)
{
	const struct vmlab_pool_stat *stat = &view->stat;
	char rate[32] = "", note[96];

	if (stat->stored && stat->stored_bytes)
		snprintf(rate, sizeof(rate), "%.1f to 1, ", ratio(view));
	snprintf(note, sizeof(note), "of %s, %s%s%s", in_file(view) ? "the file" : "memory", rate,
		 stat->store_limit ? "at most " : "without limit",
		 stat->store_limit ? size_text(stat->store_limit, bytes).text : "");
	line("  take", size_text(stat->stored_bytes, bytes).text, note);
	*rate = 0;
	if (stat->copied_bytes)
		snprintf(rate, sizeof(rate), "%.1f to 1", compression(view));
	line("  compressed", rate, "those among them that are back in memory");
	if (stat->front)
		print_front(stat, bytes);
	line_count("  same-filled", stat->same_filled, "pages, which take nothing");
	if (!in_file(view) || stat->front)
		line_count("  incompressible", stat->incompressible, "pages, which are stored as they are");
}

static void print_faults(const struct vmlab_pool_stat *stat)
{
	line_count("faults", stat->faults, "of which");
	line_count("  first touch", stat->first_touch, "made pages appear");
	line_count("  refault", stat->refault, "found the page there, only not mapped");
	line_count("  swap-in", stat->swap_faults, "found it in the store");
	line_count("copy-on-write", stat->cow_faults, "faults that made a page one region's alone");
}

static void print_working_set(const struct view *view, bool bytes)
{
	uint64_t pages = view->stat.working_set;

	if (pages)
		line("working set", size_text(pages * view->page_size, bytes).text,
		     "of memory would have kept nine of ten pages that came back");
	else
		line("working set", "-", "no page has come back");
}

static void print_view(const struct view *view, bool bytes)
{
	const struct vmlab_pool_stat *stat = &view->stat;
	bool limited = stat->budget != VMLAB_POOL_UNLIMITED_BUDGET;
	const char *why = reason(view);

	printf("%spool of region %" PRIu64 "%s\n", term_colour(TERM_BOLD), view->region,
	       term_colour(TERM_PLAIN));
	line("budget", limited ? size_text(stat->budget, bytes).text : "none", "");
	line("policy", *stat->policy ? (const char *)stat->policy : "none", "");
	line("store", *stat->store ? (const char *)stat->store : "none", "");
	line("codec", *stat->codec ? (const char *)stat->codec : "none", "");
	line("resident", size_text(stat->resident * view->page_size, bytes).text, "");
	line("stored", size_text(stat->stored * view->page_size, bytes).text, "");
	print_store(view, bytes);
	line("dirty", size_text(stat->dirty * view->page_size, bytes).text, "");
	line("pinned", size_text(stat->pinned * view->page_size, bytes).text, "");
	print_faults(stat);
	print_working_set(view, bytes);
	line_count("swapped in", stat->swapped_in, "pages");
	line_count("evicted", stat->evicted, "pages");
	line_count("refused", stat->refused, "times a page was chosen, but stayed");
	line_count("store errors", stat->store_errors, "");
	line_count("checksum errors", stat->checksum_errors, "");
	if (why)
		printf("%s\n", why);
}

/* A size, or null if there is no limit. */
static void add_limit(struct json_object *object, const char *key, uint64_t bytes, uint64_t none)
{
	if (bytes == none)
		json_object_object_add(object, key, NULL);
	else
		json_add_u64(object, key, bytes);
}

/* A text, or null. */
static void add_text(struct json_object *object, const char *key, const char *text)
{
	if (text && *text)
		json_add_text(object, key, text);
	else
		json_object_object_add(object, key, NULL);
}

static void print_json(const struct view *view, const struct options *opts)
{
	struct json_object *object = json_object_new_object();
	const struct vmlab_pool_stat *stat = &view->stat;

	json_add_u64(object, "region", view->region);
	json_add_u64(object, "page_size", view->page_size);
	add_limit(object, "budget_bytes", stat->budget, VMLAB_POOL_UNLIMITED_BUDGET);
	add_text(object, "policy", (const char *)stat->policy);
	add_text(object, "store", (const char *)stat->store);
	add_text(object, "codec", (const char *)stat->codec);
	json_add_u64(object, "resident_bytes", stat->resident * view->page_size);
	json_add_u64(object, "stored_bytes", stat->stored * view->page_size);
	json_add_u64(object, "store_bytes", stat->stored_bytes);
	add_limit(object, "store_limit_bytes", stat->store_limit, 0);
	add_limit(object, "front_limit_bytes", stat->front, 0);
	json_add_u64(object, "front_bytes", stat->front_bytes);
	json_add_u64(object, "front_copies_pages", stat->front_copies);
	json_add_u64(object, "moved_pages", stat->moved);
	json_object_object_add(object, "ratio", json_object_new_double(ratio(view)));
	json_add_u64(object, "copies_pages", stat->copies);
	json_add_u64(object, "copied_bytes", stat->copied_bytes);
	json_object_object_add(object, "compression", json_object_new_double(compression(view)));
	json_add_u64(object, "id", stat->id);
	json_add_u64(object, "regions", stat->regions);
	json_add_u64(object, "dirty_bytes", stat->dirty * view->page_size);
	json_add_u64(object, "pinned_bytes", stat->pinned * view->page_size);
	json_add_u64(object, "faults", stat->faults);
	json_add_u64(object, "first_touch", stat->first_touch);
	json_add_u64(object, "refault", stat->refault);
	json_add_u64(object, "swap_faults", stat->swap_faults);
	json_add_u64(object, "cow_faults", stat->cow_faults);
	json_add_u64(object, "swapped_in_pages", stat->swapped_in);
	add_limit(object, "working_set_bytes", stat->working_set * view->page_size, 0);
	json_add_u64(object, "same_filled_pages", stat->same_filled);
	json_add_u64(object, "incompressible_pages", stat->incompressible);
	json_add_u64(object, "evicted_pages", stat->evicted);
	json_add_u64(object, "refused", stat->refused);
	json_add_u64(object, "store_errors", stat->store_errors);
	json_add_u64(object, "checksum_errors", stat->checksum_errors);
	add_text(object, "reason", reason(view));
	if (opts->histograms) {
		json_add_bool(object, "latency", stat->latency);
		json_object_object_add(object, "histograms", histograms_json(view->histograms));
	}
	json_print(object);
	json_object_put(object);
}

static int show(int region, const struct options *opts)
{
	struct vmlab_features features;
	struct vmlab_stat stat;
	struct view view;
	int ret = vmlab_stat(region, &stat);

	if (!ret)
		ret = vmlab_features(region, &features);
	if (!ret)
		ret = vmlab_pool_stat(region, &view.stat);
	if (!ret && opts->histograms)
		ret = vmlab_pool_histograms(region, view.histograms, VMLAB_HISTOGRAMS);
	if (ret)
		return fail_op(VMLAB_OP_POOL_STAT, ret);
	view.region = stat.id;
	view.page_size = features.page_size;
	if (opts->json) {
		print_json(&view, opts);
		return 0;
	}
	print_view(&view, opts->bytes);
	if (opts->histograms)
		histograms_print(view.histograms, view.stat.latency);
	return 0;
}

int cmd_pool(int argc, char **argv)
{
	struct options opts = { .target = { .fd = -1 } };
	int region, ret;

	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	term_set_colour("auto");
	opts.target.access = opts.set.what ? O_RDWR : O_RDONLY;
	region = target_open(&opts.target);
	if (region < 0)
		return EXIT_FAILURE;
	if (opts.set.what)
		ret = store_pool_set(region, &opts.store, &opts.set);
	else
		ret = show(region, &opts);
	close(region);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
