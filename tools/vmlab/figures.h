/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FIGURES_H
#define FIGURES_H

#include <vmlab.h>

#include "size.h"

struct json_object;

/* "zero", "file", or "backing 7" */
struct size_text figures_backing(const struct vmlab_stat *stat);

/* The name of the user who opened the region, or the number. */
struct size_text figures_user(const struct vmlab_stat *stat);

/* The name of the process that opened it, fit to be printed. */
struct size_text figures_command(const struct vmlab_stat *stat);

/* The whole region as a JSON object. */
struct json_object *figures_json(const struct vmlab_stat *stat, uint32_t page_size);

/**
 * figures_list() - the regions on the system without the one of the asking
 * @list:	set to an array that the caller frees with free()
 * @count:	set to its entries
 * @features:	filled; regions does not count the one of the asking either
 *
 * Return: 0, or -1 after a sentence on stderr.
 */
int figures_list(struct vmlab_stat **list, size_t *count, struct vmlab_features *features);

/* The same for pools. */
int figures_pools(struct vmlab_pool_stat **list, size_t *count);

#endif /* FIGURES_H */
