// SPDX-License-Identifier: GPL-2.0
/*
 * Pictures, sizes, numbers, checksums, names and mappings, without a module. Exit status 0 or 1.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cksum.h"
#include "number.h"
#include "picture.h"
#include "process.h"
#include "size.h"
#include "text.h"

#define PAGE	4096ULL

static int failed;

static void same(const char *what, const char *got, const char *wanted)
{
	if (!strcmp(got, wanted))
		return;
	fprintf(stderr, "%s: got\n%s\nand not\n%s\n", what, got, wanted);
	failed = 1;
}

static void add(struct extents *extents, uint64_t page, uint64_t pages, uint32_t state)
{
	const struct vmlab_extent extent = {
		.start = page * PAGE,
		.length = pages * PAGE,
		.state = state,
	};

	if (extents_add(extents, &extent))
		abort();
}

/* Compares a picture with @wanted; takes over the extents. */
static void draws(const char *what, struct extents *extents, uint64_t size, int lines,
		  const char *wanted)
{
	struct picture picture = {
		.end = size,
		.page_size = PAGE,
		.columns = 80,
		.lines = lines,
		.extents = extents,
	};
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		abort();
	picture_print(out, &picture);
	fclose(out);
	same(what, text, wanted);
	free(text);
	extents_free(extents);
}

static void test_pictures(void)
{
	struct extents e = { 0 };

	draws("empty, small", &e, 3 * PAGE, 16, "0000  ...\n");
	draws("empty, huge", &e, 1ULL << 47, 16, "           :  128 TiB never touched\n");

	add(&e, 0, 1, VMLAB_PAGE_RESIDENT | VMLAB_PAGE_MAPPED | VMLAB_PAGE_DIRTY);
	add(&e, 1, 1, VMLAB_PAGE_RESIDENT | VMLAB_PAGE_MAPPED);
	add(&e, 2, 1, VMLAB_PAGE_RESIDENT | VMLAB_PAGE_MAPPED);
	add(&e, 4, 1, VMLAB_PAGE_RESIDENT);
	draws("states", &e, 5 * PAGE, 16, "0000  DMM.R\n");

	add(&e, 1, 1, VMLAB_PAGE_RESIDENT);
	add(&e, (1ULL << 35) - 1, 1, VMLAB_PAGE_RESIDENT);
	draws("both ends of 128 TiB", &e, 1ULL << 47, 16,
	      "000000000000  .R..............................................................\n"
	      "           :  128 TiB never touched\n"
	      "7ffffffc0000  ...............................................................R\n");

	add(&e, 0, 3, VMLAB_PAGE_RESIDENT | VMLAB_PAGE_MAPPED | VMLAB_PAGE_SHARED);
	add(&e, 3, 1, VMLAB_PAGE_RESIDENT);
	add(&e, 4, 1, VMLAB_PAGE_RESIDENT | VMLAB_PAGE_DIRTY | VMLAB_PAGE_SHARED);
	draws("shared", &e, 6 * PAGE, 16, "0000  SSSRD.\n");

	add(&e, 0, 2, VMLAB_PAGE_STORED);
	add(&e, 2, 1, VMLAB_PAGE_STORED | VMLAB_PAGE_DIRTY);
	add(&e, 3, 1, VMLAB_PAGE_STORED | VMLAB_PAGE_SHARED);
	add(&e, 4, 1, VMLAB_PAGE_RESIDENT | VMLAB_PAGE_SHARED);
	draws("stored", &e, 6 * PAGE, 16, "0000  OOOOS.\n");

	add(&e, 0, 2, VMLAB_PAGE_STORED);
	add(&e, 2, 1, VMLAB_PAGE_STORED);
	add(&e, 4, 1, VMLAB_PAGE_STORED);
	add(&e, 5, 1, VMLAB_PAGE_RESIDENT);
	draws("stored and in memory in one cell", &e, 128 * PAGE, 1,
	      "00000  OoR.............................................................\n");

	add(&e, 0, 65, VMLAB_PAGE_RESIDENT | VMLAB_PAGE_SHARED);
	add(&e, 65, 1, VMLAB_PAGE_RESIDENT);
	add(&e, 66, 1, VMLAB_PAGE_RESIDENT | VMLAB_PAGE_SHARED);
	draws("shared and own in one cell", &e, 128 * PAGE, 1,
	      "00000  SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSRs..............................\n");

	add(&e, 0, 1, VMLAB_PAGE_RESIDENT);
	add(&e, 64, 2, VMLAB_PAGE_RESIDENT);
	add(&e, 130, 1, VMLAB_PAGE_RESIDENT | VMLAB_PAGE_MAPPED);
	draws("two lines only", &e, 256 * PAGE, 2,
	      "00000  r...............................R...............................\n"
	      "80000  .m..............................................................\n");
}

static void test_sizes(void)
{
	same("0", size_text(0, false).text, "0 B");
	same("1023", size_text(1023, false).text, "1023 B");
	same("35149", size_text(35149, false).text, "34.3 KiB");
	same("1 MiB - 1", size_text((1 << 20) - 1, false).text, "1.0 MiB");
	same("1 TiB", size_text(1ULL << 40, false).text, "1 TiB");
	same("2^64 - 1", size_text(UINT64_MAX, false).text, "16.0 EiB");
	same("exact", size_text(1ULL << 40, true).text, "1099511627776");
	same("one page", size_pages(1).text, "1 page");
}

static void test_numbers(void)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "1x", "0x1",
					   "99999999999999999999" };
	uint64_t value;
	int small;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (number_u64(bad[i], &value))
			same("a bad number", bad[i], "refused");
	}
	if (!number_u64("18446744073709551615", &value) || value != UINT64_MAX)
		same("the largest number", "refused", "taken");
	if (number_int("2147483648", &small) || !number_int("2147483647", &small))
		same("INT_MAX", "wrong", "right");
}

static void size_is(const char *text, uint64_t wanted)
{
	uint64_t bytes;

	if (!number_size(text, &bytes) || bytes != wanted)
		same("a size", text, "taken");
}

static void test_amounts(void)
{
	static const char *const bad[] = { "",	 "K",	"-1K", "1KB", "1 K",
					   "1P", "1.5G", "1KK", "16777216T" };
	uint64_t bytes;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (number_size(bad[i], &bytes))
			same("a bad size", bad[i], "refused");
	}
	size_is("0", 0);
	size_is("4097", 4097);
	size_is("64k", 64 << 10);
	size_is("64M", 64 << 20);
	size_is("3G", 3ULL << 30);
	size_is("16777215T", 16777215ULL << 40);
}

static void test_cksum(void)
{
	struct cksum sum = { 0 };
	char text[16];

	cksum_add(&sum, "1234", 4);
	cksum_add(&sum, "56789", 5);
	snprintf(text, sizeof(text), "%" PRIu32, cksum_end(&sum));
	same("cksum of 123456789", text, "930766865");
}

static void copies(const char *text, const char *wanted)
{
	char copy[17];

	text_copy(copy, text, 16);
	same("a name", copy, wanted);
}

static void test_names(void)
{
	copies("vmlab", "vmlab");
	copies("caf\xc3\xa9", "caf\xc3\xa9");
	copies("sixteen bytes!!!and more", "sixteen bytes!!!");
	copies("fifteen bytes. \xc3\xa9", "fifteen bytes. ?");
	copies("\x1b[31mred\n\x7f", "?[31mred??");
	copies("\xc2\x9b\x33\x31m", "??31m");
	copies("\xff\xc0\x80", "???");
	copies("\xed\xa0\x80", "???");
	copies("\xf4\x90\x80\x80", "????");
	copies("\xf0\x9f\x90\x8e", "\xf0\x9f\x90\x8e");
}

static void test_mappings(void)
{
	static const char *const bad[] = {
		"7f00-8000 rw-s 1000 00:1 7 /vmlab:7\n",
		"7f00-8000 rw-s 1000 00:1 7 /vmlab:7x (deleted)\n",
		"7f00-8000 rw-s 1000 00:1 7 /vmlab:7 (deleted) (deleted)\n",
		"7f00-8000 rw-s 1000 00:1 7 /vmlab:-7 (deleted)\n",
		"7f00-8000 rw-s 1000 00:1 7 /a/vmlab:7 (deleted)\n",
		"7f00-8000 rw-s 1000 00:1 7\n",
		"",
	};
	const char *good = "7f00-8000 rw-s 1000 00:1 7      /vmlab:42 (deleted)\n";
	struct process_mapping mapping;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (process_mapping_parse(bad[i], &mapping))
			same("no region's mapping", bad[i], "refused");
	}
	if (!process_mapping_parse(good, &mapping) || mapping.start != 0x7f00 ||
	    mapping.end != 0x8000 || mapping.offset != 0x1000 || mapping.id != 42)
		same("a region's mapping", "refused", "taken");
	same("permissions", mapping.perms, "rw-s");
}

int main(void)
{
	test_pictures();
	test_sizes();
	test_numbers();
	test_amounts();
	test_cksum();
	test_names();
	test_mappings();
	return failed;
}
