/* SPDX-License-Identifier: GPL-2.0 */
/* Mounts for tests. */
#ifndef MOUNT_TEST_H
#define MOUNT_TEST_H

#include "vmlab_test.h"

/* Mounts at a new folder, which becomes the current one; with an errno if it cannot. */
static inline int mount_new(const char *type, const char *options, char *dir)
{
	strcpy(dir, "/tmp/vmlab-fs.XXXXXX");
	if (!mkdtemp(dir))
		broken("mkdtemp: %s\n", strerror(errno));
	if (mount("none", dir, type, MS_STRICTATIME, options)) {
		int error = errno;

		rmdir(dir);
		return error;
	}
	return chdir(dir) ? errno : 0;
}

static inline void mount_end(const char *dir)
{
	if (chdir("/"))
		broken("chdir: %s\n", strerror(errno));
	umount2(dir, MNT_DETACH);
	rmdir(dir);
}

#endif
