// SPDX-License-Identifier: GPL-2.0
/*
 * Not a test: hold WHAT [FILE] is a process that has something of vmlab's, for the tests in
 * shell. It prints a line when it has it, and keeps it until its input ends.
 */
#include "vmlab_test.h"

#define PAGES 64UL

static char *region(__u32 flags)
{
	char *p = map_shared(region_zero(flags, PAGES * PAGE), PAGES * PAGE);

	if (p == MAP_FAILED)
		broken("no region: %s\n", strerror(errno));
	return p;
}

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

static void wait_for_end(void)
{
	while (getchar() != EOF)
		;
}

static void descriptor(const char *file)
{
	(void)file;
	if (region_open() < 0)
		broken("no region: %s\n", strerror(errno));
	ready();
}

static void region_descriptor(const char *file)
{
	int device = region_open();

	(void)file;
	if (region_fd(device, 0) < 0)
		broken("no descriptor: %s\n", strerror(errno));
	close(device);
	ready();
}

static void mapping_only(int flags)
{
	int fd = region_open();
	char *p = map(fd, MIB, RW, flags, 0);

	if (p == MAP_FAILED)
		broken("no mapping: %s\n", strerror(errno));
	*p = 1;
	close(fd);
	ready();
}

static void mapping(const char *file)
{
	(void)file;
	mapping_only(MAP_SHARED);
}

static void private_mapping(const char *file)
{
	(void)file;
	mapping_only(MAP_PRIVATE);
}

static void two_pages(const char *file)
{
	char *p = region(0);

	(void)file;
	p[0] = 'A';
	p[32 * PAGE] = 'B';
	ready();
}

/* A file, of which a byte was changed in memory. */
static void changed_file(const char *file)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	char *p = map_shared(region_file(fd, 0, 0), 50000);

	if (p == MAP_FAILED)
		broken("%s: %s\n", file, strerror(errno));
	p[20000] = 'c';
	ready();
}

/* A number is written to the first page and then to the last one, for ever. */
static void counting(const char *file)
{
	char *p = region(0);
	volatile __u64 *first = (void *)p, *last = (void *)(p + (PAGES - 1) * PAGE);

	(void)file;
	*first = 0;
	*last = 0;
	ready();
	for (__u64 n = 1;; n++) {
		*first = n;
		*last = n;
	}
}

/* It prints its child's number. */
static void forked(const char *file)
{
	char *p = region(VMLAB_REGION_COW_FORK);
	pid_t child;

	(void)file;
	*p = 'A';
	child = fork();
	if (!child) {
		*p = 'B';
		return;
	}
	printf("%d\n", child);
	fflush(stdout);
}

static void two_regions(const char *file)
{
	(void)file;
	region(0);
	region(0);
	ready();
}

static const struct {
	const char *name;
	void (*have)(const char *file);
} things[] = {
	{ "descriptor", descriptor },
	{ "region-descriptor", region_descriptor },
	{ "mapping", mapping },
	{ "private-mapping", private_mapping },
	{ "two-pages", two_pages },
	{ "changed-file", changed_file },
	{ "counting", counting },
	{ "forked", forked },
	{ "two-regions", two_regions },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(things); i++) {
		if (strcmp(argv[1], things[i].name) != 0)
			continue;
		things[i].have(argv[2]);
		wait_for_end();
		return 0;
	}
	fprintf(stderr, "hold: what?\n");
	return 2;
}
