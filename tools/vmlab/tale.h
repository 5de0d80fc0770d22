/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TALE_H
#define TALE_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/**
 * struct tale - what the demo tells, as text or as one JSON object
 * @json:	print the object at the end, and no text
 * @pause:	wait for Enter between steps
 * @steps:	steps begun
 * @checks:	checks made
 * @failed:	checks that did not hold
 * @root:	the object
 * @array:	its steps
 * @facts:	the facts of this step
 */
struct tale {
	bool json;
	bool pause;
	int steps;
	int checks;
	int failed;
	struct json_object *root;
	struct json_object *array;
	struct json_object *facts;
};

void tale_begin(struct tale *tale);

/* Prints the object, if that is wanted, and frees everything. */
void tale_end(struct tale *tale, bool ok);

/* A new step: its name in JSON, its title, and what happens and why. */
void tale_step(struct tale *tale, const char *name, const char *title, const char *text);

/* One more paragraph. */
void tale_say(const struct tale *tale, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Output as it is, for people only. */
void tale_print(const struct tale *tale, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Facts: a line of text, and a member of the step's object. */
void tale_count(struct tale *tale, const char *key, const char *label, uint64_t value);
void tale_bytes(struct tale *tale, const char *key, const char *label, uint64_t bytes);
void tale_seconds(struct tale *tale, const char *key, const char *label, double seconds);

/* A member of the step's object only; takes over the reference of @value. */
void tale_add(struct tale *tale, const char *key, struct json_object *value);

/* Something that must hold; a sentence on stderr says so if it does not. */
void tale_check(struct tale *tale, bool holds, const char *what);

/*
 * The pages of the first @size bytes of the region @fd; @key in JSON. Returns 0, or -1 after a
 * sentence on stderr.
 */
int tale_picture(struct tale *tale, const char *key, int fd, uint64_t size, bool legend);

#endif /* TALE_H */
