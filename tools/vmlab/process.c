// SPDX-License-Identifier: GPL-2.0
/*
 * Regions in other processes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vmlab.h>

#include "number.h"
#include "process.h"

bool process_mapping_parse(const char *line, struct process_mapping *mapping)
{
	int path = 0, end = 0;
	char id[11];

	/* NOLINTNEXTLINE(cert-err34-c): the numbers are the kernel's, and fit. */
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &mapping->start,
		   &mapping->end, mapping->perms, &mapping->offset, &path) != 4)
		return false;
	if (!path)
		return false;
	/* Another file's name may begin like a region's. */
	line += path;
	if (sscanf(line, "/vmlab:%10[0-9] (deleted)%n", id, &end) != 1 || !end)
		return false;
	line += end;
	return (!*line || !strcmp(line, "\n")) && number_u64(id, &mapping->id);
}

int process_mappings(pid_t pid, struct process_mapping **list, size_t *count)
{
	struct process_mapping mapping;
	char path[64], *line = NULL;
	size_t room = 0;
	int ret = 0;
	FILE *maps;

	*list = NULL;
	*count = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;

	errno = 0;
	while (getline(&line, &room, maps) >= 0) {
		struct process_mapping *grown;

		if (!process_mapping_parse(line, &mapping))
			continue;
		grown = realloc(*list, (*count + 1) * sizeof(**list));
		if (!grown) {
			ret = -ENOMEM;
			break;
		}
		*list = grown;
		(*list)[(*count)++] = mapping;
	}
	if (!ret && ferror(maps))
		ret = errno ? -errno : -EIO;
	free(line);
	fclose(maps);
	if (ret) {
		free(*list);
		*list = NULL;
	}
	return ret;
}

/*
 * A mapping that is copied at forks is named after its family's first region, whichever of
 * the family it shows. In the process that opened that one it is that one.
 */
static bool may_show_another(const struct vmlab_stat *stat, pid_t pid)
{
	return stat->flags & VMLAB_REGION_COW_FORK && stat->pid != (uint32_t)pid;
}

static bool is_region(int fd, uint64_t id)
{
	struct vmlab_stat stat;

	return !vmlab_stat(fd, &stat) && stat.id == id;
}

static int open_through_mapping(pid_t pid, const struct process_mapping *mapping, int access)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, mapping->start,
		 mapping->end);
	fd = open(path, access | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (is_region(fd, mapping->id))
		return fd;
	close(fd);
	return -ENOENT;
}

/* The link of a descriptor tells whether it is worth a copy. */
static bool may_be_region(int dir, const char *name)
{
	char target[64];
	ssize_t length = readlinkat(dir, name, target, sizeof(target) - 1);

	if (length < 0)
		return false;
	target[length] = 0;
	return !strncmp(target, "/vmlab:", 7) || !strcmp(target, "/dev/vmlab");
}

static int copy_descriptor(int pidfd, DIR *dir, uint64_t id)
{
	const struct dirent *entry;
	int number, fd;

	while ((entry = readdir(dir))) {
		if (!number_int(entry->d_name, &number) ||
		    !may_be_region(dirfd(dir), entry->d_name))
			continue;
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
		if (fd < 0)
			continue;
		if (is_region(fd, id))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

static int open_through_descriptor(pid_t pid, const struct process_mapping *mapping)
{
	char path[64];
	int pidfd, fd;
	DIR *dir;

	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -errno;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (dir) {
		fd = copy_descriptor(pidfd, dir, mapping->id);
		closedir(dir);
	} else {
		fd = -errno;
	}
	close(pidfd);
	return fd;
}

int process_open_region(pid_t pid, const struct process_mapping *mapping, int access)
{
	int through_mapping = open_through_mapping(pid, mapping, access), fd;
	struct vmlab_stat stat;

	if (through_mapping >= 0)
		return through_mapping;
	fd = open_through_descriptor(pid, mapping);
	/* The kernel opens no mapping that is copied at forks. */
	if (fd < 0)
		return through_mapping == -ENXIO ? -ENXIO : fd;
	if (!vmlab_stat(fd, &stat) && !may_show_another(&stat, pid))
		return fd;
	close(fd);
	return -ENXIO;
}
