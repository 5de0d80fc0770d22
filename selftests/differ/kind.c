// SPDX-License-Identifier: GPL-2.0
/*
 * Arguments: made at random, written, and read.
 *
 *	r, R	slot of a descriptor, of one that is made
 *	m, M	place: a page of a window, where something is mapped, where something goes
 *	d, u	bytes into a page; the same for words
 *	n	pages, rounds
 *	l, o	bytes, offset in a file
 *	z	stamp
 *	a, A	process, one that is made
 *	f s p w k	words of the tables below
 */
#include "differ.h"
#include "../common/number.h"

#include <string.h>
#include <sys/mman.h>

static const struct word {
	char kind;
	uint64_t value;
	const char *text;
} words[] = {
	{ 'f', 0, "plain" },
	{ 'f', VMLAB_REGION_STRICT, "strict" },
	{ 'f', VMLAB_REGION_STRICT, "strict" },
	{ 'f', VMLAB_REGION_TRACK_DIRTY, "tracked" },
	{ 'f', VMLAB_REGION_STRICT | VMLAB_REGION_TRACK_DIRTY, "strict,tracked" },
	{ 'f', VMLAB_REGION_COW_FORK, "cow" },
	{ 'f', VMLAB_REGION_COW_FORK, "cow" },
	{ 'f', VMLAB_REGION_COW_FORK, "cow" },
	{ 'f', VMLAB_REGION_COW_FORK | VMLAB_REGION_STRICT, "cow,strict" },
	{ 'f', VMLAB_REGION_COW_FORK | VMLAB_REGION_TRACK_DIRTY, "cow,tracked" },
	{ 'f', VMLAB_REGION_HUGE, "huge" },
	{ 'f', VMLAB_REGION_HUGE | VMLAB_REGION_COW_FORK, "huge,cow" },
	{ 's', SHARED, "shared" },
	{ 's', SHARED, "shared" },
	{ 's', PRIVATE, "private" },
	{ 'p', PROT_READ | PROT_WRITE, "rw" },
	{ 'p', PROT_READ | PROT_WRITE, "rw" },
	{ 'p', PROT_READ | PROT_WRITE, "rw" },
	{ 'p', PROT_READ, "r" },
	{ 'p', PROT_NONE, "none" },
	{ 'w', DATA, "data" },
	{ 'w', HOLE, "hole" },
	{ 'k', KEEP, "keeping" },
	{ 'k', EXTEND, "extending" },
};

/* The kinds in an operation's words, in order. */
unsigned int kinds_of(const char *text, char *kinds)
{
	unsigned int count = 0;

	while ((text = strchr(text, '%'))) {
		kinds[count++] = text[1];
		text++;
	}
	return count;
}

static uint64_t any_word(char kind)
{
	size_t count = 0, nth;

	for (size_t i = 0; i < COUNT(words); i++)
		count += words[i].kind == kind;
	nth = random_below(count);
	for (size_t i = 0;; i++) {
		if (words[i].kind == kind && !nth--)
			return words[i].value;
	}
}

static uint64_t slot_in_use(const struct process *process)
{
	uint64_t first = random_below(SLOTS);

	for (uint64_t i = 0; i < SLOTS; i++) {
		if (process->files[(first + i) % SLOTS])
			return (first + i) % SLOTS;
	}
	return first;
}

/* Most often where something is mapped, and can be written to. */
static uint64_t place_in_use(const struct process *process)
{
	uint64_t first = random_below(PLACES);
	bool write = random_chance(70);

	if (random_chance(5))
		return first;
	for (uint64_t i = 0; i < PLACES; i++) {
		uint64_t number = (first + i) % PLACES;
		const struct place *place = &process->places[number];

		if (place->view && !(write && place_access(place, true)))
			return number;
	}
	return first;
}

/* Windows fill up from their beginnings, mostly, so that mappings touch each other. */
static uint64_t place_to_use(void)
{
	return random_below(WINDOWS) * WINDOW_PAGES + random_below(random_chance(75) ? 5 : 20);
}

static uint64_t offset_in_page(uint64_t unit)
{
	if (random_chance(50))
		return 0;
	return random_below(random_chance(50) ? 8 : PAGE / unit - 32) * unit;
}

static uint64_t any_length(void)
{
	switch (random_below(4)) {
	case 0:
		return 2 * (1 + random_below(32));
	case 1:
		return PAGE * (1 + random_below(3));
	case 2:
		return 1 + random_below(PAGE);
	default:
		return 2 * (1 + random_below(4 * PAGE / 2));
	}
}

/* Few pages, most often, so that steps meet what others did. */
static uint64_t any_pages(void)
{
	return random_below(random_chance(75) ? 5 : REGION_PAGES + 2);
}

static uint64_t any_offset(void)
{
	return any_pages() * PAGE + (random_chance(40) ? 0 : random_below(PAGE));
}

static uint64_t any_flags(uint64_t features)
{
	for (;;) {
		uint64_t flags = any_word('f');

		if ((features & VMLAB_FEATURE_COW_FORK || !(flags & VMLAB_REGION_COW_FORK)) &&
		    (features & VMLAB_FEATURE_HUGE || !(flags & VMLAB_REGION_HUGE)))
			return flags;
	}
}

static uint64_t any_process(const struct model *model, bool alive)
{
	uint64_t first = random_below(PROCESSES);

	for (uint64_t i = 0; i < PROCESSES; i++) {
		if (model->processes[(first + i) % PROCESSES].alive == alive)
			return (first + i) % PROCESSES;
	}
	return first;
}

/* What follows the number of a process is of that process. */
uint64_t kind_generate(char kind, const struct model *model, const struct process **process)
{
	uint64_t number;

	switch (kind) {
	case 'r':
		return slot_in_use(*process);
	case 'R':
		return random_below(SLOTS);
	case 'm':
		return place_in_use(*process);
	case 'M':
		return place_to_use();
	case 'd':
		return offset_in_page(1);
	case 'u':
		return offset_in_page(8);
	case 'n':
		return any_pages();
	case 'l':
		return any_length();
	case 'o':
		return any_offset();
	case 'z':
		return random_bits() & 0xffffff;
	case 'a':
		number = any_process(model, true);
		*process = &model->processes[number];
		return number;
	case 'A':
		return any_process(model, false);
	case 'f':
		return any_flags(model->traits.features);
	default:
		return any_word(kind);
	}
}

void kind_print(FILE *out, char kind, uint64_t value)
{
	if (strchr("rR", kind)) {
		fprintf(out, "r%lu", value);
	} else if (strchr("mM", kind)) {
		fprintf(out, "m%lu.%lu", value / WINDOW_PAGES, value % WINDOW_PAGES);
	} else if (strchr("aA", kind)) {
		fprintf(out, "p%lu", value);
	} else if (strchr("dunloz", kind)) {
		fprintf(out, "%lu", value);
	} else {
		size_t i = 0;

		while (words[i].kind != kind || words[i].value != value)
			i++;
		fputs(words[i].text, out);
	}
}

static bool parse_place(const char *text, uint64_t *value)
{
	char *dot = strchr(text, '.');
	uint64_t window, page;

	if (!dot || *text != 'm')
		return false;
	*dot = 0;
	if (!number_parse(text + 1, WINDOWS - 1, &window) ||
	    !number_parse(dot + 1, WINDOW_PAGES - 1, &page))
		return false;
	*value = window * WINDOW_PAGES + page;
	return true;
}

static bool parse_word(char kind, const char *text, uint64_t *value)
{
	for (size_t i = 0; i < COUNT(words); i++) {
		if (words[i].kind == kind && !strcmp(words[i].text, text)) {
			*value = words[i].value;
			return true;
		}
	}
	return false;
}

/* May change the text. */
bool kind_parse(char kind, char *text, uint64_t *value)
{
	if (strchr("rR", kind))
		return *text == 'r' && number_parse(text + 1, SLOTS - 1, value);
	if (strchr("mM", kind))
		return parse_place(text, value);
	if (strchr("aA", kind))
		return *text == 'p' && number_parse(text + 1, PROCESSES - 1, value);
	if (kind == 'n')
		return number_parse(text, WINDOW_PAGES, value);
	if (strchr("dul", kind))
		return number_parse(text, DATA_MAX, value);
	if (kind == 'o')
		return number_parse(text, 4 * REGION_PAGES * PAGE - 1, value);
	if (kind == 'z')
		return number_parse(text, UINT32_MAX - 1, value);
	return parse_word(kind, text, value);
}
