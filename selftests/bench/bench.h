/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_BENCH_H
#define VMLAB_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE		4096UL
#define MIB		(1UL << 20)
#define HUGE		(2 * MIB)
#define REPEATS_MAX	64
#define SIDES_MAX	4

struct settings {
	size_t pages;		/* touched in a turn */
	size_t sparse;		/* random touches go to one page in this many */
	unsigned int repeats;
	const char *only;	/* a part of the names of the rows that are wanted, or NULL: all */
};

extern struct settings settings;

/* side.c: things whose pages are touched, all with the same few operations */

struct side;

/*
 * struct memory - an object of some side, and one mapping of it
 * @fd:		the object, or -1
 * @p:		its mapping, or NULL
 * @length:	bytes of both
 * @copy:	what it is shared with: a descriptor or a process
 */
struct memory {
	const struct side *side;
	int fd;
	char *p;
	size_t length;
	int copy;
	void *private;
};

struct side {
	const char *name;
	int (*make)(struct memory *memory);	/* memory->fd; absent: nothing to make */
	void *(*map)(struct memory *memory);
	void (*end)(struct memory *memory);	/* before unmapping */
	void (*share)(struct memory *memory);	/* by copy-on-write, with memory->copy */
	void (*unshare)(struct memory *memory);
	void (*evict)(struct memory *memory);	/* all of its pages leave memory */
	uint64_t (*stored_bytes)(struct memory *memory);	/* what they take then */
	void (*limit)(struct memory *memory, size_t frames);	/* no more of it is in memory */
	uint64_t (*swapped_in)(struct memory *memory);	/* pages that came back so far */
	const char *policy;	/* that chooses which pages leave: set for a row */
};

extern const struct side vmlab, vmlab_tracked, memfd, anonymous, userfault;

/* Copied when the process forks; and what a fork does to page tables, alone. */
extern const struct side vmlab_fork, vmlab_fork_huge, mprotected;

/* With pages of 2 MiB. */
extern const struct side vmlab_huge, anonymous_huge;

/* On the file of file.c: read-only mappings, and writable ones. */
extern const struct side vmlab_file, file_mmap, vmlab_file_written, file_mmap_written;

/* Whose pages leave memory, of swap.c. */
extern const struct side vmlab_stored, anonymous_zram;

/* What the policy of the row does in theory. */
extern const struct side simulated;

/* File systems of files.c. */
extern const struct side vmlab_mount, tmpfs_mount;

void memory_make(struct memory *memory, const struct side *side, size_t pages);
void memory_map(struct memory *memory);
void memory_unmap(struct memory *memory);
void memory_end(struct memory *memory);
uint64_t memory_resident(const struct memory *memory);

/* touch.c: the loops that touch pages */

void touch_write(char *p, size_t pages);
void touch_write_huge(char *p, size_t length);
void touch_read(const char *p, size_t pages);
void touch_in_order(char *p, const uint32_t *order, size_t count);
uint32_t *random_order(size_t count, size_t among);
void pretouch(size_t bytes);

/* meter.c: what happens between two points */

struct events {
	double faults, shootdowns;
};

uint64_t now(void);
bool meter_counts_instructions(void);
void meter_open_events(void);
void meter_mark(int side);
void meter_begin(void);
double meter_end(void);
struct events meter_events(void);

/* turns.c: one turn of each kind of work; the cost of a page in it */

typedef double turn_fn(const struct side *side);

turn_fn first_write, first_write_huge,
	first_write_at_random, rewrite, reread, unmap, first_read, rewrite_clean,
	write_back, memory_beside, memory_of_untouched;
const char *prepare_random(void);

/* turns_cow.c: the same for clones and forks */

turn_fn cow_break, cow_break_p99, share_unmapped, share_mapped, share_again,
	memory_of_clones;

/* files.c: the same for files; the cost of one */

turn_fn file_life;
const char *files_prepare(void);
void files_finish(void);

/* swap.c: the same for pages that leave memory, and come back; the others: bytes of one stored */

turn_fn swap_out, swap_in, swap_memory, memory_beside_stored;
const char *swap_prepare_text(void);
const char *swap_prepare_program(void);
const char *swap_prepare_numbers(void);
const char *swap_prepare_no_zram(void);
void swap_finish(void);
void page_fill(char *page, size_t number);

/* budget.c: programs of whose pages a part fits: the cost of a reference, of a miss; misses */

turn_fn reference_half, miss_half, misses_of_loop, misses_of_scan, misses_of_zipf;

/* cgroup.c: a memory cgroup of its own */

void cgroup_enter(size_t bytes);
void cgroup_leave(void);

/* rows.c: the rows, measure.c: how they are measured */

#define ALL_POLICIES "all"

/*
 * struct work - a piece of work, and who does it
 * @turn:	does it once and says what a page cost
 * @unit:	of that; NULL: time per page
 * @sides:	vmlab, then its peers: one row for each, with the target for the
 *		ratio of vmlab's figure to the peer's. Without a peer the target is
 *		for the figure itself. 0: none. A side with a policy of its own is named by it.
 * @prepare:	what all turns need; says why it cannot be had, or NULL
 * @finish:	undoes it
 * @policy:	chooses which pages leave; ALL_POLICIES: a row for each, whose name is added
 * @turns:	that are counted; 0: as many as are wanted
 * @headline:	one of those that the README and the history show
 */
struct work {
	const char *name, *unit;
	turn_fn *turn;
	struct contender {
		const struct side *side;
		double target;
		const char *policy;
	} sides[SIDES_MAX];
	const char *(*prepare)(void);
	void (*finish)(void);
	const char *policy;
	unsigned int turns;
	bool headline;
};

extern const struct work works[];
extern const size_t works_count;

double median(double *values, size_t count);
void works_measure(void);
void works_count_events(void);

/* threads.c */

void threads_measure(void);

/* file.c: a file in the page cache, on a file system of its own */

const char *file_make_tmpfs(void);
const char *file_make_ext4(void);
int file_open(void);
void file_clean(void);

/* system.c: figures and settings of the kernel */

uint64_t counter_read(const char *path, const char *name);
uint64_t meminfo(const char *field);
uint64_t memory_free(void);
bool setting_write(const char *path, const char *text);
bool setting_read(const char *path, char *text, size_t size);
void die(const char *what) __attribute__((noreturn));

/* report.c: the table, and the same for programs */

struct row {
	const char *work, *peer, *unit;
	double ours, theirs;	/* theirs < 0: no peer */
	double target;		/* of ours / theirs, or of ours if there is no peer; 0: none */
	bool at_least;		/* the ratio is to be at least the target */
	bool headline;
	struct events our_events, their_events;	/* per page */
	const char *skipped;	/* why there are no figures */
};

void row_add(struct row row);
void rows_print(bool events);
void rows_json(bool events);

#endif /* VMLAB_BENCH_H */
