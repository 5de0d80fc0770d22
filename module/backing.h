/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_BACKING_H
#define VMLAB_BACKING_H

#include <linux/types.h>

struct file;
struct page;
struct vmlab_configure;
struct vmlab_region;

/**
 * struct vmlab_backing_ops - where a page that was never touched comes from
 * @type: VMLAB_BACKING_*, as struct vmlab_configure and struct vmlab_stat name it
 * @filled: the counter of the pages that @fill produced
 * @zeroed: pages are handed to @fill zeroed
 * @tracks_writes: every region of this backing knows its dirty pages
 * @attach: makes a region that is not in use yet one of this backing, and sets its
 *	limit and size; NULL: nothing to set up. May sleep. On error the region is
 *	as it was.
 * @detach: undoes @attach or @clone when the region goes away; its pages are still
 *	there. May sleep. NULL if there is nothing to undo.
 * @clone: gives a region that is to be the image of another its backing and its size. May
 *	sleep; invalidate_lock of @from is held exclusive, and its pages are those that are
 *	inside that size when this returns. NULL: both are the same, and there is nothing
 *	to set up.
 * @fill: gives @nr pages from @pgoff on their content. The pages are the caller's
 *	and not in the index yet. Called from faults, with the region's
 *	invalidate_lock held shared; may sleep. Returns the pages filled (>= 1) or
 *	an errno. NULL: pages need nothing but being zeroed, and a read of a page
 *	that is not there needs no page.
 * @dirtied: a page became dirty. Atomic context. NULL: nobody wants to know.
 * @writeback: writes all dirty pages back. May sleep, no lock of the region's held.
 *	Errors are recorded in the region's mapping as well as returned. NULL: there
 *	is nowhere to write.
 * @sync: makes what was written back to bytes @start to @end (inclusive) durable.
 *	Errors as above. NULL if @writeback is.
 * @settle: brings the region's size up to date. May sleep, of the region's locks the
 *	inode lock at most is held. NULL: it always is.
 * @follow: does so in a fault or a splice() beyond the end, as far as it need not wait
 *	for more than the region's own locks; none is held. NULL if @settle is.
 * @writable: may the region be changed at all? NULL: yes.
 * @extend: moves the region's end to @size bytes, before a write beyond it. Caller
 *	holds the inode lock. NULL: the end is where the last write went.
 * @truncate: sets the region's size, for ftruncate(). Caller holds the inode lock.
 *	NULL: not possible.
 * @punch: makes [@start, @end) bytes read as zeroes. Caller holds the inode lock.
 */
struct vmlab_backing_ops {
	u32 type;
	unsigned int filled;
	bool zeroed;
	bool tracks_writes;

	int (*attach)(struct vmlab_region *region, const struct vmlab_configure *config);
	void (*detach)(struct vmlab_region *region);
	int (*clone)(struct vmlab_region *to, struct vmlab_region *from);
	int (*fill)(struct vmlab_region *region, pgoff_t pgoff, struct page **pages,
		    unsigned int nr);
	void (*dirtied)(struct vmlab_region *region);
	int (*writeback)(struct vmlab_region *region);
	int (*sync)(struct vmlab_region *region, loff_t start, loff_t end, int datasync);
	void (*settle)(struct vmlab_region *region);
	void (*follow)(struct vmlab_region *region);
	bool (*writable)(struct vmlab_region *region);
	int (*extend)(struct vmlab_region *region, loff_t size);
	int (*truncate)(struct vmlab_region *region, loff_t size);
	int (*punch)(struct vmlab_region *region, loff_t start, loff_t end);
};

extern const struct vmlab_backing_ops vmlab_backing_zero;
extern const struct vmlab_backing_ops vmlab_backing_file;
extern const struct vmlab_backing_ops vmlab_backing_frozen;

#endif
