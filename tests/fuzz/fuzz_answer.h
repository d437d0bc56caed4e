/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_answer.h - what every answer of the client API has to be, whatever was
 *                 asked: PROTOCOL.md, "Messages".
 *
 * Runs in: the build.
 * Invariant: stated here once more, without the code that writes answers.
 */
#ifndef TESTS_FUZZ_FUZZ_ANSWER_H
#define TESTS_FUZZ_FUZZ_ANSWER_H

#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"

#define FUZZ_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

static void fuzz_check_value(const msgpack_object *object);

static inline void
fuzz_check_map(const msgpack_object *map)
{
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		const msgpack_object_kv *pair = &map->via.map.ptr[i];

		CHECK(pair->key.type == MSGPACK_OBJECT_STR);
		CHECK(pair->key.via.str.size > 0);
		fuzz_check_value(&pair->key);
		fuzz_check_value(&pair->val);
	}
}

/* No bin, ext or timestamp; strings are lines, integers below 2^53. */
static void
fuzz_check_value(const msgpack_object *object)
{
	const char *text;
	size_t len;

	CHECK(object->type != MSGPACK_OBJECT_BIN);
	CHECK(object->type != MSGPACK_OBJECT_EXT);
	if (wire_get_bytes(object, &text, &len))
		CHECK(fuzz_is_line(text, len));
	if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
		CHECK(object->via.u64 <= FUZZ_NUMBER_MAX);
	if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
		CHECK(object->via.i64 >= -(int64_t)FUZZ_NUMBER_MAX);
	if (object->type == MSGPACK_OBJECT_MAP)
		fuzz_check_map(object);
	if (object->type == MSGPACK_OBJECT_ARRAY)
		for (uint32_t i = 0; i < object->via.array.size; i++)
			fuzz_check_value(wire_at(object, i));
}

/* "slug: text", the slug being one that is listed, whose code is returned. */
static inline enum err_code
fuzz_check_error(const msgpack_object *error)
{
	const char *text, *colon;
	enum err_code code;
	size_t len;

	CHECK(wire_get_bytes(error, &text, &len));
	CHECK(fuzz_is_line(text, len));
	colon = memchr(text, ':', len);
	CHECK(colon && colon > text && colon + 2 < text + len);
	CHECK(colon[1] == ' ');
	code = err_from_slug(text, (size_t)(colon - text));
	CHECK(code > ERR_NONE && code < ERR_COUNT);
	return code;
}

/* [1, id, error, result]: one of both is nil. Returns the error's code. */
static inline enum err_code
fuzz_check_frame(const msgpack_object *root, uint64_t *ret_id)
{
	uint64_t kind;
	uint32_t count;

	CHECK(wire_is_array(root, &count) && count == 4);
	CHECK(wire_get_uint(wire_at(root, 0), &kind) && kind == 1);
	CHECK(wire_get_uint(wire_at(root, 1), ret_id));
	CHECK(*ret_id <= UINT32_MAX);
	if (wire_is_nil(wire_at(root, 2)))
		return ERR_NONE;
	CHECK(wire_is_nil(wire_at(root, 3)));
	return fuzz_check_error(wire_at(root, 2));
}

#endif
