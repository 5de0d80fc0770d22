// SPDX-License-Identifier: GPL-2.0
/* Operations: pools with a budget, whose pages leave memory and come back. */
#include "fuzz.h"
#include "sys.h"

static const struct name policies[] = {
	{ "random", 0 }, { "fifo", 1 }, { "clock", 2 }, { "lru", 3 }, { "2q", 4 }, { "arc", 5 },
	{ "sieve", 6 }, { "s3fifo", 7 }, { "lirs", 8 }, { "optimal", 9 }, { }
};

static const struct name codecs[] = { { "lz4", 0 }, { "zstd", 1 }, { "lzo-rle", 2 }, { } };

static const char *name_of(const struct name *names, uint64_t value)
{
	for (; names->text; names++) {
		if (names->value == value)
			return names->text;
	}
	return "";
}

static long pool_set(const uint64_t *a)
{
	struct vmlab_pool_set set = {
		.what = a[1], .budget = a[2], .store_limit = a[3], .store_fd = a[6],
		/* On, off or wrong, as the budget has it. */
		.latency = (a[1] & VMLAB_POOL_LATENCY) ? a[2] % 3 : 0,
		.front = a[2],
	};

	snprintf((char *)set.policy, sizeof(set.policy), "%s", name_of(policies, a[4]));
	snprintf((char *)set.codec, sizeof(set.codec), "%s", name_of(codecs, a[5]));
	return SYS(ioctl(a[0], VMLAB_IOC_POOL_SET, &set));
}

static long pool_stat(const uint64_t *a)
{
	return SYS(ioctl(a[0], VMLAB_IOC_POOL_STAT, a[1]));
}

static long pool_list(const uint64_t *a)
{
	struct vmlab_list request = {
		.cursor = a[1], .buffer = a[2], .count = a[3], .entry_size = a[4],
	};

	if (!windows_hold(a[2], (uint64_t)request.count * request.entry_size))
		return REFUSED;
	return SYS(ioctl(a[0], VMLAB_IOC_POOL_LIST, &request));
}

static long pool_histograms(const uint64_t *a)
{
	struct vmlab_pool_histograms request = {
		.buffer = a[1], .count = a[2], .entry_size = a[3],
	};

	if (!windows_hold(a[1], (uint64_t)request.count * request.entry_size))
		return REFUSED;
	return SYS(ioctl(a[0], VMLAB_IOC_POOL_HISTOGRAMS, &request));
}

/* The kernel wants memory, and asks all that can give some. */
static long reclaim(const uint64_t *a)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	long ret;

	(void)a;
	if (fd < 0)
		return REFUSED;
	ret = write(fd, "2", 1) == 1 ? 0 : -errno;
	close(fd);
	return ret;
}

static long advise(const uint64_t *a)
{
	struct vmlab_advise request = { .start = a[1], .length = a[2], .advice = a[3] };

	return OK(ioctl(a[0], VMLAB_IOC_ADVISE, &request));
}

static long advise_at(const uint64_t *a)
{
	struct vmlab_advise request = {
		.start = a[1], .length = a[2], .advice = a[3], .address = 1, .pages = a[4],
	};

	return OK(ioctl(a[0], VMLAB_IOC_ADVISE, &request));
}

static const struct kind what = { FLAGS, .names = (const struct name[]){
	{ "BUDGET", VMLAB_POOL_BUDGET }, { "POLICY", VMLAB_POOL_POLICY },
	{ "CODEC", VMLAB_POOL_CODEC }, { "STORE_LIMIT", VMLAB_POOL_STORE_LIMIT },
	{ "STORE", VMLAB_POOL_STORE }, { "LATENCY", VMLAB_POOL_LATENCY },
	{ "FRONT", VMLAB_POOL_FRONT }, { }
}, .usual = (const uint64_t[]){ VMLAB_POOL_BUDGET, VMLAB_POOL_BUDGET | VMLAB_POOL_POLICY,
				VMLAB_POOL_STORE | VMLAB_POOL_STORE_LIMIT, VMLAB_POOL_POLICY,
				VMLAB_POOL_STORE | VMLAB_POOL_STORE_LIMIT | VMLAB_POOL_FRONT |
					VMLAB_POOL_BUDGET,
				VMLAB_POOL_LATENCY, 0 } };
static const struct kind budget = { CHOICE, .names = (const struct name[]){
	{ "LEAST", VMLAB_POOL_BUDGET_MIN }, { "MORE", 2 * VMLAB_POOL_BUDGET_MIN },
	{ "MUCH", 64 * VMLAB_POOL_BUDGET_MIN }, { "NONE", VMLAB_POOL_UNLIMITED_BUDGET },
	{ "LESS", VMLAB_POOL_BUDGET_MIN - PAGE }, { }
} };
static const struct kind policy = { CHOICE, .names = policies };
static const struct kind codec = { CHOICE, .names = codecs };
static const struct kind advice = { CHOICE, .names = (const struct name[]){
	{ "EVICT", VMLAB_ADVISE_EVICT }, { "PREFETCH", VMLAB_ADVISE_PREFETCH },
	{ "PIN", VMLAB_ADVISE_PIN }, { "UNPIN", VMLAB_ADVISE_UNPIN },
	{ "COLD", VMLAB_ADVISE_COLD }, { }
} };
static const struct kind mostly_zero = { CHOICE, .names = (const struct name[]){
	{ "0", 0 }, { "0x0", 0 }, { "0x1", 1 }, { }
} };

static const struct kind entries = { NUMBER, .tame = true, .unit = 1, .most = 10 };
static const struct kind entry_size = { CHOICE, .names = (const struct name[]){
	{ "STAT", sizeof(struct vmlab_pool_stat) }, { "SHORTER", 280 - 8 },
	{ "HISTOGRAM", sizeof(struct vmlab_histogram) }, { "PAGE", PAGE }, { "MORE", PAGE + 8 },
	{ }
} };

const struct op pool_ops[] = {
	{ "pool_set", pool_set,
	  { &mappable, &what, &budget, &size, &policy, &codec, &file } },
	{ "pool_stat", pool_stat, { &mappable, &address } },
	{ "pool_list", pool_list, { &mappable, &count, &address, &entries, &entry_size } },
	{ "pool_histograms", pool_histograms, { &mappable, &address, &entries, &entry_size } },
	{ "advise", advise, { &mappable, &offset, &length, &advice } },
	{ "reclaim", reclaim, { }, .slow = true },
	{ "advise_at", advise_at, { &region, &address, &length, &advice, &mostly_zero } },
	{ }
};
