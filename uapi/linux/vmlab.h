/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The interface of /dev/vmlab.
 *
 * Opening /dev/vmlab gives an empty region of memory: mmap() it, and every page
 * fault of that memory is served by the vmlab module. A region can be used at
 * once (lazily zero-filled, VMLAB_SIZE_DEFAULT bytes) or be configured first.
 *
 * Every ioctl carries the size of its struct in the request number. A struct
 * grows only at its end, and zero in a new field means what the field's absence
 * meant. The kernel takes a shorter struct of an older program (not shorter than
 * its first version: EINVAL), and a longer one of a newer program as long as
 * what it does not know is zero (E2BIG otherwise). Unknown flags and reserved
 * fields that are not zero give EINVAL, unknown requests ENOTTY, a bad address
 * EFAULT.
 * An ioctl that fails has changed nothing, unless it says otherwise.
 *
 * Offsets, lengths and sizes are in bytes. Figures named "pages" count pages of
 * vmlab_features.page_size bytes.
 */
#ifndef _UAPI_LINUX_VMLAB_H
#define _UAPI_LINUX_VMLAB_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The size of a region that was not configured, and the largest possible. */
#define VMLAB_SIZE_DEFAULT	(1ULL << 47)
#define VMLAB_SIZE_MAX		(1ULL << 60)

/* vmlab_features.features: what this module can do. */
#define VMLAB_FEATURE_ZERO		(1ULL << 0)	/* VMLAB_BACKING_ZERO */
#define VMLAB_FEATURE_FILE		(1ULL << 1)	/* VMLAB_BACKING_FILE */
#define VMLAB_FEATURE_STRICT		(1ULL << 2)	/* VMLAB_REGION_STRICT */
#define VMLAB_FEATURE_TRACK_DIRTY	(1ULL << 3)	/* VMLAB_REGION_TRACK_DIRTY */
#define VMLAB_FEATURE_EXTENTS		(1ULL << 4)	/* VMLAB_IOC_EXTENTS */
#define VMLAB_FEATURE_CLONE		(1ULL << 5)	/* VMLAB_IOC_CLONE */
#define VMLAB_FEATURE_COW_FORK		(1ULL << 6)	/* VMLAB_REGION_COW_FORK */
#define VMLAB_FEATURE_ADDRESS		(1ULL << 7)	/* VMLAB_IOC_ADDRESS */
#define VMLAB_FEATURE_HUGE		(1ULL << 8)	/* VMLAB_REGION_HUGE */
#define VMLAB_FEATURE_POOL		(1ULL << 9)	/* VMLAB_IOC_POOL_SET, ..._ADVISE */
#define VMLAB_FEATURE_STORE_FILE	(1ULL << 10)	/* VMLAB_POOL_STORE */
#define VMLAB_FEATURE_HISTOGRAMS	(1ULL << 11)	/* VMLAB_IOC_POOL_LIST, ..._HISTOGRAMS */
#define VMLAB_FEATURE_FRONT		(1ULL << 12)	/* VMLAB_POOL_FRONT */
#define VMLAB_FEATURE_RECORD		(1ULL << 13)	/* VMLAB_IOC_RECORD */

/**
 * struct vmlab_features - what the module can do, and its totals
 * @features:	VMLAB_FEATURE_* bits
 * @page_size:	bytes of one page
 * @__reserved:	zero
 * @pages_max:	the cap on pages held by all regions together
 * @pages:	pages held by all regions now
 * @regions:	regions on the system
 * @pages_lost:	dirty pages that could not be written to their file before
 *		their region went away, since the module was loaded
 */
struct vmlab_features {
	__u64 features;
	__u32 page_size;
	__u32 __reserved;
	__u64 pages_max;
	__u64 pages;
	__u64 regions;
	__u64 pages_lost;
};

/* vmlab_configure.flags */

/* Never serve more than the page that was touched: no batching, no read-ahead. */
#define VMLAB_REGION_STRICT		(1U << 0)
/*
 * Notice the first write to each page, so that VMLAB_IOC_EXTENTS tells dirty
 * pages from clean ones. Always on for a region backed by a file. A first
 * write costs one fault for each page: such writes cannot be batched.
 */
#define VMLAB_REGION_TRACK_DIRTY	(1U << 1)

/*
 * In the child of a fork a mapping of the region, shared or private, shows a clone of it,
 * made at the moment of the fork (see VMLAB_IOC_CLONE): what the two sides write from then
 * on is their own. An inherited descriptor names the parent's region still; what the
 * child asks for by address (madvise(), VMLAB_IOC_CLONE, VMLAB_IOC_REGION_FD) concerns its
 * own. If there is no memory for the clone, the child's accesses end in SIGBUS.
 */
#define VMLAB_REGION_COW_FORK		(1U << 2)

/*
 * Pages of 2 MiB: the first touch of one of the region's 2 MiB brings all of it, if the
 * mapping lies so that one entry of a page table maps it, if the region does not end inside,
 * if there are no pages yet, and if memory is not too scattered; otherwise it brings one page
 * of vmlab_features.page_size. Not together with VMLAB_REGION_STRICT,
 * VMLAB_REGION_TRACK_DIRTY or a file.
 */
#define VMLAB_REGION_HUGE		(1U << 3)

/* vmlab_configure.backing: where a page that was never touched comes from. */
#define VMLAB_BACKING_ZERO		0	/* zeroes */
#define VMLAB_BACKING_FILE		1	/* a regular file */

/**
 * struct vmlab_configure - what a region is to be
 * @flags:	VMLAB_REGION_* bits
 * @backing:	one of VMLAB_BACKING_*
 * @backing_fd:	VMLAB_BACKING_FILE: a regular file, open for reading, and for
 *		writing too if the region is to be written; the region keeps its
 *		own reference to it. Otherwise 0.
 * @__reserved:	zero
 * @backing_offset: VMLAB_BACKING_FILE: where in the file the region begins, a
 *		multiple of the page size. Otherwise 0.
 * @size:	the region's limit, a multiple of the page size and at most
 *		VMLAB_SIZE_MAX; 0 stands for VMLAB_SIZE_DEFAULT. A region backed
 *		by a file ends where its file ends, and at its limit at the latest.
 *
 * A region is configured once, and before its first use (a mapping, a read, a
 * write, a change of size or of space, a clone): EBUSY otherwise.
 * Other errors: EINVAL (a value above; VMLAB_REGION_HUGE together with
 * VMLAB_REGION_STRICT, VMLAB_REGION_TRACK_DIRTY or a file; a file opened with O_APPEND;
 * a file that is not regular), EBADF (backing_fd is not open for reading), EOVERFLOW (offset
 * and size overflow), ELOOP (backing_fd is itself a region), EOPNOTSUPP (a file, and its pool
 * has a budget: see VMLAB_IOC_POOL_SET), ENFILE, ENOMEM.
 */
struct vmlab_configure {
	__u32 flags;
	__u32 backing;
	__s32 backing_fd;
	__u32 __reserved;
	__u64 backing_offset;
	__u64 size;
};

/**
 * struct vmlab_stat - the figures of one region
 * @id:		names the region on this system; the number in "/vmlab:ID" in
 *		/proc/PID/maps
 * @size:	bytes from the region's start to its end
 * @flags:	VMLAB_REGION_* bits
 * @backing:	one of VMLAB_BACKING_*
 * @uid:	user who opened it, as the caller's user namespace names it
 * @pid:	process that opened it, as the caller's pid namespace names it
 *		(0: not in it)
 * @comm:	name of that process then
 * @mappings:	mappings (VMAs) of the region in all processes
 * @resident:	pages in memory
 * @dirty:	pages whose content their file does not have yet, or that were
 *		written to, if writes are tracked
 * @faults:	page faults served
 * @first_touch: faults that made pages appear
 * @refault:	faults on pages that were there already, just not mapped
 * @write_notify: first writes that were noticed because writes are tracked, or
 *		because the page may be or have been in common with another region
 * @zero_filled: pages that appeared filled with zeroes
 * @read_in:	pages read from the file
 * @written_back: pages written to the file
 * @discarded:	dirty pages that never had to be written (punched out, or their
 *		file was truncated or unlinked)
 * @sigbus:	faults answered with SIGBUS
 * @writeback_errors: writes to the file that failed
 * @cow_copies:	pages copied because other regions have them as well
 * @huge_made:	huge pages (VMLAB_REGION_HUGE) that appeared or were copied
 * @huge_split: huge pages in whose place the region got small ones
 * @huge_fallback: how often a huge page was wanted, but there was no memory for it, or no
 *		room (max_pages, the mount's size)
 * @stored:	pages that are not in memory: its pool's store has them
 * @swap_faults: faults on such pages
 * @swapped_in:	pages that were brought back into memory
 * @cow_faults:	faults that made pages the region's alone which others have or had as well, as
 *		a rule by copying them; among those of @refault, or of @write_notify
 * @evicted:	pages that were evicted
 * @pool:	names its pool on this system, 0: nothing of it was ever set
 *
 * A file of a mount gets its id when it is first mapped or asked about.
 * Errors: EFAULT, ENOMEM (of such a file, the first time).
 */
struct vmlab_stat {
	__u64 id;
	__u64 size;
	__u32 flags;
	__u32 backing;
	__u32 uid;
	__u32 pid;
	__u8  comm[16];
	__u64 mappings;
	__u64 resident;
	__u64 dirty;
	__u64 faults;
	__u64 first_touch;
	__u64 refault;
	__u64 write_notify;
	__u64 zero_filled;
	__u64 read_in;
	__u64 written_back;
	__u64 discarded;
	__u64 sigbus;
	__u64 writeback_errors;
	__u64 cow_copies;
	__u64 huge_made;
	__u64 huge_split;
	__u64 huge_fallback;
	__u64 stored;
	__u64 swap_faults;
	__u64 swapped_in;
	__u64 cow_faults;
	__u64 evicted;
	__u64 pool;
};

/**
 * struct vmlab_list - the regions on the system
 * @cursor:	in: list regions whose id is greater than or equal to this, in
 *		order of id; out: where to go on, 0 if the list is complete
 * @buffer:	address of an array of struct vmlab_stat
 * @count:	in: entries in the array, out: entries filled
 * @entry_size:	bytes of one entry in the array: sizeof(struct vmlab_stat) as the
 *		program knows it; at most one page
 *
 * Lists the regions that the caller's user opened, and every region if the
 * caller has CAP_SYS_PTRACE. Errors: EINVAL, EFAULT.
 */
struct vmlab_list {
	__u64 cursor;
	__u64 buffer;
	__u32 count;
	__u32 entry_size;
};

/* vmlab_extent.state: bits that hold for every page of the extent. */
#define VMLAB_PAGE_RESIDENT	(1U << 0)	/* in memory */
#define VMLAB_PAGE_MAPPED	(1U << 1)	/* in some process's page table */
#define VMLAB_PAGE_DIRTY	(1U << 2)	/* written to, see vmlab_stat.dirty */
#define VMLAB_PAGE_SHARED	(1U << 3)	/* other regions have it as well */
#define VMLAB_PAGE_HUGE		(1U << 4)	/* part of a huge page */
#define VMLAB_PAGE_STORED	(1U << 5)	/* not in memory: its pool's store has it */

/**
 * struct vmlab_extent - a run of pages in one state
 * @start:	offset in the region
 * @length:	bytes
 * @state:	VMLAB_PAGE_* bits
 * @__reserved:	zero
 */
struct vmlab_extent {
	__u64 start;
	__u64 length;
	__u32 state;
	__u32 __reserved;
};

/**
 * struct vmlab_extents - the states of a range of pages
 * @start:	in: where to begin, a multiple of the page size; out: where to go
 *		on, the range's end if it is complete
 * @end:	end of the range, exclusive, a multiple of the page size
 * @buffer:	address of an array of struct vmlab_extent
 * @count:	in: entries in the array, out: entries filled
 * @__reserved:	zero
 *
 * Pages in no extent were never touched (or were punched out). A snapshot of a
 * region in use is as good as its time: pages may change before it returns. A
 * signal may end the call early: it has filled what it says, and is called again.
 * Errors: EINVAL, EFAULT.
 */
struct vmlab_extents {
	__u64 start;
	__u64 end;
	__u64 buffer;
	__u32 count;
	__u32 __reserved;
};

/**
 * struct vmlab_region_fd - another file descriptor for a region
 * @flags:	O_CLOEXEC or 0
 * @__reserved:	zero
 * @address:	0: the region of the descriptor; or an address of the caller's: the
 *		region that is mapped there, whatever the descriptor of vmlab
 *
 * The ioctl returns a new descriptor for the region, with the access mode of the
 * one it was called on; or, by address, open for writing only if the mapping is
 * shared and is or may be made writable. It is a regular file, like a memfd:
 * fstat() tells its size, fallocate() and ftruncate() work, which the kernel
 * refuses on a device node (ENODEV, EINVAL) before the module is asked.
 * Errors: EINVAL, EFAULT (no region is mapped there), EACCES (it is not readable),
 * EMFILE, ENFILE, ENOMEM.
 */
struct vmlab_region_fd {
	__u32 flags;
	__u32 __reserved;
	__u64 address;
};

/**
 * struct vmlab_clone - a new region that is the image of another at this moment
 * @flags:	O_CLOEXEC or 0
 * @__reserved:	zero
 * @address:	0: the other is the region of the descriptor, which must be open for
 *		reading; or an address of the caller's: the region that is mapped
 *		there, readable, whatever the descriptor of vmlab
 *
 * The ioctl returns a descriptor for the new region, open for reading and
 * writing. The two have their pages in common until one side writes: such a page
 * is copied then. A page that a device or a system call is writing to at this
 * moment is copied at once. The clone has the flags, the size and the limit of
 * the other; all its pages count as clean.
 *
 * The clone of a region with a file has the pages that the region has in memory.
 * The others are what the file has when the clone first touches them (SIGBUS if
 * the file is shorter by then); nothing is ever written to the file.
 * The two have a pool, too (see VMLAB_IOC_POOL_SET): what is written to the clone
 * counts there. So the descriptor or the mapping of a file of a mount must allow
 * writing, or else the caller must be allowed to write to that file, or have
 * CAP_SYS_ADMIN. With any other region, if neither it nor the mapping allows writing,
 * nor did with what it may be a clone of, the clone has no say about the pool
 * (VMLAB_IOC_POOL_SET, VMLAB_ADVISE_PIN) without CAP_SYS_ADMIN.
 * Errors: EINVAL, EBADF, EFAULT (no region is mapped there), EACCES (it is not
 * readable, or it is a file of a mount that the caller may not write to), EROFS (the
 * same of a mount that is read-only), EMFILE, ENFILE, ENOMEM, ENOSPC (a page must be
 * copied at once, at the cap on all pages), EBUSY (it is being configured).
 */
struct vmlab_clone {
	__u32 flags;
	__u32 __reserved;
	__u64 address;
};

/**
 * struct vmlab_address - where a region is to be mapped in all processes
 * @address:	in: a multiple of the page size, or 0 to ask only; out: the region's
 *		address, 0 if it has none
 *
 * Pointers inside a region are good in every process if it is always mapped at one
 * address. The first address that is given is the region's for good, and that of
 * its clones; the others get to know it. The kernel does not map anything there by
 * itself: see vmlab_map_global() of libvmlab.
 * Errors: EINVAL, EBADF (an address is given, and the descriptor is not open for
 * writing), EFAULT.
 */
struct vmlab_address {
	__u64 address;
};

/* vmlab_pool_set.what: which of the fields count. */
#define VMLAB_POOL_BUDGET	(1U << 0)
#define VMLAB_POOL_POLICY	(1U << 1)
#define VMLAB_POOL_CODEC	(1U << 2)
#define VMLAB_POOL_STORE_LIMIT	(1U << 3)
#define VMLAB_POOL_STORE	(1U << 4)
#define VMLAB_POOL_LATENCY	(1U << 5)
#define VMLAB_POOL_FRONT	(1U << 6)

/* vmlab_pool_set.store_fd: pages are stored in memory. It is not what a failed open() returns. */
#define VMLAB_POOL_IN_MEMORY	(-2)

/* vmlab_pool_set.budget: none. The least that can be is VMLAB_POOL_BUDGET_MIN. */
#define VMLAB_POOL_UNLIMITED_BUDGET	(~0ULL)
#define VMLAB_POOL_BUDGET_MIN		(64ULL << 10)

/* The length of a name, its terminating zero included. */
#define VMLAB_POOL_NAME		16

/**
 * struct vmlab_pool_set - what a region and its clones, or the files of a mount, may take
 * @what:	VMLAB_POOL_* bits: the fields that are to be set
 * @store_fd:	VMLAB_POOL_IN_MEMORY, or a regular file or a block device, open for reading and
 *		writing, that is the store. Pages are kept there as they are, each in its own
 *		place; what was there before is lost. Nobody else may write to it meanwhile: who
 *		does has others get SIGBUS.
 * @budget:	bytes of memory that their pages may take, a multiple of the page size, from
 *		VMLAB_POOL_BUDGET_MIN to the memory of the system; or
 *		VMLAB_POOL_UNLIMITED_BUDGET. Pages beyond it are evicted to the store. It may
 *		be lowered and raised at any time; when the ioctl returns, pages that can be
 *		evicted have been.
 * @store_limit: bytes that the store may take, 0: without limit, or as much as its file or
 *		block device has; a file may become longer, up to the limit
 * @policy:	chooses what is evicted: the name of a policy ("lru", ..., or of one that another
 *		module has registered); may be changed at any time
 * @codec:	compresses what is stored: "lz4" (unless something is said), "zstd" or
 *		"lzo-rle"
 * @latency:	1: measure how long faults take from now on, see VMLAB_IOC_POOL_HISTOGRAMS; 0: do
 *		not, the default, for each fault takes a little longer by it. May be changed at any
 *		time.
 * @__reserved:	zero
 * @front:	bytes of memory that pages may take, compressed, in front of the file that is the
 *		store; a multiple of the page size, from VMLAB_POOL_BUDGET_MIN to the memory of the
 *		system. Beyond it those go to the file that were evicted longest ago. May be
 *		changed at any time; what is there goes when others come.
 *
 * The region must be open for writing. Who may use it may set its budget; of a mount,
 * or by the clone of a reader (see struct vmlab_clone), who has CAP_SYS_ADMIN.
 * The first call, whatever it sets besides @latency, makes the store: codec, limit and file stay
 * then.
 * After ENOMEM a part may have been set, and the call may be repeated.
 * A file is named before there are clones, or with CAP_SYS_ADMIN: what they have is there, too.
 * Errors: EINVAL (@front without a file; a codec with a file, but without @front: what is in a
 * file is not compressed), EBADF, EPERM,
 * ETXTBSY (a swap file), what opening the file again gives, ENOMEM, EBUSY (another codec, limit
 * or file than before, or a file or device that somebody else has), ENOENT (there is no such
 * policy or codec), ELOOP (the file is itself a region), EOPNOTSUPP (anything but @latency of a
 * region with a file, or a clone of one: what its file does not have yet could not be evicted),
 * EINTR (the rest is evicted in the background).
 */
struct vmlab_pool_set {
	__u32 what;
	__s32 store_fd;
	__u64 budget;
	__u64 store_limit;
	__u8  policy[VMLAB_POOL_NAME];
	__u8  codec[VMLAB_POOL_NAME];
	__u32 latency;
	__u32 __reserved;
	__u64 front;
};

/**
 * struct vmlab_pool_stat - the figures of a pool
 * @budget:	bytes, or VMLAB_POOL_UNLIMITED_BUDGET
 * @resident:	pages in memory
 * @stored:	pages that are not
 * @stored_bytes: bytes of memory, or of its file if it has one, that the store takes
 * @store_limit: bytes that it may take of that, 0: without limit
 * @same_filled: pages in the store that take no memory there
 * @incompressible: pages in the store that are not compressed
 * @evicted:	pages that were evicted
 * @refused:	pages that were chosen, but were in use, or could not be stored
 * @store_errors: how often the store failed
 * @checksum_errors: how often the store gave back a page otherwise than it got it, or could not:
 *		whoever touches it gets SIGBUS
 * @policy:	the name of its policy, "" if it never had a budget
 * @codec:	likewise; "none" if the store does not compress
 * @store:	likewise: "zs" in memory, "file" in a file
 * @id:		names it on this system, see vmlab_stat.pool; 0: nothing of it was ever set
 * @uid:	user who set something first, as the caller's user namespace names it; 0 before
 * @latency:	are latencies measured
 * @regions:	its regions, or the files of the mount
 * @dirty:	pages, as vmlab_stat.dirty, of all of them
 * @pinned:	pages that are not to leave
 * @copies:	pages that the store has, those among them that are back in memory as well
 * @copied_bytes: bytes that these came to. That many times the page size is how well they could be
 *		compressed.
 * @faults:	page faults served, of all its regions that there are or were
 * @first_touch, @refault, @cow_faults, @swap_faults: those among them that struct vmlab_stat says
 * @swapped_in:	pages that came back into memory
 * @working_set: pages of memory with which nine of ten of those that came back lately would have
 *		stayed, about; 0: none has come back. "Lately" is a number of pages that come back,
 *		not a time: when there are 1024, half of what is known of them is forgotten.
 * @front:	bytes of memory that pages may take in front of the file; 0: there is none
 * @front_bytes: bytes that they take there
 * @front_copies: pages that are there, of @copies
 * @moved:	pages that went from there to the file
 */
struct vmlab_pool_stat {
	__u64 budget;
	__u64 resident;
	__u64 stored;
	__u64 stored_bytes;
	__u64 store_limit;
	__u64 same_filled;
	__u64 incompressible;
	__u64 evicted;
	__u64 refused;
	__u64 store_errors;
	__u64 checksum_errors;
	__u8  policy[VMLAB_POOL_NAME];
	__u8  codec[VMLAB_POOL_NAME];
	__u8  store[VMLAB_POOL_NAME];
	__u64 id;
	__u32 uid;
	__u32 latency;
	__u64 regions;
	__u64 dirty;
	__u64 pinned;
	__u64 copies;
	__u64 copied_bytes;
	__u64 faults;
	__u64 first_touch;
	__u64 refault;
	__u64 cow_faults;
	__u64 swap_faults;
	__u64 swapped_in;
	__u64 working_set;
	__u64 front;
	__u64 front_bytes;
	__u64 front_copies;
	__u64 moved;
};

#define VMLAB_HISTOGRAM_BUCKETS	40

/**
 * struct vmlab_histogram - how often there were values of which size
 * @sum:	of all values
 * @counts:	@counts[i] of them were from 2^i to 2^(i + 1) - 1; the first counts 0, too, and the
 *		last all that are larger
 */
struct vmlab_histogram {
	__u64 sum;
	__u64 counts[VMLAB_HISTOGRAM_BUCKETS];
};

/*
 * What the histograms of a pool are about. Latencies are those of faults while they are measured
 * (VMLAB_POOL_LATENCY), in nanoseconds from when the module is called until it has mapped the
 * pages, or gives the kernel one to map or to copy, waiting for room, memory and disks included.
 * Faults that fail are not counted.
 */
#define VMLAB_HISTOGRAM_FIRST_TOUCH	0	/* latencies: pages appeared */
#define VMLAB_HISTOGRAM_READ_IN		1	/* pages were read from the region's file */
#define VMLAB_HISTOGRAM_REFAULT		2	/* the page was there, just not mapped */
#define VMLAB_HISTOGRAM_COPY		3	/* vmlab_stat.cow_faults */
#define VMLAB_HISTOGRAM_SWAP_MEMORY	4	/* a store in memory had the page */
#define VMLAB_HISTOGRAM_SWAP_FILE	5	/* a store in a file had it */
/* Of each page that came back: how many pages were evicted since it was. Always counted. */
#define VMLAB_HISTOGRAM_DISTANCE	6
#define VMLAB_HISTOGRAMS		7

/**
 * struct vmlab_pool_histograms - what became of a pool's faults, and of pages that came back
 * @buffer:	address of an array of struct vmlab_histogram, by VMLAB_HISTOGRAM_*
 * @count:	in: entries in the array, out: entries filled
 * @entry_size:	bytes of one entry in the array: sizeof(struct vmlab_histogram) as the program
 *		knows it; at most one page
 *
 * Errors: EINVAL, EFAULT.
 */
struct vmlab_pool_histograms {
	__u64 buffer;
	__u32 count;
	__u32 entry_size;
};

/* vmlab_advise.advice */
#define VMLAB_ADVISE_EVICT	0	/* not needed soon: evict the pages that can be */
#define VMLAB_ADVISE_PREFETCH	1	/* needed soon: bring back pages that are not in memory */
#define VMLAB_ADVISE_PIN	2	/* not to be evicted, and brought in before */
#define VMLAB_ADVISE_UNPIN	3	/* to be evicted as others */
#define VMLAB_ADVISE_COLD	4	/* forget that the pages were referenced */

/**
 * struct vmlab_advise - what is known of the future of a range of pages
 * @start:	offset in the region, or the first address if @address is set; a multiple of
 *		the page size
 * @length:	bytes, a multiple of the page size
 * @advice:	VMLAB_ADVISE_*
 * @address:	1: @start is an address of the caller's, and the range lies in one mapping of
 *		a region, which is the one meant, whatever the descriptor of vmlab; else 0
 * @pages:	out: how many pages were evicted, brought in, pinned, unpinned, or had been
 *		referenced
 *
 * A prefetch ends when other pages would have to leave for it. Of the pages of a pool as many as
 * half of its budget can be pinned. A page that is copied, as other regions have it, too, is
 * pinned no more: so a page is made the region's alone before it is pinned, for which the
 * descriptor, or the mapping, must allow writing, as it must to unpin it. Pages that are not
 * there are made.
 * Errors: EINVAL, EBADF, EOPNOTSUPP (a region with a file, or a clone of one), EFAULT (no region
 * is mapped there), EPERM (without CAP_SYS_ADMIN: to evict the first pages of a mount, which makes
 * its store; to pin pages of a reader's clone), ENOSPC (more must not be pinned; nothing of a pool
 * without a budget need be), EIO (the store does not give back a page that is to be brought in),
 * ENOMEM, EINTR. Then a part may have been done.
 */
struct vmlab_advise {
	__u64 start;
	__u64 length;
	__u32 advice;
	__u32 address;
	__u64 pages;
};

/* vmlab_reference.kind */
#define VMLAB_REFERENCE_READ	1
#define VMLAB_REFERENCE_WRITE	2
#define VMLAB_REFERENCE_LOST	3

/**
 * struct vmlab_reference - what is read from a recording
 * @pgoff:	the page that was referenced, counted from the begin of the region; or, of
 *		VMLAB_REFERENCE_LOST, how many references are missing here
 * @time:	nanoseconds since the recording began
 * @kind:	VMLAB_REFERENCE_*
 * @__reserved:	zero
 */
struct vmlab_reference {
	__u64 pgoff;
	__u64 time;
	__u32 kind;
	__u32 __reserved;
};

/* vmlab_record.window: the least and the most that can be. */
#define VMLAB_RECORD_WINDOW_MIN	8
#define VMLAB_RECORD_WINDOW_MAX	1024

/**
 * struct vmlab_record - record which pages of a region are referenced through its mappings
 * @flags:	O_CLOEXEC, O_NONBLOCK, both or 0: of the descriptor that is returned
 * @window:	pages that are mapped at a time, from VMLAB_RECORD_WINDOW_MIN to
 *		VMLAB_RECORD_WINDOW_MAX; 0: 32
 *
 * The ioctl returns a descriptor from which the references can be read, oldest first, as an array
 * of struct vmlab_reference; read() waits for the first one, and can be polled for. Closing the
 * descriptor ends the recording.
 *
 * A page is found to be referenced by the fault of it, and so only the last @window pages that
 * were recorded are mapped: what is referenced among these is not recorded, and a page that is read
 * first is a read even if it is written to before it leaves them. All other references take a fault
 * each, in every process that has the region mapped; what read() and write() do to its file is not
 * recorded. Pages that a private mapping has written to are the process's own, and not seen.
 * A program waits in its fault, and system calls that use its memory wait, while some 7000
 * references are not read yet. Few faults cannot wait: those of a process that looks into another
 * one, of a core dump, and of who reads the references. If there is no room for them,
 * VMLAB_REFERENCE_LOST tells how many.
 *
 * The region must be open for writing, and belong to the caller (the owner of its file, or
 * CAP_FOWNER). One recording at a time.
 * Errors: EINVAL, EBADF, EPERM, EBUSY (somebody records it), EOPNOTSUPP (a region with huge pages),
 * EMFILE, ENFILE, ENOMEM; of read(): EINVAL (no room for one reference), EAGAIN, EINTR, EFAULT
 * (nothing is lost by it).
 */
struct vmlab_record {
	__u32 flags;
	__u32 window;
};

#define VMLAB_IOC_MAGIC		0xBA

#define VMLAB_IOC_FEATURES	_IOR(VMLAB_IOC_MAGIC, 0, struct vmlab_features)
#define VMLAB_IOC_CONFIGURE	_IOW(VMLAB_IOC_MAGIC, 1, struct vmlab_configure)
#define VMLAB_IOC_STAT		_IOR(VMLAB_IOC_MAGIC, 2, struct vmlab_stat)
#define VMLAB_IOC_LIST		_IOWR(VMLAB_IOC_MAGIC, 3, struct vmlab_list)
#define VMLAB_IOC_EXTENTS	_IOWR(VMLAB_IOC_MAGIC, 4, struct vmlab_extents)
#define VMLAB_IOC_REGION_FD	_IOW(VMLAB_IOC_MAGIC, 5, struct vmlab_region_fd)
#define VMLAB_IOC_CLONE		_IOW(VMLAB_IOC_MAGIC, 6, struct vmlab_clone)
#define VMLAB_IOC_ADDRESS	_IOWR(VMLAB_IOC_MAGIC, 7, struct vmlab_address)
#define VMLAB_IOC_POOL_SET	_IOW(VMLAB_IOC_MAGIC, 8, struct vmlab_pool_set)
#define VMLAB_IOC_POOL_STAT	_IOR(VMLAB_IOC_MAGIC, 9, struct vmlab_pool_stat)
#define VMLAB_IOC_ADVISE	_IOWR(VMLAB_IOC_MAGIC, 10, struct vmlab_advise)
/*
 * As VMLAB_IOC_LIST, of pools, in order of vmlab_pool_stat.id: those of which the caller's user set
 * something first, or all of which something was set if the caller has CAP_SYS_PTRACE. @buffer is
 * the address of an array of struct vmlab_pool_stat.
 */
#define VMLAB_IOC_POOL_LIST	_IOWR(VMLAB_IOC_MAGIC, 11, struct vmlab_list)
#define VMLAB_IOC_POOL_HISTOGRAMS _IOWR(VMLAB_IOC_MAGIC, 12, struct vmlab_pool_histograms)
#define VMLAB_IOC_RECORD	_IOW(VMLAB_IOC_MAGIC, 13, struct vmlab_record)

#endif /* _UAPI_LINUX_VMLAB_H */
