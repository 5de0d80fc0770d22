// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab stat: figures of the module, or of one region.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "command.h"
#include "fail.h"
#include "figures.h"
#include "json.h"
#include "number.h"
#include "term.h"

struct options {
	bool bytes;
	bool json;
	bool one;		/* the region @id is asked for */
	uint64_t id;
	int fd;			/* -1: not given */
};

static const struct argp_option options[] = {
	{ "bytes", 'b', NULL, 0, "Print sizes as numbers of bytes", 0 },
	{ "fd", 'f', "N", 0, "The region of descriptor N, which the shell passed on", 0 },
	{ "json", 'j', NULL, 0, "Print JSON, for programs", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opts = state->input;

	switch (key) {
	case 'b':
		opts->bytes = true;
		return 0;
	case 'f':
		if (!number_int(arg, &opts->fd))
			argp_error(state, "\"%s\" is not the number of a descriptor", arg);
		return 0;
	case 'j':
		opts->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (opts->one)
			argp_error(state, "it takes one region, but there is \"%s\" too", arg);
		if (!number_u64(arg, &opts->id))
			argp_error(state, "\"%s\" is not the id of a region: \"vmlab ls\" lists them",
				   arg);
		opts->one = true;
		return 0;
	case ARGP_KEY_END:
		if (opts->one && opts->fd >= 0)
			argp_error(state, "give the id of a region or --fd, not both");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[ID]",
	.doc = "Show the totals of the module, or the figures of the region ID.",
};

static void line_u64(const char *name, uint64_t value, const char *note)
{
	printf("%-18s %10" PRIu64 "%s%s\n", name, value, *note ? "  " : "", note);
}

static void line_bytes(const char *name, uint64_t value, bool exact)
{
	printf("%-18s %10s\n", name, size_text(value, exact).text);
}

static void print_region(const struct vmlab_stat *stat, uint32_t page_size, bool bytes)
{
	printf("%sregion %" PRIu64 "%s, opened by %s, process %u (%s)\n", term_colour(TERM_BOLD),
	       (uint64_t)stat->id, term_colour(TERM_PLAIN), figures_user(stat).text, stat->pid,
	       figures_command(stat).text);
	printf("%-18s %10s%s%s%s%s\n", "backing", figures_backing(stat).text,
	       stat->flags & VMLAB_REGION_STRICT ? ", strict" : "",
	       stat->flags & VMLAB_REGION_TRACK_DIRTY ? ", writes are tracked" : "",
	       stat->flags & VMLAB_REGION_COW_FORK ? ", copied at forks" : "",
	       stat->flags & VMLAB_REGION_HUGE ? ", huge pages" : "");
	line_bytes("size", stat->size, bytes);
	line_bytes("resident", stat->resident * page_size, bytes);
	line_bytes("stored", stat->stored * page_size, bytes);
	line_bytes("dirty", stat->dirty * page_size, bytes);
	line_u64("mappings", stat->mappings, "");
	line_u64("faults", stat->faults, "of which");
	line_u64("  first touch", stat->first_touch, "made pages appear");
	line_u64("  refault", stat->refault, "found the page there, only not mapped");
	line_u64("  swap-in", stat->swap_faults, "found it in the pool's store");
	line_u64("  write notify", stat->write_notify, "noticed a first write");
	line_u64("  sigbus", stat->sigbus, "could not be served");
	line_u64("copy-on-write", stat->cow_faults, "faults that made a page the region's alone");
	line_u64("zero-filled", stat->zero_filled, "pages");
	line_u64("read in", stat->read_in, "pages");
	line_u64("swapped in", stat->swapped_in, "pages, from the pool's store");
	line_u64("evicted", stat->evicted, "pages, to the pool's store");
	line_u64("copied", stat->cow_copies, "pages, because other regions have them as well");
	if (stat->flags & VMLAB_REGION_HUGE) {
		line_u64("huge pages made", stat->huge_made, "");
		line_u64("  split", stat->huge_split, "small pages took their places");
		line_u64("  missed", stat->huge_fallback, "no memory for one, or no room");
	}
	line_u64("written back", stat->written_back, "pages");
	line_u64("discarded", stat->discarded, "dirty pages that never had to be written");
	line_u64("write-back errors", stat->writeback_errors, "");
}

static int show_region(const struct vmlab_stat *stat, uint32_t page_size,
		       const struct options *opts)
{
	struct json_object *object;

	if (!opts->json) {
		print_region(stat, page_size, opts->bytes);
		return 0;
	}
	object = figures_json(stat, page_size);
	json_print(object);
	json_object_put(object);
	return 0;
}

static int stat_fd(const struct options *opts)
{
	struct vmlab_features features;
	struct vmlab_stat stat;
	int ret = vmlab_stat(opts->fd, &stat);

	if (!ret)
		ret = vmlab_features(opts->fd, &features);
	if (ret)
		return fail_fd(opts->fd, VMLAB_OP_STAT, ret);
	return show_region(&stat, features.page_size, opts);
}

static int stat_id(const struct vmlab_stat *list, size_t count, uint32_t page_size,
		   const struct options *opts)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].id == opts->id)
			return show_region(&list[i], page_size, opts);
	}
	return fail("there is no region %" PRIu64 " that you may see: \"vmlab ls\" lists them; root sees all",
		    opts->id);
}

/* Sums over the regions that the caller may see. */
static struct vmlab_stat sum_up(const struct vmlab_stat *list, size_t count)
{
	struct vmlab_stat sum = { 0 };

	for (size_t i = 0; i < count; i++) {
		sum.mappings += list[i].mappings;
		sum.resident += list[i].resident;
		sum.stored += list[i].stored;
		sum.dirty += list[i].dirty;
		sum.faults += list[i].faults;
		sum.cow_copies += list[i].cow_copies;
		sum.written_back += list[i].written_back;
		sum.writeback_errors += list[i].writeback_errors;
	}
	return sum;
}

static void totals_json(const struct vmlab_features *f, size_t visible,
			const struct vmlab_stat *sum)
{
	struct json_object *object = json_object_new_object();

	json_add_u64(object, "page_size", f->page_size);
	json_add_u64(object, "features", f->features);
	json_add_u64(object, "regions", f->regions);
	json_add_u64(object, "held_bytes", f->pages * f->page_size);
	json_add_u64(object, "max_bytes", f->pages_max * f->page_size);
	json_add_u64(object, "lost_pages", f->pages_lost);
	json_add_u64(object, "visible_regions", visible);
	json_add_u64(object, "resident_bytes", sum->resident * f->page_size);
	json_add_u64(object, "stored_bytes", sum->stored * f->page_size);
	json_add_u64(object, "dirty_bytes", sum->dirty * f->page_size);
	json_add_u64(object, "mappings", sum->mappings);
	json_add_u64(object, "faults", sum->faults);
	json_add_u64(object, "cow_copies", sum->cow_copies);
	json_add_u64(object, "written_back_pages", sum->written_back);
	json_add_u64(object, "writeback_errors", sum->writeback_errors);
	json_print(object);
	json_object_put(object);
}

static void print_totals(const struct vmlab_features *f, size_t visible,
			 const struct vmlab_stat *sum, bool bytes)
{
	line_u64("regions", f->regions, "");
	printf("%-18s %10s  of at most %s\n", "memory held",
	       size_text(f->pages * f->page_size, bytes).text,
	       size_text(f->pages_max * f->page_size, bytes).text);
	line_u64("lost", f->pages_lost, "dirty pages that could not be written to their file");
	if (!visible)
		return;
	printf("\nThe regions you may see (%zu), together:\n", visible);
	line_bytes("resident", sum->resident * f->page_size, bytes);
	line_bytes("stored", sum->stored * f->page_size, bytes);
	line_bytes("dirty", sum->dirty * f->page_size, bytes);
	line_u64("mappings", sum->mappings, "");
	line_u64("faults", sum->faults, "");
	line_u64("copied", sum->cow_copies, "pages, because several regions had them");
	line_u64("written back", sum->written_back, "pages");
	line_u64("write-back errors", sum->writeback_errors, "");
}

static int show_totals(const struct vmlab_features *features, const struct vmlab_stat *list,
		       size_t count, const struct options *opts)
{
	struct vmlab_stat sum = sum_up(list, count);

	if (opts->json)
		totals_json(features, count, &sum);
	else
		print_totals(features, count, &sum, opts->bytes);
	return 0;
}

int cmd_stat(int argc, char **argv)
{
	struct options opts = { .fd = -1 };
	struct vmlab_features features;
	struct vmlab_stat *list;
	size_t count;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	term_set_colour("auto");
	if (opts.fd >= 0)
		return stat_fd(&opts) ? EXIT_FAILURE : EXIT_SUCCESS;

	if (figures_list(&list, &count, &features))
		return EXIT_FAILURE;
	if (opts.one)
		ret = stat_id(list, count, features.page_size, &opts);
	else
		ret = show_totals(&features, list, count, &opts);
	free(list);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
