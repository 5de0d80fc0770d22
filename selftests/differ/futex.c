// SPDX-License-Identifier: GPL-2.0
/* Futexes, and mutexes that are made of them. */
#include "differ.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/futex.h>

/* A thread of this process that waits, on each side. */
static struct sleeper {
	bool made;
	pthread_t thread;
	uint32_t *word;
	uint32_t value;
	atomic_long result;	/* UNDECIDED while it waits */
} sleepers[SIDES];

#define UNDECIDED 1L

static long futex(uint32_t *word, int op, uint32_t value, unsigned long value2, uint32_t *word2,
		  uint32_t value3)
{
	return SYS(syscall(SYS_futex, word, op, value, value2, word2, value3));
}

static void *sleep_on(void *argument)
{
	struct sleeper *sleeper = argument;

	atomic_store(&sleeper->result,
		     futex(sleeper->word, FUTEX_WAIT, sleeper->value, 0, NULL, 0));
	return NULL;
}

/* Waiters that are moved from a futex to the same one stay where they are, but are counted. */
static long count_sleepers(const struct sleeper *sleeper)
{
	return futex(sleeper->word, FUTEX_CMP_REQUEUE, 0, INT_MAX, sleeper->word, sleeper->value);
}

static bool word_value(uint32_t *word, uint32_t *value)
{
	return touch_load((const char *)word, (uint8_t *)value, sizeof(*value)) == sizeof(*value);
}

/* place, offset, how many wait there then */
RUN(wait)
{
	struct sleeper *sleeper = &sleepers[side];

	(void)data;
	if (sleeper->made)
		pthread_join(sleeper->thread, NULL);
	sleeper->made = false;
	sleeper->word = (uint32_t *)(place_address(side, a[0]) + a[1]);
	if (!word_value(sleeper->word, &sleeper->value))
		return futex(sleeper->word, FUTEX_WAIT, 0, 0, NULL, 0);
	atomic_store(&sleeper->result, UNDECIDED);
	if (pthread_create(&sleeper->thread, NULL, sleep_on, sleeper))
		return -EAGAIN;
	sleeper->made = true;
	while (atomic_load(&sleeper->result) == UNDECIDED) {
		if (count_sleepers(sleeper) == (long)a[2])
			return 0;
		sched_yield();
	}
	return atomic_load(&sleeper->result);
}

/* how many, place, offset */
RUN(wake)
{
	(void)data;
	return futex((uint32_t *)(place_address(side, a[1]) + a[2]), FUTEX_WAKE, (uint32_t)a[0], 0,
		     NULL, 0);
}

/* A child has none of its parent's threads. */
void waiters_forget(void)
{
	memset(sleepers, 0, sizeof(sleepers));
}

/* A mutex, and what it guards. */
struct guarded {
	pthread_mutex_t mutex;
	volatile uint64_t count;
};

_Static_assert(sizeof(struct guarded) <= MUTEX_SIZE, "a mutex and its counter have room");

/* The bytes of a mutex that nobody has, and a counter at 0. */
void mutex_template(uint8_t *bytes)
{
	pthread_mutexattr_t attributes;
	struct guarded guarded;

	memset(&guarded, 0, sizeof(guarded));
	memset(bytes, 0, MUTEX_SIZE);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&guarded.mutex, &attributes);
	memcpy(bytes, &guarded, sizeof(guarded));
}

uint64_t mutex_count(const uint8_t *bytes)
{
	uint64_t count;

	memcpy(&count, bytes + offsetof(struct guarded, count), sizeof(count));
	return count;
}

void mutex_set_count(uint8_t *bytes, uint64_t count)
{
	memcpy(bytes + offsetof(struct guarded, count), &count, sizeof(count));
}

/* place, offset */
RUN(make_mutex)
{
	mutex_template(data);
	return touch_store(place_address(side, a[0]) + a[1], data, MUTEX_SIZE, 1);
}

/* rounds, place, offset */
RUN(use_mutex)
{
	struct guarded *guarded = (struct guarded *)(place_address(side, a[1]) + a[2]);

	(void)data;
	for (uint64_t i = 0; i < a[0]; i++) {
		int error = pthread_mutex_lock(&guarded->mutex);

		if (error)
			return -error;
		guarded->count++;
		pthread_mutex_unlock(&guarded->mutex);
	}
	return 0;
}
