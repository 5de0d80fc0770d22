// SPDX-License-Identifier: GPL-2.0
/*
 * What the stories about several regions and processes have in common.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demo.h"
#include "extents.h"
#include "fail.h"
#include "pass.h"

int demo_start(struct demo_child *child, void (*run)(int socket, void *arg), void *arg)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return fail_errno(errno, "no socket can be made");
	fflush(NULL);	/* or the child might print it as well */
	child->pid = fork();
	if (child->pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return fail_errno(errno, "no process can be started");
	}
	if (!child->pid) {
		close(ends[0]);
		run(ends[1], arg);
		_exit(EXIT_SUCCESS);
	}
	close(ends[1]);
	child->socket = ends[0];
	return 0;
}

int demo_hear(const struct demo_child *child, uint64_t *number, int *fd)
{
	int ret = pass_receive(child->socket, number, fd);

	return ret ? fail_errno(ret, "the other process does not answer") : 0;
}

int demo_ask(const struct demo_child *child, uint64_t number, uint64_t *answer)
{
	int ret = pass_send(child->socket, number, -1);

	return ret ? fail_errno(ret, "the other process is gone") : demo_hear(child, answer, NULL);
}

void demo_end(struct demo_child *child)
{
	close(child->socket);
	waitpid(child->pid, NULL, 0);
}

int demo_look(struct demo *demo, struct demo_side *side, const char *key, uint64_t pages)
{
	struct extents extents;
	int ret;

	if (demo_stat(side->region, &side->stat))
		return -1;
	ret = extents_read(&extents, side->region, 0, pages * demo->page);
	if (ret)
		return fail_op(VMLAB_OP_EXTENTS, ret);
	side->shared = extents_pages(&extents, (uint32_t)demo->page).shared;
	extents_free(&extents);
	tale_print(&demo->tale, "   %s\n", side->title);
	return tale_picture(&demo->tale, key, side->region, pages * demo->page, false);
}

int demo_held(int region, uint64_t *pages)
{
	struct vmlab_features features;
	int ret = vmlab_features(region, &features);

	if (ret)
		return fail_op(VMLAB_OP_FEATURES, ret);
	*pages = features.pages;
	return 0;
}

int demo_tell_held(struct demo *demo, int region)
{
	uint64_t now = 0;

	if (demo_held(region, &now))
		return -1;
	tale_count(&demo->tale, "held_pages", "pages in memory, together", now - demo->held);
	return 0;
}
