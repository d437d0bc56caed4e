/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_iscsiadm.c - running open-iscsi's command: a script stands in for it.
 *
 * Runs in: the build, in a tree of files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "common/guard.h"
#include "tests/tree.h"
#include "worker/iscsiadm.h"
#include "worker/iscsiadm_sysfs.h"
#include "worker/open_iscsi.h"

const struct open_iscsi open_iscsi = {.program = "./iscsiadm"};

static int sysfs_made;

/* In place of iscsiadm_sysfs.c, which fills a directory of the jail's. */
int
iscsiadm_sysfs_make(void)
{
	sysfs_made++;
	return -ENOENT;
}

/* Runs a script of these lines; words are its last one. */
static int
run(const char *script, char words[ISCSIADM_WORDS_MAX])
{
	static const char *const arguments[] = {
		"-m", "node", "two words", NULL};
	char text[1024];

	memset(words, 'x', ISCSIADM_WORDS_MAX);
	(void)snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	tree_write("iscsiadm", text);
	assert_int_equal(chmod("iscsiadm", 0755), 0);
	return iscsiadm_run(arguments, words);
}

static void
the_last_line_is_told_and_the_status(void **state)
{
	static const struct {
		const char *script;
		int status;
		const char *words;
	} cases[] = {
		{"", 0, ""},
		{"exit 15", 15, ""},
		{"echo one; echo two; exit 24", 24, "two"},
		{"echo one >&2; exit 3", 3, "one"},
		{"printf 'no end'", 0, "no end"},
		{"printf 'one\\n\\n\\n'", 0, "one"},
		{"echo 'iscsiadm: No session found.'; exit 21", 21,
			"No session found."},
		{"echo 'Login iscsiadm: failed'", 0, "Login iscsiadm: failed"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char words[ISCSIADM_WORDS_MAX];

		assert_int_equal(run(cases[i].script, words), cases[i].status);
		assert_string_equal(words, cases[i].words);
	}
}

static void
it_gets_its_arguments_one_by_one_and_its_own_name(void **state)
{
	char words[ISCSIADM_WORDS_MAX];

	assert_int_equal(run("echo \"$#:$1:$2:$3\"", words), 0);
	assert_string_equal(words, "3:-m:node:two words");
}

static void
its_environment_is_the_way_to_sysfs_alone(void **state)
{
	char words[ISCSIADM_WORDS_MAX];

	assert_int_equal(setenv("CANARY", "here", 1), 0);
	assert_int_equal(run("tr '\\0' ' ' < /proc/$$/environ", words), 0);
	assert_string_equal(words, "SYSFS_PATH=" ISCSIADM_SYSFS " ");
	assert_true(sysfs_made > 0);
}

static void
it_gets_none_of_our_descriptors(void **state)
{
	char words[ISCSIADM_WORDS_MAX];

	/* What make leaves open would be its own fault. */
	assert_int_equal(close_range(3, ~0u, CLOSE_RANGE_CLOEXEC), 0);
	assert_int_equal(run("cd /proc/$$/fd; echo *", words), 0);
	/* 3 is the directory; a shell has its script at 10 or above. */
	assert_memory_equal(words, "0 1 ", 4);
	assert_null(strstr(words, " 4"));
}

static void
more_than_the_buffer_holds_is_read_to_its_end(void **state)
{
	char words[ISCSIADM_WORDS_MAX];

	assert_int_equal(run("i=0; while [ $i -lt 3000 ]; do "
			     "echo \"line $i\"; i=$((i+1)); done; exit 8",
				 words),
		8);
	assert_string_equal(words, "line 2999");
}

/* It begins before the buffer is full and ends behind. */
static void
a_line_that_is_read_in_two_parts_is_whole(void **state)
{
	char words[ISCSIADM_WORDS_MAX];

	assert_int_equal(
		run("printf '%04080d\\nthe last line of all\\n' 0", words), 0);
	assert_string_equal(words, "the last line of all");
}

static void
a_line_without_end_is_cut(void **state)
{
	char words[ISCSIADM_WORDS_MAX];

	assert_int_equal(
		run("i=0; while [ $i -lt 3000 ]; do printf 0123456789; "
		    "i=$((i+1)); done",
			words),
		0);
	assert_int_equal(strlen(words), ISCSIADM_WORDS_MAX - 1);
}

static void
words_are_clean(void **state)
{
	char words[ISCSIADM_WORDS_MAX];

	assert_int_equal(run("printf 'a\\033[1mb\\377c\\tend\\n'", words), 0);
	assert_true(utf8_is_valid(words, strlen(words)));
	for (const char *at = words; *at; at++)
		assert_true((unsigned char)*at >= 0x20);
	assert_non_null(strstr(words, "end"));
}

static void
one_that_is_killed_has_no_status(void **state)
{
	char words[ISCSIADM_WORDS_MAX];

	assert_int_equal(run("echo begun; kill -9 $$", words), -EINTR);
	assert_string_equal(words, "begun");
}

static void
one_that_is_missing_says_so(void **state)
{
	static const char *const arguments[] = {NULL};
	char words[ISCSIADM_WORDS_MAX];

	assert_int_equal(iscsiadm_run(arguments, words), ISCSIADM_NOT_THERE);
	tree_write("iscsiadm", "#!/bin/sh\n");
	assert_int_equal(chmod("iscsiadm", 0644), 0);
	assert_int_equal(iscsiadm_run(arguments, words), ISCSIADM_NOT_THERE);
	assert_string_equal(words, "");
}

/* What cannot even be begun has no words, whatever stood there. */
static void
without_a_descriptor_there_are_no_words(void **state)
{
	static const char *const arguments[] = {NULL};
	char words[ISCSIADM_WORDS_MAX] = "of somebody else";
	struct rlimit limit, none;
	int result;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	result = iscsiadm_run(arguments, words);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(result, -EMFILE);
	assert_string_equal(words, "");
}

static void
each_failure_has_its_code(void **state)
{
	static const struct {
		int status;
		enum err_code code;
	} cases[] = {
		{ISCSIADM_AUTH_FAILED, ERR_AUTH_FAILED},
		{ISCSIADM_TRANSPORT, ERR_UNREACHABLE},
		/* As for -EINTR: it may yet have come to a session. */
		{ISCSIADM_DAEMON_WENT, ERR_INTERNAL},
		{ISCSIADM_TRANSPORT_TIMEOUT, ERR_TIMED_OUT},
		{ISCSIADM_PDU_TIMEOUT, ERR_TIMED_OUT},
		{ISCSIADM_REQUEST_TIMEOUT, ERR_TIMED_OUT},
		{ISCSIADM_NO_DAEMON, ERR_UNREACHABLE},
		{ISCSIADM_NO_TRANSPORT, ERR_UNSUPPORTED},
		{ISCSIADM_NOT_THERE, ERR_UNSUPPORTED},
		{ISCSIADM_LOGIN, ERR_LOGIN_FAILED},
		{ISCSIADM_FATAL_LOGIN, ERR_LOGIN_FAILED},
		{200, ERR_LOGIN_FAILED},
		/* It did not say how it went: a login may yet succeed. */
		{-EINTR, ERR_INTERNAL},
		{-EAGAIN, ERR_INTERNAL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = {0};

		assert_true(iscsiadm_say_failure("san1/iqn.x", cases[i].status,
				    "no", &err) < 0);
		if (err.code != cases[i].code)
			fail_msg("%d: %s", cases[i].status, err.text);
		assert_memory_equal(err.text, "san1/iqn.x: ", 12);
	}
}

static void
iscsid_is_there_when_somebody_listens(void **state)
{
	static const char name[] = "\0ISCSIADM_ABSTRACT_NAMESPACE";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct err err = {0};

	memcpy(address.sun_path, name, sizeof(name) - 1);
	/* Where a real one runs there is no other case to be seen. */
	if (bind(fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				sizeof(name) - 1)) == 0) {
		assert_true(iscsiadm_check_daemon(&err) < 0);
		assert_int_equal(err.code, ERR_UNREACHABLE);
		assert_int_equal(listen(fd, 1), 0);
	}
	assert_int_equal(iscsiadm_check_daemon(&err), 0);
}

#define IN_TREE(test)                                                          \
	cmocka_unit_test_setup_teardown(test, tree_set_up, tree_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(the_last_line_is_told_and_the_status),
		IN_TREE(it_gets_its_arguments_one_by_one_and_its_own_name),
		IN_TREE(its_environment_is_the_way_to_sysfs_alone),
		IN_TREE(it_gets_none_of_our_descriptors),
		IN_TREE(more_than_the_buffer_holds_is_read_to_its_end),
		IN_TREE(a_line_that_is_read_in_two_parts_is_whole),
		IN_TREE(a_line_without_end_is_cut),
		IN_TREE(words_are_clean),
		IN_TREE(one_that_is_killed_has_no_status),
		IN_TREE(one_that_is_missing_says_so),
		IN_TREE(without_a_descriptor_there_are_no_words),
		cmocka_unit_test(each_failure_has_its_code),
		cmocka_unit_test(iscsid_is_there_when_somebody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
