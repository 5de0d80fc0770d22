// SPDX-License-Identifier: GPL-2.0
/* /dev/vmlab: each open is a new region. */
#include "chardev.h"

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pagemap.h>

#include "fs.h"
#include "huge.h"
#include "io.h"
#include "pool.h"

/*
 * The file becomes a second face of the new region's file, which it holds: it
 * borrows the region's mapping, as DRM's device files do.
 */
static int open(struct inode *inode, struct file *file)
{
	struct vmlab_pool *pool = vmlab_pool_new(VMLAB_POOL_UNLIMITED, VMLAB_POOL_UNLIMITED,
						 VMLAB_HUGE_ALWAYS);
	struct file *region_file;

	if (!pool)
		return -ENOMEM;
	region_file = vmlab_fs_new_region(pool);
	vmlab_pool_put(pool);
	if (IS_ERR(region_file))
		return PTR_ERR(region_file);
	file->private_data = region_file;	/* put by its release() */
	file->f_mapping = region_file->f_mapping;
	file->f_wb_err = filemap_sample_wb_err(file->f_mapping);
	file->f_op = &vmlab_region_fops;	/* same owner: its module reference stays */
	return 0;
}

static const struct file_operations chardev_fops = {
	.owner	= THIS_MODULE,
	.open	= open,
};

static struct miscdevice chardev = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "vmlab",
	.mode	= 0660,
	.fops	= &chardev_fops,
};

int vmlab_chardev_init(void)
{
	return misc_register(&chardev);
}

void vmlab_chardev_exit(void)
{
	misc_deregister(&chardev);
}
