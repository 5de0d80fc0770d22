// SPDX-License-Identifier: GPL-2.0
/*
 * Extended attributes: user.*, trusted.* and what security modules store in security.*.
 * The kernel has checked who may do what (xattr(7)) before it comes here. It has such
 * lists itself, but does not export them.
 */
#include "xattr.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/xattr.h>

#include "pool.h"
#include "region.h"

/**
 * struct vmlab_xattr - an extended attribute
 * @list: in the inode's
 * @rcu: frees it
 * @size: bytes of its value
 * @units: what it counts for among the inodes of its mount
 * @content: the value, and behind it the name
 */
struct vmlab_xattr {
	struct list_head list;
	struct rcu_head rcu;
	size_t size;
	unsigned int units;
	char content[];
};

static const char *name_of(const struct vmlab_xattr *attribute)
{
	return attribute->content + attribute->size;
}

static struct vmlab_xattr *find(struct vmlab_region *region, const char *name)
{
	struct vmlab_xattr *attribute;

	list_for_each_entry_rcu(attribute, &region->xattrs, list,
				lockdep_is_held(&region->inode.i_rwsem)) {
		if (!strcmp(name_of(attribute), name))
			return attribute;
	}
	return NULL;
}

static struct vmlab_xattr *new_attribute(struct vmlab_pool *pool, const char *prefix,
					 const char *name, const void *value, size_t size)
{
	size_t total = struct_size_t(struct vmlab_xattr, content, size) + strlen(prefix) +
		       strlen(name) + 1;
	unsigned int units = DIV_ROUND_UP(total, VMLAB_POOL_UNIT);
	struct vmlab_xattr *attribute;
	int ret = vmlab_pool_take_inodes(pool, units);

	if (ret)
		return ERR_PTR(ret);
	attribute = kvmalloc(total, GFP_KERNEL_ACCOUNT);
	if (!attribute) {
		vmlab_pool_give_inodes(pool, units);
		return ERR_PTR(-ENOMEM);
	}
	attribute->size = size;
	attribute->units = units;
	memcpy(attribute->content, value, size);
	sprintf(attribute->content + size, "%s%s", prefix, name);
	return attribute;
}

/* An attribute left the list; somebody may be reading it. */
static void drop(struct vmlab_pool *pool, struct vmlab_xattr *attribute)
{
	vmlab_pool_give_inodes(pool, attribute->units);
	kvfree_rcu(attribute, rcu);
}

static int get(const struct xattr_handler *handler, struct dentry *dentry,
	       struct inode *inode, const char *suffix, void *buffer, size_t size)
{
	const char *name = xattr_full_name(handler, suffix);
	struct vmlab_xattr *attribute;
	int ret = -ENODATA;

	rcu_read_lock();
	attribute = find(vmlab_inode_region(inode), name);
	if (attribute) {
		ret = attribute->size;
		if (buffer && size < attribute->size)
			ret = -ERANGE;
		else if (buffer)
			memcpy(buffer, attribute->content, attribute->size);
	}
	rcu_read_unlock();
	return ret;
}

/* Caller holds the inode lock. @value NULL: removes it. */
static int set_attribute(struct vmlab_region *region, const char *name, const void *value,
			 size_t size, int flags)
{
	struct vmlab_xattr *old = find(region, name), *new;

	lockdep_assert_held_write(&region->inode.i_rwsem);
	if (old && flags & XATTR_CREATE)
		return -EEXIST;
	if (!old && flags & XATTR_REPLACE)
		return -ENODATA;
	if (value) {
		new = new_attribute(region->pool, "", name, value, size);
		if (IS_ERR(new))
			return PTR_ERR(new);
		if (old)	/* who lists them sees one of the two */
			list_replace_rcu(&old->list, &new->list);
		else
			list_add_tail_rcu(&new->list, &region->xattrs);
	} else if (old) {
		list_del_rcu(&old->list);
	}
	if (old)
		drop(region->pool, old);
	return 0;
}

static int set(const struct xattr_handler *handler, struct mnt_idmap *idmap,
	       struct dentry *dentry, struct inode *inode, const char *suffix,
	       const void *value, size_t size, int flags)
{
	const char *name = xattr_full_name(handler, suffix);
	int ret = set_attribute(vmlab_inode_region(inode), name, value, size, flags);

	if (!ret)
		inode_set_ctime_current(inode);
	return ret;
}

/**
 * vmlab_xattr_list - inode_operations.listxattr
 * @dentry: the file
 * @buffer: gets the names, each with its NUL; or NULL
 * @size: bytes there
 *
 * Return: bytes of all names, or -ERANGE.
 */
ssize_t vmlab_xattr_list(struct dentry *dentry, char *buffer, size_t size)
{
	struct vmlab_region *region = vmlab_inode_region(d_inode(dentry));
	bool privileged = ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
	struct vmlab_xattr *attribute;
	ssize_t used = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(attribute, &region->xattrs, list) {
		const char *name = name_of(attribute);
		size_t length = strlen(name) + 1;

		if (!privileged && strstarts(name, XATTR_TRUSTED_PREFIX))
			continue;
		if (buffer && used + length > size) {
			used = -ERANGE;
			break;
		}
		if (buffer)
			memcpy(buffer + used, name, length);
		used += length;
	}
	rcu_read_unlock();
	return used;
}

/**
 * vmlab_xattr_init - what a security module wants of a new inode
 * @inode: the inode, which nobody else knows yet
 * @attributes: names behind "security.", and values; the last has no name
 * @data: not used
 *
 * Return: 0 or -errno: then the inode is to go.
 */
int vmlab_xattr_init(struct inode *inode, const struct xattr *attributes, void *data)
{
	struct vmlab_region *region = vmlab_inode_region(inode);

	for (; attributes->name; attributes++) {
		struct vmlab_xattr *new;

		new = new_attribute(region->pool, XATTR_SECURITY_PREFIX, attributes->name,
				    attributes->value, attributes->value_len);
		if (IS_ERR(new))
			return PTR_ERR(new);
		list_add_tail_rcu(&new->list, &region->xattrs);
	}
	return 0;
}

/* The inode goes. */
void vmlab_xattrs_free(struct vmlab_region *region)
{
	struct vmlab_xattr *attribute, *next;

	list_for_each_entry_safe(attribute, next, &region->xattrs, list) {
		vmlab_pool_give_inodes(region->pool, attribute->units);
		kvfree(attribute);
	}
}

static const struct xattr_handler user = {
	.prefix	= XATTR_USER_PREFIX,
	.get	= get,
	.set	= set,
};

static const struct xattr_handler trusted = {
	.prefix	= XATTR_TRUSTED_PREFIX,
	.get	= get,
	.set	= set,
};

static const struct xattr_handler security = {
	.prefix	= XATTR_SECURITY_PREFIX,
	.get	= get,
	.set	= set,
};

vmlab_xattr_handler vmlab_xattr_handlers[] = { &user, &trusted, &security, NULL };
