// SPDX-License-Identifier: GPL-2.0
/* What steps on descriptors must come to. */
#include "predict.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static void use_view(struct view *view, struct forecast *forecast)
{
	if (!view->peer)
		order_alone(&forecast->orders[0]);
}

static bool length_is_good(uint64_t length)
{
	return length && length <= DATA_MAX;
}

/* opens %R of %n pages %f */
PREDICT(open)
{
	uint64_t flags = a[2];

	if (!a[1] || a[1] > REGION_PAGES || a[0] >= SLOTS)
		return false;
	if (!(model->traits.features & VMLAB_FEATURE_COW_FORK))
		flags &= ~(uint64_t)VMLAB_REGION_COW_FORK;
	forecast->orders[0].args[VMLAB][2] = flags;
	slot_set(process, a[0], file_new(view_new(a[1], (unsigned int)flags)));
	return true;
}

/* closes %r */
PREDICT(close)
{
	(void)model;
	(void)forecast;
	if (!view_at(process, a[0]))
		return false;
	slot_set(process, a[0], NULL);
	return true;
}

/* clones %r as %R */
PREDICT(clone)
{
	struct view *view = view_at(process, a[0]);

	(void)model;
	(void)forecast;
	if (!view || a[1] >= SLOTS)
		return false;
	slot_set(process, a[1], file_new(view_copy(view)));
	return true;
}

/*
 * The memfd side copies a descriptor's content: a region that is only mapped has none, and
 * its clone no peer.
 */
static uint64_t slot_of(const struct process *process, const struct view *view)
{
	for (uint64_t slot = 0; slot < SLOTS; slot++) {
		if (view_at(process, slot) == view)
			return slot;
	}
	return SLOTS;
}

/* clones the memory at %m as %R: orders are for run_clone(slot, slot, place + 1, pages) */
PREDICT(clone_memory)
{
	struct place *place = places_at(process, a[0], 1);
	struct view *view, *copy;

	(void)model;
	if (!place || a[1] >= SLOTS)
		return false;
	if (!place->view || !(place->protection & PROT_READ)) {
		order_alone(&forecast->orders[0]);
		forecast->orders[0].value = place->view ? -EACCES : -EFAULT;
		order_args(&forecast->orders[0], SLOTS, a[1], a[0] + 1, 0);
		return true;
	}
	view = place->view;
	copy = view_copy(view);
	order_args(&forecast->orders[0], slot_of(process, view), a[1], a[0] + 1,
		   view->limit / PAGE);
	copy->peer = view->peer && slot_of(process, view) < SLOTS;
	slot_set(process, a[1], file_new(copy));
	return true;
}

/* opens the region at %m as %R: orders are for run_reopen(slot, slot, place, pages) */
PREDICT(reopen)
{
	struct place *place = places_at(process, a[0], 1);
	struct order *order = &forecast->orders[0];
	uint64_t slot;

	(void)model;
	if (!place || a[1] >= SLOTS)
		return false;
	if (!place->view || !(place->protection & PROT_READ)) {
		order_alone(order);
		order_args(order, SLOTS, a[1], a[0], 0);
		order->value = place->view ? -EACCES : -EFAULT;
		return true;
	}
	slot = slot_of(process, place->view);
	/* What a private mapping gives is for reading only; a memfd cannot be had by address. */
	if (!place->shared || (place->view->peer && slot == SLOTS))
		return false;
	order_args(order, slot, a[1], a[0], place->view->limit / PAGE);
	slot_set(process, a[1], file_new(place->view));
	return true;
}

static void expect_read(struct forecast *forecast, struct view *view, uint64_t offset,
			uint64_t length)
{
	struct order *order = &forecast->orders[0];

	use_view(view, forecast);
	order->length = offset < view->size ? least(length, view->size - offset) : 0;
	order->value = (long)order->length;
	view_read(view, offset, order->length, order->data);
}

/* preads %l bytes of %r at %o */
PREDICT(pread)
{
	struct view *view = view_at(process, a[1]);

	(void)model;
	if (!view || !length_is_good(a[0]))
		return false;
	expect_read(forecast, view, a[2], a[0]);
	return true;
}

/* reads %l bytes of %r */
PREDICT(read)
{
	struct view *view = view_at(process, a[1]);

	(void)model;
	if (!view || !length_is_good(a[0]))
		return false;
	expect_read(forecast, view, process->files[a[1]]->position, a[0]);
	process->files[a[1]]->position += forecast->orders[0].length;
	return true;
}

/* A region has a limit, which a memfd has not: what is cut off there is not tried here. */
static uint64_t expect_write(struct forecast *forecast, struct view *view, uint64_t offset,
			     uint64_t length)
{
	struct order *order = &forecast->orders[0];

	use_view(view, forecast);
	if (offset >= view->limit) {
		order_alone(order);
		order->value = -EFBIG;
		return 0;
	}
	length = least(length, view->limit - offset);
	order->args[MEMFD][0] = length;
	order->value = (long)length;
	return length;
}

static uint64_t expect_stamp(struct forecast *forecast, struct view *view, uint64_t offset,
			     uint64_t length, uint64_t seed)
{
	uint8_t data[DATA_MAX];
	uint64_t done = expect_write(forecast, view, offset, length);

	if (!done)
		return 0;
	stamp(data, done, seed);
	view_write(view, offset, done, data);
	forecast->changed = view;
	return done;
}

/* pwrites %l bytes to %r at %o as %z */
PREDICT(pwrite)
{
	struct view *view = view_at(process, a[1]);

	(void)model;
	if (!view || !length_is_good(a[0]))
		return false;
	expect_stamp(forecast, view, a[2], a[0], a[3]);
	return true;
}

/* writes %l bytes to %r as %z */
PREDICT(write)
{
	struct view *view = view_at(process, a[1]);
	struct file *file;

	(void)model;
	if (!view || !length_is_good(a[0]))
		return false;
	file = process->files[a[1]];
	file->position += expect_stamp(forecast, view, file->position, a[0], a[2]);
	return true;
}

/* preads %l bytes of %r at %o into %m + %d */
PREDICT(pread_into)
{
	struct view *view = view_at(process, a[1]);
	struct span span;
	int signal;

	(void)model;
	if (!view || !span_make(&span, process, a[3], a[4], a[0]))
		return false;
	if (!span_accessible(&span, true) || span_shows(&span, view, a[2], a[0]))
		return false;
	if (span.peer != view->peer)
		return false;
	expect_read(forecast, view, a[2], a[0]);
	span.length = forecast->orders[0].length;
	forecast->orders[0].length = 0;
	if (!span.length)
		return true;
	span.count = (span.offset + span.length + PAGE - 1) / PAGE;
	span_store(&span, forecast->orders[0].data, 1, &signal);
	forecast->changed = span_shared(&span);
	return true;
}

/* pwrites %l bytes to %r at %o from %m + %d */
PREDICT(pwrite_from)
{
	struct view *view = view_at(process, a[1]);
	uint8_t data[DATA_MAX];
	struct span span;
	int signal;

	(void)model;
	if (!view || !span_make(&span, process, a[3], a[4], a[0]))
		return false;
	if (!span_accessible(&span, false) || span_shows(&span, view, a[2], a[0]))
		return false;
	if (span.peer != view->peer)
		return false;
	span.length = expect_write(forecast, view, a[2], a[0]);
	if (!span.length)
		return true;
	span.count = (span.offset + span.length + PAGE - 1) / PAGE;
	span_load(&span, data, &signal);
	view_write(view, a[2], span.length, data);
	forecast->changed = view;
	return true;
}

/* seeks %r to %o */
PREDICT(seek)
{
	struct view *view = view_at(process, a[0]);

	(void)model;
	if (!view)
		return false;
	process->files[a[0]]->position = a[1];
	forecast->orders[0].value = (long)a[1];
	return true;
}

/* Which pages are there is known only where a fault never brings more than its page. */
static bool presence_is_known(const struct view *view)
{
	if (!(view->flags & VMLAB_REGION_STRICT))
		return false;
	for (size_t i = 0; i < view_pages(view); i++) {
		if (view->pages[i].presence == ALLOCATED)
			return false;
	}
	return true;
}

static long seek_in(const struct view *view, enum whence whence, uint64_t offset)
{
	uint64_t page = offset / PAGE;

	if (offset >= view->size)
		return -ENXIO;
	while (page * PAGE < view->size &&
	       (view->pages[page].presence == PRESENT) != (whence == DATA))
		page++;
	if (page * PAGE >= view->size)
		return whence == DATA ? -ENXIO : (long)view->size;
	return (long)(page * PAGE > offset ? page * PAGE : offset);
}

/* seeks %r for %w from %o */
PREDICT(seek_for)
{
	struct view *view = view_at(process, a[0]);
	long found;

	(void)model;
	if (!view || !presence_is_known(view))
		return false;
	use_view(view, forecast);
	found = seek_in(view, (enum whence)a[1], a[2]);
	forecast->orders[0].value = found;
	/* Without a peer its memfd stays where it was, which nobody looks at. */
	if (found >= 0)
		process->files[a[0]]->position = (uint64_t)found;
	return true;
}

/* punches %l bytes of %r at %o */
PREDICT(punch)
{
	struct view *view = view_at(process, a[1]);

	(void)model;
	if (!view || !a[0])
		return false;
	use_view(view, forecast);
	view_punch(view, a[2], a[0]);
	forecast->changed = view;
	return true;
}

/* allocates %l bytes of %r at %o %k */
PREDICT(allocate)
{
	struct view *view = view_at(process, a[1]);
	uint64_t end = a[2] + a[0];

	(void)model;
	if (!view || !a[0])
		return false;
	use_view(view, forecast);
	forecast->changed = view;
	if (end > view->limit) {
		order_alone(&forecast->orders[0]);
		forecast->orders[0].value = -EFBIG;
		return true;
	}
	for (uint64_t page = a[2] / PAGE; page * PAGE < end; page++) {
		if (view->pages[page].presence == ABSENT)
			view->pages[page].presence = ALLOCATED;
	}
	if (a[3] == EXTEND && end > view->size)
		view->size = end;
	return true;
}

/* A memfd takes private copies away, a region that is copied at forks leaves them. */
static bool cuts_copies(const struct model *model, const struct view *view, uint64_t size)
{
	for (size_t i = 0; i < PROCESSES; i++) {
		for (size_t j = 0; j < PLACES; j++) {
			const struct place *place = &model->processes[i].places[j];

			if (place->view == view && place->copy && place->page * PAGE >= size)
				return true;
		}
	}
	return false;
}

/* truncates %r to %o */
PREDICT(truncate)
{
	struct view *view = view_at(process, a[0]);

	if (!view)
		return false;
	if (view->flags & VMLAB_REGION_COW_FORK && view->peer && cuts_copies(model, view, a[1]))
		return false;
	use_view(view, forecast);
	forecast->changed = view;
	if (a[1] > view->limit) {
		order_alone(&forecast->orders[0]);
		forecast->orders[0].value = -EFBIG;
		return true;
	}
	view_truncate(model, view, a[1]);
	return true;
}

/*
 * What FICLONERANGE says; @length is 0 for all that there is, and set to how much it is. Ends
 * need not be those of pages if they are those of the files.
 */
static long may_link(const struct view *from, uint64_t start, const struct view *to,
		     uint64_t target, uint64_t *length)
{
	uint64_t whole;

	if ((from->flags | to->flags) & VMLAB_REGION_TRACK_DIRTY)
		return -EOPNOTSUPP;
	if (from->pool != to->pool)
		return -EXDEV;
	if (start > from->size || (*length && start + *length > from->size) ||
	    (*length && start >= from->size))
		return -EINVAL;
	if (!*length)
		*length = from->size - start;
	whole = (*length + PAGE - 1) / PAGE * PAGE;
	if (from == to && *length && start < target + whole && target < start + whole)
		return -EINVAL;
	if (*length % PAGE && target + *length < to->size)
		return -EINVAL;
	return *length && target + *length > to->limit ? -EFBIG : 0;
}

/* Whole pages, with what is behind the end in the last one. */
static void link_pages(const struct view *from, uint64_t start, struct view *to, uint64_t target,
		       uint64_t length)
{
	for (uint64_t done = 0; done < length; done += PAGE)
		view_link(from, (start + done) / PAGE, to, (target + done) / PAGE);
	if (length && target + length > to->size)
		to->size = target + length;
}

/*
 * links %n pages of %r from page %n to %r at page %n: no pages are all up to the end. Of what
 * has no memfd none can be linked to one.
 */
PREDICT(link)
{
	struct view *from = view_at(process, a[1]), *to = view_at(process, a[3]);
	struct order *order = &forecast->orders[0];
	uint64_t start = a[2] * PAGE, target = a[4] * PAGE, length = a[0] * PAGE;

	(void)model;
	if (!from || !to)
		return false;
	order->value = may_link(from, start, to, target, &length);
	if (order->value) {
		order_alone(order);
		return true;
	}
	if (!from->peer || !to->peer) {
		order_alone(order);
		to->peer = false;
	}
	link_pages(from, start, to, target, length);
	forecast->changed = to;
	return true;
}

/*
 * marks %n pages of %r from page %g as %z: through a mapping of them all, which brings huge
 * pages, where there can be any, and shows later whether each is still where it was.
 */
PREDICT(mark)
{
	struct view *view = view_at(process, a[1]);

	(void)model;
	if (!view || !a[0] || (a[2] + a[0]) * PAGE > view->size)
		return false;
	use_view(view, forecast);
	for (uint64_t page = a[2]; page < a[2] + a[0]; page++)
		view_mark(view, page, stamp_mark(a[3], page));
	forecast->changed = view;
	return true;
}

/* looks at %n pages of %r from page %g: at the first MARK_SIZE bytes of each */
PREDICT(marks)
{
	struct order *order = &forecast->orders[0];
	struct view *view = view_at(process, a[1]);

	(void)model;
	if (!view)
		return false;
	use_view(view, forecast);
	for (uint64_t at = a[2] * PAGE; at < (a[2] + a[0]) * PAGE && at < view->size; at += PAGE) {
		uint64_t length = least(MARK_SIZE, view->size - at);

		memcpy(order->data + order->length, view_page(view, at / PAGE), length);
		order->length += length;
	}
	order->value = (long)order->length;
	return true;
}

/* limits the memory of %r: orders are for run_budget(slot, pages); the content is the same */
PREDICT(budget)
{
	struct view *view = view_at(process, a[0]);

	(void)model;
	if (!view)
		return false;
	order_alone(&forecast->orders[0]);
	order_args(&forecast->orders[0], a[0], view_pages(view), 0, 0);
	return true;
}

/* spoils %r at %o: the model does not know. It shows that differences are found. */
PREDICT(spoil)
{
	struct view *view = view_at(process, a[0]);

	(void)model;
	if (!view || a[1] >= view->size)
		return false;
	order_alone(&forecast->orders[0]);
	order_args(&forecast->orders[0], 1, a[0], a[1], 0);
	forecast->orders[0].value = 1;
	return true;
}
