/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_PAGE_H
#define VMLAB_PAGE_H

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/mm_types.h>
#include <linux/page-flags.h>
#include <linux/pgtable.h>
#include <linux/types.h>

struct page;
struct vmlab_place;
struct vmlab_region;

/* The most pages that one fault serves: what one node of the index holds. */
#define VMLAB_BATCH 64

/* A huge folio: what one entry of a page middle directory maps (2 MiB). */
#define VMLAB_HUGE_ORDER (PMD_SHIFT - PAGE_SHIFT)
#define VMLAB_HUGE_PAGES BIT(VMLAB_HUGE_ORDER)
/* The leaves of an index that have its pages: each has one share of it. */
#define VMLAB_HUGE_LEAVES (VMLAB_HUGE_PAGES / VMLAB_BATCH)

/*
 * For an array on the stack of a hot path, where writing zeroes to all of it first, as
 * kernels are configured to do, would cost as much as the work itself.
 */
#if __has_attribute(uninitialized)
#define vmlab_uninitialized __attribute__((uninitialized))
#else
#define vmlab_uninitialized
#endif

/*
 * The page at an offset of a folio that has it. Small or huge, a folio lies at a multiple
 * of its size.
 */
static inline struct page *vmlab_folio_page(struct folio *folio, pgoff_t pgoff)
{
	return &folio->page + (folio_test_large(folio) ? pgoff % VMLAB_HUGE_PAGES : 0);
}

/* How many leaves of indexes have the page. All their shares are one reference to it. */
static inline atomic_long_t *vmlab_page_sharers(struct folio *folio)
{
	return (atomic_long_t *)&folio->private;
}

/* Pairs with vmlab_page_unshare(): the others are done with the page. */
static inline bool vmlab_page_is_shared(struct folio *folio)
{
	return atomic_long_read_acquire(vmlab_page_sharers(folio)) !=
	       (folio_test_large(folio) ? VMLAB_HUGE_LEAVES : 1);
}

/* One more leaf has the page; caller has a share of it already. */
static inline void vmlab_page_share(struct folio *folio)
{
	atomic_long_inc(vmlab_page_sharers(folio));
}

/* Gives up a share that cannot be the last. */
static inline void vmlab_page_unshare_copied(struct folio *folio)
{
	atomic_long_dec(vmlab_page_sharers(folio));
}

/**
 * vmlab_page_counts - how many references a page has, and how many page tables have it
 * @folio: the page, a small one
 *
 * Return: the references in the upper half; in the lower the page tables, minus one. Both are read
 * at once.
 */
static inline u64 vmlab_page_counts(const struct folio *folio)
{
	u64 both = READ_ONCE(*(const u64 *)&folio->_mapcount);

	static_assert(offsetof(struct folio, _refcount) == offsetof(struct folio, _mapcount) + 4);
	static_assert(IS_ALIGNED(offsetof(struct folio, _mapcount), 8));
#ifdef __BIG_ENDIAN
	both = ror64(both, 32);
#endif
	return both;
}

/**
 * vmlab_page_spare - how many of a page's references are not accounted for
 * @folio: the page, a small one
 *
 * Besides the index and the page tables somebody may have references: who reads what the
 * page was when he took it, or writes to it past all page tables.
 * An entry of a page table comes with its reference first, and goes with it last: whatever
 * happens meanwhile, there never seem to be too few.
 */
static inline int vmlab_page_spare(const struct folio *folio)
{
	u64 both = vmlab_page_counts(folio);

	return (int)(both >> 32) - (int)both - 2;
}

int vmlab_pages_alloc(struct vmlab_region *region, gfp_t gfp, unsigned int nr,
		      struct page **pages);
void vmlab_page_init(struct vmlab_region *region, pgoff_t pgoff, struct folio *folio);
int vmlab_pages_populate(struct vmlab_region *region, struct vmlab_place *place,
			 pgoff_t pgoff, unsigned int nr, struct page **pages);
void vmlab_pages_free_unused(struct vmlab_region *region, struct page **pages,
			     unsigned int nr);
int vmlab_page_make_room(struct vmlab_region *region, pgoff_t pgoff);
void vmlab_page_unshare(struct folio *folio);
struct folio *vmlab_page_get(struct vmlab_region *region, pgoff_t pgoff);
struct folio *vmlab_page_get_locked(struct vmlab_region *region, pgoff_t pgoff);
struct folio *vmlab_page_get_to_read(struct vmlab_region *region, pgoff_t pgoff);
struct folio *vmlab_page_get_to_write(struct vmlab_region *region, pgoff_t pgoff);
bool vmlab_page_mark_dirty(struct vmlab_region *region, struct folio *folio);
bool vmlab_page_mark_dirty_at(struct vmlab_region *region, pgoff_t pgoff, struct folio *folio);
void vmlab_page_dirty(struct vmlab_region *region, struct folio *folio);
bool vmlab_page_clean(struct vmlab_region *region, struct folio *folio);

#endif
