// SPDX-License-Identifier: GPL-2.0
/* Accesses that may end in SIGBUS or SIGSEGV, in any thread. */
#include "differ.h"
#include "../common/trap.h"

#include <string.h>

void touch_init(void)
{
	trap_install(SIGBUS);
	trap_install(SIGSEGV);
}

/* Bytes from @done on that are in one page of what is at @memory. */
static size_t chunk(const char *memory, size_t done, size_t length)
{
	size_t room = PAGE - ((uintptr_t)memory + done) % PAGE;

	return length - done < room ? length - done : room;
}

static void load(const char *from, uint8_t *to, size_t length, volatile size_t *done)
{
	while (*done < length) {
		size_t size = chunk(from, *done, length);

		memcpy(to + *done, from + *done, size);
		*done += size;
	}
}

long touch_load(const char *from, uint8_t *to, size_t length)
{
	volatile size_t done = 0;
	int signal = TRAP(load(from, to, length, &done));

	return TOUCHED(done, signal);
}

static void store_chunk(volatile char *to, const uint8_t *from, size_t begin, size_t end,
			size_t stride)
{
	for (size_t i = begin + (stride - begin % stride) % stride; i < end; i += stride)
		to[i] = (char)from[i];
}

static void store(char *to, const uint8_t *from, size_t length, size_t stride,
		  volatile size_t *done)
{
	while (*done < length) {
		size_t end = *done + chunk(to, *done, length);

		store_chunk(to, from, *done, end, stride);
		*done = end;
	}
}

/* Every byte, or every other. */
long touch_store(char *to, const uint8_t *from, size_t length, size_t stride)
{
	volatile size_t done = 0;
	int signal = TRAP(store(to, from, length, stride, &done));

	return TOUCHED(done, signal);
}
