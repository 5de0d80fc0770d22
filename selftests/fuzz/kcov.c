// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's KCOV: each thread of a program has a buffer, made here and inherited by
 * the children, into which the kernel writes where in instrumented code the thread was.
 * Only the module is instrumented, and places are kept as offsets in it.
 */
#include "fuzz.h"
#include "sys.h"

#include <linux/kcov.h>

#define WORDS		(1UL << 16)
#define PLACES_MAX	(1UL << 22)
#define MODULE		"/sys/module/vmlab/"

static struct {
	int fd;
	uint64_t *area;		/* how many, and then the places */
} buffers[THREADS_MAX + 1];	/* the last one is for what threads fork */

static uint64_t text, text_size;	/* 0: there is no KCOV */
static uint8_t places[PLACES_MAX];
static unsigned long nr_places;

static uint64_t read_number(const char *path, int base)
{
	FILE *in = fopen(path, "re");
	char line[64] = "";
	bool got;

	if (!in)
		return 0;
	got = fgets(line, sizeof(line), in);
	fclose(in);
	return got ? strtoull(line, NULL, base) : 0;
}

static bool open_buffer(unsigned int thread)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	void *area;

	if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, WORDS))
		return false;
	area = mmap(NULL, WORDS * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (area == MAP_FAILED)
		return false;
	buffers[thread].fd = fd;
	buffers[thread].area = area;
	return true;
}

bool kcov_open(void)
{
	if (access("/sys/kernel/debug/kcov", F_OK))
		return false;
	for (unsigned int thread = 0; thread < COUNT(buffers); thread++) {
		if (!open_buffer(thread))
			return false;
	}
	text = read_number(MODULE "sections/.text", 16);
	text_size = read_number(MODULE "coresize", 10);
	if (text_size > PLACES_MAX)
		text_size = PLACES_MAX;
	return text && text_size;
}

void kcov_reset(void)
{
	for (unsigned int thread = 0; text_size && thread < COUNT(buffers); thread++)
		buffers[thread].area[0] = 0;
}

/* The children of this process need no buffers: to copy them takes its time. */
void kcov_keep(void)
{
	for (unsigned int thread = 0; text_size && thread < COUNT(buffers); thread++)
		madvise(buffers[thread].area, WORDS * sizeof(uint64_t), MADV_DONTFORK);
}

void kcov_start(unsigned int thread)
{
	if (text_size && ioctl(buffers[thread].fd, KCOV_ENABLE, KCOV_TRACE_PC))
		err(2, "KCOV_ENABLE");
}

void kcov_start_forked(void)
{
	if (text_size)
		ioctl(buffers[THREADS_MAX].fd, KCOV_ENABLE, KCOV_TRACE_PC);
}

void kcov_stop(unsigned int thread)
{
	if (text_size)
		ioctl(buffers[thread].fd, KCOV_DISABLE, 0);
}

static void add_edge(struct coverage *coverage, uint32_t edge)
{
	if (coverage->count == coverage->room) {
		coverage->room = coverage->room ? 2 * coverage->room : 256;
		coverage->edges = realloc(coverage->edges,
					  coverage->room * sizeof(coverage->edges[0]));
		if (!coverage->edges)
			errx(2, "no memory");
	}
	coverage->edges[coverage->count++] = edge;
}

static void read_buffer(struct coverage *coverage, uint8_t *seen, const uint64_t *area)
{
	uint64_t before = 0;

	for (uint64_t i = 1; i <= area[0] && i < WORDS; i++) {
		uint64_t place = area[i] - text;
		uint32_t edge;

		if (place >= text_size)
			continue;
		nr_places += !places[place];
		places[place] = 1;
		edge = (uint32_t)((before * 0x9e3779b1 ^ place * 0x85ebca6b) >> 8) % EDGES;
		before = place;
		if (seen[edge])
			continue;
		seen[edge] = 1;
		add_edge(coverage, edge);
	}
}

void kcov_read(struct coverage *coverage)
{
	static uint8_t seen[EDGES];

	*coverage = (struct coverage){ 0 };
	for (unsigned int thread = 0; text_size && thread < COUNT(buffers); thread++)
		read_buffer(coverage, seen, buffers[thread].area);
	for (size_t i = 0; i < coverage->count; i++)
		seen[coverage->edges[i]] = 0;
}

void coverage_free(struct coverage *coverage)
{
	free(coverage->edges);
	*coverage = (struct coverage){ 0 };
}

unsigned long kcov_places(void)
{
	return nr_places;
}

/* Offsets in .text, one a line: for "addr2line -e vmlab.ko -j .text". */
bool kcov_write_places(const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out)
		return false;
	for (unsigned long place = 0; place < PLACES_MAX; place++) {
		if (places[place])
			fprintf(out, "%#lx\n", place);
	}
	return !fclose(out);
}
