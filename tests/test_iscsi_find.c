/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_iscsi_find.c - which of the kernel's sessions is that of a URI.
 *
 * Runs in: the build, in a tree of files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/guard.h"
#include "tests/fake_sessions.h"
#include "worker/iscsi_find.h"

static struct uri
parse(const char *text)
{
	struct uri uri;
	struct err err = {0};

	if (uri_parse(text, strlen(text), &uri, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return uri;
}

static void
a_session_is_like_a_uri_when_all_but_the_host_is(void **state)
{
	static const struct {
		const char *uri;
		bool is_like;
	} cases[] = {
		{"iscsi://x/" FAKE_TARGET, true},
		{"iscsi://y:3260/" FAKE_TARGET "/5?tpgt=1&iface=default", true},
		{"iscsi://x:3261/" FAKE_TARGET, false},
		{"iscsi://x/" FAKE_TARGET "2", false},
		{"iscsi://x/iqn.2024-01.com.example:d", false},
		{"iscsi://x/" FAKE_TARGET "?tpgt=2", false},
		{"iscsi://x/" FAKE_TARGET "?iface=eth0", false},
	};
	struct iscsi_session session;

	fake_session_make(7);
	fake_session_set(7, "targetname", "IQN.2024-01.com.Example:DB\n");
	assert_int_equal(iscsi_session_read(7, &session), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct uri uri = parse(cases[i].uri);

		if (iscsi_is_like(&session, &uri) != cases[i].is_like)
			fail_msg("%s", cases[i].uri);
	}
}

static void
one_that_was_never_logged_in_to_is_like_none(void **state)
{
	struct uri uri = parse("iscsi://x/" FAKE_TARGET);
	struct iscsi_session session;

	fake_session_make(7);
	fake_session_set(7, "state", "FREE\n");
	assert_int_equal(iscsi_session_read(7, &session), 0);
	assert_false(iscsi_is_like(&session, &uri));
}

static void
a_session_is_found_by_its_address_however_that_is_spelled(void **state)
{
	static const struct {
		const char *shown;
		const char *asked;
		bool is_found;
	} cases[] = {
		{"192.0.2.7", "192.0.2.7", true},
		{"192.0.2.7", "192.0.2.70", false},
		{"2001:db8::7", "2001:db8::7", true},
		{"2001:db8:0:0:0:0:0:7", "2001:db8::7", true},
		{"2001:DB8::7", "2001:db8::7", true},
		{"2001:db8::8", "2001:db8::7", false},
		{"fe80::1%eth0", "fe80::1%eth0", true},
		{"fe80::1%eth1", "fe80::1%eth0", false},
	};
	struct uri uri = parse("iscsi://x/" FAKE_TARGET);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[80];

		(void)snprintf(text, sizeof(text), "%s\n", cases[i].shown);
		fake_session_make(7);
		fake_connection_set(7, "persistent_address", text);
		if (iscsi_find_session(&uri, cases[i].asked) !=
			(cases[i].is_found ? 8 : 0))
			fail_msg("%s", cases[i].shown);
	}
}

static void
of_several_sessions_the_one_to_that_portal_is_found(void **state)
{
	struct uri uri = parse("iscsi://x/" FAKE_TARGET "?tpgt=2");

	fake_session_make(1);
	fake_session_make(2);
	fake_session_set(2, "tpgt", "2\n");
	fake_session_make(3);
	fake_session_set(3, "tpgt", "2\n");
	fake_connection_set(3, "persistent_address", "192.0.2.8\n");
	assert_int_equal(iscsi_find_session(&uri, "192.0.2.7"), 3);
	assert_int_equal(iscsi_find_session(&uri, "192.0.2.8"), 4);
	assert_int_equal(iscsi_find_session(&uri, "192.0.2.9"), 0);
}

#define IN_TREE(test)                                                          \
	cmocka_unit_test_setup_teardown(test, tree_set_up, tree_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(a_session_is_like_a_uri_when_all_but_the_host_is),
		IN_TREE(one_that_was_never_logged_in_to_is_like_none),
		IN_TREE(a_session_is_found_by_its_address_however_that_is_spelled),
		IN_TREE(of_several_sessions_the_one_to_that_portal_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
