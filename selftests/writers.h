/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads that write while a region is cloned or copied by a fork. Each writes a number to
 * its first word and then to its second, so that whatever moment an image is of, the second
 * is the first or one less; and nothing written may get lost, or be seen by an earlier image.
 */
#ifndef WRITERS_H
#define WRITERS_H

#include "vmlab_test.h"

struct writer {
	pthread_t thread;
	volatile __u64 *first, *second;
	__u64 count;
};

static volatile bool writers_stop;

static void *write_on(void *arg)
{
	struct writer *writer = arg;

	while (!writers_stop) {
		writer->count++;
		*writer->first = writer->count;
		*writer->second = writer->count;
		if (*writer->first != writer->count || *writer->second != writer->count)
			return (void *)1;
	}
	return NULL;
}

static inline void writer_start(struct writer *writer, void *first, void *second)
{
	writer->first = first;
	writer->second = second;
	writer->count = 0;
	if (pthread_create(&writer->thread, NULL, write_on, writer))
		broken("pthread_create: %s\n", strerror(errno));
}

static inline bool writer_lost_nothing(struct writer *writer)
{
	void *wrong;

	pthread_join(writer->thread, &wrong);
	if (!wrong && *writer->first == writer->count && *writer->second == writer->count)
		return true;
	printf("# a writer wrote %llu and found %llu, %llu\n", writer->count, *writer->first,
	       *writer->second);
	return false;
}

/* Is the copy at @copy of the memory at @base, into which it writes, of one moment? */
static inline bool writer_image_is_right(const struct writer *writer, const char *base,
					 const char *copy)
{
	__u64 first, second;

	memcpy(&first, copy + ((char *)writer->first - base), sizeof(first));
	memcpy(&second, copy + ((char *)writer->second - base), sizeof(second));
	if (first - second <= 1)
		return true;
	printf("# an image: first %llu, second %llu\n", first, second);
	return false;
}

/*
 * Must be called before a test ends, by ASSERT_...() too: they would go on writing to what
 * is not mapped any more, with their numbers on a stack that others use.
 */
static inline bool writers_end(struct writer *writers, int count)
{
	bool right = true;

	writers_stop = true;
	for (int i = 0; i < count; i++)
		right &= writer_lost_nothing(&writers[i]);
	return right;
}

#endif
