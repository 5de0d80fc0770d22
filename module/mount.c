// SPDX-License-Identifier: GPL-2.0
/*
 * The file system that users mount: its options, its figures, its beginning and end. A
 * regular file there is a region (inode.c), a name is as in dir.c.
 *
 * Only those may mount it who may mount anything: memory cgroups do not count all of
 * what names and inodes take.
 */
#include "mount.h"

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/statfs.h>
#include <linux/string.h>
#include <linux/vmlab.h>

#include "compat.h"
#include "fs.h"
#include "huge.h"
#include "inode.h"
#include "policy/policy.h"
#include "policy_list.h"
#include "pool.h"
#include "region.h"
#include "store.h"
#include "xattr.h"

enum option {
	OPTION_SIZE,
	OPTION_NR_INODES,
	OPTION_HUGE,
	OPTION_BUDGET,
	OPTION_POLICY,
	OPTION_CODEC,
	OPTION_STORE,
	OPTION_STORE_LIMIT,
	OPTION_FRONT,
	OPTION_MODE,
	OPTION_UID,
	OPTION_GID,
};

static const struct constant_table huge_values[] = {
	{ "never",	VMLAB_HUGE_NEVER },
	{ "advise",	VMLAB_HUGE_ADVISE },
	{ "always",	VMLAB_HUGE_ALWAYS },
	{}
};

static const struct fs_parameter_spec parameters[] = {
	fsparam_string("size",		OPTION_SIZE),
	fsparam_string("nr_inodes",	OPTION_NR_INODES),
	fsparam_enum("huge",		OPTION_HUGE, huge_values),
	fsparam_string("budget",	OPTION_BUDGET),
	fsparam_string("policy",	OPTION_POLICY),
	fsparam_string("codec",		OPTION_CODEC),
	fsparam_string("store",		OPTION_STORE),
	fsparam_string("store_limit",	OPTION_STORE_LIMIT),
	fsparam_string("front",		OPTION_FRONT),
	fsparam_u32oct("mode",		OPTION_MODE),
	fsparam_u32("uid",		OPTION_UID),
	fsparam_u32("gid",		OPTION_GID),
	{}
};

/**
 * struct options - what a mount or remount asks for
 * @given: a bit for each that was given
 * @pages: limit of pages; VMLAB_POOL_UNLIMITED is none
 * @inodes: limit of inodes, likewise
 * @huge: enum vmlab_huge_policy
 * @pool: budget, policy and store: what is given of them
 * @store: the file that is the store, open; NULL if none is given
 * @mode: of the root directory
 * @uid: its owner
 * @gid: its group
 */
struct options {
	unsigned long given;
	long pages;
	long inodes;
	unsigned int huge;
	struct vmlab_pool_set pool;
	struct file *store;
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
};

/* A number, perhaps with a suffix (K, M, ...), or a percentage of @all. */
static bool parse_amount(const char *text, u64 all, u64 *amount)
{
	char *end;

	*amount = memparse(text, &end);
	if (end == text)
		return false;
	if (*end == '%') {
		if (*amount > 100)
			return false;
		*amount = div_u64(all, 100) * *amount;
		end++;
	}
	return !*end && *amount <= VMLAB_SIZE_MAX;
}

/* Zero stands for no limit. */
static bool parse_limit(const char *text, u64 all, u64 unit, long *limit)
{
	u64 amount;

	if (!parse_amount(text, all, &amount))
		return false;
	*limit = amount ? DIV_ROUND_UP_ULL(amount, unit) : VMLAB_POOL_UNLIMITED;
	return true;
}

/* What memory of a pool may be: rounded up to whole pages, as a size is. */
static bool parse_memory(const char *text, u64 ram, u64 *bytes)
{
	if (!parse_amount(text, ram, bytes))
		return false;
	*bytes = PAGE_ALIGN(*bytes);
	return *bytes >= VMLAB_POOL_BUDGET_MIN && *bytes <= ram;
}

/* That, or "none". */
static bool parse_budget(const char *text, u64 ram, u64 *budget)
{
	if (strcmp(text, "none"))
		return parse_memory(text, ram, budget);
	*budget = VMLAB_POOL_UNLIMITED_BUDGET;
	return true;
}

/* There are few of them, and none with a longer name. */
static bool parse_name(const char *text, u8 *name)
{
	return *text && strscpy_pad((char *)name, text, VMLAB_POOL_NAME) > 0;
}

static bool parse_pool(enum option option, const char *text, struct vmlab_pool_set *set)
{
	u64 ram = (u64)totalram_pages() << PAGE_SHIFT;

	switch (option) {
	case OPTION_BUDGET:
		set->what |= VMLAB_POOL_BUDGET;
		return parse_budget(text, ram, &set->budget);
	case OPTION_POLICY:
		set->what |= VMLAB_POOL_POLICY;
		return parse_name(text, set->policy) && vmlab_policy_exists(text);
	case OPTION_CODEC:
		set->what |= VMLAB_POOL_CODEC;
		return parse_name(text, set->codec);
	case OPTION_FRONT:
		set->what |= VMLAB_POOL_FRONT;
		return parse_memory(text, ram, &set->front);
	default:
		set->what |= VMLAB_POOL_STORE_LIMIT;
		return parse_amount(text, ram, &set->store_limit);
	}
}

/*
 * Is it what the options show? The file itself may have been removed, or be elsewhere by now.
 * Returns -ENOMEM if that cannot be told.
 */
static int shows_store(struct fs_context *fc, const char *path)
{
	struct vmlab_pool *pool;
	struct file *file = NULL;
	const char *shown;
	char *buffer;
	int ret;

	if (fc->purpose != FS_CONTEXT_FOR_RECONFIGURE)
		return 0;
	pool = fc->root->d_sb->s_fs_info;
	if (smp_load_acquire(&pool->swapping))	/* pairs with begin() in pool_config.c */
		file = vmlab_store_in_file(pool->store);
	if (!file)
		return 0;
	buffer = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	shown = d_path(&file->f_path, buffer, PATH_MAX);
	ret = !IS_ERR(shown) && !strcmp(shown, path);
	kfree(buffer);
	return ret;
}

/* "zs", or "file:" and a path: whoever mounts must be allowed to write there. */
static int parse_store(struct fs_context *fc, const char *text, struct options *options)
{
	static const char prefix[] = "file:";
	struct file *file = NULL;
	int shown;

	if (!strncmp(text, prefix, strlen(prefix))) {
		file = filp_open(text + strlen(prefix), O_RDWR | O_LARGEFILE, 0);
		shown = IS_ERR(file) ? shows_store(fc, text + strlen(prefix)) : 0;
		if (shown)
			return min(shown, 0);
		if (IS_ERR(file)) {
			errorfc(fc, "The store '%s' cannot be opened", text);
			return PTR_ERR(file);
		}
	} else if (strcmp(text, "zs")) {
		return invalfc(fc, "The store is 'zs' or 'file:PATH'");
	}
	if (options->store)
		fput(options->store);
	options->store = file;
	options->pool.what |= VMLAB_POOL_STORE;
	options->pool.store_fd = file ? 0 : VMLAB_POOL_IN_MEMORY;
	return 0;
}

static bool parse_owner(struct fs_context *fc, enum option option, u32 id,
			struct options *options)
{
	if (option == OPTION_UID) {
		options->uid = make_kuid(current_user_ns(), id);
		return kuid_has_mapping(fc->user_ns, options->uid);
	}
	options->gid = make_kgid(current_user_ns(), id);
	return kgid_has_mapping(fc->user_ns, options->gid);
}

static bool parse(struct fs_context *fc, enum option option, const char *text, u32 number,
		  struct options *options)
{
	u64 ram = (u64)totalram_pages() << PAGE_SHIFT;

	switch (option) {
	case OPTION_SIZE:
		return parse_limit(text, ram, PAGE_SIZE, &options->pages);
	case OPTION_NR_INODES:
		return parse_limit(text, totalram_pages(), 1, &options->inodes);
	case OPTION_HUGE:
		options->huge = number;
		return true;
	case OPTION_BUDGET:
	case OPTION_POLICY:
	case OPTION_CODEC:
	case OPTION_STORE_LIMIT:
	case OPTION_FRONT:
		return parse_pool(option, text, &options->pool);
	case OPTION_MODE:
		options->mode = number;
		return !(number & ~S_IALLUGO);
	default:
		return parse_owner(fc, option, number, options);
	}
}

static int parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	struct options *options = fc->fs_private;
	struct fs_parse_result result;
	int option = fs_parse(fc, parameters, param, &result);

	if (option < 0)
		return option;
	if (option == OPTION_STORE)
		return parse_store(fc, param->string, options);
	if (!parse(fc, option, param->string, result.uint_32, options))
		return invalfc(fc, "Bad value for '%s'", param->key);
	__set_bit(option, &options->given);
	return 0;
}

static void set_limits(struct vmlab_pool *pool, const struct options *options)
{
	if (test_bit(OPTION_SIZE, &options->given))
		WRITE_ONCE(pool->max_pages, options->pages);
	if (test_bit(OPTION_NR_INODES, &options->given))
		WRITE_ONCE(pool->max_inodes, options->inodes);
	if (test_bit(OPTION_HUGE, &options->given))
		WRITE_ONCE(pool->huge, options->huge);
}

static void set_root(struct inode *inode, const struct options *options)
{
	if (!(options->given & (BIT(OPTION_MODE) | BIT(OPTION_UID) | BIT(OPTION_GID))))
		return;
	inode_set_ctime_current(inode);
	if (test_bit(OPTION_MODE, &options->given))
		inode->i_mode = (inode->i_mode & S_IFMT) | options->mode;
	if (test_bit(OPTION_UID, &options->given))
		inode->i_uid = options->uid;
	if (test_bit(OPTION_GID, &options->given))
		inode->i_gid = options->gid;
}

/* Takes out what is in force already: mount(8) repeats all of it in a remount. */
static void drop_unchanged(struct vmlab_pool *pool, struct vmlab_pool_set *set)
{
	struct vmlab_pool_stat stat;

	vmlab_pool_stat(pool, &stat);
	if (set->budget == stat.budget)
		set->what &= ~VMLAB_POOL_BUDGET;
	if (!strcmp(set->policy, stat.policy))
		set->what &= ~VMLAB_POOL_POLICY;
	if (!strcmp(set->codec, stat.codec))
		set->what &= ~VMLAB_POOL_CODEC;
	if (*stat.codec && set->store_limit == stat.store_limit)
		set->what &= ~VMLAB_POOL_STORE_LIMIT;
	/* Another codec is refused for what it is, not for want of a front. */
	if (set->front == stat.front && !(set->what & VMLAB_POOL_CODEC))
		set->what &= ~VMLAB_POOL_FRONT;
}

/* All values are as they may be: what the pool has against them has to do with the store. */
static int explain(struct fs_context *fc, int ret, const struct vmlab_pool_set *set)
{
	switch (ret) {
	case -ENOENT:
		/* It was there when the option was read. */
		if (set->what & VMLAB_POOL_POLICY && !vmlab_policy_exists(set->policy))
			return invalfc(fc, "The policy '%s' has just gone", set->policy);
		return invalfc(fc, "There is no codec '%s'", set->codec);
	case -EBUSY:
		return invalfc(fc, "What stores pages stays, and a file is of one pool");
	case -ELOOP:
		return invalfc(fc, "The store is itself in a region");
	case -EINVAL:
		if (set->what & VMLAB_POOL_FRONT &&
		    (!(set->what & VMLAB_POOL_STORE) ||
		     set->store_fd == VMLAB_POOL_IN_MEMORY))
			return invalfc(fc, "The front is that of a store in a file");
		if (set->what & VMLAB_POOL_CODEC)
			return invalfc(fc, "A file has no codec without a front");
		return invalfc(fc, "The store is an empty file, or neither file nor block device");
	}
	return ret;
}

static int set_pool(struct fs_context *fc, struct vmlab_pool *pool, const struct options *options)
{
	struct vmlab_pool_set set = options->pool;

	drop_unchanged(pool, &set);
	return set.what ? explain(fc, vmlab_pool_set(pool, &set, options->store), &set) : 0;
}

/*
 * Does a limit become one that is less than what is in use? That may be more than the limit, which
 * is no reason to refuse the same one again.
 */
static bool is_too_low(long limit, long old, atomic_long_t *in_use)
{
	return limit < min(old, atomic_long_read(in_use));
}

static int reconfigure(struct fs_context *fc)
{
	struct vmlab_pool *pool = fc->root->d_sb->s_fs_info;
	const struct options *options = fc->fs_private;
	struct inode *root = d_inode(fc->root->d_sb->s_root);
	int ret;

	if (test_bit(OPTION_SIZE, &options->given) &&
	    is_too_low(options->pages, pool->max_pages, &pool->pages))
		return invalfc(fc, "More than this size is in use");
	if (test_bit(OPTION_NR_INODES, &options->given) &&
	    is_too_low(options->inodes, pool->max_inodes, &pool->inodes))
		return invalfc(fc, "More inodes than these are in use");
	ret = set_pool(fc, pool, options);
	if (ret)
		return ret;
	set_limits(pool, options);
	inode_lock(root);
	set_root(root, options);
	inode_unlock(root);
	return 0;
}

static long shown_limit(long limit)
{
	return limit == VMLAB_POOL_UNLIMITED ? 0 : limit;
}

/* Nothing, as long as the pool never had a budget, a policy or a store. */
static void show_pool(struct seq_file *m, struct vmlab_pool *pool)
{
	struct vmlab_pool_stat stat;
	struct file *file;

	vmlab_pool_stat(pool, &stat);
	if (!*stat.policy)
		return;
	if (stat.budget == VMLAB_POOL_UNLIMITED_BUDGET)
		seq_puts(m, ",budget=none");
	else
		seq_printf(m, ",budget=%lluk", stat.budget >> 10);
	seq_printf(m, ",policy=%s", stat.policy);
	file = vmlab_store_in_file(pool->store);
	if (file) {
		seq_puts(m, ",store=file:");
		seq_file_path(m, file, " \t\n\\,#");
	}
	if (stat.front)
		seq_printf(m, ",front=%lluk", stat.front >> 10);
	if (stat.front || !file)
		seq_printf(m, ",codec=%s", stat.codec);
	seq_printf(m, ",store_limit=%llu", stat.store_limit);
}

/*
 * What is in force, all of it: mount(8) gives it to a remount again with what is to
 * change.
 */
static int show_options(struct seq_file *m, struct dentry *root)
{
	struct vmlab_pool *pool = root->d_sb->s_fs_info;
	struct inode *inode = d_inode(root->d_sb->s_root);

	seq_printf(m, ",size=%luk", shown_limit(READ_ONCE(pool->max_pages)) << (PAGE_SHIFT - 10));
	seq_printf(m, ",nr_inodes=%lu", shown_limit(READ_ONCE(pool->max_inodes)));
	seq_printf(m, ",huge=%s", huge_values[READ_ONCE(pool->huge)].name);
	show_pool(m, pool);
	seq_printf(m, ",mode=%03ho", (umode_t)(inode->i_mode & S_IALLUGO));
	if (!uid_eq(inode->i_uid, GLOBAL_ROOT_UID))
		seq_printf(m, ",uid=%u", from_kuid_munged(seq_user_ns(m), inode->i_uid));
	if (!gid_eq(inode->i_gid, GLOBAL_ROOT_GID))
		seq_printf(m, ",gid=%u", from_kgid_munged(seq_user_ns(m), inode->i_gid));
	return 0;
}

/* Where there is no limit the figures are 0, as tmpfs has it. */
static int statfs(struct dentry *dentry, struct kstatfs *buf)
{
	struct super_block *sb = dentry->d_sb;
	struct vmlab_pool *pool = sb->s_fs_info;
	long max_inodes = READ_ONCE(pool->max_inodes);

	buf->f_type = sb->s_magic;
	buf->f_bsize = PAGE_SIZE;
	buf->f_namelen = NAME_MAX;
	buf->f_fsid = u64_to_fsid(huge_encode_dev(sb->s_dev));
	buf->f_blocks = shown_limit(READ_ONCE(pool->max_pages));
	if (buf->f_blocks) {
		buf->f_bfree = vmlab_pool_pages_left(pool);
		buf->f_bavail = vmlab_pages_left(pool);
	}
	buf->f_files = shown_limit(max_inodes);
	if (buf->f_files)
		buf->f_ffree = max(max_inodes - atomic_long_read(&pool->inodes), 0L);
	return 0;
}

static const struct super_operations super_ops = {
	.alloc_inode	= vmlab_inode_alloc,
	.destroy_inode	= vmlab_inode_destroy,
	.evict_inode	= vmlab_inode_evict,
	.drop_inode	= inode_just_drop,
	.statfs		= statfs,
	.show_options	= show_options,
};

/* After an error kill_sb() is called. */
static int fill_super(struct super_block *sb, struct fs_context *fc)
{
	const struct options *options = fc->fs_private;
	struct vmlab_pool *pool;
	struct inode *root;
	int ret;

	pool = vmlab_pool_new(options->pages, options->inodes, options->huge);
	if (!pool)
		return -ENOMEM;
	pool->mounted = true;
	sb->s_fs_info = pool;
	ret = set_pool(fc, pool, options);
	if (ret)
		return ret;
	sb->s_maxbytes = VMLAB_SIZE_MAX;
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_magic = VMLAB_FS_MAGIC;
	sb->s_op = &super_ops;
	sb->s_xattr = vmlab_xattr_handlers;
	sb->s_time_gran = 1;
	sb->s_flags |= SB_NOSEC;
	root = vmlab_inode_new(&nop_mnt_idmap, sb, NULL, S_IFDIR | options->mode, 0);
	if (IS_ERR(root))
		return PTR_ERR(root);
	set_root(root, options);
	sb->s_root = d_make_root(root);
	return sb->s_root ? 0 : -ENOMEM;
}

static int get_tree(struct fs_context *fc)
{
	return get_tree_nodev(fc, fill_super);
}

static void free_fs_context(struct fs_context *fc)
{
	struct options *options = fc->fs_private;

	if (options->store)
		fput(options->store);
	kfree(options);
}

static const struct fs_context_operations context_ops = {
	.free		= free_fs_context,
	.parse_param	= parse_param,
	.get_tree	= get_tree,
	.reconfigure	= reconfigure,
};

/* Unless something else is asked for: half of the memory, as tmpfs. */
static int init_fs_context(struct fs_context *fc)
{
	struct options *options = kzalloc(sizeof(*options), GFP_KERNEL);

	if (!options)
		return -ENOMEM;
	options->pages = totalram_pages() / 2;
	options->inodes = totalram_pages() / 2;
	options->mode = S_ISVTX | 0777;
	fc->fs_private = options;
	fc->ops = &context_ops;
	return 0;
}

static void kill_sb(struct super_block *sb)
{
	vmlab_kill_super(sb);
	vmlab_pool_put(sb->s_fs_info);
}

static struct file_system_type fs_type = {
	.owner		= THIS_MODULE,
	.name		= "vmlab",
	.init_fs_context = init_fs_context,
	.parameters	= parameters,
	.kill_sb	= kill_sb,
};

int vmlab_mount_init(void)
{
	return register_filesystem(&fs_type);
}

void vmlab_mount_exit(void)
{
	unregister_filesystem(&fs_type);
}
