// SPDX-License-Identifier: GPL-2.0
/* The policies that pools can have: vmlab's own, and those that other modules register. */
#include "policy_list.h"

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmlab.h>

#include "policy/policy.h"

struct registered {
	struct list_head node;
	const struct vmlab_policy_ops *ops;
};

static LIST_HEAD(policies);
static DEFINE_MUTEX(policies_lock);

/* Caller holds policies_lock. */
static struct registered *find(const char *name)
{
	struct registered *one;

	list_for_each_entry(one, &policies, node) {
		if (!strcmp(one->ops->name, name))
			return one;
	}
	return NULL;
}

/* Names are words of mount options, tables and JSON. */
static bool is_name(const char *name)
{
	size_t length = strlen(name);

	return length && length < VMLAB_POOL_NAME &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

/* Has it all that is not optional? Who remembers pages is told of one that comes back. */
static bool is_complete(const struct vmlab_policy_ops *ops)
{
	return ops->owner && ops->name && is_name(ops->name) &&
	       ops->size >= sizeof(struct vmlab_policy) && ops->init && ops->victim &&
	       ops->refused && ops->inserted && ops->removed && ops->coldest &&
	       !ops->missed == !ops->oldest;
}

/**
 * vmlab_policy_register - have pools use a policy of another module
 * @ops: the policy; stays until vmlab_policy_unregister()
 *
 * Its module stays loaded while a pool has it.
 * Context: may sleep.
 * Return: 0; -EINVAL: something is missing, or it is no name; -EBUSY: there is one of that name
 * (from a module's init -EEXIST would say that the module itself is there); -ENOMEM.
 */
int vmlab_policy_register(const struct vmlab_policy_ops *ops)
{
	struct registered *one;
	int ret = 0;

	if (!is_complete(ops))
		return -EINVAL;
	one = kmalloc(sizeof(*one), GFP_KERNEL);
	if (!one)
		return -ENOMEM;
	one->ops = ops;
	mutex_lock(&policies_lock);
	if (vmlab_policy_find(ops->name) || find(ops->name))
		ret = -EBUSY;
	else
		list_add_tail(&one->node, &policies);
	mutex_unlock(&policies_lock);
	if (ret)
		kfree(one);
	return ret;
}
EXPORT_SYMBOL_GPL(vmlab_policy_register);

/**
 * vmlab_policy_unregister - no pool gets the policy any more
 * @ops: what was registered
 *
 * Context: may sleep; from the exit of its module, when no pool has it.
 */
void vmlab_policy_unregister(const struct vmlab_policy_ops *ops)
{
	struct registered *one;

	mutex_lock(&policies_lock);
	one = find(ops->name);
	if (!WARN_ON_ONCE(!one || one->ops != ops)) {
		list_del(&one->node);
		kfree(one);
	}
	mutex_unlock(&policies_lock);
}
EXPORT_SYMBOL_GPL(vmlab_policy_unregister);

/* For policies that remember pages. */
EXPORT_SYMBOL_GPL(vmlab_policy_drop);

/**
 * vmlab_policy_get - a policy by its name
 * @name: that
 *
 * Context: may sleep.
 * Return: the policy, whose module stays until vmlab_policy_put(); or NULL.
 */
const struct vmlab_policy_ops *vmlab_policy_get(const char *name)
{
	const struct vmlab_policy_ops *ops = vmlab_policy_find(name);
	struct registered *one;

	if (ops)
		return ops;
	mutex_lock(&policies_lock);
	one = find(name);
	if (one && try_module_get(one->ops->owner))
		ops = one->ops;
	mutex_unlock(&policies_lock);
	return ops;
}

void vmlab_policy_put(const struct vmlab_policy_ops *ops)
{
	module_put(ops->owner);
}

/* Is there one of that name, for now? */
bool vmlab_policy_exists(const char *name)
{
	const struct vmlab_policy_ops *ops = vmlab_policy_get(name);

	if (ops)
		vmlab_policy_put(ops);
	return ops;
}

/* Ends a policy that a pool had, as vmlab_policy_free(). */
void vmlab_policy_end(struct vmlab_policy *policy)
{
	const struct vmlab_policy_ops *ops = policy->ops;

	vmlab_policy_free(policy);
	vmlab_policy_put(ops);
}
