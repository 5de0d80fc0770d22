// SPDX-License-Identifier: GPL-2.0
/* Operations: mappings, and memory as the processor and the kernel touch it. */
#include "fuzz.h"
#include "sys.h"

#include <linux/futex.h>

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

#define TOUCH_MAX	(64 * PAGE)
#define MINCORE_MAX	512	/* pages */
#define ANONYMOUS_MAX	(16UL << 20)

static void *at(uint64_t address)
{
	return (void *)address;
}

/* Where it is put must be ours; how long it is only if what is mapped costs memory. */
static long map(const uint64_t *a)
{
	int flags = (int)a[3];

	if (!windows_hold(a[0], a[1]))
		flags &= ~(MAP_FIXED | MAP_FIXED_NOREPLACE);
	if (flags & MAP_ANONYMOUS && a[1] > ANONYMOUS_MAX)
		return REFUSED;
	return OK(mmap(at(a[0]), a[1], (int)a[2], flags, (int)a[4], (off_t)a[5]));
}

static long unmap(const uint64_t *a)
{
	return windows_hold(a[0], a[1]) ? SYS(munmap(at(a[0]), a[1])) : REFUSED;
}

static long remap(const uint64_t *a)
{
	int flags = (int)a[3];

	if (!windows_hold(a[0], a[1]) || !windows_hold(a[0], a[2]) || !windows_hold(a[4], a[2]))
		return REFUSED;
	return OK(mremap(at(a[0]), a[1], a[2], flags, at(a[4])));
}

static long protect(const uint64_t *a)
{
	return windows_hold(a[0], a[1]) ? SYS(mprotect(at(a[0]), a[1], (int)a[2])) : REFUSED;
}

/* Not 100 and 101, which take memory away from the machine. */
static long advise(const uint64_t *a)
{
	if ((int)a[2] == MADV_HWPOISON || (int)a[2] == MADV_SOFT_OFFLINE)
		return REFUSED;
	return windows_hold(a[0], a[1]) ? SYS(madvise(at(a[0]), a[1], (int)a[2])) : REFUSED;
}

static long sync_memory(const uint64_t *a)
{
	return windows_hold(a[0], a[1]) ? SYS(msync(at(a[0]), a[1], (int)a[2])) : REFUSED;
}

static long in_core(const uint64_t *a)
{
	unsigned char there[MINCORE_MAX];

	if (a[1] > MINCORE_MAX * PAGE && a[1] < INT64_MAX)
		return REFUSED;
	return SYS(mincore(at(a[0]), a[1], there));
}

static long lock(const uint64_t *a)
{
	return windows_hold(a[0], a[1]) ? SYS(mlock2(at(a[0]), a[1], a[2])) : REFUSED;
}

static long unlock(const uint64_t *a)
{
	return windows_hold(a[0], a[1]) ? SYS(munlock(at(a[0]), a[1])) : REFUSED;
}

static uint64_t at_most(uint64_t length, uint64_t most)
{
	return length < most ? length : most;
}

static long read_memory(const uint64_t *a)
{
	return touch_read(at(a[0]), at_most(a[1], TOUCH_MAX), a[2]);
}

static long write_memory(const uint64_t *a)
{
	if (!windows_hold(a[0], TOUCH_MAX))
		return REFUSED;
	return touch_write(at(a[0]), at_most(a[1], TOUCH_MAX), a[2], a[3]);
}

static long execute_memory(const uint64_t *a)
{
	if (!windows_hold(a[0], 1))
		return REFUSED;
	return touch_execute(at(a[0]));
}

/* The last bytes of a page, and the first of the next, at once. */
static long across(const uint64_t *a)
{
	uint64_t end = (a[0] | (PAGE - 1)) + 1;

	return windows_hold(a[0], PAGE) ? touch_write(at(end - 4), 8, 1, a[1]) : REFUSED;
}

static long futex(const uint64_t *a)
{
	const struct timespec soon = { .tv_nsec = 1000000 };

	return SYS(syscall(SYS_futex, at(a[0] & ~3UL), (int)a[1], (uint32_t)a[2], &soon, NULL, 0));
}

/* What the kernel's own copies between address spaces find. */
static long copy_read(const uint64_t *a)
{
	struct iovec local = { at(a[0]), a[1] }, remote = { at(a[2]), a[1] };

	if (!windows_hold(a[0], a[1]))
		return REFUSED;
	return SYS(syscall(SYS_process_vm_readv, getpid(), &local, 1, &remote, 1, 0));
}

static long copy_write(const uint64_t *a)
{
	struct iovec local = { at(a[0]), a[1] }, remote = { at(a[2]), a[1] };

	if (!windows_hold(a[2], a[1]))
		return REFUSED;
	return SYS(syscall(SYS_process_vm_writev, getpid(), &local, 1, &remote, 1, 0));
}

/* As a debugger: what is mapped without PROT_WRITE is written, too. */
static long poke(const uint64_t *a)
{
	int mem;
	long ret;

	if (!windows_hold(a[0], PAGE))
		return REFUSED;
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (mem < 0)
		return -errno;
	ret = SYS(pwrite(mem, "\xc3\x90\x00", 3, (off_t)a[0]));
	close(mem);
	return ret;
}

static long pagemap(const uint64_t *a)
{
	int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entries[64];
	long ret;

	if (map < 0)
		return -errno;
	ret = OK(pread(map, entries, sizeof(entries), (off_t)(a[0] / PAGE * 8)));
	close(map);
	return ret;
}

/* 1 to 5: forgets accesses, writes, peaks. */
static long clear_refs(const uint64_t *a)
{
	int refs = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	char text[2] = { (char)('1' + a[0] % 5), '\n' };
	long ret;

	if (refs < 0)
		return -errno;
	ret = SYS(write(refs, text, 2));
	close(refs);
	return ret;
}

static long read_proc(const uint64_t *a)
{
	static const char *const names[] = { "maps", "smaps", "smaps_rollup", "numa_maps",
					     "mountinfo" };
	char path[64], text[PAGE];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/%s", names[a[0] % COUNT(names)]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
	return 0;
}

static const struct kind prot = { FLAGS, .names = (const struct name[]){
	{ "PROT_READ", PROT_READ }, { "PROT_WRITE", PROT_WRITE }, { "PROT_EXEC", PROT_EXEC },
	{ "PROT_GROWSDOWN", PROT_GROWSDOWN }, { "PROT_NONE", PROT_NONE }, { }
}, .usual = (const uint64_t[]){ PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
				PROT_READ | PROT_WRITE | PROT_EXEC, 0 } };
static const struct kind huge_place = { ADDRESS, .made = true, .most = 1 };
static const struct kind map_flags = { FLAGS, .names = (const struct name[]){
	{ "MAP_SHARED_VALIDATE", MAP_SHARED_VALIDATE }, { "MAP_SHARED", MAP_SHARED },
	{ "MAP_PRIVATE", MAP_PRIVATE }, { "MAP_FIXED", MAP_FIXED },
	{ "MAP_FIXED_NOREPLACE", MAP_FIXED_NOREPLACE }, { "MAP_ANONYMOUS", MAP_ANONYMOUS },
	{ "MAP_POPULATE", MAP_POPULATE }, { "MAP_LOCKED", MAP_LOCKED },
	{ "MAP_NORESERVE", MAP_NORESERVE }, { "MAP_GROWSDOWN", MAP_GROWSDOWN },
	{ "MAP_NONBLOCK", MAP_NONBLOCK }, { "MAP_SYNC", MAP_SYNC }, { }
}, .usual = (const uint64_t[]){ MAP_SHARED | MAP_FIXED, MAP_SHARED | MAP_FIXED,
				MAP_PRIVATE | MAP_FIXED, 0 } };
static const struct kind remap_flags = { FLAGS, .names = (const struct name[]){
	{ "MREMAP_MAYMOVE", MREMAP_MAYMOVE }, { "MREMAP_FIXED", MREMAP_FIXED },
	{ "MREMAP_DONTUNMAP", 4 }, { }
}, .usual = (const uint64_t[]){ MREMAP_MAYMOVE, MREMAP_MAYMOVE | MREMAP_FIXED, 0 } };
static const struct kind advice = { CHOICE, .names = (const struct name[]){
	{ "MADV_NORMAL", MADV_NORMAL }, { "MADV_RANDOM", MADV_RANDOM },
	{ "MADV_SEQUENTIAL", MADV_SEQUENTIAL }, { "MADV_WILLNEED", MADV_WILLNEED },
	{ "MADV_DONTNEED", MADV_DONTNEED }, { "MADV_FREE", MADV_FREE },
	{ "MADV_REMOVE", MADV_REMOVE }, { "MADV_DONTFORK", MADV_DONTFORK },
	{ "MADV_DOFORK", MADV_DOFORK }, { "MADV_MERGEABLE", MADV_MERGEABLE },
	{ "MADV_HUGEPAGE", MADV_HUGEPAGE }, { "MADV_NOHUGEPAGE", MADV_NOHUGEPAGE },
	{ "MADV_DONTDUMP", MADV_DONTDUMP }, { "MADV_WIPEONFORK", MADV_WIPEONFORK },
	{ "MADV_KEEPONFORK", MADV_KEEPONFORK }, { "MADV_COLD", MADV_COLD },
	{ "MADV_PAGEOUT", MADV_PAGEOUT }, { "MADV_POPULATE_READ", MADV_POPULATE_READ },
	{ "MADV_POPULATE_WRITE", MADV_POPULATE_WRITE },
	{ "MADV_DONTNEED_LOCKED", MADV_DONTNEED_LOCKED }, { "MADV_COLLAPSE", MADV_COLLAPSE }, { }
} };
static const struct kind sync_flags = { FLAGS, .names = (const struct name[]){
	{ "MS_ASYNC", MS_ASYNC }, { "MS_INVALIDATE", MS_INVALIDATE }, { "MS_SYNC", MS_SYNC }, { }
}, .usual = (const uint64_t[]){ MS_SYNC, MS_ASYNC, 0 } };
static const struct kind lock_flags = { CHOICE, .names = (const struct name[]){
	{ "0", 0 }, { "MLOCK_ONFAULT", MLOCK_ONFAULT }, { }
} };
static const struct kind stride = { CHOICE, .names = (const struct name[]){
	{ "PAGE", PAGE }, { "PAGE+8", PAGE + 8 }, { "2PAGES", 2 * PAGE },
	{ "17PAGES", 17 * PAGE }, { }
} };
/* Only bytes that are no system call, should they ever be executed. */
static const struct kind byte = { CHOICE, .names = (const struct name[]){
	{ "0", 0 }, { "RET", 0xc3 }, { "NOP", 0x90 }, { "INT3", 0xcc }, { }
} };
static const struct kind futex_op = { CHOICE, .names = (const struct name[]){
	{ "FUTEX_WAIT", FUTEX_WAIT }, { "FUTEX_WAKE", FUTEX_WAKE },
	{ "FUTEX_WAIT_PRIVATE", FUTEX_WAIT_PRIVATE },
	{ "FUTEX_WAKE_PRIVATE", FUTEX_WAKE_PRIVATE }, { }
} };

const struct op memory_ops[] = {
	{ "mmap", map, { &place, &length, &prot, &map_flags, &mappable, &offset } },
	{ "mmap_huge", map, { &huge_place, &huges, &prot, &map_flags, &mappable, &huges } },
	{ "munmap", unmap, { &address, &length } },
	{ "mremap", remap, { &address, &length, &length, &remap_flags, &address } },
	{ "mprotect", protect, { &address, &length, &prot } },
	{ "madvise", advise, { &address, &length, &advice } },
	{ "msync", sync_memory, { &address, &length, &sync_flags } },
	{ "mincore", in_core, { &address, &length } },
	{ "mlock", lock, { &address, &length, &lock_flags } },
	{ "munlock", unlock, { &address, &length } },
	{ "read_memory", read_memory, { &address, &length, &stride } },
	{ "write_memory", write_memory, { &address, &length, &stride, &byte } },
	{ "execute_memory", execute_memory, { &address } },
	{ "write_across", across, { &address, &byte } },
	{ "futex", futex, { &address, &futex_op, &small } },
	{ "process_vm_readv", copy_read, { &address, &length, &address } },
	{ "process_vm_writev", copy_write, { &address, &length, &address } },
	{ "poke", poke, { &address } },
	{ "pagemap", pagemap, { &address } },
	{ "clear_refs", clear_refs, { &small } },
	{ "read_proc", read_proc, { &small } },
	{ }
};
