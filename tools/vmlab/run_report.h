/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUN_REPORT_H
#define RUN_REPORT_H

#include <stdint.h>
#include <sys/types.h>

#include "../run/run.h"

/**
 * struct run_report - what there is to tell of a program that has ended
 * @terms:	the descriptors
 * @figures:	what the library counted
 * @anonymous:	the most anonymous memory of the kernel's that the first process was seen
 *		with, in bytes
 * @status:	the exit status, or 128 and the number of a signal
 */
struct run_report {
	struct run_terms terms;
	struct run_figures *figures;
	uint64_t anonymous;
	int status;
};

/* Raises @anonymous to what the process has now. */
void run_sample(pid_t pid, uint64_t *anonymous);

/* Prints it on stderr. */
void run_report(const char *program, const struct run_report *report);

#endif /* RUN_REPORT_H */
