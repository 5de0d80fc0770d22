// SPDX-License-Identifier: GPL-2.0
/*
 * Telling a story in steps, with figures.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "extents.h"
#include "fail.h"
#include "json.h"
#include "picture.h"
#include "size.h"
#include "tale.h"
#include "term.h"

#define INDENT		3
#define LINES		8

void tale_begin(struct tale *tale)
{
	tale->root = json_object_new_object();
	tale->array = json_object_new_array();
	json_add_text(tale->root, "version", VMLAB_VERSION);
	tale->facts = tale->root;	/* until the first step */
}

void tale_end(struct tale *tale, bool ok)
{
	json_object_object_add(tale->root, "steps", tale->array);
	json_object_object_add(tale->root, "checks", json_object_new_int(tale->checks));
	json_object_object_add(tale->root, "failed", json_object_new_int(tale->failed));
	json_add_bool(tale->root, "ok", ok);
	if (tale->json)
		json_print(tale->root);
	json_object_put(tale->root);
}

static void wait_for_enter(void)
{
	int c;

	printf("\n%*s%s[Enter]%s", INDENT, "", term_colour(TERM_DIM), term_colour(TERM_PLAIN));
	fflush(stdout);
	do {
		c = getchar();
	} while (c != '\n' && c != EOF);
}

void tale_step(struct tale *tale, const char *name, const char *title, const char *text)
{
	if (tale->pause && tale->steps)
		wait_for_enter();
	tale->steps++;
	tale->facts = json_object_new_object();
	json_object_array_add(tale->array, tale->facts);
	json_add_text(tale->facts, "name", name);
	json_add_text(tale->facts, "title", title);
	json_add_text(tale->facts, "text", text);
	if (tale->json)
		return;

	printf("\n%s%d  %s%s\n", term_colour(TERM_BOLD), tale->steps, title,
	       term_colour(TERM_PLAIN));
	term_wrap(stdout, INDENT, text);
	putchar('\n');
	fflush(stdout);
}

void tale_say(const struct tale *tale, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int ret;

	if (tale->json)
		return;
	va_start(args, format);
	ret = vasprintf(&text, format, args);
	va_end(args);
	if (ret < 0)
		return;
	term_wrap(stdout, INDENT, text);
	free(text);
}

void tale_print(const struct tale *tale, const char *format, ...)
{
	va_list args;

	if (tale->json)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fflush(stdout);
}

static void print_fact(const struct tale *tale, const char *label, const char *value)
{
	if (!tale->json)
		printf("%*s%-26s %10s\n", INDENT, "", label, value);
}

void tale_add(struct tale *tale, const char *key, struct json_object *value)
{
	json_object_object_add(tale->facts, key, value);
}

void tale_count(struct tale *tale, const char *key, const char *label, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	print_fact(tale, label, text);
	tale_add(tale, key, json_object_new_uint64(value));
}

void tale_bytes(struct tale *tale, const char *key, const char *label, uint64_t bytes)
{
	print_fact(tale, label, size_text(bytes, false).text);
	tale_add(tale, key, json_object_new_uint64(bytes));
}

void tale_seconds(struct tale *tale, const char *key, const char *label, double seconds)
{
	char text[32];

	if (seconds < 1)
		snprintf(text, sizeof(text), "%.1f ms", seconds * 1000);
	else
		snprintf(text, sizeof(text), "%.1f s", seconds);
	print_fact(tale, label, text);
	tale_add(tale, key, json_object_new_double(seconds));
}

void tale_check(struct tale *tale, bool holds, const char *what)
{
	struct json_object *checks = json_object_object_get(tale->facts, "checks");
	struct json_object *check = json_object_new_object();

	if (!checks) {
		checks = json_object_new_array();
		tale_add(tale, "checks", checks);
	}
	json_add_text(check, "what", what);
	json_add_bool(check, "holds", holds);
	json_object_array_add(checks, check);

	tale->checks++;
	if (!tale->json)
		printf("%*s%s%s%s %s\n", INDENT, "", term_colour(holds ? TERM_GREEN : TERM_RED),
		       holds ? "ok" : "NOT OK", term_colour(TERM_PLAIN), what);
	if (holds)
		return;
	tale->failed++;
	fail("this did not hold: %s; please report it, with the output of \"dmesg\"", what);
}

int tale_picture(struct tale *tale, const char *key, int fd, uint64_t size, bool legend)
{
	struct picture picture = {
		.end = size,
		.indent = INDENT,
		.columns = term_columns(),
		.lines = LINES,
	};
	struct vmlab_features features;
	struct extents extents;
	int ret;

	ret = vmlab_features(fd, &features);
	if (ret)
		return fail_op(VMLAB_OP_FEATURES, ret);
	ret = extents_read(&extents, fd, 0, size);
	if (ret)
		return fail_op(VMLAB_OP_EXTENTS, ret);

	tale_add(tale, key, extents_json(&extents));
	picture.page_size = features.page_size;
	picture.extents = &extents;
	if (!tale->json) {
		uint64_t cell = picture_print(stdout, &picture);

		if (legend)
			picture_legend(stdout, INDENT, cell, features.page_size);
		fflush(stdout);
	}
	extents_free(&extents);
	return 0;
}
