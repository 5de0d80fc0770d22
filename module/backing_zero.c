// SPDX-License-Identifier: GPL-2.0
/* Zero backing: a page that was never touched is zeroes, and takes no memory. */
#include <linux/fs.h>
#include <linux/vmlab.h>

#include "backing.h"
#include "page.h"
#include "region.h"
#include "stats.h"

static int attach(struct vmlab_region *region, const struct vmlab_configure *config)
{
	if (config->backing_fd || config->backing_offset)
		return -EINVAL;
	i_size_write(&region->inode, region->limit);
	return 0;
}

static int truncate(struct vmlab_region *region, loff_t size)
{
	loff_t old_size = i_size_read(&region->inode);

	i_size_write(&region->inode, size);
	if (size < old_size) {
		filemap_invalidate_lock(region->inode.i_mapping);
		vmlab_pages_truncate(region, size);
		filemap_invalidate_unlock(region->inode.i_mapping);
	}
	return 0;
}

static int punch(struct vmlab_region *region, loff_t start, loff_t end)
{
	vmlab_pages_punch(region, start, end);
	return 0;
}

const struct vmlab_backing_ops vmlab_backing_zero = {
	.type		= VMLAB_BACKING_ZERO,
	.filled		= VMLAB_ZERO_FILLED,
	.zeroed		= true,
	.attach		= attach,
	.truncate	= truncate,
	.punch		= punch,
};
