/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RECORDING_H
#define RECORDING_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * A recording of which pages of a region are referenced, as a trace. A thread writes what the
 * kernel gives, while programs that have the region mapped go on.
 */
struct recording;

/**
 * struct recording_file - the file that a trace is to be in
 * @file:	open for writing
 * @path:	what the user calls it
 */
struct recording_file {
	FILE *file;
	const char *path;
};

/*
 * A new file, or "-": standard output. Returns 0, or -1 after a sentence. recording_file_close()
 * removes it if @keep is not set or it cannot be written, and returns -1 after a sentence then.
 */
int recording_file_open(struct recording_file *file, const char *path);
int recording_file_close(struct recording_file *file, bool keep);

/* Parses the value of an option: how many pages are mapped at a time. */
void recording_parse_window(const char *arg, struct argp_state *state, unsigned int *window);

/*
 * Begins: from now on no reference to the region, a descriptor open for writing, is lost. @window
 * is as in struct vmlab_record. Programs wait before long, if recording_run() is not called: it
 * makes the thread. Each returns NULL or -1 after a sentence.
 */
struct recording *recording_begin(int region, unsigned int window, struct recording_file *file);
int recording_run(struct recording *recording);

/* Can be read from when the thread has ended by itself, because of an error; programs go on. */
int recording_ended(const struct recording *recording);

/*
 * Ends, when what was recorded until now is written, and frees @recording. @references is set to
 * how many there were. Returns 0; or -1 after a sentence if they are not all in the file.
 */
int recording_end(struct recording *recording, uint64_t *references);

#endif /* RECORDING_H */
