/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAIL_H
#define FAIL_H

#include <vmlab.h>

/* The name that messages begin with; kept, not copied. */
void fail_name(const char *name);

/* One sentence on stderr. Returns -1, for "return fail(...)". */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The sentence of vmlab_strerror(). Returns -1. */
int fail_op(enum vmlab_op op, int err);

/* Why vmlab_*() did not work with @fd, which the user named. Returns -1. */
int fail_fd(int fd, enum vmlab_op op, int err);

/* "what: strerror(err)". Returns -1. */
int fail_errno(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif /* FAIL_H */
