// SPDX-License-Identifier: GPL-2.0
/*
 * The policies by name, and what all have in common: the state of entries, and memory.
 */
#include "policy.h"

#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

/* From the simplest to the cleverest, more or less: the order in which they are listed. */
static const struct vmlab_policy_ops *const policies[] = {
	&vmlab_policy_random,
	&vmlab_policy_fifo,
	&vmlab_policy_clock,
	&vmlab_policy_lru,
	&vmlab_policy_2q,
	&vmlab_policy_arc,
	&vmlab_policy_sieve,
	&vmlab_policy_s3fifo,
	&vmlab_policy_lirs,
};

static_assert(sizeof(struct vmlab_entry) <= 40, "there is one for each page");

/* The policy number @nr of those there are, from 0, or NULL. */
const struct vmlab_policy_ops *vmlab_policy_nth(unsigned int nr)
{
	return nr < ARRAY_SIZE(policies) ? policies[nr] : NULL;
}

/* The policy of that name, or NULL. */
const struct vmlab_policy_ops *vmlab_policy_find(const char *name)
{
	const struct vmlab_policy_ops *ops;
	unsigned int nr;

	for (nr = 0; (ops = vmlab_policy_nth(nr)); nr++) {
		if (!strcmp(ops->name, name))
			return ops;
	}
	return NULL;
}

/**
 * vmlab_policy_room - memory that a policy wants for a number of frames
 * @policy: the policy
 * @frames: pages that are to be resident at most, 1 to %VMLAB_FRAMES_MAX
 * @room: set to the memory, for vmlab_policy_resize() or kvfree(); NULL if it wants none
 *
 * Context: may sleep; not under the lock of the policy.
 * Return: 0, or -ENOMEM.
 */
int vmlab_policy_room(const struct vmlab_policy *policy, u32 frames, void **room)
{
	*room = NULL;
	if (!policy->ops->room)
		return 0;
	*room = kvzalloc(policy->ops->room(frames), GFP_KERNEL);
	return *room ? 0 : -ENOMEM;
}

/**
 * vmlab_policy_new - a policy that knows of no page
 * @ops: which
 * @frames: pages that are to be resident at most, 1 to %VMLAB_FRAMES_MAX
 * @seed: for those that throw dice
 *
 * Context: may sleep.
 * Return: the policy, to be ended by vmlab_policy_free(), or NULL if there is no memory.
 */
struct vmlab_policy *vmlab_policy_new(const struct vmlab_policy_ops *ops, u32 frames, u64 seed)
{
	struct vmlab_policy *policy = kzalloc(ops->size, GFP_KERNEL);

	if (!policy)
		return NULL;
	policy->ops = ops;
	policy->frames = frames;
	if (vmlab_policy_room(policy, frames, &policy->room)) {
		kfree(policy);
		return NULL;
	}
	ops->init(policy, seed);
	return policy;
}

static void forget_all(struct vmlab_policy *policy)
{
	struct vmlab_entry *entry;

	while (policy->ops->oldest && (entry = policy->ops->oldest(policy)))
		vmlab_policy_drop(policy, entry);
}

/**
 * vmlab_policy_free - end a policy
 * @policy: without resident pages: they were removed, or adopted by another policy
 *
 * It forgets those that it remembers, by vmlab_policy_forget().
 * Context: may sleep if its memory was large; no call of the policy may be under way.
 */
void vmlab_policy_free(struct vmlab_policy *policy)
{
	WARN_ON_ONCE(policy->resident);
	forget_all(policy);
	WARN_ON_ONCE(policy->remembered);
	kvfree(policy->room);
	kfree(policy);
}

/**
 * vmlab_policy_resize - another number of frames
 * @policy: the policy
 * @frames: pages that are to be resident at most
 * @room: what vmlab_policy_room() made for @frames; the policy's from here on
 *
 * Where more are resident, the caller has the policy choose victims; the history is cut
 * here if it has to be.
 * Return: memory that the caller frees with kvfree(), without the lock.
 */
void *vmlab_policy_resize(struct vmlab_policy *policy, u32 frames, void *room)
{
	void *old = policy->room;

	policy->frames = frames;
	if (policy->ops->resize)
		policy->ops->resize(policy, room);
	policy->room = room;
	return old;
}

/* A page is about to be brought in. Before room is made for it. */
void vmlab_policy_missed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	if (entry->state == VMLAB_ENTRY_REMEMBERED)
		policy->remembered--;
	if (policy->ops->missed)
		policy->ops->missed(policy, entry);
	entry->state = VMLAB_ENTRY_INCOMING;
}

/**
 * vmlab_policy_victim - the page that is to leave
 * @policy: the policy
 * @incoming: for whom, after vmlab_policy_missed(), or NULL
 *
 * Return: the page, which is not resident any more: it is remembered, or, if its state says
 * that it is unknown, the policy is done with it. NULL if no page is resident.
 */
struct vmlab_entry *vmlab_policy_victim(struct vmlab_policy *policy, struct vmlab_entry *incoming)
{
	struct vmlab_entry *entry = policy->ops->victim(policy, incoming);

	if (!entry)
		return NULL;
	policy->resident--;
	if (entry->queue) {
		entry->state = VMLAB_ENTRY_REMEMBERED;
		policy->remembered++;
	} else {
		entry->state = VMLAB_ENTRY_UNKNOWN;
	}
	return entry;
}

/* A victim does not leave. */
static void take_back(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	if (entry->state == VMLAB_ENTRY_REMEMBERED)
		policy->remembered--;
	entry->state = VMLAB_ENTRY_RESIDENT;
	policy->resident++;
}

/*
 * The page that vmlab_policy_victim() has returned cannot leave: it is resident, as before.
 * Nothing else has been done to the page in between; with others the policy may have gone on.
 */
void vmlab_policy_refused(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	take_back(policy, entry);
	policy->ops->refused(policy, entry);
}

/**
 * vmlab_policy_spared - a victim was referenced, without the policy being told
 * @policy: the policy
 * @entry: what vmlab_policy_victim() has returned; with other pages the policy may have gone on
 *
 * Return: does it stay? It is resident then, as before. If not, it may leave, or be refused.
 */
bool vmlab_policy_spared(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	if (!policy->ops->spared || !policy->ops->spared(policy, entry))
		return false;
	take_back(policy, entry);
	entry->looked = 1;
	return true;
}

/* The page of a miss is resident. */
void vmlab_policy_inserted(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	entry->state = VMLAB_ENTRY_RESIDENT;
	entry->looked = 0;
	policy->resident++;
	policy->ops->inserted(policy, entry);
}

/* A resident page was referenced. */
void vmlab_policy_referenced(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	if (policy->ops->referenced)
		policy->ops->referenced(policy, entry);
}

/* The page is gone for good, or the miss came to nothing: the policy need not know of it. */
void vmlab_policy_removed(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	switch (entry->state) {
	case VMLAB_ENTRY_RESIDENT:
		policy->ops->removed(policy, entry);
		policy->resident--;
		break;
	case VMLAB_ENTRY_REMEMBERED:
		policy->ops->removed(policy, entry);
		policy->remembered--;
		break;
	}
	entry->queue = 0;
	entry->state = VMLAB_ENTRY_UNKNOWN;
}

/* A policy drops a page out of its history. */
void vmlab_policy_drop(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	policy->ops->removed(policy, entry);
	policy->remembered--;
	entry->queue = 0;
	entry->state = VMLAB_ENTRY_UNKNOWN;
	vmlab_policy_forget(policy, entry);
}

/**
 * vmlab_policy_adopt - the resident pages of another policy become those of this one
 * @policy: which gets them, as if they were missed one after the other, the coldest first
 * @from: which has none afterwards, remembers none, and is to be freed
 *
 * Context: takes time for all resident pages.
 */
void vmlab_policy_adopt(struct vmlab_policy *policy, struct vmlab_policy *from)
{
	struct vmlab_entry *entry;

	while ((entry = from->ops->coldest(from))) {
		vmlab_policy_removed(from, entry);
		vmlab_policy_missed(policy, entry);
		vmlab_policy_inserted(policy, entry);
	}
	forget_all(from);
}
