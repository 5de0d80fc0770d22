// SPDX-License-Identifier: GPL-2.0
/*
 * Who embeds the policies of module/policy/ here: an array of entries, a trace, and nothing
 * that happens by itself.
 */
#include <errno.h>

#include "policy/policy.h"
#include "replay.h"

/* Its state says so already, and the entry is in an array. */
void vmlab_policy_forget(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	(void)policy;
	(void)entry;
}

static void hit(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	vmlab_policy_referenced(policy, entry);
	while (policy->surplus) {
		policy->surplus--;
		vmlab_policy_victim(policy, NULL);
	}
}

static void miss(struct vmlab_policy *policy, struct vmlab_entry *entry)
{
	vmlab_policy_missed(policy, entry);
	while (policy->resident - policy->uncounted >= policy->frames)
		vmlab_policy_victim(policy, entry);
	vmlab_policy_inserted(policy, entry);
}

int replay_policy(const struct replay *replay, const struct vmlab_policy_ops *ops,
		  uint32_t frames, uint64_t *misses)
{
	struct vmlab_policy *policy = vmlab_policy_new(ops, frames, replay->seed);
	const struct refs *refs = replay->refs;

	if (!policy)
		return -ENOMEM;
	policy->as_counted = !replay->lirs_paper;
	for (uint32_t i = 0; i < refs->distinct; i++)
		vmlab_entry_init(&replay->entries[i]);
	*misses = 0;
	for (size_t i = 0; i < refs->count; i++) {
		struct vmlab_entry *entry = &replay->entries[refs->pages[i]];

		if (entry->state == VMLAB_ENTRY_RESIDENT) {
			hit(policy, entry);
		} else {
			miss(policy, entry);
			++*misses;
		}
	}
	for (uint32_t i = 0; i < refs->distinct; i++)
		vmlab_policy_removed(policy, &replay->entries[i]);
	vmlab_policy_free(policy);
	return 0;
}
