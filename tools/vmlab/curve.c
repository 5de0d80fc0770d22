// SPDX-License-Identifier: GPL-2.0
/*
 * Miss-ratio curves, for terminals and as SVG. Both axes are the same: frames to the right, by
 * their logarithm, and misses of 100 references upwards.
 */
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "curve.h"
#include "term.h"

#define ROWS	16

/* A policy looks the same in each picture; what has no name here is drawn as the last one. */
static const struct style {
	const char *name;
	enum term_colour colour;
	const char *utf8;
	const char *ascii;
	const char *svg;
} styles[] = {
	{ "random", TERM_DIM, "·", ".", "#999999" },
	{ "fifo", TERM_RED, "○", "f", "#d62728" },
	{ "clock", TERM_YELLOW, "◆", "c", "#bcbd22" },
	{ "lru", TERM_GREEN, "■", "l", "#2ca02c" },
	{ "2q", TERM_CYAN, "▲", "2", "#17becf" },
	{ "arc", TERM_BLUE, "●", "a", "#1f77b4" },
	{ "sieve", TERM_YELLOW, "◇", "s", "#ff7f0e" },
	{ "s3fifo", TERM_GREEN, "□", "3", "#8c564b" },
	{ "lirs", TERM_RED, "△", "i", "#9467bd" },
	{ "opt", TERM_BOLD, "*", "*", "#000000" },
};

#define STYLES	(sizeof(styles) / sizeof(styles[0]))

static const struct style *style_of(const struct curves *curves, int policy)
{
	for (size_t i = 0; i < STYLES; i++) {
		if (!strcmp(styles[i].name, curves->names[policy]))
			return &styles[i];
	}
	return &styles[STYLES - 1];
}

static double position(const struct curves *curves, double frames)
{
	double first = log(curves->frames[0]), last = log(curves->frames[curves->sizes - 1]);

	return last > first ? (log(frames) - first) / (last - first) : 0;
}

/* The highest ratio, rounded up to a tenth. */
static double top_of(const struct curves *curves)
{
	double top = 0;

	for (int i = 0; i < curves->policies * curves->sizes; i++)
		top = curves->ratios[i] > top ? curves->ratios[i] : top;
	top = ceil(top * 10) / 10;
	return top > 0 ? top : 0.1;
}

/* The ratio of a policy at a place between 0 and 1, on a line between those that are known. */
static double ratio_at(const struct curves *curves, int policy, double place)
{
	const double *ratios = curves->ratios + (ptrdiff_t)policy * curves->sizes;

	for (int i = 1; i < curves->sizes; i++) {
		double left = position(curves, curves->frames[i - 1]);
		double right = position(curves, curves->frames[i]);

		if (place <= right)
			return ratios[i - 1] + (ratios[i] - ratios[i - 1]) *
						       (place - left) / (right - left);
	}
	return ratios[curves->sizes - 1];
}

/* Which policy is seen in each cell, or -1. Of several the first one is, but each is somewhere. */
static void fill(const struct curves *curves, int *cells, int width, double top)
{
	memset(cells, -1, (size_t)width * ROWS * sizeof(*cells));
	for (int policy = 0; policy < curves->policies; policy++) {
		for (int x = 0; x < width; x++) {
			double place = width > 1 ? (double)x / (width - 1) : 0;
			double ratio = ratio_at(curves, policy, place);
			int y = ROWS - 1 - (int)lround(ratio / top * (ROWS - 1));
			int *cell = &cells[y * width + x];

			if (*cell < 0 || x % curves->policies == policy)
				*cell = policy;
		}
	}
}

static void print_mark(FILE *out, const struct style *style)
{
	fprintf(out, "%s%s%s", term_colour(style->colour),
		term_utf8() ? style->utf8 : style->ascii, term_colour(TERM_PLAIN));
}

static void print_frames(FILE *out, const struct curves *curves, int width)
{
	fprintf(out, "      %s", term_utf8() ? "└" : "+");
	for (int x = 0; x < width; x++)
		fputs(term_utf8() ? "─" : "-", out);
	fprintf(out, "\n       %-*" PRIu32 "%" PRIu32 " frames\n", width - 8, curves->frames[0],
		curves->frames[curves->sizes - 1]);
}

void curves_print(FILE *out, const struct curves *curves, int columns)
{
	int width = columns - 10 < 20 ? 20 : columns - 10;
	double top = top_of(curves);
	int *cells;

	width = width > 120 ? 120 : width;
	cells = malloc((size_t)width * ROWS * sizeof(*cells));
	if (!cells)
		return;
	fill(curves, cells, width, top);
	fputs("misses of 100 references\n", out);
	for (int y = 0; y < ROWS; y++) {
		if (y % 5)
			fprintf(out, "      %s", term_utf8() ? "│" : "|");
		else
			fprintf(out, "%5.1f %s", top * 100 * (ROWS - 1 - y) / (ROWS - 1),
				term_utf8() ? "┤" : "+");
		for (int x = 0; x < width; x++) {
			if (cells[y * width + x] < 0)
				fputc(' ', out);
			else
				print_mark(out, style_of(curves, cells[y * width + x]));
		}
		fputc('\n', out);
	}
	free(cells);
	print_frames(out, curves, width);
	fputs("       ", out);
	for (int policy = 0; policy < curves->policies; policy++) {
		print_mark(out, style_of(curves, policy));
		fprintf(out, " %s  ", curves->names[policy]);
	}
	fputc('\n', out);
}

/* The picture, and the part of it that has the curves. */
#define WIDTH	860
#define HEIGHT	480
#define LEFT	60
#define RIGHT	740
#define TOP	50
#define BOTTOM	430

static double svg_x(const struct curves *curves, double frames)
{
	return LEFT + position(curves, frames) * (RIGHT - LEFT);
}

static double svg_y(double ratio, double top)
{
	return BOTTOM - ratio / top * (BOTTOM - TOP);
}

/* What a user chose, such as a file's name, as XML wants it; other bytes become '?'. */
static void svg_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		default:
			fputc(*text >= ' ' && *text < 0x7f ? *text : '?', out);
		}
	}
}

static void svg_axes(FILE *out, const struct curves *curves, double top)
{
	for (int i = 0; i <= 5; i++) {
		double y = svg_y(top * i / 5, top);

		fprintf(out, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#dddddd\"/>\n",
			LEFT, y, RIGHT, y);
		fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.0f %%</text>\n",
			LEFT - 8, y + 4, top * 100 * i / 5);
	}
	for (uint64_t frames = 1; frames <= curves->frames[curves->sizes - 1]; frames *= 10) {
		double x = svg_x(curves, (double)frames);

		if (frames < curves->frames[0])
			continue;
		fprintf(out, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#dddddd\"/>\n",
			x, TOP, x, BOTTOM);
		fprintf(out,
			"<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%" PRIu64 "</text>\n",
			x, BOTTOM + 18, frames);
	}
	fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">frames</text>\n",
		(LEFT + RIGHT) / 2, BOTTOM + 38);
}

static void svg_curve(FILE *out, const struct curves *curves, int policy, double top)
{
	const double *ratios = curves->ratios + (ptrdiff_t)policy * curves->sizes;
	const char *colour = style_of(curves, policy)->svg;
	int y = TOP + 10 + policy * 20;

	fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"",
		colour);
	for (int i = 0; i < curves->sizes; i++)
		fprintf(out, "%s%.1f,%.1f", i ? " " : "", svg_x(curves, curves->frames[i]),
			svg_y(ratios[i], top));
	fputs("\"/>\n", out);
	fprintf(out, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" ", RIGHT + 16, y,
		RIGHT + 36, y);
	fprintf(out, "stroke=\"%s\" stroke-width=\"2\"/>\n", colour);
	fprintf(out, "<text x=\"%d\" y=\"%d\">", RIGHT + 42, y + 4);
	svg_text(out, curves->names[policy]);
	fputs("</text>\n", out);
}

void curves_svg(FILE *out, const struct curves *curves)
{
	double top = top_of(curves);

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n"
		"<text x=\"%d\" y=\"28\" font-size=\"15\">Misses of 100 references: ",
		WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT);
	svg_text(out, curves->title);
	fputs("</text>\n", out);
	svg_axes(out, curves, top);
	for (int policy = 0; policy < curves->policies; policy++)
		svg_curve(out, curves, policy, top);
	fputs("</svg>\n", out);
}
