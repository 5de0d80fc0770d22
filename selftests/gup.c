// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel and other processes reach into a region's memory: direct I/O,
 * pipes, ptrace, futexes, core dumps.
 */
#include "scratch_test.h"

#include <elf.h>
#include <linux/futex.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#define PAGES 64UL
#define LENGTH (PAGES * PAGE)

FIXTURE(memory)
{
	int fd;
	char *p;
};

FIXTURE_VARIANT(memory)
{
	int flags;
	__u32 region;
};

FIXTURE_VARIANT_ADD(memory, shared) { .flags = MAP_SHARED };
FIXTURE_VARIANT_ADD(memory, private) { .flags = MAP_PRIVATE };
FIXTURE_VARIANT_ADD(memory, tracked) {
	.flags = MAP_SHARED, .region = VMLAB_REGION_TRACK_DIRTY
};

FIXTURE_VARIANT_ADD(memory, strict) { .flags = MAP_SHARED, .region = VMLAB_REGION_STRICT };

FIXTURE_SETUP(memory)
{
	self->fd = region_zero(variant->region, 0);
	ASSERT_GE(self->fd, 0);
	self->p = map(self->fd, LENGTH, RW, variant->flags, 0);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN(memory)
{
	munmap(self->p, LENGTH);
	close(self->fd);
}

/* Copies by the kernel into pages that are not there, and out of them. */
TEST_F(memory, read_and_write_of_others)
{
	int file = memfd_create("other", 0);

	ASSERT_TRUE(writes_filled(file, 0, LENGTH, 1));
	EXPECT_EQ(LENGTH, pread(file, self->p, LENGTH, 0));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_EQ(LENGTH, pwrite(file, self->p, LENGTH, LENGTH));
	EXPECT_TRUE(reads_filled(file, LENGTH, LENGTH, 1));
}

TEST_F(memory, write_of_the_untouched_is_zero)
{
	int file = memfd_create("other", 0);

	EXPECT_EQ(LENGTH, pwrite(file, self->p, LENGTH, 0));
	EXPECT_TRUE(reads_zero(file, 0, LENGTH));
}

/* Direct I/O */

FIXTURE(direct)
{
	struct scratch scratch;
	int fd;
	int file;
	char *p;
};

FIXTURE_VARIANT(direct)
{
	int flags;
	__u32 region;
};

FIXTURE_VARIANT_ADD(direct, shared) { .flags = MAP_SHARED };
FIXTURE_VARIANT_ADD(direct, private) { .flags = MAP_PRIVATE };
FIXTURE_VARIANT_ADD(direct, tracked) {
	.flags = MAP_SHARED, .region = VMLAB_REGION_TRACK_DIRTY
};

FIXTURE_SETUP(direct)
{
	const char *reason = scratch_make(&self->scratch, "ext4", 32 * MIB);

	if (!reason) {
		self->file = scratch_file(&self->scratch, "file", LENGTH, 1);
		fsync(self->file);
		close(self->file);
		self->file = scratch_reopen(&self->scratch, "file", O_RDWR | O_DIRECT);
		if (self->file < 0)
			reason = "the file system takes no O_DIRECT";
	}
	if (reason) {
		scratch_remove(&self->scratch);
		SKIP_TEST("%s", reason);
	}
	self->fd = region_zero(variant->region, 0);
	ASSERT_GE(self->fd, 0);
	self->p = map(self->fd, LENGTH, RW, variant->flags, 0);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN(direct)
{
	munmap(self->p, LENGTH);
	close(self->fd);
	close(self->file);
	scratch_remove(&self->scratch);
}

TEST_F(direct, into_untouched_memory)
{
	ASSERT_EQ(LENGTH, pread(self->file, self->p, LENGTH, 0));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_TRUE(variant->flags == MAP_SHARED ? reads_filled(self->fd, 0, LENGTH, 1) :
						   reads_zero(self->fd, 0, LENGTH));
	if (variant->region & VMLAB_REGION_TRACK_DIRTY)
		EXPECT_EQ(PAGES, region_stat(self->fd).dirty);
}

TEST_F(direct, into_touched_memory)
{
	fill(self->p, LENGTH, 2);
	ASSERT_EQ(LENGTH, pread(self->file, self->p, LENGTH, 0));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
}

TEST_F(direct, out_of_memory)
{
	fill(self->p, LENGTH, 2);
	ASSERT_EQ(LENGTH, pwrite(self->file, self->p, LENGTH, 0));
	memset(self->p, 0, LENGTH);
	ASSERT_EQ(LENGTH, pread(self->file, self->p, LENGTH, 0));
	EXPECT_TRUE(filled(self->p, LENGTH, 2));
}

TEST_F(direct, out_of_untouched_memory)
{
	ASSERT_EQ(LENGTH, pwrite(self->file, self->p, LENGTH, 0));
	memset(self->p, 1, LENGTH);
	ASSERT_EQ(LENGTH, pread(self->file, self->p, LENGTH, 0));
	EXPECT_TRUE(all_zero(self->p, LENGTH));
}

/* Pipes */

TEST_F(memory, vmsplice)
{
	struct iovec vector = { self->p, 8 * PAGE };
	char back[8 * PAGE];
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	fill(self->p, LENGTH, 3);
	ASSERT_EQ(8 * PAGE, vmsplice(fds[1], &vector, 1, 0));
	EXPECT_EQ(sizeof(back), read(fds[0], back, sizeof(back)));
	EXPECT_TRUE(filled(back, sizeof(back), 3));
}

/* The pages in a pipe stay what they are when the mapping, then the region goes. */
TEST_F(memory, vmsplice_outlives_the_region)
{
	struct iovec vector = { self->p, 8 * PAGE };
	char back[8 * PAGE];
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	fill(self->p, LENGTH, 3);
	ASSERT_EQ(8 * PAGE, vmsplice(fds[1], &vector, 1, 0));
	munmap(self->p, LENGTH);
	close(self->fd);
	self->fd = region_open();
	self->p = map_shared(self->fd, LENGTH);
	fill(self->p, LENGTH, 4);
	EXPECT_EQ(sizeof(back), read(fds[0], back, sizeof(back)));
	EXPECT_TRUE(filled(back, sizeof(back), 3));
}

/* Other processes' eyes and hands */

static pid_t start_traced(void)
{
	pid_t child = fork();

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, NULL, WUNTRACED);
	return child;
}

static void end_traced(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

TEST_F(memory, ptrace_peeks_and_pokes)
{
	pid_t child;

	fill(self->p, PAGE, 1);
	child = start_traced();
	errno = 0;
	EXPECT_EQ(*(long *)self->p, ptrace(PTRACE_PEEKDATA, child, self->p, NULL));
	EXPECT_EQ(0, ptrace(PTRACE_PEEKDATA, child, self->p + 40 * PAGE, NULL));
	EXPECT_EQ(0, errno);
	EXPECT_EQ(0, ptrace(PTRACE_POKEDATA, child, self->p + 50 * PAGE, 0x1234567890abcdefL));
	EXPECT_EQ(0x1234567890abcdefL, ptrace(PTRACE_PEEKDATA, child, self->p + 50 * PAGE, NULL));
	EXPECT_EQ(variant->flags == MAP_SHARED ? 0x1234567890abcdefL : 0L,
		  *(long *)(self->p + 50 * PAGE));
	end_traced(child);
}

TEST_F(memory, ptrace_pokes_past_protection)
{
	pid_t child;

	ASSERT_EQ(0, mprotect(self->p, PAGE, PROT_READ));
	child = start_traced();
	if (ptrace(PTRACE_POKEDATA, child, self->p, 42L)) {
		EXPECT_EQ(EIO, errno);
	} else {
		EXPECT_EQ(42, ptrace(PTRACE_PEEKDATA, child, self->p, NULL));
	}
	end_traced(child);
}

TEST_F(memory, proc_mem)
{
	pid_t child = start_traced();
	char path[64];
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	mem = open(path, O_RDWR);
	ASSERT_GE(mem, 0);
	EXPECT_TRUE(reads_zero(mem, (off_t)self->p, LENGTH));
	EXPECT_TRUE(writes_filled(mem, (off_t)self->p, LENGTH, 6));
	EXPECT_TRUE(reads_filled(mem, (off_t)self->p, LENGTH, 6));
	EXPECT_TRUE(variant->flags == MAP_SHARED ? filled(self->p, LENGTH, 6) :
						   all_zero(self->p, LENGTH));
	end_traced(child);
}

TEST_F(memory, process_vm)
{
	pid_t child = start_traced();
	char *local = malloc(LENGTH);
	struct iovec here = { local, LENGTH }, there = { self->p, LENGTH };

	fill(local, LENGTH, 7);
	EXPECT_EQ(LENGTH, process_vm_writev(child, &here, 1, &there, 1, 0));
	memset(local, 0, LENGTH);
	EXPECT_EQ(LENGTH, process_vm_readv(child, &here, 1, &there, 1, 0));
	EXPECT_TRUE(filled(local, LENGTH, 7));
	end_traced(child);
}

/* Futexes: what two processes map at different places is one word. */

FIXTURE(words)
{
	int fd;
	char *p;
};

FIXTURE_VARIANT(words)
{
	__u32 region;
};

FIXTURE_VARIANT_ADD(words, plain) { };
FIXTURE_VARIANT_ADD(words, tracked) { .region = VMLAB_REGION_TRACK_DIRTY };

FIXTURE_SETUP(words)
{
	self->fd = region_zero(variant->region, 0);
	ASSERT_GE(self->fd, 0);
	self->p = map_shared(self->fd, LENGTH);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN(words)
{
	munmap(self->p, LENGTH);
	close(self->fd);
}

static long futex(void *word, int operation, int value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

TEST_F(words, futex_wakes_another_process)
{
	const struct timespec second = { .tv_sec = 20 };
	int *word = (int *)(self->p + 5 * PAGE + 64);
	pid_t child;

	child = fork();
	if (!child) {
		char *other = map_shared(self->fd, LENGTH);

		munmap(self->p, LENGTH);
		word = (int *)(other + 5 * PAGE + 64);
		if (futex(word, FUTEX_WAIT, 0, &second) && errno != EAGAIN)
			_exit(1);
		_exit(*(volatile int *)word == 77 ? 0 : 2);
	}
	usleep(200000);		/* it waits by now, or will see the new value */
	*(volatile int *)word = 77;
	EXPECT_GE(futex(word, FUTEX_WAKE, 1, NULL), 0);
	EXPECT_EQ(0, child_status(child));
}

/* The waiter is found by the one who wakes, so that it counts. */
TEST_F(words, futex_counts_its_waiters)
{
	const struct timespec long_enough = { .tv_sec = 20 };
	int *word = (int *)self->p;
	pid_t child;
	long woken = 0;

	child = fork();
	if (!child)
		_exit(futex(map_shared(self->fd, PAGE), FUTEX_WAIT, 0, &long_enough) ? 1 : 0);
	EXPECT_TRUE(EVENTUALLY((woken = futex(word, FUTEX_WAKE, 1, NULL)) == 1));
	EXPECT_EQ(0, child_status(child));
}

struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	int turn, rounds;
};

static struct shared *shared_make(char *p)
{
	struct shared *shared = (struct shared *)(p + 3 * PAGE);
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;

	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&shared->mutex, &mutex);
	pthread_condattr_init(&cond);
	pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&shared->cond, &cond);
	return shared;
}

static bool take_turns(struct shared *shared, int me, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		pthread_mutex_lock(&shared->mutex);
		while (shared->turn != me)
			pthread_cond_wait(&shared->cond, &shared->mutex);
		shared->rounds++;
		shared->turn = !me;
		pthread_cond_broadcast(&shared->cond);
		pthread_mutex_unlock(&shared->mutex);
	}
	return true;
}

TEST_F(words, pthread_condition_across_processes)
{
	struct shared *shared;
	pid_t child;

	shared = shared_make(self->p);
	child = fork();
	if (!child) {
		char *other = map_shared(self->fd, LENGTH);

		_exit(!take_turns((struct shared *)(other + 3 * PAGE), 1, 500));
	}
	take_turns(shared, 0, 500);
	EXPECT_EQ(0, child_status(child));
	EXPECT_EQ(1000, shared->rounds);
}

TEST_F(words, pthread_robust_mutex)
{
	struct shared *shared;

	shared = shared_make(self->p);
	EXPECT_TRUE(IN_CHILD(!pthread_mutex_lock(&shared->mutex)));
	EXPECT_EQ(EOWNERDEAD, pthread_mutex_lock(&shared->mutex));
	EXPECT_EQ(0, pthread_mutex_consistent(&shared->mutex));
	EXPECT_EQ(0, pthread_mutex_unlock(&shared->mutex));
	EXPECT_EQ(0, pthread_mutex_lock(&shared->mutex));
}

/* Core dumps */

FIXTURE(core)
{
	struct scratch scratch;
	char pattern[256];
	int fd;
};

FIXTURE_VARIANT(core)
{
	int flags;
	bool written;
	bool file;
};

FIXTURE_VARIANT_ADD(core, shared) { .flags = MAP_SHARED, .written = true };
FIXTURE_VARIANT_ADD(core, shared_device_closed) {
	.flags = MAP_SHARED, .written = true, .file = true
};

FIXTURE_VARIANT_ADD(core, private) { .flags = MAP_PRIVATE, .written = true };
FIXTURE_VARIANT_ADD(core, untouched) { .flags = MAP_SHARED };

#define CORE_PATTERN "/proc/sys/kernel/core_pattern"

FIXTURE_SETUP(core)
{
	char pattern[128];
	const char *reason = scratch_make(&self->scratch, "tmpfs", 64 * MIB);

	snprintf(pattern, sizeof(pattern), "%s/core", self->scratch.dir);
	if (!reason && (text_read(CORE_PATTERN, self->pattern, sizeof(self->pattern)) < 0 ||
			text_write(CORE_PATTERN, pattern)))
		reason = "may not say where core dumps go";
	if (reason) {
		scratch_remove(&self->scratch);
		SKIP_TEST("%s", reason);
	}
	self->fd = region_open();
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(core)
{
	text_write(CORE_PATTERN, self->pattern);
	close(self->fd);
	scratch_remove(&self->scratch);
}

/* Where in the dump the memory at @address is, or -1. */
static off_t dumped_at(int core, __u64 address, size_t length)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	if (pread(core, &header, sizeof(header), 0) != sizeof(header))
		return -1;
	for (int i = 0; i < header.e_phnum; i++) {
		if (pread(core, &segment, sizeof(segment),
			  header.e_phoff + i * sizeof(segment)) != sizeof(segment))
			return -1;
		if (segment.p_type == PT_LOAD && segment.p_vaddr <= address &&
		    address + length <= segment.p_vaddr + segment.p_filesz)
			return segment.p_offset + (address - segment.p_vaddr);
	}
	return -1;
}

TEST_F(core, holds_the_memory)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	int fd = variant->file ? region_fd(self->fd, 0) : self->fd;
	char *p = map(fd, LENGTH, RW, variant->flags, 0);
	pid_t child;
	off_t offset;
	int core, status;

	ASSERT_NE(MAP_FAILED, p);
	child = fork();
	if (!child) {
		if (variant->written)
			fill(p, LENGTH, 5);
		setrlimit(RLIMIT_CORE, &unlimited);
		signal(SIGABRT, SIG_DFL);
		abort();
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WCOREDUMP(status));
	core = scratch_reopen(&self->scratch, "core", O_RDONLY);
	if (core < 0) {
		char name[32];

		snprintf(name, sizeof(name), "core.%d", child);
		core = scratch_reopen(&self->scratch, name, O_RDONLY);
	}
	ASSERT_GE(core, 0);
	offset = dumped_at(core, (__u64)p, LENGTH);
	ASSERT_GT(offset, 0);
	EXPECT_TRUE(variant->written ? reads_filled(core, offset, LENGTH, 5) :
				       reads_zero(core, offset, LENGTH));
}

TEST_HARNESS_MAIN
