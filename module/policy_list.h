/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMLAB_POLICY_LIST_H
#define VMLAB_POLICY_LIST_H

#include <linux/types.h>

struct vmlab_policy;
struct vmlab_policy_ops;

const struct vmlab_policy_ops *vmlab_policy_get(const char *name);
void vmlab_policy_put(const struct vmlab_policy_ops *ops);
bool vmlab_policy_exists(const char *name);
void vmlab_policy_end(struct vmlab_policy *policy);

#endif
