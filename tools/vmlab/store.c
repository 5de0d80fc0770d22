// SPDX-License-Identifier: GPL-2.0
/* The option --store: where a pool stores its pages. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"

void store_parse(const char *arg, struct store_option *option, struct vmlab_pool_set *set,
		 struct argp_state *state)
{
	static const char prefix[] = "file:";
	const size_t length = sizeof(prefix) - 1;

	option->path = NULL;
	if (!strncmp(arg, prefix, length) && arg[length])
		option->path = arg + length;
	else if (strcmp(arg, "zs") != 0)
		argp_error(state, "--store takes zs or file:PATH, not \"%s\"", arg);
	set->what |= VMLAB_POOL_STORE;
	set->store_fd = VMLAB_POOL_IN_MEMORY;
}

static int open_file(const char *path, bool make)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | (make ? O_CREAT : 0), 0600);

	if (fd < 0 && errno == ENOENT && !make)
		return fail("there is no file %s: make it, or say how long it may become (--store-limit)",
			    path);
	return fd < 0 ? fail_errno(errno, "%s cannot be the store", path) : fd;
}

int store_pool_set(int region, const struct store_option *option, struct vmlab_pool_set *set)
{
	bool limited = set->what & VMLAB_POOL_STORE_LIMIT && set->store_limit;
	int ret;

	if (option->path) {
		set->store_fd = open_file(option->path, limited);
		if (set->store_fd < 0)
			return -1;
	}
	ret = vmlab_pool_set(region, set);
	if (option->path)
		close(set->store_fd);
	return ret ? fail_op(VMLAB_OP_POOL_SET, ret) : 0;
}
