// SPDX-License-Identifier: GPL-2.0
/*
 * What happens from meter_begin() to meter_end(): how long it takes, or, where
 * meter_open_events() was called, which events there are. Watching costs
 * instructions, so these are runs of their own.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TRACEFS		"/sys/kernel/tracing"
#define PROCESSORS_MAX	2

enum event {
	FAULTS,
	SHOOTDOWNS,
	EVENTS
};

static int fds[EVENTS][PROCESSORS_MAX];
static uint64_t counts[EVENTS];
static unsigned int watched;	/* processors */
static int marked = -1;
static uint64_t begun;

uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static uint64_t spin(uint64_t loops)
{
	uint64_t begin = now();

	asm volatile("1: dec %0; jnz 1b"
		     : "+r"(loops));
	return now() - begin;
}

/* Whether a nanosecond is an instruction here, two to a loop. Others may come between, once. */
bool meter_counts_instructions(void)
{
	const uint64_t loops = 100000;
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 10; i++) {
		uint64_t took = spin(loops);

		least = took < least ? took : least;
	}
	return least >= 2 * loops && least < 2 * loops + loops / 50;
}

/*
 * For MARK_SIDE(n) the processor does nothing, but profile.c, a plugin of QEMU's,
 * sees it: from here on instructions are side n's. 255 is nobody.
 */
#define MARK_SIDE(n) ({							\
	asm volatile(".byte 0x0f, 0x1f, 0x80; .long %c0"		\
		     :							\
		     : "i"(0x564d4c00 + (n)));				\
})

static void mark(int side)
{
	switch (side) {
	case 0:
		MARK_SIDE(0);
		break;
	case 1:
		MARK_SIDE(1);
		break;
	case 2:
		MARK_SIDE(2);
		break;
	case 3:
		MARK_SIDE(3);
		break;
	default:
		MARK_SIDE(255);
	}
}

/* Which side's turn comes next; -1: one that does not count. */
void meter_mark(int side)
{
	marked = side;
}

/* All of a processor, as work may be done by other threads, and by the kernel's own. */
static int event_open(uint32_t type, uint64_t config, unsigned int processor)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = type,
		.config = config,
		.disabled = 1,
	};

	return syscall(SYS_perf_event_open, &attr, -1, processor, -1, PERF_FLAG_FD_CLOEXEC);
}

static void shootdowns_open(void)
{
	char id[32];

	if (access(TRACEFS "/events", F_OK))
		mount("none", TRACEFS, "tracefs", 0, NULL);
	if (!setting_read(TRACEFS "/events/tlb/tlb_flush/id", id, sizeof(id)))
		die("tracepoint tlb:tlb_flush");
	for (unsigned int i = 0; i < watched; i++) {
		fds[SHOOTDOWNS][i] = event_open(PERF_TYPE_TRACEPOINT, strtoull(id, NULL, 10), i);
		/* 4: another processor is interrupted, so that it flushes. */
		if (ioctl(fds[SHOOTDOWNS][i], PERF_EVENT_IOC_SET_FILTER, "reason == 4"))
			die("tracepoint tlb:tlb_flush, filter");
	}
}

/* Uses the address space, and so has something to flush. */
static void *be_another_processor(void *unused)
{
	for (;;)
		asm volatile("pause");
	return unused;
}

static void run_on(pthread_t thread, unsigned int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (pthread_setaffinity_np(thread, sizeof(set), &set))
		die("no second processor");
}

/* From now on events are counted, with this address space in use on another processor. */
void meter_open_events(void)
{
	pthread_t thread;

	watched = PROCESSORS_MAX;
	if (pthread_create(&thread, NULL, be_another_processor, NULL))
		die("pthread_create");
	run_on(thread, 1);
	run_on(pthread_self(), 0);
	for (unsigned int i = 0; i < watched; i++) {
		fds[FAULTS][i] = event_open(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, i);
		if (fds[FAULTS][i] < 0)
			die("counting page faults");
	}
	shootdowns_open();
}

static void events_begin(void)
{
	for (int i = 0; i < EVENTS; i++) {
		for (unsigned int j = 0; j < watched; j++) {
			ioctl(fds[i][j], PERF_EVENT_IOC_RESET);
			ioctl(fds[i][j], PERF_EVENT_IOC_ENABLE);
		}
	}
}

static void events_end(void)
{
	for (int i = 0; i < EVENTS; i++) {
		counts[i] = 0;
		for (unsigned int j = 0; j < watched; j++) {
			uint64_t count;

			ioctl(fds[i][j], PERF_EVENT_IOC_DISABLE);
			if (read(fds[i][j], &count, sizeof(count)) != sizeof(count))
				die("counting events");
			counts[i] += count;
		}
	}
}

void meter_begin(void)
{
	if (watched)
		events_begin();
	mark(marked);
	begun = now();
}

/* Nanoseconds. */
double meter_end(void)
{
	uint64_t ended = now();

	mark(-1);
	if (watched)
		events_end();
	return ended - begun;
}

/* Of the last turn. */
struct events meter_events(void)
{
	return (struct events){ .faults = counts[FAULTS], .shootdowns = counts[SHOOTDOWNS] };
}
