// SPDX-License-Identifier: GPL-2.0
/* madvise(): what a private anonymous mapping would do, done to the region. */
#include <fcntl.h>
#include <sys/mman.h>

#include "region.h"
#include "sys.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

static int is_ours(const struct piece *piece, void *arg)
{
	(void)arg;
	return piece->ours;
}

static bool has_ours(uintptr_t address, size_t length)
{
	return is_range(address, length) && maps_walk(address, length, is_ours, NULL) > 0;
}

/* Whatever the kernel has mapped there is its own affair; the region has nothing then. */
static long dont_need(uintptr_t address, size_t length, int advice)
{
	long ret = sys_madvise(address, length, advice);

	if ((ret && ret != -ENOMEM) || !is_range(address, length))
		return ret;
	if (!region_ready())
		return region_lost() && has_ours(address, length) ? -EAGAIN : ret;
	if (region_has_pages(address, length) > 0 && region_punch(address, length))
		return -EAGAIN;
	return ret;
}

struct advice {
	int advice;
	long ret;		/* the first error */
};

static int free_piece(const struct piece *piece, void *arg)
{
	struct advice *free = arg;
	size_t length = piece->end - piece->start;
	long ret;

	ret = piece->ours ? dont_need(piece->start, length, MADV_DONTNEED) :
			    sys_madvise(piece->start, length, free->advice);
	if (!free->ret)
		free->ret = ret;
	return 0;
}

/* The kernel may free such pages when it likes: at once, here. */
static long free_pages(uintptr_t address, size_t length)
{
	struct advice free = { .advice = MADV_FREE };
	long ret = sys_madvise(address, length, MADV_FREE);

	if (ret != -EINVAL || !has_ours(address, length))
		return ret;
	maps_walk(address, length, free_piece, &free);
	return free.ret;
}

/* In one step the kernel has memory with the same content where that of the region was. */
static int leave_piece(const struct piece *piece, void *arg)
{
	size_t length = piece->end - piece->start;
	struct advice *leave = arg;
	long copy;

	if (!piece->ours)
		return 0;
	copy = sys_mmap(0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy < 0) {
		leave->ret = copy;
		return 1;
	}
	leave->ret = region_read(piece->start, (uintptr_t)copy, length);
	if (!leave->ret)
		leave->ret = sys(SYS_mprotect, copy, length, (long)piece->prot);
	if (!leave->ret)
		leave->ret = sys(SYS_mremap, copy, length, length,
				 (long)(MREMAP_MAYMOVE | MREMAP_FIXED), piece->start);
	if (leave->ret < 0) {
		sys_munmap((uintptr_t)copy, length);
		return 1;
	}
	leave->ret = 0;
	memory_forget(piece->start, length);
	return 0;
}

/* A region cannot be wiped in the child of a fork. */
static long wipe_on_fork(uintptr_t address, size_t length)
{
	struct advice leave = { .advice = MADV_WIPEONFORK };
	long ret = sys_madvise(address, length, MADV_WIPEONFORK);

	if (ret != -EINVAL || !region_ready() || !has_ours(address, length))
		return ret;
	maps_walk(address, length, leave_piece, &leave);
	return leave.ret ? leave.ret : sys_madvise(address, length, MADV_WIPEONFORK);
}

/* What anonymous memory takes, and a file's mapping does not, and makes no difference. */
static bool is_hint(int advice)
{
	return advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE || advice == MADV_MERGEABLE ||
	       advice == MADV_UNMERGEABLE || advice == MADV_DODUMP;
}

static long advise(uintptr_t address, size_t length, int advice)
{
	size_t whole = page_align(length);
	int prot;
	long ret;

	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
		return dont_need(address, whole, advice);
	case MADV_FREE:
		return free_pages(address, whole);
	case MADV_WIPEONFORK:
		return wipe_on_fork(address, whole);
	case MADV_REMOVE:
		if (has_ours(address, whole))
			return -EINVAL;
		break;
	}
	ret = sys_madvise(address, length, advice);
	if (ret == -EINVAL && is_hint(advice) && is_range(address, whole) &&
	    maps_prot(address, whole, &prot) > 0)
		return 0;
	return ret;
}

int madvise(void *address, size_t length, int advice)
{
	return (int)sys_return(advise((uintptr_t)address, length, advice));
}
