/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_STREAM_H
#define VMLAB_STREAM_H

#include <linux/types.h>

/* Sequential streams of faults that a region follows at the same time. */
#define VMLAB_STREAMS 8

/**
 * struct vmlab_streams - where a region's sequential faults are expected next
 * @next: for each stream, the page offset of the fault that would continue it
 * @level: how often it was continued already
 * @hand: the slot that the next new stream takes
 *
 * Read and written without a lock: a lost update costs a batch, never more.
 */
struct vmlab_streams {
	pgoff_t next[VMLAB_STREAMS];
	u8 level[VMLAB_STREAMS];
	unsigned int hand;
};

/* What vmlab_stream_find() found, to be given to vmlab_stream_advance(). */
struct vmlab_stream {
	unsigned int slot;
	unsigned int level;
};

/* How many pages to serve at once: a power of two, 1 to VMLAB_BATCH. */
static inline unsigned int vmlab_stream_window(struct vmlab_stream stream)
{
	return stream.level ? 1U << (stream.level - 1) : 1;
}

void vmlab_streams_init(struct vmlab_streams *streams);
struct vmlab_stream vmlab_stream_find(struct vmlab_streams *streams, pgoff_t pgoff);
void vmlab_stream_advance(struct vmlab_streams *streams, struct vmlab_stream stream,
			  pgoff_t next);

#endif
