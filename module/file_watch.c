// SPDX-License-Identifier: GPL-2.0
/* Hearing of changes of a file, through the kernel's fsnotify. */
#include <linux/fsnotify_backend.h>
#include <linux/slab.h>

#include "file.h"

/**
 * struct vmlab_file_watch - a watch of one file for one region
 * @mark: on the file's inode; freed by fsnotify after its last event
 * @lock: held while an event is handled
 * @f: whom to tell, NULL if nobody is there any more
 */
struct vmlab_file_watch {
	struct fsnotify_mark mark;
	struct mutex lock;
	struct vmlab_file *f;
};

static struct fsnotify_group *group;

static int handle_event(struct fsnotify_mark *mark, u32 mask, struct inode *inode,
			struct inode *dir, const struct qstr *file_name, u32 cookie)
{
	struct vmlab_file_watch *watch =
		container_of(mark, struct vmlab_file_watch, mark);

	mutex_lock(&watch->lock);
	if (watch->f)
		vmlab_file_size_changed(watch->f);
	mutex_unlock(&watch->lock);
	return 0;
}

static void free_mark(struct fsnotify_mark *mark)
{
	kfree(container_of(mark, struct vmlab_file_watch, mark));
}

static const struct fsnotify_ops ops = {
	.handle_inode_event	= handle_event,
	.free_mark		= free_mark,
};

/* From now on vmlab_file_size_changed() is called when the file is modified. */
int vmlab_file_watch_start(struct vmlab_file *f)
{
	struct vmlab_file_watch *watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!watch)
		return -ENOMEM;
	mutex_init(&watch->lock);
	watch->f = f;
	fsnotify_init_mark(&watch->mark, group);
	watch->mark.mask = FS_MODIFY;
	ret = fsnotify_add_inode_mark(&watch->mark, file_inode(f->file), 0);
	if (ret) {
		fsnotify_put_mark(&watch->mark);
		return ret;
	}
	f->watch = watch;
	return 0;
}

/* After this no event is being handled, and none will be. */
void vmlab_file_watch_stop(struct vmlab_file *f)
{
	struct vmlab_file_watch *watch = f->watch;

	mutex_lock(&watch->lock);
	watch->f = NULL;
	mutex_unlock(&watch->lock);
	fsnotify_destroy_mark(&watch->mark, group);
	fsnotify_put_mark(&watch->mark);
}

int vmlab_file_watch_init(void)
{
	/* Many regions may have the same file. */
	group = fsnotify_alloc_group(&ops, FSNOTIFY_GROUP_DUPS);
	return PTR_ERR_OR_ZERO(group);
}

void vmlab_file_watch_exit(void)
{
	fsnotify_put_group(group);
	fsnotify_wait_marks_destroyed();
}
