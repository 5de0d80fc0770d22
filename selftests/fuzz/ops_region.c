// SPDX-License-Identifier: GPL-2.0
/* Operations: the device, its ioctls, its parameters. */
#include "fuzz.h"
#include "sys.h"

#define ENTRIES_MAX 64

static long open_region(const uint64_t *a)
{
	return slot_take(open("/dev/vmlab", (int)a[1], 0), a[0]);
}

static long configure(const uint64_t *a)
{
	const struct vmlab_configure config = { .flags = a[1], .size = a[2] };

	return SYS(ioctl(a[0], VMLAB_IOC_CONFIGURE, &config));
}

static long configure_file(const uint64_t *a)
{
	const struct vmlab_configure config = {
		.backing = VMLAB_BACKING_FILE, .flags = a[1], .backing_fd = a[2],
		.backing_offset = a[3], .size = a[4],
	};

	return SYS(ioctl(a[0], VMLAB_IOC_CONFIGURE, &config));
}

/* Every field as it comes. */
static long configure_raw(const uint64_t *a)
{
	const struct vmlab_configure config = {
		.flags = a[1], .backing = a[2], .backing_fd = a[3], .__reserved = a[4],
		.backing_offset = a[5], .size = a[6],
	};

	return SYS(ioctl(a[0], VMLAB_IOC_CONFIGURE, &config));
}

static long open_configured(const uint64_t *a)
{
	const uint64_t open_args[] = { a[0], O_RDWR | O_CLOEXEC };
	const uint64_t configure_args[] = { slot_fd(a[0]), a[1], a[2], a[3], a[4] };
	long ret = a[0] < SLOTS ? open_region(open_args) : REFUSED;

	return ret ?: configure_file(configure_args);
}

static long open_huge(const uint64_t *a)
{
	const uint64_t open_args[] = { a[0], O_RDWR | O_CLOEXEC };
	const uint64_t configure_args[] = { slot_fd(a[0]), a[1] | VMLAB_REGION_HUGE, a[2] };
	long ret = a[0] < SLOTS ? open_region(open_args) : REFUSED;

	return ret ?: configure(configure_args);
}

static long features(const uint64_t *a)
{
	return SYS(ioctl(a[0], VMLAB_IOC_FEATURES, a[1]));
}

static long stat_region(const uint64_t *a)
{
	return SYS(ioctl(a[0], VMLAB_IOC_STAT, a[1]));
}

static long list(const uint64_t *a)
{
	struct vmlab_list request = {
		.cursor = a[1], .buffer = a[2], .count = a[3], .entry_size = a[4],
	};

	if (!windows_hold(a[2], (uint64_t)request.count * request.entry_size))
		return REFUSED;
	return OK(ioctl(a[0], VMLAB_IOC_LIST, &request));
}

static long extents(const uint64_t *a)
{
	struct vmlab_extents request = {
		.start = a[1], .end = a[2], .buffer = a[3], .count = a[4], .__reserved = a[5],
	};

	if (!windows_hold(a[3], request.count * sizeof(struct vmlab_extent)))
		return REFUSED;
	return SYS(ioctl(a[0], VMLAB_IOC_EXTENTS, &request));
}

static long region_fd(const uint64_t *a)
{
	const struct vmlab_region_fd request = { .flags = a[2] };

	return slot_take(ioctl(a[1], VMLAB_IOC_REGION_FD, &request), a[0]);
}

static long region_fd_at(const uint64_t *a)
{
	const struct vmlab_region_fd request = {
		.address = a[2], .flags = a[3], .__reserved = a[4],
	};

	return slot_take(ioctl(a[1], VMLAB_IOC_REGION_FD, &request), a[0]);
}

static long clone_region(const uint64_t *a)
{
	const struct vmlab_clone request = { .flags = a[2] };

	return slot_take(ioctl(a[1], VMLAB_IOC_CLONE, &request), a[0]);
}

static long clone_at(const uint64_t *a)
{
	const struct vmlab_clone request = {
		.address = a[2], .flags = a[3], .__reserved = a[4],
	};

	return slot_take(ioctl(a[1], VMLAB_IOC_CLONE, &request), a[0]);
}

/* Who reads it does not wait; who is recorded does, when nobody reads. */
static long record_region(const uint64_t *a)
{
	const struct vmlab_record request = { .flags = a[2] | O_NONBLOCK, .window = a[3] };

	return slot_take(ioctl(a[1], VMLAB_IOC_RECORD, &request), a[0]);
}

static long region_address(const uint64_t *a)
{
	struct vmlab_address request = { .address = a[1] };

	return SYS(ioctl(a[0], VMLAB_IOC_ADDRESS, &request));
}

/* Any request, of any size, whose struct is what is in memory there. */
static long ioctl_raw(const uint64_t *a)
{
	unsigned int bytes = a[3] & _IOC_SIZEMASK;

	if (!windows_hold(a[4], bytes))
		return REFUSED;
	return SYS(ioctl(a[0], _IOC(a[1] & _IOC_DIRMASK, VMLAB_IOC_MAGIC, a[2] & 0xff, bytes),
			 a[4]));
}

/* The struct of a newer program: longer, and the rest is not zero if @a[2] is not. */
static long configure_longer(const uint64_t *a)
{
	struct {
		struct vmlab_configure config;
		__u64 more;
	} longer = { .config.size = a[1], .more = a[2] };

	return SYS(ioctl(a[0], _IOC(_IOC_WRITE, VMLAB_IOC_MAGIC, _IOC_NR(VMLAB_IOC_CONFIGURE),
				    sizeof(longer)), &longer));
}

static long reopen(const uint64_t *a)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", (int)a[1]);
	return slot_take(open(path, (int)a[2], 0), a[0]);
}

static long set_parameter(const char *name, uint64_t value)
{
	char path[96], text[32];
	int param, length;
	long ret;

	snprintf(path, sizeof(path), "/sys/module/vmlab/parameters/%s", name);
	param = open(path, O_WRONLY | O_CLOEXEC);
	if (param < 0)
		return -errno;
	length = snprintf(text, sizeof(text), "%lu", value);
	ret = OK(write(param, text, length));
	close(param);
	return ret;
}

/* Never more than the fuzzer allows itself: so much, and no more, may fill up. */
static long limit_pages(const uint64_t *a)
{
	return set_parameter("max_pages", a[0]);
}

static long writeback_secs(const uint64_t *a)
{
	return set_parameter("writeback_secs", a[0]);
}

static const struct kind region_flags = { FLAGS, .names = (const struct name[]){
	{ "STRICT", VMLAB_REGION_STRICT }, { "TRACK_DIRTY", VMLAB_REGION_TRACK_DIRTY },
	{ "COW_FORK", VMLAB_REGION_COW_FORK }, { "HUGE", VMLAB_REGION_HUGE }, { }
} };
static const struct kind huge_flags = { FLAGS, .names = (const struct name[]){
	{ "COW_FORK", VMLAB_REGION_COW_FORK }, { }
} };
static const struct kind backing = { CHOICE, .names = (const struct name[]){
	{ "ZERO", VMLAB_BACKING_ZERO }, { "FILE", VMLAB_BACKING_FILE }, { }
} };
static const struct kind mostly_zero = { CHOICE, .names = (const struct name[]){
	{ "0", 0 }, { "0x0", 0 }, { "0x1", 1 }, { }
} };
static const struct kind limit = { NUMBER, .tame = true, .unit = 1, .most = 64 };
static const struct kind entry_size = { CHOICE, .names = (const struct name[]){
	{ "STAT", sizeof(struct vmlab_stat) }, { "FIRST", 152 }, { "SHORTER", 152 - 8 },
	{ "LONGER", sizeof(struct vmlab_stat) + 64 },
	{ "PAGE", PAGE }, { "MORE", PAGE + 8 }, { }
} };
static const struct kind entries = { NUMBER, .tame = true, .unit = 1, .most = ENTRIES_MAX };
static const struct kind range_end = { NUMBER, .unit = 64 * PAGE, .most = 64 };
static const struct kind cloexec = { FLAGS, .names = (const struct name[]){
	{ "O_CLOEXEC", O_CLOEXEC }, { }
} };
static const struct kind window = { NUMBER, .tame = true, .unit = 1, .most = 64 };
static const struct kind dir = { CHOICE, .names = (const struct name[]){
	{ "READ", _IOC_READ }, { "WRITE", _IOC_WRITE }, { "BOTH", _IOC_READ | _IOC_WRITE }, { }
} };
static const struct kind bytes = { NUMBER, .unit = 8, .most = 32 };

const struct op region_ops[] = {
	{ "open", open_region, { &new_region, &open_flags } },
	{ "open_configured", open_configured,
	  { &new_region, &region_flags, &file, &offset, &size } },
	{ "open_huge", open_huge, { &new_region, &huge_flags, &huges } },
	{ "configure", configure, { &region, &region_flags, &size } },
	{ "configure_file", configure_file, { &region, &region_flags, &file, &offset, &size } },
	{ "configure_raw", configure_raw,
	  { &region, &region_flags, &backing, &fd, &mostly_zero, &offset, &size } },
	{ "configure_longer", configure_longer, { &region, &size, &mostly_zero } },
	{ "features", features, { &region, &address } },
	{ "stat", stat_region, { &region, &address } },
	{ "list", list, { &region, &count, &address, &entries, &entry_size } },
	{ "extents", extents,
	  { &region, &offset, &range_end, &address, &entries, &mostly_zero } },
	{ "region_fd", region_fd, { &new_region, &region, &cloexec } },
	{ "region_fd_at", region_fd_at,
	  { &new_region, &region, &address, &cloexec, &mostly_zero } },
	{ "clone", clone_region, { &new_region, &region, &cloexec } },
	{ "clone_at", clone_at, { &new_region, &region, &address, &cloexec, &mostly_zero } },
	{ "record", record_region, { &new_region, &region, &cloexec, &window } },
	{ "region_address", region_address, { &region, &address } },
	{ "ioctl_raw", ioctl_raw, { &region, &dir, &small, &bytes, &address } },
	{ "reopen", reopen, { &new_region, &region, &open_flags } },
	{ "limit_pages", limit_pages, { &limit } },
	{ "writeback_secs", writeback_secs, { &small } },
	{ }
};
