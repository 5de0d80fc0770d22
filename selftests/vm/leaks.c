// SPDX-License-Identifier: GPL-2.0
/*
 * An object counts as lost if two scans found nothing that points to it, and if
 * it did not change between them. Both are made when the module is gone, and with
 * it the last reason to keep what it had: what its own data pointed to until then is
 * seen for the first time by the first of them. Its functions have no names by then:
 * they are written down before.
 */

#define _GNU_SOURCE
#include "leaks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KMEMLEAK "/sys/kernel/debug/kmemleak"

/* The kernel does not report what is younger, in seconds. */
#define AGE_MIN 5

struct symbol {
	unsigned long address;
	char name[64];
};

static struct symbol *symbols;
static size_t nr_symbols;

static void note_symbols(void)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	struct symbol symbol, *more;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (!strstr(line, "[vmlab]"))
			continue;
		/* NOLINTNEXTLINE(cert-err34-c): the kernel's number, and it fits. */
		if (sscanf(line, "%lx %*c %63s", &symbol.address, symbol.name) != 2)
			continue;
		more = realloc(symbols, (nr_symbols + 1) * sizeof(*symbols));
		if (!more)
			break;	/* the rest will be without names */
		symbols = more;
		symbols[nr_symbols++] = symbol;
	}
	if (file)
		fclose(file);
}

/* The function of the module's that @address was in, or NULL. */
static const struct symbol *find_symbol(unsigned long address)
{
	const struct symbol *best = NULL;

	for (size_t i = 0; i < nr_symbols; i++) {
		unsigned long start = symbols[i].address;

		if (start <= address && address - start < 0x10000 &&
		    (!best || start > best->address))
			best = &symbols[i];
	}
	return best;
}

/* Fails if kmemleak has switched itself off, as it does when it runs out of memory. */
static int scan(void)
{
	int fd = open(KMEMLEAK, O_WRONLY | O_CLOEXEC);
	ssize_t done = write(fd, "scan", 4);

	close(fd);
	return done == 4 ? 0 : -1;
}

void leaks_before_unload(void)
{
	if (access(KMEMLEAK, W_OK))
		return;
	note_symbols();
}

/*
 * What the kernel itself loses, by a function that allocated it. 6.1 forgets the name of a
 * cache for which it cannot make a folder in /sys: a test of failures makes it do so.
 */
static const char *const elsewhere[] = { "sysfs_slab_add+" };

static int is_elsewhere(const char *object)
{
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++) {
		if (strstr(object, elsewhere[i]))
			return 1;
	}
	return 0;
}

/* Adds a line of the kernel's report, with the name of what was the module's. */
static void put_line(FILE *out, const char *line)
{
	const struct symbol *symbol = NULL;
	unsigned long address;

	/* NOLINTNEXTLINE(cert-err34-c): the same */
	if (sscanf(line, " [<%lx>]", &address) == 1)
		symbol = find_symbol(address);
	if (symbol)
		fprintf(out, "    [<%lx>] %s+0x%lx [vmlab]\n", address, symbol->name,
			address - symbol->address);
	else
		fputs(line, out);
}

/* Reads one object's part of the kernel's report, of which @line is the first; or NULL. */
static char *read_object(FILE *in, char *line, size_t size)
{
	char *object = NULL;
	size_t length;
	FILE *out = *line ? open_memstream(&object, &length) : NULL;

	if (!out)
		return NULL;
	do {
		put_line(out, line);
		if (!fgets(line, (int)size, in))
			*line = 0;
	} while (*line && strncmp(line, "unreferenced", strlen("unreferenced")) != 0);
	fclose(out);
	return object;
}

/* Adds what was lost to @out. Fails if the report of the last scan cannot be read. */
static int read_report(FILE *out)
{
	FILE *in = fopen(KMEMLEAK, "r");
	char line[256] = "";
	int ret;

	if (!in)
		return -1;
	if (fgets(line, sizeof(line), in)) {
		char *object;

		while ((object = read_object(in, line, sizeof(line)))) {
			if (!is_elsewhere(object))
				fputs(object, out);
			free(object);
		}
	}
	ret = ferror(in) ? -1 : 0;
	fclose(in);
	return ret;
}

/*
 * What was lost, as text, or NULL if nothing was. A kernel without kmemleak cannot tell; if it
 * must, that is told as if something was.
 */
char *leaks_after_unload(bool must_tell)
{
	char *report = NULL;
	size_t length = 0;
	FILE *out;

	if (access(KMEMLEAK, W_OK))
		return must_tell ? strdup(KMEMLEAK " is not there, or not for us\n") : NULL;
	sleep(AGE_MIN + 1);
	for (int i = 0; i < 2; i++) {
		if (scan())
			return strdup("kmemleak has switched itself off: see the kernel's log\n");
	}
	out = open_memstream(&report, &length);
	if (!out)
		return strdup("no memory to tell what was lost\n");
	if (read_report(out))
		fputs(KMEMLEAK " cannot be read\n", out);
	fclose(out);
	return length ? report : NULL;
}
