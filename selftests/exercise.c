// SPDX-License-Identifier: GPL-2.0
/*
 * Not a test: a little of everything, for tools that watch (trace.sh). Faults
 * of each cause, a write-back, and an access behind the end.
 */
#include "scratch_test.h"

int main(void)
{
	struct scratch scratch;
	const char *reason = scratch_make(&scratch, "tmpfs", MIB);
	int file, fd = region_open();
	char *p = map_shared(fd, 64 * PAGE);

	if (reason || fd < 0 || p == MAP_FAILED)
		return 1;
	fill(p, 64 * PAGE, 1);
	ftruncate(region_fd(fd, 0), PAGE) ?: trap_read(p + PAGE);
	file = scratch_file(&scratch, "file", 4 * PAGE, 1);
	fd = region_file(file, 0, 0);
	p = map_shared(fd, 4 * PAGE);
	fill(p, 4 * PAGE, 2);
	fsync(fd);
	munmap(p, 4 * PAGE);
	close(fd);
	scratch_remove(&scratch);
	return 0;
}
