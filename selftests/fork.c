// SPDX-License-Identifier: GPL-2.0
/*
 * Copy-on-write over fork(): parent and child each have their own from that moment on, at
 * the same address, in mappings that are shared.
 */
#include "fork_test.h"

#include <spawn.h>

/* A child that waits to be told, so that the parent can do something before. */

struct child {
	pid_t pid;
	int go;
};

static void child_tell(struct child *child)
{
	if (write(child->go, "x", 1) != 1)
		broken("the child is gone\n");
}

static int child_end(struct child *child)
{
	close(child->go);
	return child_status(child->pid);
}

#define CHILD(which, expression) ({						\
	struct child *__child = (which);					\
	int __pipe[2];								\
	char __byte;								\
										\
	if (pipe(__pipe))							\
		broken("pipe: %s\n", strerror(errno));				\
	__child->pid = fork();							\
	if (!__child->pid) {							\
		close(__pipe[1]);						\
		if (read(__pipe[0], &__byte, 1) != 1)				\
			_exit(99);						\
		_exit((expression) ? 0 : 1);					\
	}									\
	close(__pipe[0]);							\
	__child->go = __pipe[1];						\
	__child->pid > 0;							\
})

TEST_F(fork, the_child_sees_what_was)
{
	EXPECT_TRUE(IN_CHILD(filled(self->p, LENGTH, 1)));
}

TEST_F(fork, what_the_child_writes_is_its_own)
{
	EXPECT_TRUE(IN_CHILD(({
		fill(self->p, LENGTH, 2);
		filled(self->p, LENGTH, 2);
	})));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_EQ(0, region_stat(self->fd).cow_copies);
}

TEST_F(fork, what_the_parent_writes_is_its_own)
{
	struct child child;

	ASSERT_TRUE(CHILD(&child, filled(self->p, LENGTH, 1)));
	fill(self->p, LENGTH, 2);
	child_tell(&child);
	EXPECT_EQ(0, child_end(&child));
	EXPECT_TRUE(filled(self->p, LENGTH, 2));
}

TEST_F(fork, what_was_untouched_is_apart)
{
	char *tail = map(self->fd, PAGE, RW, MAP_SHARED, 2 * LENGTH);
	struct child child;

	ASSERT_TRUE(CHILD(&child, tail[0] == 0 && (tail[1] = 2)));
	tail[0] = 1;
	child_tell(&child);
	EXPECT_EQ(0, child_end(&child));
	EXPECT_EQ(0, tail[1]);
	munmap(tail, PAGE);
}

TEST_F(fork, mappings_of_one_region_show_one_clone)
{
	char *q = map_shared(self->fd, LENGTH), *half;

	half = map(self->fd, LENGTH / 2, PROT_READ, MAP_SHARED, LENGTH / 2);
	EXPECT_TRUE(IN_CHILD(({
		q[LENGTH / 2] = 77;
		self->p[LENGTH / 2] == 77 && half[0] == 77 && half[1] == self->p[LENGTH / 2 + 1];
	})));
	EXPECT_NE(77, self->p[LENGTH / 2]);
	EXPECT_EQ(self->p[LENGTH / 2], half[0]);
	munmap(q, LENGTH);
	munmap(half, LENGTH / 2);
}

TEST_F(fork, parts_moved_and_protected)
{
	char *q = mremap(self->p + 20 * PAGE, 20 * PAGE, 20 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			 map(-1, LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0));

	ASSERT_NE(MAP_FAILED, q);
	ASSERT_EQ(0, mprotect(self->p, 10 * PAGE, PROT_READ));
	ASSERT_EQ(0, munmap(self->p + 100 * PAGE, 10 * PAGE));
	EXPECT_TRUE(IN_CHILD(({
		bool same = q[0] == (char)((20 * PAGE * 31 + 20 + 1) % 251 + 1) &&
			    trap_write(self->p, 1) == SIGSEGV &&
			    trap_read(self->p + 105 * PAGE) == SIGSEGV;

		q[0] = 99;
		self->p[15 * PAGE] = 99;
		self->p[150 * PAGE] = 99;
		same && !mprotect(self->p, PAGE, RW) && !trap_write(self->p, 99);
	})));
	EXPECT_TRUE(filled(self->p, 20 * PAGE, 1));
	EXPECT_NE(99, q[0]);
	EXPECT_NE(99, self->p[150 * PAGE]);
	munmap(q, LENGTH);
}

TEST_F(fork, mprotect_opens_no_way_around)
{
	struct child child;

	ASSERT_TRUE(CHILD(&child, filled(self->p, LENGTH, 1)));
	ASSERT_EQ(0, mprotect(self->p, LENGTH, PROT_READ));
	ASSERT_EQ(0, mprotect(self->p, LENGTH, RW));
	fill(self->p, LENGTH, 2);
	child_tell(&child);
	EXPECT_EQ(0, child_end(&child));
}

static bool generations(char *p, unsigned int left)
{
	fill(p, LENGTH, 100 + left);
	if (!left)
		return true;
	return IN_CHILD(({
		filled(p, LENGTH, 100 + left) && generations(p, left - 1);
	})) && filled(p, LENGTH, 100 + left);
}

TEST_F(fork, children_of_children)
{
	EXPECT_TRUE(IN_CHILD(generations(self->p, 8)));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
}

TEST_F(fork, many_children_at_once)
{
	struct child children[20];

	for (int i = 0; i < 20; i++) {
		self->p[i * PAGE] = i;
		ASSERT_TRUE(CHILD(&children[i], ({
			bool ok = self->p[i * PAGE] == i &&
				  filled(self->p + 20 * PAGE, PAGE, 1 + 20 * PAGE * 31 + 20);

			fill(self->p, LENGTH, i);
			ok && filled(self->p, LENGTH, i);
		})));
	}
	for (int i = 0; i < 20; i++)
		child_tell(&children[i]);
	for (int i = 0; i < 20; i++) {
		EXPECT_EQ(0, child_end(&children[i]));
		EXPECT_EQ(i, self->p[i * PAGE]);
	}
}

/* A region goes when nobody can get at it any more, though a child of it is still there. */
TEST_F(fork, a_parents_pages_go_with_it)
{
	__u64 before = pages_now();
	struct child outer, inner;

	ASSERT_TRUE(CHILD(&outer, ({
		bool ok = CHILD(&inner, EVENTUALLY(pages_now() == before) &&
				filled(self->p, LENGTH, 1));

		fill(self->p, LENGTH, 4);
		ok = ok && pages_now() == before + PAGES;
		munmap(self->p, LENGTH);
		child_tell(&inner);
		ok && child_end(&inner) == 0;
	})));
	child_tell(&outer);
	EXPECT_EQ(0, child_end(&outer));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
}

TEST_F(fork, vfork_and_spawn_copy_nothing)
{
	char *argv[] = { "true", NULL };
	__u64 regions = module_features().regions;
	pid_t pid;

	pid = vfork();
	if (!pid) {
		self->p[0] = 99;
		_exit(0);
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(99, self->p[0]);
	ASSERT_EQ(0, posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ));
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(regions, module_features().regions);
}

TEST_F(fork, an_inherited_descriptor_is_the_parents)
{
	EXPECT_TRUE(IN_CHILD(pwrite(self->fd, "\x63", 1, 0) == 1 && self->p[0] != 99));
	EXPECT_EQ(99, self->p[0]);
}

TEST_F(fork, the_child_discards_its_own)
{
	EXPECT_TRUE(IN_CHILD(({
		fill(self->p, LENGTH, 2);
		!madvise(self->p, LENGTH, MADV_DONTNEED) && filled(self->p, LENGTH, 2);
	})));
	EXPECT_TRUE(IN_CHILD(!madvise(self->p, LENGTH, MADV_REMOVE) && all_zero(self->p, LENGTH)));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	EXPECT_EQ(PAGES, region_resident(self->fd));
	ASSERT_EQ(0, madvise(self->p, PAGE, MADV_REMOVE));
	EXPECT_TRUE(all_zero(self->p, PAGE));
}

TEST_F(fork, by_address_the_child_has_its_own)
{
	EXPECT_TRUE(IN_CHILD(({
		struct vmlab_region_fd at = { .address = (unsigned long)self->p };
		int own, other;
		char byte;

		self->p[0] = 99;
		own = ioctl(self->fd, VMLAB_IOC_REGION_FD, &at);
		other = clone_at(self->fd, self->p, 0);
		own >= 0 && other >= 0 && region_stat(own).id != region_stat(self->fd).id &&
			region_stat(own).cow_copies == 1 && pwrite(own, "\x62", 1, 1) == 1 &&
			self->p[1] == 98 && pread(other, &byte, 1, 0) == 1 && byte == 99 &&
			reads_filled(self->fd, 0, LENGTH, 1);
	})));
}

TEST_F(fork, a_region_mapped_anew_is_the_parents)
{
	EXPECT_TRUE(IN_CHILD(({
		char *q = map_shared(self->fd, LENGTH);

		self->p[0] = 98;
		q[0] = 99;
		self->p[0] == 98 && madvise(q, PAGE, MADV_REMOVE) == -1 && errno == EBUSY;
	})));
	EXPECT_EQ(99, self->p[0]);
}

/* By another descriptor it is still one region, and one clone. */
TEST_F(fork, two_descriptors_are_one_region)
{
	int other = region_fd(self->fd, O_CLOEXEC);
	char *q = map_shared(other, LENGTH);

	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(0, madvise(q, PAGE, MADV_REMOVE));
	EXPECT_TRUE(all_zero(self->p, PAGE));
	EXPECT_TRUE(IN_CHILD(({
		self->p[0] = 99;
		q[0] == 99 && !madvise(self->p, PAGE, MADV_REMOVE) && all_zero(q, PAGE);
	})));
	munmap(q, LENGTH);
	close(other);
}

TEST_F(fork, private_mappings_are_as_at_the_fork)
{
	char *q = map(self->fd, LENGTH, RW, MAP_PRIVATE, 0);
	struct child child;

	q[0] = 50;
	ASSERT_TRUE(CHILD(&child, ({
		q[0] == 50 && q[PAGE] == (char)((PAGE * 31 + 1 + 1) % 251 + 1) &&
			filled(self->p, LENGTH, 1);
	})));
	fill(self->p, LENGTH, 2);
	child_tell(&child);
	EXPECT_EQ(0, child_end(&child));
	EXPECT_EQ(50, q[0]);
	EXPECT_EQ(self->p[PAGE], q[PAGE]);
	munmap(q, LENGTH);
}

/* Whatever madvise() says of forks, the child's are the clone's pages. */
TEST_F(fork, keeponfork_changes_nothing)
{
	struct child child;

	ASSERT_EQ(0, madvise(self->p, LENGTH, MADV_KEEPONFORK));
	ASSERT_TRUE(CHILD(&child, ({
		bool ok = filled(self->p, LENGTH, 1);

		fill(self->p, LENGTH, 3);
		ok && filled(self->p, LENGTH, 3);
	})));
	fill(self->p, LENGTH, 2);
	child_tell(&child);
	EXPECT_EQ(0, child_end(&child));
	EXPECT_TRUE(filled(self->p, LENGTH, 2));
}

TEST_F(fork, a_clone_of_it_is_copied_as_well)
{
	int other = clone_of(self->fd);
	char *q = map_shared(other, LENGTH);

	EXPECT_TRUE(IN_CHILD(({
		fill(q, LENGTH, 2);
		filled(self->p, LENGTH, 1);
	})));
	EXPECT_TRUE(filled(q, LENGTH, 1));
	munmap(q, LENGTH);
	close(other);
}

TEST_F(fork, pages_in_other_hands_stay_with_their_side)
{
	struct holder holder = { .target = self->p, .length = 4 * PAGE };
	const char *missing = hold(&holder);
	struct child child;

	if (missing)
		SKIP_TEST("%s", missing);
	ASSERT_TRUE(CHILD(&child, filled(self->p, LENGTH, 1)));
	let_go(&holder, 5);
	EXPECT_TRUE(filled(self->p, 4 * PAGE, 5));
	child_tell(&child);
	EXPECT_EQ(0, child_end(&child));
}

TEST_F(fork, a_futex_is_its_own)
{
	int *word = (int *)self->p;
	pthread_t waiter;

	*word = 7;
	ASSERT_EQ(0, pthread_create(&waiter, NULL, wait_on, word));
	usleep(200000);
	EXPECT_TRUE(IN_CHILD(futex(word, FUTEX_WAKE, 1, NULL) == 0));
	EXPECT_TRUE(IN_CHILD((*word = 8) && futex(word, FUTEX_WAKE, 1, NULL) == 0));
	EXPECT_TRUE(EVENTUALLY(futex(word, FUTEX_WAKE, 1, NULL) == 1));
	pthread_join(waiter, NULL);
}

/* Held pages are the parent's; whatever the mapping, the child does not see what comes later. */
TEST_F(fork, held_pages_are_not_seen_by_the_child)
{
	struct holder holder = { .target = self->p, .length = 4 * PAGE };
	char *q = map(self->fd, LENGTH, RW, MAP_PRIVATE, 0);
	struct child child;
	const char *missing;

	ASSERT_EQ(0, madvise(self->p, LENGTH, MADV_KEEPONFORK));
	EXPECT_TRUE(filled(q, LENGTH, 1));
	missing = hold(&holder);
	if (missing)
		SKIP_TEST("%s", missing);
	ASSERT_TRUE(CHILD(&child, ({
		bool same = filled(q, LENGTH, 1) && filled(self->p, LENGTH, 1);

		fill(self->p, LENGTH, 2);
		same && filled(self->p, LENGTH, 2);
	})));
	let_go(&holder, 5);
	child_tell(&child);
	EXPECT_EQ(0, child_end(&child));
	EXPECT_TRUE(filled(self->p, 4 * PAGE, 5));
	munmap(q, LENGTH);
}

TEST_F(fork, a_child_that_truncates_its_own_leaves_private_copies)
{
	char *q = map(self->fd, LENGTH, RW, MAP_PRIVATE, 0);

	fill(q, LENGTH, 9);
	EXPECT_TRUE(IN_CHILD(({
		int own = ioctl(self->fd, VMLAB_IOC_REGION_FD,
				&(struct vmlab_region_fd){ .address = (unsigned long)self->p });

		!ftruncate(own, PAGE) && trap_read(self->p + PAGE) == SIGBUS;
	})));
	EXPECT_TRUE(filled(q, LENGTH, 9));
	EXPECT_TRUE(filled(self->p, LENGTH, 1));
	munmap(q, LENGTH);
}

TEST_F(fork, a_child_is_the_owner_of_its_own)
{
	EXPECT_TRUE(IN_CHILD(({
		int own;

		self->p[0] = 1;
		own = ioctl(self->fd, VMLAB_IOC_REGION_FD,
			    &(struct vmlab_region_fd){ .address = (unsigned long)self->p });
		region_stat(own).pid == (__u32)getpid() &&
			region_stat(self->fd).pid == (__u32)getppid();
	})));
}

/* Without the flag a fork shares. */
TEST(a_fork_shares)
{
	int fd = region_open();
	char *p = map_shared(fd, LENGTH);

	fill(p, LENGTH, 1);
	EXPECT_TRUE(IN_CHILD(({
		fill(p, LENGTH, 2);
		true;
	})));
	EXPECT_TRUE(filled(p, LENGTH, 2));
}

TEST(a_file_stays_the_parents)
{
	int file = memfd_create("file", 0), fd;
	struct child child;
	char *p;

	ASSERT_TRUE(writes_filled(file, 0, 8 * PAGE, 1));
	fd = region_new(&(struct vmlab_configure){
		.flags = VMLAB_REGION_COW_FORK,
		.backing = VMLAB_BACKING_FILE,
		.backing_fd = file,
	});
	ASSERT_GE(fd, 0);
	p = map_shared(fd, 8 * PAGE);
	fill(p, 4 * PAGE, 2);
	ASSERT_TRUE(CHILD(&child, ({
		bool ok = filled(p, 4 * PAGE, 2);

		fill(p, 8 * PAGE, 3);
		ok && !msync(p, 8 * PAGE, MS_SYNC) && filled(p, 8 * PAGE, 3);
	})));
	ASSERT_EQ(0, msync(p, 8 * PAGE, MS_SYNC));
	EXPECT_TRUE(reads_filled(file, 0, 4 * PAGE, 2));
	child_tell(&child);
	EXPECT_EQ(0, child_end(&child));
	EXPECT_TRUE(filled(p, 4 * PAGE, 2));
	/* What was written back is noticed when it is written to again. */
	fill(p, 4 * PAGE, 4);
	ASSERT_EQ(0, msync(p, 8 * PAGE, MS_SYNC));
	EXPECT_TRUE(reads_filled(file, 0, 4 * PAGE, 4));
	fill(p, 4 * PAGE, 2);
	ASSERT_EQ(0, fsync(fd));
	munmap(p, 8 * PAGE);
	close(fd);
	EXPECT_TRUE(reads_filled(file, 0, 4 * PAGE, 2));
	close(file);
}

TEST_HARNESS_MAIN
