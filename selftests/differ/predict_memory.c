// SPDX-License-Identifier: GPL-2.0
/* What changes of the address space must come to. */
#include "predict.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

static bool all_free(const struct place *places, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		if (places[i].view)
			return false;
	}
	return true;
}

static bool expect_error(struct forecast *forecast, int error)
{
	forecast->orders[0].value = -error;
	return true;
}

/* maps %n pages of %r from page %n at %M %s %p */
PREDICT(map)
{
	struct place *places = places_at(process, a[3], a[0]);
	struct view *view = view_at(process, a[1]);
	unsigned int vma = ++model->next_vma;

	if (!places || !view || !a[0])
		return false;
	if ((a[2] + a[0]) * PAGE > view->limit) {
		order_alone(&forecast->orders[0]);
		/* Whether what was there before is unmapped then is not defined. */
		return all_free(places, a[0]) && expect_error(forecast, EINVAL);
	}
	for (uint64_t i = 0; i < a[0]; i++) {
		place_map(&places[i], view, a[2] + i);
		places[i].shared = a[4] == SHARED;
		places[i].protection = (int)a[5];
		places[i].vma = vma;
	}
	return true;
}

static void unmap(struct place *places, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		place_unmap(&places[i]);
}

/* unmaps %n pages at %m */
PREDICT(unmap)
{
	struct place *places = places_at(process, a[1], a[0]);

	(void)model;
	if (!places)
		return false;
	if (!a[0])
		return expect_error(forecast, EINVAL);
	unmap(places, a[0]);
	return true;
}

/* What a mapping is continued by where it grows. */
static void extend(const struct place *first, struct place *places, uint64_t from, uint64_t to,
		   unsigned int vma)
{
	for (uint64_t i = from; i < to; i++) {
		struct place *place = &places[i];

		place_map(place, first->view, first->page + i);
		place->shared = first->shared;
		place->protection = first->protection;
		place->vma = vma;
	}
}

static bool overlap(uint64_t a, uint64_t a_pages, uint64_t b, uint64_t b_pages)
{
	return a < b + b_pages && b < a + a_pages;
}

/* Is it a huge region's that a fork copied? On some kernels no such mapping grows. */
static bool cannot_grow(const struct view *view)
{
	const unsigned int both = VMLAB_REGION_HUGE | VMLAB_REGION_COW_FORK;

	return (view->flags & both) == both && !view->peer;
}

/* moves %n pages at %m to %M as %n */
PREDICT(move)
{
	struct place *from = places_at(process, a[1], a[0]), *to = places_at(process, a[2], a[3]);
	unsigned int vma = ++model->next_vma;
	uint64_t kept = least(a[0], a[3]);

	if (!from || !to || !a[0] || !a[3])
		return false;
	if (!from->view && model->traits.overlap_comes_first && overlap(a[1], a[0], a[2], a[3]))
		return expect_error(forecast, EINVAL);
	if (!from->view)	/* is the target unmapped first? */
		return all_free(to, a[3]) && expect_error(forecast, EFAULT);
	if (!places_are_one(from, a[0]) || (a[3] > a[0] && cannot_grow(from->view)))
		return false;
	if (overlap(a[1], a[0], a[2], a[3]))
		return expect_error(forecast, EINVAL);
	unmap(to, a[3]);
	unmap(from + kept, a[0] - kept);
	for (uint64_t i = 0; i < kept; i++) {
		place_move(&from[i], &to[i]);
		to[i].vma = vma;
	}
	extend(to, to, kept, a[3], vma);
	return true;
}

static bool grow(const struct model *model, struct place *places, uint64_t from, uint64_t to,
		 struct forecast *forecast)
{
	/* What follows is taken, or a part of the same mapping. */
	if (!all_free(places + from, to - from))
		return expect_error(forecast, ENOMEM);
	if (!model->traits.grows_in_place) {
		order_alone(&forecast->orders[0]);
		return expect_error(forecast, ENOMEM);
	}
	extend(places, places, from, to, places->vma);
	return true;
}

/* resizes %n pages at %m to %n */
PREDICT(resize)
{
	struct place *places = places_at(process, a[1], a[0] > a[2] ? a[0] : a[2]);

	if (!places || !a[0])
		return false;
	if (!a[2])
		return expect_error(forecast, EINVAL);
	if (!places->view)
		return expect_error(forecast, EFAULT);
	if (!places_are_one(places, a[0]))
		return false;
	if (a[2] > a[0])
		return !cannot_grow(places->view) && grow(model, places, a[0], a[2], forecast);
	unmap(places + a[2], a[0] - a[2]);
	return true;
}

/* maps what is at %m again at %M for %n pages */
PREDICT(duplicate)
{
	struct place *from = places_at(process, a[0], 1), *to = places_at(process, a[1], a[2]);
	unsigned int vma = ++model->next_vma;

	if (!from || !to || !a[2] || overlap(a[0], 1, a[1], a[2]))
		return false;
	if (!from->view)
		return all_free(to, a[2]) && expect_error(forecast, EFAULT);
	if (!from->shared)
		return all_free(to, a[2]) && expect_error(forecast, EINVAL);
	if (cannot_grow(from->view))
		return false;
	extend(from, to, 0, a[2], vma);
	return true;
}

/* protects %n pages at %m %p */
PREDICT(protect)
{
	struct place *places = places_at(process, a[1], a[0]);
	unsigned int old = 0;

	if (!places)
		return false;
	for (uint64_t i = 0; i < a[0]; i++) {
		if (!places[i].view)	/* what was before it is done */
			return expect_error(forecast, ENOMEM);
		if (places[i].protection == (int)a[2]) {
			old = 0;
			continue;
		}
		/* A part of a mapping becomes a mapping, which is never merged again. */
		if (places[i].vma != old) {
			old = places[i].vma;
			model->next_vma++;
		}
		places[i].vma = model->next_vma;
		places[i].protection = (int)a[2];
	}
	return true;
}

/* drops %n pages at %m */
PREDICT(drop)
{
	struct place *places = places_at(process, a[1], a[0]);

	(void)model;
	if (!places)
		return false;
	for (uint64_t i = 0; i < a[0]; i++) {
		if (!places[i].view)	/* the rest is done all the same */
			expect_error(forecast, ENOMEM);
		free(places[i].copy);
		places[i].copy = NULL;
	}
	return true;
}

static bool all_alike(const struct place *places, uint64_t pages)
{
	const struct view *first = NULL;

	for (uint64_t i = 0; i < pages; i++) {
		if (!places[i].view)
			continue;
		if (first && first->peer != places[i].view->peer)
			return false;
		first = places[i].view;
	}
	return true;
}

static bool may_remove(const struct model *model, const struct place *place)
{
	return place->shared &&
	       (place->protection & PROT_WRITE || model->traits.removes_read_only);
}

/*
 * The kernel asks the file of a mapping to punch a hole, and does not say in which region: if a
 * process has both its own and its parent's mapped, vmlab cannot tell.
 */
static bool is_ambiguous(const struct process *process, const struct place *place)
{
	if (!place->view || !(place->view->flags & VMLAB_REGION_COW_FORK))
		return false;
	for (uint64_t i = 0; i < PLACES; i++) {
		const struct view *other = process->places[i].view;

		if (other && other != place->view && other->family == place->view->family)
			return true;
	}
	return false;
}

static bool any_ambiguous(const struct process *process, const struct place *places,
			  uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		if (is_ambiguous(process, &places[i]))
			return true;
	}
	return false;
}

/* removes %n pages at %m */
PREDICT(remove)
{
	struct place *places = places_at(process, a[1], a[0]);

	if (!places || !all_alike(places, a[0]))
		return false;
	if (any_ambiguous(process, places, a[0])) {
		order_alone(&forecast->orders[0]);
		/* Not with others before it, which are done first. */
		return is_ambiguous(process, places) && may_remove(model, places) &&
		       expect_error(forecast, EBUSY);
	}
	for (uint64_t i = 0; i < a[0]; i++) {
		if (!places[i].view) {
			expect_error(forecast, ENOMEM);
			continue;
		}
		if (!places[i].view->peer)
			order_alone(&forecast->orders[0]);
		forecast->changed = places[i].view;
		if (!may_remove(model, &places[i]))
			return expect_error(forecast, EACCES);
		view_punch(places[i].view, places[i].page * PAGE, PAGE);
	}
	return true;
}
