// SPDX-License-Identifier: GPL-2.0
#include "fuzz.h"
#include "sys.h"

#include <dirent.h>

#define KEPT_MAX 100	/* after corpus_minimize() */

void corpus_init(struct corpus *corpus)
{
	*corpus = (struct corpus){ .holders = calloc(EDGES, sizeof(*corpus->holders)) };
	if (!corpus->holders)
		errx(2, "no memory");
}

static int no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

char **corpus_paths(const char *dir)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, no_dots, alphasort);
	char **paths = calloc(count < 0 ? 1 : (size_t)count + 1, sizeof(*paths));

	if (count < 0)
		err(2, "%s", dir);
	for (int i = 0; i < count; i++) {
		if (!paths || asprintf(&paths[i], "%s/%s", dir, entries[i]->d_name) < 0)
			errx(2, "no memory");
		free(entries[i]);
	}
	free(entries);
	return paths;
}

size_t corpus_news(const struct corpus *corpus, const struct coverage *coverage)
{
	size_t news = 0;

	for (size_t i = 0; i < coverage->count; i++)
		news += !corpus->holders[coverage->edges[i]];
	return news;
}

static void hold(struct corpus *corpus, const struct coverage *coverage)
{
	for (size_t i = 0; i < coverage->count; i++)
		corpus->edges += !corpus->holders[coverage->edges[i]]++;
}

static void let_go(struct corpus *corpus, const struct coverage *coverage)
{
	for (size_t i = 0; i < coverage->count; i++)
		corpus->edges -= !--corpus->holders[coverage->edges[i]];
}

/* Those that were made up are named by their content. */
static bool is_written(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	return strlen(name) != 8 || strspn(name, "0123456789abcdef") != 8;
}

void corpus_add(struct corpus *corpus, const struct program *program,
		struct coverage *coverage, const char *path)
{
	struct entry *grown = reallocarray(corpus->entries, corpus->count + 1, sizeof(*grown));

	if (!grown)
		errx(2, "no memory");
	corpus->entries = grown;
	hold(corpus, coverage);
	grown[corpus->count++] = (struct entry){
		.path = path ? strdup(path) : NULL,
		.written = path && is_written(path),
		.program = *program,
		.coverage = *coverage,
	};
	*coverage = (struct coverage){ 0 };
}

static uint32_t hash(const struct program *program)
{
	uint32_t hash = 2166136261;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		errx(2, "no memory");
	program_print(out, program);
	fclose(out);
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619;
	free(text);
	return hash;
}

/* Writes what is in no file yet to files named by their content. */
bool corpus_save(struct corpus *corpus, const char *dir)
{
	for (size_t i = 0; i < corpus->count; i++) {
		struct entry *entry = &corpus->entries[i];

		if (entry->path)
			continue;
		if (asprintf(&entry->path, "%s/%08x", dir, hash(&entry->program)) < 0)
			errx(2, "no memory");
		if (!program_save(entry->path, &entry->program)) {
			warn("%s", entry->path);
			return false;
		}
	}
	return true;
}

static void drop(struct corpus *corpus, size_t index)
{
	struct entry *entry = &corpus->entries[index];

	if (entry->path && unlink(entry->path))
		err(2, "%s", entry->path);
	free(entry->path);
	coverage_free(&entry->coverage);
	corpus->entries[index] = corpus->entries[--corpus->count];
}

/* The entry from @from on that stays anyway, or reaches most of what is new; or the count. */
static size_t best(const struct corpus *corpus, size_t from)
{
	size_t most = 0, found = corpus->count;

	for (size_t i = from; i < corpus->count; i++) {
		size_t news = corpus_news(corpus, &corpus->entries[i].coverage);

		if (corpus->entries[i].written)
			return i;
		if (news > most) {
			most = news;
			found = i;
		}
	}
	return found;
}

/*
 * Takes the entries again, each time the one that adds most, until the rest add nothing or
 * there are enough: the rest goes, files and all.
 */
void corpus_minimize(struct corpus *corpus)
{
	size_t kept = 0, next;

	memset(corpus->holders, 0, EDGES * sizeof(*corpus->holders));
	corpus->edges = 0;
	while (kept < KEPT_MAX && (next = best(corpus, kept)) < corpus->count) {
		struct entry entry = corpus->entries[next];

		corpus->entries[next] = corpus->entries[kept];
		corpus->entries[kept++] = entry;
		hold(corpus, &entry.coverage);
	}
	while (corpus->count > kept)
		drop(corpus, corpus->count - 1);
}

/* Is there an edge that only this entry reached, and that is not in @coverage? */
bool corpus_would_lose(const struct corpus *corpus, const struct entry *entry,
		       const struct coverage *coverage)
{
	static uint8_t there[EDGES];
	bool loses = false;

	for (size_t i = 0; i < coverage->count; i++)
		there[coverage->edges[i]] = 1;
	for (size_t i = 0; i < entry->coverage.count && !loses; i++) {
		uint32_t edge = entry->coverage.edges[i];

		loses = corpus->holders[edge] == 1 && !there[edge];
	}
	for (size_t i = 0; i < coverage->count; i++)
		there[coverage->edges[i]] = 0;
	return loses;
}

void corpus_replace(struct corpus *corpus, struct entry *entry, const struct program *program,
		    struct coverage *coverage)
{
	hold(corpus, coverage);
	let_go(corpus, &entry->coverage);
	coverage_free(&entry->coverage);
	entry->program = *program;
	entry->coverage = *coverage;
	*coverage = (struct coverage){ 0 };
}
