// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of a region. The size of an argument is in the request number: this
 * file takes it in and gives it back as struct sizes differ between a program and
 * the module (uapi/linux/vmlab.h has the rules); the handlers see their own struct.
 */
#include "ioctl.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>
#include <linux/vmlab.h>

#include "advise.h"
#include "compat.h"
#include "cow.h"
#include "inspect.h"
#include "mapping.h"
#include "pool.h"
#include "record.h"
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
	struct vmlab_region *region = vmlab_file_region(file);
	int ret = vmlab_region_register(region);

	if (!ret)
		vmlab_inspect_stat(region, arg);
	return ret;
}

static long list(struct file *file, void *arg)
{
	return vmlab_inspect_list(arg);
}

static long extents(struct file *file, void *arg)
{
	return vmlab_inspect_extents(vmlab_file_region(file), arg);
}

/* The own file of what a VMA shows; @flags is set to how the VMA allows to open it. */
static struct file *shown_by(const struct vm_area_struct *vma, unsigned int *flags)
{
	const vm_flags_t to_write = VM_SHARED | VM_MAYWRITE;
	struct file *file;

	if (!vma || !vmlab_mapping_is_ours(vma))
		return ERR_PTR(-EFAULT);
	if (!(vma->vm_flags & VM_READ))
		return ERR_PTR(-EACCES);
	*flags = (vma->vm_flags & to_write) == to_write ? O_RDWR : O_RDONLY;
	file = vmlab_mapping_file(vma);
	return file ? get_file(file) : ERR_PTR(-EFAULT);
}

/* The region that the caller has mapped at an address: as shown_by(). */
static struct file *region_at(u64 address, unsigned int *flags)
{
	struct file *file;

	if (address != (unsigned long)address)
		return ERR_PTR(-EFAULT);
	if (mmap_read_lock_killable(current->mm))
		return ERR_PTR(-EINTR);
	file = shown_by(vma_lookup(current->mm, address), flags);
	mmap_read_unlock(current->mm);
	return file;
}

/* The same for the region of @file if @address is 0. From /dev/vmlab: it is not its own. */
static struct file *region_file(struct file *file, u64 address, unsigned int *flags)
{
	if (address)
		return region_at(address, flags);
	*flags = file->f_flags & O_ACCMODE;
	return get_file(vmlab_file_own(file));
}

/* Puts a file, should it be one, to a descriptor that was got for it. */
static int install(int fd, struct file *file)
{
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

static long region_fd(struct file *file, void *arg)
{
	const struct vmlab_region_fd *args = arg;
	struct file *own;
	unsigned int mode;
	int fd;

	if (args->flags & ~O_CLOEXEC || args->__reserved)
		return -EINVAL;
	own = region_file(file, args->address, &mode);
	if (IS_ERR(own))
		return PTR_ERR(own);
	fd = get_unused_fd_flags(args->flags);
	if (fd >= 0)
		fd = install(fd, dentry_open(&own->f_path, mode | O_LARGEFILE, current_cred()));
	fput(own);
	return fd;
}

/*
 * What is written to a clone takes of what the other's pool may have. Of a mount that is for those
 * to take who may write to one of its files.
 */
static int may_clone(struct file *own, unsigned int mode)
{
	if (mode == O_WRONLY)
		return -EBADF;
	if (mode != O_RDONLY || !vmlab_file_region(own)->pool->mounted || capable(CAP_SYS_ADMIN))
		return 0;
	return file_permission(own, MAY_WRITE);
}

static struct file *new_clone(struct vmlab_region *from, unsigned int mode)
{
	struct file *file = vmlab_cow_clone(from, NULL);

	if (!IS_ERR(file) && mode == O_RDONLY)
		vmlab_file_region(file)->by_reader = true;
	return file;
}

static long clone(struct file *file, void *arg)
{
	const struct vmlab_clone *args = arg;
	unsigned int mode;
	struct file *own;
	int ret;

	if (args->flags & ~O_CLOEXEC || args->__reserved)
		return -EINVAL;
	own = region_file(file, args->address, &mode);
	if (IS_ERR(own))
		return PTR_ERR(own);
	ret = may_clone(own, mode) ?: vmlab_region_use(vmlab_file_region(own));
	if (!ret)
		ret = get_unused_fd_flags(args->flags);
	if (ret >= 0)
		ret = install(ret, new_clone(vmlab_file_region(own), mode));
	fput(own);
	return ret;
}

static long address(struct file *file, void *arg)
{
	struct vmlab_address *args = arg;
	u64 *kept = &vmlab_file_region(file)->address;

	if (!PAGE_ALIGNED(args->address) || args->address >= TASK_SIZE)
		return -EINVAL;
	if (args->address) {
		if (!(file->f_mode & FMODE_WRITE))
			return -EBADF;
		cmpxchg64(kept, 0, args->address);	/* the first one stays */
	}
	args->address = READ_ONCE(*kept);
	return 0;
}

static long pool_set(struct file *file, void *arg)
{
	struct vmlab_region *region = vmlab_file_region(file);
	struct vmlab_pool_set *set = arg;
	struct file *store = NULL;
	int ret;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	/* Others' pages are at stake: of a mount by whatever file or clone. */
	if ((region->pool->mounted || region->by_reader) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (set->what & ~VMLAB_POOL_LATENCY && !vmlab_region_may_evict(region))
		return -EOPNOTSUPP;
	if (set->what & VMLAB_POOL_STORE)
		store = fget(set->store_fd);
	ret = vmlab_pool_set(region->pool, set, store);
	if (store)
		fput(store);
	return ret;
}

static long pool_stat(struct file *file, void *arg)
{
	vmlab_pool_stat(vmlab_file_region(file)->pool, arg);
	return 0;
}

static long pool_list(struct file *file, void *arg)
{
	return vmlab_pool_list(arg);
}

static long pool_histograms(struct file *file, void *arg)
{
	return vmlab_pool_histograms(vmlab_file_region(file)->pool, arg);
}

/* The mapped region at an address, and the range there: see struct vmlab_advise. */
static struct file *advised_at(struct vmlab_advise *args, unsigned int *flags)
{
	struct vm_area_struct *vma;
	struct file *file;

	if (mmap_read_lock_killable(current->mm))
		return ERR_PTR(-EINTR);
	vma = vma_lookup(current->mm, args->start);
	file = shown_by(vma, flags);
	if (!IS_ERR(file) && args->length > vma->vm_end - args->start) {
		fput(file);
		file = ERR_PTR(-EFAULT);
	}
	if (!IS_ERR(file))
		args->start = ((u64)vma->vm_pgoff << PAGE_SHIFT) + (args->start - vma->vm_start);
	mmap_read_unlock(current->mm);
	return file;
}

static long advise(struct file *file, void *arg)
{
	struct vmlab_advise *args = arg;
	struct vmlab_region *region;
	unsigned int mode;
	struct file *own;
	u64 end;
	int ret;

	if (args->address > 1 || !args->length || !PAGE_ALIGNED(args->start) ||
	    !PAGE_ALIGNED(args->length) || args->pages ||
	    check_add_overflow(args->start, args->length, &end))
		return -EINVAL;
	if (args->address && args->start != (unsigned long)args->start)
		return -EFAULT;
	own = args->address ? advised_at(args, &mode) : region_file(file, 0, &mode);
	if (IS_ERR(own))
		return PTR_ERR(own);
	region = vmlab_file_region(own);
	ret = vmlab_region_use(region);
	if (!ret && (args->start >= region->limit || args->length > region->limit - args->start))
		ret = -EINVAL;
	if (!ret)
		ret = vmlab_advise(region, args->start >> PAGE_SHIFT,
				   (args->start + args->length - 1) >> PAGE_SHIFT, args->advice,
				   mode != O_RDONLY && vmlab_region_writable(region),
				   &args->pages);
	fput(own);
	return ret;
}

static long record(struct file *file, void *arg)
{
	int ret;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	/* It holds up who uses the region, and tells what he does. */
	if (!inode_owner_or_capable(file_mnt_idmap(vmlab_file_own(file)),
				    &vmlab_file_region(file)->inode))
		return -EPERM;
	ret = vmlab_region_use(vmlab_file_region(file));
	return ret ?: vmlab_record_start(vmlab_file_own(file), arg);
}

union argument {
	struct vmlab_features features;
	struct vmlab_configure configure;
	struct vmlab_stat stat;
	struct vmlab_list list;
	struct vmlab_extents extents;
	struct vmlab_region_fd region_fd;
	struct vmlab_clone clone;
	struct vmlab_address address;
	struct vmlab_pool_set pool_set;
	struct vmlab_pool_stat pool_stat;
	struct vmlab_advise advise;
	struct vmlab_pool_histograms pool_histograms;
	struct vmlab_record record;
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
	REQUEST(VMLAB_IOC_CLONE,	clone,		16),
	REQUEST(VMLAB_IOC_ADDRESS,	address,	8),
	REQUEST(VMLAB_IOC_POOL_SET,	pool_set,	56),
	REQUEST(VMLAB_IOC_POOL_STAT,	pool_stat,	120),
	REQUEST(VMLAB_IOC_ADVISE,	advise,		32),
	REQUEST(VMLAB_IOC_POOL_LIST,	pool_list,	24),
	REQUEST(VMLAB_IOC_POOL_HISTOGRAMS, pool_histograms, 16),
	REQUEST(VMLAB_IOC_RECORD,	record,		8),
};

static_assert(sizeof(struct vmlab_features) == 48);
static_assert(sizeof(struct vmlab_configure) == 32);
static_assert(sizeof(struct vmlab_stat) == 232);
static_assert(sizeof(struct vmlab_list) == 24);
static_assert(sizeof(struct vmlab_extent) == 24);
static_assert(sizeof(struct vmlab_extents) == 32);
static_assert(sizeof(struct vmlab_region_fd) == 16);
static_assert(sizeof(struct vmlab_clone) == 16);
static_assert(sizeof(struct vmlab_address) == 8);
static_assert(sizeof(struct vmlab_pool_set) == 72);
static_assert(sizeof(struct vmlab_pool_stat) == 280);
static_assert(sizeof(struct vmlab_advise) == 32);
static_assert(sizeof(struct vmlab_histogram) == 328);
static_assert(sizeof(struct vmlab_pool_histograms) == 16);
static_assert(sizeof(struct vmlab_record) == 8);

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
