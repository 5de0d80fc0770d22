/* SPDX-License-Identifier: GPL-2.0 */
/* Accesses that may end in a signal, in any thread. */
#ifndef TRAP_H
#define TRAP_H

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

static __thread sigjmp_buf *volatile trap_env;

static inline void trap_handler(int number)
{
	if (trap_env)
		siglongjmp(*trap_env, number);
	signal(number, SIG_DFL);
	raise(number);
}

/*
 * Makes TRAP() catch a signal. The signal stays unblocked as it is handled: to save and
 * restore the mask at each access would be a system call.
 */
static inline void trap_install(int number)
{
	const struct sigaction action = { .sa_handler = trap_handler, .sa_flags = SA_NODEFER };

	sigaction(number, &action, NULL);
}

/* Does @statement; the signal that it ended in, or 0. */
#define TRAP(statement) ({						\
	sigjmp_buf __env;						\
	int __signal = sigsetjmp(__env, 0);				\
									\
	if (!__signal) {						\
		trap_env = &__env;					\
		statement;						\
	}								\
	trap_env = NULL;						\
	__signal;							\
})

#endif
