// SPDX-License-Identifier: GPL-2.0
/* Steps, done on a region and on a memfd by the same calls. */
#include "differ.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/falloc.h>
#include <linux/fs.h>

#define DEVICE		"/dev/vmlab"
#define FIRST_FD	100
#define STRIDE		(8UL << 20)	/* between windows: so that nothing of them is merged */

/* A multiple of what an entry for a huge page maps, as the stride is. */
static const uintptr_t bases[SIDES] = { 1UL << 40, 2UL << 40 };

int slot_fd(enum side side, uint64_t slot)
{
	return FIRST_FD + (int)(side * SLOTS + slot);
}

char *place_address(enum side side, uint64_t place)
{
	return (char *)(bases[side] + place / WINDOW_PAGES * STRIDE + place % WINDOW_PAGES * PAGE);
}

/* Moves a new descriptor, or -errno, to its slot. */
static long settle(enum side side, uint64_t slot, long fd)
{
	long ret;

	if (fd < 0)
		return fd;
	ret = SYS(dup3((int)fd, slot_fd(side, slot), O_CLOEXEC));
	close((int)fd);
	return ret < 0 ? ret : 0;
}

/* Regions get a small budget, and pages are evicted between steps. */
static bool evicting;

void sides_evict(void)
{
	evicting = true;
}

/*
 * Large regions have room for all of it, and only lose what is evicted between steps: huge pages,
 * and those that were linked to elsewhere, take room and cannot leave.
 */
static long set_budget(int fd, uint64_t pages)
{
	struct vmlab_pool_set set = {
		.what = VMLAB_POOL_BUDGET,
		.budget = pages > HOT_PAGES ? 512 << 20 : VMLAB_POOL_BUDGET_MIN,
	};

	return SYS(ioctl(fd, VMLAB_IOC_POOL_SET, &set));
}

static void evict(int device, uint64_t first, uint64_t end)
{
	static unsigned int dice = 1;
	struct vmlab_advise advise = { .length = PAGE, .address = 1 };

	for (uint64_t place = first; place < end; place++) {
		dice = dice * 1103515245 + 12345;
		if (dice & 1 << 16)
			continue;
		advise.start = (uintptr_t)place_address(VMLAB, place);
		(void)ioctl(device, VMLAB_IOC_ADVISE, &advise);
	}
}

/* Half of the pages that the process has mapped where most steps go, by dice. */
void sides_evict_some(void)
{
	int device;

	if (!evicting)
		return;
	device = open(DEVICE, O_RDWR | O_CLOEXEC);
	for (uint64_t window = 0; window < WINDOWS && device >= 0; window++) {
		uint64_t first = window * WINDOW_PAGES;

		evict(device, first, first + HOT_PAGES);
		evict(device, first + HUGE_PAGES - 8, first + HUGE_PAGES + 8);
	}
	close(device);
}

static long open_region(uint64_t pages, uint64_t flags)
{
	struct vmlab_configure config = { .flags = (__u32)flags, .size = pages * PAGE };
	struct vmlab_region_fd region = { .flags = O_CLOEXEC };
	int device = open(DEVICE, O_RDWR | O_CLOEXEC);
	long ret;

	if (device < 0)
		return -errno;
	ret = SYS(ioctl(device, VMLAB_IOC_CONFIGURE, &config));
	/* Where there is or was a budget no huge pages appear: such regions get it later. */
	if (!ret && evicting && !(flags & VMLAB_REGION_HUGE))
		ret = set_budget(device, pages);
	if (!ret)
		ret = SYS(ioctl(device, VMLAB_IOC_REGION_FD, &region));
	close(device);
	return ret;
}

static long open_memfd(uint64_t size)
{
	int fd = memfd_create("differ", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size))
		return -errno;
	return fd;
}

/* slot, pages, flags */
RUN(open)
{
	(void)data;
	if (side == MEMFD)
		return settle(side, a[0], open_memfd(a[1] * PAGE));
	return settle(side, a[0], open_region(a[1], a[2]));
}

/* slot */
RUN(close)
{
	(void)data;
	return SYS(close(slot_fd(side, a[0])));
}

/* What is asked for by address may be asked of any descriptor of vmlab. */
static long ask_device(unsigned long request, void *argument)
{
	int device = open(DEVICE, O_RDWR | O_CLOEXEC);
	long ret;

	if (device < 0)
		return -errno;
	ret = SYS(ioctl(device, request, argument));
	close(device);
	return ret;
}

static long clone_region(uint64_t slot, uint64_t place)
{
	struct vmlab_clone clone = { .flags = O_CLOEXEC };

	if (!place)
		return SYS(ioctl(slot_fd(VMLAB, slot), VMLAB_IOC_CLONE, &clone));
	clone.address = (uintptr_t)place_address(VMLAB, place - 1);
	return ask_device(VMLAB_IOC_CLONE, &clone);
}

/* SEEK_DATA or SEEK_HOLE, but that position of the file is shared, and stays. */
static off_t look_for(int whence, int fd, off_t from)
{
	off_t old = lseek(fd, 0, SEEK_CUR), found = lseek(fd, from, whence);

	lseek(fd, old, SEEK_SET);
	return found;
}

/* Holes stay holes. @data is a buffer. */
static long copy_memfd(int from, uint8_t *data)
{
	struct stat stat;
	off_t at = 0;
	long fd;

	if (fstat(from, &stat))
		return -errno;
	fd = open_memfd((uint64_t)stat.st_size);
	while (fd >= 0 && (at = look_for(SEEK_DATA, from, at)) >= 0) {
		off_t end = look_for(SEEK_HOLE, from, at);
		ssize_t length = end - at < (off_t)DATA_MAX ? end - at : (ssize_t)DATA_MAX;

		if (pread(from, data, (size_t)length, at) != length ||
		    pwrite((int)fd, data, (size_t)length, at) != length)
			return -EIO;
		at += length;
	}
	return fd;
}

/* slot, new slot, place + 1 or 0, pages */
RUN(clone)
{
	if (side == VMLAB)
		return settle(side, a[1], clone_region(a[0], a[2]));
	if (a[0] == SLOTS)
		return settle(side, a[1], open_memfd(a[3] * PAGE));
	return settle(side, a[1], copy_memfd(slot_fd(side, a[0]), data));
}

/* Another open file, with a position of its own. */
static long reopen_memfd(uint64_t slot)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", slot_fd(MEMFD, slot));
	return SYS(open(path, O_RDWR | O_CLOEXEC));
}

/* slot, new slot, place, pages */
RUN(reopen)
{
	struct vmlab_region_fd region = { .flags = O_CLOEXEC };

	(void)data;
	if (side == MEMFD && a[0] == SLOTS)
		return settle(side, a[1], open_memfd(a[3] * PAGE));
	if (side == MEMFD)
		return settle(side, a[1], reopen_memfd(a[0]));
	region.address = (uintptr_t)place_address(VMLAB, a[2]);
	return settle(side, a[1], ask_device(VMLAB_IOC_REGION_FD, &region));
}

/* length, slot, offset */
RUN(pread)
{
	return SYS(pread(slot_fd(side, a[1]), data, a[0], (off_t)a[2]));
}

/* length, slot, offset, stamp */
RUN(pwrite)
{
	stamp(data, a[0], a[3]);
	return SYS(pwrite(slot_fd(side, a[1]), data, a[0], (off_t)a[2]));
}

/* length, slot */
RUN(read)
{
	return SYS(read(slot_fd(side, a[1]), data, a[0]));
}

/* length, slot, stamp */
RUN(write)
{
	stamp(data, a[0], a[2]);
	return SYS(write(slot_fd(side, a[1]), data, a[0]));
}

/* length, slot, offset, place, offset there */
RUN(pread_into)
{
	(void)data;
	return SYS(pread(slot_fd(side, a[1]), place_address(side, a[3]) + a[4], a[0],
			 (off_t)a[2]));
}

RUN(pwrite_from)
{
	(void)data;
	return SYS(pwrite(slot_fd(side, a[1]), place_address(side, a[3]) + a[4], a[0],
			  (off_t)a[2]));
}

/* slot, offset */
RUN(seek)
{
	(void)data;
	return SYS(lseek(slot_fd(side, a[0]), (off_t)a[1], SEEK_SET));
}

/* slot, whence, offset */
RUN(seek_for)
{
	(void)data;
	return SYS(lseek(slot_fd(side, a[0]), (off_t)a[2], a[1] == DATA ? SEEK_DATA : SEEK_HOLE));
}

/* length, slot, offset */
RUN(punch)
{
	(void)data;
	return SYS(fallocate(slot_fd(side, a[1]), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			     (off_t)a[2], (off_t)a[0]));
}

/* length, slot, offset, whether to extend */
RUN(allocate)
{
	(void)data;
	return SYS(fallocate(slot_fd(side, a[1]), a[3] == EXTEND ? 0 : FALLOC_FL_KEEP_SIZE,
			     (off_t)a[2], (off_t)a[0]));
}

static long link_region(const uint64_t *a)
{
	struct file_clone_range range = {
		.src_fd = slot_fd(VMLAB, a[1]),
		.src_offset = a[2] * PAGE,
		.src_length = a[0] * PAGE,
		.dest_offset = a[4] * PAGE,
	};

	return SYS(ioctl(slot_fd(VMLAB, a[3]), FICLONERANGE, &range));
}

/* Pages with what is behind the end of their file. */
static long copy_pages(int from, off_t start, int to, off_t target, size_t length)
{
	char *source = mmap(NULL, length, PROT_READ, MAP_SHARED, from, start);
	char *copy = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, to, target);

	if (source == MAP_FAILED || copy == MAP_FAILED)
		return -errno;
	memcpy(copy, source, length);
	munmap(source, length);
	munmap(copy, length);
	return (long)length;
}

/* Pages up to where data or a hole ends; returns how many bytes they have. */
static long copy_run(int from, off_t start, off_t end, int to, off_t target)
{
	off_t data = look_for(SEEK_DATA, from, start), stop;
	long ret;

	stop = data == start ? look_for(SEEK_HOLE, from, start) : data;
	if (stop < 0 || stop > end)
		stop = end;
	stop += -stop & (off_t)(PAGE - 1);
	if (data == start)
		return copy_pages(from, start, to, target, (size_t)(stop - start));
	ret = SYS(fallocate(to, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, target, stop - start));
	return ret ?: stop - start;
}

static long link_memfd(const uint64_t *a)
{
	int from = slot_fd(MEMFD, a[1]), to = slot_fd(MEMFD, a[3]);
	off_t start = (off_t)(a[2] * PAGE), target = (off_t)(a[4] * PAGE), end;
	struct stat in, out;
	long ret = 0;

	if (fstat(from, &in) || fstat(to, &out))
		return -errno;
	end = a[0] ? start + (off_t)(a[0] * PAGE) : in.st_size;
	if (end > start && target + end - start > out.st_size &&
	    ftruncate(to, target + end - start))
		return -errno;
	for (off_t at = start; at < end && ret >= 0; at += ret)
		ret = copy_run(from, at, end, to, target + at - start);
	return ret < 0 ? ret : 0;
}

/* pages, slot, page, slot, page */
RUN(link)
{
	(void)data;
	return side == VMLAB ? link_region(a) : link_memfd(a);
}

/* pages, slot, page, stamp */
RUN(mark)
{
	char *memory = mmap(NULL, a[0] * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    slot_fd(side, a[1]), (off_t)(a[2] * PAGE));

	(void)data;
	if (memory == MAP_FAILED)
		return -errno;
	for (uint64_t i = 0; i < a[0]; i++) {
		uint64_t mark = stamp_mark(a[3], a[2] + i);

		memcpy(memory + i * PAGE, &mark, sizeof(mark));
	}
	return SYS(munmap(memory, a[0] * PAGE));
}

/* pages, slot, page */
RUN(marks)
{
	long done = 0;

	for (uint64_t i = 0; i < a[0]; i++)
		done += SYS(pread(slot_fd(side, a[1]), data + i * MARK_SIZE, MARK_SIZE,
				  (off_t)((a[2] + i) * PAGE)));
	return done;
}

/* slot, pages of the region */
RUN(budget)
{
	(void)data;
	return evicting && side == VMLAB ? set_budget(slot_fd(side, a[0]), a[1]) : 0;
}

/* slot, size */
RUN(truncate)
{
	(void)data;
	return SYS(ftruncate(slot_fd(side, a[0]), (off_t)a[1]));
}

static long zero_or_error(const void *address)
{
	return address == MAP_FAILED ? -errno : 0;
}

/* pages, slot, first page, place, sharing, protection */
RUN(map)
{
	int flags = MAP_FIXED | (a[4] == SHARED ? MAP_SHARED : MAP_PRIVATE);

	(void)data;
	return zero_or_error(mmap(place_address(side, a[3]), a[0] * PAGE, (int)a[5], flags,
				  slot_fd(side, a[1]), (off_t)(a[2] * PAGE)));
}

/* pages, place */
RUN(unmap)
{
	(void)data;
	return SYS(munmap(place_address(side, a[1]), a[0] * PAGE));
}

/* pages, place, place, pages */
RUN(move)
{
	(void)data;
	return zero_or_error(mremap(place_address(side, a[1]), a[0] * PAGE, a[3] * PAGE,
				    MREMAP_MAYMOVE | MREMAP_FIXED, place_address(side, a[2])));
}

/* pages, place, pages */
RUN(resize)
{
	(void)data;
	return zero_or_error(mremap(place_address(side, a[1]), a[0] * PAGE, a[2] * PAGE, 0));
}

/* place, place, pages */
RUN(duplicate)
{
	(void)data;
	return zero_or_error(mremap(place_address(side, a[0]), 0, a[2] * PAGE,
				    MREMAP_MAYMOVE | MREMAP_FIXED, place_address(side, a[1])));
}

/* pages, place, protection */
RUN(protect)
{
	(void)data;
	return SYS(mprotect(place_address(side, a[1]), a[0] * PAGE, (int)a[2]));
}

/* pages, place */
RUN(drop)
{
	(void)data;
	return SYS(madvise(place_address(side, a[1]), a[0] * PAGE, MADV_DONTNEED));
}

RUN(remove)
{
	(void)data;
	return SYS(madvise(place_address(side, a[1]), a[0] * PAGE, MADV_REMOVE));
}

/* length, place, offset, stamp */
RUN(store)
{
	stamp(data, a[0], a[3]);
	return touch_store(place_address(side, a[1]) + a[2], data, a[0], 1);
}

/* length, place, offset */
RUN(load)
{
	return touch_load(place_address(side, a[1]) + a[2], data, a[0]);
}

/* length, place, offset, stamp */
RUN(race)
{
	stamp(data, a[0], a[3]);
	return touch_store(place_address(side, a[1]) + a[2], data, a[0], 2);
}

/* process */
RUN(fork)
{
	(void)side;
	(void)data;
	return actor_fork((unsigned int)a[0]);
}

RUN(end)
{
	(void)side;
	(void)a;
	(void)data;
	actor_leave();
	return 0;
}
