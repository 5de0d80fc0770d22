/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_BENCH_H
#define VMLAB_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE	4096UL
#define MIB	(1UL << 20)

/* side.c: things whose pages are touched, all with the same few operations */

struct side;

/*
 * struct memory - an object of some side, and one mapping of it
 * @fd:		the object, or -1
 * @p:		its mapping, or NULL
 * @length:	bytes of both
 */
struct memory {
	const struct side *side;
	int fd;
	char *p;
	size_t length;
	void *private;
};

struct side {
	const char *name;
	int (*make)(struct memory *memory);	/* memory->fd; absent: nothing to make */
	void *(*map)(struct memory *memory);
	void (*end)(struct memory *memory);	/* before unmapping */
};

extern const struct side vmlab, vmlab_tracked, memfd, anonymous, userfault;

void memory_make(struct memory *memory, const struct side *side, size_t pages);
void memory_map(struct memory *memory);
void memory_unmap(struct memory *memory);
void memory_end(struct memory *memory);
uint64_t memory_resident(const struct memory *memory);

/* A region, and its peer, on a file whose pages are cached. */
void memory_of_file(struct memory *memory, int file, size_t pages, bool region);

/* measure.c: loops and their time */

uint64_t now(void);
void touch_write(char *p, size_t pages);
void touch_read(const char *p, size_t pages);
void touch_in_order(char *p, const uint32_t *order, size_t count);
uint32_t *random_order(size_t count, size_t among);
double median(double *values, size_t count);
void pretouch(size_t bytes);

/* system.c: figures and settings of the kernel */

uint64_t meminfo(const char *field);
uint64_t memory_free(void);
bool setting_write(const char *path, const char *text);
bool setting_read(const char *path, char *text, size_t size);
const char *fault_around_set(const char *bytes);
int file_make(const char *type, size_t pages, const char **reason);
void file_clean(void);
void die(const char *what);

/* report.c: the table, and the same for programs */

struct row {
	const char *work, *peer, *unit;
	double ours, theirs;	/* theirs < 0: a bound of its own, in target */
	double target;		/* of ours / theirs; 0: none */
	bool at_least;		/* the ratio is to be at least the target */
	const char *skipped;	/* why there are no figures */
};

void row_add(struct row row);
void rows_print(const char *title);
bool rows_json(const char *path, const char *mode);

/* rows.c, threads.c */

struct settings {
	size_t pages;
	size_t sparse;		/* random touches go to one page in this many */
	unsigned int repeats;
};

void rows_measure(const struct settings *settings);
void threads_measure(const struct settings *settings);

#endif /* VMLAB_BENCH_H */
