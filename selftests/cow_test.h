/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of clones and of copying at forks share: making clones, holding pages,
 * waiting on futexes.
 */
#ifndef COW_TEST_H
#define COW_TEST_H

#include "vmlab_test.h"

#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>

static inline int clone_at(int fd, const void *address, __u32 flags)
{
	return ioctl(fd, VMLAB_IOC_CLONE, &(struct vmlab_clone){
		.flags = flags, .address = (unsigned long)address });
}

static inline int clone_of(int fd)
{
	return clone_at(fd, NULL, O_CLOEXEC);
}

/* FICLONERANGE; returns the errno. */
static inline int clone_range(int in, off_t from, off_t length, int out, off_t to)
{
	struct file_clone_range range = {
		.src_fd = in, .src_offset = from, .src_length = length, .dest_offset = to,
	};

	return ioctl(out, FICLONERANGE, &range) ? errno : 0;
}

static inline __u64 pages_now(void)
{
	return module_features().pages;
}

/*
 * Somebody holds pages and writes to them later, past all page tables, as a device does:
 * process_vm_writev(), which waits for its source, a page that userfaultfd keeps back.
 */

struct holder {
	pthread_t thread;
	char *source;
	char *target;
	size_t length;
	ssize_t written;
	int uffd;
};

static inline void *write_held(void *arg)
{
	struct holder *holder = arg;
	struct iovec local = { .iov_base = holder->source, .iov_len = holder->length };
	struct iovec remote = { .iov_base = holder->target, .iov_len = holder->length };

	holder->written = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
	return NULL;
}

/* Returns when the pages are held. */
static inline const char *hold(struct holder *holder)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffd_msg message;

	holder->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (holder->uffd < 0 || ioctl(holder->uffd, UFFDIO_API, &api))
		return "no userfaultfd";
	holder->source = map(-1, holder->length, RW, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	reg.range.start = (unsigned long)holder->source;
	reg.range.len = holder->length;
	if (ioctl(holder->uffd, UFFDIO_REGISTER, &reg) ||
	    pthread_create(&holder->thread, NULL, write_held, holder) ||
	    read(holder->uffd, &message, sizeof(message)) != sizeof(message))
		return "userfaultfd does not work";
	return NULL;
}

static inline void let_go(struct holder *holder, unsigned int seed)
{
	char *content = malloc(holder->length);
	struct uffdio_copy copy = {
		.dst = (unsigned long)holder->source, .src = (unsigned long)content,
		.len = holder->length,
	};

	fill(content, holder->length, seed);
	if (ioctl(holder->uffd, UFFDIO_COPY, &copy))
		broken("UFFDIO_COPY: %s\n", strerror(errno));
	pthread_join(holder->thread, NULL);
	munmap(holder->source, holder->length);
	close(holder->uffd);
	free(content);
}

static inline long futex(void *word, int op, int value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

static inline void *wait_on(void *word)
{
	futex(word, FUTEX_WAIT, 7, &(struct timespec){ .tv_sec = 300 });
	return NULL;
}

#endif
