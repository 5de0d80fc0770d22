// SPDX-License-Identifier: GPL-2.0
/*
 * vmlab snapshot: the pages of a region as a file. A clone is made first, so that the file
 * is of one moment, and the region's users wait for no more than that.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <vmlab.h>

#include "clock.h"
#include "command.h"
#include "fail.h"
#include "json.h"
#include "size.h"
#include "target.h"

#define STEP	(1 << 18)

struct options {
	struct target target;
	const char *path;
	bool json;
};

/**
 * struct snapshot - what is told about it in the end
 * @stat:	the region, before
 * @held_up:	seconds that the clone took
 * @copying:	seconds that the rest took
 * @bytes:	copied to the file
 * @written:	pages that the region's users wrote to meanwhile
 */
struct snapshot {
	struct vmlab_stat stat;
	double held_up;
	double copying;
	uint64_t bytes;
	uint64_t written;
};

static const struct argp_option options[] = {
	{ "fd", 'f', "N", 0, "The region of descriptor N, which the shell passed on", 0 },
	{ "json", 'j', NULL, 0, "Print JSON, for programs", 0 },
	{ "output", 'o', "FILE", 0, "The file to write, a new one", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opts = state->input;

	switch (key) {
	case 'j':
		opts->json = true;
		return 0;
	case 'o':
		opts->path = arg;
		return 0;
	case ARGP_KEY_END:
		if (!opts->path)
			argp_error(state, "say which file to write: -o FILE");
		break;
	}
	return target_parse(key, arg, state, &opts->target);
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PID [ID]",
	.doc = "Write the pages of the region that the process PID has mapped to a new file, as they are "
	       "at one moment, while the process goes on.",
};

/* One run of pages. 0, or -1 after a sentence. */
static int copy_range(int clone, int file, const char *path, off_t start, off_t end)
{
	static char buffer[STEP];

	while (start < end) {
		size_t wanted = end - start < STEP ? (size_t)(end - start) : STEP;
		ssize_t got = pread(clone, buffer, wanted, start), done = 0;

		if (got <= 0)
			return fail_op(VMLAB_OP_READ, got ? errno : EIO);
		while (done < got) {
			ssize_t ret = pwrite(file, buffer + done, (size_t)(got - done),
					     start + done);

			if (ret < 0)
				return fail_errno(errno, "%s cannot be written", path);
			done += ret;
		}
		start += got;
	}
	return 0;
}

/* What was never touched stays a hole. */
static int copy_all(struct snapshot *snapshot, int clone, int file, const char *path)
{
	off_t start = 0, end = 0;

	while ((start = lseek(clone, end, SEEK_DATA)) >= 0) {
		end = lseek(clone, start, SEEK_HOLE);
		if (end < 0)
			break;
		if (copy_range(clone, file, path, start, end))
			return -1;
		snapshot->bytes += (uint64_t)(end - start);
	}
	if (errno != ENXIO)
		return fail_op(VMLAB_OP_READ, errno);
	/* A size that nobody chose is no size for a file. */
	if (snapshot->stat.size != VMLAB_SIZE_DEFAULT &&
	    ftruncate(file, (off_t)snapshot->stat.size))
		return fail_errno(errno, "%s cannot be made as long as the region", path);
	return 0;
}

static int write_file(struct snapshot *snapshot, int clone, const char *path)
{
	double start = clock_seconds();
	int file, ret;

	/* Memory is nobody else's business. */
	file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0)
		return fail_errno(errno, "%s cannot be made", path);
	ret = copy_all(snapshot, clone, file, path);
	if (close(file) && !ret)
		ret = fail_errno(errno, "%s cannot be written", path);
	if (ret)
		unlink(path);
	snapshot->copying = clock_seconds() - start;
	return ret;
}

static int take(struct snapshot *snapshot, int region, const char *path)
{
	struct vmlab_stat after;
	double start;
	int clone, ret;

	ret = vmlab_stat(region, &snapshot->stat);
	if (ret)
		return fail_op(VMLAB_OP_STAT, ret);
	start = clock_seconds();
	clone = vmlab_clone(region, O_CLOEXEC);
	snapshot->held_up = clock_seconds() - start;
	if (clone < 0)
		return fail_op(VMLAB_OP_CLONE, clone);

	ret = write_file(snapshot, clone, path);
	if (!ret && !vmlab_stat(region, &after))
		snapshot->written = after.cow_copies - snapshot->stat.cow_copies;
	close(clone);
	return ret;
}

static void print_json(const struct snapshot *snapshot, const char *path)
{
	struct json_object *object = json_object_new_object();

	json_add_u64(object, "region", snapshot->stat.id);
	json_add_text(object, "file", path);
	json_object_object_add(object, "clone_seconds",
			       json_object_new_double(snapshot->held_up));
	json_object_object_add(object, "copy_seconds", json_object_new_double(snapshot->copying));
	json_add_u64(object, "copied_bytes", snapshot->bytes);
	json_add_u64(object, "written_meanwhile_pages", snapshot->written);
	json_print(object);
	json_object_put(object);
}

static void print_text(const struct snapshot *snapshot, const char *path)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t pages = (snapshot->bytes + page - 1) / page;

	printf("region %" PRIu64 " is in %s\n", (uint64_t)snapshot->stat.id, path);
	printf("%-16s %10.1f ms  that writers may have waited for the clone\n", "held up",
	       snapshot->held_up * 1000);
	printf("%-16s %10.1f ms  while they went on\n", "copied in", snapshot->copying * 1000);
	printf("%-16s %10" PRIu64 "     %s\n", "pages", pages,
	       size_text(snapshot->bytes, false).text);
	printf("%-16s %10" PRIu64 "     pages were written to meanwhile, and so are apart\n",
	       "written", snapshot->written);
}

int cmd_snapshot(int argc, char **argv)
{
	struct options opts = { .target = { .fd = -1 } };
	struct snapshot snapshot = { 0 };
	int region, ret;

	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	region = target_open(&opts.target);
	if (region < 0)
		return EXIT_FAILURE;
	ret = take(&snapshot, region, opts.path);
	close(region);
	if (ret)
		return EXIT_FAILURE;
	if (opts.json)
		print_json(&snapshot, opts.path);
	else
		print_text(&snapshot, opts.path);
	return EXIT_SUCCESS;
}
