// SPDX-License-Identifier: GPL-2.0
/* The figures of a region: whatever is in them, as JSON that a strict parser takes. */
#include "fuzz.h"

#include <json-c/json.h>

#include "figures.h"

static void check(struct json_object *object, const struct vmlab_stat *stat)
{
	struct json_tokener *tokener = json_tokener_new();
	const char *text = json_object_to_json_string(object);
	struct json_object *again, *id;

	PROMISE(tokener);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	again = json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
	PROMISE(again && json_object_object_get_ex(again, "id", &id) &&
		json_object_get_uint64(id) == stat->id);
	json_object_put(again);
	json_tokener_free(tokener);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vmlab_stat stat = { 0 };
	struct json_object *object;

	memcpy(&stat, data, size < sizeof(stat) ? size : sizeof(stat));
	object = figures_json(&stat, 4096);
	check(object, &stat);
	json_object_put(object);
	return 0;
}
