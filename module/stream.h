/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_STREAM_H
#define VMLAB_STREAM_H

#include <linux/types.h>

/* Sequential streams of faults that a region follows at the same time. */
#define VMLAB_STREAMS 8

/**
 * struct vmlab_streams - where a region's sequential faults are expected next
 * @slot: one stream each: the page offset of the fault that would continue it,
 *	and in the low bits how often it was continued already
 * @hand: the slot that the next new stream takes
 *
 * Read and written without a lock: a lost update costs a batch, never more.
 */
struct vmlab_streams {
	unsigned long slot[VMLAB_STREAMS];
	unsigned int hand;
};

/* What vmlab_stream_find() found, to be given to vmlab_stream_advance(). */
struct vmlab_stream {
	unsigned int slot;
	unsigned int level;
};

void vmlab_streams_init(struct vmlab_streams *streams);
struct vmlab_stream vmlab_stream_find(struct vmlab_streams *streams, pgoff_t pgoff);
unsigned int vmlab_stream_window(struct vmlab_stream stream);
void vmlab_stream_advance(struct vmlab_streams *streams, struct vmlab_stream stream,
			  pgoff_t next);

#endif
