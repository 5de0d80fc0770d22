// SPDX-License-Identifier: GPL-2.0
/* The model: processes, what they have open, and what they have mapped. */
#include "differ.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		errx(2, "no memory");
	return memory;
}

/* A page's. */
uint8_t *copy_bytes(const uint8_t *bytes)
{
	return bytes ? memcpy(allocate(PAGE), bytes, PAGE) : NULL;
}

struct model *model_new(const struct traits *traits)
{
	struct model *model = allocate(sizeof(*model));

	model->traits = *traits;
	model->processes[0].alive = true;
	return model;
}

void model_free(struct model *model)
{
	for (size_t i = 0; i < PROCESSES; i++)
		process_end(&model->processes[i]);
	free(model);
}

/* Files */

struct file *file_new(struct view *view)
{
	struct file *file = allocate(sizeof(*file));

	file->view = view_get(view);
	return file;
}

void file_put(struct file *file)
{
	if (--file->refs)
		return;
	view_put(file->view);
	free(file);
}

/* Like dup2(): what was there is closed. NULL only closes. */
void slot_set(struct process *process, uint64_t slot, struct file *file)
{
	if (file)
		file->refs++;
	if (process->files[slot])
		file_put(process->files[slot]);
	process->files[slot] = file;
}

/* Places */

void place_map(struct place *place, struct view *view, uint64_t page)
{
	view_get(view);
	place_unmap(place);
	place->view = view;
	place->page = page;
}

void place_unmap(struct place *place)
{
	if (place->view)
		view_put(place->view);
	free(place->copy);
	memset(place, 0, sizeof(*place));
}

void place_move(struct place *from, struct place *to)
{
	place_unmap(to);
	*to = *from;
	memset(from, 0, sizeof(*from));
}

/* The signal that an access gets, or 0. */
int place_access(const struct place *place, bool write)
{
	if (!place->view || !(place->protection & (write ? PROT_WRITE : PROT_READ)))
		return SIGSEGV;
	if (!place->copy && place->page * PAGE >= place->view->size)
		return SIGBUS;
	return 0;
}

const uint8_t *place_bytes(const struct place *place)
{
	return place->copy ?: view_page(place->view, place->page);
}

/* Does what a fault does, and returns the bytes that are accessed then: to be written, if so. */
uint8_t *place_touch(struct place *place, bool write)
{
	if (place->copy)
		return place->copy;
	place->view->pages[place->page].presence = PRESENT;
	if (!write)
		return (uint8_t *)place_bytes(place);
	if (place->shared)
		return view_own_page(place->view, place->page);
	place->copy = copy_bytes(place_bytes(place));
	return place->copy;
}

/* NULL if they are not within a window. */
struct place *places_at(struct process *process, uint64_t place, uint64_t pages)
{
	if (place >= PLACES || pages > WINDOW_PAGES - place % WINDOW_PAGES)
		return NULL;
	return &process->places[place];
}

bool places_are_one(const struct place *places, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		if (!places[i].view || places[i].vma != places[0].vma)
			return false;
	}
	return true;
}

/* Processes */

void waiter_set(struct waiter *waiter, struct view *view, uint64_t offset)
{
	if (view)
		view_get(view);
	if (waiter->view)
		view_put(waiter->view);
	waiter->view = view;
	waiter->offset = offset;
}

/* What a child's mapping of @view shows: in a family of its own, each view once. */
static struct view *inherited(struct view *view, struct view *(*own)[2], size_t *count)
{
	if (!(view->flags & VMLAB_REGION_COW_FORK))
		return view;
	for (size_t i = 0; i < *count; i++) {
		if (own[i][0] == view)
			return own[i][1];
	}
	own[*count][0] = view;
	own[*count][1] = view_copy(view);
	own[*count][1]->family = view->family;
	/* No memfd has that: a child's mappings of it have no peer from here on. */
	own[*count][1]->peer = false;
	return own[(*count)++][1];
}

static void place_inherit(const struct place *from, struct place *to, struct view *view)
{
	*to = *from;
	to->view = view_get(view);
	if (from->copy) {
		to->copy = allocate(PAGE);
		memcpy(to->copy, from->copy, PAGE);
	}
}

void process_fork(const struct process *parent, struct process *child)
{
	struct view *own[PLACES][2] = { { NULL } };
	size_t count = 0;

	memset(child, 0, sizeof(*child));
	child->alive = true;
	for (size_t i = 0; i < SLOTS; i++)
		slot_set(child, i, parent->files[i]);
	for (size_t i = 0; i < PLACES; i++) {
		const struct place *from = &parent->places[i];

		if (from->view)
			place_inherit(from, &child->places[i],
				      inherited(from->view, own, &count));
	}
}

void process_end(struct process *process)
{
	for (size_t i = 0; i < SLOTS; i++)
		slot_set(process, i, NULL);
	for (size_t i = 0; i < PLACES; i++)
		place_unmap(&process->places[i]);
	waiter_set(&process->waiter, NULL, 0);
	memset(process, 0, sizeof(*process));
}
