// SPDX-License-Identifier: GPL-2.0
/*
 * A picture of the states of pages, for terminals.
 */
#include <inttypes.h>
#include <stdbool.h>

#include "picture.h"
#include "size.h"
#include "term.h"

/* From the least to the most active: nobody writes to a page that is shared. */
enum state {
	HOLE,
	STORED,
	SHARED,
	RESIDENT,
	MAPPED,
	DIRTY,
	STATES
};

static const enum term_colour colours[STATES] = {
	[HOLE] = TERM_DIM,
	[STORED] = TERM_RED,
	[SHARED] = TERM_CYAN,
	[RESIDENT] = TERM_BLUE,
	[MAPPED] = TERM_GREEN,
	[DIRTY] = TERM_YELLOW,
};

/* [is UTF-8][only some of the cell's pages are there] */
static const char *const glyphs[2][2][STATES] = {
	{ { ".", "O", "S", "R", "M", "D" }, { ".", "o", "s", "r", "m", "d" } },
	{ { "·", "○", "▞", "░", "▓", "█" },
	  { "·", "◦", "▖", "▁", "▃", "▆" } },
};

/* Where in the extents the drawing is. */
struct layout {
	const struct picture *picture;
	uint64_t cell;		/* bytes */
	uint64_t row;		/* bytes */
	int digits;		/* of an offset */
	bool fold;		/* empty rows into one line */
	size_t next;		/* first extent that may reach beyond what is drawn */
};

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t row_of(const struct layout *layout, uint64_t offset)
{
	return (offset - layout->picture->start) / layout->row;
}

/* Lines that the picture takes with this layout; may stop counting beyond @max. */
static uint64_t count_lines(const struct layout *layout, uint64_t max)
{
	const struct extents *extents = layout->picture->extents;
	uint64_t rows = row_of(layout, layout->picture->end - 1) + 1;
	uint64_t next = 0;	/* first row not counted yet */
	uint64_t lines = 0;

	for (size_t i = 0; i < extents->count && lines <= max; i++) {
		const struct vmlab_extent *extent = &extents->list[i];
		uint64_t first = row_of(layout, extent->start);
		uint64_t last = row_of(layout, extent->start + extent->length - 1);

		if (first > next)
			lines++;	/* one empty row, or several as one line */
		first = max_u64(first, next);
		if (last >= first)
			lines += last - first + 1;
		next = last + 1;
	}
	return lines + (next < rows);
}

static void choose_layout(struct layout *layout, const struct picture *picture)
{
	int left, cells = 8;

	*layout = (struct layout){ .picture = picture, .digits = 4 };
	while (layout->digits < 16 && (picture->end - 1) >> (4 * layout->digits))
		layout->digits++;

	left = picture->columns - picture->indent - layout->digits - 2;
	while (cells < 128 && cells * 2 <= left)
		cells *= 2;

	layout->cell = picture->page_size;
	for (;;) {
		layout->row = layout->cell * (uint64_t)cells;
		if (count_lines(layout, (uint64_t)picture->lines) <= (uint64_t)picture->lines)
			break;
		if (layout->row >= picture->end - picture->start)
			break;
		layout->cell *= 2;
	}
	layout->fold = row_of(layout, picture->end - 1) >= (uint64_t)picture->lines;
}

static enum state page_state(uint32_t bits)
{
	if (bits & VMLAB_PAGE_STORED)
		return STORED;
	if (bits & VMLAB_PAGE_DIRTY)
		return DIRTY;
	if (bits & VMLAB_PAGE_SHARED)
		return SHARED;
	return (bits & VMLAB_PAGE_MAPPED) ? MAPPED : RESIDENT;
}

/* The state of the cell that begins at @start; [0] in whole, [1] in part. */
static enum state cell_state(struct layout *layout, uint64_t start, bool *part)
{
	const struct extents *extents = layout->picture->extents;
	uint64_t end = min_u64(start + layout->cell, layout->picture->end);
	enum state state = HOLE;
	uint64_t bytes = 0;

	while (layout->next < extents->count) {
		const struct vmlab_extent *extent = &extents->list[layout->next];
		uint64_t extent_end = extent->start + extent->length;
		enum state found = page_state(extent->state);

		if (extent->start >= end)
			break;
		bytes += min_u64(end, extent_end) - max_u64(start, extent->start);
		if (found > state)
			state = found;
		if (extent_end > end)
			break;
		layout->next++;
	}
	*part = bytes < end - start;
	return state;
}

static void print_row(FILE *out, struct layout *layout, uint64_t row)
{
	uint64_t offset = layout->picture->start + row * layout->row;
	uint64_t end = min_u64(offset + layout->row, layout->picture->end);
	enum term_colour now = TERM_PLAIN;

	fprintf(out, "%*s%0*" PRIx64 "  ", layout->picture->indent, "", layout->digits, offset);
	for (; offset < end; offset += layout->cell) {
		bool part;
		enum state state = cell_state(layout, offset, &part);

		if (colours[state] != now) {
			fprintf(out, "%s%s", now == TERM_PLAIN ? "" : term_colour(TERM_PLAIN),
				term_colour(colours[state]));
			now = colours[state];
		}
		fputs(glyphs[term_utf8()][part][state], out);
	}
	fprintf(out, "%s\n", term_colour(TERM_PLAIN));
}

static void print_gap(FILE *out, struct layout *layout, uint64_t first, uint64_t end_row)
{
	const struct picture *picture = layout->picture;
	uint64_t bytes = min_u64((end_row - first) * layout->row,
				 picture->end - picture->start - first * layout->row);

	if (!layout->fold || end_row - first == 1) {
		for (; first < end_row; first++)
			print_row(out, layout, first);
		return;
	}
	fprintf(out, "%*s%s  %s%s never touched%s\n", picture->indent + layout->digits - 1, "",
		term_utf8() ? "⋮" : ":", term_colour(TERM_DIM), size_text(bytes, false).text,
		term_colour(TERM_PLAIN));
}

uint64_t picture_print(FILE *out, const struct picture *picture)
{
	const struct extents *extents = picture->extents;
	struct layout layout;
	uint64_t rows, next = 0;

	if (picture->end <= picture->start)
		return picture->page_size;

	choose_layout(&layout, picture);
	rows = row_of(&layout, picture->end - 1) + 1;

	for (size_t i = 0; i < extents->count; i++) {
		const struct vmlab_extent *extent = &extents->list[i];
		uint64_t first = row_of(&layout, extent->start);
		uint64_t last = row_of(&layout, extent->start + extent->length - 1);

		if (first > next)
			print_gap(out, &layout, next, first);
		for (first = max_u64(first, next); first <= last; first++)
			print_row(out, &layout, first);
		next = max_u64(next, last + 1);
	}
	if (next < rows)
		print_gap(out, &layout, next, rows);
	return layout.cell;
}

static void print_sample(FILE *out, bool part, enum state state)
{
	fprintf(out, "%s%s%s", term_colour(colours[state]), glyphs[term_utf8()][part][state],
		term_colour(TERM_PLAIN));
}

void picture_legend(FILE *out, int indent, uint64_t cell, uint32_t page_size)
{
	static const char *const names[STATES] = {
		"never touched",
		"stored",
		"shared",
		"in memory",
		"mapped",
		"dirty",
	};

	fprintf(out, "%*s", indent, "");
	for (int state = HOLE; state < STATES; state++) {
		print_sample(out, false, (enum state)state);
		fprintf(out, " %s  ", names[state]);
	}
	if (cell == page_size) {
		fputs(" one cell: one page\n", out);
		return;
	}
	for (int state = STORED; state < STATES; state++)
		print_sample(out, true, (enum state)state);
	fprintf(out, " in part\n%*sone cell: %s; it shows the most active of its pages\n",
		indent, "", size_text(cell, false).text);
}
