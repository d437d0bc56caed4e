/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_err.c - the error table, and texts that are safe whatever goes in.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/err.h"
#include "common/guard.h"

static void
each_slug_stands_for_one_error(void **state)
{
	for (unsigned i = 0; i < ERR_COUNT; i++) {
		const char *slug = err_slug((enum err_code)i);

		assert_true(slug[0] >= 'a' && slug[0] <= 'z');
		assert_int_equal(
			strspn(slug, "abcdefghijklmnopqrstuvwxyz0123456789-"),
			strlen(slug));
		assert_true(strlen(slug) < 32);
		assert_int_equal(err_from_slug(slug, strlen(slug)), i);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(
				slug, err_slug((enum err_code)j));
	}
}

static void
a_slug_is_found_by_all_its_bytes_alone(void **state)
{
	assert_int_equal(err_from_slug("", 0), ERR_COUNT);
	assert_int_equal(err_from_slug("bad-uri: text", 7), ERR_BAD_URI);
	assert_int_equal(err_from_slug("bad-uri", 6), ERR_COUNT);
	assert_int_equal(err_from_slug("bad-uri:", 8), ERR_COUNT);
	assert_int_equal(err_from_slug("BAD-URI", 7), ERR_COUNT);
	assert_int_equal(err_from_slug("bad-uri\0", 8), ERR_COUNT);
}

static void
each_number_stands_for_one_error(void **state)
{
	assert_int_equal(err_number(ERR_NONE), 0);
	for (unsigned i = 1; i < ERR_COUNT; i++) {
		assert_true(err_number((enum err_code)i) > 0);
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(err_number((enum err_code)i),
				err_number((enum err_code)j));
	}
}

static void
numbers_shared_with_vdsm_are_kept(void **state)
{
	assert_int_equal(err_number(ERR_UNREACHABLE), 451);
	assert_int_equal(err_number(ERR_LOGIN_FAILED), 464);
	assert_int_equal(err_number(ERR_ACCESS_DENIED), 469);
	assert_int_equal(err_number(ERR_AUTH_FAILED), 476);
	assert_int_equal(err_number(ERR_MOUNT_FAILED), 477);
	assert_int_equal(err_number(ERR_CID_IN_USE), 478);
	assert_int_equal(err_number(ERR_NO_SUCH_CID), 479);
}

static void
every_error_has_an_exit_code_and_a_meaning(void **state)
{
	assert_int_equal(err_exit_code(ERR_NONE), 0);
	for (unsigned i = 1; i < ERR_COUNT; i++) {
		assert_in_range(err_exit_code((enum err_code)i), 1, 8);
		assert_true(strlen(err_meaning((enum err_code)i)) > 8);
	}
}

static void
an_error_is_set_and_returned_in_one_statement(void **state)
{
	struct err err = {0};

	assert_int_equal(err_set(&err, ERR_BAD_URI, EINVAL, "no host in %d", 7),
		-EINVAL);
	assert_int_equal(err.code, ERR_BAD_URI);
	assert_int_equal(err.errnum, EINVAL);
	assert_string_equal(err.text, "no host in 7");
	assert_int_equal(err_set(NULL, ERR_BAD_URI, ENOENT, "x"), -ENOENT);
}

static void
a_long_text_is_cut_at_the_end_of_a_character(void **state)
{
	static const char *const characters[] = {
		"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x92\xbe"};

	for (size_t i = 0; i < ARRAY_SIZE(characters); i++)
		for (size_t front = 0; front < 5; front++) {
			char text[ERR_TEXT_MAX * 2] = "aaaa";
			size_t step = strlen(characters[i]);
			size_t expected = front + (ERR_TEXT_MAX - 1 - front) /
							  step * step;
			struct err err;

			for (size_t at = front; at + step < sizeof(text);
				at += step)
				strcpy(text + at, characters[i]);
			(void)err_set(&err, ERR_IO, EIO, "%s", text);
			assert_int_equal(strlen(err.text), expected);
			assert_memory_equal(err.text, text, expected);
		}
}

static void
a_text_that_just_fits_is_whole(void **state)
{
	char text[ERR_TEXT_MAX];
	struct err err;

	memset(text, 'a', sizeof(text));
	memcpy(text + ERR_TEXT_MAX - 3, "\xc3\xa4", 3);
	(void)err_set(&err, ERR_IO, EIO, "%s", text);
	assert_string_equal(err.text, text);
}

static void
a_whole_character_at_the_cut_stays(void **state)
{
	char text[ERR_TEXT_MAX + 8];
	struct err err;

	memset(text, 'a', sizeof(text));
	memcpy(text + ERR_TEXT_MAX - 3, "\xc3\xa4zz", 5);
	(void)err_set(&err, ERR_IO, EIO, "%s", text);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	assert_memory_equal(err.text, text, ERR_TEXT_MAX - 1);
}

static const struct {
	const char *dirty;
	const char *clean;
} cleanings[] = {
	{"", ""},
	{"plain text", "plain text"},
	{"a\nb\tc\rd", "a?b?c?d"},
	{"\x1b[31mred\x1b[0m", "?[31mred?[0m"},
	{"\x01\x1f\x7f", "???"},
	{"\xc2\x80\xc2\x9f", "????"}, /* C1 controls */
	{"\xc2\xa0", "\xc2\xa0"},
	{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	{"\xff\xfe", "??"},
	{"a\x80z", "a?z"},
	{"a\xc3", "a?"},
	{"a\xc3z", "a?z"},
	{"\xe2\x82", "??"},
	{"\xc0\xaf", "??"}, /* overlong */
	{"\xe0\x80\xaf", "???"},
	{"\xed\xa0\x80", "???"},      /* surrogate */
	{"\xf4\x90\x80\x80", "????"}, /* beyond U+10FFFF */
	{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
};

static void
control_characters_and_bad_utf8_are_replaced(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cleanings); i++) {
		char text[64];
		struct err err;

		strcpy(text, cleanings[i].dirty);
		err_clean_text(text);
		assert_string_equal(text, cleanings[i].clean);
		assert_true(utf8_is_valid(text, strlen(text)));
		(void)err_set(&err, ERR_IO, EIO, "%s", cleanings[i].dirty);
		assert_string_equal(err.text, cleanings[i].clean);
	}
}

static void
utf8_is_what_rfc_3629_says(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		bool is_valid;
	} cases[] = {
		{"", 0, true},
		{"a\0b", 3, true},
		{"\xc3\xa4", 2, true},
		{"\xc3\xa4", 1, false},
		{"\xc1\xbf", 2, false},
		{"\xdf\xbf", 2, true},
		{"\xe0\x9f\xbf", 3, false},
		{"\xe0\xa0\x80", 3, true},
		{"\xed\x9f\xbf", 3, true},
		{"\xed\xa0\x80", 3, false},
		{"\xed\xbf\xbf", 3, false},
		{"\xee\x80\x80", 3, true},
		{"\xef\xbf\xbf", 3, true},
		{"\xf0\x8f\xbf\xbf", 4, false},
		{"\xf0\x90\x80\x80", 4, true},
		{"\xf4\x8f\xbf\xbf", 4, true},
		{"\xf4\x90\x80\x80", 4, false},
		{"\xf5\x80\x80\x80", 4, false},
		{"\x80", 1, false},
		{"\xff", 1, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(utf8_is_valid(cases[i].text, cases[i].len),
			cases[i].is_valid);
}

/* Every code point has one encoding, and of three bytes nothing else passes. */
static void
of_all_sequences_only_the_code_points_are_valid(void **state)
{
	size_t valid = 0;

	for (unsigned bytes = 0xc00000; bytes <= 0xffffff; bytes++) {
		const char text[3] = {
			(char)(bytes >> 16), (char)(bytes >> 8), (char)bytes};

		valid += utf8_is_valid(text, sizeof(text));
	}
	/* Two bytes and an ASCII byte; three bytes without surrogates. */
	assert_int_equal(valid, 0x780 * 0x80 + 0xf800 - 0x800);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_slug_stands_for_one_error),
		cmocka_unit_test(a_slug_is_found_by_all_its_bytes_alone),
		cmocka_unit_test(each_number_stands_for_one_error),
		cmocka_unit_test(numbers_shared_with_vdsm_are_kept),
		cmocka_unit_test(every_error_has_an_exit_code_and_a_meaning),
		cmocka_unit_test(an_error_is_set_and_returned_in_one_statement),
		cmocka_unit_test(a_long_text_is_cut_at_the_end_of_a_character),
		cmocka_unit_test(a_text_that_just_fits_is_whole),
		cmocka_unit_test(a_whole_character_at_the_cut_stays),
		cmocka_unit_test(control_characters_and_bad_utf8_are_replaced),
		cmocka_unit_test(utf8_is_what_rfc_3629_says),
		cmocka_unit_test(
			of_all_sequences_only_the_code_points_are_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
