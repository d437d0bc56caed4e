/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_credential_file.c - credentials on disk: whole, private, or not there.
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
#include "proto/uri.h"
#include "supervisor/credential.h"
#include "tests/tree.h"

#define URI   "iscsi://san1/iqn.2024-01.com.example:db"
#define OTHER "iscsi://san2/iqn.2024-01.com.example:db"
#define KEY   UINT64_C(0x00000000000abcde)
#define KEPT  "credentials/00000000000abcde"

static const struct credential inline_one = {
	.uid = 4000000000u, .auth = {"joe", "canary of joe", "", ""}};
static const struct credential inline_two = {
	.uid = 7, .auth = {"jim", "canary of jim", "array", "canary 3"}};
static const struct credential named = {
	.name = "san1", .uid = 7, .auth = {"joe", "canary of joe", "", ""}};

static int folder;

static int
set_up(void **state)
{
	if (tree_set_up(state) < 0)
		return -1;
	folder = credential_open_dir(".");
	return folder < 0 ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)close(folder);
	return tree_tear_down(state);
}

static void
stage(const struct credential *credential)
{
	assert_int_equal(credential_stage(folder, KEY, URI, credential), 0);
}

static void
keep(const struct credential *credential)
{
	stage(credential);
	assert_int_equal(credential_commit(folder, KEY), 0);
}

static int
load(struct credential *credential)
{
	memset(credential, 0, sizeof(*credential));
	return credential_load(folder, KEY, URI, credential);
}

static void
assert_loads(const struct credential *expected)
{
	struct credential found;

	assert_int_equal(load(&found), 0);
	assert_true(credential_is_same(&found, expected));
	assert_int_equal(found.uid, expected->uid);
}

static void
assert_loads_nothing(int result)
{
	struct credential found;

	assert_int_equal(load(&found), result);
	assert_string_equal(found.auth.password, "");
}

static void
what_is_kept_is_loaded(void **state)
{
	keep(&inline_one);
	assert_loads(&inline_one);
	keep(&inline_two);
	assert_loads(&inline_two);
}

static void
what_nobody_kept_is_not_there(void **state)
{
	assert_loads_nothing(-ENOENT);
}

static void
of_a_named_one_the_name_alone_is_kept(void **state)
{
	char text[1024];
	struct credential found;

	keep(&named);
	assert_true(tree_read(KEPT, text, sizeof(text)) > 0);
	assert_null(strstr(text, "canary"));
	assert_null(strstr(text, "joe"));
	assert_int_equal(load(&found), 0);
	assert_string_equal(found.name, "san1");
	assert_int_equal(found.uid, 7);
	assert_string_equal(found.auth.username, "");
}

static void
files_are_for_us_alone(void **state)
{
	mode_t mask = umask(0);

	stage(&inline_one);
	assert_int_equal(tree_mode(KEPT ".new"), 0600);
	assert_int_equal(credential_commit(folder, KEY), 0);
	assert_int_equal(tree_mode(KEPT), 0600);
	(void)umask(mask);
}

static void
the_directory_is_for_us_alone(void **state)
{
	mode_t mask = umask(0);
	cleanup_close int fd = -1;

	assert_int_equal(mkdir("state", 0755), 0);
	fd = credential_open_dir("state");
	(void)umask(mask);
	assert_true(fd >= 0);
	assert_int_equal(tree_mode("state/credentials"), 0700);
}

static void
a_link_in_place_of_the_directory_is_not_followed(void **state)
{
	assert_int_equal(mkdir("state", 0755), 0);
	assert_int_equal(mkdir("elsewhere", 0755), 0);
	assert_int_equal(symlink("../elsewhere", "state/credentials"), 0);
	assert_true(credential_open_dir("state") < 0);
	assert_true(credential_open_dir("nowhere") < 0);
}

static void
a_link_in_place_of_a_file_is_not_followed(void **state)
{
	keep(&inline_one);
	assert_int_equal(rename(KEPT, "elsewhere"), 0);
	assert_int_equal(symlink("../elsewhere", KEPT), 0);
	assert_loads_nothing(-ELOOP);
	keep(&inline_two);
	assert_loads(&inline_two);
}

static void
what_is_staged_leaves_the_current_ones_alone(void **state)
{
	char before[1024], after[1024];

	keep(&inline_one);
	assert_true(tree_read(KEPT, before, sizeof(before)) > 0);
	stage(&inline_two);
	assert_true(tree_read(KEPT, after, sizeof(after)) > 0);
	assert_string_equal(before, after);
}

static void
what_is_cancelled_has_never_been(void **state)
{
	keep(&inline_one);
	stage(&inline_two);
	credential_cancel(folder, KEY);
	assert_false(tree_has(KEPT ".new"));
	assert_int_equal(credential_commit(folder, KEY), -ENOENT);
	assert_loads(&inline_one);
	credential_cancel(folder, KEY);
}

static void
the_last_that_is_staged_counts(void **state)
{
	stage(&inline_one);
	keep(&inline_two);
	assert_loads(&inline_two);
}

/* It died between the store's commit and its own. */
static void
what_was_staged_before_a_crash_is_loaded(void **state)
{
	keep(&inline_one);
	stage(&inline_two);
	assert_loads(&inline_two);
	assert_false(tree_has(KEPT ".new"));
	assert_loads(&inline_two);
}

static void
half_a_file_of_a_crash_means_nothing(void **state)
{
	keep(&inline_one);
	tree_write(KEPT ".tmp", "uri = " URI "\nusername = jo");
	assert_loads(&inline_one);
	keep(&inline_two);
	assert_loads(&inline_two);
	assert_false(tree_has(KEPT ".tmp"));
}

static void
what_is_removed_leaves_nothing(void **state)
{
	keep(&inline_one);
	stage(&inline_two);
	credential_remove(folder, KEY);
	assert_false(tree_has(KEPT));
	assert_false(tree_has(KEPT ".new"));
	assert_loads_nothing(-ENOENT);
	credential_remove(folder, KEY);
}

static bool
is_key(uint64_t key, void *data)
{
	return key == KEY;
}

static void
what_belongs_to_no_connection_is_swept(void **state)
{
	static const char *const swept[] = {"credentials/00000000000abcdf",
		"credentials/00000000000abcdf.new",
		"credentials/00000000000abcdf.tmp",
		/* Of a write that a crash cut short, whoever's it was. */
		KEPT ".tmp"};
	static const char *const left[] = {
		KEPT, KEPT ".new", "credentials/README", "credentials/abc"};

	keep(&inline_one);
	stage(&inline_two);
	tree_write("credentials/README", "x");
	tree_write("credentials/abc", "x");
	for (size_t i = 0; i < ARRAY_SIZE(swept); i++)
		tree_write(swept[i], "canary");
	credential_sweep(folder, is_key, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(swept); i++)
		if (tree_has(swept[i]))
			fail_msg("%s is left", swept[i]);
	for (size_t i = 0; i < ARRAY_SIZE(left); i++)
		if (!tree_has(left[i]))
			fail_msg("%s is gone", left[i]);
}

static void
the_file_of_another_connection_with_that_key_is_not_ours(void **state)
{
	struct credential found = {.name = "as before"};

	keep(&inline_one);
	assert_int_equal(credential_load(folder, KEY, OTHER, &found), -EBADMSG);
	assert_string_equal(found.name, "as before");
}

/* What a damaged file may still give: all of it, as it was, or nothing. */
static void
check_damaged(const char *text, size_t len)
{
	struct credential found;

	tree_write_bytes(KEPT, text, len);
	if (load(&found) == 0) {
		assert_true(credential_is_same(&found, &inline_two));
		assert_int_equal(found.uid, inline_two.uid);
	} else {
		assert_string_equal(found.auth.password, "");
	}
}

static void
a_damaged_byte_never_makes_other_credentials(void **state)
{
	char text[1024];
	ssize_t len;

	keep(&inline_two);
	len = tree_read(KEPT, text, sizeof(text));
	assert_true(len > 0);
	for (ssize_t i = 0; i < len; i++) {
		char before = text[i];

		for (int bit = 0; bit < 8; bit++) {
			text[i] = (char)(before ^ 1 << bit);
			check_damaged(text, (size_t)len);
		}
		text[i] = '\0';
		check_damaged(text, (size_t)len);
		text[i] = '\n';
		check_damaged(text, (size_t)len);
		text[i] = before;
	}
}

static void
a_file_that_is_cut_or_longer_is_none(void **state)
{
	char text[1100];
	ssize_t len;

	keep(&inline_two);
	len = tree_read(KEPT, text, sizeof(text) - 10);
	assert_true(len > 0);
	for (ssize_t i = 0; i < len; i++) {
		tree_write_bytes(KEPT, text, (size_t)i);
		assert_loads_nothing(-EBADMSG);
	}
	(void)strcpy(text + len, "uid = 0\n");
	tree_write_bytes(KEPT, text, (size_t)len + 8);
	assert_loads_nothing(-EBADMSG);
}

static void
a_file_without_end_is_none(void **state)
{
	static char text[20000];

	memset(text, '#', sizeof(text));
	tree_write_bytes(KEPT, text, sizeof(text));
	assert_loads_nothing(-EBADMSG);
}

static void
the_longest_values_come_back_whole(void **state)
{
	struct credential longest = {.uid = UINT32_MAX};
	struct credential found = {0};
	char *const parts[] = {longest.auth.username, longest.auth.password,
		longest.auth.username_in, longest.auth.password_in};
	char uri[URI_MAX];

	memset(uri, 'u', sizeof(uri) - 1);
	uri[sizeof(uri) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		memset(parts[i], 'a' + (int)i, ISCSI_AUTH_SIZE - 1);
	assert_int_equal(credential_stage(folder, KEY, uri, &longest), 0);
	assert_int_equal(credential_load(folder, KEY, uri, &found), 0);
	assert_memory_equal(&found, &longest, sizeof(found));
}

static void
a_value_may_look_like_another_line(void **state)
{
	static const struct credential odd = {.uid = 1,
		.auth = {"crc = 0", "password = x", "# no comment",
			"= \"q\" "
			"="}};

	keep(&odd);
	assert_loads(&odd);
}

static void
without_a_directory_nothing_is_staged(void **state)
{
	assert_int_equal(rmdir("credentials"), 0);
	assert_true(credential_stage(folder, KEY, URI, &inline_one) < 0);
	assert_true(credential_commit(folder, KEY) < 0);
	assert_loads_nothing(-ENOENT);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(what_is_kept_is_loaded),
		IN_TREE(what_nobody_kept_is_not_there),
		IN_TREE(of_a_named_one_the_name_alone_is_kept),
		IN_TREE(files_are_for_us_alone),
		IN_TREE(the_directory_is_for_us_alone),
		IN_TREE(a_link_in_place_of_the_directory_is_not_followed),
		IN_TREE(a_link_in_place_of_a_file_is_not_followed),
		IN_TREE(what_is_staged_leaves_the_current_ones_alone),
		IN_TREE(what_is_cancelled_has_never_been),
		IN_TREE(the_last_that_is_staged_counts),
		IN_TREE(what_was_staged_before_a_crash_is_loaded),
		IN_TREE(half_a_file_of_a_crash_means_nothing),
		IN_TREE(what_is_removed_leaves_nothing),
		IN_TREE(what_belongs_to_no_connection_is_swept),
		IN_TREE(the_file_of_another_connection_with_that_key_is_not_ours),
		IN_TREE(a_damaged_byte_never_makes_other_credentials),
		IN_TREE(a_file_that_is_cut_or_longer_is_none),
		IN_TREE(a_file_without_end_is_none),
		IN_TREE(the_longest_values_come_back_whole),
		IN_TREE(a_value_may_look_like_another_line),
		IN_TREE(without_a_directory_nothing_is_staged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
