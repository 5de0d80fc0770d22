// SPDX-License-Identifier: GPL-2.0
/* The table of operations: a new one is a row here, a prediction and what does it. */
#include "differ.h"

#include <string.h>

#define OP(words, weight, features, name)	\
	{ words, weight, features, predict_##name, run_##name }

const struct op ops[] = {
	OP("opens %R with %N pages %f", 6, 0, open),
	OP("closes %r", 3, 0, close),
	OP("clones %r as %R", 12, VMLAB_FEATURE_CLONE, clone),
	{ "clones the memory at %m as %R", 8, VMLAB_FEATURE_CLONE, predict_clone_memory,
	  run_clone },
	OP("opens the region at %m as %R", 5, VMLAB_FEATURE_CLONE, reopen),
	OP("preads %l bytes of %r at %o", 4, 0, pread),
	OP("pwrites %l bytes to %r at %o as %z", 12, 0, pwrite),
	OP("reads %l bytes of %r", 4, 0, read),
	OP("writes %l bytes to %r as %z", 6, 0, write),
	OP("preads %l bytes of %r at %o into %m + %d", 8, 0, pread_into),
	OP("pwrites %l bytes to %r at %o from %m + %d", 8, 0, pwrite_from),
	OP("seeks %r to %o", 4, 0, seek),
	OP("seeks %r for %w from %o", 6, 0, seek_for),
	OP("punches %h bytes of %r at %o", 8, 0, punch),
	OP("allocates %h bytes of %r at %o %k", 4, 0, allocate),
	OP("truncates %r to %o", 7, 0, truncate),
	OP("links %n pages of %r from page %g to %r at page %g", 9, VMLAB_FEATURE_CLONE, link),
	OP("marks %n pages of %r from page %g as %z", 3, 0, mark),
	OP("limits the memory of %r", 2, VMLAB_FEATURE_POOL, budget),
	OP("maps %n pages of %r from page %g at %M %s %p", 18, 0, map),
	OP("unmaps %n pages at %m", 5, 0, unmap),
	OP("moves %n pages at %m to %M as %n", 7, 0, move),
	OP("resizes %n pages at %m to %n", 5, 0, resize),
	OP("maps what is at %m again at %M for %n pages", 4, 0, duplicate),
	OP("protects %n pages at %m %p", 7, 0, protect),
	OP("drops %n pages at %m", 6, 0, drop),
	OP("removes %n pages at %m", 6, 0, remove),
	OP("stores %l bytes at %m + %d as %z", 24, 0, store),
	OP("loads %l bytes at %m + %d", 12, 0, load),
	OP("races %l bytes at %m as %z with %a at %m", 10, 0, race),
	OP("waits at %m + %u", 5, 0, wait),
	OP("wakes %n at %m + %u", 5, 0, wake),
	OP("makes a mutex at %m + %u", 6, 0, make_mutex),
	OP("takes %n turns at the mutex at %m + %u with %a at %m", 6, 0, use_mutex),
	OP("forks %A", 9, 0, fork),
	OP("ends", 6, 0, end),
	{ "compares files", 6, 0, predict_compare_files, NULL },
	{ "compares everything", 7, 0, predict_compare_all, NULL },
	{ "spoils %r at %o", 0, 0, predict_spoil, run_pwrite },
};

const struct op op_pread = OP("preads %l bytes of %r at %o", 0, 0, pread);
const struct op op_marks = OP("looks at %n pages of %r from page %g", 0, 0, marks);
const struct op op_load = OP("loads %l bytes at %m + %d", 0, 0, load);

size_t ops_count(void)
{
	return COUNT(ops);
}

const struct op *op_find(const char *words)
{
	size_t i = 0;

	while (strcmp(ops[i].words, words) != 0)
		i++;
	return &ops[i];
}

static uint64_t weight_here(const struct op *op, uint64_t features)
{
	return (op->features & ~features) ? 0 : op->weight;
}

/* One of those that there are here, as often as their weights say. */
const struct op *op_pick(uint64_t features)
{
	uint64_t total = 0, ticket;

	for (size_t i = 0; i < COUNT(ops); i++)
		total += weight_here(&ops[i], features);
	ticket = random_below(total);
	for (size_t i = 0;; i++) {
		uint64_t weight = weight_here(&ops[i], features);

		if (ticket < weight)
			return &ops[i];
		ticket -= weight;
	}
}
