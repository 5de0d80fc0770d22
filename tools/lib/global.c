// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Mapping a region at the same address in all processes.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vmlab.h"

/*
 * Where to begin looking for a place: programs are far above, at 85 TiB, libraries and stacks
 * at 127 TiB. Regions begin at different places, by their ids.
 */
#define FIRST_PLACE	(16ULL << 40)
#define PLACES		4096
#define PLACE_SIZE	(1ULL << 32)
#define TRIES		64

/* Maps at @address, or not at all. */
static int map_at(int fd, size_t length, int prot, uint64_t address, void **mapped)
{
	void *p = mmap((void *)(uintptr_t)address, length, prot, MAP_SHARED | MAP_FIXED_NOREPLACE,
		       fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	*mapped = p;
	return 0;
}

/* Asks for the region's address, or proposes one. */
static int agree(int fd, uint64_t *address)
{
	struct vmlab_address arg = { .address = *address };

	if (ioctl(fd, VMLAB_IOC_ADDRESS, &arg) < 0)
		return -errno;
	*address = arg.address;
	return 0;
}

/* Finds a place where nothing is in this process, and maps the region there. */
static int map_anywhere(int fd, size_t length, int prot, void **mapped)
{
	struct vmlab_stat stat;
	int ret = vmlab_stat(fd, &stat);

	for (unsigned int i = 0; !ret && i < TRIES; i++) {
		uint64_t place = (stat.id * 61 + i) % PLACES;

		ret = map_at(fd, length, prot, FIRST_PLACE + place * PLACE_SIZE, mapped);
		if (ret != -EEXIST)
			return ret;
		ret = 0;
	}
	return ret ? ret : -EEXIST;
}

int vmlab_map_global(int fd, size_t length, int prot, void **address)
{
	uint64_t agreed = 0, ours;
	int ret = agree(fd, &agreed);

	if (ret)
		return ret;
	if (agreed)
		return map_at(fd, length, prot, agreed, address);

	ret = map_anywhere(fd, length, prot, address);
	if (ret)
		return ret;
	ours = (uintptr_t)*address;
	agreed = ours;
	ret = agree(fd, &agreed);
	if (!ret && agreed == ours)
		return 0;
	/* No right to propose, or somebody else was first. */
	munmap(*address, length);
	return ret ? ret : map_at(fd, length, prot, agreed, address);
}
