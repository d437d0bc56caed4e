/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * wire.c - msgpack on the wire: scan before unpacking, strict reading, writing.
 *
 * Runs in: supervisor, worker, command.
 * Trusts: nobody.
 * Invariant: see wire.h.
 *
 * Formats: the msgpack specification, "Formats", "Overview".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/guard.h"
#include "proto/wire.h"

const struct wire_limits wire_request_limits = {
	.bytes = WIRE_REQUEST_MAX,
	.elements = WIRE_ELEMENTS_MAX,
	.string = WIRE_STRING_MAX,
};

/* 100,000 entries of a list, at some 700 bytes each. */
const struct wire_limits wire_reply_limits = {
	.bytes = (size_t)128 << 20,
	.elements = (size_t)16 << 20,
	.string = (size_t)1 << 20,
};

/* What the first bytes of a value say. */
struct head {
	size_t len;	   /* of the head itself */
	uint64_t body;	   /* bytes of content behind it */
	uint64_t children; /* values behind it */
	bool is_container;
	bool is_string;
};

/* By first byte, 0xc0-0xdf: bytes of a length field behind it. */
static const uint8_t length_bytes[32] = {
	[0x04] = 1,
	[0x05] = 2,
	[0x06] = 4, /* bin */
	[0x19] = 1,
	[0x1a] = 2,
	[0x1b] = 4, /* str */
	[0x1c] = 2,
	[0x1d] = 4, /* array */
	[0x1e] = 2,
	[0x1f] = 4, /* map */
};

/* By first byte, 0xc0-0xdf: bytes of a number behind it. */
static const uint8_t number_bytes[32] = {
	[0x0a] = 4,
	[0x0b] = 8, /* float */
	[0x0c] = 1,
	[0x0d] = 2,
	[0x0e] = 4,
	[0x0f] = 8, /* uint */
	[0x10] = 1,
	[0x11] = 2,
	[0x12] = 4,
	[0x13] = 8, /* int */
};

static uint64_t
read_big_endian(const uint8_t *bytes, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* Heads of one byte: fixint, fixmap, fixarray, fixstr. */
static bool
read_short_head(uint8_t first, struct head *ret_head)
{
	*ret_head = (struct head){.len = 1};
	if (first < 0x80 || first >= 0xe0)
		return true;
	if (first >= 0xc0)
		return false;
	if (first >= 0xa0) {
		ret_head->is_string = true;
		ret_head->body = first & 0x1f;
		return true;
	}
	ret_head->is_container = true;
	ret_head->children = first & 0x0f;
	if (first < 0x90)
		ret_head->children *= 2;
	return true;
}

/* 1 when the head is there, 0 if bytes are missing, -EBADMSG. */
static int
read_head(const uint8_t *bytes, size_t left, struct head *ret_head)
{
	unsigned kind;
	uint64_t length;

	if (left == 0)
		return 0;
	if (read_short_head(bytes[0], ret_head))
		return 1;
	kind = bytes[0] - 0xc0u;
	if (kind == 0x01 || (kind >= 0x07 && kind <= 0x09) ||
		(kind >= 0x14 && kind <= 0x18))
		return -EBADMSG; /* never used, and the ext types */
	ret_head->body = number_bytes[kind];
	if (length_bytes[kind] == 0)
		return 1;
	if (left < 1u + length_bytes[kind])
		return 0;
	length = read_big_endian(bytes + 1, length_bytes[kind]);
	ret_head->len += length_bytes[kind];
	ret_head->is_container = kind >= 0x1c;
	ret_head->is_string = !ret_head->is_container;
	if (ret_head->is_string)
		ret_head->body = length;
	else
		ret_head->children = kind >= 0x1e ? 2 * length : length;
	return 1;
}

/* 0 when the value that begins with head keeps within the limits. */
static int
check_head(const struct wire_scan *scan, const struct wire_limits *limits,
	const struct head *head, struct err *err)
{
	if (head->is_string && head->body > limits->string)
		return err_set(err, ERR_BAD_MESSAGE, EMSGSIZE,
			"a string of more than %zu bytes", limits->string);
	if (head->children > limits->elements - scan->elements)
		return err_set(err, ERR_BAD_MESSAGE, EMSGSIZE,
			"more than %zu elements", limits->elements);
	if (head->is_container && scan->depth >= WIRE_DEPTH_MAX)
		return err_set(err, ERR_BAD_MESSAGE, EMSGSIZE,
			"nested deeper than %d", WIRE_DEPTH_MAX);
	/* Each value takes a byte at least. */
	if (scan->position + head->len + head->body + head->children >
		limits->bytes)
		return err_set(err, ERR_BAD_MESSAGE, EMSGSIZE,
			"longer than %zu bytes", limits->bytes);
	return 0;
}

/* Counts a value as read; true when it was the message's last. */
static bool
close_value(struct wire_scan *scan)
{
	while (scan->depth > 0) {
		if (--scan->open[scan->depth - 1] > 0)
			return false;
		scan->depth--;
	}
	return true;
}

/* 1 at the message's end, 0 if bytes are missing, or -errno. */
static int
scan_values(struct wire_scan *scan, const struct wire_limits *limits,
	const uint8_t *buffer, size_t len, struct err *err)
{
	for (;;) {
		struct head head;
		int got = read_head(
			buffer + scan->position, len - scan->position, &head);

		if (got < 0)
			return err_set(err, ERR_BAD_MESSAGE, EBADMSG,
				"byte 0x%02x begins no value that is taken "
				"here",
				buffer[scan->position]);
		if (got == 0)
			return 0;
		got = check_head(scan, limits, &head, err);
		if (got < 0)
			return got;
		if (head.body > len - scan->position - head.len)
			return 0;
		scan->position += head.len + (size_t)head.body;
		scan->elements += (size_t)head.children;
		if (head.children > 0)
			scan->open[scan->depth++] = head.children;
		else if (close_value(scan))
			return 1;
	}
}

ssize_t
wire_scan(struct wire_scan *scan, const struct wire_limits *limits,
	const uint8_t *buffer, size_t len, struct err *err)
{
	int result = scan_values(scan, limits, buffer, len, err);
	size_t position = scan->position;

	if (result == 0 && len >= limits->bytes)
		return err_set(err, ERR_BAD_MESSAGE, EMSGSIZE,
			"longer than %zu bytes", limits->bytes);
	if (result <= 0)
		return result;
	*scan = (struct wire_scan){0};
	return (ssize_t)position;
}

int
wire_unpack(struct wire_message *message, const uint8_t *buffer, size_t len,
	struct err *err)
{
	size_t offset = 0;
	msgpack_unpack_return result;

	msgpack_unpacked_init(&message->unpacked);
	result = msgpack_unpack_next(
		&message->unpacked, (const char *)buffer, len, &offset);
	if (result != MSGPACK_UNPACK_SUCCESS || offset != len) {
		msgpack_unpacked_destroy(&message->unpacked);
		if (result == MSGPACK_UNPACK_NOMEM_ERROR)
			return err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
		return err_set(err, ERR_BAD_MESSAGE, EBADMSG, "no msgpack");
	}
	message->root = &message->unpacked.data;
	return 0;
}

void
wire_release(struct wire_message *message)
{
	msgpack_unpacked_destroy(&message->unpacked);
	message->root = NULL;
}

bool
wire_get_uint(const msgpack_object *object, uint64_t *ret_value)
{
	if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
		*ret_value = object->via.u64;
		return true;
	}
	/* Lua and JavaScript send whole numbers as floats. */
	if ((object->type == MSGPACK_OBJECT_FLOAT64 ||
		    object->type == MSGPACK_OBJECT_FLOAT32) &&
		object->via.f64 >= 0 && object->via.f64 < 9007199254740992.0 &&
		object->via.f64 == (double)(uint64_t)object->via.f64) {
		*ret_value = (uint64_t)object->via.f64;
		return true;
	}
	return false;
}

bool
wire_get_bool(const msgpack_object *object, bool *ret_value)
{
	if (object->type != MSGPACK_OBJECT_BOOLEAN)
		return false;
	*ret_value = object->via.boolean;
	return true;
}

bool
wire_get_bytes(
	const msgpack_object *object, const char **ret_text, size_t *ret_len)
{
	/* msgpack-c has NULL for an empty one, which memcpy() must not get. */
	if (object->type == MSGPACK_OBJECT_STR) {
		*ret_text = object->via.str.size ? object->via.str.ptr : "";
		*ret_len = object->via.str.size;
		return true;
	}
	if (object->type == MSGPACK_OBJECT_BIN) {
		*ret_text = object->via.bin.size ? object->via.bin.ptr : "";
		*ret_len = object->via.bin.size;
		return true;
	}
	return false;
}

bool
wire_is_array(const msgpack_object *object, uint32_t *ret_count)
{
	if (object->type != MSGPACK_OBJECT_ARRAY)
		return false;
	*ret_count = object->via.array.size;
	return true;
}

bool
wire_is_nil(const msgpack_object *object)
{
	return object->type == MSGPACK_OBJECT_NIL;
}

const msgpack_object *
wire_at(const msgpack_object *array, uint32_t index)
{
	return &array->via.array.ptr[index];
}

bool
wire_bytes_equal(const char *bytes, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(bytes, word, len) == 0;
}

const msgpack_object *
wire_find(const msgpack_object *map, const char *key)
{
	if (map->type != MSGPACK_OBJECT_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		const msgpack_object_kv *pair = &map->via.map.ptr[i];
		const char *text;
		size_t len;

		if (wire_get_bytes(&pair->key, &text, &len) &&
			wire_bytes_equal(text, len, key))
			return &pair->val;
	}
	return NULL;
}

static bool
keys_equal(const msgpack_object *a, const msgpack_object *b)
{
	const char *text_a, *text_b;
	size_t len_a, len_b;

	return wire_get_bytes(a, &text_a, &len_a) &&
	       wire_get_bytes(b, &text_b, &len_b) && len_a == len_b &&
	       memcmp(text_a, text_b, len_a) == 0;
}

int
wire_check_map(const msgpack_object *object, struct err *err)
{
	const msgpack_object_map *map = &object->via.map;

	if (object->type != MSGPACK_OBJECT_MAP)
		return err_set(err, ERR_BAD_ARGUMENTS, EINVAL,
			"options come as a map");
	for (uint32_t i = 0; i < map->size; i++) {
		const char *text;
		size_t len;

		if (!wire_get_bytes(&map->ptr[i].key, &text, &len) || len == 0)
			return err_set(err, ERR_BAD_ARGUMENTS, EINVAL,
				"an option's name is not a string");
		for (uint32_t j = 0; j < i; j++)
			if (keys_equal(&map->ptr[i].key, &map->ptr[j].key))
				return err_set(err, ERR_BAD_ARGUMENTS, EINVAL,
					"option \"%.*s\" stands there twice",
					(int)len, text);
	}
	return 0;
}
