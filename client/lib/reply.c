/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reply.c - libholdfast: replies, and how to read them.
 *
 * Runs in: whoever links libholdfast.
 * Trusts: nobody: a value is of the type that it is asked for, or nothing.
 * Invariant: a struct holdfast_value is a msgpack_object, and no other file has
 *            to know.
 */
#include <stdlib.h>

#include "client/lib/handle.h"
#include "common/guard.h"

struct holdfast_reply *
reply_new(struct page *page)
{
	struct holdfast_reply *reply = calloc(1, sizeof(*reply));

	if (!reply)
		return NULL;
	reply->pages = page;
	reply->result = page->reply.result;
	return reply;
}

PUBLIC void
holdfast_reply_free(struct holdfast_reply *reply)
{
	if (!reply)
		return;
	if (reply->result == &reply->whole)
		free(reply->whole.via.map.ptr);
	page_free_all(reply->pages);
	free(reply);
}

/* No deeper than wire_scan() approves. */
static void
terminate(uint8_t *bytes, const msgpack_object *object)
{
	const char *text;
	size_t len;

	if (wire_get_bytes(object, &text, &len)) {
		if (len > 0)
			bytes[(const uint8_t *)text - bytes + len] = '\0';
	} else if (object->type == MSGPACK_OBJECT_ARRAY) {
		for (uint32_t i = 0; i < object->via.array.size; i++)
			terminate(bytes, &object->via.array.ptr[i]);
	} else if (object->type == MSGPACK_OBJECT_MAP) {
		for (uint32_t i = 0; i < object->via.map.size; i++) {
			terminate(bytes, &object->via.map.ptr[i].key);
			terminate(bytes, &object->via.map.ptr[i].val);
		}
	}
}

/*
 * In place: after a text stands the head of the next value, which has been read
 * by now, or the one byte more that a message has.
 */
void
reply_terminate(struct stream_message *message)
{
	terminate(message->bytes, message->wire.root);
}

static const msgpack_object *
object_of(const struct holdfast_value *value)
{
	static const msgpack_object nil = {.type = MSGPACK_OBJECT_NIL};

	return value ? (const msgpack_object *)value : &nil;
}

static const char *
text_of_object(const msgpack_object *object)
{
	const char *text;
	size_t len;

	return wire_get_bytes(object, &text, &len) ? text : "";
}

PUBLIC const struct holdfast_value *
holdfast_result(const struct holdfast_reply *reply)
{
	return reply ? value_of(reply->result) : NULL;
}

PUBLIC enum holdfast_type
holdfast_type(const struct holdfast_value *value)
{
	switch (object_of(value)->type) {
	case MSGPACK_OBJECT_BOOLEAN:
		return HOLDFAST_BOOL;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return HOLDFAST_INT;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return HOLDFAST_FLOAT;
	case MSGPACK_OBJECT_STR:
	case MSGPACK_OBJECT_BIN:
		return HOLDFAST_TEXT;
	case MSGPACK_OBJECT_ARRAY:
		return HOLDFAST_ARRAY;
	case MSGPACK_OBJECT_MAP:
		return HOLDFAST_MAP;
	case MSGPACK_OBJECT_NIL:
	case MSGPACK_OBJECT_EXT: /* refused by wire_scan() */
		break;
	}
	return HOLDFAST_NIL;
}

PUBLIC bool
holdfast_bool(const struct holdfast_value *value)
{
	bool is_true = false;

	(void)wire_get_bool(object_of(value), &is_true);
	return is_true;
}

PUBLIC uint64_t
holdfast_uint(const struct holdfast_value *value)
{
	uint64_t number = 0;

	(void)wire_get_uint(object_of(value), &number);
	return number;
}

PUBLIC int64_t
holdfast_int(const struct holdfast_value *value)
{
	const msgpack_object *object = object_of(value);
	uint64_t number = holdfast_uint(value);

	if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
		return object->via.i64;
	return number < INT64_MAX ? (int64_t)number : INT64_MAX;
}

PUBLIC double
holdfast_float(const struct holdfast_value *value)
{
	const msgpack_object *object = object_of(value);

	if (object->type == MSGPACK_OBJECT_FLOAT32 ||
		object->type == MSGPACK_OBJECT_FLOAT64)
		return object->via.f64;
	return object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER
		       ? (double)object->via.i64
		       : (double)holdfast_uint(value);
}

PUBLIC const char *
holdfast_text(const struct holdfast_value *value)
{
	return text_of_object(object_of(value));
}

PUBLIC size_t
holdfast_count(const struct holdfast_value *value)
{
	const msgpack_object *object = object_of(value);

	if (object->type == MSGPACK_OBJECT_ARRAY)
		return object->via.array.size;
	return object->type == MSGPACK_OBJECT_MAP ? object->via.map.size : 0;
}

PUBLIC const struct holdfast_value *
holdfast_at(const struct holdfast_value *value, size_t index)
{
	const msgpack_object *object = object_of(value);

	if (index >= holdfast_count(value))
		return NULL;
	return value_of(object->type == MSGPACK_OBJECT_ARRAY
				? &object->via.array.ptr[index]
				: &object->via.map.ptr[index].val);
}

PUBLIC const char *
holdfast_key(const struct holdfast_value *map, size_t index)
{
	const msgpack_object *object = object_of(map);

	if (object->type != MSGPACK_OBJECT_MAP || index >= object->via.map.size)
		return "";
	return text_of_object(&object->via.map.ptr[index].key);
}

PUBLIC const struct holdfast_value *
holdfast_get(const struct holdfast_value *map, const char *key)
{
	return value_of(wire_find(object_of(map), key));
}
