/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmlab-differ: the same steps on vmlab, on a memfd and on a model.
 *
 * A program is a list of steps, each done by one of up to four processes. The model
 * (model.c, predict.c) says what each step must return and which bytes it must find;
 * actors (actor.c) do it on the two sides; run.c compares.
 */
#ifndef VMLAB_DIFFER_H
#define VMLAB_DIFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <linux/vmlab.h>

#include "../common/random.h"

#define PAGE		4096UL
#define HUGE_PAGES	512UL	/* of a huge page */
#define HOT_PAGES	24UL	/* of a region, where most steps go */
#define REGION_PAGES	4112UL	/* of the largest region */
#define SLOTS		5UL	/* of descriptors, in each process */
#define WINDOWS		4UL	/* of addresses, in each process */
#define WINDOW_PAGES	(2 * HUGE_PAGES + 16)
#define PLACES		(WINDOWS * WINDOW_PAGES)
#define PROCESSES	4UL
#define ARGS_MAX	6
#define STEPS_MAX	4096
#define DATA_PAGES	64UL	/* of what one step reads or writes */
#define DATA_MAX	(DATA_PAGES * PAGE)

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

#define MARK_SIZE	8UL	/* bytes at the beginning of a page: struct page */

static inline uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The two that do what the model says. */
enum side {
	VMLAB,
	MEMFD,
	SIDES
};

/* What a call returns, and -errno if it failed. */
#define SYS(call) ({							\
	long __ret = (long)(call);					\
									\
	__ret == -1 ? -(long)errno : __ret;				\
})

/* A touch of memory returns how many bytes it did, and the signal that ended it. */
#define SIGNAL_SHIFT	32
#define TOUCHED(bytes, signal)	((long)(bytes) | (long)(signal) << SIGNAL_SHIFT)

/* op.c: what a step can be */

struct model;
struct process;
struct forecast;

/**
 * struct op - an operation
 * @words:	a step in words; %X stands for an argument of kind X, see kind.c
 * @weight:	how often it is made up, relative to others
 * @features:	VMLAB_FEATURE_* bits it needs
 * @predict:	does it on the model and says what it must give; false if the step
 *		makes no sense as things are, and then nothing has changed
 * @run:	does it on one side; a is the forecast's, which may differ from the
 *		step's
 */
struct op {
	const char *words;
	unsigned int weight;
	uint64_t features;
	bool (*predict)(struct model *model, struct process *process, const uint64_t *a,
			struct forecast *forecast);
	long (*run)(enum side side, const uint64_t *a, uint8_t *data);
};

extern const struct op ops[];
extern const struct op op_load, op_pread, op_marks;

size_t ops_count(void);
const struct op *op_find(const char *words);	/* exactly those of one */
const struct op *op_pick(uint64_t features);

/* program.c: steps, and their text */

struct step {
	const struct op *op;
	unsigned int process;
	uint64_t args[ARGS_MAX];
};

struct program {
	unsigned int count;
	struct step steps[STEPS_MAX];
};

void step_print(FILE *out, const struct step *step);
void program_print(FILE *out, const struct program *program);
bool program_load(const char *path, struct program *program);
bool program_save(const char *path, const struct program *program, const char *comment);

/* kind.c: kinds of arguments */

/* Of whom and of what the next argument is: as those say that were made before it. */
struct subject {
	const struct process *process;
	const struct view *view;	/* or NULL */
};

unsigned int kinds_of(const char *words, char *kinds);
uint64_t kind_generate(char kind, const struct model *model, struct subject *subject);
void kind_print(FILE *out, char kind, uint64_t value);
bool kind_parse(char kind, char *text, uint64_t *value);

enum sharing {
	PRIVATE,
	SHARED
};

enum whence {
	DATA,
	HOLE
};

enum extending {
	KEEP,
	EXTEND
};

/* model.c: what there is, as it should be */

enum presence {
	ABSENT,
	PRESENT,
	ALLOCATED	/* by fallocate(): is it data or a hole? Kernels do not agree */
};

/**
 * struct page - the content of a page of a view
 * @presence:	is there one?
 * @mark:	its first 8 bytes, if no others were ever written: those are zeroes then
 * @bytes:	all of them, or NULL
 *
 * Of a region with huge pages most have no more than a mark, so that the model is small.
 */
struct page {
	enum presence presence;
	uint64_t mark;
	uint8_t *bytes;
};

/**
 * struct view - the content of a region
 * @refs:	files and places that show it
 * @size:	bytes to its end
 * @limit:	what the end cannot go beyond, in bytes: those of whole pages
 * @focus:	the first of HOT_PAGES where most steps go, and which are compared after each
 * @flags:	VMLAB_REGION_*
 * @family:	the same for a region and what its mappings became in children of forks
 * @pool:	the same for a region and its clones
 * @peer:	there is a memfd that is to show the same
 * @looked_at:	the step after which it was compared last
 * @pages:	up to the limit
 */
struct view {
	unsigned int refs;
	uint64_t size;
	uint64_t limit;
	uint64_t focus;
	unsigned int flags;
	unsigned int family;
	unsigned int pool;
	bool peer;
	unsigned int looked_at;
	struct page pages[];
};

/* An open file description: processes share its position after a fork. */
struct file {
	unsigned int refs;
	struct view *view;
	uint64_t position;
};

/**
 * struct place - one page of addresses of a process
 * @view:	what is mapped there, NULL: nothing
 * @page:	which page of it
 * @protection:	PROT_*
 * @shared:	MAP_SHARED
 * @vma:	a number for each mapping of the kernel's: mremap() wants only one
 * @copy:	MAP_PRIVATE, and written to: the process's own content
 */
struct place {
	struct view *view;
	uint64_t page;
	int protection;
	bool shared;
	unsigned int vma;
	uint8_t *copy;
};

/* A process may have one thread that waits for a futex. */
struct waiter {
	struct view *view;	/* NULL: none does */
	uint64_t offset;
	unsigned long since;
};

struct process {
	bool alive;
	struct file *files[SLOTS];
	struct place places[PLACES];
	struct waiter waiter;
};

/* What kernels, or vmlab and memfd, do not do alike; found out before the first step. */
struct traits {
	uint64_t features;
	bool grows_in_place;		/* mremap() of a region's mapping */
	bool removes_read_only;		/* MADV_REMOVE of a mapping with PROT_READ */
	bool overlap_comes_first;	/* EINVAL before EFAULT, from mremap() */
};

/**
 * struct model - all of it
 * @traits:	what differs between kernels
 * @boundary:	a page: regions of a program that is made up end behind it, or 0
 * @processes:	those there can be
 * @next_vma:	the number that the next mapping gets
 * @now:	counts steps
 */
struct model {
	struct traits traits;
	uint64_t boundary;
	struct process processes[PROCESSES];
	unsigned int next_vma;
	unsigned long now;
};

void *allocate(size_t size);
uint8_t *copy_bytes(const uint8_t *bytes);	/* of a page; NULL stays NULL */
struct model *model_new(const struct traits *traits);
void model_free(struct model *model);
struct file *file_new(struct view *view);
void file_put(struct file *file);
void slot_set(struct process *process, uint64_t slot, struct file *file);
void place_map(struct place *place, struct view *view, uint64_t page);
void place_unmap(struct place *place);
void place_move(struct place *from, struct place *to);
int place_access(const struct place *place, bool write);
const uint8_t *place_bytes(const struct place *place);
uint8_t *place_touch(struct place *place, bool write);
struct place *places_at(struct process *process, uint64_t place, uint64_t pages);
bool places_are_one(const struct place *places, uint64_t pages);
void waiter_set(struct waiter *waiter, struct view *view, uint64_t offset);
void process_fork(const struct process *parent, struct process *child);
void process_end(struct process *process);

/* view.c */

struct view *view_new(uint64_t pages, unsigned int flags);
struct view *view_copy(const struct view *view);
struct view *view_get(struct view *view);
void view_put(struct view *view);

/* Those up to its limit. */
static inline uint64_t view_pages(const struct view *view)
{
	return view->limit / PAGE;
}

static inline bool view_is_hot(const struct view *view, uint64_t page)
{
	return page >= view->focus && page < view->focus + HOT_PAGES;
}

const uint8_t *view_page(const struct view *view, uint64_t page);
uint8_t *view_own_page(struct view *view, uint64_t page);
void view_read(const struct view *view, uint64_t offset, uint64_t length, uint8_t *data);
void view_write(struct view *view, uint64_t offset, uint64_t length, const uint8_t *data);
void view_mark(struct view *view, uint64_t page, uint64_t mark);
void view_link(const struct view *from, uint64_t page, struct view *to, uint64_t target);
void view_punch(struct view *view, uint64_t offset, uint64_t length);
void view_truncate(struct model *model, struct view *view, uint64_t size);

static inline struct view *view_at(const struct process *process, uint64_t slot)
{
	return slot < SLOTS && process->files[slot] ? process->files[slot]->view : NULL;
}

/* predict.c, predict_*.c: a step on the model, and what it must give */

/**
 * struct order - what a process is to do, and what must come of it
 * @process:	its number
 * @op:		what
 * @sides:	where
 * @args:	on each side
 * @value:	that it returns
 * @any_value:	it may return something else than that, on this side
 * @length:	bytes that it finds
 * @data:	those
 */
struct order {
	unsigned int process;
	const struct op *op;
	bool sides[SIDES];
	uint64_t args[SIDES][ARGS_MAX];
	long value;
	bool any_value[SIDES];
	size_t length;
	uint8_t data[DATA_MAX];
};

/**
 * struct forecast - what a step comes to
 * @count:	orders that are done at the same time, 0 if the step only compares
 * @changed:	what must be compared afterwards, or NULL
 * @files:	compare all that descriptors show
 * @memory:	compare all that is mapped
 */
struct forecast {
	unsigned int count;
	struct order orders[2];
	struct view *changed;
	bool files;
	bool memory;
};

bool predict(struct model *model, const struct step *step, struct forecast *forecast);

#define PREDICT(name)								\
	bool predict_##name(struct model *model, struct process *process,	\
			    const uint64_t *a, struct forecast *forecast)

PREDICT(open);
PREDICT(close);
PREDICT(clone);
PREDICT(clone_memory);
PREDICT(reopen);
PREDICT(pread);
PREDICT(pwrite);
PREDICT(read);
PREDICT(write);
PREDICT(pread_into);
PREDICT(pwrite_from);
PREDICT(seek);
PREDICT(seek_for);
PREDICT(punch);
PREDICT(allocate);
PREDICT(truncate);
PREDICT(link);
PREDICT(mark);
PREDICT(marks);
PREDICT(budget);
PREDICT(spoil);
PREDICT(map);
PREDICT(unmap);
PREDICT(move);
PREDICT(resize);
PREDICT(duplicate);
PREDICT(protect);
PREDICT(drop);
PREDICT(remove);
PREDICT(store);
PREDICT(load);
PREDICT(race);
PREDICT(wait);
PREDICT(wake);
PREDICT(make_mutex);
PREDICT(use_mutex);
PREDICT(fork);
PREDICT(end);
PREDICT(compare_files);
PREDICT(compare_all);

/* sides.c: a step on vmlab or a memfd */

#define RUN(name) long run_##name(enum side side, const uint64_t *a, uint8_t *data)

RUN(open);
RUN(close);
RUN(clone);
RUN(reopen);
RUN(pread);
RUN(pwrite);
RUN(read);
RUN(write);
RUN(pread_into);
RUN(pwrite_from);
RUN(seek);
RUN(seek_for);
RUN(punch);
RUN(allocate);
RUN(truncate);
RUN(link);
RUN(mark);
RUN(marks);
RUN(budget);
RUN(map);
RUN(unmap);
RUN(move);
RUN(resize);
RUN(duplicate);
RUN(protect);
RUN(drop);
RUN(remove);
RUN(store);
RUN(load);
RUN(race);
RUN(wait);
RUN(wake);
RUN(make_mutex);
RUN(use_mutex);
RUN(fork);
RUN(end);

int slot_fd(enum side side, uint64_t slot);
char *place_address(enum side side, uint64_t place);
void touch_init(void);
long touch_load(const char *from, uint8_t *to, size_t length);
long touch_store(char *to, const uint8_t *from, size_t length, size_t stride);

/* futex.c */

#define MUTEX_SIZE	64UL	/* a process-shared mutex, and a counter that it guards */

void mutex_template(uint8_t *bytes);
uint64_t mutex_count(const uint8_t *bytes);
void mutex_set_count(uint8_t *bytes, uint64_t count);
void waiters_forget(void);

/* actor.c: the processes that do the steps */

/* What an actor is to do next, and what came of it. */
struct task {
	const struct op *op;
	bool sides[SIDES];
	uint64_t args[SIDES][ARGS_MAX];
	long value[SIDES];
	uint8_t data[SIDES][DATA_MAX];
};

struct mailbox {
	unsigned int count;
	struct task tasks[2];	/* of threads of their own, if there are two */
	pid_t pid;
};

void actors_start(void);
void actors_end(void);
struct mailbox *actor_mailbox(unsigned int number);
void actor_go(unsigned int number);
/* NULL, or what became of it instead of an answer. */
const char *actor_wait(unsigned int number, unsigned int seconds);
bool actor_gone(unsigned int number, unsigned int seconds);
long actor_fork(unsigned int number);
void actor_leave(void);

/* run.c: a program, in a process of its own */

/* What became of huge pages. */
struct huge_count {
	unsigned long made;
	unsigned long split;
	unsigned long fallback;	/* there was no memory for one */
};

struct result {
	bool failed;
	bool complete;		/* all steps were done, and all was alike */
	unsigned int step;	/* the one that showed it; the program's count: its end */
	unsigned int done;	/* steps that made sense */
	struct huge_count huge;
	char text[1024];
};

void sides_evict(void);
void sides_evict_some(void);
void run_init(unsigned int limit, bool verbose);
const struct traits *run_traits(void);
void run_quietly(void);
struct result run(const struct program *program);

/* generate.c, shrink.c */

void program_generate(struct program *program, unsigned int steps);
struct result shrink(struct program *program, struct result result);

/* stamp.c */

/* Bytes that tell which step they are from, and which of its bytes. */
void stamp(uint8_t *bytes, size_t length, uint64_t stamp);
/* The same for the first 8 bytes of a page. */
uint64_t stamp_mark(uint64_t stamp, uint64_t page);

#endif /* VMLAB_DIFFER_H */
