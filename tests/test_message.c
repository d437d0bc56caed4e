/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_message.c - every message of worker.def, at and beyond every bound.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/guard.h"
#include "proto/message.h"
#include "proto/wire.h"

enum kind {
	KIND_UINT,
	KIND_ENUM,
	KIND_TEXT
};

struct field {
	enum message_type type;
	enum kind kind;
	size_t offset;
	size_t size;
	uint64_t max;
};

/* All fields of all messages, in the order of worker.def. */
static const struct field fields[] = {
#define ORDER(name, meaning)
#define REPORT(name, meaning)
#define END_MESSAGE
#define FIELD(owner, name, kind, max)                                          \
	{MESSAGE_##owner, kind, offsetof(struct message, owner.name),          \
		sizeof(((struct message *)NULL)->owner.name), max},
#define FIELD_UINT(owner, name, max, meaning) FIELD(owner, name, KIND_UINT, max)
#define FIELD_ENUM(owner, name, type, count, meaning)                          \
	FIELD(owner, name, KIND_ENUM, (count)-1)
#define FIELD_TEXT(owner, name, max, meaning) FIELD(owner, name, KIND_TEXT, max)
#include "proto/worker.def"
};

static size_t
count_fields(enum message_type type)
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		count += fields[i].type == type;
	return count;
}

static void
set_uint(struct message *message, const struct field *field, uint64_t value)
{
	char *at = (char *)message + field->offset;

	if (field->kind == KIND_ENUM) {
		unsigned word = (unsigned)value;

		memcpy(at, &word, sizeof(word));
	} else {
		memcpy(at, &value, sizeof(value));
	}
}

/* Every field at its greatest; texts are made of that character. */
static void
fill_greatest(struct message *message, const char *character)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *field = &fields[i];
		char *at = (char *)message + field->offset;
		size_t step = strlen(character);

		if (field->type != message->type)
			continue;
		if (field->kind != KIND_TEXT) {
			set_uint(message, field, field->max);
			continue;
		}
		for (size_t len = 0; len + step <= field->max; len += step)
			memcpy(at + len, character, step);
	}
}

static int
decode(const uint8_t *packet, size_t len, struct message *ret_message)
{
	struct message message;
	enum message_direction direction = MESSAGE_ORDER;
	struct err err = {0};
	/* Exactly as long as it says: a sanitizer sees a byte too many. */
	cleanup_free uint8_t *copy = malloc(len ? len : 1);
	int result;

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, packet, len);
	if (len > 1 && copy[1] < MESSAGE_TYPE_COUNT)
		direction = message_direction((enum message_type)copy[1]);
	/* The first array head, of up to 15 elements, is one byte. */
	if (len > 3 && copy[0] == 0xdc && copy[3] < MESSAGE_TYPE_COUNT)
		direction = message_direction((enum message_type)copy[3]);
	memset(&message, 0x5a, sizeof(message));
	result = message_decode(direction, copy, len, &message, &err);
	if (result < 0) {
		unsigned char *bytes = (unsigned char *)&message;

		assert_int_equal(result, -EBADMSG);
		assert_int_equal(err.code, ERR_BAD_MESSAGE);
		assert_true(err.text[0]);
		for (size_t i = 0; i < sizeof(message); i++)
			assert_int_equal(bytes[i], 0x5a);
	} else if (ret_message) {
		*ret_message = message;
	}
	return result;
}

static void
assert_round_trip(const struct message *message)
{
	uint8_t packet[MESSAGE_MAX];
	size_t len = message_encode(message, packet);
	struct message back;

	assert_in_range(len, 1, MESSAGE_MAX);
	assert_int_equal(decode(packet, len, &back), 0);
	assert_int_equal(back.type, message->type);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].type == message->type)
			assert_memory_equal((char *)&back + fields[i].offset,
				(const char *)message + fields[i].offset,
				fields[i].size);
}

static void
every_message_survives_with_the_least_values(void **state)
{
	for (unsigned type = 0; type < MESSAGE_TYPE_COUNT; type++) {
		struct message message = {.type = (enum message_type)type};

		assert_round_trip(&message);
	}
}

static void
every_message_survives_with_the_greatest_values(void **state)
{
	static const char *const characters[] = {"x", "\xc3\xa4",
		"\xe2\x82\xac", "\xf0\x9f\x92\xbe", "\xc2\xa0"};

	for (unsigned type = 0; type < MESSAGE_TYPE_COUNT; type++)
		for (size_t i = 0; i < ARRAY_SIZE(characters); i++) {
			struct message message = {
				.type = (enum message_type)type};

			fill_greatest(&message, characters[i]);
			assert_round_trip(&message);
		}
}

/* Greatest that msgpack makes of each field, not only of those in use. */
static void
no_message_can_outgrow_a_packet(void **state)
{
	for (unsigned type = 0; type < MESSAGE_TYPE_COUNT; type++) {
		size_t len = 3 + 1; /* array head, type */

		for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
			if (fields[i].type == type)
				len += fields[i].kind == KIND_TEXT
					       ? 5 + fields[i].max
					       : 9;
		assert_in_range(len, 1, MESSAGE_MAX);
	}
}

/* Writes a message by hand, of greatest values but for one field. */
struct forged {
	uint8_t packet[3 * MESSAGE_MAX];
	struct wire_writer writer;
};

static void
write_greatest(struct wire_writer *writer, const struct field *field)
{
	char text[MESSAGE_MAX];

	memset(text, 'x', sizeof(text));
	if (field->kind == KIND_TEXT)
		wire_bytes(writer, text, field->max);
	else
		wire_uint(writer, field->max);
}

static void
forge(struct forged *forged, const struct field *odd,
	void (*write_odd)(struct wire_writer *, const struct field *))
{
	wire_writer_init_fixed(
		&forged->writer, forged->packet, sizeof(forged->packet));
	wire_array(&forged->writer, count_fields(odd->type) + 1);
	wire_uint(&forged->writer, odd->type);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].type != odd->type)
			continue;
		if (&fields[i] == odd)
			write_odd(&forged->writer, odd);
		else
			write_greatest(&forged->writer, &fields[i]);
	}
	assert_false(forged->writer.has_failed);
}

static void
assert_each_field(void (*write_odd)(struct wire_writer *, const struct field *),
	int expected)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct forged forged;

		forge(&forged, &fields[i], write_odd);
		assert_int_equal(decode(forged.packet, forged.writer.len, NULL),
			expected);
	}
}

static void
write_one_beyond(struct wire_writer *writer, const struct field *field)
{
	struct field beyond = *field;

	beyond.max++;
	write_greatest(writer, &beyond);
}

static void
every_bound_is_kept_and_one_beyond_is_refused(void **state)
{
	assert_each_field(write_greatest, 0);
	assert_each_field(write_one_beyond, -EBADMSG);
}

static void
write_nil(struct wire_writer *writer, const struct field *field)
{
	wire_nil(writer);
}

static void
write_other_type(struct wire_writer *writer, const struct field *field)
{
	if (field->kind == KIND_TEXT)
		wire_uint(writer, 1);
	else
		wire_text(writer, "1");
}

static void
write_array(struct wire_writer *writer, const struct field *field)
{
	wire_array(writer, 0);
}

static void
write_map(struct wire_writer *writer, const struct field *field)
{
	wire_map(writer, 0);
}

static void
write_negative(struct wire_writer *writer, const struct field *field)
{
	wire_int(writer, -1);
}

static void
write_truth(struct wire_writer *writer, const struct field *field)
{
	wire_bool(writer, true);
}

static void
write_huge(struct wire_writer *writer, const struct field *field)
{
	wire_uint(writer, UINT64_MAX);
}

static void
every_field_refuses_other_types(void **state)
{
	assert_each_field(write_nil, -EBADMSG);
	assert_each_field(write_other_type, -EBADMSG);
	assert_each_field(write_array, -EBADMSG);
	assert_each_field(write_map, -EBADMSG);
	assert_each_field(write_negative, -EBADMSG);
	assert_each_field(write_truth, -EBADMSG);
	assert_each_field(write_huge, -EBADMSG);
}

static void
texts_refuse_what_is_no_clean_text(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int result;
	} cases[] = {
		{"plain", 5, 0},
		{"", 0, 0},
		{"\xc2\xa0", 2, 0},
		{"a\0b", 3, -EBADMSG},
		{"a\n", 2, -EBADMSG},
		{"\x1b[0m", 4, -EBADMSG},
		{"\x7f", 1, -EBADMSG},
		{"\xc2\x80", 2, -EBADMSG},
		{"\xc2\x9f", 2, -EBADMSG},
		{"\xff", 1, -EBADMSG},
		{"\xc3", 1, -EBADMSG},
		{"\xc0\xaf", 2, -EBADMSG},
		{"\xed\xa0\x80", 3, -EBADMSG},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct forged forged;

		wire_writer_init_fixed(
			&forged.writer, forged.packet, sizeof(forged.packet));
		wire_array(&forged.writer, 3);
		wire_uint(&forged.writer, MESSAGE_log);
		wire_uint(&forged.writer, 5);
		wire_bytes(&forged.writer, cases[i].bytes, cases[i].len);
		assert_int_equal(decode(forged.packet, forged.writer.len, NULL),
			cases[i].result);
	}
}

static void
every_other_count_of_fields_is_refused(void **state)
{
	for (unsigned type = 0; type < MESSAGE_TYPE_COUNT; type++)
		for (size_t count = 0; count < 25; count++) {
			struct forged forged;
			size_t right = count_fields((enum message_type)type);
			size_t at = 0;

			wire_writer_init_fixed(&forged.writer, forged.packet,
				sizeof(forged.packet));
			wire_array(&forged.writer, count + 1);
			wire_uint(&forged.writer, type);
			for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
				if (fields[i].type == type && at++ < count)
					write_greatest(
						&forged.writer, &fields[i]);
			for (; at < count; at++)
				wire_uint(&forged.writer, 0);
			assert_int_equal(
				decode(forged.packet, forged.writer.len, NULL),
				count == right ? 0 : -EBADMSG);
		}
}

static void
trailing_and_missing_bytes_are_refused(void **state)
{
	for (unsigned type = 0; type < MESSAGE_TYPE_COUNT; type++) {
		struct message message = {.type = (enum message_type)type};
		uint8_t packet[MESSAGE_MAX + 1] = {0};
		size_t len;

		fill_greatest(&message, "x");
		len = message_encode(&message, packet);
		assert_int_equal(decode(packet, len + 1, NULL), -EBADMSG);
		for (size_t part = 0; part < len; part++)
			assert_int_equal(decode(packet, part, NULL), -EBADMSG);
	}
}

static void
neither_side_says_what_the_other_one_should(void **state)
{
	for (unsigned type = 0; type < MESSAGE_TYPE_COUNT; type++) {
		struct message message = {.type = (enum message_type)type};
		enum message_direction right = message_direction(message.type);
		enum message_direction wrong =
			right == MESSAGE_ORDER ? MESSAGE_REPORT : MESSAGE_ORDER;
		uint8_t packet[MESSAGE_MAX];
		size_t len = message_encode(&message, packet);
		struct message back;

		assert_int_equal(
			message_decode(right, packet, len, &back, NULL), 0);
		assert_int_equal(
			message_decode(wrong, packet, len, &back, NULL),
			-EBADMSG);
	}
}

static void
what_is_no_message_at_all_is_refused(void **state)
{
	static const struct {
		uint8_t bytes[8];
		size_t len;
	} cases[] = {
		{{0x90}, 1},
		{{0xc0}, 1},
		{{0x80}, 1},
		{{0x91, 0xc0}, 2},
		{{0x91, 0xff}, 2},
		{{0x91, MESSAGE_TYPE_COUNT}, 2},
		{{0x91, 0xa1, '1'}, 3},
		{{0x91, 0x91, 2}, 3},
		{{0x91, 0xcc, 0xff}, 3},
		{{0xdd, 0xff, 0xff, 0xff, 0xff}, 5},
		{{0xc1}, 1},
		{{0x91, 0xd4, 0, 0}, 4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
			decode(cases[i].bytes, cases[i].len, NULL), -EBADMSG);
}

static void
encoding_lowers_numbers_to_their_bound(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct message message = {.type = fields[i].type};
		struct message expected = {.type = fields[i].type};
		uint8_t packet[MESSAGE_MAX];
		struct message back;

		if (fields[i].kind != KIND_UINT)
			continue;
		set_uint(&message, &fields[i], UINT64_MAX);
		set_uint(&expected, &fields[i], fields[i].max);
		assert_int_equal(
			decode(packet, message_encode(&message, packet), &back),
			0);
		assert_memory_equal((char *)&back + fields[i].offset,
			(char *)&expected + fields[i].offset, fields[i].size);
	}
}

static void
encoding_replaces_what_a_peer_would_refuse(void **state)
{
	struct message message = {.type = MESSAGE_log};
	uint8_t packet[MESSAGE_MAX];
	struct message back;

	strcpy(message.log.text, "a\nb\x1b\xc2\x85\xff\xe2\x82");
	assert_int_equal(
		decode(packet, message_encode(&message, packet), &back), 0);
	assert_string_equal(back.log.text, "a?b??????");
	/* Cut in the midst of a character, and not even terminated. */
	memset(message.log.text, 'x', sizeof(message.log.text));
	memcpy(message.log.text + sizeof(message.log.text) - 2, "\xc3\xa4", 2);
	assert_int_equal(
		decode(packet, message_encode(&message, packet), &back), 0);
	assert_int_equal(strlen(back.log.text), sizeof(back.log.text) - 1);
	assert_int_equal(back.log.text[sizeof(back.log.text) - 2], '?');
}

static void
names_and_holder_words_are_there_and_differ(void **state)
{
	for (unsigned i = 0; i < MESSAGE_TYPE_COUNT; i++)
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(
				message_name((enum message_type)i),
				message_name((enum message_type)j));
	for (unsigned i = 0; i < HOLDER_KIND_COUNT; i++) {
		assert_non_null(holder_kind_word((enum holder_kind)i));
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(
				holder_kind_word((enum holder_kind)i),
				holder_kind_word((enum holder_kind)j));
	}
}

/* Random changes of good messages: decoded within bounds, or refused. */
static void
changed_messages_are_refused_or_within_bounds(void **state)
{
	srandom(20120124);
	for (int round = 0; round < 20000; round++) {
		struct message message = {
			.type = (enum message_type)(
				random() % MESSAGE_TYPE_COUNT)};
		uint8_t packet[MESSAGE_MAX];
		struct message back;
		size_t len;

		if (round % 2)
			fill_greatest(&message, "x");
		len = message_encode(&message, packet);
		for (int i = 0; i < 2; i++)
			packet[(size_t)random() % len] = (uint8_t)random();
		if (decode(packet, len, &back) < 0)
			continue;
		assert_round_trip(&back);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_survives_with_the_least_values),
		cmocka_unit_test(
			every_message_survives_with_the_greatest_values),
		cmocka_unit_test(no_message_can_outgrow_a_packet),
		cmocka_unit_test(every_bound_is_kept_and_one_beyond_is_refused),
		cmocka_unit_test(every_field_refuses_other_types),
		cmocka_unit_test(texts_refuse_what_is_no_clean_text),
		cmocka_unit_test(every_other_count_of_fields_is_refused),
		cmocka_unit_test(trailing_and_missing_bytes_are_refused),
		cmocka_unit_test(neither_side_says_what_the_other_one_should),
		cmocka_unit_test(what_is_no_message_at_all_is_refused),
		cmocka_unit_test(encoding_lowers_numbers_to_their_bound),
		cmocka_unit_test(encoding_replaces_what_a_peer_would_refuse),
		cmocka_unit_test(names_and_holder_words_are_there_and_differ),
		cmocka_unit_test(changed_messages_are_refused_or_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
