// SPDX-License-Identifier: GPL-2.0
/*
 * How a process gets its region: a clone of the root when a program begins, and after a fork
 * what the kernel has made of its parent's.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <linux/falloc.h>
#include <linux/vmlab.h>

#include "region.h"
#include "sys.h"

/* struct program.phase: of a program, which begins with exec. */
enum phase {
	IDLE,
	STARTING,
	JOINED,
	APART,			/* there is no pool, or no way to join it */
};

/* struct process.state: of a process. */
enum state {
	FORKED,			/* 0: what the kernel makes of the page at a fork */
	BUSY,
	READY,
};

/**
 * struct process - what a child of a fork is not to have from its parent
 * @state:	does the descriptor name this process's region?
 * @pid:	after vfork() another process may be here
 * @ended:	the figures were added up
 *
 * A page of its own that is zeroes after a fork, however it is done.
 */
struct process {
	enum state state;
	pid_t pid;
	bool ended;
};

/**
 * struct program - what is the same in the children of forks
 * @phase:	when it is JOINED, the rest does not change any more, but for @first
 * @root:	descriptor of the root, for programs that are executed; -1: none
 * @region:	descriptor of the region
 * @figures_fd:	descriptor of the figures, likewise
 * @anchor:	a page of the region that is always mapped
 * @first:	the region is that of the first process, which "vmlab run" looks after
 * @process:	see there
 * @figures:	never NULL
 */
static struct {
	enum phase phase;
	int root;
	int region;
	int figures_fd;
	uintptr_t anchor;
	bool first;
	struct process *process;
	struct run_figures *figures;
} program = { .root = -1, .region = -1, .figures_fd = -1 };

/* Where things are counted that nobody wants to know. */
static struct run_figures unread;

struct run_figures *region_figures(void)
{
	struct run_figures *figures = __atomic_load_n(&program.figures, __ATOMIC_ACQUIRE);

	return figures ? figures : &unread;
}

int region_descriptor(unsigned int i)
{
	const int fds[REGION_DESCRIPTORS] = { program.root, program.region, program.figures_fd };

	return region_lost() ? fds[i] : -1;
}

bool region_lost(void)
{
	return __atomic_load_n(&program.phase, __ATOMIC_ACQUIRE) == JOINED;
}

int region_map(uintptr_t address, size_t length, int prot, int flags)
{
	long ret = sys_mmap(address, length, prot, MAP_SHARED | MAP_FIXED | (flags & MAP_NORESERVE),
			    program.region, address);

	if (ret < 0)
		return (int)ret;
	ret = region_has_pages(address, length);
	return ret > 0 ? region_punch(address, length) : (int)ret;
}

int region_has_pages(uintptr_t address, size_t length)
{
	long page = sys(SYS_lseek, (long)program.region, address, (long)SEEK_DATA);

	if (page == -ENXIO)
		return 0;
	return page < 0 ? (int)page : (uintptr_t)page < address + length;
}

int region_punch(uintptr_t address, size_t length)
{
	long ret;

	do {
		ret = sys(SYS_fallocate, (long)program.region,
			  (long)(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE), address, length);
	} while (ret == -EINTR);
	return (int)ret;
}

/* By reference, if the kernel can. */
static int copy_extent(uintptr_t from, uintptr_t to, size_t length)
{
	int64_t in = (int64_t)from, out = (int64_t)to;

	while (length) {
		long n = sys(SYS_copy_file_range, (long)program.region, &in, (long)program.region,
			     &out, length, 0L);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n ? (int)n : -EIO;
		length -= (size_t)n;
	}
	return 0;
}

/*
 * The first extent with pages in a range: 1, and what is left of the range begins behind it; 0
 * if there is none.
 */
static int next_extent(uintptr_t *start, uintptr_t end, uintptr_t *data, size_t *length)
{
	long ret = sys(SYS_lseek, (long)program.region, *start, (long)SEEK_DATA);

	if (ret == -ENXIO || (ret >= 0 && (uintptr_t)ret >= end))
		return 0;
	if (ret < 0)
		return (int)ret;
	*data = (uintptr_t)ret;
	ret = sys(SYS_lseek, (long)program.region, *data, (long)SEEK_HOLE);
	if (ret < 0)
		return (int)ret;
	*start = (uintptr_t)ret < end ? (uintptr_t)ret : end;
	*length = *start - *data;
	return 1;
}

/* Has @fn bring what there are of pages in a range to another place. */
static int each_extent(uintptr_t from, uintptr_t to, size_t length,
		       int (*fn)(uintptr_t from, uintptr_t to, size_t length))
{
	uintptr_t start = from, data = 0;
	size_t extent = 0;

	while (start < from + length) {
		int ret = next_extent(&start, from + length, &data, &extent);

		if (ret > 0)
			ret = fn(data, to + (data - from), extent);
		else if (!ret)
			return 0;
		if (ret < 0)
			return ret;
	}
	return 0;
}

int region_copy(uintptr_t from, uintptr_t to, size_t length)
{
	return each_extent(from, to, length, copy_extent);
}

static int read_extent(uintptr_t from, uintptr_t to, size_t length)
{
	while (length) {
		long n = sys(SYS_pread64, (long)program.region, to, length, from);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n ? (int)n : -EIO;
		from += (size_t)n;
		to += (size_t)n;
		length -= (size_t)n;
	}
	return 0;
}

int region_read(uintptr_t from, uintptr_t to, size_t length)
{
	return each_extent(from, to, length, read_extent);
}

/* The same number at the end of all others that programs use; not beyond what is usual. */
static int high_number(void)
{
	struct rlimit limit;

	if (sys(SYS_prlimit64, 0L, (long)RLIMIT_NOFILE, NULL, &limit) || limit.rlim_cur > 1024)
		return 1000;
	return limit.rlim_cur > 48 ? (int)limit.rlim_cur - 24 : 3;
}

static bool is_region(int fd, unsigned long long id)
{
	struct vmlab_stat stat;

	return !sys_ioctl(fd, VMLAB_IOC_STAT, &stat) && stat.id == id;
}

static bool read_terms(struct run_terms *terms)
{
	return terms_read(getenv(RUN_VARIABLE), terms);
}

/*
 * A descriptor of the runner's, under the same number as there if that is free: programs
 * that close all they do not know execute others.
 */
static int fetch(int runner, int number)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", runner, number);
	fd = (int)sys_open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fd == number || sys_fcntl(number, F_GETFD, 0) != -EBADF)
		return fd;
	ret = (int)sys(SYS_dup3, (long)fd, (long)number, 0L);
	sys_close(fd);
	return ret;
}

static bool is_figures(int fd)
{
	int seals = (int)sys_fcntl(fd, F_GET_SEALS, 0);

	return seals >= 0 && seals & F_SEAL_SHRINK;
}

/* Without them nothing is lost but figures. */
static void find_figures(const struct run_terms *terms)
{
	int fd = is_figures(terms->figures) ? terms->figures :
					      fetch(terms->runner, terms->figures);
	long page;

	if (fd < 0)
		return;
	page = is_figures(fd) ? sys_mmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) :
				-EINVAL;
	if (page < 0) {
		sys_close(fd);
		return;
	}
	program.figures_fd = fd;
	__atomic_store_n(&program.figures, (struct run_figures *)page, __ATOMIC_RELEASE);
}

static int clone_root(const struct run_terms *terms)
{
	struct vmlab_clone clone = { .flags = O_CLOEXEC };
	int root = is_region(terms->root, terms->root_id) ? terms->root :
							    fetch(terms->runner, terms->root);
	int low, fd;

	if (root < 0 || !is_region(root, terms->root_id))
		return -ENODEV;
	program.root = root;
	low = (int)sys_ioctl(root, VMLAB_IOC_CLONE, &clone);
	if (low < 0)
		return low;
	fd = (int)sys_fcntl(low, F_DUPFD_CLOEXEC, high_number());
	if (fd < 0)
		return low;
	sys_close(low);
	return fd;
}

/*
 * The first process's region is the same whatever it executes, and what it has of the last
 * program goes. Others, which have inherited a descriptor of it, are not to keep it alive.
 */
static int find_region(const struct run_terms *terms)
{
	bool first = is_region(terms->first, terms->first_id);

	program.region = first ? terms->first : -1;
	program.first = first && getpid() == terms->first_pid;
	if (program.first && !region_punch(0, REGION_END)) {
		program.root = is_region(terms->root, terms->root_id) ? terms->root : -1;
		return terms->first;
	}
	program.first = false;
	if (first)
		sys_close(terms->first);
	return clone_root(terms);
}

static int new_process(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	long page = sys_mmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0), ret;

	if (page < 0)
		return (int)page;
	ret = sys_madvise((uintptr_t)page, PAGE_SIZE, MADV_WIPEONFORK);
	if (ret) {
		sys_munmap((uintptr_t)page, PAGE_SIZE);
		return (int)ret;
	}
	program.process = (struct process *)page;
	program.process->state = READY;
	program.process->pid = getpid();
	return 0;
}

static bool join(const struct run_terms *terms)
{
	long anchor;

	find_figures(terms);
	count(&region_figures()->programs, 1);
	program.region = find_region(terms);
	if (program.region < 0)
		return false;
	anchor = memory_new(0, PAGE_SIZE, PROT_READ, 0);
	if (anchor < 0)
		goto close;
	maps_learn((uintptr_t)anchor);
	program.anchor = (uintptr_t)anchor;
	if (!new_process())
		return true;
	sys_munmap((uintptr_t)anchor, PAGE_SIZE);
close:
	sys_close(program.region);
	program.region = -1;
	return false;
}

/* Whoever comes while another thread is here, or from here, gets memory of the kernel's. */
static bool start(void)
{
	enum phase phase = IDLE;
	struct run_terms terms;

	/* Not even the C library has begun. */
	if (!environ || !__atomic_compare_exchange_n(&program.phase, &phase, STARTING, false,
						     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	phase = APART;
	if (read_terms(&terms)) {
		if (join(&terms))
			phase = JOINED;
		else
			count(&region_figures()->apart, 1);
	}
	__atomic_store_n(&program.phase, phase, __ATOMIC_RELEASE);
	return phase == JOINED;
}

/* The descriptor is the parent's region; from now on it is this process's. */
static int take_own(void)
{
	struct vmlab_region_fd own = { .flags = O_CLOEXEC, .address = program.anchor };
	int fd = (int)sys_ioctl(program.region, VMLAB_IOC_REGION_FD, &own);
	int ret;

	if (fd == -EMFILE && program.root >= 0) {
		sys_close(program.region);
		fd = (int)sys_ioctl(program.root, VMLAB_IOC_REGION_FD, &own);
	}
	if (fd < 0 || fd == program.region)
		return fd;
	ret = (int)sys(SYS_dup3, (long)fd, (long)program.region, (long)O_CLOEXEC);
	sys_close(fd);
	return ret;
}

/* One thread does it, without being interrupted by a handler that may need it done. */
static bool follow_fork(struct process *process)
{
	enum state state = FORKED;
	uint64_t all = ~0ULL, old;
	bool done = false;

	sys(SYS_rt_sigprocmask, (long)SIG_SETMASK, &all, &old, sizeof(all));
	if (__atomic_compare_exchange_n(&process->state, &state, BUSY, false, __ATOMIC_ACQUIRE,
					__ATOMIC_RELAXED)) {
		done = take_own() >= 0;
		program.first = program.first && !done;
		process->pid = getpid();
		__atomic_store_n(&process->state, done ? READY : FORKED, __ATOMIC_RELEASE);
	}
	sys(SYS_rt_sigprocmask, (long)SIG_SETMASK, &old, NULL, sizeof(old));
	while (state == BUSY) {
		sys(SYS_sched_yield);
		state = __atomic_load_n(&process->state, __ATOMIC_ACQUIRE);
		done = state == READY;
	}
	return done || state == READY;
}

bool region_ready(void)
{
	enum phase phase = __atomic_load_n(&program.phase, __ATOMIC_ACQUIRE);

	if (phase != JOINED)
		return phase == IDLE && start();
	return __atomic_load_n(&program.process->state, __ATOMIC_ACQUIRE) == READY ||
	       follow_fork(program.process);
}

/* A child that never asks for memory is not to keep its parent's region alive. */
static void forked(void)
{
	region_ready();
}

static __attribute__((constructor)) void begin(void)
{
	region_ready();
	pthread_atfork(NULL, NULL, forked);
}

/* Adds the region's figures to those of all; "vmlab run" sees to those of the first process. */
static __attribute__((destructor)) void end(void)
{
	struct run_figures *figures = region_figures();
	struct vmlab_stat stat;

	if (!region_lost() || program.first || program.process->ended ||
	    program.process->pid != getpid() || sys_ioctl(program.region, VMLAB_IOC_STAT, &stat))
		return;
	program.process->ended = true;
	count(&figures->faults, stat.faults);
	count(&figures->first_touch, stat.first_touch);
	count(&figures->cow_copies, stat.cow_copies);
	count(&figures->swap_faults, stat.swap_faults);
	count(&figures->swapped_in, stat.swapped_in);
}

/* Children of forks often end so. */
void _exit(int status)
{
	end();
	for (;;)
		syscall(SYS_exit_group, (long)status);
}

void _Exit(int status) __attribute__((alias("_exit")));
