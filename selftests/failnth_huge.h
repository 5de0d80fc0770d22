/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Huge pages with failures: each single one, and with no memory at all.
 */
#ifndef VMLAB_FAILNTH_HUGE_H
#define VMLAB_FAILNTH_HUGE_H

#include "failnth_world.h"

#define HUGE (2 * MIB)
#define HUGE_KEPT 12	/* pages that are left when one is split */

static int configure_huge(struct world *w)
{
	return outcome(region_configure(w->fd, &(struct vmlab_configure){
		.flags = VMLAB_REGION_HUGE, .size = HUGE,
	}));
}

static void map_huge(struct world *w)
{
	w->p = map_at(HERE, w->fd, HUGE, MAP_SHARED);
	if (w->p == MAP_FAILED)
		broken("mmap: %s\n", strerror(errno));
}

static bool has_huge_pages(struct world *w)
{
	map_huge(w);
	w->p[0] = 1;
	return region_resident(w->fd) == HUGE / PAGE;
}

/* The pages of the reserve are alike. */
OPERATION(ioctl_configure_huge, .kind = FRESH, .run = configure_huge, .right = has_huge_pages,
	  .may = { ENOMEM, EFAULT }, .hits = FIRST_ONES + LAST_ONES, .chances = HUGE / PAGE,
	  .pure = true, .step = 16);

static int touch_huge(struct world *w)
{
	return trap_write(w->p + 5 * PAGE, 9) ? TRAPPED : 0;
}

/* It may be small. */
static bool is_touched(struct world *w)
{
	__u64 resident = region_resident(w->fd);

	return w->p[5 * PAGE] == 9 && all_zero(w->p, 5 * PAGE) &&
	       (resident == HUGE / PAGE || resident <= 6);
}

OPERATION(fault_huge, .kind = LARGE, .prepare = map_huge, .run = touch_huge,
	  .right = is_touched, .hits = 3);

static void fill_huge(struct world *w)
{
	map_huge(w);
	fill(w->p, HUGE, 1);
}

static int punch_most(struct world *w)
{
	return outcome(fallocate(w->region, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				 HUGE - HUGE_KEPT * PAGE));
}

static bool most_is_punched(struct world *w)
{
	size_t hole = HUGE - HUGE_KEPT * PAGE;

	if (region_resident(w->fd) != HUGE_KEPT || !reads_zero(w->fd, 0, hole))
		return false;
	for (size_t i = hole; i < HUGE; i++) {
		if (w->p[i] != (char)((i * 31 + i / PAGE + 1) % 251 + 1))
			return false;
	}
	return true;
}

OPERATION(punch_huge, .kind = LARGE, .prepare = fill_huge, .run = punch_most,
	  .right = most_is_punched, .hits = HUGE_KEPT);

static void clone_huge(struct world *w)
{
	fill_huge(w);
	w->made = ioctl(w->fd, VMLAB_IOC_CLONE, &(struct vmlab_clone){ .flags = O_CLOEXEC });
	if (w->made < 0)
		broken("VMLAB_IOC_CLONE: %s\n", strerror(errno));
}

static int write_copied(struct world *w)
{
	return transfer(pwrite(w->fd, "!", 1, 0), 1);
}

static bool huge_is_apart(struct world *w)
{
	bool right = w->p[0] == '!' && reads_filled(w->made, 0, HUGE, 1);

	fill(w->p, 1, 1);
	return right && filled(w->p, HUGE, 1);
}

OPERATION(write_shared_huge, .kind = LARGE, .prepare = clone_huge, .run = write_copied,
	  .right = huge_is_apart, .may = { ENOMEM, EFAULT }, .hits = 6);

FIXTURE(no_memory)
{
	struct world w;
	int make_it_fail;	/* open all along: that takes memory, too */
};

/* No page is to be had by this task any more, but for what must not fail. */
static int no_memory_begin(int make_it_fail)
{
	return text_write(DEBUGFS "/fail_page_alloc/task-filter", "Y") ||
	       text_write(DEBUGFS "/fail_page_alloc/times", "-1") ||
	       text_write(DEBUGFS "/fail_page_alloc/probability", "100") ||
	       pwrite(make_it_fail, "1", 1, 0) != 1;
}

static int no_memory_end(int make_it_fail)
{
	return pwrite(make_it_fail, "0", 1, 0) != 1 ||
	       text_write(DEBUGFS "/fail_page_alloc/probability", "0") ||
	       text_write(DEBUGFS "/fail_page_alloc/times", "1") ||
	       text_write(DEBUGFS "/fail_page_alloc/task-filter", "N");
}

FIXTURE_SETUP(no_memory)
{
	const char *reason = failnth_prepare();

	if (reason)
		SKIP_TEST("%s", reason);
	self->w = (struct world){ .fd = region_zero(VMLAB_REGION_HUGE, 4 * HUGE) };
	self->w.region = region_fd(self->w.fd, O_CLOEXEC);
	self->w.p = map_at(HERE, self->w.fd, 4 * HUGE, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, self->w.p);
	for (int i = 0; i < 4; i++)
		fill(self->w.p + i * HUGE, HUGE, 1);
	ASSERT_EQ(4 * HUGE / PAGE, region_resident(self->w.fd));
	self->make_it_fail = open("/proc/thread-self/make-it-fail", O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->make_it_fail, 0);
	/* A page of the program itself that is not there yet would be faulted without end. */
	ASSERT_EQ(0, mlockall(MCL_CURRENT));
}

FIXTURE_TEARDOWN(no_memory)
{
	no_memory_end(self->make_it_fail);
	close(self->make_it_fail);
	munmap(self->w.p, 4 * HUGE);
	close(self->w.region);
	close(self->w.fd);
	failnth_restore();
}

/* The first from the reserve, which is not filled up meanwhile, the others all the same. */
TEST_F(no_memory, splits_all_the_same)
{
	const struct world *w = &self->w;
	int ret[4], mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	ASSERT_EQ(0, no_memory_begin(self->make_it_fail));
	for (int i = 0; i < 4; i++)
		ret[i] = fallocate(w->region, mode, i * HUGE + HUGE - PAGE, PAGE);
	ASSERT_EQ(0, no_memory_end(self->make_it_fail));
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(0, ret[i]);
		EXPECT_TRUE(filled(w->p + i * HUGE, HUGE - PAGE, 1));
	}
	EXPECT_EQ(4, region_stat(w->fd).huge_split);
	EXPECT_EQ(4 * (HUGE / PAGE - 1), region_resident(w->fd));
	for (int i = 0; i < 4; i++)
		EXPECT_TRUE(all_zero(w->p + i * HUGE + HUGE - PAGE, PAGE));
}

TEST_F(no_memory, truncates_all_the_same)
{
	const struct world *w = &self->w;
	int ret;

	ASSERT_EQ(0, no_memory_begin(self->make_it_fail));
	ret = ftruncate(w->region, HUGE / 2 + 1);
	ASSERT_EQ(0, no_memory_end(self->make_it_fail));
	EXPECT_EQ(0, ret);
	EXPECT_TRUE(filled(w->p, HUGE / 2 + 1, 1));
	EXPECT_EQ(HUGE / 2 / PAGE + 1, region_resident(w->fd));
}

#endif /* VMLAB_FAILNTH_HUGE_H */
