/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_wire.c - bytes of a client: found whole, unpacked, written again.
 *
 * Input: byte, how the rest comes: in one piece (0), or in pieces of so many
 * bytes; then the stream.
 * Covers: proto/wire.c proto/wire_write.c
 */
#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"

struct tally {
	size_t elements;
	unsigned depth;
};

static void
write_value(struct wire_writer *writer, const msgpack_object *object)
{
	const char *text;
	size_t len;

	if (wire_get_bytes(object, &text, &len))
		wire_bytes(writer, text, len);
	else if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
		wire_uint(writer, object->via.u64);
	else if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
		wire_int(writer, object->via.i64);
	else if (object->type == MSGPACK_OBJECT_BOOLEAN)
		wire_bool(writer, object->via.boolean);
	else if (object->type == MSGPACK_OBJECT_FLOAT32 ||
		 object->type == MSGPACK_OBJECT_FLOAT64)
		wire_double(writer, object->via.f64);
	else
		wire_nil(writer);
}

/* Counts, by other means than the scan, and writes a copy. */
static void
walk(const msgpack_object *object, unsigned depth, struct tally *tally,
	struct wire_writer *writer)
{
	const msgpack_object_map *map = &object->via.map;
	uint32_t count;

	if (depth > tally->depth)
		tally->depth = depth;
	if (wire_is_array(object, &count)) {
		tally->elements += count;
		wire_array(writer, count);
		for (uint32_t i = 0; i < count; i++)
			walk(wire_at(object, i), depth + 1, tally, writer);
		return;
	}
	if (object->type != MSGPACK_OBJECT_MAP) {
		CHECK(object->type != MSGPACK_OBJECT_EXT);
		write_value(writer, object);
		return;
	}
	tally->elements += 2 * (size_t)map->size;
	wire_map(writer, map->size);
	for (uint32_t i = 0; i < map->size; i++) {
		walk(&map->ptr[i].key, depth + 1, tally, writer);
		walk(&map->ptr[i].val, depth + 1, tally, writer);
	}
}

static void
check_map(const msgpack_object *root)
{
	struct err err = {0};
	int result = wire_check_map(root, &err);

	if (result < 0) {
		fuzz_check_refusal(result, &err);
		return;
	}
	for (uint32_t i = 0; i < root->via.map.size; i++) {
		const msgpack_object_kv *pair = &root->via.map.ptr[i];
		const char *key;
		char *name;
		size_t len;

		CHECK(wire_get_bytes(&pair->key, &key, &len) && len > 0);
		if (memchr(key, '\0', len))
			continue;
		name = fuzz_text(key, len);
		CHECK(wire_find(root, name) == &pair->val);
		free(name);
	}
}

/* A copy of what was read reads the same. */
static void
check_copy(const struct wire_writer *writer)
{
	struct wire_scan scan = {0};
	struct wire_message message;
	struct wire_writer again;
	struct tally tally = {0};

	CHECK(!writer->has_failed);
	CHECK(wire_scan(&scan, &wire_reply_limits, writer->data, writer->len,
		      NULL) == (ssize_t)writer->len);
	CHECK(wire_unpack(&message, writer->data, writer->len, NULL) == 0);
	wire_writer_init(&again, SIZE_MAX / 4);
	walk(message.root, 0, &tally, &again);
	CHECK(again.len == writer->len &&
		memcmp(again.data, writer->data, again.len) == 0);
	wire_writer_done(&again);
	wire_release(&message);
}

static void
check_message(const uint8_t *data, size_t len)
{
	char *exact = fuzz_text(data, len);
	struct wire_message message;
	struct wire_writer writer;
	struct tally tally = {0};

	CHECK(wire_unpack(&message, (const uint8_t *)exact, len, NULL) == 0);
	wire_writer_init(&writer, SIZE_MAX / 4);
	walk(message.root, 0, &tally, &writer);
	CHECK(tally.elements <= WIRE_ELEMENTS_MAX);
	CHECK(tally.depth <= WIRE_DEPTH_MAX);
	check_map(message.root);
	check_copy(&writer);
	wire_writer_done(&writer);
	wire_release(&message);
	free(exact);
}

static ssize_t
scan_in_pieces(const uint8_t *data, size_t len, size_t piece, struct err *err)
{
	struct wire_scan scan = {0};
	ssize_t result = 0;

	for (size_t have = 0; result == 0 && have < len;) {
		have = piece == 0 || piece > len - have ? len : have + piece;
		result =
			wire_scan(&scan, &wire_request_limits, data, have, err);
	}
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	size_t piece = fuzz_u8(&input);

	while (input.left > 0) {
		struct err err = {0};
		ssize_t len = scan_in_pieces(input.at, input.left, piece, &err);

		/* However it comes, the same is found. */
		CHECK(scan_in_pieces(input.at, input.left, 0, NULL) == len);
		if (len < 0)
			fuzz_check_refusal((int)len, &err);
		if (len <= 0)
			break;
		CHECK((size_t)len <= input.left && len <= WIRE_REQUEST_MAX);
		check_message(input.at, (size_t)len);
		input.at += len;
		input.left -= (size_t)len;
	}
	return 0;
}
