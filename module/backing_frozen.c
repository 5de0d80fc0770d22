// SPDX-License-Identifier: GPL-2.0
/*
 * What is behind the clone of a region that has a file: the file, for reading only.
 *
 * Pages that the region had when it was cloned are the clone's as well, whatever becomes
 * of the file. The others are what the file has when the clone first touches them, inside
 * what was the region's end; if the file has ended before by then, they cannot be had.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/vmlab.h>

#include "backing.h"
#include "discard.h"
#include "file.h"
#include "page.h"
#include "region.h"
#include "stats.h"

/**
 * struct frozen - the file behind a clone
 * @source: the file, its place in it, and the state of our reading; the rest is unused
 * @end: where the file's part of the region ends, in bytes; zeroes follow. Lowered under
 *	invalidate_lock exclusive.
 */
struct frozen {
	struct vmlab_file source;
	loff_t end;
};

/* A clone's clone has the same file, and so has a clone of the region with the file. */
static int clone_file(struct vmlab_region *to, const struct vmlab_file *source, loff_t size,
		      loff_t end)
{
	struct frozen *frozen = kzalloc(sizeof(*frozen), GFP_KERNEL_ACCOUNT);

	if (!frozen)
		return -ENOMEM;
	frozen->source.region = to;
	frozen->source.file = get_file(source->file);
	frozen->source.offset = source->offset;
	file_ra_state_init(&frozen->source.ra, source->file->f_mapping);
	frozen->end = end;
	i_size_write(&to->inode, size);
	to->backing_data = frozen;
	to->backing = &vmlab_backing_frozen;
	return 0;
}

/* vmlab_backing_ops.clone of a region with a file. */
int vmlab_frozen_clone(struct vmlab_region *to, struct vmlab_region *from)
{
	struct vmlab_file *f = from->backing_data;
	loff_t size = vmlab_file_drop_truncated(f);

	return clone_file(to, f, size, size);
}

static int clone(struct vmlab_region *to, struct vmlab_region *from)
{
	struct frozen *frozen = from->backing_data;

	return clone_file(to, &frozen->source, vmlab_region_size(from), frozen->end);
}

static void detach(struct vmlab_region *region)
{
	struct frozen *frozen = region->backing_data;

	fput(frozen->source.file);
	kfree(frozen);
}

static int fill(struct vmlab_region *region, pgoff_t pgoff, struct page **pages,
		unsigned int nr)
{
	struct frozen *frozen = region->backing_data;
	loff_t left = frozen->end - ((loff_t)pgoff << PAGE_SHIFT);
	int i, ret;

	if (left <= 0) {
		clear_highpage(pages[0]);
		return 1;
	}
	nr = min_t(loff_t, nr, DIV_ROUND_UP(left, PAGE_SIZE));
	ret = vmlab_file_fill(&frozen->source, pgoff, pages, nr);
	for (i = 0; i < ret; i++, left -= PAGE_SIZE) {
		if (left < (loff_t)PAGE_SIZE)
			zero_user_segment(pages[i], left, PAGE_SIZE);
	}
	return ret;
}

/*
 * What is beyond the new end must not be what the file has there, should it move on again: nobody
 * may bring in a page between the one and the other.
 */
static int truncate(struct vmlab_region *region, loff_t size)
{
	struct frozen *frozen = region->backing_data;
	int ret;

	filemap_invalidate_lock(region->inode.i_mapping);
	ret = vmlab_pages_resize_locked(region, size);
	if (!ret)
		frozen->end = min(frozen->end, size);
	filemap_invalidate_unlock(region->inode.i_mapping);
	return ret;
}

/* The file has something there: so pages full of zeroes must hide it. */
static int punch(struct vmlab_region *region, loff_t start, loff_t end)
{
	return vmlab_pages_write_zeroes(region, start, min(end, vmlab_region_size(region)));
}

const struct vmlab_backing_ops vmlab_backing_frozen = {
	.type		= VMLAB_BACKING_FILE,
	.filled		= VMLAB_READ_IN,
	.detach		= detach,
	.clone		= clone,
	.fill		= fill,
	.truncate	= truncate,
	.punch		= punch,
};
