// SPDX-License-Identifier: GPL-2.0
/*
 * The interface that programs were compiled against: sizes, places and request
 * numbers stay as they are. (That the header compiles alone, as C and as C++,
 * is a rule of the Makefile.)
 */
#include "vmlab_test.h"

#include <stddef.h>

/* The request numbers; they change with the size of a struct. */
TEST(requests)
{
	EXPECT_EQ(0x8030ba00, VMLAB_IOC_FEATURES);
	EXPECT_EQ(0x4020ba01, VMLAB_IOC_CONFIGURE);
	EXPECT_EQ(0x80e8ba02, VMLAB_IOC_STAT);
	EXPECT_EQ(0xc018ba03, VMLAB_IOC_LIST);
	EXPECT_EQ(0xc020ba04, VMLAB_IOC_EXTENTS);
	EXPECT_EQ(0x4010ba05, VMLAB_IOC_REGION_FD);
	EXPECT_EQ(0x4010ba06, VMLAB_IOC_CLONE);
	EXPECT_EQ(0xc008ba07, VMLAB_IOC_ADDRESS);
	EXPECT_EQ(0x4048ba08, VMLAB_IOC_POOL_SET);
	EXPECT_EQ(0x8118ba09, VMLAB_IOC_POOL_STAT);
	EXPECT_EQ(0xc020ba0a, VMLAB_IOC_ADVISE);
	EXPECT_EQ(0xc018ba0b, VMLAB_IOC_POOL_LIST);
	EXPECT_EQ(0xc010ba0c, VMLAB_IOC_POOL_HISTOGRAMS);
	EXPECT_EQ(0x4008ba0d, VMLAB_IOC_RECORD);
}

#define FIELD(type, field, offset) \
	EXPECT_EQ(offset, offsetof(struct type, field))

TEST(fields_of_features)
{
	FIELD(vmlab_features, features, 0UL);
	FIELD(vmlab_features, page_size, 8UL);
	FIELD(vmlab_features, __reserved, 12UL);
	FIELD(vmlab_features, pages_max, 16UL);
	FIELD(vmlab_features, pages, 24UL);
	FIELD(vmlab_features, regions, 32UL);
	FIELD(vmlab_features, pages_lost, 40UL);
}

TEST(fields_of_configure)
{
	FIELD(vmlab_configure, flags, 0UL);
	FIELD(vmlab_configure, backing, 4UL);
	FIELD(vmlab_configure, backing_fd, 8UL);
	FIELD(vmlab_configure, __reserved, 12UL);
	FIELD(vmlab_configure, backing_offset, 16UL);
	FIELD(vmlab_configure, size, 24UL);
}

TEST(fields_of_pool_set)
{
	FIELD(vmlab_pool_set, what, 0UL);
	FIELD(vmlab_pool_set, store_fd, 4UL);
	FIELD(vmlab_pool_set, budget, 8UL);
	FIELD(vmlab_pool_set, store_limit, 16UL);
	FIELD(vmlab_pool_set, policy, 24UL);
	FIELD(vmlab_pool_set, codec, 40UL);
	FIELD(vmlab_pool_set, latency, 56UL);
	FIELD(vmlab_pool_set, front, 64UL);
}

TEST(fields_of_pool_stat)
{
	FIELD(vmlab_pool_stat, budget, 0UL);
	FIELD(vmlab_pool_stat, resident, 8UL);
	FIELD(vmlab_pool_stat, stored, 16UL);
	FIELD(vmlab_pool_stat, stored_bytes, 24UL);
	FIELD(vmlab_pool_stat, store_limit, 32UL);
	FIELD(vmlab_pool_stat, same_filled, 40UL);
	FIELD(vmlab_pool_stat, incompressible, 48UL);
	FIELD(vmlab_pool_stat, evicted, 56UL);
	FIELD(vmlab_pool_stat, refused, 64UL);
	FIELD(vmlab_pool_stat, store_errors, 72UL);
	FIELD(vmlab_pool_stat, checksum_errors, 80UL);
	FIELD(vmlab_pool_stat, policy, 88UL);
	FIELD(vmlab_pool_stat, codec, 104UL);
	FIELD(vmlab_pool_stat, store, 120UL);
	FIELD(vmlab_pool_stat, id, 136UL);
	FIELD(vmlab_pool_stat, uid, 144UL);
	FIELD(vmlab_pool_stat, latency, 148UL);
	FIELD(vmlab_pool_stat, regions, 152UL);
	FIELD(vmlab_pool_stat, dirty, 160UL);
	FIELD(vmlab_pool_stat, pinned, 168UL);
	FIELD(vmlab_pool_stat, copies, 176UL);
	FIELD(vmlab_pool_stat, copied_bytes, 184UL);
	FIELD(vmlab_pool_stat, faults, 192UL);
	FIELD(vmlab_pool_stat, first_touch, 200UL);
	FIELD(vmlab_pool_stat, refault, 208UL);
	FIELD(vmlab_pool_stat, cow_faults, 216UL);
	FIELD(vmlab_pool_stat, swap_faults, 224UL);
	FIELD(vmlab_pool_stat, swapped_in, 232UL);
	FIELD(vmlab_pool_stat, working_set, 240UL);
	FIELD(vmlab_pool_stat, front, 248UL);
	FIELD(vmlab_pool_stat, front_bytes, 256UL);
	FIELD(vmlab_pool_stat, front_copies, 264UL);
	FIELD(vmlab_pool_stat, moved, 272UL);
}

TEST(fields_of_histograms)
{
	FIELD(vmlab_histogram, sum, 0UL);
	FIELD(vmlab_histogram, counts, 8UL);
	EXPECT_EQ(328UL, sizeof(struct vmlab_histogram));
	FIELD(vmlab_pool_histograms, buffer, 0UL);
	FIELD(vmlab_pool_histograms, count, 8UL);
	FIELD(vmlab_pool_histograms, entry_size, 12UL);
}

TEST(fields_of_record)
{
	FIELD(vmlab_record, flags, 0UL);
	FIELD(vmlab_record, window, 4UL);
	FIELD(vmlab_reference, pgoff, 0UL);
	FIELD(vmlab_reference, time, 8UL);
	FIELD(vmlab_reference, kind, 16UL);
	EXPECT_EQ(24UL, sizeof(struct vmlab_reference));
}

TEST(fields_of_advise)
{
	FIELD(vmlab_advise, start, 0UL);
	FIELD(vmlab_advise, length, 8UL);
	FIELD(vmlab_advise, advice, 16UL);
	FIELD(vmlab_advise, address, 20UL);
	FIELD(vmlab_advise, pages, 24UL);
}

TEST(fields_of_stat)
{
	FIELD(vmlab_stat, id, 0UL);
	FIELD(vmlab_stat, size, 8UL);
	FIELD(vmlab_stat, flags, 16UL);
	FIELD(vmlab_stat, uid, 24UL);
	FIELD(vmlab_stat, comm, 32UL);
	FIELD(vmlab_stat, mappings, 48UL);
	FIELD(vmlab_stat, resident, 56UL);
	FIELD(vmlab_stat, dirty, 64UL);
	FIELD(vmlab_stat, faults, 72UL);
	FIELD(vmlab_stat, first_touch, 80UL);
	FIELD(vmlab_stat, refault, 88UL);
	FIELD(vmlab_stat, write_notify, 96UL);
	FIELD(vmlab_stat, zero_filled, 104UL);
	FIELD(vmlab_stat, read_in, 112UL);
	FIELD(vmlab_stat, written_back, 120UL);
	FIELD(vmlab_stat, discarded, 128UL);
	FIELD(vmlab_stat, sigbus, 136UL);
	FIELD(vmlab_stat, writeback_errors, 144UL);
	FIELD(vmlab_stat, cow_copies, 152UL);
	FIELD(vmlab_stat, huge_made, 160UL);
	FIELD(vmlab_stat, huge_split, 168UL);
	FIELD(vmlab_stat, huge_fallback, 176UL);
	FIELD(vmlab_stat, stored, 184UL);
	FIELD(vmlab_stat, swap_faults, 192UL);
	FIELD(vmlab_stat, swapped_in, 200UL);
	FIELD(vmlab_stat, cow_faults, 208UL);
	FIELD(vmlab_stat, evicted, 216UL);
	FIELD(vmlab_stat, pool, 224UL);
}

TEST(fields_of_list_and_extents)
{
	FIELD(vmlab_list, cursor, 0UL);
	FIELD(vmlab_list, buffer, 8UL);
	FIELD(vmlab_list, count, 16UL);
	FIELD(vmlab_list, entry_size, 20UL);
	FIELD(vmlab_extent, start, 0UL);
	FIELD(vmlab_extent, length, 8UL);
	FIELD(vmlab_extent, state, 16UL);
	FIELD(vmlab_extents, start, 0UL);
	FIELD(vmlab_extents, end, 8UL);
	FIELD(vmlab_extents, buffer, 16UL);
	FIELD(vmlab_extents, count, 24UL);
}

TEST(fields_of_region_fd_and_clone)
{
	FIELD(vmlab_region_fd, flags, 0UL);
	FIELD(vmlab_region_fd, __reserved, 4UL);
	FIELD(vmlab_region_fd, address, 8UL);
	FIELD(vmlab_clone, flags, 0UL);
	FIELD(vmlab_clone, __reserved, 4UL);
	FIELD(vmlab_clone, address, 8UL);
	FIELD(vmlab_address, address, 0UL);
}

TEST_HARNESS_MAIN
