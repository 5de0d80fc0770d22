/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * libvmlab: regions of /dev/vmlab from C.
 *
 * Every function that can fail returns a negative errno, and changes nothing
 * when it does. vmlab_strerror() turns such a value into a sentence. All
 * functions may be called from any thread; none keeps a state of its own.
 *
 * Offsets and sizes are in bytes; structs and VMLAB_* constants are described in
 * <linux/vmlab.h>.
 */
#ifndef VMLAB_H
#define VMLAB_H

#include <stddef.h>
#include <stdint.h>

#include <linux/vmlab.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum vmlab_op - what was tried when an error came, for vmlab_strerror()
 * @VMLAB_OP_OPEN:	vmlab_open()
 * @VMLAB_OP_OPEN_FILE:	vmlab_open_file()
 * @VMLAB_OP_FEATURES:	vmlab_features()
 * @VMLAB_OP_CONFIGURE:	vmlab_configure()
 * @VMLAB_OP_STAT:	vmlab_stat()
 * @VMLAB_OP_LIST:	vmlab_list()
 * @VMLAB_OP_EXTENTS:	vmlab_extents()
 * @VMLAB_OP_MMAP:	mmap() of a region
 * @VMLAB_OP_READ:	read() of a region
 * @VMLAB_OP_WRITE:	write() to a region, or fallocate()
 * @VMLAB_OP_SYNC:	fsync(), msync() or close() of a region
 * @VMLAB_OP_CLONE:	vmlab_clone() or vmlab_clone_at()
 * @VMLAB_OP_REGION_AT:	vmlab_region_at()
 * @VMLAB_OP_MAP_GLOBAL: vmlab_map_global()
 * @VMLAB_OP_POOL_SET:	vmlab_pool_set()
 * @VMLAB_OP_POOL_STAT:	vmlab_pool_stat()
 * @VMLAB_OP_ADVISE:	vmlab_advise() or vmlab_advise_at()
 * @VMLAB_OP_RECORD:	vmlab_record(), or read() of what it returned
 */
enum vmlab_op {
	VMLAB_OP_OPEN,
	VMLAB_OP_OPEN_FILE,
	VMLAB_OP_FEATURES,
	VMLAB_OP_CONFIGURE,
	VMLAB_OP_STAT,
	VMLAB_OP_LIST,
	VMLAB_OP_EXTENTS,
	VMLAB_OP_MMAP,
	VMLAB_OP_READ,
	VMLAB_OP_WRITE,
	VMLAB_OP_SYNC,
	VMLAB_OP_CLONE,
	VMLAB_OP_REGION_AT,
	VMLAB_OP_MAP_GLOBAL,
	VMLAB_OP_POOL_SET,
	VMLAB_OP_POOL_STAT,
	VMLAB_OP_ADVISE,
	VMLAB_OP_RECORD,
};

/**
 * vmlab_version() - the version of the library
 *
 * Return: a string such as "0.1", never to be freed.
 */
const char *vmlab_version(void);

/**
 * vmlab_open() - make a new, empty region
 * @flags:	O_RDONLY, O_WRONLY or O_RDWR, and O_CLOEXEC if wanted
 *
 * The descriptor is a regular file like a memfd: mmap(), read(), write(),
 * fstat(), fallocate(), ftruncate() and vmlab_*() work on it. The region lives
 * until its last descriptor and its last mapping are gone.
 *
 * Return: the descriptor, which the caller closes, or -EINVAL (other flags),
 * -ENOENT, -ENXIO, -ENODEV (the module is not loaded), -EACCES, -EMFILE,
 * -ENFILE, -ENOMEM, -ENOTTY (the module is older than this library).
 */
int vmlab_open(int flags);

/**
 * vmlab_open_file() - make a region whose pages come from a file
 * @path:	the file; it must be a regular one
 * @flags:	O_RDONLY or O_RDWR, and O_CLOEXEC if wanted
 * @offset:	where in the file the region begins, a multiple of the page size
 * @size:	the most the region may hold, a multiple of the page size; 0 for
 *		up to the end of the file
 *
 * With O_RDWR, what is written to the region or through its shared mappings
 * reaches the file later, at the latest with fsync() or when the region ends.
 *
 * Return: the descriptor, which the caller closes, or an error of open(2) for
 * the file, of vmlab_open() or of vmlab_configure().
 */
int vmlab_open_file(const char *path, int flags, uint64_t offset, uint64_t size);

/**
 * vmlab_features() - what the module can do, and its totals
 * @fd:		any descriptor of vmlab
 * @features:	filled
 *
 * Return: 0, or -EBADF, -ENOTTY (not a descriptor of vmlab).
 */
int vmlab_features(int fd, struct vmlab_features *features);

/**
 * vmlab_configure() - say what a region is to be
 * @fd:		a region
 * @configure:	see struct vmlab_configure; what is zero stands for the default
 *
 * Possible once, and before the region's first use.
 *
 * Return: 0, or -EBUSY (configured or used before), -EINVAL (a value, or huge pages
 * together with what excludes them), -EBADF, -EOVERFLOW, -ELOOP, -E2BIG (the module
 * does not know a field that is not zero), -ENFILE, -ENOMEM, -ENOTTY.
 */
int vmlab_configure(int fd, const struct vmlab_configure *configure);

/**
 * vmlab_stat() - the figures of one region
 * @fd:		a region
 * @stat:	filled
 *
 * Return: 0, or -EBADF, -ENOTTY (not a region), -ENOMEM (a file of a mount that was
 * neither mapped nor asked about before).
 */
int vmlab_stat(int fd, struct vmlab_stat *stat);

/**
 * vmlab_list() - the regions on the system, in order of their ids
 * @fd:		any descriptor of vmlab; its own region is in the list too
 * @list:	set to an array that the caller frees with free(); NULL if empty
 * @count:	set to the entries in the array
 *
 * Lists the regions of the caller's user, or all with CAP_SYS_PTRACE. Regions
 * may come and go meanwhile; each that existed all the time is listed once.
 *
 * Return: 0, or -EBADF, -ENOTTY, -ENOMEM.
 */
int vmlab_list(int fd, struct vmlab_stat **list, size_t *count);

/**
 * typedef vmlab_extent_fn - called for one extent
 * @extent:	valid during the call only
 * @arg:	what was given to vmlab_extents()
 *
 * Return: 0 to go on; another value ends the walk.
 */
typedef int (*vmlab_extent_fn)(const struct vmlab_extent *extent, void *arg);

/**
 * vmlab_extents() - walk over the pages of a region
 * @fd:		a region
 * @start:	where to begin, a multiple of the page size
 * @end:	where to end, exclusive, a multiple of the page size
 * @fn:		called for each run of pages in one state, in order
 * @arg:	passed on to @fn
 *
 * They are in memory (VMLAB_PAGE_RESIDENT), or in the store of the region's pool
 * (VMLAB_PAGE_STORED). A signal does not end the walk; @fn can. Adjacent extents may
 * have the same state.
 *
 * Return: 0, what @fn returned to end the walk, or -EBADF, -ENOTTY, -EINVAL.
 */
int vmlab_extents(int fd, uint64_t start, uint64_t end, vmlab_extent_fn fn, void *arg);

/**
 * vmlab_clone() - a new region that is the image of another at this moment
 * @fd:		a region, open for reading
 * @flags:	O_CLOEXEC or 0
 *
 * The two have their pages in common until one side writes to them; see struct
 * vmlab_clone.
 *
 * Return: a descriptor for reading and writing, which the caller closes, or
 * -EINVAL (other flags), -EBADF (not open, or not for reading), -ENOTTY (not a
 * region), -EACCES or -EROFS (a file of a mount, open for reading only, which the
 * caller may not write to), -EMFILE, -ENFILE, -ENOMEM, -ENOSPC (a page that a
 * device is writing to must be copied at once, at the cap on all pages), -EBUSY
 * (the region is being configured).
 */
int vmlab_clone(int fd, int flags);

/**
 * vmlab_clone_at() - the same, of the region that is mapped at an address
 * @address:	in a mapping of the caller's, which must be readable
 * @flags:	O_CLOEXEC or 0
 *
 * In the child of a fork, with VMLAB_REGION_COW_FORK, that is the child's own
 * region, while an inherited descriptor names the parent's.
 *
 * Return: as vmlab_clone(), or -EFAULT (no region is mapped there), -EACCES (the
 * mapping is not readable), or an error of vmlab_open(): it opens /dev/vmlab.
 */
int vmlab_clone_at(const void *address, int flags);

/**
 * vmlab_region_at() - a descriptor for the region that is mapped at an address
 * @address:	in a mapping of the caller's, which must be readable
 * @flags:	O_CLOEXEC or 0
 *
 * Return: a descriptor, which the caller closes, open for reading, and for
 * writing too if the mapping is shared and is or may be made writable; or
 * -EINVAL (other flags), -EFAULT (no region is mapped there), -EACCES (the mapping
 * is not readable), -EMFILE, -ENFILE, -ENOMEM, or an error of vmlab_open(): it
 * opens /dev/vmlab.
 */
int vmlab_region_at(const void *address, int flags);

/**
 * vmlab_map_global() - map a region where all processes have it
 * @fd:		a region
 * @length:	bytes to map, from the region's start
 * @prot:	PROT_READ and the like, as for mmap()
 * @address:	set to the address of the mapping, which is shared
 *
 * Pointers inside the region are good in every process that maps it so. The first
 * one to do so chooses the address, where other things seldom are, and needs a
 * descriptor that is open for writing; see struct vmlab_address.
 *
 * Return: 0, or -EEXIST (this process has something there already, which may be the
 * region), -EBADF (not open for writing, and the region has no address yet), -ENOTTY
 * (not a region, or the module is older than this request), or an error of mmap().
 */
int vmlab_map_global(int fd, size_t length, int prot, void **address);

/**
 * vmlab_pool_set() - what a region and its clones, or the files of a mount, may take
 * @fd:		a region, open for writing
 * @set:	the fields that its member what names; see struct vmlab_pool_set
 *
 * The first call gives the pool a policy and a store, whatever it sets. From then on the
 * budget and the policy may be changed at any time, and pages beyond the budget are
 * evicted to the store. A lower budget holds when the call returns, but for pages that
 * cannot be evicted.
 *
 * Return: 0, or -EINVAL (a value, or a file that cannot be the store), -ENOENT (there is no such
 * policy or codec), -EBUSY (the store, its codec and its limit are set with or before the first
 * budget; or another pool has the file), -ELOOP (the file is itself a region), -EOPNOTSUPP (a
 * region with a file, or a clone of one), -EBADF (not open, or not for writing; or the file of
 * the store not for both), -EPERM (of a mount, or by the clone of who could only read,
 * without CAP_SYS_ADMIN), -EINTR (if the budget is set already, the rest is evicted in the
 * background), -ENOMEM, -E2BIG, -ENOTTY (not a region, or the module is older than this
 * request).
 */
int vmlab_pool_set(int fd, const struct vmlab_pool_set *set);

/**
 * vmlab_pool_stat() - the figures of a pool
 * @fd:		a region of the pool
 * @stat:	filled
 *
 * Return: 0, or -EBADF, -ENOTTY (not a region, or the module is older than this request).
 */
int vmlab_pool_stat(int fd, struct vmlab_pool_stat *stat);

/**
 * vmlab_pool_list() - the pools on the system of which something was set, in order of their ids
 * @fd:		any descriptor of vmlab
 * @list:	set to an array that the caller frees with free(); NULL if empty
 * @count:	set to the entries in the array
 *
 * Lists the pools that the caller's user set something of first, or all with CAP_SYS_PTRACE.
 *
 * Return: 0, or -EBADF, -ENOMEM, -ENOTTY (not a descriptor of vmlab, or the module is older than
 * this request).
 */
int vmlab_pool_list(int fd, struct vmlab_pool_stat **list, size_t *count);

/**
 * vmlab_pool_histograms() - how long a pool's faults took, and how soon pages came back
 * @fd:		a region of the pool
 * @histograms:	filled, by VMLAB_HISTOGRAM_*; those that the module does not have are zero
 * @count:	how many are wanted, the first ones: at most VMLAB_HISTOGRAMS
 *
 * Latencies are measured while vmlab_pool_set() has them measured. See struct vmlab_histogram.
 *
 * Return: 0, or -EBADF, -ENOTTY (not a region, or the module is older than this request).
 */
int vmlab_pool_histograms(int fd, struct vmlab_histogram *histograms, size_t count);

/**
 * vmlab_advise() - say what is known of the future of some pages
 * @fd:		a region; open for writing to pin and unpin pages
 * @advice:	VMLAB_ADVISE_*; see struct vmlab_advise
 * @start:	offset in bytes, a multiple of the page size
 * @length:	bytes, a multiple of the page size
 *
 * Return: how many pages that changed, or -EINVAL (a value), -EBADF (not open, or not for
 * writing), -EOPNOTSUPP (a region with a file, or a clone of one), -EPERM (without CAP_SYS_ADMIN:
 * to evict the first page of a mount, to pin pages by the clone of who could only read), -ENOSPC
 * (more than half of the budget is not to be pinned, and nothing without a budget), -ENOMEM,
 * -EINTR (a part was done), -ENOTTY (not a region, or the module is older than this request).
 */
long vmlab_advise(int fd, int advice, uint64_t start, uint64_t length);

/**
 * vmlab_advise_at() - the same for memory of the caller's
 * @address:	inside a mapping of a region, a multiple of the page size
 * @length:	bytes, a multiple of the page size, inside the same mapping
 * @advice:	VMLAB_ADVISE_*
 *
 * In the child of a fork it concerns what the child sees there.
 *
 * Return: as vmlab_advise(), or -EFAULT (no region is mapped there), -EACCES (the mapping is
 * not readable), or an error of vmlab_open().
 */
long vmlab_advise_at(void *address, size_t length, int advice);

/**
 * vmlab_record() - record which pages of a region are referenced
 * @fd:		a region, open for writing
 * @flags:	O_CLOEXEC, O_NONBLOCK, both or 0
 * @window:	pages that are mapped at a time, of which no reference is seen; 0: 32
 *
 * Programs that have the region mapped go on, but slower: see struct vmlab_record.
 *
 * Return: a descriptor, which the caller closes to end the recording: read() gives an array of
 * struct vmlab_reference, and poll() tells when. Or -EBADF (not open, or not for writing), -EINVAL
 * (other flags, or no such window), -EPERM (somebody else's region), -EBUSY (somebody records it),
 * -EOPNOTSUPP (a region with huge pages), -EMFILE, -ENFILE, -ENOMEM, -ENOTTY (not a region, or the
 * module is older than this request).
 */
int vmlab_record(int fd, int flags, unsigned int window);

/**
 * vmlab_strerror() - an error in words, and what to do about it
 * @op:		what was tried
 * @err:	an errno, positive or negative
 *
 * Return: one sentence without a full stop at its end, never to be freed.
 */
const char *vmlab_strerror(enum vmlab_op op, int err);

#ifdef __cplusplus
}
#endif

#endif /* VMLAB_H */
