// SPDX-License-Identifier: GPL-2.0
/*
 * The rows: one processor, each piece of work beside its peers. A new one is an
 * entry here, and a turn in turns.c where none of those there will do.
 */
#include "bench.h"

const struct work works[] = {
	{
		.name = "sequential first-touch write, shared", .turn = first_write,
		.sides = { { &vmlab }, { &memfd, 0.33 }, { &anonymous, 0.57 },
			   { &userfault, 0.11 } },
		.headline = true,
	}, {
		.name = "random first-touch write, one page each", .turn = first_write_at_random,
		.sides = { { &vmlab }, { &memfd, 0.67 }, { &anonymous, 1.12 } },
		.prepare = prepare_random, .headline = true,
	}, {
		.name = "write to resident pages, freshly mapped", .turn = rewrite,
		.sides = { { &vmlab }, { &memfd, 0.27 } }, .headline = true,
	}, {
		.name = "write to resident pages, writes tracked", .turn = rewrite,
		.sides = { { &vmlab_tracked }, { &memfd, 0.92 } }, .headline = true,
	}, {
		.name = "read of resident pages, freshly mapped", .turn = reread,
		.sides = { { &vmlab }, { &memfd, 0.95 } }, .headline = true,
	}, {
		.name = "unmap of touched pages", .turn = unmap,
		.sides = { { &vmlab }, { &memfd, 0.95 } }, .headline = true,
	}, {
		.name = "first read of cached file pages, tmpfs", .turn = first_read,
		.sides = { { &vmlab_file }, { &file_mmap, 1.3 } },
		.prepare = file_make_tmpfs, .finish = file_clean, .headline = true,
	}, {
		.name = "first read of cached file pages, ext4", .turn = first_read,
		.sides = { { &vmlab_file }, { &file_mmap, 1.3 } },
		.prepare = file_make_ext4, .finish = file_clean, .headline = true,
	}, {
		.name = "write to clean pages of a file, ext4", .turn = rewrite_clean,
		.sides = { { &vmlab_file_written }, { &file_mmap_written } },
		.prepare = file_make_ext4, .finish = file_clean, .headline = true,
	}, {
		.name = "write-back of dirty pages, ext4 (msync)", .turn = write_back,
		.sides = { { &vmlab_file_written }, { &file_mmap_written } },
		.prepare = file_make_ext4, .finish = file_clean,
	}, {
		.name = "COW break, page present read-only", .turn = cow_break,
		.sides = { { &vmlab }, { &anonymous, 1.0 } }, .headline = true,
	}, {
		.name = "COW break at random, p99", .turn = cow_break_p99, .unit = "of one",
		.sides = { { &vmlab }, { &anonymous, 1.5 } },
	}, {
		.name = "clone, not mapped; fork", .turn = share_unmapped,
		.sides = { { &vmlab }, { &anonymous, 0.10 } }, .headline = true,
	}, {
		.name = "clone, mapped writable; fork", .turn = share_mapped,
		.sides = { { &vmlab }, { &anonymous, 1.5 }, { &mprotected } }, .headline = true,
	}, {
		.name = "clone, mapped by huge pages; fork", .turn = share_mapped,
		.sides = { { &vmlab_huge }, { &anonymous, 0.10 } }, .headline = true,
	}, {
		.name = "clone, nothing written since the last; fork", .turn = share_again,
		.sides = { { &vmlab }, { &anonymous, 0.05 } }, .headline = true,
	}, {
		.name = "fork, copied at forks, not mapped", .turn = share_unmapped,
		.sides = { { &vmlab_fork }, { &anonymous, 0.10 } },
	}, {
		.name = "fork, copied at forks, mapped writable", .turn = share_mapped,
		.sides = { { &vmlab_fork }, { &anonymous, 1.5 } }, .headline = true,
	}, {
		.name = "fork, copied at forks, mapped by huge pages", .turn = share_mapped,
		.sides = { { &vmlab_fork_huge }, { &anonymous, 0.10 } },
	}, {
		.name = "fork, copied at forks, nothing written since", .turn = share_again,
		.sides = { { &vmlab_fork }, { &anonymous, 0.05 } },
	}, {
		/* It splits and merges blocks of memory, which single pages would feel. */
		.name = "first touch of 2 MiB", .turn = first_write_huge, .unit = "of one",
		.sides = { { &vmlab_huge }, { &anonymous_huge, 1.0 } }, .headline = true,
	}, {
		.name = "a hundred clones, nothing written", .turn = memory_of_clones,
		.unit = "bytes", .sides = { { &vmlab, 4 * MIB } }, .headline = true,
	}, {
		.name = "a 4 KiB file: create, write, read, remove", .turn = file_life,
		.sides = { { &vmlab_mount }, { &tmpfs_mount, 1.1 } },
		.prepare = files_prepare, .finish = files_finish, .headline = true,
	}, {
		.name = "a page of text leaves, lz4", .turn = swap_out,
		.policy = "fifo", .sides = { { &vmlab_stored }, { &anonymous_zram } },
		.prepare = swap_prepare_text, .finish = swap_finish, .headline = true,
	}, {
		.name = "a page of text comes back, lz4", .turn = swap_in,
		.policy = "fifo", .sides = { { &vmlab_stored }, { &anonymous_zram } },
		.prepare = swap_prepare_text, .finish = swap_finish, .headline = true,
	}, {
		.name = "a page of a program leaves, lz4", .turn = swap_out,
		.policy = "fifo", .sides = { { &vmlab_stored }, { &anonymous_zram } },
		.prepare = swap_prepare_program, .finish = swap_finish,
	}, {
		.name = "a page of a program comes back, lz4", .turn = swap_in,
		.policy = "fifo", .sides = { { &vmlab_stored }, { &anonymous_zram } },
		.prepare = swap_prepare_program, .finish = swap_finish,
	}, {
		.name = "references, half of the pages fit, lz4", .turn = reference_half,
		.turns = 3, .policy = "s3fifo",
		.sides = { { &vmlab_stored }, { &anonymous_zram, 0.667 } },
		.prepare = swap_prepare_text, .finish = swap_finish, .headline = true,
	}, {
		.name = "misses of a loop, a quarter fits", .turn = misses_of_loop,
		.unit = "misses", .turns = 1, .policy = "lirs",
		.sides = { { &vmlab_stored }, { &anonymous_zram, 0.85 } },
		.prepare = swap_prepare_numbers, .finish = swap_finish, .headline = true,
	}, {
		.name = "misses of a scan beside hot pages", .turn = misses_of_scan,
		.unit = "misses", .turns = 1, .policy = "lirs",
		.sides = { { &vmlab_stored }, { &anonymous_zram, 0.85 } },
		.prepare = swap_prepare_numbers, .finish = swap_finish, .headline = true,
	}, {
		.name = "misses by Zipf's law, a quarter fits", .turn = misses_of_zipf,
		.unit = "misses", .turns = 1, .policy = "lirs",
		.sides = { { &vmlab_stored }, { &anonymous_zram, 0.95 } },
		.prepare = swap_prepare_numbers, .finish = swap_finish, .headline = true,
	}, {
		.name = "misses by Zipf's law", .turn = misses_of_zipf,
		.unit = "misses", .turns = 1, .sides = { { &vmlab_stored }, { &simulated, 1.1 } },
		.prepare = swap_prepare_no_zram, .policy = ALL_POLICIES,
	}, {
		.name = "a page comes back", .turn = swap_in, .turns = 1,
		.sides = { { &vmlab_stored }, { &vmlab_stored, 1.15, "fifo" } },
		.prepare = swap_prepare_no_zram, .policy = ALL_POLICIES,
	}, {
		.name = "a page comes back for another one", .turn = miss_half, .turns = 1,
		.sides = { { &vmlab_stored }, { &vmlab_stored, 0, "fifo" } },
		.prepare = swap_prepare_no_zram, .policy = ALL_POLICIES,
	}, {
		.name = "memory of a stored page of text, lz4", .turn = swap_memory,
		.unit = "bytes/page", .policy = "fifo",
		.sides = { { &vmlab_stored }, { &anonymous_zram, 1.02 } },
		.prepare = swap_prepare_text, .finish = swap_finish, .headline = true,
	}, {
		.name = "memory of a stored page of a program, lz4", .turn = swap_memory,
		.unit = "bytes/page", .policy = "fifo",
		.sides = { { &vmlab_stored }, { &anonymous_zram, 1.02 } },
		.prepare = swap_prepare_program, .finish = swap_finish,
	}, {
		.name = "memory beside pages and page tables", .turn = memory_beside,
		.unit = "bytes/page", .sides = { { &vmlab, 64 } }, .headline = true,
	}, {
		.name = "memory beside stored pages", .turn = memory_beside_stored,
		.unit = "bytes/page", .policy = "fifo", .sides = { { &vmlab_stored, 64 } },
		.prepare = swap_prepare_text, .finish = swap_finish,
	}, {
		.name = "memory beside a memfd's pages, to compare", .turn = memory_beside,
		.unit = "bytes/page", .sides = { { &memfd } },
	}, {
		.name = "1 TiB mapped, untouched", .turn = memory_of_untouched,
		.unit = "bytes", .sides = { { &vmlab, MIB } }, .headline = true,
	},
};

const size_t works_count = sizeof(works) / sizeof(works[0]);
