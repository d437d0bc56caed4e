/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_wire.c - what the scan lets through, and what is read and written.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/guard.h"
#include "proto/wire.h"

enum {
	FUZZ_ROUNDS = 200000,
	FUZZ_LENGTH = 96,
	FUZZ_SEED = 20120124,
};

static const struct wire_limits roomy = {
	.bytes = 1 << 20, .elements = 1 << 20, .string = 1 << 20};

/* Exactly as long as it says, so that a sanitizer sees a byte too many. */
static uint8_t *
copy_of(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

static ssize_t
scan_at_once(const struct wire_limits *limits, const uint8_t *bytes, size_t len)
{
	struct wire_scan scan = {0};
	struct err err = {0};
	cleanup_free uint8_t *copy = copy_of(bytes, len);
	ssize_t result = wire_scan(&scan, limits, copy, len, &err);

	if (result < 0) {
		assert_int_equal(err.code, ERR_BAD_MESSAGE);
		assert_true(err.text[0]);
	}
	return result;
}

/* One byte more at a time; the first answer that is not "go on". */
static ssize_t
scan_by_bytes(
	const struct wire_limits *limits, const uint8_t *bytes, size_t len)
{
	struct wire_scan scan = {0};

	for (size_t have = 0; have <= len; have++) {
		cleanup_free uint8_t *copy = copy_of(bytes, have);
		ssize_t result = wire_scan(&scan, limits, copy, have, NULL);

		if (result != 0)
			return result;
	}
	return 0;
}

static void
assert_scan(const struct wire_limits *limits, const uint8_t *bytes, size_t len,
	ssize_t expected)
{
	assert_int_equal(scan_at_once(limits, bytes, len), expected);
	assert_int_equal(scan_by_bytes(limits, bytes, len), expected);
}

/* Bytes of the shortest message with that first byte, filled with zeros;
 * 0 for a first byte that is refused. From the specification's table. */
static size_t
shortest_message(uint8_t first)
{
	static const uint8_t from_c0[32] = {1, 0, 1, 1, 2, 3, 5, 0, 0, 0, 5, 9,
		2, 3, 5, 9, 2, 3, 5, 9, 0, 0, 0, 0, 0, 2, 3, 5, 3, 5, 3, 5};

	if (first < 0x80 || first >= 0xe0)
		return 1;
	if (first < 0x90)
		return 1 + 2 * (first & 0x0fu);
	if (first < 0xa0)
		return 1 + (first & 0x0fu);
	if (first < 0xc0)
		return 1 + (first & 0x1fu);
	return from_c0[first - 0xc0];
}

static void
every_first_byte_is_known_or_refused(void **state)
{
	for (unsigned first = 0; first <= 0xff; first++) {
		uint8_t bytes[64] = {(uint8_t)first};
		size_t len = shortest_message((uint8_t)first);

		if (len == 0) {
			assert_scan(&roomy, bytes, sizeof(bytes), -EBADMSG);
			assert_scan(&roomy, bytes, 1, -EBADMSG);
			continue;
		}
		assert_scan(&roomy, bytes, sizeof(bytes), (ssize_t)len);
		assert_scan(&roomy, bytes, len, (ssize_t)len);
		for (size_t part = 0; part < len; part++)
			assert_scan(&roomy, bytes, part, 0);
	}
}

/* A request as clients send it: lengths of all sizes, three levels. */
static size_t
make_request(uint8_t *bytes, size_t size)
{
	struct wire_writer writer;
	char text[300];

	memset(text, 'x', sizeof(text));
	wire_writer_init_fixed(&writer, bytes, size);
	wire_array(&writer, 4);
	wire_uint(&writer, 0);
	wire_uint(&writer, UINT32_MAX);
	wire_text(&writer, "manage");
	wire_array(&writer, 3);
	wire_bytes(&writer, text, 31);
	wire_bytes(&writer, text, sizeof(text));
	wire_map(&writer, 3);
	wire_pair_bool(&writer, "if_absent", true);
	wire_pair_uint(&writer, "number", UINT64_MAX);
	wire_text(&writer, "list");
	wire_array(&writer, 20);
	for (int i = 0; i < 20; i++)
		wire_int(&writer, -i * 100);
	assert_false(writer.has_failed);
	return writer.len;
}

static void
a_message_in_part_is_awaited_whatever_its_length(void **state)
{
	uint8_t bytes[1024];
	size_t len = make_request(bytes, sizeof(bytes));

	for (size_t part = 0; part < len; part++)
		assert_scan(&wire_request_limits, bytes, part, 0);
	assert_scan(&wire_request_limits, bytes, len, (ssize_t)len);
}

static void
a_scan_in_any_two_steps_has_the_same_end(void **state)
{
	uint8_t bytes[1024];
	size_t len = make_request(bytes, sizeof(bytes));

	for (size_t part = 0; part < len; part++) {
		struct wire_scan scan = {0};

		assert_int_equal(wire_scan(&scan, &wire_request_limits, bytes,
					 part, NULL),
			0);
		assert_int_equal(wire_scan(&scan, &wire_request_limits, bytes,
					 len, NULL),
			len);
	}
}

static void
trailing_bytes_are_the_next_message(void **state)
{
	uint8_t bytes[2048];
	size_t len = make_request(bytes, sizeof(bytes));
	struct wire_scan scan = {0};

	bytes[len] = 0xc1; /* not looked at */
	assert_scan(&wire_request_limits, bytes, len + 1, (ssize_t)len);
	(void)make_request(bytes + len, sizeof(bytes) - len);
	for (int i = 0; i < 2; i++) /* the scan is fresh again */
		assert_int_equal(wire_scan(&scan, &wire_request_limits,
					 bytes + (size_t)i * len,
					 (size_t)(2 - i) * len, NULL),
			len);
}

static void
a_string_keeps_within_its_limit(void **state)
{
	const struct wire_limits limits = {
		.bytes = 1000, .elements = 10, .string = 300};
	uint8_t bytes[400] = {0xda, 301 >> 8, 301 & 0xff};

	assert_scan(&limits, bytes, sizeof(bytes), -EMSGSIZE);
	assert_scan(&limits, bytes, 3, -EMSGSIZE); /* before it has come */
	bytes[2] = 300 & 0xff;
	assert_scan(&limits, bytes, sizeof(bytes), 303);
	bytes[0] = 0xc5; /* bin */
	assert_scan(&limits, bytes, sizeof(bytes), 303);
	bytes[2] = 301 & 0xff;
	assert_scan(&limits, bytes, sizeof(bytes), -EMSGSIZE);
}

static void
elements_are_counted_over_all_containers(void **state)
{
	const struct wire_limits limits = {
		.bytes = 1000, .elements = 8, .string = 10};
	static const uint8_t eight[] = {0x92, 0x92, 1, 2, 0x82, 1, 2, 3, 4};
	static const uint8_t nine[] = {0x93, 0x92, 1, 2, 0x82, 1, 2, 3, 4, 5};
	static const uint8_t map_of_five[] = {
		0x85, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	static const uint8_t array_of_nine[] = {0x99};

	assert_scan(&limits, eight, sizeof(eight), sizeof(eight));
	assert_scan(&limits, nine, sizeof(nine), -EMSGSIZE);
	assert_scan(&limits, map_of_five, sizeof(map_of_five), -EMSGSIZE);
	assert_scan(&limits, array_of_nine, 1, -EMSGSIZE);
}

static void
a_message_keeps_within_its_limit_of_bytes(void **state)
{
	const struct wire_limits limits = {
		.bytes = 10, .elements = 100, .string = 100};
	uint8_t bytes[16] = {0x92, 0xa7, 'a', 'a', 'a', 'a', 'a', 'a', 'a', 1};

	assert_scan(&limits, bytes, sizeof(bytes), 10);
	assert_scan(&limits, bytes, 9, 0);
	bytes[1] = 0xa8;
	assert_int_equal(
		scan_at_once(&limits, bytes, sizeof(bytes)), -EMSGSIZE);
	assert_int_equal(
		scan_by_bytes(&limits, bytes, sizeof(bytes)), -EMSGSIZE);
	bytes[1] = 0xa9;
	assert_scan(&limits, bytes, 2, -EMSGSIZE); /* says so in front */
	bytes[0] = 0x9a;
	assert_scan(&limits, bytes, 1, -EMSGSIZE);
}

static void
nesting_ends_at_depth_eight(void **state)
{
	uint8_t bytes[10];

	memset(bytes, 0x91, sizeof(bytes));
	bytes[WIRE_DEPTH_MAX] = 0xc0;
	assert_scan(&roomy, bytes, WIRE_DEPTH_MAX + 1, WIRE_DEPTH_MAX + 1);
	bytes[WIRE_DEPTH_MAX] = 0x91;
	assert_scan(&roomy, bytes, sizeof(bytes), -EMSGSIZE);
	bytes[WIRE_DEPTH_MAX] = 0x90; /* an empty one is one, too */
	assert_scan(&roomy, bytes, sizeof(bytes), -EMSGSIZE);
	memset(bytes, 0x81, sizeof(bytes)); /* maps as keys */
	assert_scan(&roomy, bytes, sizeof(bytes), -EMSGSIZE);
}

static void
five_bytes_do_not_ask_for_96_gib(void **state)
{
	static const uint8_t array[] = {0xdd, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t map[] = {0xdf, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t text[] = {0xdb, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t bin[] = {0xc6, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t inner[] = {
		0x92, 0xc0, 0xdd, 0x10, 0x00, 0x00, 0x00};
	const struct wire_limits *const both[] = {
		&wire_request_limits, &wire_reply_limits};

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		assert_scan(both[i], array, sizeof(array), -EMSGSIZE);
		assert_scan(both[i], map, sizeof(map), -EMSGSIZE);
		assert_scan(both[i], text, sizeof(text), -EMSGSIZE);
		assert_scan(both[i], bin, sizeof(bin), -EMSGSIZE);
		assert_scan(both[i], inner, sizeof(inner), -EMSGSIZE);
	}
}

static void
the_limits_of_a_request_are_those_of_the_protocol(void **state)
{
	cleanup_free uint8_t *bytes = calloc(1, WIRE_REQUEST_MAX + 16);
	size_t at = 3;

	assert_non_null(bytes);
	bytes[0] = 0xdc; /* array of 1,024 */
	bytes[1] = WIRE_ELEMENTS_MAX >> 8;
	bytes[2] = WIRE_ELEMENTS_MAX & 0xff;
	assert_scan(&wire_request_limits, bytes, 3 + WIRE_ELEMENTS_MAX,
		3 + WIRE_ELEMENTS_MAX);
	bytes[2]++;
	assert_scan(&wire_request_limits, bytes, 3, -EMSGSIZE);
	/* 16 strings: 15 of 4,096 bytes; the last one ends at 64 KiB. */
	bytes[1] = 0;
	bytes[2] = 16;
	for (int i = 0; i < 15; i++) {
		bytes[at] = 0xda;
		bytes[at + 1] = WIRE_STRING_MAX >> 8;
		at += 3 + WIRE_STRING_MAX;
	}
	bytes[at] = 0xda;
	bytes[at + 1] = (uint8_t)((WIRE_REQUEST_MAX - at - 3) >> 8);
	bytes[at + 2] = (uint8_t)((WIRE_REQUEST_MAX - at - 3) & 0xff);
	assert_int_equal(
		scan_at_once(&wire_request_limits, bytes, WIRE_REQUEST_MAX),
		WIRE_REQUEST_MAX);
	bytes[at + 2]++;
	assert_int_equal(
		scan_at_once(&wire_request_limits, bytes, WIRE_REQUEST_MAX),
		-EMSGSIZE);
}

/* Mostly heads that go on, so that the fuzz gets deep. */
static uint8_t
random_byte(void)
{
	static const uint8_t likely[] = {0x81, 0x91, 0x92, 0x94, 0xa1, 0xa3,
		0xc0, 0xc2, 0xc4, 0xcc, 0xcd, 0xcf, 0xd0, 0xd9, 0xda, 0xdc,
		0xdd, 0xde, 0x00, 0x01, 0x02, 0xff};

	if (random() % 3 == 0)
		return (uint8_t)random();
	return likely[(size_t)random() % sizeof(likely)];
}

static void
random_bytes_are_refused_or_unpacked(void **state)
{
	size_t approved = 0;

	srandom(FUZZ_SEED);
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		uint8_t bytes[FUZZ_LENGTH];
		size_t len = (size_t)random() % FUZZ_LENGTH;
		struct wire_message message;
		ssize_t whole;

		for (size_t i = 0; i < len; i++)
			bytes[i] = random_byte();
		whole = scan_at_once(&wire_request_limits, bytes, len);
		if (round % 16 == 0)
			assert_int_equal(
				scan_by_bytes(&wire_request_limits, bytes, len),
				whole);
		if (whole <= 0)
			continue;
		approved++;
		assert_true((size_t)whole <= len);
		assert_int_equal(
			wire_unpack(&message, bytes, (size_t)whole, NULL), 0);
		wire_release(&message);
	}
	assert_true(approved > FUZZ_ROUNDS / 10);
}

static void
changed_requests_are_refused_or_unpacked(void **state)
{
	uint8_t request[1024];
	size_t len = make_request(request, sizeof(request));

	srandom(FUZZ_SEED);
	for (int round = 0; round < FUZZ_ROUNDS / 10; round++) {
		cleanup_free uint8_t *bytes = copy_of(request, len);
		struct wire_message message;
		ssize_t whole;

		for (int i = 0; i < 3; i++)
			bytes[(size_t)random() % len] = (uint8_t)random();
		whole = scan_at_once(&wire_request_limits, bytes, len);
		if (whole <= 0)
			continue;
		assert_int_equal(
			wire_unpack(&message, bytes, (size_t)whole, NULL), 0);
		wire_release(&message);
	}
}

static void
unpacking_takes_exactly_one_message(void **state)
{
	static const uint8_t bytes[] = {0x92, 1, 2, 3};
	struct wire_message message;
	struct err err;

	assert_int_equal(wire_unpack(&message, bytes, 4, &err), -EBADMSG);
	assert_int_equal(wire_unpack(&message, bytes, 2, &err), -EBADMSG);
	assert_int_equal(err.code, ERR_BAD_MESSAGE);
	assert_int_equal(wire_unpack(&message, bytes, 3, &err), 0);
	wire_release(&message);
}

/* Reads one value that a writer wrote. */
struct value {
	uint8_t bytes[8192];
	struct wire_writer writer;
	struct wire_message message;
};

static void
value_begin(struct value *value)
{
	wire_writer_init_fixed(
		&value->writer, value->bytes, sizeof(value->bytes));
}

static const msgpack_object *
value_read(struct value *value)
{
	assert_false(value->writer.has_failed);
	assert_scan(&roomy, value->bytes, value->writer.len,
		(ssize_t)value->writer.len);
	assert_int_equal(wire_unpack(&value->message, value->bytes,
				 value->writer.len, NULL),
		0);
	return value->message.root;
}

static void
numbers_survive_the_wire(void **state)
{
	static const uint64_t numbers[] = {0, 1, 127, 128, 255, 256, 65535,
		65536, UINT32_MAX, UINT64_C(1) << 32, INT64_MAX, UINT64_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct value value;
		uint64_t number = 7;

		value_begin(&value);
		wire_uint(&value.writer, numbers[i]);
		assert_true(wire_get_uint(value_read(&value), &number));
		assert_int_equal(number, numbers[i]);
		wire_release(&value.message);
	}
}

static void
whole_numbers_may_come_as_floats(void **state)
{
	static const struct {
		double sent;
		bool is_taken;
	} cases[] = {{0, true}, {-0.0, true}, {3, true}, {30000, true},
		{9007199254740991.0, true}, {9007199254740992.0, false},
		{1e300, false}, {-1, false}, {1.5, false}, {0.0 / 0.0, false},
		{1.0 / 0.0, false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct value value;
		uint64_t number;
		bool is_taken;

		value_begin(&value);
		wire_double(&value.writer, cases[i].sent);
		is_taken = wire_get_uint(value_read(&value), &number);
		assert_int_equal(is_taken, cases[i].is_taken);
		if (is_taken)
			assert_true((double)number == cases[i].sent);
		wire_release(&value.message);
	}
}

static void
readers_refuse_other_types(void **state)
{
	struct value value;
	const msgpack_object *array;
	const char *text;
	uint64_t number;
	uint32_t count;
	size_t len;
	bool truth;

	value_begin(&value);
	wire_array(&value.writer, 5);
	wire_int(&value.writer, -1);
	wire_text(&value.writer, "1");
	wire_nil(&value.writer);
	wire_bool(&value.writer, true);
	wire_map(&value.writer, 0);
	array = value_read(&value);
	assert_true(wire_is_array(array, &count));
	assert_int_equal(count, 5);
	for (uint32_t i = 0; i < count; i++) {
		const msgpack_object *at = wire_at(array, i);

		assert_false(wire_get_uint(at, &number));
		assert_false(wire_is_array(at, &count));
		assert_int_equal(wire_get_bool(at, &truth), i == 3);
		assert_int_equal(wire_get_bytes(at, &text, &len), i == 1);
		assert_int_equal(wire_is_nil(at), i == 2);
		assert_null(wire_find(at, "x"));
	}
	wire_release(&value.message);
}

static void
a_key_is_found_as_str_and_as_bin(void **state)
{
	static const uint8_t bytes[] = {
		0x83, 0xa1, 'a', 1, 0xc4, 1, 'b', 2, 0xa2, 'a', 0, 3};
	struct wire_message message;
	uint64_t number;

	assert_int_equal(wire_unpack(&message, bytes, sizeof(bytes), NULL), 0);
	assert_int_equal(wire_check_map(message.root, NULL), 0);
	assert_true(wire_get_uint(wire_find(message.root, "a"), &number));
	assert_int_equal(number, 1);
	assert_true(wire_get_uint(wire_find(message.root, "b"), &number));
	assert_int_equal(number, 2);
	assert_null(wire_find(message.root, "c"));
	assert_null(wire_find(message.root, ""));
	wire_release(&message);
}

static void
an_empty_string_is_no_null_pointer(void **state)
{
	static const uint8_t bytes[][3] = {
		{0xa0}, {0xd9, 0}, {0xc4, 0}, {0xda, 0, 0}};
	static const size_t lens[] = {1, 2, 2, 3};

	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct wire_message message;
		const char *text = NULL;
		size_t len = 7;

		assert_int_equal(
			wire_unpack(&message, bytes[i], lens[i], NULL), 0);
		assert_true(wire_get_bytes(message.root, &text, &len));
		assert_int_equal(len, 0);
		assert_non_null(text);
		assert_true(wire_bytes_equal(text, len, ""));
		wire_release(&message);
	}
}

static void
maps_of_options_are_checked(void **state)
{
	static const struct {
		uint8_t bytes[8];
		size_t len;
		int result;
	} cases[] = {
		{{0x80}, 1, 0},
		{{0x81, 0xa1, 'a', 1}, 4, 0},
		{{0x90}, 1, -EINVAL}, /* no map */
		{{0xc0}, 1, -EINVAL},
		{{0x81, 1, 1}, 3, -EINVAL}, /* a number as key */
		{{0x81, 0xc0, 1}, 3, -EINVAL},
		{{0x81, 0xa0, 1}, 3, -EINVAL}, /* an empty key */
		{{0x82, 0xa1, 'a', 1, 0xa1, 'a', 2}, 7, -EINVAL},
		{{0x82, 0xa1, 'a', 1, 0xc4, 1, 'a', 2}, 8, -EINVAL},
		{{0x82, 0xa1, 'a', 1, 0xa1, 'b', 2}, 7, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct wire_message message;
		struct err err = {0};

		assert_int_equal(wire_unpack(&message, cases[i].bytes,
					 cases[i].len, NULL),
			0);
		assert_int_equal(
			wire_check_map(message.root, &err), cases[i].result);
		assert_int_equal(err.code,
			cases[i].result ? ERR_BAD_ARGUMENTS : ERR_NONE);
		wire_release(&message);
	}
}

static void
a_writer_in_fixed_memory_stops_at_its_end(void **state)
{
	uint8_t bytes[8] = {0};
	struct wire_writer writer;

	wire_writer_init_fixed(&writer, bytes, 5);
	wire_text(&writer, "abcd");
	assert_false(writer.has_failed);
	assert_int_equal(writer.len, 5);
	wire_nil(&writer);
	assert_true(writer.has_failed);
	assert_int_equal(bytes[5], 0);
	wire_raw(&writer, bytes, 0);
	assert_int_equal(writer.len, 5);
	wire_writer_done(&writer);
}

static void
a_writer_that_grows_stops_at_its_maximum(void **state)
{
	struct wire_writer writer;

	wire_writer_init(&writer, 100000);
	for (int i = 0; i < 100000; i++)
		wire_uint(&writer, 1);
	assert_false(writer.has_failed);
	assert_int_equal(writer.len, 100000);
	wire_uint(&writer, 1);
	assert_true(writer.has_failed);
	wire_writer_done(&writer);
	wire_writer_init(&writer, 3);
	wire_text(&writer, "abc"); /* head fits, body does not */
	assert_true(writer.has_failed);
	wire_nil(&writer); /* would fit, but the failure stays */
	assert_true(writer.has_failed);
	wire_writer_done(&writer);
}

static void
text_is_written_as_str_and_a_response_begins_with_0x94(void **state)
{
	uint8_t bytes[16];
	struct wire_writer writer;

	/* Clients of old msgpack-RPC libraries depend on both. */
	wire_writer_init_fixed(&writer, bytes, sizeof(bytes));
	wire_array(&writer, 4);
	wire_text(&writer, "x");
	assert_int_equal(bytes[0], 0x94);
	assert_int_equal(bytes[1], 0xa1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_first_byte_is_known_or_refused),
		cmocka_unit_test(
			a_message_in_part_is_awaited_whatever_its_length),
		cmocka_unit_test(a_scan_in_any_two_steps_has_the_same_end),
		cmocka_unit_test(trailing_bytes_are_the_next_message),
		cmocka_unit_test(a_string_keeps_within_its_limit),
		cmocka_unit_test(elements_are_counted_over_all_containers),
		cmocka_unit_test(a_message_keeps_within_its_limit_of_bytes),
		cmocka_unit_test(nesting_ends_at_depth_eight),
		cmocka_unit_test(five_bytes_do_not_ask_for_96_gib),
		cmocka_unit_test(
			the_limits_of_a_request_are_those_of_the_protocol),
		cmocka_unit_test(random_bytes_are_refused_or_unpacked),
		cmocka_unit_test(changed_requests_are_refused_or_unpacked),
		cmocka_unit_test(unpacking_takes_exactly_one_message),
		cmocka_unit_test(numbers_survive_the_wire),
		cmocka_unit_test(whole_numbers_may_come_as_floats),
		cmocka_unit_test(readers_refuse_other_types),
		cmocka_unit_test(a_key_is_found_as_str_and_as_bin),
		cmocka_unit_test(an_empty_string_is_no_null_pointer),
		cmocka_unit_test(maps_of_options_are_checked),
		cmocka_unit_test(a_writer_in_fixed_memory_stops_at_its_end),
		cmocka_unit_test(a_writer_that_grows_stops_at_its_maximum),
		cmocka_unit_test(
			text_is_written_as_str_and_a_response_begins_with_0x94),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
