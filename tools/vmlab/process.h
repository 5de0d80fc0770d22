/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct process_mapping - a mapping of a region in a process
 * @start:	address
 * @end:	address, exclusive
 * @offset:	in the region
 * @id:		of the region
 * @perms:	"rw-s" as in /proc/PID/maps
 */
struct process_mapping {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	uint64_t id;
	char perms[5];
};

/* Parses a line of /proc/PID/maps. Returns false if it is not a region's. */
bool process_mapping_parse(const char *line, struct process_mapping *mapping);

/*
 * Finds the mappings of regions in a process. @list is the caller's to free().
 * Returns 0 or a negative errno of /proc/PID/maps.
 */
int process_mappings(pid_t pid, struct process_mapping **list, size_t *count);

/*
 * Opens the region of a mapping, with @access as for open(2): through the mapping itself,
 * which takes CAP_CHECKPOINT_RESTORE, or else with the process's own descriptor, which has an
 * access of its own, if it still has one and may be traced. Returns a descriptor that the
 * caller closes or a negative errno: -ENOENT if neither way led to the region; -ENXIO if it is
 * copied at forks, so that the mapping may show another one of its family.
 */
int process_open_region(pid_t pid, const struct process_mapping *mapping, int access);

#endif /* PROCESS_H */
