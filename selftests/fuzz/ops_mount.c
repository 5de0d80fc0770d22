// SPDX-License-Identifier: GPL-2.0
/*
 * Operations: the mount of vmlab that programs have names on, and others above it. What
 * they leave there is replaced before the next program.
 */
#include "fuzz.h"
#include "sys.h"

#define OPTIONS_EACH 3

/* From here on an option is a store in the file of that number. */
#define STORES 100

static const struct kind option = { CHOICE, .names = (const struct name[]){
	{ "-", 0 },	/* none */
	{ "size=0", 1 }, { "size=4k", 2 }, { "size=2M", 3 }, { "size=16777215", 4 },
	{ "size=50%", 5 }, { "size=101%", 6 }, { "size=1E", 7 }, { "size=2E", 8 },
	{ "size=-1", 9 }, { "size=", 10 }, { "size", 11 },
	{ "nr_inodes=0", 12 }, { "nr_inodes=1", 13 }, { "nr_inodes=4", 14 },
	{ "nr_inodes=1k", 15 }, { "nr_inodes=18446744073709551615", 16 }, { "nr_inodes=x", 17 },
	{ "huge=always", 18 }, { "huge=advise", 19 }, { "huge=never", 20 }, { "huge=x", 21 },
	{ "huge", 22 },
	{ "mode=0", 23 }, { "mode=755", 24 }, { "mode=1777", 25 }, { "mode=10000", 26 },
	{ "mode=8", 27 },
	{ "uid=65534", 28 }, { "uid=4294967295", 29 }, { "uid=x", 30 },
	{ "gid=65534", 31 }, { "gid=-1", 32 }, { "nonsense=1", 33 },
	{ "budget=64k", 34 }, { "budget=1M", 35 }, { "budget=none", 36 }, { "budget=1", 37 },
	{ "budget=101%", 38 }, { "budget=", 39 }, { "policy=arc", 40 }, { "policy=lirs", 41 },
	{ "policy=random", 42 }, { "policy=x", 43 }, { "policy=", 44 }, { "codec=zstd", 45 },
	{ "codec=lzo-rle", 46 }, { "codec=x", 47 }, { "store_limit=8k", 48 },
	{ "store_limit=0", 49 }, { "store_limit=x", 50 }, { "front=64k", 55 }, { "front=1m", 56 },
	{ "front=x", 57 }, { "store=zs", 51 }, { "store=", 52 },
	{ "store=file:", 53 }, { "store=file:/dev/zero", 54 }, { "store=file:0", STORES },
	{ "store=file:2", STORES + 2 }, { "store=file:4", STORES + 4 },
	{ "store=file:6", STORES + 6 }, { }
} };

/* A number that is none of them stands for itself, and so is no option. */
static void append(char *text, size_t size, uint64_t number)
{
	const struct name *name = option.names;
	size_t used = strlen(text);
	char path[128];

	while (name->text && name->value != number)
		name++;
	if (name->text && number >= STORES && scratch_name(path, sizeof(path), number - STORES))
		snprintf(text + used, size - used, "%sstore=file:%s", used ? "," : "", path);
	else if (name->text && number)
		snprintf(text + used, size - used, "%s%s", used ? "," : "", name->text);
	else if (number)
		snprintf(text + used, size - used, "%s%#lx", used ? "," : "", number);
}

static long mount_with(unsigned long flags, const char *text)
{
	char path[128];

	scratch_mountpoint(path, sizeof(path));
	return SYS(mount("none", path, "vmlab", flags, text));
}

static long mount_options(unsigned long flags, const uint64_t *options)
{
	char text[256] = "";

	for (int i = 0; i < OPTIONS_EACH; i++)
		append(text, sizeof(text), options[i]);
	return mount_with(flags, text);
}

static long remount(const uint64_t *a)
{
	return mount_options(MS_REMOUNT | a[OPTIONS_EACH], a);
}

static long mount_another(const uint64_t *a)
{
	return mount_options(a[OPTIONS_EACH] & ~(uint64_t)MS_REMOUNT, a);
}

static long remount_limits(const uint64_t *a)
{
	char text[96];

	snprintf(text, sizeof(text), "size=%lu,nr_inodes=%lu", a[0], a[1]);
	return mount_with(MS_REMOUNT, text);
}

/* One option in the way that mount() has no word for. It may be a descriptor: any will do. */
static void set_option(int fs, unsigned int how, uint64_t number)
{
	char text[160] = "", *value;

	append(text, sizeof(text), number);
	value = strchr(text, '=');
	if (value)
		*value++ = '\0';
	switch (how) {
	case FSCONFIG_SET_FLAG:
		fsconfig(fs, how, text, NULL, 0);
		break;
	case FSCONFIG_SET_FD:
		fsconfig(fs, how, text, NULL, fs);
		break;
	case FSCONFIG_SET_BINARY:
		fsconfig(fs, how, text, value, value ? (int)strlen(value) : 0);
		break;
	default:
		fsconfig(fs, how, text, value, how == FSCONFIG_SET_STRING ? 0 : AT_FDCWD);
	}
}

/* Options one by one, for a mount that is then made and nowhere attached, or for that there is. */
static long configure(const uint64_t *a)
{
	const unsigned int pick = (unsigned int)a[3] & ~FSPICK_CLOEXEC;
	char path[128];
	int fs, made;
	long ret;

	scratch_mountpoint(path, sizeof(path));
	fs = pick ? fspick(AT_FDCWD, path, pick) : fsopen("vmlab", 0);
	if (fs < 0)
		return -errno;
	set_option(fs, (unsigned int)a[2], a[0]);
	set_option(fs, (unsigned int)a[2], a[1]);
	ret = SYS(fsconfig(fs, pick ? FSCONFIG_CMD_RECONFIGURE : FSCONFIG_CMD_CREATE, NULL, NULL,
			   0));
	made = fsmount(fs, 0, 0);
	if (made >= 0)
		close(made);
	close(fs);
	return ret;
}

static long unmount(const uint64_t *a)
{
	char path[128];

	scratch_mountpoint(path, sizeof(path));
	return SYS(umount2(path, (int)a[0]));
}

static const struct kind mount_flags = { FLAGS, .names = (const struct name[]){
	{ "MS_RDONLY", MS_RDONLY }, { "MS_NOSUID", MS_NOSUID }, { "MS_NODEV", MS_NODEV },
	{ "MS_NOEXEC", MS_NOEXEC }, { "MS_SYNCHRONOUS", MS_SYNCHRONOUS },
	{ "MS_MANDLOCK", MS_MANDLOCK }, { "MS_NOATIME", MS_NOATIME }, { "MS_LAZYTIME", 1 << 25 },
	{ }
} };
static const struct kind umount_flags = { FLAGS, .names = (const struct name[]){
	{ "MNT_DETACH", MNT_DETACH }, { "MNT_FORCE", MNT_FORCE }, { "MNT_EXPIRE", MNT_EXPIRE }, { }
}, .usual = (const uint64_t[]){ MNT_DETACH, 0 } };
static const struct kind option_type = { CHOICE, .names = (const struct name[]){
	{ "FSCONFIG_SET_FLAG", FSCONFIG_SET_FLAG }, { "FSCONFIG_SET_STRING", FSCONFIG_SET_STRING },
	{ "FSCONFIG_SET_BINARY", FSCONFIG_SET_BINARY }, { "FSCONFIG_SET_PATH", FSCONFIG_SET_PATH },
	{ "FSCONFIG_SET_PATH_EMPTY", FSCONFIG_SET_PATH_EMPTY },
	{ "FSCONFIG_SET_FD", FSCONFIG_SET_FD }, { }
}, .usual = (const uint64_t[]){ FSCONFIG_SET_STRING, 0 } };
static const struct kind pick_flags = { FLAGS, .names = (const struct name[]){
	{ "FSPICK_SYMLINK_NOFOLLOW", FSPICK_SYMLINK_NOFOLLOW },
	{ "FSPICK_NO_AUTOMOUNT", FSPICK_NO_AUTOMOUNT }, { "FSPICK_EMPTY_PATH", FSPICK_EMPTY_PATH },
	{ }
} };

const struct op mount_ops[] = {
	{ "remount", remount, { &option, &option, &option, &mount_flags }, .mounts = true },
	{ "remount_limits", remount_limits, { &size, &count }, .mounts = true },
	{ "mount", mount_another, { &option, &option, &option, &mount_flags }, .mounts = true },
	{ "fsconfig", configure, { &option, &option, &option_type, &pick_flags },
	  .mounts = true },
	{ "umount", unmount, { &umount_flags }, .mounts = true },
	{ }
};
