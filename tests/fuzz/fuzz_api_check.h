/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_api_check.h - what results of single methods have to be: PROTOCOL.md.
 *                    To be included once.
 *
 * Runs in: the build.
 * Invariant: what does not depend on what is claimed; for that see
 *            fuzz_api_model.h.
 */
#ifndef TESTS_FUZZ_FUZZ_API_CHECK_H
#define TESTS_FUZZ_FUZZ_API_CHECK_H

#include "common/guard.h"
#include "tests/fuzz/fuzz_api_model.h"

static const msgpack_object *
get_option(const msgpack_object *request, uint32_t index, const char *key)
{
	const msgpack_object *options = model_param(request, index);

	return options && options->type == MSGPACK_OBJECT_MAP
		       ? wire_find(options, key)
		       : NULL;
}

static void
check_type(const msgpack_object *value, const char *type)
{
	const char *text;
	uint64_t number;
	uint32_t count;
	size_t len;
	bool is_so;

	if (strcmp(type, "bool") == 0)
		CHECK(wire_get_bool(value, &is_so));
	else if (strcmp(type, "uint") == 0)
		CHECK(wire_get_uint(value, &number));
	else if (strcmp(type, "str") == 0)
		CHECK(wire_get_bytes(value, &text, &len));
	else if (strcmp(type, "array") == 0)
		CHECK(wire_is_array(value, &count));
	else if (strcmp(type, "map") == 0)
		CHECK(value->type == MSGPACK_OBJECT_MAP);
	else if (strcmp(type, "int") == 0)
		CHECK(value->type == MSGPACK_OBJECT_POSITIVE_INTEGER ||
			value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER);
	else
		CHECK(wire_is_nil(value) || value->type == MSGPACK_OBJECT_MAP);
}

static const struct {
	const char *key;
	const char *type;
} entry_keys[] =
	{
#define ENTRY(key, type, meaning) {#key, type},
#include "proto/api.def"
#undef ENTRY
},
  status_keys[] =
	  {
#define STATUS(key, type, meaning) {#key, type},
#include "proto/api.def"
#undef STATUS
},
  event_keys[] = {
#define EVENT_KEY(key, type, meaning) {#key, type},
#include "proto/api.def"
#undef EVENT_KEY
};

#define CHECK_KEYS(map, keys)                                                  \
	do {                                                                   \
		for (size_t k_ = 0; k_ < ARRAY_SIZE(keys); k_++)               \
			check_type(                                            \
				model_key(map, keys[k_].key), keys[k_].type);  \
	} while (0)

static bool
is_word(const msgpack_object *value, const char *word)
{
	const char *text;
	size_t len;

	return wire_get_bytes(value, &text, &len) &&
	       wire_bytes_equal(text, len, word);
}

/* Behind the number that was told last: one more, but for a gap. */
static uint64_t
check_event(const msgpack_object *event, uint64_t told)
{
	uint64_t number;
	bool is_gap;

	CHECK_KEYS(event, event_keys);
	CHECK(wire_get_uint(model_key(event, "number"), &number));
	is_gap = is_word(model_key(event, "kind"), "gap");
	CHECK(is_gap || number == told + 1);
	return number;
}

static void
check_events(const msgpack_object *request, const msgpack_object *result)
{
	const msgpack_object *events = model_key(result, "events");
	const msgpack_object *max = get_option(request, 1, "max");
	uint64_t told, most = 1000;
	uint32_t count;

	CHECK(wire_get_uint(model_param(request, 0), &told));
	CHECK(wire_is_array(events, &count));
	if (max)
		CHECK(wire_get_uint(max, &most));
	CHECK(count <= most);
	for (uint32_t i = 0; i < count; i++)
		told = check_event(wire_at(events, i), told);
	CHECK(model_uint(result, "next") == told);
}

/* name{label="value"} number */
static void
check_sample(const char *line, const char *end)
{
	const char *at = line;
	bool has_dot = false;

	while (at < end && (*at == '_' || (*at >= 'a' && *at <= 'z')))
		at++;
	CHECK(at - line > 9 && memcmp(line, "holdfast_", 9) == 0);
	if (at < end && *at == '{') {
		while (at < end && *at != '"')
			at++;
		for (at++; at < end && *at != '"'; at++)
			if (*at == '\\')
				at++;
		CHECK(end - at > 1 && at[1] == '}');
		at += 2;
	}
	CHECK(at < end && *at == ' ');
	CHECK(++at < end);
	for (; at < end; at++) {
		CHECK((*at >= '0' && *at <= '9') || (*at == '.' && !has_dot));
		has_dot |= *at == '.';
	}
}

static void
check_metrics(const msgpack_object *result)
{
	struct model_text text = model_string(model_key(result, "text"));
	const char *at = text.data, *end = text.data + text.len;

	fuzz_check_value(model_key(result, "content_type"));
	CHECK(utf8_is_valid(text.data, text.len));
	CHECK(text.len > 6 && memcmp(end - 6, "# EOF\n", 6) == 0);
	for (end -= 6; at < end;) {
		const char *line = at;

		at = memchr(line, '\n', (size_t)(end - line));
		CHECK(at);
		CHECK(fuzz_is_line(line, (size_t)(at - line)));
		if (*line != '#')
			check_sample(line, at);
		else
			CHECK(strncmp(line, "# TYPE holdfast_", 16) == 0 ||
				strncmp(line, "# HELP holdfast_", 16) == 0);
		at++;
	}
}

static void
check_list(const msgpack_object *request, const msgpack_object *result)
{
	const msgpack_object *max = get_option(request, 0, "max");
	uint64_t most;

	CHECK(result->type == MSGPACK_OBJECT_MAP);
	if (max)
		CHECK(wire_get_uint(max, &most) &&
			result->via.map.size <= most);
	for (uint32_t i = 0; i < result->via.map.size; i++) {
		const msgpack_object_kv *pair = &result->via.map.ptr[i];
		struct model_text id = model_string(&pair->key);

		CHECK_KEYS(&pair->val, entry_keys);
		CHECK(model_bool(&pair->val, "managed") ==
			!memchr(id.data, '/', id.len));
	}
}

static void
check_result(const msgpack_object *request, const msgpack_object *result)
{
	if (model_is_method(request, "metrics")) {
		check_metrics(result);
		return;
	}
	fuzz_check_value(result);
	if (model_is_method(request, "list")) {
		check_list(request, result);
	} else if (model_is_method(request, "wait")) {
		CHECK_KEYS(result, entry_keys);
	} else if (model_is_method(request, "status")) {
		CHECK_KEYS(result, entry_keys);
		CHECK_KEYS(result, status_keys);
	} else if (model_is_method(request, "explain")) {
		CHECK_KEYS(result, status_keys);
	} else if (model_is_method(request, "events")) {
		check_events(request, result);
	}
}

#endif
