/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TABLE_H
#define TABLE_H

#include <stdio.h>

struct table;

/**
 * table_new() - a table whose columns get as wide as their widest cell
 * @heads:	the columns' titles; one that begins with '>' is aligned right
 * @columns:	how many there are
 *
 * Ends the program if memory runs out, as all table functions do.
 */
struct table *table_new(const char *const *heads, int columns);

/* Fills the next cell, row by row. What is not printable becomes '?'. */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

void table_print(const struct table *table, FILE *out);
void table_free(struct table *table);

#endif /* TABLE_H */
