// SPDX-License-Identifier: GPL-2.0
/* vmlab: a virtual-memory laboratory. Here is only the order of init and exit. */
#include <linux/module.h>

#include "chardev.h"
#include "file.h"
#include "index.h"
#include "inode.h"
#include "mount.h"
#include "pool.h"
#include "pressure.h"
#include "store.h"
#include "swap.h"

static int __init vmlab_init(void)
{
	int ret;

	ret = vmlab_pages_init();
	if (ret)
		return ret;
	ret = vmlab_file_init();
	if (ret)
		goto exit_pages;
	ret = vmlab_swap_init_cache();
	if (ret)
		goto exit_file;
	ret = vmlab_pressure_init();
	if (ret)
		goto exit_swap;
	ret = vmlab_index_init_cache();
	if (ret)
		goto exit_pressure;
	ret = vmlab_inode_init_cache();
	if (ret)
		goto exit_index;
	ret = vmlab_mount_init();
	if (ret)
		goto exit_inode;
	ret = vmlab_chardev_init();
	if (ret)
		goto exit_mount;
	return 0;

exit_mount:
	vmlab_mount_exit();
exit_inode:
	vmlab_inode_exit_cache();
exit_index:
	vmlab_index_exit_cache();
exit_pressure:
	vmlab_pressure_stop();
	vmlab_pressure_exit();
exit_swap:
	vmlab_swap_exit_cache();
exit_file:
	vmlab_file_exit();
exit_pages:
	vmlab_pages_exit();
	return ret;
}

/* No region is left: each one's file system holds the module. */
static void __exit vmlab_exit(void)
{
	vmlab_chardev_exit();
	vmlab_mount_exit();
	vmlab_pressure_stop();
	vmlab_inode_exit_cache();
	vmlab_index_exit_cache();
	vmlab_pages_exit();
	vmlab_store_zs_exit();
	vmlab_pressure_exit();
	vmlab_swap_exit_cache();
	vmlab_file_exit();
}

module_init(vmlab_init);
module_exit(vmlab_exit);

MODULE_DESCRIPTION("Virtual-memory laboratory: lazy and copy-on-write regions of memory");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
