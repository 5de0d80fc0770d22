// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab ls: the regions on the system.
 */
#include <argp.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "command.h"
#include "figures.h"
#include "json.h"
#include "table.h"
#include "term.h"

struct options {
	bool bytes;
	bool json;
};

static const struct argp_option options[] = {
	{ "bytes", 'b', NULL, 0, "Print sizes as numbers of bytes", 0 },
	{ "json", 'j', NULL, 0, "Print JSON, for programs", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opts = state->input;

	(void)arg;
	switch (key) {
	case 'b':
		opts->bytes = true;
		return 0;
	case 'j':
		opts->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "it takes no arguments, but there is \"%s\"", arg);
		return EINVAL;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "List the regions on the system: those of your own, or all if you are root.",
};

static void print_json(const struct vmlab_stat *list, size_t count, uint32_t page_size)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		json_object_array_add(array, figures_json(&list[i], page_size));
	json_print(array);
	json_object_put(array);
}

static void print_table(const struct vmlab_stat *list, size_t count, uint32_t page_size, bool bytes)
{
	static const char *const heads[] = {
		">ID",
		"USER",
		">PID",
		"COMMAND",
		">SIZE",
		">RESIDENT",
		">STORED",
		">DIRTY",
		">MAPS",
		"BACKING",
	};
	struct table *table = table_new(heads, sizeof(heads) / sizeof(heads[0]));

	for (size_t i = 0; i < count; i++) {
		const struct vmlab_stat *stat = &list[i];

		table_cell(table, "%" PRIu64, (uint64_t)stat->id);
		table_cell(table, "%s", figures_user(stat).text);
		table_cell(table, "%u", stat->pid);
		table_cell(table, "%s", figures_command(stat).text);
		table_cell(table, "%s", size_text(stat->size, bytes).text);
		table_cell(table, "%s", size_text(stat->resident * page_size, bytes).text);
		table_cell(table, "%s", size_text(stat->stored * page_size, bytes).text);
		table_cell(table, "%s", size_text(stat->dirty * page_size, bytes).text);
		table_cell(table, "%" PRIu64, (uint64_t)stat->mappings);
		table_cell(table, "%s%s%s", figures_backing(stat).text,
			   stat->flags & VMLAB_REGION_COW_FORK ? " cow-fork" : "",
			   stat->flags & VMLAB_REGION_HUGE ? " huge" : "");
	}
	table_print(table, stdout);
	table_free(table);
}

int cmd_ls(int argc, char **argv)
{
	struct options opts = { 0 };
	struct vmlab_features features;
	struct vmlab_stat *list;
	size_t count;

	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	term_set_colour("auto");
	if (figures_list(&list, &count, &features))
		return EXIT_FAILURE;

	if (opts.json)
		print_json(list, count, features.page_size);
	else if (count)
		print_table(list, count, features.page_size, opts.bytes);
	else
		puts("There are no regions that you may see; \"vmlab demo\" makes some.");
	free(list);
	return EXIT_SUCCESS;
}
