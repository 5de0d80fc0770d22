// SPDX-License-Identifier: GPL-2.0
/*
 * heap NAME...: does with anonymous memory what programs do with it, and prints what comes of
 * it. It says the same wherever that memory is: run.sh compares.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	4096UL
#define RW	(PROT_READ | PROT_WRITE)
#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)

static const char *self;

static void say(const char *what, long result)
{
	if (result == -1)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
}

/* An address says only whether there is one. */
static void say_map(const char *what, const void *mem)
{
	say(what, mem == MAP_FAILED ? -1 : 0);
}

static unsigned char *map(size_t pages)
{
	unsigned char *mem = mmap(NULL, pages * PAGE, RW, ANON, -1, 0);

	if (mem == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return mem;
}

/* The first byte of each page is its number, and a turn's. */
static void fill(unsigned char *mem, size_t pages, int turn)
{
	for (size_t i = 0; i < pages; i++)
		memset(mem + i * PAGE, (int)(i * 7 + (size_t)turn) % 250 + 1, PAGE);
}

static size_t right(const unsigned char *mem, size_t pages, int turn)
{
	size_t n = 0;

	for (size_t i = 0; i < pages; i++) {
		int wanted = (int)(i * 7 + (size_t)turn) % 250 + 1;

		n += mem[i * PAGE] == wanted && mem[i * PAGE + PAGE - 1] == wanted;
	}
	return n;
}

static size_t zero(const unsigned char *mem, size_t pages)
{
	size_t n = 0;

	for (size_t i = 0; i < pages; i++) {
		size_t j = 0;

		while (j < PAGE && !mem[i * PAGE + j])
			j++;
		n += j == PAGE;
	}
	return n;
}

/* What the kernel says of an address, without touching it: a write() reads it, a read() writes. */
static void say_access(const char *what, void *mem)
{
	int fds[2];
	char byte = 0;

	if (pipe(fds))
		exit(1);
	printf("%s: ", what);
	say("readable", write(fds[1], mem, 1));
	if (write(fds[1], &byte, 1) == 1)
		say("    writable", read(fds[0], mem, 1));
	close(fds[0]);
	close(fds[1]);
}

static void do_mmap(void)
{
	unsigned char *mem = map(16), *fixed;
	int fd;

	say("fresh", (long)zero(mem, 16));
	fill(mem, 16, 1);
	say("filled", (long)right(mem, 16, 1));
	say_map("no length", mmap(NULL, 0, RW, ANON, -1, 0));
	say_map("no kind", mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	say_map("too long", mmap(NULL, SIZE_MAX - PAGE, RW, ANON, -1, 0));
	say_map("as long as all", mmap(NULL, 1UL << 47, RW, ANON | MAP_NORESERVE, -1, 0));
	say_map("odd offset", mmap(NULL, PAGE, RW, ANON, -1, 1));
	say_map("offset", mmap(NULL, PAGE, RW, ANON, -1, PAGE));
	say_map("a descriptor", mmap(NULL, PAGE, RW, ANON, 12345, 0));
	say_map("fixed at an odd place", mmap(mem + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	say_map("fixed at the end",
		mmap((void *)((1UL << 47) - PAGE), 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
	say_map("in the way", mmap(mem, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	say("untouched", (long)right(mem, 16, 1));
	fixed = mmap(mem + 4 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	say("fixed", fixed == mem + 4 * PAGE);
	say("fixed, fresh", (long)zero(mem, 16));
	say("fixed, the rest", (long)right(mem, 16, 1));
	fd = memfd_create("heap", 0);
	if (fd < 0 || ftruncate(fd, PAGE) || pwrite(fd, "file", 4, 0) != 4)
		exit(1);
	fixed = mmap(mem + 8 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
	say("a file over it", !memcmp(mem + 8 * PAGE, "file", 4));
	fixed = mmap(mem + 8 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	say("and no more", (long)zero(mem + 8 * PAGE, 1));
	fixed = mmap(mem + 10 * PAGE, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	say("shared over it", (long)zero(fixed, 1));
	say("length of a part", munmap(mem + 12 * PAGE, 100));
	say_access("which is a page", mem + 12 * PAGE);
	say_access("and no more", mem + 13 * PAGE);
	fixed = mmap(NULL, 3 * PAGE - 5, RW, ANON | MAP_POPULATE, -1, 0);
	say("populated", (long)zero(fixed, 3));
	fixed = mmap(mem + 12 * PAGE, PAGE, RW, ANON, -1, 0);
	say("where asked for", fixed == mem + 12 * PAGE);
	fixed = mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0);
	say("low", (uintptr_t)fixed < 1UL << 32);
	say("high", munmap((void *)(1UL << 47), PAGE));
	close(fd);
}

static void do_munmap(void)
{
	unsigned char *mem = map(64);

	fill(mem, 64, 2);
	say("odd", munmap(mem + 1, PAGE));
	say("none", munmap(mem, 0));
	say("middle", munmap(mem + 10 * PAGE, 20 * PAGE));
	say_access("before", mem + 9 * PAGE);
	say_access("in it", mem + 10 * PAGE);
	say_access("last of it", mem + 29 * PAGE);
	say_access("behind", mem + 30 * PAGE);
	say("again", munmap(mem + 10 * PAGE, 20 * PAGE));
	say("over holes", munmap(mem + 5 * PAGE, 40 * PAGE));
	say("left", (long)(right(mem, 5, 2) + right(mem + 45 * PAGE, 19, 2 + 45 * 7)));
	mem = mmap(mem + 5 * PAGE, 40 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	say("fresh", (long)zero(mem, 40));
	for (int i = 0; i < 50; i++) {
		mem = map(32);
		if (zero(mem, 32) != 32)
			say("turn", i);
		fill(mem, 32, i);
		munmap(mem, 32 * PAGE);
	}
}

static void do_madvise(void)
{
	unsigned char *mem = map(32);

	fill(mem, 32, 3);
	say("dontneed", madvise(mem + 4 * PAGE, 8 * PAGE, MADV_DONTNEED));
	say("zero", (long)zero(mem, 32));
	say("right", (long)right(mem, 32, 3));
	say("odd", madvise(mem + 1, PAGE, MADV_DONTNEED));
	say("nothing", madvise(mem, 0, MADV_DONTNEED));
	say("part", madvise(mem + 14 * PAGE, 1, MADV_DONTNEED));
	say("zero", (long)zero(mem, 32));
	say("wraps", madvise(mem, SIZE_MAX - PAGE, MADV_DONTNEED));
	munmap(mem + 20 * PAGE, 2 * PAGE);
	say("hole", madvise(mem + 18 * PAGE, 6 * PAGE, MADV_DONTNEED));
	say("zero", (long)(zero(mem, 20) + zero(mem + 22 * PAGE, 10)));
	say("unknown", madvise(mem, PAGE, 12345));
	say("free", madvise(mem + 24 * PAGE, 4 * PAGE, MADV_FREE));
	fill(mem + 24 * PAGE, 4, 9);
	say("written after", (long)right(mem + 24 * PAGE, 4, 9));
	say("free, never touched", madvise(map(4), 4 * PAGE, MADV_FREE));
	say("remove", madvise(mem, PAGE, MADV_REMOVE));
	say("nohugepage", madvise(mem, 4 * PAGE, MADV_NOHUGEPAGE));
	say("willneed", madvise(mem, 4 * PAGE, MADV_WILLNEED));
	say("dontfork", madvise(mem + 30 * PAGE, PAGE, MADV_DONTFORK));
	say("dofork", madvise(mem + 30 * PAGE, PAGE, MADV_DOFORK));
	say("dontdump", madvise(mem, PAGE, MADV_DONTDUMP));
	say("dodump", madvise(mem, PAGE, MADV_DODUMP));
	say("populate", madvise(mem, 4 * PAGE, MADV_POPULATE_WRITE));
	say("right", (long)right(mem, 4, 3));
	mprotect(mem, 2 * PAGE, PROT_NONE);
	say("dontneed, no access", madvise(mem, 2 * PAGE, MADV_DONTNEED));
	mprotect(mem, 2 * PAGE, RW);
	say("zero", (long)zero(mem, 2));
}

static void do_mremap(void)
{
	unsigned char *mem = map(32), *other = map(32), *moved;

	fill(mem, 32, 4);
	fill(other, 32, 5);
	moved = mremap(mem, 32 * PAGE, 16 * PAGE, 0);
	say("shrunk", moved == mem && right(mem, 16, 4) == 16);
	say_access("end", mem + 16 * PAGE);
	moved = mremap(mem, 16 * PAGE, 20 * PAGE, 0);
	say("grown", moved == mem && right(mem, 16, 4) == 16 && zero(mem + 16 * PAGE, 4) == 4);
	(void)mmap(mem + 20 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	say_map("in the way", mremap(mem, 20 * PAGE, 40 * PAGE, 0));
	moved = mremap(mem, 20 * PAGE, 400 * PAGE, MREMAP_MAYMOVE);
	say("moved", moved != mem && right(moved, 16, 4) == 16);
	say("grown", (long)zero(moved + 16 * PAGE, 384));
	say_access("where it was", mem);
	mem = moved;
	moved = mremap(mem + 4 * PAGE, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       other + 8 * PAGE);
	say("fixed", moved == other + 8 * PAGE && right(moved, 8, 4 + 4 * 7) == 8);
	say("around", (long)(right(other, 8, 5) + right(other + 16 * PAGE, 16, 5 + 16 * 7)));
	say_access("taken from", mem + 4 * PAGE);
	say("left", (long)(right(mem, 4, 4) + right(mem + 12 * PAGE, 4, 4 + 12 * 7)));
	say_map("a hole in it",
		mremap(mem, 20 * PAGE, 20 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, map(20)));
	say_map("overlap", mremap(other, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
				  other + PAGE));
	say_map("fixed only", mremap(other, PAGE, PAGE, MREMAP_FIXED, mem));
	say_map("flags", mremap(other, PAGE, PAGE, 1024));
	say_map("odd", mremap(other + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	say_map("to nothing", mremap(other, PAGE, 0, MREMAP_MAYMOVE));
	say_map("from nothing", mremap(other, 0, PAGE, MREMAP_MAYMOVE));
	say_map("unmapped", mremap((void *)PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	other = map(8);
	fill(other, 8, 6);
	moved = mremap(other, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	say("left behind", moved != other && right(moved, 8, 6) == 8 && zero(other, 8) == 8);
	mprotect(moved, 8 * PAGE, PROT_READ);
	moved = mremap(moved, 8 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	say_access("protected", moved + 40 * PAGE);
	say("right", (long)right(moved, 8, 6));
}

static void do_mprotect(void)
{
	unsigned char *mem = mmap(NULL, 8UL << 30, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };	/* return 42 */
	int (*function)(void);

	say_map("reserved", mem);
	say_access("reserved", mem + (1UL << 30));
	say("mprotect", mprotect(mem + (1UL << 30), 64 * PAGE, RW));
	fill(mem + (1UL << 30), 64, 7);
	say("right", (long)right(mem + (1UL << 30), 64, 7));
	say("mprotect", mprotect(mem + (1UL << 30), 32 * PAGE, PROT_READ));
	say_access("read-only", mem + (1UL << 30));
	say_access("writable", mem + (1UL << 30) + 32 * PAGE);
	say("mprotect", mprotect(mem + (1UL << 30), 64 * PAGE, PROT_NONE));
	say("mprotect", mprotect(mem + (1UL << 30), 64 * PAGE, RW));
	say("right", (long)right(mem + (1UL << 30), 64, 7));
	memcpy(mem + (1UL << 30), code, sizeof(code));
	say("mprotect", mprotect(mem + (1UL << 30), PAGE, PROT_READ | PROT_EXEC));
	memcpy(&function, &(void *){ mem + (1UL << 30) }, sizeof(function));
	say("executed", function());
	say("unmapped", munmap(mem, 8UL << 30));
	say_access("unmapped", mem + (1UL << 30));
	mem = mmap(NULL, 64UL << 40, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	say_map("64 TiB", mem);
	say("unmapped", munmap(mem, 64UL << 40));
	mem = mmap(NULL, 64 * PAGE, RW, ANON | MAP_STACK | MAP_GROWSDOWN, -1, 0);
	say_map("a stack", mem);
	fill(mem, 64, 8);
	say("right", (long)right(mem, 64, 8));
}

static int wait_status(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

/* Children have what there was, and change what is their own. */
static int child(unsigned char *mem, unsigned char *wiped, int depth)
{
	unsigned char *more;

	if (right(mem, 32, 8) != 32 || zero(wiped, 4) != 4)
		return 1;
	fill(mem, 16, 9);
	madvise(mem + 20 * PAGE, 4 * PAGE, MADV_DONTNEED);
	if (right(mem, 16, 9) != 16 || zero(mem + 20 * PAGE, 4) != 4)
		return 2;
	munmap(mem + 24 * PAGE, 4 * PAGE);
	more = mmap(mem + 24 * PAGE, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	if (zero(more, 4) != 4)
		return 3;
	more = mremap(mem, 16 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	if (right(more, 16, 9) != 16)
		return 4;
	if (depth) {
		unsigned char *again = map(32);
		pid_t pid;

		fill(again, 32, 8);
		pid = fork();
		if (!pid)
			_exit(child(again, wiped, depth - 1));
		if (wait_status(pid) || right(again, 32, 8) != 32)
			return 5;
	}
	return 42;
}

static void do_fork(void)
{
	unsigned char *mem = map(32), *wiped = map(4), *shared;
	pid_t pid;

	fill(mem, 32, 8);
	fill(wiped, 4, 8);
	say("wipeonfork", madvise(wiped, 4 * PAGE, MADV_WIPEONFORK));
	say("kept", (long)right(wiped, 4, 8));
	shared = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 3; i++) {
		fflush(stdout);
		pid = fork();
		if (!pid) {
			shared[i] = 1;
			_exit(child(mem, wiped, 0));
		}
		say("child", wait_status(pid));
		say("shared", shared[i]);
		say("parent", (long)right(mem, 32, 8));
	}
	/* Without what pthread_atfork() would be told by. */
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		_exit(child(mem, wiped, 0));
	say("bare clone", wait_status(pid));
	pid = fork();
	if (!pid) {
		int status = child(mem, wiped, 2);

		_exit(status == 5 ? 42 : status);
	}
	say("grandchildren", wait_status(pid));
	say("parent", (long)right(mem, 32, 8));
	pid = fork();
	if (!pid) {
		/* The child goes on when its parent, and what it had, has gone. */
		pid = fork();
		if (!pid) {
			usleep(100000);
			shared[10] = (unsigned char)child(mem, wiped, 0);
			shared[11] = 1;
			_exit(0);
		}
		_exit(0);
	}
	wait_status(pid);
	for (int i = 0; i < 1000 && !((volatile unsigned char *)shared)[11]; i++)
		usleep(10000);
	say("orphan", shared[10]);
}

static void do_exec(void)
{
	char *argv[] = { (char *)self, (char *)"small", NULL }, *words = NULL;
	unsigned char *mem = map(32);
	pid_t pid;

	fill(mem, 32, 9);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		execv(self, argv);
		_exit(1);
	}
	say("fork", wait_status(pid));
	pid = vfork();
	if (!pid) {
		execv(self, argv);
		_exit(1);
	}
	say("vfork", wait_status(pid));
	say("vfork, no program", (pid = vfork()) ? wait_status(pid) : (_exit(7), 0));
	say("spawn", posix_spawn(&pid, self, NULL, NULL, argv, environ));
	say("spawn", wait_status(pid));
	say("system", asprintf(&words, "%s small | cat", self) < 0 ? -1 : system(words));
	pid = fork();
	if (!pid) {
		closefrom(3);
		fill(mem, 16, 1);
		mem = map(64);
		fill(mem, 64, 2);
		if (right(mem, 64, 2) != 64)
			_exit(2);
		execv(self, argv);
		_exit(1);
	}
	say("all closed", wait_status(pid));
	pid = fork();
	if (!pid) {
		int open = 0;

		for (int fd = 3; fd < 4096; fd++)
			open += !close(fd);
		close_range(3, ~0U, 0);
		close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
		printf("they were %d\n", open);
		fflush(stdout);
		execv(self, argv);
		_exit(1);
	}
	say("one by one", wait_status(pid));
	say("parent", (long)right(mem, 32, 9));
	free(words);
	fflush(stdout);
	execv(self, argv);
}

static void do_small(void)
{
	unsigned char *mem = map(100);

	say("fresh", (long)zero(mem, 100));
	fill(mem, 100, 3);
	say("right", (long)right(mem, 100, 3));
}

#define THREADS 4
#define SLOTS 8

static const struct itimerval soon = { .it_value = { 0, 30000 } }, never;
static volatile bool handled, enough;

/* The next one comes when this one is done: where all is slow nothing else would be done. */
static void on_signal(int number)
{
	unsigned char *mem = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);

	(void)number;
	handled = zero(mem, 8) == 8;
	fill(mem, 8, 1);
	munmap(mem, 8 * PAGE);
	setitimer(ITIMER_REAL, enough ? &never : &soon, NULL);
}

/* Maps, writes, moves and unmaps, and knows what should be where. */
static void *thread(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;
	unsigned char *slot[SLOTS] = { NULL };
	size_t pages[SLOTS], wrong = 0;
	int turn[SLOTS];

	for (int i = 0; i < 300; i++) {
		unsigned int s = (unsigned int)rand_r(&seed) % SLOTS;
		size_t n = (size_t)rand_r(&seed) % 24 + 1, more;

		if (!slot[s]) {
			slot[s] = mmap(NULL, n * PAGE, RW, ANON, -1, 0);
			wrong += slot[s] == MAP_FAILED || zero(slot[s], n) != n;
			pages[s] = n;
			turn[s] = i;
			fill(slot[s], n, i);
			continue;
		}
		wrong += right(slot[s], pages[s], turn[s]) != pages[s];
		switch (rand_r(&seed) % 4) {
		case 0:
			munmap(slot[s], pages[s] * PAGE);
			slot[s] = NULL;
			break;
		case 1:
			madvise(slot[s], pages[s] * PAGE, MADV_DONTNEED);
			wrong += zero(slot[s], pages[s]) != pages[s];
			fill(slot[s], pages[s], turn[s]);
			break;
		case 2:
			slot[s] = mremap(slot[s], pages[s] * PAGE, n * PAGE, MREMAP_MAYMOVE);
			more = n > pages[s] ? n - pages[s] : 0;
			wrong += zero(slot[s] + pages[s] * PAGE, more) != more;
			pages[s] = n;
			fill(slot[s], n, turn[s]);
			break;
		}
	}
	return (void *)wrong;
}

static void do_threads(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	unsigned char *mem = map(32), *wiped = map(4);
	pthread_t threads[THREADS];
	void *wrong;
	int bad = 0;

	fill(mem, 32, 8);
	sigaction(SIGALRM, &action, NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread, (void *)(i + 1));
	setitimer(ITIMER_REAL, &soon, NULL);
	for (int i = 0; i < 6; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(child(mem, wiped, 0) == 42);
		bad += wait_status(pid) != 1;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &wrong);
		bad += !!wrong;
	}
	enough = true;
	setitimer(ITIMER_REAL, &never, NULL);
	say("wrong", bad);
	say("handled", handled);
	say("right", (long)right(mem, 32, 8));
}

static void do_errno(void)
{
	errno = 1234;
	munmap(map(4), 4 * PAGE);
	madvise(map(4), 4 * PAGE, MADV_DONTNEED);
	free(realloc(malloc(1UL << 20), 8UL << 20));
	printf("errno: %d\n", errno);
}

/* Each of 256 pages, one after the other, again and again. */
static long loop(unsigned char *mem, int turns)
{
	long sum = 0;

	for (int turn = 0; turn < turns; turn++) {
		for (size_t i = 0; i < 256; i++)
			sum += ++mem[i * PAGE];
	}
	return sum;
}

static void do_loop(void)
{
	say("sum", loop(map(256), 8));
}

/* Ends by a signal, with memory that is worth counting. */
static void do_killed(void)
{
	unsigned char *mem = map(1000);

	fill(mem, 1000, 1);
	fflush(stdout);
	raise(SIGSEGV);
}

static const struct {
	const char *name;
	void (*run)(void);
} steps[] = {
	{ "mmap", do_mmap }, { "munmap", do_munmap }, { "madvise", do_madvise },
	{ "mremap", do_mremap }, { "mprotect", do_mprotect }, { "fork", do_fork },
	{ "exec", do_exec }, { "small", do_small }, { "threads", do_threads },
	{ "errno", do_errno }, { "killed", do_killed },
	{ "loop", do_loop },
};

int main(int argc, char **argv)
{
	self = argv[0];
	for (int i = 1; i < argc; i++) {
		size_t j = 0;

		while (j < sizeof(steps) / sizeof(*steps) && strcmp(argv[i], steps[j].name) != 0)
			j++;
		if (j == sizeof(steps) / sizeof(*steps)) {
			fprintf(stderr, "heap: there is no step %s\n", argv[i]);
			return 2;
		}
		steps[j].run();
	}
	return 0;
}
