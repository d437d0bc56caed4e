/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_scan_text.c - the lines of /proc and /sys that a scanner reads.
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
	assert_string_equal(line.root, "/vms");
	assert_string_equal(line.options, "rw,nosuid");
	assert_string_equal(line.type, "nfs4");
	assert_string_equal(line.source, "nas1:/vms");
	assert_string_equal(line.super_options, "rw");
}

static void
a_source_may_be_empty_and_have_blanks(void **state)
{
	char empty[] = "36 35 0:52 / /a rw - tmpfs  rw\n";
	char blank[] = "36 35 0:52 / /a rw - 9p a\\040b rw,x\\040y z\n";
	struct mountinfo_line line;

	assert_true(scan_read_mountinfo(empty, &line));
	assert_string_equal(line.source, "");
	assert_true(scan_read_mountinfo(blank, &line));
	assert_string_equal(line.source, "a b");
	assert_string_equal(line.super_options, "rw,x\\040y z");
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
		"36 35 0:52 /vms /run rw - nfs4",
		"36 35 0:52 /vms /run rw - nfs4 nas1:/vms",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct mountinfo_line line;
		char text[64];

		strcpy(text, texts[i]);
		assert_false(scan_read_mountinfo(text, &line));
	}
}

static void
a_mapping_has_a_file_or_is_none(void **state)
{
	char file[] = "7f00-7f01 r-xp 00000000 fd:1a 42    /mnt/a/my lib.so\n";
	char odd[] = "7f00-7f01 r-xp 00000000 fd 42    /mnt/a\n";
	char anonymous[] = "7f00-7f01 rw-p 00000000 00:00 0\n";
	char heap[] = "7f00-7f01 rw-p 00000000 00:00 0    [heap]\n";
	struct mapping_line line;

	assert_true(scan_read_mapping(file, &line));
	assert_string_equal(line.path, "/mnt/a/my lib.so");
	assert_int_equal(line.major, 0xfd);
	assert_int_equal(line.minor, 0x1a);
	assert_int_equal(line.inode, 42);
	assert_false(scan_read_mapping(odd, &line));
	assert_false(scan_read_mapping(anonymous, &line));
	assert_false(scan_read_mapping(heap, &line));
}

static void
a_swap_line_is_of_a_partition_or_a_file(void **state)
{
	char heading[] = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
	char partition[] = "/dev/sda2                               partition"
			   "\t1048572\t\t0\t\t-2\n";
	char file[] = "/srv/a\\040b file\t\t1048572\t\t0\t\t-2\n";
	char bare[] = "/dev/sda2";
	struct swap_line line;

	assert_false(scan_read_swap(heading, &line));
	assert_false(scan_read_swap(bare, &line));
	assert_true(scan_read_swap(partition, &line));
	assert_string_equal(line.path, "/dev/sda2");
	assert_true(line.is_partition);
	assert_true(scan_read_swap(file, &line));
	assert_string_equal(line.path, "/srv/a b");
	assert_false(line.is_partition);
}

static void
a_number_is_two_and_nothing_else(void **state)
{
	static const char *const bad[] = {
		"", "8", "8:", ":1", "8:1 ", "8:1\n", "a:b", "8-1"};
	uint32_t major = 7, minor = 7;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(scan_read_number(bad[i], &major, &minor));
	assert_int_equal(major, 7);
	assert_true(scan_read_number("259:1048575", &major, &minor));
	assert_int_equal(major, 259);
	assert_int_equal(minor, 1048575);
}

static void
a_field_has_its_key_and_a_number(void **state)
{
	uint64_t value = 7;

	assert_false(scan_read_field("mnt_id2:\t25", "mnt_id", 10, &value));
	assert_false(scan_read_field("mnt_id:\t", "mnt_id", 10, &value));
	assert_false(scan_read_field("mnt_id:\t25x", "mnt_id", 10, &value));
	assert_int_equal(value, 7);
	assert_true(scan_read_field("mnt_id:\t25\n", "mnt_id", 10, &value));
	assert_int_equal(value, 25);
	assert_true(scan_read_field("flags:\t0100002", "flags", 8, &value));
	assert_int_equal(value, 0100002);
}

static void
a_word_of_a_list_is_a_whole_one(void **state)
{
	assert_true(scan_has_word("nodev", "nodev"));
	assert_true(scan_has_word("rw,nodev,noexec", "nodev"));
	assert_true(scan_has_word("rw,nodev", "nodev"));
	assert_false(scan_has_word("rw,nodevice,xnodev", "nodev"));
	assert_false(scan_has_word("", "nodev"));
}

static void
a_deleted_path_loses_its_mark(void **state)
{
	char deleted[] = "/dev/sda (deleted)";
	char plain[] = "/dev/sda";
	char mark[] = " (deleted)";

	scan_strip_deleted(deleted);
	assert_string_equal(deleted, "/dev/sda");
	scan_strip_deleted(plain);
	assert_string_equal(plain, "/dev/sda");
	scan_strip_deleted(mark);
	assert_string_equal(mark, " (deleted)");
}

static void
a_device_name_stands_behind_the_last_dev(void **state)
{
	assert_string_equal(scan_device_name("/dev/sda"), "sda");
	assert_string_equal(scan_device_name("/host/dev/mapper/x"), "mapper/x");
	assert_string_equal(scan_device_name("/dev/dev/sda"), "sda");
	assert_null(scan_device_name("/dev/"));
	assert_null(scan_device_name("/device/sda"));
	assert_null(scan_device_name("dev/sda"));
	assert_null(scan_device_name(""));
}

static void
devices_are_picked_from_a_list(void **state)
{
	static const struct {
		const char *list;
		const char *paths[4];
	} cases[] = {
		{"/dev/sda", {"/dev/sda"}},
		{"/dev/sda:/dev/sdb", {"/dev/sda", "/dev/sdb"}},
		{"rw,logdev=/dev/sdb,rtdev=/dev/sdc,x",
			{"/dev/sdb", "/dev/sdc"}},
		{"/dev/disk/by-path/ip-10.0.0.1:3260-lun-1,x",
			{"/dev/disk/by-path/ip-10.0.0.1:3260-lun-1"}},
		{"rw,lowerdir=/srv/dev/sda", {NULL}},
		{"", {NULL}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[64];
		char *rest = text;

		strcpy(text, cases[i].list);
		for (size_t j = 0; cases[i].paths[j]; j++)
			assert_string_equal(
				scan_next_device(&rest), cases[i].paths[j]);
		assert_null(scan_next_device(&rest));
		assert_null(scan_next_device(&rest));
	}
}

static void
a_journal_is_named_for_its_device(void **state)
{
	assert_true(scan_is_named_for("sda1", "sda1"));
	assert_true(scan_is_named_for("sda1-8", "sda1"));
	assert_false(scan_is_named_for("sda10", "sda1"));
	assert_false(scan_is_named_for("sda1-", "sda1"));
	assert_false(scan_is_named_for("sda1-x", "sda1"));
	assert_false(scan_is_named_for("sda", "sda1"));
	assert_false(scan_is_named_for("dm-10", "dm-1"));
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
		cmocka_unit_test(a_source_may_be_empty_and_have_blanks),
		cmocka_unit_test(a_mapping_has_a_file_or_is_none),
		cmocka_unit_test(a_swap_line_is_of_a_partition_or_a_file),
		cmocka_unit_test(a_number_is_two_and_nothing_else),
		cmocka_unit_test(a_field_has_its_key_and_a_number),
		cmocka_unit_test(a_word_of_a_list_is_a_whole_one),
		cmocka_unit_test(a_deleted_path_loses_its_mark),
		cmocka_unit_test(a_device_name_stands_behind_the_last_dev),
		cmocka_unit_test(devices_are_picked_from_a_list),
		cmocka_unit_test(a_journal_is_named_for_its_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
