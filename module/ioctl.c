// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of a region. The size of an argument is in the request number: this
 * file takes it in and gives it back as struct sizes differ between a program and
 * the module (uapi/linux/vmlab.h has the rules); the handlers see their own struct.
 */
#include "ioctl.h"

#include <linux/cred.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/uaccess.h>
#include <linux/vmlab.h>

#include "inspect.h"
#include "region.h"

static long features(struct file *file, void *arg)
{
	vmlab_inspect_features(arg);
	return 0;
}

static long configure(struct file *file, void *arg)
{
	return vmlab_region_configure(vmlab_file_region(file), arg);
}

static long stat(struct file *file, void *arg)
{
	vmlab_inspect_stat(vmlab_file_region(file), arg);
	return 0;
}

static long list(struct file *file, void *arg)
{
	return vmlab_inspect_list(arg);
}

static long extents(struct file *file, void *arg)
{
	return vmlab_inspect_extents(vmlab_file_region(file), arg);
}

static long region_fd(struct file *file, void *arg)
{
	/* From /dev/vmlab: the region's own file is the one to open again. */
	struct file *region_file = file->private_data ?: file;
	const struct vmlab_region_fd *args = arg;
	struct file *new_file;
	int fd;

	if (args->flags & ~O_CLOEXEC || args->__reserved)
		return -EINVAL;
	fd = get_unused_fd_flags(args->flags);
	if (fd < 0)
		return fd;
	new_file = dentry_open(&region_file->f_path,
			       (file->f_flags & O_ACCMODE) | O_LARGEFILE, current_cred());
	if (IS_ERR(new_file)) {
		put_unused_fd(fd);
		return PTR_ERR(new_file);
	}
	fd_install(fd, new_file);
	return fd;
}

union argument {
	struct vmlab_features features;
	struct vmlab_configure configure;
	struct vmlab_stat stat;
	struct vmlab_list list;
	struct vmlab_extents extents;
	struct vmlab_region_fd region_fd;
};

/**
 * struct request - an ioctl
 * @handler: does it, on a struct of the kernel's size, zero where the program's is
 *	shorter
 * @dir: _IOC_READ: the struct is given back; _IOC_WRITE: it is taken in
 * @size: the kernel's size of the struct
 * @min_size: its size in the first version of the interface
 */
struct request {
	long (*handler)(struct file *file, void *arg);
	unsigned int dir;
	size_t size;
	size_t min_size;
};

#define REQUEST(cmd, handler_, first_size)					\
	[_IOC_NR(cmd)] = {							\
		.handler	= handler_,					\
		.dir		= _IOC_DIR(cmd),				\
		.size		= _IOC_SIZE(cmd),				\
		.min_size	= first_size,					\
	}

static const struct request requests[] = {
	REQUEST(VMLAB_IOC_FEATURES,	features,	48),
	REQUEST(VMLAB_IOC_CONFIGURE,	configure,	32),
	REQUEST(VMLAB_IOC_STAT,		stat,		VMLAB_STAT_SIZE_FIRST),
	REQUEST(VMLAB_IOC_LIST,		list,		24),
	REQUEST(VMLAB_IOC_EXTENTS,	extents,	32),
	REQUEST(VMLAB_IOC_REGION_FD,	region_fd,	8),
};

static_assert(sizeof(struct vmlab_features) == 48);
static_assert(sizeof(struct vmlab_configure) == 32);
static_assert(sizeof(struct vmlab_stat) == 152);
static_assert(sizeof(struct vmlab_list) == 24);
static_assert(sizeof(struct vmlab_extent) == 24);
static_assert(sizeof(struct vmlab_extents) == 32);
static_assert(sizeof(struct vmlab_region_fd) == 8);

/**
 * vmlab_copy_out - give a struct to a program that may have another version of it
 * @user: where to
 * @user_size: bytes of the program's struct; what it has beyond ours reads as zero
 * @arg: the struct
 * @size: bytes of ours
 */
int vmlab_copy_out(void __user *user, size_t user_size, const void *arg, size_t size)
{
	if (copy_to_user(user, arg, min(user_size, size)))
		return -EFAULT;
	if (user_size > size && clear_user(user + size, user_size - size))
		return -EFAULT;
	return 0;
}

/**
 * vmlab_ioctl - the ioctls of a region
 * @file: a file of the region
 * @cmd: VMLAB_IOC_*
 * @arg: user address of the struct
 */
long vmlab_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	size_t user_size = _IOC_SIZE(cmd);
	const struct request *request;
	union argument argument = {};
	long ret, err;

	if (_IOC_TYPE(cmd) != VMLAB_IOC_MAGIC || _IOC_NR(cmd) >= ARRAY_SIZE(requests))
		return -ENOTTY;
	request = &requests[_IOC_NR(cmd)];
	if (_IOC_DIR(cmd) != request->dir)
		return -ENOTTY;
	if (user_size < request->min_size)
		return -EINVAL;
	if (request->dir & _IOC_WRITE) {
		err = copy_struct_from_user(&argument, request->size, user, user_size);
		if (err)
			return err;
	}
	ret = request->handler(file, &argument);
	if (ret < 0 || !(request->dir & _IOC_READ))
		return ret;
	err = vmlab_copy_out(user, user_size, &argument, request->size);
	return err ?: ret;
}
