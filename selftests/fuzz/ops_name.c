// SPDX-License-Identifier: GPL-2.0
/* Operations: names of files, and what is stored with a file besides its content. */
#include "fuzz.h"
#include "sys.h"

#include <dirent.h>
#include <sys/xattr.h>

#define VALUE_MAX (64UL << 10) /* bytes of an attribute, as the kernel has it */

static long unlink_file(const uint64_t *a)
{
	char path[128];

	return scratch_name(path, sizeof(path), a[0]) ? SYS(unlink(path)) : REFUSED;
}

static long truncate_file(const uint64_t *a)
{
	char path[128];

	return scratch_name(path, sizeof(path), a[0]) ? SYS(truncate(path, a[1])) : REFUSED;
}

static long rename_file(const uint64_t *a)
{
	char from[128], to[128];

	if (!scratch_name(from, sizeof(from), a[0]) || !scratch_name(to, sizeof(to), a[1]))
		return REFUSED;
	return SYS(renameat2(AT_FDCWD, from, AT_FDCWD, to, a[2]));
}

static long link_file(const uint64_t *a)
{
	char from[128], to[128];

	if (!scratch_name(from, sizeof(from), a[0]) || !scratch_name(to, sizeof(to), a[1]))
		return REFUSED;
	return SYS(link(from, to));
}

/* Perhaps of a file that has no name any more, or none yet. */
static long link_descriptor(const uint64_t *a)
{
	char from[64], to[128];

	if (!scratch_name(to, sizeof(to), a[1]))
		return REFUSED;
	snprintf(from, sizeof(from), "/proc/self/fd/%d", (int)a[0]);
	return SYS(linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW));
}

static long symlink_file(const uint64_t *a)
{
	char target[128], path[128];

	if (!scratch_name(target, sizeof(target), a[0]))
		return REFUSED;
	return scratch_name(path, sizeof(path), a[1]) ? SYS(symlink(target, path)) : REFUSED;
}

static long make_folder(const uint64_t *a)
{
	char path[128];

	return scratch_name(path, sizeof(path), a[0]) ? SYS(mkdir(path, 0700)) : REFUSED;
}

static long remove_folder(const uint64_t *a)
{
	char path[128];

	return scratch_name(path, sizeof(path), a[0]) ? SYS(rmdir(path)) : REFUSED;
}

/* A socket: to open a fifo might wait for good. */
static long make_node(const uint64_t *a)
{
	char path[128];

	if (!scratch_name(path, sizeof(path), a[0]))
		return REFUSED;
	return SYS(mknod(path, S_IFSOCK | 0600, 0));
}

/* Reads all names, perhaps from a position that there is not. */
static long read_folder(const uint64_t *a)
{
	char path[128];
	DIR *folder;

	if (!scratch_folder(path, sizeof(path), a[0]))
		return REFUSED;
	folder = opendir(path);
	if (!folder)
		return -errno;
	if (a[1])
		seekdir(folder, (long)a[1]);
	while (readdir(folder))
		;
	closedir(folder);
	return 0;
}

static long unnamed_file(const uint64_t *a)
{
	char path[128];

	if (!scratch_folder(path, sizeof(path), a[1]))
		return REFUSED;
	return slot_take(open(path, (int)a[2] | O_TMPFILE, 0600), a[0]);
}

static const struct kind attribute = { CHOICE, .names = (const struct name[]){
	{ "user.a", 0 }, { "user.b", 1 }, { "trusted.a", 2 }, { "security.a", 3 },
	{ "security.capability", 4 }, { "system.posix_acl_access", 5 }, { "user.", 6 },
	{ "none.a", 7 }, { }
} };

static const char *attribute_name(uint64_t number)
{
	return attribute.names[number % 8].text;
}

static long set_attribute(const uint64_t *a)
{
	static const char value[VALUE_MAX + PAGE];
	char path[128];

	if (!scratch_name(path, sizeof(path), a[0]) || a[2] > sizeof(value))
		return REFUSED;
	return SYS(lsetxattr(path, attribute_name(a[1]), value, a[2], (int)a[3]));
}

static long get_attribute(const uint64_t *a)
{
	char path[128], value[VALUE_MAX];

	if (!scratch_name(path, sizeof(path), a[0]) || a[2] > sizeof(value))
		return REFUSED;
	return SYS(lgetxattr(path, attribute_name(a[1]), value, a[2]));
}

static long list_attributes(const uint64_t *a)
{
	char path[128], names[VALUE_MAX];

	if (!scratch_name(path, sizeof(path), a[0]) || a[1] > sizeof(names))
		return REFUSED;
	return SYS(llistxattr(path, names, a[1]));
}

static long remove_attribute(const uint64_t *a)
{
	char path[128];

	if (!scratch_name(path, sizeof(path), a[0]))
		return REFUSED;
	return SYS(lremovexattr(path, attribute_name(a[1])));
}

static const struct kind rename_flags = { FLAGS, .names = (const struct name[]){
	{ "RENAME_NOREPLACE", RENAME_NOREPLACE }, { "RENAME_EXCHANGE", RENAME_EXCHANGE },
	{ "RENAME_WHITEOUT", RENAME_WHITEOUT }, { }
}, .usual = (const uint64_t[]){ RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT, 0 } };
static const struct kind folder = { NUMBER, .tame = true, .unit = 1, .most = 3 };
static const struct kind attribute_flags = { FLAGS, .names = (const struct name[]){
	{ "XATTR_CREATE", XATTR_CREATE }, { "XATTR_REPLACE", XATTR_REPLACE }, { }
} };
static const struct kind value_size = { NUMBER, .unit = 16, .most = 200 };

const struct op name_ops[] = {
	{ "unlink", unlink_file, { &file_name } },
	{ "truncate", truncate_file, { &file_name, &size } },
	{ "rename", rename_file, { &file_name, &file_name, &rename_flags } },
	{ "link", link_file, { &file_name, &file_name } },
	{ "link_descriptor", link_descriptor, { &mappable, &file_name } },
	{ "symlink", symlink_file, { &file_name, &file_name } },
	{ "mkdir", make_folder, { &file_name } },
	{ "rmdir", remove_folder, { &file_name } },
	{ "mknod", make_node, { &file_name } },
	{ "readdir", read_folder, { &folder, &count } },
	{ "tmpfile", unnamed_file, { &new_file, &folder, &create_flags } },
	{ "setxattr", set_attribute, { &file_name, &attribute, &value_size, &attribute_flags } },
	{ "getxattr", get_attribute, { &file_name, &attribute, &value_size } },
	{ "listxattr", list_attributes, { &file_name, &value_size } },
	{ "removexattr", remove_attribute, { &file_name, &attribute } },
	{ }
};
