// SPDX-License-Identifier: GPL-2.0
/*
 * Arguments: made at random, written, and read.
 *
 *	r, R	slot of a descriptor, of one that is made
 *	m, M	place: a page of a window, where something is mapped, where something goes
 *	d, u	bytes into a page; the same for words
 *	n, N	pages or rounds, pages of a region that is made
 *	g	page of a region
 *	l, h, o	bytes, bytes of a hole, offset in a file
 *	z	stamp
 *	a, A	process, one that is made
 *	f s p w k	words of the tables below
 */
#include "differ.h"
#include "../common/number.h"

#include <string.h>
#include <sys/mman.h>

#define SMALL_PAGES	16UL	/* of regions in which no page is far from another */

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

/* Most often where something is mapped, and can be written to, and other steps go. */
static uint64_t place_in_use(const struct process *process)
{
	uint64_t first = random_below(PLACES);
	bool write = random_chance(70), hot = random_chance(85);

	if (random_chance(5))
		return first;
	for (uint64_t i = 0; i < PLACES; i++) {
		uint64_t number = (first + i) % PLACES;
		const struct place *place = &process->places[number];

		if (place->view && !(write && place_access(place, true)) &&
		    !(hot && !view_is_hot(place->view, place->page)))
			return number;
	}
	return first;
}

/*
 * Windows fill up from their beginnings, mostly, so that mappings touch each other; and around
 * the place where another entry could map a huge page.
 */
static uint64_t place_to_use(uint64_t boundary)
{
	uint64_t window = random_below(WINDOWS) * WINDOW_PAGES;

	if (boundary && random_chance(25))
		return window + HUGE_PAGES - 8 + random_below(16);
	return window + random_below(random_chance(75) ? 5 : 20);
}

static uint64_t offset_in_page(uint64_t unit)
{
	if (random_chance(50))
		return 0;
	return random_below(random_chance(50) ? 8 : PAGE / unit - 32) * unit;
}

static uint64_t any_length(void)
{
	if (random_chance(2))
		return 1 + random_below(DATA_MAX);
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
static uint64_t few_pages(void)
{
	return random_below(random_chance(75) ? 5 : SMALL_PAGES + 2);
}

/* As many as are not few where a boundary is. */
static uint64_t any_pages(uint64_t boundary)
{
	static const uint64_t many[] = {
		8, 56, 63, 64, 65, 128, HUGE_PAGES - 8, HUGE_PAGES - 1, HUGE_PAGES, HUGE_PAGES + 1,
		HUGE_PAGES + 8, 2 * HUGE_PAGES
	};

	return boundary && random_chance(15) ? many[random_below(COUNT(many))] : few_pages();
}

/* Regions that end a few pages behind the boundary, or have as much on both of its sides. */
static uint64_t any_size(uint64_t boundary)
{
	if (!boundary || random_chance(20))
		return few_pages();
	if (boundary == HUGE_PAGES && random_chance(35))
		return 2 * HUGE_PAGES + random_below(SMALL_PAGES);
	return boundary + 1 + random_below(SMALL_PAGES - 1);
}

static uint64_t any_page(const struct view *view)
{
	uint64_t focus = view ? view->focus : 0;

	if (!focus)
		return few_pages();
	switch (random_below(10)) {
	case 0:
		return few_pages();
	case 1:
		return random_below(view_pages(view) + 2);
	case 2:
	case 3:
		return focus + random_below(HOT_PAGES);
	default:
		return focus + 4 + random_below(8);
	}
}

static uint64_t any_offset(const struct view *view)
{
	return any_page(view) * PAGE + (random_chance(40) ? 0 : random_below(PAGE));
}

/* With huge pages, most often, if there is room for them. */
static uint64_t any_flags(uint64_t features, uint64_t boundary)
{
	bool huge = features & VMLAB_FEATURE_HUGE && boundary == HUGE_PAGES && random_chance(75);

	for (;;) {
		uint64_t flags = any_word('f');

		if ((features & VMLAB_FEATURE_COW_FORK || !(flags & VMLAB_REGION_COW_FORK)) &&
		    (features & VMLAB_FEATURE_HUGE || !(flags & VMLAB_REGION_HUGE)) &&
		    (!huge || flags & VMLAB_REGION_HUGE))
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

/* What follows a descriptor or the number of a process is of that region or process. */
uint64_t kind_generate(char kind, const struct model *model, struct subject *subject)
{
	uint64_t number;

	switch (kind) {
	case 'r':
		number = slot_in_use(subject->process);
		subject->view = view_at(subject->process, number);
		return number;
	case 'R':
		return random_below(SLOTS);
	case 'm':
		return place_in_use(subject->process);
	case 'M':
		return place_to_use(model->boundary);
	case 'd':
		return offset_in_page(1);
	case 'u':
		return offset_in_page(8);
	case 'n':
		return any_pages(model->boundary);
	case 'N':
		return any_size(model->boundary);
	case 'g':
		return any_page(subject->view);
	case 'l':
		return any_length();
	case 'h':
		return random_chance(75) ? any_length() : any_pages(model->boundary) * PAGE;
	case 'o':
		return any_offset(subject->view);
	case 'z':
		return random_bits() & 0xffffff;
	case 'a':
		number = any_process(model, true);
		subject->process = &model->processes[number];
		return number;
	case 'A':
		return any_process(model, false);
	case 'f':
		return any_flags(model->traits.features, model->boundary);
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
	} else if (strchr("dunNglhoz", kind)) {
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
	if (strchr("nNg", kind))
		return number_parse(text, REGION_PAGES + WINDOW_PAGES, value);
	if (kind == 'h')
		return number_parse(text, REGION_PAGES * PAGE, value);
	if (strchr("dul", kind))
		return number_parse(text, DATA_MAX, value);
	if (kind == 'o')
		return number_parse(text, 4 * REGION_PAGES * PAGE - 1, value);
	if (kind == 'z')
		return number_parse(text, UINT32_MAX - 1, value);
	return parse_word(kind, text, value);
}
