/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_iscsi_disconnect.c - what the iSCSI backend leaves behind, and what it
 * writes down for the next login.
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
#include "worker/iscsi_connect.h"
#include "worker/iscsi_record.h"
#include "worker/iscsiadm.h"
#include "worker/open_iscsi.h"

const struct open_iscsi open_iscsi = {.bases = {"var", "etc"}};

#define RECORD "var/nodes/" FAKE_TARGET "/192.0.2.7,3260,1/default"
#define OLD    "node.startup = automatic\n# END RECORD\n"

static struct {
	int logouts;
	int status; /* of a logout */
	bool daemon_is_away;
} host;

static struct uri uri;
static const struct iscsi_auth auth = {
	.username = "joe", .password = "canary of joe"};
static struct backend_target target;

int
iscsiadm_check_daemon(struct err *err)
{
	return host.daemon_is_away
		       ? err_set(err, ERR_UNREACHABLE, ECONNREFUSED, "away")
		       : 0;
}

int
iscsiadm_run(const char *const *arguments, char ret_words[ISCSIADM_WORDS_MAX])
{
	ret_words[0] = '\0';
	if (strcmp(arguments[1], "node") == 0) {
		tree_write(RECORD, "node.made = anew\n");
		return 0;
	}
	assert_string_equal(arguments[3], "7");
	assert_string_equal(arguments[4], "--logout");
	host.logouts++;
	if (host.status == ISCSIADM_OK)
		tree_remove("iscsi_session/session7");
	return host.status;
}

static int
set_up(void **state)
{
	static const char text[] = "iscsi://nas/" FAKE_TARGET;
	struct err err = {0};

	host.logouts = 0;
	host.status = ISCSIADM_OK;
	host.daemon_is_away = false;
	if (tree_set_up(state) != 0 || mkdir("var", 0755) < 0 ||
		uri_parse(text, strlen(text), &uri, &err) < 0)
		return -1;
	target = (struct backend_target){
		.uri = &uri, .source = text, .auth = &auth};
	return 0;
}

/* As after a login. */
static void
keep(void)
{
	struct err err = {0};

	fake_session_make(7);
	target.session = 8;
	if (iscsi_keep_credentials(&target, &err) != 0)
		fail_msg("%s", err.text);
}

static bool
record_has(const char *part)
{
	char text[4096];

	return tree_read(RECORD, text, sizeof(text)) >= 0 &&
	       strstr(text, part) != NULL;
}

static int
disconnect(void)
{
	struct err err = {0};

	return backend_iscsi.disconnect(&target, 0, &err);
}

static void
new_credentials_are_in_the_record_of_the_session(void **state)
{
	tree_write(RECORD, OLD);
	keep();
	assert_true(record_has("node.session.auth.password = canary of joe\n"));
	assert_true(record_has("node.conn[0].timeo.login_timeout = 15\n"));
	assert_true(record_has("node.startup = manual\n"));
	assert_int_equal(tree_mode(RECORD), 0600);
}

static void
a_record_that_somebody_removed_is_made_for_them(void **state)
{
	keep();
	assert_true(record_has("node.made = anew\n"));
	assert_true(record_has("node.session.auth.password = canary of joe\n"));
}

static void
without_the_session_they_are_kept_nowhere(void **state)
{
	static const struct {
		uint32_t session;
		const char *tpgt;
	} cases[] = {{0, "1\n"}, {9, "1\n"}, {8, "2\n"}};

	fake_session_make(7);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = {0};

		fake_session_set(7, "tpgt", cases[i].tpgt);
		target.session = cases[i].session;
		assert_int_equal(
			iscsi_keep_credentials(&target, &err), -ENOENT);
		assert_int_equal(err.code, ERR_VANISHED);
		assert_false(tree_has("var/nodes"));
	}
}

static void
a_logout_puts_the_record_back(void **state)
{
	tree_write(RECORD, OLD);
	keep();
	assert_int_equal(disconnect(), 0);
	assert_int_equal(host.logouts, 1);
	assert_true(record_has(OLD));
	assert_false(record_has("canary"));
}

static void
without_a_session_the_record_is_put_back_all_the_same(void **state)
{
	static const uint32_t sessions[] = {0, 8};

	for (size_t i = 0; i < ARRAY_SIZE(sessions); i++) {
		keep();
		tree_remove("iscsi_session/session7");
		target.session = sessions[i];
		host.daemon_is_away = true; /* it is not needed */
		assert_int_equal(disconnect(), 0);
		assert_false(tree_has("var/nodes/" FAKE_TARGET));
	}
	assert_int_equal(host.logouts, 0);
}

static void
a_session_of_that_number_that_is_another_s_is_left_alone(void **state)
{
	keep();
	fake_session_set(7, "targetname", FAKE_TARGET "2\n");
	assert_int_equal(disconnect(), 0);
	assert_int_equal(host.logouts, 0);
	assert_false(tree_has("var/nodes/" FAKE_TARGET));
}

static void
a_session_that_stays_keeps_its_record(void **state)
{
	keep();
	host.status = ISCSIADM_BUSY;
	assert_int_equal(disconnect(), -EBUSY);
	assert_true(record_has("canary of joe"));
	host.daemon_is_away = true;
	assert_int_equal(disconnect(), -ECONNREFUSED);
	assert_true(record_has("canary of joe"));
	assert_int_equal(host.logouts, 1);
}

#define IN_TREE(test)                                                          \
	cmocka_unit_test_setup_teardown(test, set_up, tree_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(new_credentials_are_in_the_record_of_the_session),
		IN_TREE(a_record_that_somebody_removed_is_made_for_them),
		IN_TREE(without_the_session_they_are_kept_nowhere),
		IN_TREE(a_logout_puts_the_record_back),
		IN_TREE(without_a_session_the_record_is_put_back_all_the_same),
		IN_TREE(a_session_of_that_number_that_is_another_s_is_left_alone),
		IN_TREE(a_session_that_stays_keeps_its_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
