// SPDX-License-Identifier: GPL-2.0
/*
 * Finding sequential faults, so that they can be served in batches while a
 * random touch stays one page.
 *
 * A fault that comes where an earlier one said the next would be continues its
 * stream. One such hit may be chance (a random walk does it, too), the second in
 * a row opens the window: 2 pages, then 4, up to VMLAB_BATCH, as read-ahead does.
 * Streams are told apart by position, not by thread: a copy from one part of a
 * region to another is two streams of one thread.
 */
#include "stream.h"

#include <linux/compiler.h>
#include <linux/log2.h>
#include <linux/minmax.h>

#include "page.h"

#define LEVEL_MAX (ilog2(VMLAB_BATCH) + 1)

void vmlab_streams_init(struct vmlab_streams *streams)
{
	unsigned int i;

	for (i = 0; i < VMLAB_STREAMS; i++) {
		streams->next[i] = ~0UL;
		streams->level[i] = 0;
	}
	streams->hand = 0;
}

/**
 * vmlab_stream_find - the stream that a fault continues, or a new one
 * @streams: the region's streams
 * @pgoff: the page that was touched
 */
struct vmlab_stream vmlab_stream_find(struct vmlab_streams *streams, pgoff_t pgoff)
{
	struct vmlab_stream stream = { .level = 0 };
	unsigned int i;

	/* A random touch continues none of them: all are compared. */
#pragma GCC unroll 8
	for (i = 0; i < VMLAB_STREAMS; i++) {
		if (READ_ONCE(streams->next[i]) == pgoff) {
			stream.slot = i;
			stream.level = min(READ_ONCE(streams->level[i]) + 1, LEVEL_MAX);
			return stream;
		}
	}
	stream.slot = READ_ONCE(streams->hand) % VMLAB_STREAMS;
	return stream;
}

/**
 * vmlab_stream_advance - remember where the stream would go on
 * @streams: the region's streams
 * @stream: the stream found
 * @next: the page behind the last one that was served
 */
void vmlab_stream_advance(struct vmlab_streams *streams, struct vmlab_stream stream,
			  pgoff_t next)
{
	WRITE_ONCE(streams->next[stream.slot], next);
	WRITE_ONCE(streams->level[stream.slot], stream.level);
	if (!stream.level)
		WRITE_ONCE(streams->hand, stream.slot + 1);
}
