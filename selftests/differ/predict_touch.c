// SPDX-License-Identifier: GPL-2.0
/* What touches of memory must come to, and futexes in it. */
#include "predict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void expect_touch(struct order *order, const struct span *span, uint64_t done, int signal)
{
	order->value = TOUCHED(done, signal);
	if (!span->peer)
		order_alone(order);
}

static void store(struct forecast *forecast, struct order *order, const struct span *span,
		  const uint8_t *data, size_t stride)
{
	int signal;
	uint64_t done = span_store(span, data, stride, &signal);

	expect_touch(order, span, done, signal);
	forecast->changed = span_shared(span) ?: forecast->changed;
}

/* stores %l bytes at %m + %d as %z */
PREDICT(store)
{
	uint8_t data[DATA_MAX];
	struct span span;

	(void)model;
	if (!span_make(&span, process, a[1], a[2], a[0]))
		return false;
	stamp(data, a[0], a[3]);
	store(forecast, &forecast->orders[0], &span, data, 1);
	return true;
}

/* loads %l bytes at %m + %d */
PREDICT(load)
{
	struct order *order = &forecast->orders[0];
	struct span span;
	int signal;

	(void)model;
	if (!span_make(&span, process, a[1], a[2], a[0]))
		return false;
	order->length = span_load(&span, order->data, &signal);
	expect_touch(order, &span, order->length, signal);
	return true;
}

/* Two threads at once: does it matter who comes first to a page? */
static bool order_matters(const struct span *a, const struct span *b)
{
	for (uint64_t i = 0; i < a->count; i++) {
		for (uint64_t j = 0; j < b->count; j++) {
			const struct place *one = &a->places[i], *other = &b->places[j];

			if (one != other && one->view && one->view == other->view &&
			    one->page == other->page && one->shared != other->shared)
				return true;
		}
	}
	return false;
}

/* Both store to every other byte: run_race(length, place, even or odd, stamp) */
static void race_one(struct forecast *forecast, struct order *order, const struct span *span,
		     uint64_t place, uint64_t odd, uint64_t seed)
{
	struct span half = *span;
	uint8_t data[DATA_MAX];

	half.offset = odd;
	half.length -= odd;
	order_args(order, half.length, place, odd, seed);
	stamp(data, half.length, seed);
	store(forecast, order, &half, data, 2);
}

/* races %l bytes at %m as %z with %a at %m */
PREDICT(race)
{
	struct process *other = &model->processes[a[3]];
	struct span span, others;

	/* An even length, so that in the other pages, too, bytes are even or odd. */
	if (!a[0] || a[0] % 2 || !other->alive || !span_make(&span, process, a[1], 0, a[0]) ||
	    !span_make(&others, other, a[4], 0, a[0]) || order_matters(&span, &others))
		return false;
	race_one(forecast, &forecast->orders[0], &span, a[1], 0, a[2]);
	race_one(forecast, order_add(forecast, (unsigned int)a[3]), &others, a[4], 1, a[2] + 1);
	return true;
}

/* Futexes: those of private memory are not tried, they are the kernel's alone. */

static bool word_at(struct span *span, struct process *process, uint64_t place, uint64_t offset)
{
	return !(offset % 4) && span_make(span, process, place, offset, 4) &&
	       span->places->shared && span->places->protection & PROT_WRITE;
}

static bool waits_for(const struct waiter *waiter, const struct place *place, uint64_t offset)
{
	return waiter->view && waiter->view == place->view &&
	       waiter->offset == place->page * PAGE + offset;
}

static uint64_t count_waiters(const struct model *model, const struct place *place,
			      uint64_t offset)
{
	uint64_t count = 0;

	for (size_t i = 0; i < PROCESSES; i++)
		count += waits_for(&model->processes[i].waiter, place, offset);
	return count;
}

/* waits at %m + %u: run_wait(place, offset, how many wait there then) */
PREDICT(wait)
{
	struct order *order = &forecast->orders[0];
	struct span span;

	if (process->waiter.view || !word_at(&span, process, a[0], a[1]))
		return false;
	if (!span.peer)
		order_alone(order);
	if (place_access(span.places, true)) {
		order->value = -EFAULT;
		return true;
	}
	place_touch(span.places, true);
	waiter_set(&process->waiter, span.places->view, span.places->page * PAGE + a[1]);
	process->waiter.since = model->now;
	order_args(order, a[0], a[1], count_waiters(model, span.places, a[1]), 0);
	return true;
}

static struct waiter *longest_waiter(struct model *model, const struct place *place,
				     uint64_t offset)
{
	struct waiter *found = NULL;

	for (size_t i = 0; i < PROCESSES; i++) {
		struct waiter *waiter = &model->processes[i].waiter;

		if (waits_for(waiter, place, offset) && (!found || waiter->since < found->since))
			found = waiter;
	}
	return found;
}

/* wakes %n at %m + %u */
PREDICT(wake)
{
	struct order *order = &forecast->orders[0];
	struct span span;

	if (!a[0] || !word_at(&span, process, a[1], a[2]))
		return false;
	if (!span.peer)
		order_alone(order);
	if (place_access(span.places, true)) {
		order->value = -EFAULT;
		return true;
	}
	place_touch(span.places, true);
	while ((uint64_t)order->value < a[0]) {
		struct waiter *waiter = longest_waiter(model, span.places, a[2]);

		if (!waiter)
			break;
		waiter_set(waiter, NULL, 0);
		order->value++;
	}
	return true;
}

/* Mutexes */

/* makes a mutex at %m + %u */
PREDICT(make_mutex)
{
	uint8_t data[MUTEX_SIZE];
	struct span span;

	(void)model;
	if (a[1] % 8 || !span_make(&span, process, a[0], a[1], MUTEX_SIZE) || span.count > 1)
		return false;
	mutex_template(data);
	store(forecast, &forecast->orders[0], &span, data, 1);
	return true;
}

/* Is there a mutex? Who waits for its word would be woken in another's place. */
static bool mutex_at(const struct model *model, struct span *span, struct process *process,
		     uint64_t place, uint64_t offset)
{
	uint8_t template[MUTEX_SIZE];
	const uint8_t *mutex;

	if (!span_make(span, process, place, offset, MUTEX_SIZE) || span->count > 1 ||
	    !span->places->shared || place_access(span->places, true) ||
	    count_waiters(model, span->places, offset))
		return false;
	mutex = place_bytes(span->places) + offset;
	mutex_template(template);
	mutex_set_count(template, mutex_count(mutex));
	return !memcmp(mutex, template, MUTEX_SIZE);
}

static void expect_mutex(struct order *order, const struct span *span, uint64_t rounds,
			 uint64_t place)
{
	uint8_t *mutex = place_touch(span->places, true) + span->offset;

	order_args(order, rounds, place, span->offset, 0);
	mutex_set_count(mutex, mutex_count(mutex) + rounds);
	if (!span->peer)
		order_alone(order);
}

/*
 * takes %n turns at the mutex at %m + %u with %a at %m
 *
 * Both lock, add one, unlock. If it is one mutex, nothing is lost; if the other's is that
 * of a clone, each counts for itself, and nobody waits for the other.
 */
PREDICT(use_mutex)
{
	struct process *other = &model->processes[a[3]];
	struct span span, others;

	if (!other->alive || !a[0])
		return false;
	if (!mutex_at(model, &span, process, a[1], a[2]) ||
	    !mutex_at(model, &others, other, a[4], a[2]) || span.peer != others.peer)
		return false;
	expect_mutex(&forecast->orders[0], &span, a[0], a[1]);
	expect_mutex(order_add(forecast, (unsigned int)a[3]), &others, a[0], a[4]);
	forecast->changed = span.places->view;
	return true;
}
