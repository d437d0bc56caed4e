/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_iscsi_text.c - key=value text and its constants, good and bad ones.
 *
 * Runs in: the build.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include "common/guard.h"
#include "worker/iscsi_text.h"

/* Bytes as a target sent them, a string's own NUL not among them. */
#define TEXT(literal) make_text(literal, sizeof(literal) - 1)

static struct iscsi_text *
make_text(const char *bytes, size_t len)
{
	static struct iscsi_text text;

	iscsi_text_init(&text);
	memcpy(text.bytes, bytes, len);
	text.bytes[len] = '\0';
	text.len = len;
	return &text;
}

static void
expect_pair(const struct iscsi_text *text, const char *key, const char *value)
{
	assert_true(iscsi_text_is_valid(text));
	assert_non_null(iscsi_text_get(text, key));
	assert_string_equal(iscsi_text_get(text, key), value);
}

static void
finds_a_value_by_its_whole_key(void **state)
{
	expect_pair(TEXT("CHAP_AB=1\0CHAP_A=5\0A=6\0"), "CHAP_A", "5");
	expect_pair(TEXT("CHAP_AB=1\0CHAP_A=5\0A=6\0"), "A", "6");
	assert_null(iscsi_text_get(TEXT("CHAP_AB=1\0"), "CHAP_A"));
	assert_null(iscsi_text_get(TEXT("CHAP=1\0"), "CHAP_A"));
	assert_null(iscsi_text_get(TEXT("B=A=1\0"), "A"));
	assert_null(iscsi_text_get(TEXT(""), "A"));
}

static void
takes_all_behind_the_first_equals_sign_for_the_value(void **state)
{
	expect_pair(TEXT("A==b=c\0"), "A", "=b=c");
	expect_pair(TEXT("A=\0B=1\0"), "A", "");
}

static void
lets_pass_a_missing_nul_and_superfluous_ones(void **state)
{
	expect_pair(TEXT("A=1\0B=2"), "B", "2");
	expect_pair(TEXT("\0\0A=1\0\0\0B=2\0\0"), "B", "2");
	assert_true(iscsi_text_is_valid(TEXT("")));
	assert_true(iscsi_text_is_valid(TEXT("\0\0")));
}

static void
refuses_what_is_no_key_and_value(void **state)
{
	assert_false(iscsi_text_is_valid(TEXT("A")));
	assert_false(iscsi_text_is_valid(TEXT("A=1\0B\0")));
	assert_false(iscsi_text_is_valid(TEXT("=1\0")));
	assert_false(iscsi_text_is_valid(TEXT("=\0")));
}

static void
refuses_a_key_that_stands_twice(void **state)
{
	assert_false(iscsi_text_is_valid(TEXT("A=1\0B=2\0A=1\0")));
	assert_true(iscsi_text_is_valid(TEXT("A=1\0AA=2\0a=1\0")));
}

static void
refuses_a_key_that_is_too_long(void **state)
{
	char bytes[ISCSI_TEXT_KEY_MAX + 4];

	memset(bytes, 'K', sizeof(bytes));
	bytes[ISCSI_TEXT_KEY_MAX] = '=';
	assert_true(
		iscsi_text_is_valid(make_text(bytes, ISCSI_TEXT_KEY_MAX + 1)));
	bytes[ISCSI_TEXT_KEY_MAX] = 'K';
	bytes[ISCSI_TEXT_KEY_MAX + 1] = '=';
	assert_false(
		iscsi_text_is_valid(make_text(bytes, ISCSI_TEXT_KEY_MAX + 2)));
}

static void
refuses_more_pairs_than_a_login_has(void **state)
{
	struct iscsi_text text;
	char key[3] = "AA";

	iscsi_text_init(&text);
	for (int i = 0; i < ISCSI_TEXT_PAIRS_MAX; i++) {
		key[0] = (char)('A' + i / 16);
		key[1] = (char)('A' + i % 16);
		iscsi_text_put(&text, key, "1");
	}
	assert_true(iscsi_text_is_valid(&text));
	iscsi_text_put(&text, "one-more", "1");
	assert_false(iscsi_text_is_valid(&text));
}

static void
writes_what_it_reads(void **state)
{
	static const unsigned char bytes[] = {0x00, 0x7f, 0x80, 0xfe};
	static const char expected[] = "A=b\0C=0x007f80fe\0D=\0";
	struct iscsi_text text;

	iscsi_text_init(&text);
	iscsi_text_put(&text, "A", "b");
	iscsi_text_put_binary(&text, "C", bytes, sizeof(bytes));
	iscsi_text_put(&text, "D", "");
	assert_int_equal(text.len, sizeof(expected) - 1);
	assert_memory_equal(text.bytes, expected, sizeof(expected) - 1);
	expect_pair(&text, "C", "0x007f80fe");
}

static void
never_writes_behind_the_end(void **state)
{
	struct {
		struct iscsi_text text;
		char guard;
	} area = {.guard = 'g'};
	char value[ISCSI_TEXT_MAX - 2];

	memset(value, 'v', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	iscsi_text_init(&area.text);
	iscsi_text_put(&area.text, "K", value); /* fits to the byte */
	assert_false(area.text.is_full);
	assert_int_equal(area.text.len, ISCSI_TEXT_MAX);
	iscsi_text_put(&area.text, "", "");
	assert_true(area.text.is_full);
	assert_int_equal(area.text.len, ISCSI_TEXT_MAX);
	assert_int_equal(area.guard, 'g');
	iscsi_text_init(&area.text);
	iscsi_text_put_binary(&area.text, "K", value, ISCSI_TEXT_MAX / 2);
	assert_true(area.text.is_full);
	assert_true(area.text.len <= ISCSI_TEXT_MAX);
	assert_int_equal(area.guard, 'g');
}

static void
reads_numbers(void **state)
{
	static const struct {
		const char *value;
		unsigned max;
		long number; /* -1: none */
	} cases[] = {
		{"0", 255, 0},
		{"255", 255, 255},
		{"0255", 255, 255},
		{"256", 255, -1},
		{"0xff", 255, 255},
		{"0XfF", 255, 255},
		{"0x100", 255, -1},
		{"4294967295", UINT_MAX, 4294967295},
		{"4294967296", UINT_MAX, -1},
		{"18446744073709551616", UINT_MAX, -1},
		{"99999999999999999999999999", UINT_MAX, -1},
		{"", 255, -1},
		{"0x", 255, -1},
		{"-1", 255, -1},
		{"+1", 255, -1},
		{" 1", 255, -1},
		{"1 ", 255, -1},
		{"1,2", 255, -1},
		{"a", 255, -1},
		{"0xg", 255, -1},
		{"Reject", 255, -1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned number = 7;
		bool is_number = iscsi_text_number(
			cases[i].value, cases[i].max, &number);

		assert_int_equal(is_number, cases[i].number >= 0);
		assert_int_equal(number, is_number ? cases[i].number : 7);
	}
}

static void
reads_binary_constants(void **state)
{
	static const struct {
		const char *value;
		const char *bytes;
		size_t len; /* 0: it is none */
	} cases[] = {
		{"0x00ff10", "\x00\xff\x10", 3},
		{"0XAbCd", "\xab\xcd", 2},
		{"0x123", "\x01\x23", 2}, /* a zero in front is left out */
		{"0x7", "\x07", 1},
		{"0x0011223344556677", "\x00\x11\x22\x33\x44\x55\x66\x77", 8},
		{"0x001122334455667788", "", 0},
		{"0x", "", 0},
		{"0xgg", "", 0},
		{"0x12 ", "", 0},
		{"0bAAECAwQFBgc=", "\x00\x01\x02\x03\x04\x05\x06\x07", 8},
		{"0BAP8Q", "\x00\xff\x10", 3},
		{"0b+/8=", "\xfb\xff", 2},
		{"0b/w==", "\xff", 1},
		{"0bAAECAwQFBgcI", "", 0}, /* nine bytes */
		{"0b", "", 0},
		{"0b/w", "", 0},
		{"0b/w=", "", 0},
		{"0b/===", "", 0},
		{"0b====", "", 0},
		{"0b/w==/w==", "", 0},
		{"0b-_8=", "", 0},
		{"0bAA A", "", 0},
		{"1234", "", 0},
		{"x12", "", 0},
		{"0", "", 0},
		{"", "", 0},
		{"Reject", "", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned char bytes[9] = "........";
		size_t len = 0;
		bool is_binary =
			iscsi_text_binary(cases[i].value, bytes, 8, &len);

		assert_int_equal(is_binary, cases[i].len > 0);
		assert_int_equal(len, cases[i].len);
		if (is_binary)
			assert_memory_equal(bytes, cases[i].bytes, len);
		assert_int_equal(bytes[8], '\0');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_a_value_by_its_whole_key),
		cmocka_unit_test(
			takes_all_behind_the_first_equals_sign_for_the_value),
		cmocka_unit_test(lets_pass_a_missing_nul_and_superfluous_ones),
		cmocka_unit_test(refuses_what_is_no_key_and_value),
		cmocka_unit_test(refuses_a_key_that_stands_twice),
		cmocka_unit_test(refuses_a_key_that_is_too_long),
		cmocka_unit_test(refuses_more_pairs_than_a_login_has),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(never_writes_behind_the_end),
		cmocka_unit_test(reads_numbers),
		cmocka_unit_test(reads_binary_constants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
