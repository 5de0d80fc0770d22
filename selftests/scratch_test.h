/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scratch folders, on a file system of their own if a test needs its kind or
 * its end. scratch_make() gives the reason why it cannot be had, or NULL.
 */
#ifndef SCRATCH_TEST_H
#define SCRATCH_TEST_H

#include "vmlab_test.h"

#include <sys/sendfile.h>
#include <sys/sysmacros.h>

#include "common/loop.h"

struct scratch {
	char dir[64];
	bool is_disk;	/* an ext4, on a loop device of its own */
};

/*
 * An empty ext4, of the program: mkfs takes longer than most tests, so they have copies. Tests are
 * processes of their own, which have the descriptor in common.
 */
static int ext4_template;

static void __attribute__((constructor)) ext4_template_create(void)
{
	ext4_template = memfd_create("ext4", MFD_CLOEXEC);
}

static inline void ext4_template_resize(unsigned long bytes)
{
	if (ftruncate(ext4_template, bytes))
		broken("no memory for an ext4: %s\n", strerror(errno));
}

/* Makes the template if need be. Returns whether there is one; if not, it has no length. */
static inline bool ext4_has_template(unsigned long bytes)
{
	struct stat st;
	bool made;

	if (fstat(ext4_template, &st))
		return false;
	if (st.st_size == (off_t)bytes)
		return true;
	ext4_template_resize(0);
	ext4_template_resize(bytes);
	made = !run("mkfs.ext4 -q -m 0 -O ^has_journal /proc/%d/fd/%d >/dev/null", getpid(),
		    ext4_template);
	if (!made)
		ext4_template_resize(0);
	return made;
}

/* A copy of the template. Most of it is a hole. */
static inline int ext4_image(unsigned long bytes)
{
	int fd = memfd_create("ext4", MFD_CLOEXEC);
	off_t data = 0, hole;

	if (ftruncate(fd, bytes))
		broken("no memory for an ext4: %s\n", strerror(errno));
	while ((data = lseek(ext4_template, data, SEEK_DATA)) >= 0) {
		hole = lseek(ext4_template, data, SEEK_HOLE);
		lseek(fd, data, SEEK_SET);
		while (data < hole) {
			if (sendfile(fd, ext4_template, &data, hole - data) <= 0)
				broken("an ext4 cannot be copied: %s\n", strerror(errno));
		}
	}
	return fd;
}

static inline const char *ext4_mount(const char *dir, unsigned long bytes)
{
	char path[32];
	int image, loop, ret;
	struct stat st;

	if (access("/dev/loop-control", F_OK))
		run("modprobe -q loop");
	if (access("/dev/loop-control", F_OK))
		return "this kernel offers no loop device";
	if (!ext4_has_template(bytes))
		return "cannot make an ext4 image: is mkfs.ext4 installed?";
	image = ext4_image(bytes);
	loop = loop_open(image);
	close(image);
	if (loop < 0 || fstat(loop, &st))
		return "cannot have a loop device";
	snprintf(path, sizeof(path), "/dev/loop%u", minor(st.st_rdev));
	ret = mount(path, dir, "ext4", 0, NULL);
	close(loop);
	return ret ? "cannot mount an ext4 image" : NULL;
}

static inline const char *scratch_make(struct scratch *scratch, const char *type,
				       unsigned long bytes)
{
	char options[32];

	memset(scratch, 0, sizeof(*scratch));
	strcpy(scratch->dir, "/tmp/vmlab-test.XXXXXX");
	if (!mkdtemp(scratch->dir))
		return "cannot make a folder in /tmp";
	if (!strcmp(type, "ext4")) {
		scratch->is_disk = true;
		return ext4_mount(scratch->dir, bytes);
	}
	snprintf(options, sizeof(options), "size=%lu", bytes);
	if (mount("none", scratch->dir, type, 0, options))
		return "cannot mount a tmpfs: not root?";
	return NULL;
}

static inline void scratch_remove(struct scratch *scratch)
{
	umount2(scratch->dir, MNT_DETACH);
	rmdir(scratch->dir);
}

/* A new file of @length bytes of pattern in the scratch folder. */
static inline int scratch_file(const struct scratch *scratch, const char *name, size_t length,
			       unsigned int seed)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", scratch->dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0 && length && !writes_filled(fd, 0, length, seed))
		broken("%s: cannot be written\n", path);
	return fd;
}

static inline int scratch_reopen(const struct scratch *scratch, const char *name, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", scratch->dir, name);
	return open(path, flags | O_CLOEXEC, 0600);
}

static inline int scratch_unlink(const struct scratch *scratch, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", scratch->dir, name);
	return unlink(path);
}

#endif /* SCRATCH_TEST_H */
