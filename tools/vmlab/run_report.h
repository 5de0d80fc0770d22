/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUN_REPORT_H
#define RUN_REPORT_H

struct launch;

/* Prints on stderr where the memory was of a program that has ended. */
void run_report(const char *program, const struct launch *launch);

#endif /* RUN_REPORT_H */
