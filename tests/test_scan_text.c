/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_scan_text.c - the lines of /proc that a scanner reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/guard.h"
#include "worker/scan_text.h"

static void
escapes_are_undone(void **state)
{
	static const struct {
		const char *escaped;
		const char *plain;
	} cases[] = {
		{"/plain", "/plain"},
		{"/a\\040b", "/a b"},
		{"/a\\134040", "/a\\040"},
		{"\\012\\011\\043", "\n\t#"},
		{"/\\777", "/\\777"},
		{"/\\04", "/\\04"},
		{"/\\", "/\\"},
		{"/\\089", "/\\089"},
		{"/\\303\\244", "/\303\244"},
		{"", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[32];

		strcpy(text, cases[i].escaped);
		scan_unescape(text);
		assert_string_equal(text, cases[i].plain);
	}
}

static void
a_path_is_within_at_component_ends_only(void **state)
{
	assert_true(scan_is_within("/mnt/a", "/mnt/a"));
	assert_true(scan_is_within("/mnt/a/b", "/mnt/a"));
	assert_true(scan_is_within("/mnt/a/b (deleted)", "/mnt/a"));
	assert_false(scan_is_within("/mnt/ab", "/mnt/a"));
	assert_false(scan_is_within("/mnt", "/mnt/a"));
	assert_false(scan_is_within("socket:[1]", "/mnt/a"));
	assert_true(scan_is_below("/mnt/a/b", "/mnt/a"));
	assert_false(scan_is_below("/mnt/a", "/mnt/a"));
}

static void
a_mountinfo_line_is_taken_apart(void **state)
{
	char text[] = "36 35 0:52 /vms /run/a\\040b rw,nosuid shared:7 "
		      "master:9 - nfs4 nas1:/vms rw\n";
	struct mountinfo_line line;

	assert_true(scan_read_mountinfo(text, &line));
	assert_int_equal(line.id, 36);
	assert_int_equal(line.major, 0);
	assert_int_equal(line.minor, 52);
	assert_string_equal(line.path, "/run/a b");
	assert_int_equal(line.shared, 7);
	assert_int_equal(line.master, 9);
}

static void
a_mountinfo_line_may_have_no_groups(void **state)
{
	char text[] = "36 35 8:1 / / rw - ext4 /dev/sda1 rw\n";
	struct mountinfo_line line;

	assert_true(scan_read_mountinfo(text, &line));
	assert_string_equal(line.path, "/");
	assert_int_equal(line.shared, 0);
	assert_int_equal(line.master, 0);
}

static void
other_lines_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"36",
		"36 35 0:52 /vms /run",
		"36 35 0:52 /vms /run rw",
		"36 35 052 /vms /run rw - nfs4 nas1:/vms rw",
		"36 35 0:52 /vms /run rw shared:7",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct mountinfo_line line;
		char text[64];

		strcpy(text, texts[i]);
		assert_false(scan_read_mountinfo(text, &line));
	}
}

static void
a_mapping_has_a_path_or_none(void **state)
{
	char file[] = "7f00-7f01 r-xp 00000000 00:34 42    /mnt/a/my lib.so\n";
	char anonymous[] = "7f00-7f01 rw-p 00000000 00:00 0\n";
	char heap[] = "7f00-7f01 rw-p 00000000 00:00 0    [heap]\n";

	assert_string_equal(scan_read_mapping(file), "/mnt/a/my lib.so");
	assert_null(scan_read_mapping(anonymous));
	assert_null(scan_read_mapping(heap));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_are_undone),
		cmocka_unit_test(a_path_is_within_at_component_ends_only),
		cmocka_unit_test(a_mountinfo_line_is_taken_apart),
		cmocka_unit_test(a_mountinfo_line_may_have_no_groups),
		cmocka_unit_test(other_lines_are_refused),
		cmocka_unit_test(a_mapping_has_a_path_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
