// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab-fuzz: sequences of calls that no reasonable program makes.
 */
#include "fuzz.h"
#include "sys.h"
#include "../common/number.h"

#include <stdarg.h>

#define PAGES_MAX	(8 * HUGE / PAGE)	/* that regions may hold */
#define MINIMIZE_SECONDS 600	/* unless --seconds says how long things may take */

static struct options {
	uint64_t seconds, programs, seed, threads, limit, least;
	const char *corpus, *replay, *findings, *places;
	bool keep, minimize, verbose;
} opts = { .threads = 3, .limit = 60 };

static struct corpus corpus;
static unsigned long programs_run;
static bool guided;
static pid_t runner;

/* How often each operation succeeded and failed. */
struct tally {
	unsigned long good, bad;
};

static struct tally *tallies;

static void count_results(const struct program *program, const struct outcome *outcome)
{
	for (unsigned int i = 0; i < program->count; i++) {
		struct tally *tally = &tallies[op_number(program->calls[i].op)];

		if (outcome->results[i].done && outcome->results[i].value >= 0)
			tally->good++;
		else
			tally->bad++;
	}
}

static const char *describe(const struct outcome *outcome)
{
	static char text[64];

	switch (outcome->verdict) {
	case DIED:
		snprintf(text, sizeof(text), "the program died of %s", strsignal(outcome->signal));
		return text;
	case HUNG:
		return "the program hung";
	default:
		return NULL;
	}
}

/* At exit, however that comes; but not when a child does, which may have failed to begin. */
static void end(void)
{
	if (getpid() != runner)
		return;
	if (opts.findings) {
		char path[512];

		snprintf(path, sizeof(path), "%s/current", opts.findings);
		unlink(path);
	}
	scratch_remove();
	system_restore();
}

/* Tells, writes the program down, and ends the run. */
static void found(const struct program *program, const char *what)
{
	const char *dir = opts.findings ?: ".";
	char *path;
	FILE *out;

	printf("\nFOUND: %s\n\n", what);
	program_print(stdout, program);
	if (asprintf(&path, "%s/finding-%016lx-%lu", dir, opts.seed, programs_run) < 0)
		errx(2, "no memory");
	out = fopen(path, "we");
	if (!out)
		err(2, "%s", path);
	fprintf(out, "# %s\n", what);
	program_print(out, program);
	fclose(out);
	printf("\nreplay it with: vmlab-fuzz --replay %s\n", path);
	if (opts.keep)
		corpus_save(&corpus, opts.corpus);
	exit(1);
}

/* Should the machine go down, this is what did it. */
static void note_current(const struct program *program)
{
	char path[512];

	if (!opts.findings)
		return;
	snprintf(path, sizeof(path), "%s/current", opts.findings);
	if (!program_save(path, program))
		err(2, "%s", path);
}

/* Runs a program; what it covered is the caller's. */
static struct outcome run(const struct program *program, struct coverage *coverage)
{
	struct outcome outcome;
	const char *complaint, *ending;

	note_current(program);
	outcome = execute(program);
	programs_run++;
	kcov_read(coverage);
	count_results(program, &outcome);
	complaint = system_complaint();
	ending = describe(&outcome);
	if (complaint ?: ending)
		found(program, complaint ?: ending);
	return outcome;
}

static bool time_left(void)
{
	static struct timespec start;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!start.tv_sec)
		start = now;
	return (uint64_t)(now.tv_sec - start.tv_sec) < opts.seconds;
}

static void run_corpus(void)
{
	char **paths = corpus_paths(opts.corpus);

	for (size_t i = 0; paths[i]; i++) {
		struct coverage coverage;
		struct program program;

		if (!program_load(paths[i], &program))
			exit(2);
		run(&program, &coverage);
		corpus_add(&corpus, &program, &coverage, paths[i]);
		free(paths[i]);
	}
	free(paths);
}

static const struct program *any_entry(void)
{
	static const struct program none;

	if (!corpus.count)
		return &none;
	return &corpus.entries[random_below(corpus.count)].program;
}

static void fuzz_once(void)
{
	struct coverage first, second;
	struct program program;

	if (!corpus.count || random_chance(guided ? 15 : 50)) {
		program_generate(&program, (unsigned int)opts.threads);
	} else {
		program = *any_entry();
		program_mutate(&program, any_entry(), (unsigned int)opts.threads);
	}
	run(&program, &first);
	if (corpus_news(&corpus, &first)) {
		/* Chance may have reached it: what cannot be reached again is no use. */
		run(&program, &second);
		if (corpus_news(&corpus, &second))
			corpus_add(&corpus, &program, &second, NULL);
		coverage_free(&second);
	}
	coverage_free(&first);
}

/* Prints a line, once a minute. */
static void __attribute__((format(printf, 1, 2))) tell(const char *format, ...)
{
	static time_t told;
	time_t now = time(NULL);
	va_list args;

	if (!told)
		told = now;
	if (now - told < 60)
		return;
	told = now;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void fuzz(void)
{
	unsigned long done = 0;

	while (opts.programs ? done < opts.programs : time_left()) {
		fuzz_once();
		done++;
		if (guided)
			tell("%lu programs, %zu in the corpus, %lu places", done, corpus.count,
			     kcov_places());
		else
			tell("%lu programs", done);
	}
}

/* Removes a call if all that only this program reaches is still reached without it. */
static void do_without(struct entry *entry, unsigned int index)
{
	struct program shorter = entry->program;
	struct coverage coverage;

	program_remove(&shorter, index);
	run(&shorter, &coverage);
	if (!corpus_would_lose(&corpus, entry, &coverage))
		corpus_replace(&corpus, entry, &shorter, &coverage);
	coverage_free(&coverage);
}

static void shorten(struct entry *entry)
{
	for (unsigned int i = entry->program.count; i-- > 0;)
		do_without(entry, i);
	if (entry->path && !program_save(entry->path, &entry->program))
		err(2, "%s", entry->path);
}

/* Those that are saved were shortened when they were new. */
static void shorten_all(bool saved, uint64_t until)
{
	for (size_t i = 0; i < corpus.count; i++) {
		if (!corpus.entries[i].path == saved || corpus.entries[i].written)
			continue;
		if ((uint64_t)time(NULL) >= until)
			return;
		shorten(&corpus.entries[i]);
		tell("minimizing: %zu of %zu, %lu programs run", i + 1, corpus.count, programs_run);
	}
}

/* Takes at most as long as making programs up may. */
static void minimize(void)
{
	uint64_t until = (uint64_t)time(NULL) + (opts.seconds ?: MINIMIZE_SECONDS);

	printf("minimizing: %zu programs, %lu ways", corpus.count, corpus.edges);
	corpus_minimize(&corpus);
	printf("; %zu are kept, which reach %lu\n", corpus.count, corpus.edges);
	fflush(stdout);
	shorten_all(false, until);
	shorten_all(true, until);
	if ((uint64_t)time(NULL) >= until)
		printf("minimizing: time is up, not all were looked at\n");
}

static void print_result(struct result result)
{
	if (!result.done)
		printf(" = not done\n");
	else if (result.value == REFUSED)
		printf(" = refused\n");
	else if (result.value < SIGNALLED)
		printf(" = SIG%s\n", sigabbrev_np((int)(SIGNALLED - result.value)) ?: "?");
	else if (result.value < 0)
		printf(" = -%s\n", strerrorname_np((int)-result.value) ?: "?");
	else
		printf(" = %ld\n", result.value);
}

static void replay(void)
{
	struct coverage coverage;
	struct program program;
	struct outcome outcome;

	if (!program_load(opts.replay, &program))
		exit(2);
	outcome = run(&program, &coverage);
	coverage_free(&coverage);
	for (unsigned int i = 0; i < program.count; i++) {
		call_print(stdout, &program.calls[i]);
		print_result(outcome.results[i]);
	}
}

static void print_tallies(void)
{
	printf("%-20s %10s %10s\n", "operation", "succeeded", "failed");
	for (size_t i = 0; i < ops_count(); i++)
		printf("%-20s %10lu %10lu\n", op_at(i)->name, tallies[i].good, tallies[i].bad);
}

/* An operation that always fails tests next to nothing. */
static bool all_succeeded(void)
{
	bool all = true;

	for (size_t i = 0; i < ops_count(); i++) {
		if (tallies[i].good)
			continue;
		printf("%s: did not succeed once\n", op_at(i)->name);
		all = false;
	}
	return all;
}

static bool report(void)
{
	bool good = true;

	if (opts.verbose)
		print_tallies();
	printf("%lu programs", programs_run);
	if (guided)
		printf(", %lu places and %lu ways between them reached", kcov_places(),
		       corpus.edges);
	if (opts.corpus || guided)
		printf(", %zu programs in the corpus", corpus.count);
	putchar('\n');
	if (kcov_places() < opts.least) {
		printf("too few places: %lu were expected\n", opts.least);
		good = false;
	}
	if (opts.places && !kcov_write_places(opts.places))
		err(2, "%s", opts.places);
	return good;
}

static const struct argp_option options[] = {
	{ "seconds", 's', "N", 0, "Make up programs for so long", 0 },
	{ "programs", 'n', "N", 0, "Make up so many programs", 0 },
	{ "seed", 'S', "N", 0, "Begin from this number (default: another one each time)", 0 },
	{ "threads", 't', "N", 0, "Threads of a program, 1 to 4 (3)", 0 },
	{ "corpus", 'c', "DIR", 0, "Run the programs in DIR first, and go on from them", 0 },
	{ "keep", 'k', NULL, 0, "Write to that DIR what reached something new", 0 },
	{ "minimize", 'm', NULL, 0, "Shorten that DIR: fewer programs, fewer calls", 0 },
	{ "replay", 'r', "FILE", 0, "Run this program, and print the result of each call", 0 },
	{ "findings", 'f', "DIR", 0, "Where to write a program that found something (.)", 0 },
	{ "limit", 'l', "N", 0, "Seconds after which a program hangs (60)", 0 },
	{ "least-places", 'L', "N", 0, "Fail if fewer places of the module are reached", 0 },
	{ "places", 'p', "FILE", 0, "Write the places reached to FILE, for addr2line", 0 },
	{ "verbose", 'v', NULL, 0, "Say how often each operation succeeded", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 's':
		opts.seconds = number_option(arg, 1, UINT32_MAX, state);
		return 0;
	case 'n':
		opts.programs = number_option(arg, 1, UINT64_MAX, state);
		return 0;
	case 'S':
		opts.seed = number_option(arg, 0, UINT64_MAX, state);
		return 0;
	case 't':
		opts.threads = number_option(arg, 1, THREADS_MAX, state);
		return 0;
	case 'c':
		opts.corpus = arg;
		return 0;
	case 'k':
		opts.keep = true;
		return 0;
	case 'm':
		opts.minimize = true;
		return 0;
	case 'r':
		opts.replay = arg;
		return 0;
	case 'f':
		opts.findings = arg;
		return 0;
	case 'l':
		opts.limit = number_option(arg, 1, 3600, state);
		return 0;
	case 'L':
		opts.least = number_option(arg, 1, UINT32_MAX, state);
		return 0;
	case 'p':
		opts.places = arg;
		return 0;
	case 'v':
		opts.verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "it takes no arguments, but there is \"%s\"", arg);
		return EINVAL;
	case ARGP_KEY_END:
		if ((opts.keep || opts.minimize) && !opts.corpus)
			argp_error(state, "--keep and --minimize need --corpus");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Runs sequences of calls on /dev/vmlab, and watches for the kernel to complain. Exits "
	       "with 1 if it did, or a program died or hung; the program is printed and written down.",
};

static void begin(void)
{
	tallies = calloc(ops_count(), sizeof(*tallies));
	if (!tallies)
		errx(2, "no memory");
	corpus_init(&corpus);
	guided = kcov_open();
	if (!guided)
		printf("this kernel has no KCOV: not guided by coverage\n");
	/* No program adds anything then, and all of the corpus would go. */
	if (!guided && opts.minimize)
		errx(2, "--minimize needs a kernel with KCOV");
	if (!guided && opts.least)
		errx(2, "--least-places needs a kernel with KCOV, and the module built for it");
	random_seed(opts.seed);
	execute_init((unsigned int)opts.limit);
	system_init(PAGES_MAX);
	runner = getpid();
	atexit(end);
	scratch_make();
}

static bool run_all(void)
{
	bool good = true;

	if (opts.corpus) {
		run_corpus();
		good = all_succeeded();
	}
	if (opts.seconds || opts.programs)
		fuzz();
	if (opts.minimize)
		minimize();
	if (opts.keep && !corpus_save(&corpus, opts.corpus))
		good = false;
	return report() && good;
}

int main(int argc, char **argv)
{
	bool good = true;

	opts.seed = (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	printf("seed %#lx\n", opts.seed);
	begin();
	if (opts.replay)
		replay();
	else
		good = run_all();
	return good ? 0 : 1;
}
