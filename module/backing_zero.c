// SPDX-License-Identifier: GPL-2.0
/* Zero backing: a page that was never touched is zeroes, and takes no memory. */
#include <linux/fs.h>
#include <linux/vmlab.h>

#include "backing.h"
#include "discard.h"
#include "region.h"
#include "stats.h"

static int attach(struct vmlab_region *region, const struct vmlab_configure *config)
{
	if (config->backing_fd || config->backing_offset)
		return -EINVAL;
	i_size_write(&region->inode, region->limit);
	return 0;
}

const struct vmlab_backing_ops vmlab_backing_zero = {
	.type		= VMLAB_BACKING_ZERO,
	.filled		= VMLAB_ZERO_FILLED,
	.zeroed		= true,
	.attach		= attach,
	.truncate	= vmlab_pages_resize,
	.punch		= vmlab_pages_punch,
};
