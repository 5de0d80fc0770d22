/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What there is around an operation that is made to fail, and the walk over its failures:
 * the one test, of which each OPERATION() is a variant.
 */
#ifndef VMLAB_FAILNTH_WORLD_H
#define VMLAB_FAILNTH_WORLD_H

#include "failnth.h"

#define PAGES 4UL
#define LENGTH (PAGES * PAGE)
#define NEVER 3600

/* Mappings lie where no page table is yet. */
#define HERE ((char *)(1UL << 44))
#define THERE ((char *)(1UL << 45))
#define AREA (4 * LENGTH)
#define SPAN (4 * MIB)

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
	COW,		/* copied at forks */
	FILED,		/* a file behind it: pattern 1 */
	LARGE,		/* with huge pages, and room for them */
};

struct world {
	int fd;		/* the region, as opened */
	int region;	/* its regular file */
	__u64 id;
	int file;	/* LENGTH bytes of pattern 1 */
	dev_t device;	/* or that is a disk, whose requests fail */
	char *p;	/* its mapping, if any */
	int made;	/* a descriptor that the operation made */
	int other;	/* one more region that has a part in it */
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
	int make_it_fail;
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
	bool worker;		/* not in us, but in the worker that writes back, or stores */
	bool scattered;		/* no memory for a huge page, and then not for the n-th small one */
	void (*prepare)(struct world *w);
	int (*run)(struct world *w);
	bool (*right)(struct world *w);
	int may[5];		/* what it may come to if something fails */
	unsigned int hits;	/* at least so many failures are made; none if it is 0 */
	bool pure;		/* if it fails no figure of the region has changed */
	unsigned int step;	/* most are alike: each so many-th, but for the first and last */
	unsigned int chances;	/* there are at least so many, if not each is taken */
};

#define FIRST_ONES 16
#define FIRST_SCATTERED 4	/* pages of one kind */
#define LAST_ONES 16

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
	self->make_it_fail = open("/proc/thread-self/make-it-fail", O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->make_it_fail, 0);
	self->writeback_secs = parameter_get("writeback_secs");
	ASSERT_EQ(0, parameter_set("writeback_secs", NEVER));
	memset(buffer, 1, sizeof(buffer));
}

FIXTURE_TEARDOWN(operation)
{
	parameter_set("writeback_secs", self->writeback_secs);
	close(self->failnth);
	close(self->make_it_fail);
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
	case COW:
		return region_zero(VMLAB_REGION_COW_FORK, AREA);
	case FILED:
		return region_file(file, 0, AREA);
	case LARGE:
		return region_zero(VMLAB_REGION_HUGE, SPAN);
	}
	return -1;
}

static void region_make(struct world *w, const FIXTURE_VARIANT(operation) *variant)
{
	w->fd = region_of(variant->kind, w->file);
	w->region = region_fd(w->fd, O_CLOEXEC);
	if (w->fd < 0 || w->region < 0)
		broken("cannot make a region: %s\n", strerror(errno));
	w->id = region_stat(w->fd).id;
	if (variant->kind != FILED && variant->kind != FRESH && variant->kind != LARGE &&
	    ftruncate(w->region, LENGTH))
		broken("ftruncate: %s\n", strerror(errno));
	if (variant->touched && !writes_filled(w->fd, 0, LENGTH, variant->touched))
		broken("write: %s\n", strerror(errno));
	if (variant->map)
		w->p = map_at(HERE, w->fd, 2 * LENGTH, variant->map);
	if (w->p == MAP_FAILED)
		broken("mmap: %s\n", strerror(errno));
	if (variant->touched && variant->map == MAP_PRIVATE)
		fill(w->p, LENGTH, variant->touched);
}

static void world_make(struct world *w, const FIXTURE_VARIANT(operation) *variant,
		       const FIXTURE_DATA(operation) *self)
{
	*w = (struct world){ .fd = -1, .region = -1, .file = -1, .made = -1, .other = -1,
			     .disk = &self->disk, .scratch = &self->scratch };
	if (variant->type) {
		w->file = scratch_file(w->scratch, "file", LENGTH, 1);
		fsync(w->file);
	}
	if (variant->disk) {
		posix_fadvise(w->file, 0, 0, POSIX_FADV_DONTNEED);
		failnth_disk(w->disk->dir, true);
	}
	if (variant->kind != NONE)
		region_make(w, variant);
	if (variant->prepare)
		variant->prepare(w);
}

/* Returns whether the region then knew of no mapping any more. */
static bool world_end(struct world *w)
{
	bool unmapped;

	if (w->child)
		child_status(w->child);
	munmap(HERE, SPAN);
	munmap(THERE, SPAN);
	unmapped = w->fd < 0 || !region_stat(w->fd).mappings;
	for (unsigned int i = 0; i < 5; i++) {
		int fd = (int[]){ w->made, w->other, w->fd, w->region, w->file }[i];

		if (fd >= 0)
			close(fd);
	}
	if (w->device) {
		failnth_device(w->device, false);
	} else if (w->file >= 0) {
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
	/* A part may have been set: from there on the pool has an id. */
	if (!before->pool)
		now.pool = 0;
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
	else if (variant->scattered)
		scattered_arm(self->make_it_fail, n);
	else
		failnth_arm(self->failnth, n);
}

/* How much has failed since? */
static unsigned int disarm(FIXTURE_DATA(operation) *self,
			   const FIXTURE_VARIANT(operation) *variant)
{
	if (variant->worker)
		return failnth_workers_disarm(&self->workers);
	if (variant->scattered)
		return scattered_disarm(self->make_it_fail);
	return failnth_disarm(self->failnth) == 0;
}

/*
 * What fails next: one after the other, or, where most are alike, the first ones, each so many-th,
 * and from there the last one is looked for, and those before it.
 */
struct walk {
	unsigned int n;		/* the n-th is next */
	unsigned int first_ones;
	unsigned int step;
	unsigned int misses;	/* in a row */
	unsigned int misses_max;
	unsigned int end;	/* the last one, if it was looked for and found */
};

static struct walk walk_begin(const FIXTURE_VARIANT(operation) *variant)
{
	return (struct walk){
		.n = 1,
		.step = variant->step ? variant->step : 1,
		.first_ones = variant->scattered ? FIRST_SCATTERED : FIRST_ONES,
		/* The work may be given to a worker that came into being after all were armed. */
		.misses_max = variant->worker ? 3 : 1,
	};
}

/* Goes on after the n-th, which failed or was not come to. Returns false at the end. */
static bool walk_on(struct walk *walk, bool sampled, bool hit)
{
	/* How many chances there are varies a little where memory is not waited for. */
	if (walk->end)
		return ++walk->n <= walk->end;
	if (hit) {
		walk->misses = 0;
		walk->n += walk->n < walk->first_ones ? 1 : walk->step;
	} else if (walk->step > 1 && walk->n > walk->first_ones) {
		/* The last one that can fail is between this one and the one before. */
		walk->n -= walk->step - walk->step / 2;
		walk->step /= 2;
	} else if (++walk->misses < walk->misses_max) {
		return true;
	} else if (sampled && walk->n > walk->first_ones + LAST_ONES) {
		walk->end = walk->n;
		walk->n -= LAST_ONES;
	} else {
		return false;
	}
	return true;
}

TEST_F_TIMEOUT(operation, survives_each_failure, 600)
{
	const struct vmlab_features before = module_features();
	struct walk walk = walk_begin(variant);
	unsigned int n, failed, failures = 0;
	struct vmlab_stat stat;
	struct world w;
	int came_to;

	do {
		n = walk.n;
		world_make(&w, variant, self);
		if (w.fd >= 0)
			stat = region_stat(w.fd);
		arm(self, variant, n);
		came_to = variant->run(&w);
		failed = disarm(self, variant);
		failures += failed > variant->scattered;	/* not the huge page alone */
		if (came_to) {
			ASSERT_LT(0, failed) {
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
	} while (walk_on(&walk, variant->step, failed));
	TH_LOG("%u failures, of %u chances", failures, n - 1);
	EXPECT_GE(failures, variant->hits);
	EXPECT_GE(n - 1, variant->chances);
	if (!variant->hits) {
		EXPECT_EQ(0, failures) {
			TH_LOG("tell how many there are at least: .hits");
		}
	}
}

static int outcome(long ret)
{
	return ret < 0 ? errno : 0;
}

static int transfer(ssize_t ret, size_t wanted)
{
	return ret < 0 ? errno : (size_t)ret < wanted ? SHORT : 0;
}

#endif /* VMLAB_FAILNTH_WORLD_H */
