/* SPDX-License-Identifier: GPL-2.0 */
#ifndef JSON_H
#define JSON_H

#include <json-c/json.h>
#include <stdint.h>

/* A member that is a number. */
void json_add_u64(struct json_object *object, const char *key, uint64_t value);

/* A member that is a text. */
void json_add_text(struct json_object *object, const char *key, const char *text);

/* A member that is true or false. */
void json_add_bool(struct json_object *object, const char *key, int value);

/* Prints the whole of it to stdout. */
void json_print(struct json_object *object);

#endif /* JSON_H */
