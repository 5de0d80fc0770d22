// SPDX-License-Identifier: GPL-2.0
/*
 * mremap(): the kernel would leave the pages at their offsets, which may be those of other
 * addresses then. So they are linked, or copied, to where they belong.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "region.h"
#include "sys.h"

#define FLAGS (MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)

/**
 * struct move - the arguments of mremap()
 * @old:	address
 * @old_length:	of whole pages
 * @new_length:	likewise
 * @flags:	MREMAP_*
 * @target:	with MREMAP_FIXED
 * @prot:	of what is there
 */
struct move {
	uintptr_t old;
	size_t old_length;
	size_t new_length;
	int flags;
	uintptr_t target;
	int prot;
};

/* What the kernel refuses, or does without looking at what is mapped, is left to it. */
static bool is_valid(const struct move *move)
{
	if (move->flags & ~FLAGS || !is_range(move->old, PAGE_SIZE) || !move->new_length)
		return false;
	if (move->old_length && !is_range(move->old, move->old_length))
		return false;
	if (move->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(move->flags & MREMAP_MAYMOVE))
		return false;
	if (move->flags & MREMAP_DONTUNMAP && move->old_length != move->new_length)
		return false;
	return !(move->flags & MREMAP_FIXED) ||
	       (is_range(move->target, move->new_length) &&
		(move->target + move->new_length <= move->old ||
		 move->old + move->old_length <= move->target));
}

static long call(const struct move *move)
{
	return sys(SYS_mremap, move->old, move->old_length, move->new_length, (long)move->flags,
		   move->target);
}

/* To another place, which is like this one. */
static long move_away(const struct move *move)
{
	size_t length = move->old_length < move->new_length ? move->old_length : move->new_length;
	bool fixed = move->flags & MREMAP_FIXED;
	long target;

	target = memory_new(fixed ? move->target : 0, move->new_length, move->prot,
			    MAP_NORESERVE | (fixed ? MAP_FIXED : 0));
	if (target < 0)
		return target;
	if (region_copy(move->old, (uintptr_t)target, length)) {
		memory_unmap((uintptr_t)target, move->new_length);
		return -ENOMEM;
	}
	if (move->flags & MREMAP_DONTUNMAP)
		region_punch(move->old, move->old_length);
	else
		memory_unmap(move->old, move->old_length);
	return target;
}

static long grow(const struct move *move)
{
	uintptr_t end = move->old + move->old_length;
	size_t more = move->new_length - move->old_length;
	long ret = -ENOMEM;

	if (is_range(end, more))
		ret = memory_new(end, more, move->prot, MAP_NORESERVE | MAP_FIXED_NOREPLACE);
	if (ret >= 0)
		return (long)move->old;
	return (move->flags & MREMAP_MAYMOVE) ? move_away(move) : -ENOMEM;
}

static long move_region(const struct move *move)
{
	size_t kept = move->new_length;
	long ret = 0;

	if (!move->old_length)
		return -EINVAL;
	if (move->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return move_away(move);
	if (kept > move->old_length)
		return grow(move);
	if (kept < move->old_length)
		ret = memory_unmap(move->old + kept, move->old_length - kept);
	return ret ? ret : (long)move->old;
}

/* Something of the kernel's; it may go where something of the region is. */
static long move_other(const struct move *move)
{
	long ret = call(move);

	if (ret >= 0 && move->flags & MREMAP_FIXED)
		memory_forget(move->target, move->new_length);
	return ret;
}

static long remap(struct move *move)
{
	int ret;

	if (!region_ready() || !is_valid(move))
		return call(move);
	ret = maps_prot(move->old, move->old_length ? move->old_length : PAGE_SIZE, &move->prot);
	if (ret > 0)
		return move_region(move);
	if (!ret)
		return move_other(move);
	return ret == -EFAULT ? ret : -ENOMEM;
}

void *mremap(void *old, size_t old_length, size_t new_length, int flags, ...)
{
	struct move move = {
		.old = (uintptr_t)old,
		.old_length = page_align(old_length),
		.new_length = page_align(new_length),
		.flags = flags,
	};

	if (flags & MREMAP_FIXED) {
		va_list args;

		va_start(args, flags);
		move.target = (uintptr_t)va_arg(args, void *);
		va_end(args);
	}
	return (void *)sys_return(remap(&move));
}
