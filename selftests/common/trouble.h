/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How messages of the kernel begin after which no result counts: extended regular expressions.
 * selftests/vm/run takes them out of this file: one a line, and no backslashes.
 */
#ifndef TROUBLE_H
#define TROUBLE_H

static const char *const troubles[] = {
	"BUG",
	"[[] BUG: ",
	"WARNING: ",
	"Oops",
	"Kernel panic",
	"kernel BUG",
	"general protection fault",
	"KCSAN: ",
	"UBSAN: ",
	"INFO: task ",
	"INFO: trying to register",
	"rcu: INFO",
	"watchdog: BUG",
	"page dumped because",
	".*: [0-9a-f]{4} [[]#[0-9]+[]]",
};

/* But not these. */
static const char *const no_troubles[] = {
	/* Data races elsewhere in the kernel are its own business. */
	"BUG: KCSAN: [^[]*$",
	/* Not about the kernel itself, but about a flag of mount() that has no effect. */
	"WARNING: The mand mount option",
};

#endif
