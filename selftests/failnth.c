// SPDX-License-Identifier: GPL-2.0
/*
 * Every operation on a region with each of its allocations, copies and disk requests
 * failed once: it succeeds all the same, or gives an error that its documentation knows,
 * and then succeeds if tried again. The content is right, and nothing is lost or leaked.
 */
#include "failnth.h"

#include <linux/userfaultfd.h>

#define PAGES 4UL
#define LENGTH (PAGES * PAGE)
#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define NEVER 3600

/* Mappings lie where no page table is yet. */
#define HERE ((char *)(1UL << 44))
#define THERE ((char *)(1UL << 45))
#define AREA (4 * LENGTH)

/* What an operation may come to, beside 0 and an errno. */
enum {
	SHORT = 1000,	/* a part was transferred */
	TRAPPED,	/* SIGBUS */
	WRONG,		/* never right */
};

enum kind {
	NONE,		/* no region */
	FRESH,		/* not configured */
	ZERO,
	TRACKED,
	FILED,		/* a file behind it: pattern 1 */
};

struct world {
	int fd;		/* the region, as opened */
	int region;	/* its regular file */
	__u64 id;
	int file;	/* LENGTH bytes of pattern 1 */
	char *p;	/* its mapping, if any */
	int made;	/* a descriptor that the operation made */
	pid_t child;
	const struct scratch *disk, *scratch;
};

/* What the kernel copies from and to, touched in time. */
static char buffer[3 * LENGTH];

FIXTURE(operation)
{
	struct scratch disk;	/* the file system */
	struct scratch scratch;	/* where the file is: there, or on an overlay above it */
	__u64 writeback_secs;
	int failnth;
	struct failnth_workers workers;
};

FIXTURE_VARIANT(operation)
{
	const char *type;	/* a file system with a file on it */
	bool overlay;		/* seen through overlayfs, which has no page cache of its own */
	bool disk;		/* its requests fail, too, and it does not remember */
	enum kind kind;
	int map;		/* MAP_*: mapped so */
	unsigned int touched;	/* written to before, with this pattern */
	bool worker;		/* not in us, but in the worker that writes back */
	void (*prepare)(struct world *w);
	int (*run)(struct world *w);
	bool (*right)(struct world *w);
	int may[5];		/* what it may come to if something fails */
	unsigned int hits;	/* at least so many things can fail */
	bool pure;		/* if it fails no figure of the region has changed */
};

#define OPERATION(name, ...) FIXTURE_VARIANT_ADD(operation, name) { __VA_ARGS__ }

static const char *overlay_make(struct scratch *scratch, const struct scratch *disk)
{
	snprintf(scratch->dir, sizeof(scratch->dir), "%.48s/merged", disk->dir);
	if (run("cd %s && mkdir lower upper work merged && mount -t overlay none "
		"-o lowerdir=lower,upperdir=upper,workdir=work merged", disk->dir))
		return "cannot mount an overlayfs";
	return NULL;
}

FIXTURE_SETUP(operation)
{
	const char *reason = failnth_prepare();

	if (reason)
		SKIP_TEST("%s", reason);
	if (variant->type)
		reason = scratch_make(&self->disk, variant->type, 16 * MIB);
	self->scratch = self->disk;
	if (!reason && variant->overlay)
		reason = overlay_make(&self->scratch, &self->disk);
	if (reason) {
		scratch_remove(&self->disk);
		failnth_restore();
		SKIP_TEST("%s", reason);
	}
	self->failnth = failnth_open("thread-self");
	ASSERT_GE(self->failnth, 0);
	self->writeback_secs = parameter_get("writeback_secs");
	ASSERT_EQ(0, parameter_set("writeback_secs", NEVER));
	memset(buffer, 1, sizeof(buffer));
}

FIXTURE_TEARDOWN(operation)
{
	parameter_set("writeback_secs", self->writeback_secs);
	close(self->failnth);
	if (variant->overlay)
		umount2(self->scratch.dir, MNT_DETACH);
	if (variant->type)
		scratch_remove(&self->disk);
	failnth_restore();
}

static char *map_at(char *where, int fd, size_t length, int flags)
{
	return mmap(where, length, RW, flags | MAP_FIXED_NOREPLACE, fd, 0);
}

static int region_of(enum kind kind, int file)
{
	switch (kind) {
	case NONE:
		return -1;
	case FRESH:
		return region_open();
	case ZERO:
		return region_zero(0, AREA);
	case TRACKED:
		return region_zero(VMLAB_REGION_TRACK_DIRTY, AREA);
	case FILED:
		return region_file(file, 0, AREA);
	}
	return -1;
}

static void world_make(struct world *w, const FIXTURE_VARIANT(operation) *variant,
		       const FIXTURE_DATA(operation) *self)
{
	*w = (struct world){ .fd = -1, .region = -1, .file = -1, .made = -1,
			     .disk = &self->disk, .scratch = &self->scratch };
	if (variant->type) {
		w->file = scratch_file(w->scratch, "file", LENGTH, 1);
		fsync(w->file);
	}
	if (variant->disk) {
		posix_fadvise(w->file, 0, 0, POSIX_FADV_DONTNEED);
		failnth_disk(w->disk->dir, true);
	}
	if (variant->kind == NONE)
		return;
	w->fd = region_of(variant->kind, w->file);
	w->region = region_fd(w->fd, O_CLOEXEC);
	if (w->fd < 0 || w->region < 0)
		broken("cannot make a region: %s\n", strerror(errno));
	w->id = region_stat(w->fd).id;
	if (variant->kind != FILED && variant->kind != FRESH && ftruncate(w->region, LENGTH))
		broken("ftruncate: %s\n", strerror(errno));
	if (variant->touched && !writes_filled(w->fd, 0, LENGTH, variant->touched))
		broken("write: %s\n", strerror(errno));
	if (variant->map)
		w->p = map_at(HERE, w->fd, 2 * LENGTH, variant->map);
	if (w->p == MAP_FAILED)
		broken("mmap: %s\n", strerror(errno));
	if (variant->touched && variant->map == MAP_PRIVATE)
		fill(w->p, LENGTH, variant->touched);
	if (variant->prepare)
		variant->prepare(w);
}

/* Returns whether the region then knew of no mapping any more. */
static bool world_end(struct world *w)
{
	bool unmapped;

	if (w->child)
		child_status(w->child);
	munmap(HERE, AREA);
	munmap(THERE, AREA);
	unmapped = w->fd < 0 || !region_stat(w->fd).mappings;
	for (unsigned int i = 0; i < 4; i++) {
		int fd = (int[]){ w->made, w->fd, w->region, w->file }[i];

		if (fd >= 0)
			close(fd);
	}
	if (w->file >= 0) {
		failnth_disk(w->disk->dir, false);
		scratch_unlink(w->scratch, "file");
	}
	return unmapped;
}

static bool allowed(const FIXTURE_VARIANT(operation) *variant, int came_to)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(variant->may); i++) {
		if (variant->may[i] && variant->may[i] == came_to)
			return true;
	}
	return false;
}

static bool same_stat(const struct world *w, const struct vmlab_stat *before, bool all)
{
	struct vmlab_stat now;

	if (w->fd < 0)
		return true;
	now = region_stat(w->fd);
	if (all)
		return !memcmp(&now, before, sizeof(now));
	return now.id == before->id && now.flags == before->flags &&
	       now.backing == before->backing && now.resident >= now.dirty;
}

static bool same_totals(const struct vmlab_features *before)
{
	struct vmlab_features now = module_features();

	return !memcmp(&now, before, sizeof(now));
}

static void arm(FIXTURE_DATA(operation) *self, const FIXTURE_VARIANT(operation) *variant,
		unsigned int n)
{
	if (variant->worker)
		failnth_workers_arm(&self->workers, n);
	else
		failnth_arm(self->failnth, n);
}

/* Did something fail since? */
static bool disarm(FIXTURE_DATA(operation) *self, const FIXTURE_VARIANT(operation) *variant)
{
	if (variant->worker)
		return failnth_workers_disarm(&self->workers) > 0;
	return failnth_disarm(self->failnth) == 0;
}

TEST_F_TIMEOUT(operation, survives_each_failure, 300)
{
	/* The work may be given to a worker that came into being after all were armed. */
	const unsigned int misses_max = variant->worker ? 3 : 1;
	const struct vmlab_features before = module_features();
	unsigned int n = 1, misses = 0;
	struct vmlab_stat stat;
	struct world w;
	int came_to;
	bool hit;

	while (misses < misses_max) {
		world_make(&w, variant, self);
		if (w.fd >= 0)
			stat = region_stat(w.fd);
		arm(self, variant, n);
		came_to = variant->run(&w);
		hit = disarm(self, variant);
		if (came_to) {
			ASSERT_TRUE(hit) {
				TH_LOG("%u: failed by itself: %d", n, came_to);
			}
			ASSERT_TRUE(allowed(variant, came_to)) {
				TH_LOG("%u: came to %d", n, came_to);
			}
			ASSERT_TRUE(same_stat(&w, &stat, variant->pure)) {
				TH_LOG("%u: failed, and changed something", n);
			}
			ASSERT_EQ(0, variant->run(&w)) {
				TH_LOG("%u: not repeatable: %s", n, strerror(errno));
			}
		}
		ASSERT_TRUE(variant->right(&w)) {
			TH_LOG("%u: wrong, came to %d", n, came_to);
		}
		ASSERT_TRUE(world_end(&w)) {
			TH_LOG("%u: a mapping is left, came to %d", n, came_to);
		}
		ASSERT_TRUE(EVENTUALLY(same_totals(&before))) {
			TH_LOG("%u: something is left or lost, came to %d", n, came_to);
		}
		misses = hit ? 0 : misses + 1;
		n += hit;
	}
	TH_LOG("%u failures", n - 1);
	EXPECT_GE(n - 1, variant->hits);
}

static int outcome(long ret)
{
	return ret < 0 ? errno : 0;
}

static int transfer(ssize_t ret, size_t wanted)
{
	return ret < 0 ? errno : (size_t)ret < wanted ? SHORT : 0;
}

/* Making regions */

static int open_region(struct world *w)
{
	w->made = region_open();
	return outcome(w->made);
}

static bool made_works(struct world *w)
{
	return writes_filled(w->made, 0, LENGTH, 3) && reads_filled(w->made, 0, LENGTH, 3) &&
	       region_resident(w->made) == PAGES;
}

OPERATION(open_first, .run = open_region, .right = made_works, .may = { ENOMEM, EFAULT },
	  .hits = 5);
OPERATION(open_another, .kind = ZERO, .run = open_region, .right = made_works,
	  .may = { ENOMEM, EFAULT }, .hits = 5);

static int another_fd(struct world *w)
{
	w->made = region_fd(w->fd, 0);
	return outcome(w->made);
}

static bool made_is_the_same(struct world *w)
{
	return region_stat(w->made).id == region_stat(w->fd).id && made_works(w);
}

OPERATION(ioctl_region_fd, .kind = ZERO, .run = another_fd, .right = made_is_the_same,
	  .may = { ENOMEM, EFAULT }, .hits = 2, .pure = true);

static int reopen(struct world *w)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", w->region);
	w->made = open(path, O_RDWR | O_CLOEXEC);
	return outcome(w->made);
}

OPERATION(reopen, .kind = ZERO, .run = reopen, .right = made_is_the_same,
	  .may = { ENOMEM, EFAULT }, .hits = 2, .pure = true);

static int configure_size(struct world *w)
{
	return outcome(region_configure(w->fd, &(struct vmlab_configure){
		.flags = VMLAB_REGION_STRICT, .size = LENGTH,
	}));
}

static bool is_configured(struct world *w)
{
	struct vmlab_stat stat = region_stat(w->fd);

	return stat.size == LENGTH && stat.flags == VMLAB_REGION_STRICT &&
	       writes_filled(w->fd, 0, LENGTH, 3) && reads_filled(w->fd, 0, LENGTH, 3);
}

OPERATION(ioctl_configure, .kind = FRESH, .run = configure_size, .right = is_configured,
	  .may = { EFAULT }, .hits = 1, .pure = true);

static int configure_file(struct world *w)
{
	return outcome(region_configure(w->fd, &(struct vmlab_configure){
		.backing = VMLAB_BACKING_FILE, .backing_fd = w->file,
	}));
}

static bool shows_the_file(struct world *w)
{
	struct vmlab_stat stat = region_stat(w->fd);

	return stat.size == LENGTH && stat.backing == VMLAB_BACKING_FILE &&
	       reads_filled(w->fd, 0, LENGTH, 1);
}

OPERATION(ioctl_configure_file_tmpfs, .type = "tmpfs", .kind = FRESH, .run = configure_file,
	  .right = shows_the_file, .may = { ENOMEM, EFAULT }, .hits = 4, .pure = true);
OPERATION(ioctl_configure_file_ext4, .type = "ext4", .kind = FRESH, .run = configure_file,
	  .right = shows_the_file, .may = { ENOMEM, EFAULT }, .hits = 4, .pure = true);

/* Looking at them */

static struct vmlab_features got_features;
static struct vmlab_stat got_stat;
static struct vmlab_extent got_extents[4];
static __u32 got_count;

static int ask_features(struct world *w)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_FEATURES, &got_features));
}

static bool features_are_right(struct world *w)
{
	return got_features.page_size == PAGE && got_features.pages == PAGES && w->fd >= 0;
}

OPERATION(ioctl_features, .kind = ZERO, .touched = 1, .run = ask_features,
	  .right = features_are_right, .may = { EFAULT }, .hits = 1, .pure = true);

static int ask_stat(struct world *w)
{
	return outcome(ioctl(w->fd, VMLAB_IOC_STAT, &got_stat));
}

static bool stat_is_right(struct world *w)
{
	return got_stat.resident == PAGES && same_stat(w, &got_stat, true);
}

OPERATION(ioctl_stat, .kind = ZERO, .touched = 1, .run = ask_stat, .right = stat_is_right,
	  .may = { EFAULT }, .hits = 1, .pure = true);

static int ask_list(struct world *w)
{
	struct vmlab_list list = {
		.cursor = w->id,
		.buffer = (__u64)&got_stat,
		.count = 1,
		.entry_size = sizeof(got_stat),
	};

	return outcome(ioctl(w->fd, VMLAB_IOC_LIST, &list));
}

OPERATION(ioctl_list, .kind = ZERO, .touched = 1, .run = ask_list, .right = stat_is_right,
	  .may = { EFAULT }, .hits = 3, .pure = true);

static int ask_extents(struct world *w)
{
	struct vmlab_extents extents = {
		.end = LENGTH,
		.buffer = (__u64)got_extents,
		.count = ARRAY_SIZE(got_extents),
	};
	int ret = ioctl(w->fd, VMLAB_IOC_EXTENTS, &extents);

	got_count = extents.count;
	return outcome(ret);
}

static bool extents_are_right(struct world *w)
{
	return w->fd >= 0 && got_count == 1 && got_extents[0].length == LENGTH &&
	       got_extents[0].state == (VMLAB_PAGE_RESIDENT | VMLAB_PAGE_DIRTY);
}

OPERATION(ioctl_extents, .kind = TRACKED, .touched = 1, .run = ask_extents,
	  .right = extents_are_right, .may = { EFAULT }, .hits = 3, .pure = true);

static int read_fdinfo(struct world *w)
{
	char path[64];
	int fd;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", w->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	got = read(fd, buffer, PAGE - 1);
	close(fd);
	buffer[got > 0 ? got : 0] = 0;
	return got < 0 ? errno : 0;
}

static bool fdinfo_is_right(struct world *w)
{
	return w->fd >= 0 && strstr(buffer, "vmlab-resident:\t4\n") &&
	       strstr(buffer, "vmlab-writeback-errors:\t0\n");
}

OPERATION(fdinfo, .kind = ZERO, .touched = 1, .run = read_fdinfo, .right = fdinfo_is_right,
	  .may = { ENOMEM, EFAULT }, .hits = 4, .pure = true);

static int seek_both(struct world *w)
{
	off_t data = lseek(w->fd, 0, SEEK_DATA), hole = lseek(w->fd, 0, SEEK_HOLE);

	return data < 0 || hole < 0 ? errno : data == 0 && hole == LENGTH ? 0 : WRONG;
}

static bool holds_1(struct world *w)
{
	return reads_filled(w->fd, 0, LENGTH, 1);
}

OPERATION(lseek, .kind = ZERO, .touched = 1, .run = seek_both, .right = holds_1);

/* Mappings */

static int map_shared_region(struct world *w)
{
	w->p = map_at(HERE, w->fd, LENGTH, MAP_SHARED);
	return w->p == MAP_FAILED ? errno : 0;
}

static bool mapping_holds_1(struct world *w)
{
	return filled(w->p, LENGTH, 1) && region_stat(w->fd).mappings == 1;
}

static int map_private_region(struct world *w)
{
	w->p = map_at(HERE, w->fd, LENGTH, MAP_PRIVATE);
	return w->p == MAP_FAILED ? errno : 0;
}

static int map_populated(struct world *w)
{
	w->p = map_at(HERE, w->fd, LENGTH, MAP_SHARED | MAP_POPULATE);
	return w->p == MAP_FAILED ? errno : 0;
}

OPERATION(mmap_shared, .kind = ZERO, .touched = 1, .run = map_shared_region,
	  .right = mapping_holds_1, .may = { ENOMEM }, .hits = 1);
OPERATION(mmap_private, .kind = ZERO, .touched = 1, .run = map_private_region,
	  .right = mapping_holds_1, .may = { ENOMEM }, .hits = 1);
OPERATION(mmap_populate, .kind = ZERO, .touched = 1, .run = map_populated,
	  .right = mapping_holds_1, .may = { ENOMEM }, .hits = 4);
OPERATION(mmap_populate_file, .type = "tmpfs", .kind = FILED, .run = map_populated,
	  .right = mapping_holds_1, .may = { ENOMEM }, .hits = 4);

static int move_mapping(struct world *w)
{
	char *moved = mremap(w->p, 2 * LENGTH, 2 * LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, THERE);

	if (moved == MAP_FAILED)
		return errno;
	w->p = moved;
	return 0;
}

/* If the kernel cannot unmap the old place it leaves a mapping there, and succeeds. */
static bool moved_holds_1(struct world *w)
{
	return w->p == THERE && filled(w->p, LENGTH, 1) && region_stat(w->fd).mappings <= 2;
}

OPERATION(mremap, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = move_mapping,
	  .right = moved_holds_1, .may = { ENOMEM }, .hits = 4);
OPERATION(mremap_private, .kind = ZERO, .map = MAP_PRIVATE, .touched = 1, .run = move_mapping,
	  .right = moved_holds_1, .may = { ENOMEM }, .hits = 4);

static int unmap_middle(struct world *w)
{
	return outcome(munmap(w->p + PAGE, PAGE));
}

static bool middle_is_gone(struct world *w)
{
	return filled(w->p, PAGE, 1) && !memcmp(w->p + 2 * PAGE, buffer + 2 * PAGE, PAGE) &&
	       trap_read(w->p + PAGE) == SIGSEGV && region_stat(w->fd).mappings == 2;
}

static bool unmapped_right(struct world *w)
{
	fill(buffer, LENGTH, 1);
	return middle_is_gone(w) && holds_1(w);
}

OPERATION(munmap_part, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = unmap_middle,
	  .right = unmapped_right, .may = { ENOMEM }, .hits = 2);

static int protect_middle(struct world *w)
{
	return outcome(mprotect(w->p + PAGE, PAGE, PROT_READ));
}

static bool is_protected(struct world *w)
{
	return filled(w->p, LENGTH, 1) && trap_write(w->p + PAGE, 1) == SIGSEGV &&
	       region_stat(w->fd).mappings == 3;
}

OPERATION(mprotect_part, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = protect_middle,
	  .right = is_protected, .may = { ENOMEM }, .hits = 2);

/* A private mapping beside the shared one, with pages of its own. */
static void map_both(struct world *w)
{
	char *private = map_at(THERE, w->fd, LENGTH, MAP_PRIVATE);

	if (private != THERE)
		broken("mmap: %s\n", strerror(errno));
	fill(private, LENGTH, 2);
}

static bool both_hold(struct world *w)
{
	return filled(w->p, LENGTH, 1) && filled(THERE, LENGTH, 2);
}

static int fork_child(struct world *w)
{
	pid_t child = fork();

	if (!child)
		_exit(both_hold(w) ? 0 : 1);
	if (child > 0)
		w->child = child;
	return outcome(child);
}

static bool child_was_right(struct world *w)
{
	int status = child_status(w->child);

	w->child = 0;
	return !status && both_hold(w) && region_stat(w->fd).mappings == 2;
}

OPERATION(fork, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .prepare = map_both,
	  .run = fork_child, .right = child_was_right, .may = { ENOMEM, EAGAIN }, .hits = 20);

/* Advice */

static int populate_write(struct world *w)
{
	return outcome(madvise(w->p, LENGTH, MADV_POPULATE_WRITE));
}

static bool all_is_zero(struct world *w)
{
	return all_zero(w->p, LENGTH) && region_resident(w->fd) == PAGES;
}

OPERATION(populate_write, .kind = ZERO, .map = MAP_SHARED, .run = populate_write,
	  .right = all_is_zero, .may = { ENOMEM }, .hits = 4);
OPERATION(populate_write_tracked, .kind = TRACKED, .map = MAP_SHARED, .run = populate_write,
	  .right = all_is_zero, .may = { ENOMEM }, .hits = 4);

static int dont_need(struct world *w)
{
	return outcome(madvise(w->p, LENGTH, MADV_DONTNEED));
}

OPERATION(dont_need, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = dont_need,
	  .right = mapping_holds_1);

/* Faults: memory that is short for a moment is none of the program's business. */

static int touch_reading(struct world *w)
{
	for (size_t i = 0; i < LENGTH; i += PAGE) {
		if (trap_read(w->p + i))
			return TRAPPED;
	}
	return 0;
}

static int touch_writing(struct world *w)
{
	for (size_t i = 0; i < LENGTH; i += PAGE) {
		if (trap_write(w->p + i, 1))
			return TRAPPED;
	}
	return 0;
}

static bool zero_but_for_stores(struct world *w)
{
	for (size_t i = 0; i < LENGTH; i += PAGE) {
		if (w->p[i] != 1 || !all_zero(w->p + i + 1, PAGE - 1))
			return false;
	}
	return region_resident(w->fd) == PAGES;
}

static bool zero_below_stores(struct world *w)
{
	return zero_but_for_stores(w) && reads_zero(w->fd, 0, LENGTH);
}

static bool dirty_by_stores(struct world *w)
{
	return zero_but_for_stores(w) && region_stat(w->fd).dirty == PAGES;
}

OPERATION(touch_reading, .kind = ZERO, .map = MAP_SHARED, .run = touch_reading,
	  .right = all_is_zero, .hits = 6);
OPERATION(touch_writing, .kind = ZERO, .map = MAP_SHARED, .run = touch_writing,
	  .right = zero_but_for_stores, .hits = 6);
OPERATION(touch_private, .kind = ZERO, .map = MAP_PRIVATE, .run = touch_writing,
	  .right = zero_below_stores, .hits = 6);
OPERATION(touch_tracked, .kind = TRACKED, .map = MAP_SHARED, .run = touch_writing,
	  .right = dirty_by_stores, .hits = 6);

/* What was there already. */
OPERATION(refault, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = touch_reading,
	  .right = mapping_holds_1, .hits = 3);

static bool stores_over_1(struct world *w)
{
	fill(buffer, LENGTH, 1);
	for (size_t i = 0; i < LENGTH; i += PAGE)
		buffer[i] = 1;
	return !memcmp(w->p, buffer, LENGTH);
}

OPERATION(refault_tracked, .kind = TRACKED, .map = MAP_SHARED, .touched = 1,
	  .run = touch_writing, .right = stores_over_1, .hits = 3);

/* Pages of a file. */
OPERATION(touch_file_tmpfs, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED,
	  .run = touch_reading, .right = mapping_holds_1, .hits = 6);
OPERATION(touch_file_ext4, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_SHARED,
	  .run = touch_reading, .right = mapping_holds_1, .may = { TRAPPED }, .hits = 8);
OPERATION(touch_file_writing, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_SHARED,
	  .run = touch_writing, .right = stores_over_1, .may = { TRAPPED }, .hits = 8);
OPERATION(touch_file_overlay, .type = "ext4", .overlay = true, .disk = true, .kind = FILED,
	  .map = MAP_SHARED, .run = touch_reading, .right = mapping_holds_1, .may = { TRAPPED },
	  .hits = 8);
OPERATION(touch_file_private, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_PRIVATE,
	  .run = touch_writing, .right = stores_over_1, .may = { TRAPPED }, .hits = 8);

/* Copies */

static int read_all(struct world *w)
{
	ssize_t got;

	memset(buffer, 0, LENGTH);
	got = pread(w->fd, buffer, LENGTH, 0);
	if (got > 0 && !filled(buffer, got, 1))
		return WRONG;
	return transfer(got, LENGTH);
}

static bool buffer_holds_1(struct world *w)
{
	return filled(buffer, LENGTH, 1) && holds_1(w);
}

OPERATION(read, .kind = ZERO, .touched = 1, .run = read_all, .right = buffer_holds_1,
	  .may = { EFAULT, SHORT }, .hits = PAGES);
OPERATION(read_file_tmpfs, .type = "tmpfs", .kind = FILED, .run = read_all,
	  .right = buffer_holds_1, .may = { ENOMEM, EFAULT, SHORT }, .hits = 2 * PAGES);
OPERATION(read_file_ext4, .type = "ext4", .disk = true, .kind = FILED, .run = read_all,
	  .right = buffer_holds_1, .may = { ENOMEM, EFAULT, SHORT, EIO }, .hits = 2 * PAGES);

static int write_inside(struct world *w)
{
	fill(buffer, 2 * PAGE, 2);
	return transfer(pwrite(w->fd, buffer, 2 * PAGE, PAGE + 100), 2 * PAGE);
}

static bool wrote_inside(struct world *w)
{
	return reads_filled(w->fd, PAGE + 100, 2 * PAGE, 2) && reads_zero(w->fd, 0, PAGE + 100) &&
	       reads_zero(w->fd, 3 * PAGE + 100, LENGTH - 3 * PAGE - 100) &&
	       region_stat(w->fd).size == LENGTH;
}

static bool wrote_inside_file(struct world *w)
{
	return reads_filled(w->fd, PAGE + 100, 2 * PAGE, 2) && reads_filled(w->fd, 0, PAGE, 1) &&
	       !fsync(w->fd) && reads_filled(w->file, PAGE + 100, 2 * PAGE, 2) &&
	       reads_filled(w->file, 0, PAGE, 1) && region_stat(w->fd).size == LENGTH;
}

OPERATION(write, .kind = ZERO, .run = write_inside, .right = wrote_inside,
	  .may = { ENOMEM, EFAULT, SHORT }, .hits = 5);
OPERATION(write_tracked, .kind = TRACKED, .run = write_inside, .right = wrote_inside,
	  .may = { ENOMEM, EFAULT, SHORT }, .hits = 5);
OPERATION(write_file_tmpfs, .type = "tmpfs", .kind = FILED, .run = write_inside,
	  .right = wrote_inside_file, .may = { ENOMEM, EFAULT, SHORT }, .hits = 5);
OPERATION(write_file_ext4, .type = "ext4", .disk = true, .kind = FILED, .run = write_inside,
	  .right = wrote_inside_file, .may = { ENOMEM, EFAULT, SHORT, EIO }, .hits = 5);

static int write_beyond(struct world *w)
{
	fill(buffer, 2 * PAGE, 2);
	return transfer(pwrite(w->fd, buffer, 2 * PAGE, LENGTH + 100), 2 * PAGE);
}

static bool wrote_beyond(struct world *w)
{
	return reads_filled(w->fd, LENGTH + 100, 2 * PAGE, 2) &&
	       reads_zero(w->fd, 0, LENGTH + 100) &&
	       region_stat(w->fd).size == LENGTH + 2 * PAGE + 100;
}

static bool wrote_beyond_file(struct world *w)
{
	return reads_filled(w->fd, LENGTH + 100, 2 * PAGE, 2) && holds_1(w) && !fsync(w->fd) &&
	       reads_filled(w->file, LENGTH + 100, 2 * PAGE, 2) &&
	       reads_filled(w->file, 0, LENGTH, 1) && reads_zero(w->file, LENGTH, 100) &&
	       region_stat(w->fd).size == LENGTH + 2 * PAGE + 100;
}

OPERATION(write_beyond, .kind = ZERO, .run = write_beyond, .right = wrote_beyond,
	  .may = { ENOMEM, EFAULT, SHORT }, .hits = 5);
OPERATION(write_beyond_file_tmpfs, .type = "tmpfs", .kind = FILED, .run = write_beyond,
	  .right = wrote_beyond_file, .may = { ENOMEM, EFAULT, SHORT }, .hits = 5);
OPERATION(write_beyond_file_ext4, .type = "ext4", .disk = true, .kind = FILED,
	  .run = write_beyond, .right = wrote_beyond_file,
	  .may = { ENOMEM, EFAULT, SHORT, EIO }, .hits = 5);

static int splice_out(struct world *w)
{
	loff_t offset = 0;
	ssize_t got;
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC))
		return errno;
	memset(buffer, 0, LENGTH);
	got = splice(w->fd, &offset, ends[1], NULL, LENGTH, 0);
	error = errno;
	if (got > 0 && read(ends[0], buffer, got) != got)
		got = 0;	/* the pipe's reader was the one to fail */
	close(ends[0]);
	close(ends[1]);
	errno = error;
	if (got > 0 && !filled(buffer, got, 1))
		return WRONG;
	return transfer(got, LENGTH);
}

OPERATION(splice_out, .kind = ZERO, .touched = 1, .run = splice_out, .right = buffer_holds_1,
	  .may = { ENFILE, ENOMEM, EAGAIN, EFAULT, SHORT }, .hits = 4);

static int splice_in(struct world *w)
{
	loff_t offset = PAGE;
	ssize_t got = -1;
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC))
		return errno;
	fill(buffer, 2 * PAGE, 2);
	got = write(ends[1], buffer, 2 * PAGE);
	if (got == 2 * PAGE)
		got = splice(ends[0], NULL, w->fd, &offset, 2 * PAGE, 0);
	error = errno;
	close(ends[0]);
	close(ends[1]);
	errno = error;
	return transfer(got, 2 * PAGE);
}

static bool spliced_in(struct world *w)
{
	return reads_filled(w->fd, PAGE, 2 * PAGE, 2) && reads_zero(w->fd, 0, PAGE) &&
	       reads_zero(w->fd, 3 * PAGE, LENGTH - 3 * PAGE);
}

OPERATION(splice_in, .kind = ZERO, .run = splice_in, .right = spliced_in,
	  .may = { ENFILE, ENOMEM, EFAULT, SHORT }, .hits = 6);

/* A disk's data straight into the region, by the pages it got for that. */
static int read_direct(struct world *w)
{
	ssize_t got;
	int error;
	int fd = scratch_reopen(w->scratch, "file", O_RDONLY | O_DIRECT);

	if (fd < 0)
		return errno;
	got = pread(fd, w->p, LENGTH, 0);
	error = errno;
	close(fd);
	errno = error;
	return transfer(got, LENGTH);
}

OPERATION(direct, .type = "ext4", .disk = true, .kind = ZERO, .map = MAP_SHARED,
	  .run = read_direct, .right = mapping_holds_1,
	  .may = { ENOMEM, EFAULT, EIO, SHORT }, .hits = 6);
OPERATION(direct_tracked, .type = "ext4", .disk = true, .kind = TRACKED, .map = MAP_SHARED,
	  .run = read_direct, .right = mapping_holds_1,
	  .may = { ENOMEM, EFAULT, EIO, SHORT }, .hits = 6);

/* Sizes and holes */

static int allocate(struct world *w)
{
	return outcome(fallocate(w->region, 0, 0, LENGTH + PAGE));
}

static bool is_allocated(struct world *w)
{
	return region_resident(w->fd) == PAGES + 1 && reads_zero(w->fd, 0, LENGTH + PAGE) &&
	       region_stat(w->fd).size == LENGTH + PAGE;
}

OPERATION(fallocate, .kind = ZERO, .run = allocate, .right = is_allocated, .may = { ENOMEM },
	  .hits = PAGES);

static int punch_pages(struct world *w)
{
	return outcome(fallocate(w->region, PUNCH, PAGE, 2 * PAGE));
}

static bool pages_are_punched(struct world *w)
{
	return reads_zero(w->fd, PAGE, 2 * PAGE) && reads_filled(w->fd, 0, PAGE, 1) &&
	       region_stat(w->fd).size == LENGTH;
}

static bool file_is_punched(struct world *w)
{
	return pages_are_punched(w) && !fsync(w->fd) && reads_zero(w->file, PAGE, 2 * PAGE) &&
	       reads_filled(w->file, 0, PAGE, 1);
}

static int punch_inside(struct world *w)
{
	return outcome(fallocate(w->region, PUNCH, PAGE + 100, 200));
}

static bool inside_is_punched(struct world *w)
{
	return reads_zero(w->fd, PAGE + 100, 200) && reads_filled(w->fd, 0, PAGE + 100, 1) &&
	       reads_filled(w->fd, 0, PAGE, 1);
}

static bool inside_file_is_punched(struct world *w)
{
	return inside_is_punched(w) && !fsync(w->fd) && reads_zero(w->file, PAGE + 100, 200) &&
	       reads_filled(w->file, 0, PAGE + 100, 1);
}

static int remove_pages(struct world *w)
{
	return outcome(madvise(w->p + PAGE, 2 * PAGE, MADV_REMOVE));
}

OPERATION(punch_pages, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = punch_pages,
	  .right = pages_are_punched);
OPERATION(punch_inside, .kind = ZERO, .touched = 1, .run = punch_inside,
	  .right = inside_is_punched);
OPERATION(remove, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = remove_pages,
	  .right = pages_are_punched);
OPERATION(punch_file_tmpfs, .type = "tmpfs", .kind = FILED, .touched = 1, .run = punch_pages,
	  .right = file_is_punched);
OPERATION(punch_file_ext4, .type = "ext4", .disk = true, .kind = FILED, .touched = 1,
	  .run = punch_pages, .right = file_is_punched, .may = { ENOMEM, EIO }, .hits = 1);
OPERATION(punch_inside_file, .type = "ext4", .disk = true, .kind = FILED, .touched = 1,
	  .run = punch_inside, .right = inside_file_is_punched, .may = { ENOMEM, EIO },
	  .hits = 1);

static int truncate_up(struct world *w)
{
	return outcome(ftruncate(w->region, LENGTH + PAGE));
}

static bool is_longer(struct world *w)
{
	return reads_filled(w->fd, 0, LENGTH, 1) && reads_zero(w->fd, LENGTH, PAGE) &&
	       region_stat(w->fd).size == LENGTH + PAGE;
}

static int truncate_down(struct world *w)
{
	return outcome(ftruncate(w->region, PAGE + 100));
}

static bool is_shorter(struct world *w)
{
	return reads_filled(w->fd, 0, PAGE + 100, 1) && trap_read(w->p + 2 * PAGE) == SIGBUS &&
	       region_stat(w->fd).size == PAGE + 100 && region_resident(w->fd) == 2;
}

OPERATION(ftruncate_up, .kind = ZERO, .touched = 1, .run = truncate_up, .right = is_longer);
OPERATION(ftruncate_down, .kind = ZERO, .map = MAP_SHARED, .touched = 1, .run = truncate_down,
	  .right = is_shorter);

static int file_up(struct world *w)
{
	return outcome(ftruncate(w->file, LENGTH + PAGE));
}

static int file_down(struct world *w)
{
	return outcome(ftruncate(w->file, PAGE + 100));
}

static bool is_shorter_soon(struct world *w)
{
	return trap_read(w->p + 2 * PAGE) == SIGBUS &&
	       EVENTUALLY(region_resident(w->fd) == 2 && region_stat(w->fd).dirty == 2) &&
	       is_shorter(w);
}

OPERATION(file_grows, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_SHARED,
	  .touched = 1, .run = file_up, .right = is_longer, .may = { ENOMEM, EIO });
OPERATION(file_shrinks, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_SHARED,
	  .touched = 1, .run = file_down, .right = is_shorter_soon, .may = { ENOMEM, EIO },
	  .hits = 1);

/* Writing back: what the caller does itself, which is to write to the disk. */

static int sync_region(struct world *w)
{
	return outcome(fsync(w->fd));
}

static int sync_mapping(struct world *w)
{
	return outcome(msync(w->p, LENGTH, MS_SYNC));
}

/*
 * An error of the disk is told once, and then the file's pages count as clean: what is
 * stored again reaches the disk. (ext4 gives the next writer an error of its metadata.)
 */
static bool disk_has_2(struct world *w)
{
	int fd = w->made = scratch_reopen(w->scratch, "file", O_RDONLY | O_DIRECT);
	char *p = map(-1, LENGTH, RW, MAP_SHARED | MAP_ANONYMOUS, 0);
	bool right;

	failnth_disk(w->disk->dir, false);
	fill(w->p, LENGTH, 2);	/* dirty again */
	/* NOLINTNEXTLINE(misc-redundant-expression): the second one does what is left */
	right = (!fsync(w->fd) || !fsync(w->fd)) && region_stat(w->fd).dirty == 0 &&
		reads_filled(w->file, 0, LENGTH, 2) && pread(fd, p, LENGTH, 0) == LENGTH &&
		filled(p, LENGTH, 2);
	munmap(p, LENGTH);
	return right;
}

OPERATION(fsync, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_SHARED, .touched = 2,
	  .run = sync_region, .right = disk_has_2, .may = { ENOMEM, EIO }, .hits = 2);
OPERATION(msync, .type = "ext4", .disk = true, .kind = FILED, .map = MAP_SHARED, .touched = 2,
	  .run = sync_mapping, .right = disk_has_2, .may = { ENOMEM, EIO }, .hits = 2);

/* Writing back: what the worker does, which is to write to the file. */

/* The file has no pages yet. */
static void make_empty(struct world *w)
{
	if (ftruncate(w->file, 0) || ftruncate(w->file, LENGTH))
		broken("ftruncate: %s\n", strerror(errno));
}

/* And the region's are dirty: pattern 2. */
static void make_sparse(struct world *w)
{
	make_empty(w);
	fill(w->p, LENGTH, 2);
}

static bool file_has_2(struct world *w)
{
	return region_stat(w->fd).dirty == 0 && reads_filled(w->file, 0, LENGTH, 2) &&
	       filled(w->p, LENGTH, 2);
}

OPERATION(worker_fsync, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED, .worker = true,
	  .prepare = make_sparse, .run = sync_region, .right = file_has_2, .may = { ENOMEM },
	  .hits = PAGES);

static int close_one(struct world *w)
{
	return outcome(close(dup(w->fd)));
}

OPERATION(close, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED, .prepare = make_sparse,
	  .run = close_one, .right = file_has_2);
OPERATION(worker_close_tmpfs, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED,
	  .worker = true, .prepare = make_sparse, .run = close_one, .right = file_has_2,
	  .may = { ENOMEM }, .hits = PAGES);
OPERATION(worker_close_ext4, .type = "ext4", .kind = FILED, .map = MAP_SHARED,
	  .worker = true, .prepare = make_sparse, .run = close_one, .right = file_has_2,
	  .may = { ENOMEM, EIO }, .hits = PAGES);

/* Only the mapping is left. */
static void make_last(struct world *w)
{
	close(w->fd);
	close(w->region);
	w->fd = -1;
	w->region = -1;
	make_sparse(w);
}

static int unmap_last(struct world *w)
{
	return outcome(munmap(w->p, 2 * LENGTH));
}

static bool file_got_2(struct world *w)
{
	return EVENTUALLY(reads_filled(w->file, 0, LENGTH, 2));
}

OPERATION(worker_end, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED, .worker = true,
	  .prepare = make_last, .run = unmap_last, .right = file_got_2, .hits = PAGES);

/* Nobody asks for it; an error is told later. */
static int write_in_background(struct world *w)
{
	bool done;

	if (parameter_set("writeback_secs", 1))
		return errno;
	fill(w->p, PAGE, 2);
	done = EVENTUALLY(reads_filled(w->file, 0, PAGE, 2) && region_stat(w->fd).dirty == 0);
	if (parameter_set("writeback_secs", NEVER))
		return errno;
	return done ? outcome(fsync(w->fd)) : WRONG;
}

static bool page_is_2(struct world *w)
{
	return filled(w->p, PAGE, 2) && reads_filled(w->file, 0, PAGE, 2) && !fsync(w->fd);
}

OPERATION(worker_background, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED,
	  .worker = true, .prepare = make_empty, .run = write_in_background,
	  .right = page_is_2, .may = { ENOMEM }, .hits = 1);

/* The file grows beyond a dirty page, which must be written before that can be seen. */
static void make_odd(struct world *w)
{
	if (ftruncate(w->file, 0) || ftruncate(w->file, LENGTH - 100))
		broken("ftruncate: %s\n", strerror(errno));
	fill(w->p, LENGTH - 100, 2);
}

static int grow_and_read(struct world *w)
{
	if (ftruncate(w->file, LENGTH + PAGE))
		return errno;
	return transfer(pread(w->fd, buffer, PAGE, LENGTH), PAGE);
}

static bool grew(struct world *w)
{
	return reads_filled(w->fd, 0, LENGTH - 100, 2) && reads_zero(w->fd, LENGTH - 100, 100) &&
	       reads_zero(w->fd, LENGTH, PAGE) && region_stat(w->fd).size == LENGTH + PAGE &&
	       all_zero(buffer, PAGE);
}

OPERATION(worker_resize, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED, .worker = true,
	  .prepare = make_odd, .run = grow_and_read, .right = grew, .may = { SHORT },
	  .hits = 1);

/* write() beyond the end needs the same. */
static bool wrote_after_growing(struct world *w)
{
	return reads_filled(w->fd, LENGTH + 100, 2 * PAGE, 2) &&
	       reads_filled(w->fd, 0, LENGTH - 100, 2) && reads_zero(w->fd, LENGTH - 100, 200) &&
	       region_stat(w->fd).size == LENGTH + 2 * PAGE + 100;
}

OPERATION(worker_write_beyond, .type = "tmpfs", .kind = FILED, .map = MAP_SHARED,
	  .worker = true, .prepare = make_odd, .run = write_beyond,
	  .right = wrote_after_growing, .may = { EBUSY }, .hits = 1);

/*
 * The region goes while the worker is at its last page already, which counts as clean while
 * it is being written; and that fails. The worker waits for the file's lock, which a
 * write() holds whose memory does not come before we say so.
 */
FIXTURE(ending)
{
	struct scratch scratch;
	__u64 writeback_secs;
	struct failnth_workers workers;
	struct world w;
};

FIXTURE_SETUP(ending)
{
	const char *reason = failnth_prepare();

	if (reason)
		SKIP_TEST("%s", reason);
	reason = scratch_make(&self->scratch, "tmpfs", MIB);
	if (reason)
		SKIP_TEST("%s", reason);
	self->writeback_secs = parameter_get("writeback_secs");
	self->w.file = scratch_file(&self->scratch, "file", LENGTH, 1);
	self->w.fd = region_file(self->w.file, 0, 0);
	self->w.region = region_fd(self->w.fd, O_CLOEXEC);
	self->w.p = map_at(HERE, self->w.fd, 2 * LENGTH, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, self->w.p);
	make_empty(&self->w);
	close(self->w.region);
	close(self->w.fd);
}

FIXTURE_TEARDOWN(ending)
{
	close(self->w.file);
	parameter_set("writeback_secs", self->writeback_secs);
	scratch_remove(&self->scratch);
	failnth_restore();
}

struct held_file {
	int file;
	int uffd;
	char *memory;
	pthread_t writer;
};

static void *write_slowly(void *arg)
{
	struct held_file *held = arg;

	return pwrite(held->file, held->memory, PAGE, PAGE) == PAGE ? NULL : arg;
}

static void file_hold(struct held_file *held, int file)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffd_msg fault;

	held->file = file;
	held->memory = map(-1, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	held->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	range.range.start = (__u64)held->memory;
	range.range.len = PAGE;
	if (held->uffd < 0 || ioctl(held->uffd, UFFDIO_API, &api) ||
	    ioctl(held->uffd, UFFDIO_REGISTER, &range) ||
	    pthread_create(&held->writer, NULL, write_slowly, held) ||
	    read(held->uffd, &fault, sizeof(fault)) != sizeof(fault))
		broken("userfaultfd: %s\n", strerror(errno));
}

static bool file_let_go(struct held_file *held)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (__u64)held->memory, .len = PAGE },
	};
	void *failed;

	if (ioctl(held->uffd, UFFDIO_ZEROPAGE, &zero))
		broken("UFFDIO_ZEROPAGE: %s\n", strerror(errno));
	pthread_join(held->writer, &failed);
	close(held->uffd);
	munmap(held->memory, PAGE);
	return !failed;
}

static void *unmap_in_thread(void *arg)
{
	return munmap(arg, 2 * LENGTH) ? arg : NULL;
}

TEST_F_TIMEOUT(ending, loses_nothing_that_was_under_way, 60)
{
	const struct vmlab_features before = module_features();
	struct held_file held;
	pthread_t thread;
	void *failed;

	file_hold(&held, self->w.file);
	ASSERT_EQ(0, parameter_set("writeback_secs", 0));
	ASSERT_EQ(0, trap_write(self->w.p, 2));
	usleep(500000);		/* the worker comes to the lock */
	ASSERT_EQ(0, pthread_create(&thread, NULL, unmap_in_thread, self->w.p));
	usleep(500000);		/* and the region's end to the worker */
	failnth_workers_arm(&self->workers, 1);
	EXPECT_TRUE(file_let_go(&held));
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
	EXPECT_LT(0, failnth_workers_disarm(&self->workers));
	EXPECT_EQ(1, pread(self->w.file, buffer, 1, 0));
	EXPECT_EQ(2, buffer[0]);
	EXPECT_TRUE(EVENTUALLY(module_features().regions + 1 == before.regions));
	EXPECT_EQ(before.pages_lost, module_features().pages_lost);
}

TEST_HARNESS_MAIN
