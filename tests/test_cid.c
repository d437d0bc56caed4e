/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_cid.c - what a connection ID may be.
 *
 * Runs in: the build.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/guard.h"
#include "proto/cid.h"

static void
names_that_people_use_are_taken(void **state)
{
	static const char *const taken[] = {
		"a",
		"ENGINE_FLOW101_CON1",
		"vm store",
		".x",
		"...",
		"speicher-\xc3\xa4",
		"\xf0\x9f\x92\xbe",
		"a\\b",
	};
	char longest[CID_MAX];
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		assert_int_equal(
			cid_check(taken[i], strlen(taken[i]), &err), 0);
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(cid_check(longest, sizeof(longest), &err), 0);
}

static const struct {
	const char *cid;
	size_t len;
	const char *part;
} refused[] = {
	{"", 0, "empty"}, {".", 1, "\".\""}, {"..", 2, "\"..\""},
	{"a/b", 3, "\"/\""}, {"unmanaged/nfs_1", 15, "\"/\""},
	{"a\0b", 3, "control"}, {"a\nb", 3, "control"}, {"a\x7f", 2, "control"},
	{"\xc2\x85", 2, "control"},			/* C1: next line */
	{"\xff", 1, "UTF-8"}, {"\xc0\xaf", 2, "UTF-8"}, /* overlong "/" */
	{"\xed\xa0\x80", 3, "UTF-8"},			/* surrogate */
	{"\xe2\x82", 2, "UTF-8"},			/* cut */
};

static void
others_are_refused_with_the_reason(void **state)
{
	char over_long[CID_MAX + 1];
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		assert_true(
			cid_check(refused[i].cid, refused[i].len, &err) < 0);
		assert_int_equal(err.code, ERR_BAD_CID);
		if (!strstr(err.text, refused[i].part))
			fail_msg("row %zu: %s", i, err.text);
	}
	memset(over_long, 'x', sizeof(over_long));
	assert_true(cid_check(over_long, sizeof(over_long), &err) < 0);
	assert_non_null(strstr(err.text, "255"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_people_use_are_taken),
		cmocka_unit_test(others_are_refused_with_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
