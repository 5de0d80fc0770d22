// SPDX-License-Identifier: GPL-2.0
/* vmlab: a virtual-memory laboratory. Here is only the order of init and exit. */
#include <linux/module.h>

#include "chardev.h"
#include "file.h"
#include "fs.h"
#include "page.h"

static int __init vmlab_init(void)
{
	int ret;

	vmlab_pages_init();
	ret = vmlab_file_init();
	if (ret)
		return ret;
	ret = vmlab_fs_init();
	if (ret)
		goto exit_file;
	ret = vmlab_chardev_init();
	if (ret)
		goto exit_fs;
	return 0;

exit_fs:
	vmlab_fs_exit();
exit_file:
	vmlab_file_exit();
	return ret;
}

/* No region is left: each one's file system holds the module. */
static void __exit vmlab_exit(void)
{
	vmlab_chardev_exit();
	vmlab_fs_exit();
	vmlab_file_exit();
}

module_init(vmlab_init);
module_exit(vmlab_exit);

MODULE_DESCRIPTION("Virtual-memory laboratory: lazy, copy-on-write, swappable regions");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
