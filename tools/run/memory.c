// SPDX-License-Identifier: GPL-2.0
/* mmap() and munmap(): memory comes from the region, and goes back to it. */
#include <sys/mman.h>

#include "region.h"
#include "sys.h"

/* What the kernel is to do itself, whoever asks for it. */
#define SPECIAL (MAP_HUGETLB | MAP_LOCKED | MAP_GROWSDOWN)

#define RESERVE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static bool is_anonymous(size_t length, int flags)
{
	return flags & MAP_ANONYMOUS && length && length <= REGION_END;
}

static enum run_reason reason_of(int flags)
{
	if ((flags & MAP_TYPE) != MAP_PRIVATE)
		return RUN_SHARED;
	return (flags & SPECIAL) ? RUN_SPECIAL : RUN_FAILED;
}

/* What the kernel says of wrong arguments is best said by the kernel. */
static bool is_for_region(uintptr_t address, size_t length, int prot, int flags, off_t offset)
{
	if (!is_anonymous(length, flags) || reason_of(flags) != RUN_FAILED)
		return false;
	if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC) || offset % (off_t)PAGE_SIZE)
		return false;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		return is_range(address, page_align(length));
	return address < REGION_END;
}

/* As MAP_POPULATE does it: an error is nobody's business. */
static void populate(uintptr_t address, size_t length, int prot)
{
	if (prot & (PROT_READ | PROT_WRITE | PROT_EXEC))
		sys_madvise(address, length,
			    (prot & PROT_WRITE) ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
}

/*
 * The kernel chooses the place, and what it makes there keeps others away. What was in the
 * way of MAP_FIXED is replaced in one step by the last mapping.
 */
long memory_new(uintptr_t address, size_t length, int prot, int flags)
{
	const int placing = MAP_FIXED_NOREPLACE | MAP_32BIT | MAP_STACK | MAP_NORESERVE;
	long ret = (long)address;

	length = page_align(length);
	if (!(flags & MAP_FIXED))
		ret = sys_mmap(address, length, PROT_NONE, RESERVE | (flags & placing), -1, 0);
	if (ret < 0)
		return ret;
	address = (uintptr_t)ret;
	if (region_map(address, length, prot, flags)) {
		/* What is there now is not to be seen. */
		flags &= ~MAP_FIXED_NOREPLACE;
		ret = sys_mmap(address, length, prot,
			       flags | MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		count(&region_figures()->kernel_maps[RUN_FAILED], 1);
		count(&region_figures()->kernel_bytes[RUN_FAILED], length);
		return ret;
	}
	if (flags & MAP_POPULATE)
		populate(address, length, prot);
	count(&region_figures()->maps, 1);
	count(&region_figures()->mapped_bytes, length);
	return ret;
}

/*
 * Something else takes the range until the pages are gone, so that no other thread gets it
 * too early.
 */
static long blank(uintptr_t address, size_t length)
{
	long ret = sys_mmap(address, length, PROT_NONE, RESERVE | MAP_FIXED, -1, 0);

	if (ret >= 0)
		region_punch(address, length);
	return ret < 0 ? ret : 0;
}

int memory_forget(uintptr_t address, size_t length)
{
	length = page_align(length);
	if (!region_ready() || !is_range(address, length) ||
	    region_has_pages(address, length) <= 0)
		return 0;
	return region_punch(address, length);
}

long memory_unmap(uintptr_t address, size_t length)
{
	size_t whole = page_align(length);

	if (region_ready() && is_range(address, whole) && region_has_pages(address, whole) > 0) {
		long ret = blank(address, whole);

		/* The pages stay until their addresses are used again, if it is not for these. */
		if (ret == -ENOMEM)
			return ret;
	}
	return sys_munmap(address, length);
}

void *mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset)
{
	uintptr_t hint = (uintptr_t)address;
	long ret;

	if (is_for_region(hint, length, prot, flags, offset) && region_ready())
		return (void *)sys_return(memory_new(hint, length, prot, flags));
	ret = sys_mmap(hint, length, prot, flags, fd, (uintptr_t)offset);
	if (ret < 0 && ret >= -4095)
		return (void *)sys_return(ret);
	if (flags & MAP_FIXED)
		memory_forget(hint, length);
	if (is_anonymous(length, flags)) {
		enum run_reason reason = reason_of(flags);

		count(&region_figures()->kernel_maps[reason], 1);
		count(&region_figures()->kernel_bytes[reason], page_align(length));
	}
	return (void *)ret;
}

void *mmap64(void *address, size_t length, int prot, int flags, int fd, off64_t offset)
	__attribute__((alias("mmap")));

int munmap(void *address, size_t length)
{
	return (int)sys_return(memory_unmap((uintptr_t)address, length));
}
