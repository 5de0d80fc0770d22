/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of huge pages share. */
#ifndef HUGE_TEST_H
#define HUGE_TEST_H

#include "cow_test.h"

#include <ctype.h>

#define HUGE (2 * MIB)
#define HUGES 4UL
#define LENGTH (HUGES * HUGE)
#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

/* Bytes of the mapping at @p that are mapped by entries for 2 MiB. */
static inline unsigned long pmd_mapped(const char *p)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long start, end, found = 0;
	char line[256], *rest;
	bool inside = false;

	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (!isupper(line[0])) {
			start = strtoul(line, &rest, 16);
			end = strtoul(rest + 1, NULL, 16);
			inside = start <= (unsigned long)p && (unsigned long)p < end;
		} else if (inside && !strncmp(line, "FilePmdMapped:", strlen("FilePmdMapped:"))) {
			found = strtoul(line + strlen("FilePmdMapped:"), NULL, 10) * 1024;
		}
	}
	if (smaps)
		fclose(smaps);
	return found;
}

/* Is all of the 2 MiB at @offset one huge page? */
static inline bool is_huge(int fd, __u64 offset)
{
	struct vmlab_extent extent;
	struct vmlab_extents extents = {
		.start = offset, .end = offset + HUGE,
		.buffer = (unsigned long)&extent, .count = 1,
	};

	if (ioctl(fd, VMLAB_IOC_EXTENTS, &extents))
		broken("VMLAB_IOC_EXTENTS: %s\n", strerror(errno));
	return extents.count == 1 && extent.start == offset && extent.length == HUGE &&
	       extent.state & VMLAB_PAGE_HUGE;
}

/* Is [from, from + length) of what was filled from @p on as it was? */
static inline bool filled_from(const char *p, unsigned int seed, size_t from, size_t length)
{
	for (size_t i = from; i < from + length; i++) {
		if (p[i] != (char)((i * 31 + i / PAGE + seed) % 251 + 1))
			return false;
	}
	return true;
}

/* The same of what is read from a region. */
static inline bool reads_filled_from(int fd, unsigned int seed, size_t from, size_t length)
{
	char *buffer = malloc(length);
	bool same = pread(fd, buffer, length, from) == (ssize_t)length;

	for (size_t i = 0; same && i < length; i++)
		same = buffer[i] == (char)(((from + i) * 31 + (from + i) / PAGE + seed) % 251 + 1);
	free(buffer);
	return same;
}

/* Is all as it was filled, but for a hole of zeroes? */
static inline bool filled_but(const char *p, size_t length, unsigned int seed, size_t hole,
			      size_t hole_length)
{
	return filled_from(p, seed, 0, hole) && all_zero(p + hole, hole_length) &&
	       filled_from(p, seed, hole + hole_length, length - hole - hole_length);
}

#endif
