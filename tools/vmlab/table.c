// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "table.h"
#include "term.h"

struct table {
	const char *const *heads;
	int columns;
	int cells;
	char **text;
	int *width;
};

static void __attribute__((noreturn)) no_memory(void)
{
	fail("there is not enough memory: close programs and try again");
	exit(EXIT_FAILURE);
}

static const char *title(const struct table *table, int column)
{
	const char *head = table->heads[column];

	return *head == '>' ? head + 1 : head;
}

struct table *table_new(const char *const *heads, int columns)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		no_memory();
	table->heads = heads;
	table->columns = columns;
	table->width = calloc((size_t)columns, sizeof(*table->width));
	if (!table->width)
		no_memory();
	for (int i = 0; i < columns; i++)
		table->width[i] = (int)strlen(title(table, i));
	return table;
}

void table_cell(struct table *table, const char *format, ...)
{
	int column = table->cells % table->columns;
	char *text = NULL, **grown;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		no_memory();

	for (char *c = text; *c; c++) {
		if (!isprint((unsigned char)*c))
			*c = '?';
	}
	grown = realloc(table->text, (size_t)(table->cells + 1) * sizeof(*grown));
	if (!grown)
		no_memory();
	table->text = grown;
	table->text[table->cells++] = text;	/* the table's from here on */
	if (length > table->width[column])
		table->width[column] = length;
}

static void print_cell(const struct table *table, FILE *out, int column, const char *text)
{
	bool last = column == table->columns - 1;

	if (table->heads[column][0] == '>')
		fprintf(out, "%*s", table->width[column], text);
	else if (last)
		fputs(text, out);
	else
		fprintf(out, "%-*s", table->width[column], text);
	fputs(last ? "\n" : "  ", out);
}

void table_print(const struct table *table, FILE *out)
{
	fputs(term_colour(TERM_BOLD), out);
	for (int i = 0; i < table->columns; i++)
		print_cell(table, out, i, title(table, i));
	fputs(term_colour(TERM_PLAIN), out);
	for (int i = 0; i < table->cells; i++)
		print_cell(table, out, i % table->columns, table->text[i]);
}

void table_free(struct table *table)
{
	for (int i = 0; i < table->cells; i++)
		free(table->text[i]);
	free(table->text);
	free(table->width);
	free(table);
}
