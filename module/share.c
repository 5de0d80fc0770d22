// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that several regions have, and how one of them becomes a region's alone.
 *
 * A page that is or was shared is settled in none of its indexes: whoever maps it, read-only,
 * or copies it holds its folio lock. Before it is written to it is claimed, if the others
 * have given it up and nobody who had it from them still holds it, or a copy takes its
 * place; then it is marked as writable in its index, and settled.
 */
#include "share.h"

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "huge.h"
#include "index.h"
#include "page.h"
#include "pool.h"
#include "region.h"
#include "stats.h"
#include "swap.h"
#include "trace.h"

/* A folio that was found in an index, and may have become anything since. */
static struct folio *found_folio(struct page *page)
{
	return (struct folio *)page;
}

/* How many of @pages are still in their places? */
static unsigned int still_there(struct vmlab_region *region, pgoff_t pgoff, struct page **pages,
				unsigned int nr)
{
	struct page *again[VMLAB_BATCH] vmlab_uninitialized;
	struct vmlab_place place;
	unsigned int same = 0;

	if (nr)
		nr = vmlab_index_gather(&region->index, pgoff, nr, again, &place);
	while (same < nr && again[same] == pages[same])
		same++;
	return same;
}

/* Takes references to pages that were found, as many as are still in their places. */
static unsigned int get_found(struct vmlab_region *region, pgoff_t pgoff, struct page **pages,
			      unsigned int nr)
{
	unsigned int got = 0, same;

	while (got < nr && folio_try_get(found_folio(pages[got])))
		got++;
	same = still_there(region, pgoff, pages, got);
	while (got > same)
		folio_put(found_folio(pages[--got]));
	return got;
}

/**
 * vmlab_pages_lock_shared - lock pages that are or were shared, in their places
 * @region: the region
 * @pgoff: the first
 * @pages: what vmlab_index_gather() found
 * @nr: how many
 *
 * While it is locked a page is not replaced by a copy. Does not sleep, and so may get none.
 * Context: caller holds invalidate_lock, at least shared.
 * Return: how many were locked, from the first on, and have one more reference:
 * vmlab_pages_unlock_shared() is due.
 */
unsigned int vmlab_pages_lock_shared(struct vmlab_region *region, pgoff_t pgoff,
				     struct page **pages, unsigned int nr)
{
	unsigned int locked = 0, same, i;

	nr = get_found(region, pgoff, pages, nr);
	while (locked < nr && trylock_page(pages[locked]))
		locked++;
	for (i = locked; i < nr; i++)
		put_page(pages[i]);
	same = still_there(region, pgoff, pages, locked);
	vmlab_pages_unlock_shared(pages + same, locked - same);
	return same;
}

/* See vmlab_pages_lock_shared(). */
void vmlab_pages_unlock_shared(struct page **pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		unlock_page(pages[i]);
		put_page(pages[i]);
	}
}

/**
 * vmlab_page_wait_shared - wait for whoever has the page at an offset locked
 * @region: the region
 * @pgoff: the page
 *
 * Context: may sleep.
 */
void vmlab_page_wait_shared(struct vmlab_region *region, pgoff_t pgoff)
{
	struct folio *folio = vmlab_page_get(region, pgoff);

	if (!folio)
		return;
	folio_wait_locked(folio);
	folio_put(folio);
}

/*
 * Copies up to @nr pages, as many as there is memory for by @gfp: with __GFP_NOFAIL the limits may
 * be exceeded. Returns how many, or an errno.
 */
static int make_copies(struct vmlab_region *region, pgoff_t pgoff, struct page **old,
		       unsigned int nr, gfp_t gfp, struct page **new)
{
	int got = vmlab_pages_alloc(region, gfp, nr, new), i;

	for (i = 0; i < got; i++)
		vmlab_page_init(region, pgoff + i, page_folio(new[i]));
	for (i = 0; i < got; i++) {
		if (READ_ONCE(region->pool->swapping) &&
		    vmlab_swap_attach(region, page_folio(new[i]), gfp))
			break;
		copy_highpage(new[i], old[i]);
		/* Other bits of the word may change. */
		if (data_race(PageDirty(old[i])) &&
		    page_folio(old[i])->mapping == region->inode.i_mapping)
			folio_set_dirty(page_folio(new[i]));
	}
	if (got <= 0)
		return got;
	if (i < got)
		vmlab_pages_free_unused(region, new + i, got - i);
	atomic_long_add(i, &region->carried);
	return i ?: vmlab_pool_no_memory(region->pool, gfp);
}

/**
 * vmlab_page_copy - a copy of a page, for a region that will have it in its place
 * @region: the region
 * @pgoff: where it will have it
 * @old: the page
 *
 * It may exceed the budget of the region's pool.
 * Context: may sleep.
 * Return: the copy, not in the index yet, or an ERR_PTR(): -ENOSPC at the cap on all pages
 * or the size of its mount, -ENOMEM. vmlab_page_unshare() frees it again.
 */
struct folio *vmlab_page_copy(struct vmlab_region *region, pgoff_t pgoff, struct page *old)
{
	struct page *new;
	int ret = make_copies(region, pgoff, &old, 1, vmlab_pool_gfp(region->pool), &new);

	if (ret == -EAGAIN)
		ret = make_copies(region, pgoff, &old, 1, VMLAB_GFP | __GFP_NOFAIL, &new);
	return ret < 0 ? ERR_PTR(ret) : page_folio(new);
}

static bool any_mapped(struct page **pages, unsigned int nr)
{
	while (nr--) {
		if (folio_mapped(page_folio(pages[nr])))
			return true;
	}
	return false;
}

/*
 * Replaces @nr pages that are shared, and locked, by copies. While they are locked nobody
 * maps them for this region, so once they are unmapped they stay so. They do not change
 * as long as they are shared, and no longer are their copies wanted. Returns how many were
 * replaced, or an errno; 0 if the first is the region's alone now.
 */
static int replace_by_copies(struct vmlab_region *region, pgoff_t pgoff, struct page **old,
			     unsigned int nr, struct vmlab_place *place, bool must)
{
	gfp_t gfp = must ? VMLAB_GFP | __GFP_NOFAIL : vmlab_pool_gfp(region->pool);
	struct page *new[VMLAB_BATCH] vmlab_uninitialized;
	int copies = make_copies(region, pgoff, old, nr, gfp, new);
	int done, i;

	if (copies < 0) {
		vmlab_pages_unlock_shared(old, nr);
		return copies;
	}
	if (any_mapped(old, copies))
		vmlab_region_unmap(region, pgoff, copies);
	done = vmlab_index_replace(&region->index, pgoff, old, new, copies, place, gfp);
	for (i = max(done, 0); i < copies; i++)
		vmlab_page_unshare(page_folio(new[i]));
	for (i = 0; i < done; i++)
		swap(old[i], new[i]);
	if (done > 0) {
		vmlab_count(region, VMLAB_COW_COPIES, done);
		trace_vmlab_page_state(region->id, pgoff, done, VMLAB_PS_SHARED,
				       VMLAB_PS_CLEAN);
		for (i = 0; i < done; i++)
			unlock_page(new[i]);
		for (i = 0; i < done; i++) {
			vmlab_page_unshare(page_folio(new[i]));
			put_page(new[i]);
		}
	}
	vmlab_pages_unlock_shared(old + max(done, 0), nr - max(done, 0));
	return done == -ENOMEM ? vmlab_pool_no_memory(region->pool, gfp) : done;
}

/**
 * vmlab_page_adopt - a page that nobody else has any more is to carry the region's mapping
 * @region: the region
 * @pgoff: where it has the page
 * @folio: the page, locked
 *
 * Context: any.
 */
void vmlab_page_adopt(struct vmlab_region *region, pgoff_t pgoff, struct folio *folio)
{
	struct vmlab_region *old = vmlab_inode_region(folio->mapping->host);

	if (old == region) {
		folio->index = pgoff;	/* it may have been linked from another place */
		return;
	}
	folio_clear_dirty(folio);	/* it was so for the other one */
	atomic_long_inc(&region->carried);
	WRITE_ONCE(folio->mapping, region->inode.i_mapping);
	folio->index = pgoff;
	vmlab_pool_charge_anyway(region->pool, folio_nr_pages(folio));
	vmlab_pool_uncharge(old->pool, folio_nr_pages(folio));
	vmlab_region_put_carried(old);
}

struct claim {
	struct vmlab_region *region;
	struct page *held;
};

/*
 * A page that others had, too, is only this region's now, unless somebody who got it from
 * one of them still reads it; our own reference is one, and the fault's may be another. It
 * carries the region's mapping before it is written to: what waits on a futex in it is told
 * by whose it is. The page is locked. A vmlab_claim_fn.
 */
static bool claim(pgoff_t pgoff, struct folio *folio, void *data)
{
	const struct claim *claim = data;
	int ours = 1 + (claim->held && page_folio(claim->held) == folio);

	if (vmlab_page_spare(folio) > ours || vmlab_swap_is_named(folio))
		return false;
	vmlab_page_adopt(claim->region, pgoff, folio);
	return true;
}

/*
 * Of @nr locked pages makes the first ones the region's alone, by claiming them or by
 * copying them, and unlocks all. Returns how many, or an errno; 0: try again.
 */
static int take_over(struct vmlab_region *region, pgoff_t pgoff, struct page **pages,
		     unsigned int nr, struct vmlab_place *place, struct page *held, bool must)
{
	struct claim data = { .region = region, .held = held };
	unsigned int claimed, copies = 1;

	claimed = vmlab_index_claim(&region->index, pgoff, pages, nr, place, claim, &data);
	if (claimed) {
		vmlab_pages_unlock_shared(pages, nr);
		return claimed;
	}
	/* The first must be copied, and so are those behind it that others have. */
	while (copies < nr && (!place->own || vmlab_page_is_shared(page_folio(pages[copies]))))
		copies++;
	vmlab_pages_unlock_shared(pages + copies, nr - copies);
	return replace_by_copies(region, pgoff, pages, copies, place, must);
}

/**
 * vmlab_pages_own - pages that are there, for this region alone
 * @region: the region
 * @pgoff: the first
 * @nr: at most so many, in one leaf; more than one only if that is wanted
 * @pages: set to the pages, as by vmlab_index_gather(); they carry the region's mapping
 * @place: set to where they are
 * @held: a page to which the caller has a reference, and which may be the first; or NULL
 * @must: do not fail; that may exceed the limits
 *
 * Those that other regions have, too, are copied, and so are those that somebody holds who
 * may have them from another. In an index that shares they are marked as writable. If the first
 * is not in memory, it is brought in.
 * Context: caller holds invalidate_lock shared. May sleep.
 * Return: how many; 0 if not even the first is there; -ENOSPC at the cap on all pages,
 * -EAGAIN at the budget of its pool, -ENOMEM, or what vmlab_swap_in() says.
 */
int vmlab_pages_own(struct vmlab_region *region, pgoff_t pgoff, unsigned int nr,
		    struct page **pages, struct vmlab_place *place, struct page *held, bool must)
{
	unsigned int found;
	int done = 0;

	do {
		found = vmlab_index_gather(&region->index, pgoff, nr, pages, place);
		if (!found && place->swapped) {
			done = vmlab_swap_in(region, pgoff, must);
			continue;
		}
		if (!found || !place->shared)
			return found;
		if (PageCompound(pages[0])) {	/* if it is not by now, nothing happens */
			done = vmlab_huge_own(region, pgoff, held, must);
			continue;
		}
		found = vmlab_pages_lock_shared(region, pgoff, pages, found);
		if (found)
			done = take_over(region, pgoff, pages, found, place, held, must);
		else
			vmlab_page_wait_shared(region, pgoff);
		if (done == -EAGAIN && found > 1) {
			nr = 1;		/* others may have taken what the first lacks */
			done = 0;
		}
	} while (!done);
	return done;
}

/*
 * Is no page of a full leaf held? A clone looks at all of them, so it is asked of their sum: no
 * page has fewer references than are accounted for, which could make up for another's.
 */
static bool none_held(struct page **pages)
{
	u64 sum = 0, mapped = 0;
	unsigned int i;

#pragma GCC unroll 8
	for (i = 0; i < VMLAB_NODE_SLOTS; i++) {
		u64 both = vmlab_page_counts((struct folio *)pages[i]);

		sum += both;
		mapped += (u32)both;
	}
	return (u32)((sum - mapped) >> 32) - (u32)mapped == 2 * VMLAB_NODE_SLOTS;
}

/**
 * vmlab_pages_held - which small pages of a leaf somebody holds, who may be writing to them
 * @pages: the leaf's slots
 * @mask: which of them to look at: those have pages
 *
 * Context: caller holds invalidate_lock exclusive, and has write-protected the pages.
 * Return: a part of @mask.
 */
unsigned long vmlab_pages_held(struct page **pages, unsigned long mask)
{
	unsigned long held = 0;

	if (mask == ~0UL && none_held(pages))
		return 0;
	for (; mask; mask &= mask - 1) {
		if (vmlab_page_spare(page_folio(pages[__ffs(mask)])))
			held |= mask & -mask;
	}
	return held;
}
