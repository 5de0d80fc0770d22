/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What fails again when it is tried again: the kernel tries several things twice, and the
 * second time they cannot fail for being the n-th.
 */
#ifndef VMLAB_FAILNTH_LASTING_H
#define VMLAB_FAILNTH_LASTING_H

#include "failnth_world.h"

/* A disk that answers nothing any more, for a while; and a region that shows a file there. */
struct dead_disk {
	struct scratch disk, scratch;
	bool overlay;
	int file, fd;
	char *p;
};

/* Gives the reason why it cannot be had, or NULL. */
static const char *dead_disk_make(struct dead_disk *dead, bool overlay, unsigned long mount_flags,
				  __u32 flags)
{
	const char *reason = failnth_prepare();

	if (!reason)
		reason = scratch_make(&dead->disk, "ext4", 16 * MIB);
	dead->scratch = dead->disk;
	dead->overlay = overlay;
	if (!reason && overlay)
		reason = overlay_make(&dead->scratch, &dead->disk);
	if (reason)
		return reason;
	if (mount_flags && mount(NULL, dead->disk.dir, NULL, MS_REMOUNT | mount_flags, NULL))
		broken("mount: %s\n", strerror(errno));
	dead->file = scratch_file(&dead->scratch, "file", LENGTH, 1);
	if (fsync(dead->file) || posix_fadvise(dead->file, 0, 0, POSIX_FADV_DONTNEED))
		broken("fsync: %s\n", strerror(errno));
	dead->fd = region_new(&(struct vmlab_configure){
		.backing = VMLAB_BACKING_FILE, .backing_fd = dead->file, .flags = flags,
	});
	dead->p = map_at(HERE, dead->fd, LENGTH, MAP_SHARED);
	if (dead->p == MAP_FAILED || failnth_disk(dead->disk.dir, true))
		broken("no disk to fail: %s\n", strerror(errno));
	return NULL;
}

static void dead_disk_remove(struct dead_disk *dead)
{
	failnth_disks_die(false);
	failnth_disk(dead->disk.dir, false);
	munmap(dead->p, LENGTH);
	close(dead->fd);
	close(dead->file);
	if (dead->overlay)
		umount2(dead->scratch.dir, MNT_DETACH);
	scratch_remove(&dead->disk);
	failnth_restore();
}

FIXTURE(dead_disk)
{
	struct dead_disk dead;
};

FIXTURE_VARIANT(dead_disk)
{
	bool overlay;
	unsigned long mount_flags;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(dead_disk, ext4) { };
FIXTURE_VARIANT_ADD(dead_disk, ext4_strict) { .flags = VMLAB_REGION_STRICT };
FIXTURE_VARIANT_ADD(dead_disk, overlay) { .overlay = true };
FIXTURE_VARIANT_ADD(dead_disk, sync) { .mount_flags = MS_SYNCHRONOUS };

FIXTURE_SETUP(dead_disk)
{
	const char *reason = dead_disk_make(&self->dead, variant->overlay, variant->mount_flags,
					    variant->flags);

	if (reason)
		SKIP_TEST("%s", reason);
}

FIXTURE_TEARDOWN(dead_disk)
{
	dead_disk_remove(&self->dead);
}

TEST_F(dead_disk, traps_until_it_works_again)
{
	const struct dead_disk *dead = &self->dead;

	ASSERT_EQ(0, failnth_disks_die(true));
	EXPECT_EQ(SIGBUS, trap_read(dead->p));
	EXPECT_EQ(SIGBUS, trap_write(dead->p + PAGE, 2));
	EXPECT_EQ(-1, pread(dead->fd, buffer, PAGE, 0));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(0, region_resident(dead->fd));
	ASSERT_EQ(0, failnth_disks_die(false));
	EXPECT_TRUE(filled(dead->p, LENGTH, 1));
	EXPECT_EQ(PAGES, region_resident(dead->fd));
}

/* A mount that takes what is written, and then says that it is nowhere: it stays dirty. */
FIXTURE(dead_sync_disk)
{
	struct dead_disk dead;
};

FIXTURE_SETUP(dead_sync_disk)
{
	const char *reason = dead_disk_make(&self->dead, false, MS_SYNCHRONOUS, 0);

	if (reason)
		SKIP_TEST("%s", reason);
}

FIXTURE_TEARDOWN(dead_sync_disk)
{
	dead_disk_remove(&self->dead);
}

TEST_F(dead_sync_disk, is_written_when_it_works_again)
{
	const struct dead_disk *dead = &self->dead;

	fill(dead->p, LENGTH, 2);
	ASSERT_EQ(0, failnth_disks_die(true));
	EXPECT_EQ(-1, msync(dead->p, LENGTH, MS_SYNC));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(PAGES, region_stat(dead->fd).dirty);
	EXPECT_TRUE(filled(dead->p, LENGTH, 2));
	ASSERT_EQ(0, failnth_disks_die(false));
	EXPECT_EQ(0, msync(dead->p, LENGTH, MS_SYNC));
	EXPECT_EQ(0, region_stat(dead->fd).dirty);
	/* From the disk. */
	ASSERT_EQ(0, posix_fadvise(dead->file, 0, 0, POSIX_FADV_DONTNEED));
	EXPECT_TRUE(reads_filled(dead->file, 0, LENGTH, 2));
}

/* The same disk has what a pool stores. */
#define STORED_PAGES 24UL

FIXTURE(dead_store)
{
	struct scratch disk;
	int fd;
	char *p;
};

FIXTURE_SETUP(dead_store)
{
	struct vmlab_pool_set set = {
		.what = VMLAB_POOL_BUDGET | VMLAB_POOL_STORE,
		.budget = VMLAB_POOL_BUDGET_MIN,
	};
	const char *reason = failnth_prepare();

	if (!reason)
		reason = scratch_make(&self->disk, "ext4", 16 * MIB);
	if (reason)
		SKIP_TEST("%s", reason);
	set.store_fd = scratch_file(&self->disk, "store", STORED_PAGES * PAGE, 1);
	ASSERT_EQ(0, fsync(set.store_fd));
	self->fd = region_zero(0, STORED_PAGES * PAGE);
	ASSERT_EQ(0, ioctl(self->fd, VMLAB_IOC_POOL_SET, &set));
	close(set.store_fd);
	self->p = map_at(HERE, self->fd, STORED_PAGES * PAGE, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, self->p);
	ASSERT_EQ(0, failnth_disk(self->disk.dir, true));
}

FIXTURE_TEARDOWN(dead_store)
{
	failnth_disks_die(false);
	failnth_disk(self->disk.dir, false);
	munmap(self->p, STORED_PAGES * PAGE);
	close(self->fd);
	scratch_remove(&self->disk);
	failnth_restore();
}

/* Writes to pages, which differ, until one traps. Returns how many were written to. */
static unsigned long write_pages(char *p)
{
	unsigned long i;

	for (i = 0; i < STORED_PAGES && !trap_write(p + i * PAGE, (char)(i + 1)); i++)
		;
	return i;
}

/* Of the first @nr pages, those that trap; none may be wrong. */
static unsigned long trapping_pages(char *p, unsigned long nr, unsigned long *wrong)
{
	unsigned long i, traps = 0;

	*wrong = 0;
	for (i = 0; i < nr; i++) {
		if (trap_read(p + i * PAGE))
			traps++;
		else if (p[i * PAGE] != (char)(i + 1))
			++*wrong;
	}
	return traps;
}

TEST_F(dead_store, traps_until_it_works_again)
{
	unsigned long wrong, stored;

	ASSERT_EQ(STORED_PAGES, write_pages(self->p));
	stored = region_stat(self->fd).stored;
	ASSERT_GE(stored, STORED_PAGES - VMLAB_POOL_BUDGET_MIN / PAGE);
	ASSERT_EQ(0, failnth_disks_die(true));
	EXPECT_EQ(stored, trapping_pages(self->p, STORED_PAGES, &wrong));
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(-1, pread(self->fd, buffer, PAGE, 0));
	EXPECT_EQ(EIO, errno);
	ASSERT_EQ(0, failnth_disks_die(false));
	EXPECT_EQ(0, trapping_pages(self->p, STORED_PAGES, &wrong));
	EXPECT_EQ(0, wrong);
}

/* A page that is one word over and over is no matter of the disk's. */
TEST_F(dead_store, gives_back_what_it_need_not_read)
{
	struct vmlab_advise evict = { .length = PAGE, .advice = VMLAB_ADVISE_EVICT };
	unsigned long i;

	memset(self->p, 1, PAGE);
	ASSERT_EQ(0, ioctl(self->fd, VMLAB_IOC_ADVISE, &evict));
	ASSERT_EQ(1, region_stat(self->fd).stored);
	ASSERT_EQ(0, failnth_disks_die(true));
	for (i = 1; i < STORED_PAGES && !trap_write(self->p + i * PAGE, (char)(i + 1)); i++)
		;
	ASSERT_LT(i, STORED_PAGES);
	EXPECT_EQ(0, trap_read(self->p));
	EXPECT_EQ(1, self->p[PAGE - 1]);
}

TEST_F(dead_store, takes_pages_when_it_works_again)
{
	unsigned long wrong, written;

	ASSERT_EQ(0, failnth_disks_die(true));
	written = write_pages(self->p);
	EXPECT_GE(written, 8);
	EXPECT_LE(written, VMLAB_POOL_BUDGET_MIN / PAGE);
	EXPECT_EQ(0, trapping_pages(self->p, written, &wrong));
	EXPECT_EQ(0, wrong);
	ASSERT_EQ(0, failnth_disks_die(false));
	EXPECT_EQ(STORED_PAGES, write_pages(self->p));
	EXPECT_EQ(0, trapping_pages(self->p, STORED_PAGES, &wrong));
	EXPECT_EQ(0, wrong);
}

#endif /* VMLAB_FAILNTH_LASTING_H */
