// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that leave memory, compressed, and come back: those of a region to its pool's store in
 * memory, anonymous ones to zram, both by lz4. Each has what files of the system have.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <unistd.h>

#include <linux/vmlab.h>

#define TEXT "/usr/share/common-licenses/GPL-3"
#define PROGRAM "/bin/bash"

static struct zram {
	int id;	/* -1: none */
	bool used;
	char cluster[16];
} zram = { .id = -1 };

/* What a page is filled with: a file, over and over; or nothing but its number. */
static struct {
	char *bytes;
	size_t length;
} content;

static const char *content_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	long length = file && !fseek(file, 0, SEEK_END) ? ftell(file) : 0;

	free(content.bytes);
	content.length = length;
	content.bytes = length > (long)PAGE ? malloc(length) : NULL;
	if (content.bytes) {
		rewind(file);
		if (fread(content.bytes, 1, length, file) != content.length)
			content.length = 0;
	}
	if (file)
		fclose(file);
	return content.bytes && content.length ? NULL : "there is nothing to fill pages with";
}

/* Pages differ, as each begins somewhere else in the file, and with its number. */
void page_fill(char *page, size_t number)
{
	if (content.length) {
		size_t from = number * 1021 % (content.length - PAGE);

		memcpy(page, content.bytes + from, PAGE);
	}
	memcpy(page, &number, sizeof(number));
}

static void zram_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "/sys/block/zram%d/%s", zram.id, name);
}

static bool zram_set(const char *name, const char *value)
{
	char path[64];

	zram_path(path, sizeof(path), name);
	return setting_write(path, value);
}

/* One that nobody uses, with lz4; swap without reading ahead. */
static const char *zram_begin(void)
{
	char text[32], command[96], device[32];

	/* NOLINTNEXTLINE(cert-env33-c): nothing of it comes from outside. */
	if (system("modprobe -q -a zram lz4") ||
	    !setting_read("/sys/class/zram-control/hot_add", text, sizeof(text)))
		return "there is no zram";
	zram.id = (int)strtol(text, NULL, 10);
	if (!zram_set("comp_algorithm", "lz4") || !zram_set("disksize", "256M"))
		return "zram has no lz4";
	snprintf(device, sizeof(device), "/dev/zram%d", zram.id);
	snprintf(command, sizeof(command), "mkswap %s >/dev/null", device);
	if (!setting_read("/proc/sys/vm/page-cluster", zram.cluster, sizeof(zram.cluster)) ||
	    !setting_write("/proc/sys/vm/page-cluster", "0"))
		return "how much swap reads ahead cannot be set";
	/* NOLINTNEXTLINE(cert-env33-c): as above. */
	if (system(command) || swapon(device, 0))
		return "zram cannot be swapped to";
	zram.used = true;
	return NULL;
}

const char *swap_prepare_text(void)
{
	const char *reason = content_read(TEXT);

	return reason ? reason : zram_begin();
}

const char *swap_prepare_program(void)
{
	const char *reason = content_read(PROGRAM);

	return reason ? reason : zram_begin();
}

/* Where it is not the content that matters; and neither zram. */
const char *swap_prepare_no_zram(void)
{
	content.length = 0;
	return NULL;
}

const char *swap_prepare_numbers(void)
{
	content.length = 0;
	return zram_begin();
}

void swap_finish(void)
{
	char device[32], id[16];

	if (zram.id < 0)
		return;
	snprintf(device, sizeof(device), "/dev/zram%d", zram.id);
	if (zram.used && swapoff(device))
		die("swapoff");
	if (*zram.cluster)
		setting_write("/proc/sys/vm/page-cluster", zram.cluster);
	snprintf(id, sizeof(id), "%d", zram.id);
	zram_set("reset", "1");
	setting_write("/sys/class/zram-control/hot_remove", id);
	zram = (struct zram){ .id = -1 };
}

static void evict_region(struct memory *memory)
{
	struct vmlab_advise advise = { .length = memory->length, .advice = VMLAB_ADVISE_EVICT };

	if (ioctl(memory->fd, VMLAB_IOC_ADVISE, &advise))
		die("VMLAB_ADVISE_EVICT");
}

/* Its pool has a store, and knows its pages, before they come. */
static int make_stored(struct memory *memory)
{
	struct vmlab_pool_set set = {
		.what = VMLAB_POOL_POLICY | VMLAB_POOL_CODEC,
		.codec = "lz4",
	};
	int fd = vmlab.make(memory);

	snprintf((char *)set.policy, sizeof(set.policy), "%s", memory->side->policy);
	if (ioctl(fd, VMLAB_IOC_POOL_SET, &set))
		die("VMLAB_IOC_POOL_SET");
	return fd;
}

static struct vmlab_pool_stat pool_stat(const struct memory *memory)
{
	struct vmlab_pool_stat stat;

	if (ioctl(memory->fd, VMLAB_IOC_POOL_STAT, &stat))
		die("VMLAB_IOC_POOL_STAT");
	return stat;
}

static uint64_t region_stored_bytes(struct memory *memory)
{
	struct vmlab_pool_stat stat = pool_stat(memory);

	if (stat.resident)
		die("pages did not leave");
	return stat.stored_bytes;
}

static void page_out(struct memory *memory)
{
	if (madvise(memory->p, memory->length, MADV_PAGEOUT))
		die("MADV_PAGEOUT");
}

/* The third figure is what zram has of memory, the first what that was. */
static uint64_t zram_bytes(struct memory *memory)
{
	char path[64], text[256], *at = text;
	uint64_t figures[3];

	zram_path(path, sizeof(path), "mm_stat");
	if (!setting_read(path, text, sizeof(text)))
		die(path);
	for (int i = 0; i < 3; i++)
		figures[i] = strtoull(at, &at, 10);
	if (figures[0] < memory->length)
		die("pages did not leave");
	return figures[2];
}

/* Charged to a memory cgroup, as its peer. */
static void limit_region(struct memory *memory, size_t frames)
{
	struct vmlab_pool_set set = { .what = VMLAB_POOL_BUDGET, .budget = frames * PAGE };

	cgroup_enter(SIZE_MAX);
	if (ioctl(memory->fd, VMLAB_IOC_POOL_SET, &set))
		die("VMLAB_IOC_POOL_SET");
}

static uint64_t region_swapped_in(struct memory *memory)
{
	return pool_stat(memory).swapped_in;
}

/* Page tables are charged, too, and what the kernel has in stock for a processor. */
static void limit_cgroup(struct memory *memory, size_t frames)
{
	size_t tables = memory->length / PAGE / (PAGE / sizeof(uint64_t)) + 8, stock = 64;

	cgroup_enter((frames + tables + stock) * PAGE);
}

static uint64_t kernel_swapped_in(struct memory *memory)
{
	(void)memory;
	return counter_read("/proc/vmstat", "pswpin ");
}

static void leave_cgroup(struct memory *memory)
{
	(void)memory;
	cgroup_leave();
}

static void *map_plain(struct memory *memory)
{
	return vmlab.map(memory);
}

static void *map_anonymous(struct memory *memory)
{
	return anonymous.map(memory);
}

const struct side vmlab_stored = {
	.name = "vmlab",
	.make = make_stored,
	.map = map_plain,
	.end = leave_cgroup,
	.evict = evict_region,
	.stored_bytes = region_stored_bytes,
	.limit = limit_region,
	.swapped_in = region_swapped_in,
};

const struct side simulated = { .name = "simulated" };

const struct side anonymous_zram = {
	.name = "anonymous, zram",
	.map = map_anonymous,
	.end = leave_cgroup,
	.evict = page_out,
	.stored_bytes = zram_bytes,
	.limit = limit_cgroup,
	.swapped_in = kernel_swapped_in,
};

/* Pages with content, in memory. */
static void make_filled(struct memory *memory, const struct side *side)
{
	memory_make(memory, side, settings.pages);
	for (size_t i = 0; i < settings.pages; i++)
		page_fill(memory->p + i * PAGE, i);
}

double swap_out(const struct side *side)
{
	struct memory memory;
	double took;

	make_filled(&memory, side);
	meter_begin();
	side->evict(&memory);
	took = meter_end();
	side->stored_bytes(&memory);
	memory_end(&memory);
	return took / settings.pages;
}

/* One at a time: at random, so that nobody reads ahead. */
double swap_in(const struct side *side)
{
	static uint32_t *order;
	struct memory memory;
	double took;

	if (!order)
		order = random_order(settings.pages, settings.pages);
	make_filled(&memory, side);
	side->evict(&memory);
	side->stored_bytes(&memory);
	meter_begin();
	touch_in_order(memory.p, order, settings.pages);
	took = meter_end();
	memory_end(&memory);
	return took / settings.pages;
}

double swap_memory(const struct side *side)
{
	struct memory memory;
	double bytes;

	make_filled(&memory, side);
	side->evict(&memory);
	bytes = (double)side->stored_bytes(&memory);
	memory_end(&memory);
	return bytes / settings.pages;
}

/* Kernel memory that is neither what is stored nor page tables: bytes per page that has left. */
double memory_beside_stored(const struct side *side)
{
	struct memory memory;
	uint64_t before, after, stored;

	sleep(1);	/* what ended before is freed by RCU */
	before = memory_free() + meminfo("PageTables:");
	make_filled(&memory, side);
	side->evict(&memory);
	after = memory_free() + meminfo("PageTables:");
	stored = side->stored_bytes(&memory);
	memory_end(&memory);
	return (double)((int64_t)(before - after) - (int64_t)stored) / settings.pages;
}
