// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <vmlab.h>

#include "clock.h"
#include "fail.h"
#include "number.h"
#include "recording.h"
#include "trace.h"

#define BATCH	512

/**
 * struct recording - see recording.h; the thread has it all from recording_run() on
 * @source:	what the kernel gives; the thread closes it in the end, or nobody would read it
 * @begun:	when it began, of clock_seconds()
 * @until:	nanoseconds from then on, when nobody wants to know any more; set by another thread
 * @stop:	an event: @until was set
 * @ended:	an event: the thread has ended
 * @path:	the file
 * @writer:	the trace
 * @thread:	it, if @running
 * @references:	written
 * @lost:	not given
 * @err:	a negative errno, of reading or of the thread; the writer keeps its own
 */
struct recording {
	int source;
	double begun;
	uint64_t until;
	int stop;
	int ended;
	const char *path;
	struct trace_writer *writer;
	pthread_t thread;
	bool running;
	uint64_t references;
	uint64_t lost;
	int err;
};

void recording_parse_window(const char *arg, struct argp_state *state, unsigned int *window)
{
	int number = 0;

	if (!number_int(arg, &number) || number < VMLAB_RECORD_WINDOW_MIN ||
	    number > VMLAB_RECORD_WINDOW_MAX)
		argp_error(state, "\"%s\" is no number of pages from %d to %d", arg,
			   VMLAB_RECORD_WINDOW_MIN, VMLAB_RECORD_WINDOW_MAX);
	*window = (unsigned int)number;
}

int recording_file_open(struct recording_file *file, const char *path)
{
	int fd;

	*file = (struct recording_file){ .path = path };
	if (!strcmp(path, "-")) {
		file->file = stdout;
		return 0;
	}
	/* What a program does with its memory is nobody else's business. */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(errno, "\"%s\" cannot be made", path);
	file->file = fdopen(fd, "w");
	if (file->file)
		return 0;
	close(fd);
	unlink(path);
	return fail("there is not enough memory for \"%s\"", path);
}

int recording_file_close(struct recording_file *file, bool keep)
{
	int ret = 0;

	if (file->file == stdout)
		return 0;
	if (fclose(file->file) && keep)
		ret = fail_errno(errno, "\"%s\" cannot be written", file->path);
	if (!keep || ret)
		unlink(file->path);
	return ret;
}

static struct trace_writer *new_writer(int region, FILE *file)
{
	struct vmlab_features features;
	struct trace_head head;
	struct trace_writer *writer;
	struct vmlab_stat stat;
	int ret = vmlab_stat(region, &stat);

	if (!ret)
		ret = vmlab_features(region, &features);
	if (ret) {
		fail_op(VMLAB_OP_STAT, ret);
		return NULL;
	}
	head = (struct trace_head){
		.page_size = features.page_size,
		.region = stat.id,
		.region_size = stat.size,
	};
	writer = trace_create(file, TRACE_VMLAB, true, &head);
	if (!writer)
		fail("there is not enough memory for the recording");
	return writer;
}

static void close_source(struct recording *recording)
{
	if (recording->source >= 0)
		close(recording->source);
	recording->source = -1;
}

static void free_recording(struct recording *recording)
{
	close_source(recording);
	if (recording->stop >= 0)
		close(recording->stop);
	if (recording->ended >= 0)
		close(recording->ended);
	free(recording);
}

static struct recording *new_recording(const char *path)
{
	struct recording *recording = malloc(sizeof(*recording));

	if (!recording) {
		fail("there is not enough memory for the recording");
		return NULL;
	}
	*recording = (struct recording){
		.source = -1,
		.begun = clock_seconds(),
		.until = UINT64_MAX,
		.path = path,
		.stop = eventfd(0, EFD_CLOEXEC),
		.ended = eventfd(0, EFD_CLOEXEC),
	};
	if (recording->stop >= 0 && recording->ended >= 0)
		return recording;
	fail_errno(errno, "the recording cannot begin");
	free_recording(recording);
	return NULL;
}

struct recording *recording_begin(int region, unsigned int window, struct recording_file *file)
{
	struct recording *recording = new_recording(file->path);

	if (!recording)
		return NULL;
	recording->source = vmlab_record(region, O_CLOEXEC | O_NONBLOCK, window);
	if (recording->source < 0)
		fail_op(VMLAB_OP_RECORD, recording->source);
	else
		recording->writer = new_writer(region, file->file);
	if (recording->writer)
		return recording;
	free_recording(recording);
	return NULL;
}

/* Returns whether to go on: what comes after the end was not asked for. */
static bool write_reference(struct recording *recording, const struct vmlab_reference *reference)
{
	struct trace_record record = {
		.time = reference->time,
		.page = reference->pgoff,
		.next = TRACE_NEVER,
		.kind = reference->kind == VMLAB_REFERENCE_WRITE ? TRACE_WRITE : TRACE_READ,
	};

	if (reference->kind == VMLAB_REFERENCE_LOST) {
		recording->lost += reference->pgoff;
		return true;
	}
	if (record.time > __atomic_load_n(&recording->until, __ATOMIC_RELAXED))
		return false;
	trace_put(recording->writer, &record);
	recording->references++;
	return !trace_is_broken(recording->writer);
}

/* Returns whether there is more. */
static bool take_batch(struct recording *recording)
{
	struct vmlab_reference refs[BATCH];
	ssize_t got = read(recording->source, refs, sizeof(refs));

	if (got < 0 && errno != EAGAIN && errno != EINTR)
		recording->err = -errno;
	for (ssize_t i = 0; i < got / (ssize_t)sizeof(refs[0]); i++) {
		if (!write_reference(recording, &refs[i]))
			return false;
	}
	return got > 0;
}

static bool is_broken(const struct recording *recording)
{
	return recording->err || trace_is_broken(recording->writer);
}

/* What was referenced before the end was asked for is there still: so that is looked at first. */
static void *run(void *data)
{
	struct recording *recording = data;
	struct pollfd wait[] = {
		{ .fd = recording->source, .events = POLLIN },
		{ .fd = recording->stop, .events = POLLIN },
	};
	uint64_t one = 1;
	bool stop;

	do {
		if (poll(wait, 2, -1) < 0 && errno != EINTR)
			recording->err = -errno;
		stop = wait[1].revents;
		while (take_batch(recording))
			;
	} while (!stop && !is_broken(recording));
	close_source(recording);
	if (write(recording->ended, &one, sizeof(one)) < 0)
		recording->err = -errno;
	return NULL;
}

int recording_ended(const struct recording *recording)
{
	return recording->ended;
}

int recording_run(struct recording *recording)
{
	int ret = pthread_create(&recording->thread, NULL, run, recording);

	recording->running = !ret;
	return ret ? fail_errno(ret, "there is no thread for the recording") : 0;
}

int recording_end(struct recording *recording, uint64_t *references)
{
	const char *path = recording->path;
	uint64_t one = 1, lost;
	int err;

	if (recording->running) {
		__atomic_store_n(&recording->until,
				 (uint64_t)((clock_seconds() - recording->begun) * 1e9),
				 __ATOMIC_RELAXED);
		if (write(recording->stop, &one, sizeof(one)) < 0)
			recording->err = -errno;
		pthread_join(recording->thread, NULL);
	}
	err = trace_finish(recording->writer);
	err = recording->err ? recording->err : err;
	lost = recording->lost;
	*references = recording->references;
	free_recording(recording);
	if (err)
		return fail_errno(err, "\"%s\" cannot be written", path);
	if (lost)
		return fail("%" PRIu64 " references could not be recorded", lost);
	return 0;
}
