/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_credential.c - credentials: what is refused, and text that names them.
 *
 * Runs in: the build, in a tree of files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <pwd.h>

#include <cmocka.h>

#include "common/guard.h"
#include "supervisor/credential.h"
#include "supervisor/credential_text.h"
#include "tests/tree.h"

/* In every secret here; in no error text. */
#define CANARY "canary"

static void
assert_keeps_secrets(const struct err *err)
{
	if (strstr(err->text, CANARY))
		fail_msg("a secret in: %s", err->text);
}

static char alpha[8], beta[8];
static const struct credential_field fields[] = {
	{"alpha", alpha, sizeof(alpha)},
	{"beta", beta, sizeof(beta)},
};

static int
read_text(const char *text)
{
	(void)strcpy(alpha, "before");
	(void)strcpy(beta, "before");
	return credential_text_read(text, fields, ARRAY_SIZE(fields));
}

static void
lines_are_read_however_they_are_spaced(void **state)
{
	static const struct {
		const char *text;
		const char *alpha;
		const char *beta;
	} cases[] = {
		{"", "before", "before"},
		{"alpha = one\nbeta = two\n", "one", "two"},
		{"beta=two", "before", "two"},
		{"\n\n  \t\n# x\n  # beta = 1\nalpha=one\r\n", "one", "before"},
		{" \talpha\t = \t o n e \t\r\n", "o n e", "before"},
		{"alpha = #one\nbeta = \"two\"\n", "#one", "\"two\""},
		{"alpha = a=b\nbeta ==\n", "a=b", "="},
		{"alpha = 1234567\n", "1234567", "before"},
		{"alpha = \xc3\xa4\n", "\xc3\xa4", "before"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(read_text(cases[i].text), 0);
		assert_string_equal(alpha, cases[i].alpha);
		assert_string_equal(beta, cases[i].beta);
	}
}

static void
a_line_that_is_none_is_told_by_its_number(void **state)
{
	static const struct {
		const char *text;
		int line;
	} cases[] = {
		{"alpha\n", 1},
		{"\n# x\nnonsense", 3},
		{"gamma = 1\n", 1},
		{"alph = 1\n", 1},
		{"alphaa = 1\n", 1},
		{"Alpha = 1\n", 1},
		{" = 1\n", 1},
		{"=\n", 1},
		{"alpha = 1\nalpha = 1\n", 2},
		{"alpha =\n", 1},
		{"alpha = \t \r\n", 1},
		{"alpha = 12345678\n", 1},
		{"alpha = a\tb\n", 1},
		{"alpha = a\rb\n", 1},
		{"alpha = a\x7f\n", 1},
		{"alpha = a\x1b\n", 1},
		{"alpha = \xff\n", 1},
		{"alpha = \xc3\n", 1},
		{"alpha = 1\nbeta = 2\nalpha beta = 3\n", 3},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (read_text(cases[i].text) != cases[i].line)
			fail_msg("%s", cases[i].text);
}

static void
a_name_is_that_of_a_file(void **state)
{
	static const char *const names[] = {"a", "san1", "San-1_a.b", "-", "_",
		"0123456789012345678901234567890123456789012345678901234567890"
		"123"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct err err;

		assert_int_equal(
			credential_check_name(names[i], strlen(names[i]), &err),
			0);
	}
}

static void
a_name_that_could_lead_elsewhere_is_refused(void **state)
{
	static const struct {
		const char *name;
		size_t len;
	} cases[] = {
		{"", 0},
		{".", 1},
		{"..", 2},
		{".x", 2},
		{"a/b", 3},
		{"/a", 2},
		{"../a", 4},
		{"a b", 3},
		{"a\0b", 3},
		{"a\n", 2},
		{"\xc3\xa4", 2},
		{"a~", 2},
		{"0123456789012345678901234567890123456789012345678901234567890"
		 "1234",
			65},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = {0};

		if (credential_check_name(cases[i].name, cases[i].len, &err) !=
			-EINVAL)
			fail_msg("%s", cases[i].name);
		assert_int_equal(err.code, ERR_BAD_OPTION);
	}
}

static void
credentials_are_one_way_or_mutual(void **state)
{
	static const struct iscsi_auth good[] = {
		{.username = "u", .password = "p"},
		{"u", "p", "v", "q"},
		{"u", "p", "u", "q"},
		{"u u", "p = # \" p", "", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct err err;

		assert_int_equal(credential_check_auth(&good[i], &err), 0);
	}
}

static void
credentials_that_no_login_can_use_are_refused(void **state)
{
	static const struct iscsi_auth bad[] = {
		{.username = ""},
		{.username = CANARY},
		{.password = CANARY},
		{.username_in = CANARY, .password_in = CANARY "2"},
		{CANARY, CANARY, CANARY, ""},
		{CANARY, CANARY, "", CANARY},
		{" " CANARY, CANARY, "", ""},
		{CANARY " ", CANARY, "", ""},
		{CANARY, " " CANARY, "", ""},
		{CANARY, CANARY " ", "", ""},
		{CANARY, CANARY, " " CANARY, CANARY "2"},
		{CANARY, CANARY, CANARY, CANARY "2 "},
		/* An answer of ours could be sent back to us. */
		{CANARY, CANARY, CANARY, CANARY},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = {0};

		if (credential_check_auth(&bad[i], &err) != -EINVAL)
			fail_msg("case %zu", i);
		assert_int_equal(err.code, ERR_BAD_OPTION);
		assert_keeps_secrets(&err);
	}
}

static int
read_named(const char *text, size_t len, uid_t uid, struct iscsi_auth *auth,
	struct err *err)
{
	cleanup_close int fd = -1;

	tree_write_bytes("san1", text, len);
	fd = open("san1", O_RDONLY | O_CLOEXEC);
	return credential_read_named(fd, "san1", uid, auth, err);
}

static void
a_named_file_is_read(void **state)
{
	static const char text[] = "# of the array in hall 2\n"
				   "username = joe\n"
				   "password = " CANARY " 1\n"
				   "\n"
				   "username_in = array\n"
				   "password_in = " CANARY " 2\n";
	struct iscsi_auth auth;
	struct err err = {0};

	assert_int_equal(read_named(text, strlen(text), 0, &auth, &err), 0);
	assert_string_equal(auth.username, "joe");
	assert_string_equal(auth.password, CANARY " 1");
	assert_string_equal(auth.username_in, "array");
	assert_string_equal(auth.password_in, CANARY " 2");
}

#define GOOD "username = joe\npassword = " CANARY "\n"

static void
a_named_file_that_is_not_as_it_should_be_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *part;
	} cases[] = {
		{"", "belong together"},
		{"username = joe\n", "belong together"},
		{"password = " CANARY "\n", "belong together"},
		{GOOD "username_in = x\n", "belong together"},
		{GOOD "username_in = x\npassword_in = " CANARY "\n", "same"},
		{GOOD "pasword_in = " CANARY "\n", "line 3"},
		{GOOD CANARY "\n", "line 3"},
		{GOOD "password = " CANARY "\n", "line 3"},
		{"username = joe\npassword =\n", "line 2"},
		{"username = joe\npassword = " CANARY "\xff\n", "line 2"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct iscsi_auth auth = {.username = "as before"};
		struct err err = {0};

		if (read_named(cases[i].text, strlen(cases[i].text), 0, &auth,
			    &err) >= 0)
			fail_msg("taken: %s", cases[i].text);
		assert_int_equal(err.code, ERR_BAD_OPTION);
		if (!strstr(err.text, cases[i].part) ||
			!strstr(err.text, "\"san1\""))
			fail_msg("%s", err.text);
		assert_keeps_secrets(&err);
		assert_string_equal(auth.username, "as before");
	}
}

static void
a_named_file_with_a_nul_in_it_is_refused(void **state)
{
	static const char text[] = GOOD "\0users = *\n";
	struct iscsi_auth auth;
	struct err err = {0};

	assert_true(read_named(text, sizeof(text) - 1, 0, &auth, &err) < 0);
	assert_int_equal(err.code, ERR_BAD_OPTION);
	assert_non_null(strstr(err.text, "NUL"));
}

static void
a_named_file_that_is_too_long_is_refused(void **state)
{
	char text[CREDENTIAL_TEXT_SIZE];
	struct iscsi_auth auth;
	struct err err = {0};

	memset(text, '\n', sizeof(text));
	memcpy(text, GOOD, strlen(GOOD));
	assert_int_equal(read_named(text, sizeof(text) - 1, 0, &auth, &err), 0);
	assert_int_equal(
		read_named(text, sizeof(text), 0, &auth, &err), -EFBIG);
	assert_int_equal(err.code, ERR_BAD_OPTION);
}

static void
a_named_file_that_cannot_be_read_is_refused(void **state)
{
	struct iscsi_auth auth;
	struct err err = {0};
	cleanup_close int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(credential_read_named(fd, "san1", 0, &auth, &err) < 0);
	assert_int_equal(err.code, ERR_BAD_OPTION);
}

static void
values_of_255_bytes_are_taken_and_longer_ones_are_not(void **state)
{
	for (int len = 255; len <= 256; len++) {
		char text[600];
		struct iscsi_auth auth;
		struct err err = {0};

		(void)snprintf(text, sizeof(text),
			"username = %0*d\npassword = %0*d\n", len, 1, len, 2);
		assert_int_equal(
			read_named(text, strlen(text), 0, &auth, &err) == 0,
			len == 255);
	}
}

/* Anybody but root, of /etc/passwd. */
static const struct passwd *
find_user(void)
{
	const struct passwd *user;

	while ((user = getpwent()))
		if (user->pw_uid != 0)
			break;
	assert_non_null(user);
	return user;
}

static void
who_may_use_a_named_file_stands_in_it(void **state)
{
	const struct passwd *user = find_user();
	const uid_t nobody_has = 3999999999u;
	char number[16], part[64];
	const char *const name = user->pw_name;
	const struct {
		const char *parts[3]; /* of the line */
		uid_t uid;
		bool may;
	} cases[] = {
		{{"", "", ""}, 0, true},
		{{"users = nosuchuser", "", "\n"}, 0, true},
		{{"", "", ""}, user->pw_uid, false},
		{{"users = root", "", "\n"}, user->pw_uid, false},
		{{"users = nosuchuser,root", "", "\n"}, user->pw_uid, false},
		{{"users = ", name, "\n"}, user->pw_uid, true},
		{{"users = ", number, "\n"}, user->pw_uid, true},
		{{"users = root ", name, "\n"}, user->pw_uid, true},
		{{"users = root, ", name, " ,x\n"}, user->pw_uid, true},
		{{"users = root\n#\n", "", ""}, user->pw_uid, false},
		{{"users = ,,", number, ""}, user->pw_uid, true},
		{{"users = ", name, "x\n"}, user->pw_uid, false},
		{{"users = x", name, "\n"}, user->pw_uid, false},
		{{"users = ", part, "\n"}, user->pw_uid, false},
		{{"users = 1", number, "\n"}, user->pw_uid, false},
		{{"users = 0", number, "\n"}, user->pw_uid, false},
		{{"users = ", number, "0\n"}, user->pw_uid, false},
		{{"users = *", "", "\n"}, user->pw_uid, false},
		/* One that has no name. */
		{{"users = ", name, "\n"}, nobody_has, false},
		{{"users = 3999999999", "", "\n"}, nobody_has, true},
	};

	(void)snprintf(number, sizeof(number), "%u", (unsigned)user->pw_uid);
	(void)snprintf(part, sizeof(part), "%.*s", (int)strlen(name) - 1, name);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[512];
		struct iscsi_auth auth = {.username = "as before"};
		struct err err = {0};
		int result;

		(void)snprintf(text, sizeof(text), GOOD "%s%s%s",
			cases[i].parts[0], cases[i].parts[1],
			cases[i].parts[2]);
		result = read_named(
			text, strlen(text), cases[i].uid, &auth, &err);
		if ((result == 0) != cases[i].may)
			fail_msg("case %zu: %s", i, text);
		if (cases[i].may)
			continue;
		assert_int_equal(err.code, ERR_DENIED);
		assert_string_equal(auth.username, "as before");
		assert_keeps_secrets(&err);
	}
}

static void
two_credentials_are_the_same_when_name_and_secrets_are(void **state)
{
	const struct credential one = {
		.name = "san1", .uid = 1, .auth = {"u", "p", "v", "q"}};
	struct credential other = one;

	other.uid = 2;
	assert_true(credential_is_same(&one, &other));
	for (int i = 0; i < 5; i++) {
		char *const parts[] = {other.name, other.auth.username,
			other.auth.password, other.auth.username_in,
			other.auth.password_in};

		other = one;
		parts[i][0] = 'x';
		assert_false(credential_is_same(&one, &other));
	}
}

#define IN_TREE(test)                                                          \
	cmocka_unit_test_setup_teardown(test, tree_set_up, tree_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_however_they_are_spaced),
		cmocka_unit_test(a_line_that_is_none_is_told_by_its_number),
		cmocka_unit_test(a_name_is_that_of_a_file),
		cmocka_unit_test(a_name_that_could_lead_elsewhere_is_refused),
		cmocka_unit_test(credentials_are_one_way_or_mutual),
		cmocka_unit_test(credentials_that_no_login_can_use_are_refused),
		IN_TREE(a_named_file_is_read),
		IN_TREE(a_named_file_that_is_not_as_it_should_be_is_refused),
		IN_TREE(a_named_file_with_a_nul_in_it_is_refused),
		IN_TREE(a_named_file_that_is_too_long_is_refused),
		IN_TREE(a_named_file_that_cannot_be_read_is_refused),
		IN_TREE(values_of_255_bytes_are_taken_and_longer_ones_are_not),
		IN_TREE(who_may_use_a_named_file_stands_in_it),
		cmocka_unit_test(
			two_credentials_are_the_same_when_name_and_secrets_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
