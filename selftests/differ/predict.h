/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of predictions share. */
#ifndef VMLAB_DIFFER_PREDICT_H
#define VMLAB_DIFFER_PREDICT_H

#include "differ.h"

struct order *order_add(struct forecast *forecast, unsigned int process);
void order_args(struct order *order, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
void order_alone(struct order *order);

/**
 * struct span - bytes of a process's addresses
 * @places:	the places they are in, all in one window
 * @count:	how many
 * @offset:	where in the first they begin
 * @length:	bytes
 * @peer:	a memfd is mapped there that shows the same
 */
struct span {
	struct place *places;
	uint64_t count;
	uint64_t offset;
	uint64_t length;
	bool peer;
};

bool span_make(struct span *span, struct process *process, uint64_t place, uint64_t offset,
	       uint64_t length);
bool span_accessible(const struct span *span, bool write);
bool span_shows(const struct span *span, const struct view *view, uint64_t offset,
		uint64_t length);
uint64_t span_store(const struct span *span, const uint8_t *data, size_t stride, int *signal);
uint64_t span_load(const struct span *span, uint8_t *data, int *signal);
struct view *span_shared(const struct span *span);

#endif /* VMLAB_DIFFER_PREDICT_H */
