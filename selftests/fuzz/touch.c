// SPDX-License-Identifier: GPL-2.0
/* Accesses that may end in SIGBUS or SIGSEGV, in any thread. */
#include "fuzz.h"
#include "sys.h"
#include "../common/trap.h"

#define RET 0xc3	/* x86: return */

void touch_init(void)
{
	/* The last two: what is executed may change as it is looked at. */
	static const int signals[] = { SIGBUS, SIGSEGV, SIGTRAP, SIGILL };

	for (size_t i = 0; i < COUNT(signals); i++)
		trap_install(signals[i]);
}

static long signalled(int number)
{
	return number ? SIGNALLED - number : 0;
}

static void read_all(const volatile unsigned char *p, uint64_t length, uint64_t stride)
{
	for (uint64_t i = 0; i < length; i += stride)
		(void)p[i];
}

static void write_all(volatile unsigned char *p, uint64_t length, uint64_t stride,
		      unsigned char byte)
{
	for (uint64_t i = 0; i < length; i += stride)
		p[i] = byte;
}

long touch_read(const void *address, uint64_t length, uint64_t stride)
{
	return signalled(TRAP(read_all(address, length, stride)));
}

long touch_write(void *address, uint64_t length, uint64_t stride, unsigned char byte)
{
	return signalled(TRAP(write_all(address, length, stride, byte)));
}

/* The byte there, 0 if there is none. */
unsigned char touch_byte(const void *address)
{
	unsigned char byte = 0;

	TRAP(byte = *(const volatile unsigned char *)address);
	return byte;
}

/*
 * Calls the code there, if it can be had to return at once. RAX points to the code
 * itself, so that zeroes ("add %al, (%rax)"), should another thread have put them there,
 * do no harm.
 */
long touch_execute(void *address)
{
	if (touch_byte(address) != RET)
		touch_write(address, 1, 1, RET);
	if (touch_byte(address) != RET)
		return REFUSED;
	return signalled(TRAP(asm volatile("call *%0"
					   :
					   : "a"(address)
					   : "memory", "cc")));
}
