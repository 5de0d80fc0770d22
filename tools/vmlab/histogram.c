// SPDX-License-Identifier: GPL-2.0
/*
 * The histograms of a pool: how long its faults took, and how soon pages came back.
 */
#include <inttypes.h>
#include <stdio.h>

#include "histogram.h"
#include "json.h"
#include "term.h"

/* The widest bar. */
#define BAR	40

static const struct {
	const char *key;
	const char *title;
} kinds[VMLAB_HISTOGRAMS] = {
	[VMLAB_HISTOGRAM_FIRST_TOUCH]	= { "first_touch", "first touch" },
	[VMLAB_HISTOGRAM_READ_IN]	= { "read_in", "read from the file" },
	[VMLAB_HISTOGRAM_REFAULT]	= { "refault", "there, just not mapped" },
	[VMLAB_HISTOGRAM_COPY]		= { "copy", "copied" },
	[VMLAB_HISTOGRAM_SWAP_MEMORY]	= { "swap_memory", "back from memory" },
	[VMLAB_HISTOGRAM_SWAP_FILE]	= { "swap_file", "back from the store's file" },
	[VMLAB_HISTOGRAM_DISTANCE]	= { "distance", "evicted before it came back" },
};

static uint64_t total(const struct vmlab_histogram *histogram)
{
	uint64_t sum = 0;

	for (int i = 0; i < VMLAB_HISTOGRAM_BUCKETS; i++)
		sum += histogram->counts[i];
	return sum;
}

static uint64_t largest(const struct vmlab_histogram *histogram)
{
	uint64_t most = 0;

	for (int i = 0; i < VMLAB_HISTOGRAM_BUCKETS; i++) {
		if (histogram->counts[i] > most)
			most = histogram->counts[i];
	}
	return most;
}

struct value_text {
	char text[32];
};

/* "512 ns", "33 us"; or a number of pages. */
static struct value_text value_text(double value, bool pages)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	struct value_text text;
	size_t unit = 0;

	if (pages) {
		snprintf(text.text, sizeof(text.text), "%.0f", value);
		return text;
	}
	for (; value >= 1000 && unit < sizeof(units) / sizeof(units[0]) - 1; unit++)
		value /= 1000;
	snprintf(text.text, sizeof(text.text), "%.*f %s", value < 10 && unit ? 1 : 0, value,
		 units[unit]);
	return text;
}

/* What is counted in a bucket is at least this. */
static uint64_t bucket_start(int bucket)
{
	return bucket ? UINT64_C(1) << bucket : 0;
}

static void print_bar(const struct vmlab_histogram *histogram, int bucket, uint64_t most,
		      bool pages)
{
	uint64_t count = histogram->counts[bucket];
	int length = (int)((double)count / (double)most * BAR);

	printf("  from %8s %10" PRIu64 "  ", value_text((double)bucket_start(bucket), pages).text,
	       count);
	for (int i = 0; i < length || (!i && count); i++)
		putchar('#');
	putchar('\n');
}

static void print_one(const struct vmlab_histogram *histogram, unsigned int kind)
{
	bool pages = kind == VMLAB_HISTOGRAM_DISTANCE;
	uint64_t count = total(histogram), most = largest(histogram);
	int first = 0, last = VMLAB_HISTOGRAM_BUCKETS - 1;

	printf("%s%s%s: %" PRIu64 " %s, %s on average\n", term_colour(TERM_BOLD),
	       kinds[kind].title, term_colour(TERM_PLAIN), count, pages ? "pages" : "faults",
	       value_text((double)histogram->sum / (double)count, pages).text);
	while (!histogram->counts[first])
		first++;
	while (!histogram->counts[last])
		last--;
	for (int i = first; i <= last; i++)
		print_bar(histogram, i, most, pages);
}

void histograms_print(const struct vmlab_histogram *all, bool latency)
{
	for (unsigned int kind = 0; kind < VMLAB_HISTOGRAMS; kind++) {
		if (total(&all[kind]))
			print_one(&all[kind], kind);
	}
	if (!latency)
		puts("Latencies are not measured: \"vmlab pool --latency on\" begins that.");
}

static struct json_object *one_json(const struct vmlab_histogram *histogram, bool pages)
{
	struct json_object *object = json_object_new_object();
	struct json_object *buckets = json_object_new_array();

	json_add_u64(object, "count", total(histogram));
	json_add_u64(object, pages ? "sum_pages" : "sum_ns", histogram->sum);
	for (int i = 0; i < VMLAB_HISTOGRAM_BUCKETS; i++) {
		struct json_object *bucket;

		if (!histogram->counts[i])
			continue;
		bucket = json_object_new_object();
		json_add_u64(bucket, pages ? "from_pages" : "from_ns", bucket_start(i));
		json_add_u64(bucket, "count", histogram->counts[i]);
		json_object_array_add(buckets, bucket);
	}
	json_object_object_add(object, "buckets", buckets);
	return object;
}

struct json_object *histograms_json(const struct vmlab_histogram *all)
{
	struct json_object *object = json_object_new_object();

	for (unsigned int kind = 0; kind < VMLAB_HISTOGRAMS; kind++)
		json_object_object_add(object, kinds[kind].key,
				       one_json(&all[kind], kind == VMLAB_HISTOGRAM_DISTANCE));
	return object;
}
