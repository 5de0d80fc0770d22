// SPDX-License-Identifier: GPL-2.0
/*
 * The sides: what backs the memory that is touched.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/userfaultfd.h>
#include <linux/vmlab.h>

static int region(const struct vmlab_configure *config)
{
	int fd = open("/dev/vmlab", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, VMLAB_IOC_CONFIGURE, config))
		die("/dev/vmlab");
	return fd;
}

static int make_region(struct memory *memory)
{
	return region(&(struct vmlab_configure){ .size = memory->length });
}

static int make_tracked(struct memory *memory)
{
	return region(&(struct vmlab_configure){
		.flags = VMLAB_REGION_TRACK_DIRTY,
		.size = memory->length,
	});
}

static int make_copied_at_forks(struct memory *memory)
{
	return region(&(struct vmlab_configure){
		.flags = VMLAB_REGION_COW_FORK,
		.size = memory->length,
	});
}

static int make_huge(struct memory *memory)
{
	return region(&(struct vmlab_configure){
		.flags = VMLAB_REGION_HUGE,
		.size = memory->length,
	});
}

static int make_huge_copied_at_forks(struct memory *memory)
{
	return region(&(struct vmlab_configure){
		.flags = VMLAB_REGION_HUGE | VMLAB_REGION_COW_FORK,
		.size = memory->length,
	});
}

static int make_memfd(struct memory *memory)
{
	int fd = memfd_create("bench", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, memory->length))
		die("memfd");
	return fd;
}

static int make_region_of_file(struct memory *memory)
{
	int file = file_open();
	int fd = region(&(struct vmlab_configure){
		.backing = VMLAB_BACKING_FILE,
		.backing_fd = file,
		.size = memory->length,
	});

	close(file);
	return fd;
}

static int make_file(struct memory *memory)
{
	(void)memory;
	return file_open();
}

static void *map_shared(struct memory *memory)
{
	return mmap(NULL, memory->length, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
}

static void *map_for_reading(struct memory *memory)
{
	return mmap(NULL, memory->length, PROT_READ, MAP_SHARED, memory->fd, 0);
}

static void *map_anonymous(struct memory *memory)
{
	void *p = mmap(NULL, memory->length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (p != MAP_FAILED && madvise(p, memory->length, MADV_NOHUGEPAGE))
		die("MADV_NOHUGEPAGE");
	return p;
}

/* Where huge pages can be mapped, as a region's mappings are. */
static void *map_anonymous_huge(struct memory *memory)
{
	char *area = mmap(NULL, memory->length + HUGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p;

	if (area == MAP_FAILED)
		return area;
	p = area + (HUGE - (uintptr_t)area % HUGE) % HUGE;
	if (p > area)
		munmap(area, p - area);
	if (p < area + HUGE)
		munmap(p + memory->length, area + HUGE - p);
	if (madvise(p, memory->length, MADV_HUGEPAGE))
		die("MADV_HUGEPAGE");
	return p;
}

/*
 * userfaultfd: a thread waits for faults and answers each by UFFDIO_COPY of a
 * zeroed page. (UFFDIO_ZEROPAGE would map the shared zero page read-only, and
 * the write that is measured would fault again.)
 */
struct handler {
	pthread_t thread;
	int fd, stop[2];
	void *zeroes;
};

static void *handle(void *argument)
{
	struct handler *handler = argument;
	struct pollfd fds[] = {
		{ .fd = handler->fd, .events = POLLIN },
		{ .fd = handler->stop[0], .events = POLLIN },
	};
	struct uffd_msg message;

	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		struct uffdio_copy copy = { .src = (uintptr_t)handler->zeroes, .len = PAGE };

		if (read(handler->fd, &message, sizeof(message)) != sizeof(message))
			continue;
		copy.dst = message.arg.pagefault.address & -PAGE;
		ioctl(handler->fd, UFFDIO_COPY, &copy);
	}
	return NULL;
}

static void *map_userfault(struct memory *memory)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct handler *handler = calloc(1, sizeof(*handler));
	char *p = map_anonymous(memory);

	if (!handler)
		die("userfaultfd");
	range.range.start = (uintptr_t)p;
	range.range.len = memory->length;
	handler->fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	handler->zeroes = aligned_alloc(PAGE, PAGE);
	memset(handler->zeroes, 0, PAGE);
	if (handler->fd < 0 || ioctl(handler->fd, UFFDIO_API, &api) ||
	    ioctl(handler->fd, UFFDIO_REGISTER, &range) || pipe(handler->stop) ||
	    pthread_create(&handler->thread, NULL, handle, handler))
		die("userfaultfd");
	memory->private = handler;
	return p;
}

static void end_userfault(struct memory *memory)
{
	struct handler *handler = memory->private;

	close(handler->stop[1]);
	pthread_join(handler->thread, NULL);
	close(handler->stop[0]);
	close(handler->fd);
	free(handler->zeroes);
	free(handler);
}

static void clone_region(struct memory *memory)
{
	memory->copy = ioctl(memory->fd, VMLAB_IOC_CLONE,
			     &(struct vmlab_clone){ .flags = O_CLOEXEC });
	if (memory->copy < 0)
		die("VMLAB_IOC_CLONE");
}

static void close_clone(struct memory *memory)
{
	close(memory->copy);
}

/* The child has the memory until it is told to go. */
static void fork_child(struct memory *memory)
{
	memory->copy = fork();
	if (memory->copy < 0)
		die("fork");
	while (!memory->copy)
		pause();
}

static void end_child(struct memory *memory)
{
	kill(memory->copy, SIGKILL);
	waitpid(memory->copy, NULL, 0);
}

static void protect(struct memory *memory)
{
	if (mprotect(memory->p, memory->length, PROT_READ))
		die("mprotect");
}

static void unprotect(struct memory *memory)
{
	if (mprotect(memory->p, memory->length, PROT_READ | PROT_WRITE))
		die("mprotect");
}

const struct side vmlab = {
	.name = "vmlab",
	.make = make_region,
	.map = map_shared,
	.share = clone_region,
	.unshare = close_clone,
};

const struct side vmlab_fork = {
	.name = "vmlab",
	.make = make_copied_at_forks,
	.map = map_shared,
	.share = fork_child,
	.unshare = end_child,
};

const struct side vmlab_fork_huge = {
	.name = "vmlab",
	.make = make_huge_copied_at_forks,
	.map = map_shared,
	.share = fork_child,
	.unshare = end_child,
};

const struct side vmlab_huge = {
	.name = "vmlab",
	.make = make_huge,
	.map = map_shared,
	.share = clone_region,
	.unshare = close_clone,
};

const struct side anonymous_huge = { .name = "anonymous, THP", .map = map_anonymous_huge };
const struct side vmlab_tracked = { .name = "vmlab", .make = make_tracked, .map = map_shared };
const struct side memfd = { .name = "memfd", .make = make_memfd, .map = map_shared };
const struct side anonymous = {
	.name = "anonymous",
	.map = map_anonymous,
	.share = fork_child,
	.unshare = end_child,
};

const struct side mprotected = {
	.name = "mprotect",
	.map = map_anonymous,
	.share = protect,
	.unshare = unprotect,
};

const struct side userfault = {
	.name = "userfaultfd",
	.map = map_userfault,
	.end = end_userfault,
};

const struct side vmlab_file = {
	.name = "vmlab",
	.make = make_region_of_file,
	.map = map_for_reading,
};

const struct side file_mmap = {
	.name = "file mmap",
	.make = make_file,
	.map = map_for_reading,
};

const struct side vmlab_file_written = {
	.name = "vmlab",
	.make = make_region_of_file,
	.map = map_shared,
};

const struct side file_mmap_written = {
	.name = "file mmap",
	.make = make_file,
	.map = map_shared,
};

void memory_make(struct memory *memory, const struct side *side, size_t pages)
{
	*memory = (struct memory){ .side = side, .length = pages * PAGE, .fd = -1 };
	if (side->make)
		memory->fd = side->make(memory);
	memory_map(memory);
}

void memory_map(struct memory *memory)
{
	memory->p = memory->side->map(memory);
	if (memory->p == MAP_FAILED)
		die("mmap");
}

void memory_unmap(struct memory *memory)
{
	if (memory->side->end)
		memory->side->end(memory);
	munmap(memory->p, memory->length);
	memory->p = NULL;
}

void memory_end(struct memory *memory)
{
	if (memory->p)
		memory_unmap(memory);
	if (memory->fd >= 0)
		close(memory->fd);
}

uint64_t memory_resident(const struct memory *memory)
{
	struct vmlab_stat stat;

	if (ioctl(memory->fd, VMLAB_IOC_STAT, &stat))
		die("VMLAB_IOC_STAT");
	return stat.resident;
}
