/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include <stdbool.h>

#include "container_of.h"

/* A ring: the head is one of its nodes, and alone in an empty list. */
struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline bool list_is_first(const struct list_head *node, const struct list_head *head)
{
	return node == head->next;
}

/* Right behind the head. */
static inline void list_add(struct list_head *node, struct list_head *head)
{
	struct list_head *second = head->next;

	node->prev = head;
	node->next = second;
	second->prev = node;
	head->next = node;
}

/* Right before it, at the end. */
static inline void list_add_tail(struct list_head *node, struct list_head *head)
{
	list_add(node, head->prev);
}

static inline void list_del_init(struct list_head *node)
{
	struct list_head *before = node->prev, *behind = node->next;

	before->next = behind;
	behind->prev = before;
	INIT_LIST_HEAD(node);
}

static inline void list_move(struct list_head *node, struct list_head *head)
{
	list_del_init(node);
	list_add(node, head);
}

#define list_entry(node, type, member) container_of(node, type, member)
#define list_last_entry(head, type, member) list_entry((head)->prev, type, member)

#endif /* KERNEL_LIST_H */
