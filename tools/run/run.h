/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What "vmlab run" and the library that it preloads tell each other.
 *
 * The command opens a region that stays empty, the *root*: its pool has the budget. Each
 * process that the library is loaded into has its memory in a clone of the root, made when it
 * begins, and so in the same pool. The first process has a region that the command has a
 * descriptor of, too: its figures are there when the process is not.
 *
 * The library finds all this by the variable VMLAB_RUN in its environment: decimal numbers,
 * RUN_FORMAT.
 */
#ifndef RUN_H
#define RUN_H

#include <stdint.h>

#define RUN_VARIABLE	"VMLAB_RUN"

/* For printf() and scanf(): the members of struct run_terms, in order. */
#define RUN_FORMAT	"%d,%llu,%d,%llu,%d,%d,%d"

/**
 * struct run_terms - where things are
 * @root:	descriptor of the root, inherited over exec
 * @root_id:	its id: the number may be another file's by now
 * @first:	descriptor of the first process's region
 * @first_id:	its id
 * @figures:	descriptor of a memory file with struct run_figures
 * @runner:	the process of "vmlab run", which has the root and the figures as well
 * @first_pid:	the first process, whatever it executes
 */
struct run_terms {
	int root;
	unsigned long long root_id;
	int first;
	unsigned long long first_id;
	int figures;
	int runner;
	int first_pid;
};

/* Why the kernel has memory that was asked for by mmap(). */
enum run_reason {
	RUN_SHARED,		/* MAP_SHARED: processes have it in common */
	RUN_SPECIAL,		/* MAP_HUGETLB, MAP_LOCKED, MAP_GROWSDOWN */
	RUN_FAILED,		/* vmlab could not do it */
	RUN_REASONS,
};

/**
 * struct run_figures - of all processes together; each is added to atomically
 * @programs:	that the library was loaded into
 * @apart:	of them, those that could not join the pool
 * @maps:	mappings that were made of regions
 * @mapped_bytes: how long they were
 * @kernel_maps: anonymous mappings that were left to the kernel, by reason
 * @kernel_bytes: how long they were
 * @faults:	of processes but the first that have ended by exit(): as in struct vmlab_stat
 * @first_touch: likewise
 * @cow_copies:	likewise
 * @swap_faults: likewise
 * @swapped_in:	likewise
 */
struct run_figures {
	uint64_t programs;
	uint64_t apart;
	uint64_t maps;
	uint64_t mapped_bytes;
	uint64_t kernel_maps[RUN_REASONS];
	uint64_t kernel_bytes[RUN_REASONS];
	uint64_t faults;
	uint64_t first_touch;
	uint64_t cow_copies;
	uint64_t swap_faults;
	uint64_t swapped_in;
};

/* Of the memory file: a page. */
#define RUN_FIGURES_SIZE 4096

#endif /* RUN_H */
