/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_iscsi.c - iSCSI sessions and their disks, read from a fake sysfs.
 *
 * Runs in: the build.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/guard.h"
#include "common/iscsi.h"
#include "tests/fake_sessions.h"

static void
a_session_is_read_whole(void **state)
{
	struct iscsi_session session;

	fake_session_make(7);
	assert_int_equal(iscsi_session_read(7, &session), 0);
	assert_int_equal(session.number, 7);
	assert_string_equal(session.target, FAKE_TARGET);
	assert_string_equal(session.address, "192.0.2.7");
	assert_int_equal(session.port, 3260);
	assert_int_equal(session.tpgt, 1);
	assert_string_equal(session.iface, "default");
	assert_string_equal(session.state, "LOGGED_IN");
	assert_true(session.has_been_in);
	assert_true(iscsi_session_is_in(&session));
}

static void
a_session_that_is_not_there_is_enoent(void **state)
{
	struct iscsi_session session = {.number = 99};
	char text[ISCSI_STATE_SIZE];

	assert_int_equal(iscsi_session_read(7, &session), -ENOENT);
	assert_int_equal(session.number, 99);
	assert_int_equal(iscsi_session_read_state(7, text), -ENOENT);
}

/* As a session goes its files vanish one by one. */
static void
a_session_that_is_half_gone_is_enoent(void **state)
{
	static const char *const names[] = {"state", "targetname", "tpgt",
		"ifacename", "device/connection7:0", "device",
		"device/connection7:0/iscsi_connection/connection7:0/"
		"persistent_address",
		"device/connection7:0/iscsi_connection/connection7:0/"
		"persistent_port"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct iscsi_session session = {.number = 99};

		fake_session_make(7);
		fake_session_unset(7, names[i]);
		if (iscsi_session_read(7, &session) != -ENOENT)
			fail_msg("without %s", names[i]);
		assert_int_equal(session.number, 99);
	}
}

static void
a_number_that_is_none_is_enoent(void **state)
{
	static const char *const texts[] = {
		"", "\n", "x\n", "1x\n", "(null)\n"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct iscsi_session session;

		fake_session_make(7);
		fake_session_set(7, "tpgt", texts[i]);
		assert_int_equal(iscsi_session_read(7, &session), -ENOENT);
	}
}

static void
what_a_session_was_is_told_by_its_state_and_its_target(void **state)
{
	static const struct {
		const char *state;
		bool has_target;
		bool has_been_in;
		bool is_in;
	} cases[] = {
		{"LOGGED_IN\n", false, true, true},
		{"LOGGED_IN\n", true, true, true},
		{"FAILED\n", false, true, false},
		{"FAILED\n", true, true, false},
		/* Before the first login; and after a recovery given up. */
		{"FREE\n", false, false, false},
		{"FREE\n", true, true, false},
		{"INVALID\n", false, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct iscsi_session session;

		fake_session_unset(7, "");
		fake_session_make(7);
		fake_session_set(7, "state", cases[i].state);
		if (cases[i].has_target)
			fake_session_set(7, "device/target7:0:0/uevent", "");
		assert_int_equal(iscsi_session_read(7, &session), 0);
		if (session.has_been_in != cases[i].has_been_in ||
			iscsi_session_is_in(&session) != cases[i].is_in)
			fail_msg("case %zu", i);
	}
}

static void
an_ipv6_address_stands_without_brackets(void **state)
{
	struct iscsi_session session;

	fake_session_make(7);
	fake_connection_set(7, "persistent_address", "fe80::1%eth0\n");
	assert_int_equal(iscsi_session_read(7, &session), 0);
	assert_string_equal(session.address, "fe80::1%eth0");
}

static void
the_longest_name_of_a_target_is_read_whole(void **state)
{
	struct iscsi_session session;
	char name[ISCSI_NAME_SIZE + 1];

	(void)snprintf(name, sizeof(name), "iqn.2024-01.x:%0209d\n", 0);
	fake_session_make(7);
	fake_session_set(7, "targetname", name);
	assert_int_equal(iscsi_session_read(7, &session), 0);
	assert_int_equal(strlen(session.target), ISCSI_NAME_SIZE - 1);
}

static void
a_text_that_is_longer_than_any_is_cut(void **state)
{
	struct iscsi_session session;
	char text[600];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	fake_session_make(7);
	fake_session_set(7, "targetname", text);
	fake_session_set(7, "ifacename", text);
	fake_connection_set(7, "persistent_address", text);
	assert_int_equal(iscsi_session_read(7, &session), 0);
	assert_int_equal(strlen(session.target), ISCSI_NAME_SIZE - 1);
	assert_int_equal(strlen(session.iface), ISCSI_IFACE_SIZE - 1);
	assert_int_equal(strlen(session.address), ISCSI_ADDRESS_SIZE - 1);
}

static void
the_state_alone_is_read_without_its_line_end(void **state)
{
	char text[ISCSI_STATE_SIZE];

	fake_session_make(7);
	fake_session_set(7, "state", "FAILED\n");
	assert_int_equal(iscsi_session_read_state(7, text), 0);
	assert_string_equal(text, "FAILED");
}

struct seen {
	unsigned count;
	uint64_t numbers; /* 1 << each */
	unsigned most;
};

static bool
see(const struct iscsi_session *session, void *data)
{
	struct seen *seen = data;

	seen->numbers |= UINT64_C(1) << session->number;
	return ++seen->count < seen->most;
}

static void
each_session_is_handed_out_and_what_is_none_is_not(void **state)
{
	struct seen seen = {.most = 100};

	fake_session_make(3);
	fake_session_make(12);
	fake_session_make(20);
	fake_session_unset(12, "tpgt");
	tree_write("iscsi_session/session", "");
	tree_write("iscsi_session/sessionx/state", "LOGGED_IN\n");
	tree_write("iscsi_session/session-1/state", "LOGGED_IN\n");
	tree_write("iscsi_session/session536870912/state", "LOGGED_IN\n");
	assert_int_equal(iscsi_sessions_each(see, &seen), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.numbers, 1 << 3 | 1 << 20);
}

static void
whoever_has_seen_enough_sees_no_more(void **state)
{
	struct seen seen = {.most = 1};

	fake_session_make(3);
	fake_session_make(12);
	assert_int_equal(iscsi_sessions_each(see, &seen), 0);
	assert_int_equal(seen.count, 1);
}

static void
a_kernel_without_iscsi_has_no_sessions(void **state)
{
	struct seen seen = {.most = 100};

	assert_int_equal(iscsi_sessions_each(see, &seen), 0);
	assert_int_equal(seen.count, 0);
}

static void
a_class_that_cannot_be_read_is_an_error(void **state)
{
	struct seen seen = {.most = 100};

	tree_write("iscsi_session", "");
	assert_int_equal(iscsi_sessions_each(see, &seen), -ENOTDIR);
}

/* "LUN=NAME " of each. */
static void
write_disk(uint32_t lun, const char *name, void *data)
{
	char *text = data;
	size_t len = strlen(text);

	(void)snprintf(text + len, 256 - len, "%u=%s ", lun, name);
}

static void
a_disk_has_its_lun_and_its_name(void **state)
{
	char text[256] = "";

	fake_session_make(7);
	fake_unit_make(7, 3, "0\n", "sdc");
	assert_int_equal(iscsi_disks_each(7, write_disk, text), 0);
	assert_string_equal(text, "3=sdc ");
}

static void
a_disk_without_a_name_is_told_as_such(void **state)
{
	char text[256] = "";

	fake_session_make(7);
	fake_unit_make(7, 0, "0\n", "");
	assert_int_equal(iscsi_disks_each(7, write_disk, text), 0);
	assert_string_equal(text, "0= ");
}

static void
a_name_that_is_too_long_is_none(void **state)
{
	char text[256] = "";

	fake_session_make(7);
	fake_unit_make(7, 0, "0\n", "sd012345678901234567890123456789");
	assert_int_equal(iscsi_disks_each(7, write_disk, text), 0);
	assert_string_equal(text, "0= ");
}

static void
what_is_no_disk_is_left_out(void **state)
{
	static const char *const types[] = {
		"1\n", "3\n", "5\n", "8\n", "12\n", "13\n", "30\n", "31\n", ""};
	char text[256] = "";

	fake_session_make(7);
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		fake_unit_make(7, i, types[i], "st0");
	fake_unit_make(7, 40, "20\n", "sdz");
	fake_session_set(7, "device/target7:0:0/power/type", "0\n");
	assert_int_equal(iscsi_disks_each(7, write_disk, text), 0);
	assert_string_equal(text, "40=sdz ");
}

static void
disks_of_all_its_targets_are_told(void **state)
{
	char text[256] = "";

	fake_session_make(7);
	fake_unit_make(7, 0, "0\n", "sda");
	fake_session_set(7, "device/target7:0:1/7:0:1:5/type", "0\n");
	fake_session_set(7, "device/target7:0:1/7:0:1:5/block/sdb/size", "8\n");
	assert_int_equal(iscsi_disks_each(7, write_disk, text), 0);
	assert_non_null(strstr(text, "0=sda "));
	assert_non_null(strstr(text, "5=sdb "));
}

static void
a_session_without_a_target_has_no_disks(void **state)
{
	char text[256] = "";

	fake_session_make(7);
	assert_int_equal(iscsi_disks_each(7, write_disk, text), 0);
	assert_string_equal(text, "");
}

static void
a_session_that_is_gone_has_no_list_of_disks(void **state)
{
	char text[256] = "";

	assert_int_equal(iscsi_disks_each(7, write_disk, text), -ENOENT);
}

#define IN_TREE(test)                                                          \
	cmocka_unit_test_setup_teardown(test, tree_set_up, tree_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(a_session_is_read_whole),
		IN_TREE(a_session_that_is_not_there_is_enoent),
		IN_TREE(a_session_that_is_half_gone_is_enoent),
		IN_TREE(a_number_that_is_none_is_enoent),
		IN_TREE(what_a_session_was_is_told_by_its_state_and_its_target),
		IN_TREE(an_ipv6_address_stands_without_brackets),
		IN_TREE(the_longest_name_of_a_target_is_read_whole),
		IN_TREE(a_text_that_is_longer_than_any_is_cut),
		IN_TREE(the_state_alone_is_read_without_its_line_end),
		IN_TREE(each_session_is_handed_out_and_what_is_none_is_not),
		IN_TREE(whoever_has_seen_enough_sees_no_more),
		IN_TREE(a_kernel_without_iscsi_has_no_sessions),
		IN_TREE(a_class_that_cannot_be_read_is_an_error),
		IN_TREE(a_disk_has_its_lun_and_its_name),
		IN_TREE(a_disk_without_a_name_is_told_as_such),
		IN_TREE(a_name_that_is_too_long_is_none),
		IN_TREE(what_is_no_disk_is_left_out),
		IN_TREE(disks_of_all_its_targets_are_told),
		IN_TREE(a_session_without_a_target_has_no_disks),
		IN_TREE(a_session_that_is_gone_has_no_list_of_disks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
