// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/self/maps as the library of "vmlab run" reads it: whatever files are called, the walk
 * finds what is mapped, and what of it is the region's.
 */
#include "fuzz.h"

#include <sys/mman.h>

#include "../run/sys.h"

static int input = -1;

static long open_input(void)
{
	long fd = dup(input);

	PROMISE(fd >= 0 && lseek(input, 0, SEEK_SET) == 0);
	return fd;
}

/* In place of the file. */
#define sys_open(path, flags) open_input()
/* NOLINTNEXTLINE(bugprone-suspicious-include): it is to call what is defined above */
#include "../run/maps.c"

#define MOST 16
#define OURS 7UL	/* the inode */

/**
 * struct wanted - what a walk is to find
 * @pieces:	in order
 * @nr:		how many
 * @seen:	how many were found
 */
struct wanted {
	struct piece pieces[MOST];
	unsigned int nr;
	unsigned int seen;
};

static int compare(const struct piece *piece, void *arg)
{
	struct wanted *wanted = arg;
	const struct piece *other = &wanted->pieces[wanted->seen++];

	PROMISE(wanted->seen <= wanted->nr);
	PROMISE(piece->start == other->start && piece->end == other->end &&
		piece->prot == other->prot && piece->ours == other->ours);
	return 0;
}

/* A line, from three bytes and a name that ends where the next zero is. */
static size_t add_line(const uint8_t *data, size_t size, uintptr_t *at, struct wanted *wanted)
{
	const char *name = (const char *)data + 3;
	size_t length = strnlen(name, size - 3);
	char line[128], *end;
	struct piece piece = {
		.start = *at + (data[0] % 4) * PAGE_SIZE,
		.prot = (data[2] & 1 ? PROT_READ : 0) | (data[2] & 2 ? PROT_WRITE : 0) |
			(data[2] & 4 ? PROT_EXEC : 0),
		.ours = data[2] & 8,
	};
	int used;

	*at = piece.end = piece.start + (1 + data[1]) * PAGE_SIZE;
	wanted->pieces[wanted->nr++] = piece;
	used = snprintf(line, sizeof(line), "%lx-%lx %c%c%c%c %08x 00:2a %lu ", piece.start,
			piece.end, piece.prot & PROT_READ ? 'r' : '-',
			piece.prot & PROT_WRITE ? 'w' : '-', piece.prot & PROT_EXEC ? 'x' : '-',
			piece.ours ? 's' : 'p', data[1],
			piece.ours ? OURS : (unsigned long)data[2] + OURS + 1);
	PROMISE(write(input, line, (size_t)used) == used);
	/* The kernel writes an end of line in a name as \012. */
	while ((end = memchr(name, '\n', length)) != NULL) {
		size_t before = (size_t)(end - name);

		PROMISE(write(input, name, before) == (ssize_t)before &&
			write(input, "\\012", 4) == 4);
		length -= before + 1;
		name = end + 1;
	}
	PROMISE(write(input, name, length) == (ssize_t)length && write(input, "\n", 1) == 1);
	name += length;
	return (size_t)((const uint8_t *)name - data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wanted wanted = { .nr = 0 };
	uintptr_t at = PAGE_SIZE;

	file.major = 0;
	file.minor = 0x2a;
	file.inode = OURS;
	input = memfd_create("maps", MFD_CLOEXEC);
	PROMISE(input >= 0);
	while (size > 3 && wanted.nr < MOST) {
		size_t done = add_line(data, size, &at, &wanted);

		data += done;
		size -= done;
		if (size && !*data) {
			data++;
			size--;
		}
	}
	PROMISE(maps_walk(PAGE_SIZE, at, compare, &wanted) == 0);
	PROMISE(wanted.seen == wanted.nr);
	close(input);
	return 0;
}
