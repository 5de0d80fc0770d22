/* SPDX-License-Identifier: GPL-2.0 */
/* The fixture of pools: a region with a budget, by some policies and with some stores. */
#ifndef SWAP_REGION_TEST_H
#define SWAP_REGION_TEST_H

#define PAGES 128UL
#include "swap_test.h"

FIXTURE(swap)
{
	struct scratch scratch;
	int fd;
	unsigned long *mem;
};

FIXTURE_VARIANT(swap)
{
	const char *policy;
	__u32 flags;
	const char *disk;	/* has the store */
	__u64 front;		/* compressed memory before that */
};

FIXTURE_VARIANT_ADD(swap, plain) { .policy = "lru" };
FIXTURE_VARIANT_ADD(swap, tracked) { .policy = "clock", .flags = VMLAB_REGION_TRACK_DIRTY };
FIXTURE_VARIANT_ADD(swap, strict) { .policy = "s3fifo", .flags = VMLAB_REGION_STRICT };
FIXTURE_VARIANT_ADD(swap, cow_fork) { .policy = "arc", .flags = VMLAB_REGION_COW_FORK };

FIXTURE_VARIANT_ADD(swap, ext4) { .policy = "lru", .disk = "ext4" };
FIXTURE_VARIANT_ADD(swap, fork_tmpfs) {
	.policy = "2q", .flags = VMLAB_REGION_COW_FORK, .disk = "tmpfs"
};

FIXTURE_VARIANT_ADD(swap, tiers) {
	.policy = "sieve", .flags = VMLAB_REGION_COW_FORK, .disk = "ext4", .front = 32 * PAGE
};

FIXTURE_SETUP(swap)
{
	self->fd = region_zero(variant->flags, 2 * PAGES * PAGE);
	ASSERT_GE(self->fd, 0);
	if (variant->disk) {
		const char *reason = scratch_make(&self->scratch, variant->disk, 16 * MIB);

		if (reason)
			SKIP_TEST("%s", reason);
		ASSERT_EQ(store_behind(self->fd, &self->scratch, 0, 8 * MIB, variant->front), 0);
	}
	ASSERT_EQ(set_policy(self->fd, variant->policy), 0);
	ASSERT_EQ(set_budget(self->fd, BUDGET), 0);
	self->mem = map_pages(self->fd, PAGES);
}

FIXTURE_TEARDOWN(swap)
{
	munmap(self->mem, PAGES * PAGE);
	close(self->fd);
	if (variant->disk)
		scratch_remove(&self->scratch);
}

#endif
