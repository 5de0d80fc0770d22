// SPDX-License-Identifier: GPL-2.0
/*
 * Inodes: those of regions, and the others of a mount. All have the memory of a region,
 * as it is not known what an inode is to be when it is allocated.
 */
#include "inode.h"

#include <linux/blk_types.h>
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/xattr.h>

#include "dir.h"
#include "huge.h"
#include "index.h"
#include "io.h"
#include "page.h"
#include "pool.h"
#include "region.h"
#include "stats.h"
#include "swap.h"
#include "xattr.h"

static struct kmem_cache *region_cache;

/* Regions whose memory is not free yet. */
static atomic_t nr_allocated = ATOMIC_INIT(0);

static void init_once(void *memory)
{
	struct vmlab_region *region = memory;

	inode_init_once(&region->inode);
}

/* super_operations.alloc_inode. s_fs_info is the mount's pool, or NULL. */
struct inode *vmlab_inode_alloc(struct super_block *sb)
{
	struct vmlab_region *region = alloc_inode_sb(sb, region_cache, GFP_KERNEL);

	if (!region)
		return NULL;
	memset((void *)region + sizeof(region->inode), 0,
	       sizeof(*region) - sizeof(region->inode));
	region->pool = vmlab_pool_get(sb->s_fs_info);
	INIT_LIST_HEAD(&region->xattrs);
	vmlab_index_init(&region->index);
	atomic_long_set(&region->carried, 1);
	atomic_inc(&nr_allocated);
	return &region->inode;
}

/*
 * After an RCU grace period: vmlab_region_next() may have found it till then, or a lookup
 * have followed it.
 */
static void free_region(struct rcu_head *rcu)
{
	struct inode *inode = container_of(rcu, struct inode, i_rcu);
	struct vmlab_region *region = vmlab_inode_region(inode);

	if (S_ISLNK(inode->i_mode))
		kfree(inode->i_link);
	put_pid(region->pid);
	vmlab_counters_free(&region->counters);
	vmlab_pool_put(region->pool);
	kmem_cache_free(region_cache, region);
	if (atomic_dec_and_test(&nr_allocated))
		wake_up_var(&nr_allocated);
}

static void free_region_later(struct rcu_head *rcu)
{
	call_rcu_tasks(rcu, free_region);
}

/**
 * vmlab_region_carry - have a region's memory stay, as a page that carries its mapping does
 * @region: the region, valid under RCU
 *
 * Context: any, inside rcu_read_lock().
 * Return: does it? Then vmlab_region_put_carried() is due.
 */
bool vmlab_region_carry(struct vmlab_region *region)
{
	return atomic_long_inc_not_zero(&region->carried);
}

/**
 * vmlab_region_put_carried - one page less carries the region's mapping
 * @region: the region, which may be at its end
 *
 * Context: any.
 */
void vmlab_region_put_carried(struct vmlab_region *region)
{
	if (atomic_long_dec_return(&region->carried))
		return;
	/*
	 * The kernel looks at the mapping of a page that a fault gave it once more when it holds
	 * nothing but a reference to the VMA's file. That is another region's if it is copied
	 * at forks; but who looks does not sleep before that.
	 */
	if (region->flags & VMLAB_REGION_COW_FORK && region->flags & VMLAB_REGION_HUGE)
		call_rcu(&region->inode.i_rcu, free_region_later);
	else
		call_rcu(&region->inode.i_rcu, free_region);
}

/* super_operations.destroy_inode */
void vmlab_inode_destroy(struct inode *inode)
{
	vmlab_region_put_carried(vmlab_inode_region(inode));
}

/* super_operations.evict_inode */
void vmlab_inode_evict(struct inode *inode)
{
	struct vmlab_region *region = vmlab_inode_region(inode);

	vmlab_region_destroy(region);
	vmlab_xattrs_free(region);
	if (vmlab_region_is_file(region))
		vmlab_pool_give_inodes(region->pool, 1);
	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
}

/*
 * Pages carry the region's mapping, and so what the kernel finds dirty in a page
 * table arrives here, under the PTE lock.
 */
static bool dirty_folio(struct address_space *mapping, struct folio *folio)
{
	struct vmlab_region *region = vmlab_inode_region(mapping->host);

	vmlab_swap_written(folio);
	if (vmlab_region_tracks_writes(region))
		vmlab_page_dirty(region, folio);
	return false;
}

static const struct address_space_operations region_aops = {
	.dirty_folio	= dirty_folio,
};

static int set_size(struct inode *inode, loff_t size)
{
	loff_t old_size = vmlab_inode_size(inode);
	int ret = vmlab_io_truncate(vmlab_inode_region(inode), size);

	if (!ret && size != old_size)
		inode_touch(inode);
	return ret;
}

/* inode_operations.setattr of inodes of every kind */
int vmlab_inode_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	int ret = setattr_prepare(idmap, dentry, attr);

	if (!ret && attr->ia_valid & ATTR_SIZE)
		ret = set_size(inode, attr->ia_size);
	if (!ret)
		setattr_copy(idmap, inode, attr);
	return ret;
}

/* inode_operations.getattr of inodes of every kind */
int vmlab_inode_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat,
			u32 request_mask, unsigned int query_flags)
{
	struct vmlab_region *region = vmlab_inode_region(d_inode(path->dentry));

	simple_getattr(idmap, path, stat, request_mask, query_flags);
	stat->btime = region->btime;
	stat->result_mask |= STATX_BTIME;
	stat->blocks = vmlab_counter_sum(&region->counters, VMLAB_RESIDENT)
		       << (PAGE_SHIFT - SECTOR_SHIFT);
	return 0;
}

static const struct inode_operations inode_ops = {
	.setattr	= vmlab_inode_setattr,
	.getattr	= vmlab_inode_getattr,
	.listxattr	= vmlab_xattr_list,
};

/**
 * vmlab_inode_init_region - make an inode that of a region
 * @inode: a new inode; its mode, owner and times are the caller's business
 * @limit: bytes that the region may have
 */
void vmlab_inode_init_region(struct inode *inode, u64 limit)
{
	inode->i_op = &inode_ops;
	inode->i_fop = &vmlab_region_fops;
	inode->i_mapping->a_ops = &region_aops;
	vmlab_region_init(vmlab_inode_region(inode), limit);
}

static void init_kind(struct inode *inode, umode_t mode, dev_t dev)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		vmlab_inode_init_region(inode, inode->i_sb->s_maxbytes);
		/* There is nothing to configure. */
		atomic_set(&vmlab_inode_region(inode)->state, VMLAB_REGION_IN_USE);
		break;
	case S_IFDIR:
		inc_nlink(inode);
		inode->i_size = PAGE_SIZE;	/* some programs take 0 for broken */
		inode->i_op = &vmlab_dir_ops;
		inode->i_fop = &simple_dir_operations;
		break;
	case S_IFLNK:
		inode->i_op = &vmlab_symlink_ops;
		break;
	default:
		inode->i_op = &inode_ops;
		init_special_inode(inode, mode, dev);
	}
}

/**
 * vmlab_inode_new - a new inode of a mount
 * @idmap: as the file system's operation was given it
 * @sb: the mount
 * @dir: the directory that it will be in, or NULL
 * @mode: its kind and permissions
 * @dev: the device, if it is one
 *
 * Context: may sleep.
 * Return: a reference for the caller, or an ERR_PTR(): -ENOSPC, -ENOMEM. A symbolic link
 * needs its i_link yet.
 */
struct inode *vmlab_inode_new(struct mnt_idmap *idmap, struct super_block *sb,
			      struct inode *dir, umode_t mode, dev_t dev)
{
	struct vmlab_pool *pool = sb->s_fs_info;
	struct inode *inode;
	int ret = vmlab_pool_take_inodes(pool, 1);

	if (ret)
		return ERR_PTR(ret);
	inode = new_inode(sb);
	if (!inode) {
		vmlab_pool_give_inodes(pool, 1);
		return ERR_PTR(-ENOMEM);
	}
	if (S_ISREG(mode) && READ_ONCE(pool->huge)) {
		ret = vmlab_huge_enable();
		if (ret) {
			iput(inode);
			return ERR_PTR(ret);
		}
		vmlab_inode_region(inode)->flags |= VMLAB_REGION_HUGE;
	}
	inode->i_ino = atomic_long_inc_return(&pool->next_ino);
	inode_init_owner(idmap, inode, dir, mode);
	simple_inode_init_ts(inode);
	vmlab_inode_region(inode)->btime = current_time(inode);
	init_kind(inode, mode, dev);
	lockdep_annotate_inode_mutex_key(inode);
	return inode;
}

int vmlab_inode_init_cache(void)
{
	region_cache = kmem_cache_create("vmlab_region", sizeof(struct vmlab_region), 0,
					 SLAB_ACCOUNT, init_once);
	return region_cache ? 0 : -ENOMEM;
}

/* Nobody has a region any more; the last inodes may still wait for RCU. */
void vmlab_inode_exit_cache(void)
{
	wait_var_event(&nr_allocated, !atomic_read(&nr_allocated));
	/* The last free_region() is over, and all nodes are free. */
	rcu_barrier_tasks();
	rcu_barrier();
	kmem_cache_destroy(region_cache);
}
