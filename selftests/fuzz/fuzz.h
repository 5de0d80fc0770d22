/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_FUZZ_H
#define VMLAB_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../common/random.h"

#define PAGE		4096UL
#define HUGE		(512 * PAGE)
#define TIB		(1UL << 40)

#define CALLS_MAX	32	/* of a program */
#define ARGS_MAX	7	/* of a call */
#define THREADS_MAX	4

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/*
 * slots.c: what calls name instead of descriptors and addresses
 *
 * A slot of a descriptor is a fixed number in the child, open or not. The kinds of
 * things behind descriptors have slots of their own, so that most calls meet what they
 * are meant for: r0 to r3 regions, f0 to f3 files, p0 to p3 ends of pipes.
 *
 * A window, m0 to m3, is 1 TiB of addresses that nothing else uses: the only ones that
 * calls may change. m3 begins with memory of its own.
 */
#define SLOTS_EACH	4
#define SLOTS		(3UL * SLOTS_EACH)
#define WINDOWS		4
#define SLOT_NONE	0xff	/* the value is meant literally */

enum family {
	REGIONS = 1,
	FILES = 2,
	PIPES = 4
};

void slot_name(char *text, size_t size, unsigned int slot);
unsigned int slot_parse(const char *text);	/* SLOT_NONE: no such slot */
unsigned int slot_pick(unsigned int families, unsigned int made);
int slot_fd(unsigned int slot);
int slot_take(int fd, unsigned int slot);	/* moves a new descriptor there; 0 or -errno */
uint64_t window_address(unsigned int window);
bool windows_hold(uint64_t address, uint64_t length);
int windows_make(void);

/* kinds.c: kinds of arguments */

struct name {
	const char *text;
	uint64_t value;
};

enum class {
	NUMBER,		/* @unit times less than @most, unless hostile */
	CHOICE,		/* one of @names */
	FLAGS,		/* @names, or'ed; @usual ones more often */
	DESCRIPTOR,	/* a slot of @families */
	ADDRESS,	/* a window and an offset in it */
};

struct kind {
	enum class class;
	bool made;	/* the call makes what the slot or window then stands for */
	bool tame;	/* no hostile values: they would only take time */
	unsigned int families;
	uint64_t unit, most;
	const struct name *names;
	const uint64_t *usual;
};

struct arg {
	uint8_t slot;	/* DESCRIPTOR, ADDRESS: slot or window, SLOT_NONE if literal */
	uint64_t value;
};

/* What the calls before made: bits of slots and windows. */
struct made {
	unsigned int slots;
	unsigned int windows;
};

struct arg kind_generate(const struct kind *kind, const struct made *made);
void kind_print(FILE *out, const struct kind *kind, struct arg arg);
bool kind_parse(const char *text, const struct kind *kind, struct arg *arg);

/* ops.c, ops_*.c: the operations */

struct op {
	const char *name;
	long (*run)(const uint64_t *a);		/* value or -errno; see OK() */
	const struct kind *args[ARGS_MAX];
	bool slow;				/* and so made up less often */
	bool mounts;				/* changes the mount that names are on */
};

/* Refused by an operation itself, as it would harm the child or the machine. */
#define REFUSED	(-4095L)

extern const struct op region_ops[], memory_ops[], file_ops[], name_ops[], mount_ops[];
extern const struct op process_ops[], pool_ops[];

size_t ops_count(void);
const struct op *op_at(size_t number);
size_t op_number(const struct op *op);
const struct op *op_find(const char *name);
unsigned int op_args(const struct op *op);

/* What a call returns, and -errno if it failed. */
#define SYS(call) ({							\
	long __ret = (long)(call);						\
									\
	__ret == -1 ? -(long)errno : __ret;				\
})

/* The same for calls whose value is another each time. */
#define OK(call) ({							\
	long __done = SYS(call);					\
									\
	__done >= 0 || __done <= REFUSED ? 0 : __done;			\
})

/* The kinds that several files of operations use. */
extern const struct kind fd, region, new_region, file, new_file, pipe_end, new_pipe, mappable;
extern const struct kind address, place, length, offset, size, huges, count, small;
extern const struct kind file_name, open_flags, create_flags;

/* touch.c: accesses that may end in a signal; 0 or SIGNALLED - signal */

#define SIGNALLED	(-3000L)	/* below every -errno */

void touch_init(void);
long touch_read(const void *address, uint64_t length, uint64_t stride);
long touch_write(void *address, uint64_t length, uint64_t stride, unsigned char byte);
long touch_execute(void *address);
unsigned char touch_byte(const void *address);

/* program.c: programs, and their text */

struct call {
	const struct op *op;
	uint8_t thread;
	struct arg args[ARGS_MAX];
};

struct program {
	unsigned int count;
	unsigned int race_from;	/* calls from here on are done by each thread freely */
	struct call calls[CALLS_MAX];
};

#define NO_RACE	UINT32_MAX

unsigned int program_threads(const struct program *program);
struct made program_made(const struct program *program, unsigned int before);
void program_remove(struct program *program, unsigned int index);
bool program_insert(struct program *program, unsigned int index, const struct call *call);
void program_print(FILE *out, const struct program *program);
void call_print(FILE *out, const struct call *call);
bool program_parse(FILE *in, const char *path, struct program *program);
bool program_load(const char *path, struct program *program);
bool program_save(const char *path, const struct program *program);

/* mutate.c: new programs */

void program_generate(struct program *program, unsigned int threads);
void program_mutate(struct program *program, const struct program *other, unsigned int threads);

/* kcov.c: which of the module's code a program ran */

#define EDGES		(1U << 20)

/**
 * struct coverage - code that was run
 * @edges:	pairs of places that followed each other, as hashes
 * @count:	how many
 * @room:	for how many @edges has room
 */
struct coverage {
	uint32_t *edges;
	size_t count;
	size_t room;
};

bool kcov_open(void);		/* false: unguided; says why */
void kcov_reset(void);
void kcov_keep(void);		/* in this process, not in its children */
void kcov_start(unsigned int thread);
void kcov_stop(unsigned int thread);
/* In a child of a thread; until its end. One at a time: the others are not recorded. */
void kcov_start_forked(void);
/* What the last program ran; adds its places to the total. The caller frees it. */
void kcov_read(struct coverage *coverage);
void coverage_free(struct coverage *coverage);
unsigned long kcov_places(void);
bool kcov_write_places(const char *path);

/* corpus.c: programs worth keeping, each as it reached something new */

struct entry {
	char *path;		/* NULL: not saved */
	bool written;		/* by somebody, who gave it a name: it stays as it is */
	struct program program;
	struct coverage coverage;
};

struct corpus {
	struct entry *entries;
	size_t count;
	uint16_t *holders;	/* of each edge: entries that reach it */
	unsigned long edges;	/* that have one */
};

void corpus_init(struct corpus *corpus);
/* The paths of a folder's programs, in order; NULL-terminated. */
char **corpus_paths(const char *dir);
/* How much of it the corpus has not reached yet. */
size_t corpus_news(const struct corpus *corpus, const struct coverage *coverage);
/* Takes over the coverage. */
void corpus_add(struct corpus *corpus, const struct program *program,
		struct coverage *coverage, const char *path);
bool corpus_save(struct corpus *corpus, const char *dir);
void corpus_minimize(struct corpus *corpus);
bool corpus_would_lose(const struct corpus *corpus, const struct entry *entry,
		       const struct coverage *coverage);
/* Takes over the coverage. */
void corpus_replace(struct corpus *corpus, struct entry *entry, const struct program *program,
		    struct coverage *coverage);

/* execute.c: a program in a child of its own */

struct result {
	bool done;
	long value;
};

enum verdict {
	RAN,
	DIED,
	HUNG
};

struct outcome {
	enum verdict verdict;
	int signal;				/* DIED */
	struct result results[CALLS_MAX];
};

void execute_init(unsigned int seconds);
struct outcome execute(const struct program *program);

/* child.c: what the child does */

struct shared {
	struct result results[CALLS_MAX];
};

void child_run(const struct program *program, struct shared *shared) __attribute__((noreturn));
/* In a child of a thread: does so many of the calls behind the one that the thread was at. */
void child_do_next(unsigned int count);
bool child_is_forked(void);

/* scratch.c: where programs have their files */

void scratch_make(void);
/* @mounts: the mount of vmlab may be another than it was, or have others above it. */
void scratch_reset(bool mounts);
void scratch_remove(void);
bool scratch_folder(char *path, size_t size, uint64_t number);
bool scratch_name(char *path, size_t size, uint64_t number);
void scratch_mountpoint(char *path, size_t size);

/* system.c: the kernel's log, the module's figures and parameters */

void system_init(unsigned long pages);
void system_restore(void);
/* What went wrong besides the program's outcome: a sentence, or NULL. */
const char *system_complaint(void);

#endif /* VMLAB_FUZZ_H */
