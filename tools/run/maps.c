// SPDX-License-Identifier: GPL-2.0
/*
 * What is mapped where, as /proc/self/maps has it: asked only where a call cannot be done
 * without.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "region.h"
#include "sys.h"

/* The file of the region's mappings: all that come of it by forks have the same. */
static struct {
	unsigned long major, minor, inode;
} file;

/**
 * struct reader - /proc/self/maps, a character at a time
 * @fd:		descriptor
 * @length:	of what is in @buffer
 * @next:	what was not given out yet
 * @buffer:	what was read
 */
struct reader {
	int fd;
	size_t length;
	size_t next;
	char buffer[2048];
};

/* -1 at the end. */
static int next_char(struct reader *reader)
{
	if (reader->next == reader->length) {
		long n = sys(SYS_read, (long)reader->fd, reader->buffer, sizeof(reader->buffer));

		if (n <= 0)
			return -1;
		reader->length = (size_t)n;
		reader->next = 0;
	}
	return (unsigned char)reader->buffer[reader->next++];
}

/* A number, and the character behind it. */
static unsigned long next_number(struct reader *reader, unsigned int base)
{
	unsigned long number = 0;
	int c;

	while ((c = next_char(reader)) >= 0) {
		if (c >= '0' && c <= '9')
			number = number * base + (unsigned long)(c - '0');
		else if (base == 16 && c >= 'a' && c <= 'f')
			number = number * base + (unsigned long)(c - 'a' + 10);
		else
			break;
	}
	return number;
}

/**
 * struct line - one line of it
 * @piece:	@ours is not set
 * @major:	of the device
 * @minor:	likewise
 * @inode:	0: there is no file
 */
struct line {
	struct piece piece;
	unsigned long major, minor, inode;
};

/* False at the end. */
static bool next_line(struct reader *reader, struct line *line)
{
	int c;

	line->piece.start = next_number(reader, 16);
	line->piece.end = next_number(reader, 16);
	line->piece.prot = next_char(reader) == 'r' ? PROT_READ : 0;
	line->piece.prot |= next_char(reader) == 'w' ? PROT_WRITE : 0;
	line->piece.prot |= next_char(reader) == 'x' ? PROT_EXEC : 0;
	next_char(reader);		/* shared or private */
	next_char(reader);
	next_number(reader, 16);	/* offset */
	line->major = next_number(reader, 16);
	line->minor = next_number(reader, 16);
	line->inode = next_number(reader, 10);
	while ((c = next_char(reader)) >= 0 && c != '\n')
		;
	return c >= 0;
}

int maps_walk(uintptr_t address, size_t length, piece_fn fn, void *arg)
{
	struct reader reader = { .fd = (int)sys_open("/proc/self/maps", O_RDONLY | O_CLOEXEC) };
	struct line line;
	int ret = 0;

	if (reader.fd < 0)
		return reader.fd;
	while (!ret && next_line(&reader, &line) && line.piece.start < address + length) {
		if (line.piece.end <= address)
			continue;
		line.piece.ours = file.inode && line.inode == file.inode &&
				  line.major == file.major && line.minor == file.minor;
		if (line.piece.start < address)
			line.piece.start = address;
		if (line.piece.end > address + length)
			line.piece.end = address + length;
		ret = fn(&line.piece, arg);
	}
	sys_close(reader.fd);
	return ret;
}

void maps_learn(uintptr_t address)
{
	struct reader reader = { .fd = (int)sys_open("/proc/self/maps", O_RDONLY | O_CLOEXEC) };
	struct line line;

	if (reader.fd < 0)
		return;
	while (next_line(&reader, &line)) {
		if (line.piece.start == address) {
			file.major = line.major;
			file.minor = line.minor;
			file.inode = line.inode;
		}
	}
	sys_close(reader.fd);
}

struct summary {
	uintptr_t end;		/* of what was seen without a hole */
	int prot;
	bool holes, ours, others, differ;
};

static int sum_up(const struct piece *piece, void *arg)
{
	struct summary *sum = arg;

	sum->holes |= piece->start != sum->end;
	sum->end = piece->end;
	if (piece->ours) {
		sum->differ |= sum->ours && piece->prot != sum->prot;
		sum->prot = piece->prot;
		sum->ours = true;
	} else {
		sum->others = true;
	}
	return 0;
}

int maps_prot(uintptr_t address, size_t length, int *prot)
{
	struct summary sum = { .end = address };
	int ret = maps_walk(address, length, sum_up, &sum);

	if (ret)
		return ret;
	if (!sum.ours)
		return 0;
	if (sum.others || sum.differ || sum.holes || sum.end != address + length)
		return -EFAULT;
	*prot = sum.prot;
	return 1;
}
