/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_iscsi_record.c - node records of open-iscsi: ours, an administrator's,
 * and those that are no records.
 *
 * Runs in: the build, in a tree of files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "common/guard.h"
#include "common/hash.h"
#include "tests/tree.h"
#include "worker/iscsi_record.h"
#include "worker/iscsiadm.h"
#include "worker/open_iscsi.h"

const struct open_iscsi open_iscsi = {.bases = {"var", "etc"}};

#define TARGET	 "iqn.2024-01.com.example:db"
#define PLACE	 "/nodes/" TARGET "/192.0.2.7,3260,1/default"
#define IN_VAR	 "var" PLACE
#define IN_ETC	 "etc" PLACE
#define TEXT_MAX 70000
#define OWNER	 "iscsi://nas/" TARGET
#define OTHER	 "iscsi://192.0.2.7/" TARGET

/* As open-iscsi 2.1.8 writes one: in part. */
#define HEAD                                                                   \
	"# BEGIN RECORD 2.1.8\n"                                               \
	"node.name = " TARGET "\n"                                             \
	"node.tpgt = 1\n"                                                      \
	"node.startup = automatic\n"                                           \
	"node.leading_login = No\n"                                            \
	"iface.iscsi_ifacename = default\n"                                    \
	"iface.transport_name = tcp\n"                                         \
	"node.discovery_type = static\n"                                       \
	"node.session.initial_cmdsn = 0\n"                                     \
	"node.session.initial_login_retry_max = 8\n"                           \
	"node.session.cmds_max = 128\n"                                        \
	"node.session.nr_sessions = 1\n"
#define TAIL                                                                   \
	"node.session.timeo.replacement_timeout = 120\n"                       \
	"node.conn[0].address = 192.0.2.7\n"                                   \
	"node.conn[0].port = 3260\n"                                           \
	"node.conn[0].startup = manual\n"                                      \
	"node.conn[0].timeo.login_timeout = 15\n"                              \
	"node.conn[0].iscsi.HeaderDigest = None\n"                             \
	"# END RECORD\n"
#define WITHOUT_CHAP HEAD "node.session.auth.authmethod = None\n" TAIL
#define WITH_CHAP                                                              \
	HEAD "node.session.auth.authmethod = CHAP\n"                           \
	     "node.session.auth.username = admin\n"                            \
	     "node.session.auth.password = of the admin\n"                     \
	     "node.session.auth.username_in = theirs\n"                        \
	     "node.session.auth.password_in = of the target\n"                 \
	     "node.session.auth.chap_algs = MD5\n" TAIL

static const struct iscsi_node node = {
	.target = TARGET,
	.address = "192.0.2.7",
	.port = 3260,
	.tpgt = 1,
	.iface = "default",
};
static const struct iscsi_auth nothing;
static const struct iscsi_auth one_way = {
	.username = "joe", .password = "canary of joe"};
static const struct iscsi_auth mutual = {
	.username = "joe",
	.password = "canary of joe",
	.username_in = "target",
	.password_in = "canary of the target",
};

/* What iscsiadm would do, and how often it was asked to. */
static struct {
	const char *text;
	const char *path;
	int status;
	int runs;
} iscsiadm;

/*
 * What is done to the disk, in the order of it. With countdown not below 0 the
 * process ends by SIGKILL when that many steps are done.
 */
static struct {
	char log[1024];
	int countdown;
} steps;

static void
step(const char *what)
{
	size_t len = strlen(steps.log);

	if (steps.countdown == 0)
		(void)raise(SIGKILL);
	if (steps.countdown > 0)
		steps.countdown--;
	(void)snprintf(steps.log + len, sizeof(steps.log) - len, " %s", what);
}

int
fsync(int fd)
{
	struct stat stat = {0};

	(void)fstat(fd, &stat);
	step(S_ISDIR(stat.st_mode) ? "sync-dir" : "sync");
	return (int)syscall(SYS_fsync, fd);
}

int
rename(const char *from, const char *to)
{
	step(strstr(to, ".holdfast") ? "rename-sidecar" : "rename-record");
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int
unlink(const char *path)
{
	/* Most of them are not there. */
	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
		!strstr(path, "lock"))
		step(strstr(path, ".holdfast") ? "unlink-sidecar"
					       : "unlink-record");
	return unlinkat(AT_FDCWD, path, 0);
}

int
rmdir(const char *path)
{
	step("rmdir");
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int
iscsiadm_run(const char *const *arguments, char ret_words[ISCSIADM_WORDS_MAX])
{
	static const char *const expected[] = {"-m", "node", "-o", "new", "-T",
		TARGET, "-p", "192.0.2.7:3260,1", "-I", "default"};

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_string_equal(arguments[i], expected[i]);
	assert_null(arguments[ARRAY_SIZE(expected)]);
	iscsiadm.runs++;
	(void)snprintf(ret_words, ISCSIADM_WORDS_MAX, "no such iface");
	step("iscsiadm");
	if (iscsiadm.status == 0 && iscsiadm.text) {
		tree_write_bytes(iscsiadm.path, iscsiadm.text,
			strlen(iscsiadm.text) / 2);
		step("iscsiadm-half");
		tree_write(iscsiadm.path, iscsiadm.text);
	}
	return iscsiadm.status;
}

static int
set_up(void **state)
{
	iscsiadm.text = WITHOUT_CHAP;
	iscsiadm.path = IN_VAR;
	iscsiadm.status = 0;
	iscsiadm.runs = 0;
	steps.log[0] = '\0';
	steps.countdown = -1;
	if (tree_set_up(state) != 0)
		return -1;
	return mkdir("var", 0755) < 0 || mkdir("etc", 0755) < 0;
}

/* The record's text. */
static const char *
text_of(const char *path)
{
	static char text[TEXT_MAX];

	assert_true(tree_read(path, text, sizeof(text)) >= 0);
	return text;
}

static unsigned
count(const char *text, const char *part)
{
	unsigned found = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		found++;
	return found;
}

static void
assert_has_line(const char *path, const char *line)
{
	char wanted[512];
	const char *text = text_of(path);

	(void)snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	if (count(text, wanted) != 1)
		fail_msg("\"%s\" stands there %u times in\n%s", line,
			count(text, wanted), text);
}

static struct iscsi_auth
ensure_for(const char *owner_uri)
{
	struct iscsi_auth auth;
	struct err err = {0};

	memset(&auth, 'x', sizeof(auth));
	if (iscsi_record_ensure(&node, owner_uri, &auth, &err) != 0)
		fail_msg("%s", err.text);
	return auth;
}

static struct iscsi_auth
ensure(void)
{
	return ensure_for(OWNER);
}

static void
drop(void)
{
	iscsi_record_drop_all(TARGET, OWNER);
}

/* Of the record in PLACE; base is that of the sidecar. */
static const char *
beside(const char *base, const char *suffix)
{
	static char path[96];

	(void)snprintf(path, sizeof(path), "%s/.holdfast-%016llx%s", base,
		(unsigned long long)hash_text(PLACE + 1), suffix);
	return path;
}

static void
adjust(const struct iscsi_auth *auth)
{
	struct err err = {0};

	if (iscsi_record_adjust(&node, auth, 7, &err) != 0)
		fail_msg("%s", err.text);
}

static void
a_portal_is_written_as_iscsiadm_takes_it(void **state)
{
	static const struct {
		const char *address;
		const char *portal;
	} cases[] = {
		{"192.0.2.7", "192.0.2.7:3260,1"},
		{"::1", "[::1]:3260,1"},
		{"fe80::1%eth0", "[fe80::1%eth0]:3260,1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char portal[ISCSI_PORTAL_SIZE];
		struct iscsi_node other = node;

		other.address = cases[i].address;
		iscsi_node_write_portal(&other, portal);
		assert_string_equal(portal, cases[i].portal);
	}
}

static void
a_record_that_is_missing_is_made(void **state)
{
	struct iscsi_auth auth = ensure();

	assert_int_equal(iscsiadm.runs, 1);
	assert_string_equal(text_of(IN_VAR), WITHOUT_CHAP);
	assert_string_equal(auth.username, "");
}

static void
a_record_is_found_in_either_place(void **state)
{
	tree_write(IN_ETC, WITH_CHAP);
	assert_string_equal(ensure().username, "admin");
	assert_int_equal(iscsiadm.runs, 0);
	adjust(&nothing);
	assert_false(tree_has(IN_VAR));
	assert_has_line(IN_ETC, "node.startup = manual");
}

static void
a_record_of_ours_is_made_anew(void **state)
{
	(void)ensure();
	adjust(&mutual);
	iscsiadm.text = WITH_CHAP; /* iscsid.conf is another now */
	assert_string_equal(ensure().username, "admin");
	assert_int_equal(iscsiadm.runs, 2);
	assert_string_equal(text_of(IN_VAR), WITH_CHAP);
}

static void
a_record_of_the_administrator_is_left_as_it_is(void **state)
{
	tree_write(IN_VAR, WITH_CHAP);
	(void)ensure();
	assert_int_equal(iscsiadm.runs, 0);
	assert_string_equal(text_of(IN_VAR), WITH_CHAP);
}

static void
the_credentials_of_a_record_are_read(void **state)
{
	struct iscsi_auth auth;

	tree_write(IN_VAR, WITH_CHAP);
	auth = ensure();
	assert_string_equal(auth.username, "admin");
	assert_string_equal(auth.password, "of the admin");
	assert_string_equal(auth.username_in, "theirs");
	assert_string_equal(auth.password_in, "of the target");
}

static void
credentials_for_all_targets_come_with_a_new_record(void **state)
{
	iscsiadm.text = WITH_CHAP;
	assert_string_equal(ensure().password, "of the admin");
}

static void
without_chap_the_credentials_of_a_record_mean_nothing(void **state)
{
	struct iscsi_auth auth;

	tree_write(IN_VAR, HEAD "node.session.auth.authmethod = None\n"
				"node.session.auth.username = admin\n"
				"node.session.auth.password = x\n" TAIL);
	auth = ensure();
	assert_string_equal(auth.username, "");
	assert_string_equal(auth.password, "");
}

static void
a_value_is_read_however_it_is_spaced(void **state)
{
	struct iscsi_auth auth;

	tree_write(IN_VAR, "node.session.auth.authmethod=CHAP\n"
			   "  node.session.auth.username\t= \t joe smith \t\r\n"
			   "node.session.auth.password = first\n"
			   "node.session.auth.password = a = b # c\n"
			   "# node.session.auth.username_in = no\n"
			   "node.session.auth.username_inn = no\n"
			   "node.session.auth.password_in =");
	auth = ensure();
	assert_string_equal(auth.username, "joe smith");
	assert_string_equal(auth.password, "a = b # c");
	assert_string_equal(auth.username_in, "");
	assert_string_equal(auth.password_in, "");
}

static void
a_record_is_made_one_that_logs_in_when_told_alone(void **state)
{
	(void)ensure();
	adjust(&nothing);
	assert_has_line(IN_VAR, "node.startup = manual");
	assert_has_line(IN_VAR, "node.conn[0].startup = manual");
	assert_has_line(IN_VAR, "node.leading_login = No");
	assert_has_line(IN_VAR, "node.session.nr_sessions = 1");
	assert_has_line(IN_VAR, "node.session.initial_login_retry_max = 1");
	assert_has_line(IN_VAR, "node.conn[0].timeo.login_timeout = 7");
}

static void
what_we_set_stands_there_once_however_often_it_is_set(void **state)
{
	static const char *const names[] = {
		"\nnode.startup = ", "\nnode.conn[0].startup = ",
		"\nnode.leading_login = ", "\nnode.session.nr_sessions = ",
		"\nnode.session.initial_login_retry_max = ",
		"\nnode.conn[0].timeo.login_timeout = ",
		"\nnode.session.auth.authmethod = ",
		"\nnode.session.auth.username = ",
		"\nnode.session.auth.password = ",
		"\nnode.session.auth.username_in = ",
		"\nnode.session.auth.password_in = ", "\n# END RECORD\n"};

	(void)ensure();
	for (int i = 0; i < 3; i++)
		adjust(&mutual);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (count(text_of(IN_VAR), names[i]) != 1)
			fail_msg("%s", names[i]);
}

static void
what_we_do_not_know_stays(void **state)
{
	tree_write(IN_VAR, HEAD "node.of.a.later.version = 5\n"
				"# a note of mine\n" TAIL);
	(void)ensure();
	adjust(&mutual);
	assert_has_line(IN_VAR, "node.of.a.later.version = 5");
	assert_has_line(IN_VAR, "# a note of mine");
	assert_has_line(IN_VAR, "node.name = " TARGET);
	assert_has_line(IN_VAR, "node.conn[0].iscsi.HeaderDigest = None");
	assert_memory_equal(text_of(IN_VAR), "# BEGIN RECORD 2.1.8\n", 21);
}

static void
a_record_ends_as_records_do(void **state)
{
	static const char end[] = "\n# END RECORD\n";
	const char *text;

	tree_write(IN_VAR, HEAD "node.tpgt = 1"); /* without its end */
	(void)ensure();
	adjust(&nothing);
	text = text_of(IN_VAR);
	assert_string_equal(text + strlen(text) - strlen(end), end);
	assert_has_line(IN_VAR, "node.tpgt = 1\nnode.startup = manual");
}

static void
credentials_that_are_given_go_into_the_record(void **state)
{
	(void)ensure();
	adjust(&mutual);
	assert_has_line(IN_VAR, "node.session.auth.authmethod = CHAP");
	assert_has_line(IN_VAR, "node.session.auth.username = joe");
	assert_has_line(IN_VAR, "node.session.auth.password = canary of joe");
	assert_has_line(IN_VAR, "node.session.auth.username_in = target");
	assert_has_line(
		IN_VAR, "node.session.auth.password_in = canary of the target");
}

static void
the_target_proves_nothing_any_more_when_it_need_not(void **state)
{
	tree_write(IN_VAR, WITH_CHAP);
	(void)ensure();
	adjust(&one_way);
	assert_has_line(IN_VAR, "node.session.auth.username = joe");
	assert_int_equal(count(text_of(IN_VAR), "username_in"), 0);
	assert_int_equal(count(text_of(IN_VAR), "password_in"), 0);
	assert_int_equal(count(text_of(IN_VAR), "of the target"), 0);
}

static void
a_record_of_the_administrator_keeps_its_credentials(void **state)
{
	struct iscsi_auth auth;

	tree_write(IN_VAR, WITH_CHAP);
	(void)ensure();
	adjust(&nothing);
	assert_has_line(IN_VAR, "node.session.auth.username = admin");
	assert_has_line(IN_VAR, "node.session.auth.password = of the admin");
	auth = ensure();
	assert_string_equal(auth.username, "admin");
	assert_string_equal(auth.password, "of the admin");
	assert_string_equal(auth.password_in, "of the target");
}

/* Whatever mode it had before, and whoever may look now. */
static void
a_record_that_was_written_is_for_root_alone(void **state)
{
	mode_t mask = umask(0);

	tree_write(IN_VAR, WITHOUT_CHAP);
	assert_int_equal(chmod(IN_VAR, 0666), 0);
	(void)ensure();
	adjust(&one_way);
	assert_int_equal(tree_mode(IN_VAR), 0600);
	(void)umask(mask);
}

/* Finds a secret in any file but the record. */
static int
look_for_canary(
	const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	char text[TEXT_MAX];

	if (type == FTW_F && strcmp(path + 2, IN_VAR) != 0 &&
		tree_read(path, text, sizeof(text)) >= 0 &&
		strstr(text, "canary"))
		fail_msg("%s holds a secret", path);
	return 0;
}

static void
a_secret_is_in_the_record_and_nowhere_else(void **state)
{
	(void)ensure();
	adjust(&mutual);
	assert_int_equal(nftw(".", look_for_canary, 16, FTW_PHYS), 0);
}

static void
what_a_killed_attempt_left_behind_is_in_nobody_s_way(void **state)
{
	tree_write(beside("var", ".new"), "half a sidecar");
	tree_write(beside("var", ".record"), "half a record with a canary");
	tree_write("var/.holdfast-lock", "");
	(void)ensure();
	adjust(&one_way);
	assert_false(tree_has(beside("var", ".new")));
	assert_false(tree_has(beside("var", ".record")));
	assert_false(tree_has("var/.holdfast-lock"));
	assert_has_line(IN_VAR, "node.startup = manual");
}

static void
a_record_that_is_too_large_is_refused(void **state)
{
	static char text[65537];
	struct iscsi_auth auth;
	struct err err = {0};

	memset(text, '#', sizeof(text) - 1);
	tree_write(IN_VAR, text);
	assert_int_equal(
		iscsi_record_ensure(&node, OWNER, &auth, &err), -EFBIG);
	assert_int_equal(iscsi_record_adjust(&node, &one_way, 7, &err), -EFBIG);
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_string_equal(text_of(IN_VAR), text);
}

static void
a_record_that_grows_too_large_is_left_as_it_was(void **state)
{
	static char text[65536];
	struct err err = {0};

	memset(text, '#', sizeof(text) - 1);
	text[sizeof(text) - 2] = '\n';
	tree_write(IN_VAR, text);
	(void)ensure();
	assert_int_equal(iscsi_record_adjust(&node, &one_way, 7, &err), -EFBIG);
	assert_string_equal(text_of(IN_VAR), text);
}

static void
a_symlink_in_place_of_the_record_is_refused(void **state)
{
	struct iscsi_auth auth;
	struct err err = {0};

	tree_write("precious", WITH_CHAP);
	tree_make_parents(IN_VAR);
	assert_int_equal(symlink("../../../../precious", IN_VAR), 0);
	assert_int_equal(
		iscsi_record_ensure(&node, OWNER, &auth, &err), -ELOOP);
	assert_int_equal(iscsi_record_adjust(&node, &one_way, 7, &err), -ELOOP);
	drop();
	assert_string_equal(text_of("precious"), WITH_CHAP);
	assert_true(tree_has(IN_VAR));
	assert_int_equal(iscsiadm.runs, 0);
}

static void
a_directory_in_place_of_the_record_is_refused(void **state)
{
	struct iscsi_auth auth;
	struct err err = {0};

	tree_write(IN_VAR "/x", "");
	assert_int_equal(
		iscsi_record_ensure(&node, OWNER, &auth, &err), -EISDIR);
}

static void
a_record_that_iscsiadm_did_not_make_is_an_error(void **state)
{
	struct iscsi_auth auth;
	struct err err = {0};

	iscsiadm.text = NULL;
	assert_int_equal(
		iscsi_record_ensure(&node, OWNER, &auth, &err), -ENOENT);
	assert_int_equal(err.code, ERR_INTERNAL);
}

static void
a_record_to_be_adjusted_has_to_be_there(void **state)
{
	struct err err = {0};

	assert_int_equal(
		iscsi_record_adjust(&node, &one_way, 7, &err), -ENOENT);
	tree_write(IN_VAR, WITHOUT_CHAP);
	assert_int_equal(
		iscsi_record_adjust(&node, &one_way, 7, &err), -ENOENT);
	assert_string_equal(text_of(IN_VAR), WITHOUT_CHAP);
}

static void
what_iscsiadm_cannot_make_is_told_in_its_words(void **state)
{
	static const struct {
		int status;
		enum err_code code;
		const char *part;
	} cases[] = {
		{ISCSIADM_INVALID, ERR_LOGIN_FAILED, "no such iface"},
		{ISCSIADM_NOT_THERE, ERR_UNSUPPORTED, "not installed"},
		{-EINTR, ERR_INTERNAL, "cannot be made"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct iscsi_auth auth;
		struct err err = {0};

		iscsiadm.status = cases[i].status;
		assert_true(iscsi_record_ensure(&node, OWNER, &auth, &err) < 0);
		assert_int_equal(err.code, cases[i].code);
		assert_non_null(strstr(err.text, cases[i].part));
	}
}

static void
a_record_of_ours_goes_with_the_directories_that_are_empty_then(void **state)
{
	(void)ensure();
	adjust(&one_way);
	drop();
	assert_false(tree_has("var/nodes/" TARGET));
	assert_true(tree_has("var/nodes"));
}

static void
what_else_is_in_those_directories_stays(void **state)
{
	static const char *const others[] = {"var/nodes/" TARGET
					     "/192.0.2.7,3260,1/eth0",
		"var/nodes/" TARGET "/192.0.2.8,3260,1/default"};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		tree_write(others[i], WITH_CHAP);
		(void)ensure();
		drop();
		assert_false(tree_has(IN_VAR));
		assert_string_equal(text_of(others[i]), WITH_CHAP);
		tree_remove("var/nodes");
	}
}

/* All that is in the tree, path by path, with mode and bytes. */
static char picture[4 * TEXT_MAX];

static int
draw_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	static char text[TEXT_MAX];
	size_t len = strlen(picture);

	text[0] = '\0';
	if (type == FTW_F)
		(void)tree_read(path, text, sizeof(text));
	(void)snprintf(picture + len, sizeof(picture) - len, "%s %o %u %u\n%s",
		path, stat->st_mode, stat->st_uid, stat->st_gid, text);
	return 0;
}

static char *
draw(void)
{
	char *copy;

	picture[0] = '\0';
	assert_int_equal(nftw(".", draw_one, 16, FTW_PHYS), 0);
	copy = strdup(picture);
	assert_non_null(copy);
	return copy;
}

static void
assert_as_drawn(const char *before)
{
	cleanup_free char *after = draw();

	assert_string_equal(after, before);
}

static void
a_record_of_the_administrator_becomes_what_it_was(void **state)
{
	static const mode_t modes[] = {0600, 0644, 0640, 0400};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		cleanup_free char *before = NULL;

		tree_write(IN_ETC, WITH_CHAP "trailing, \x01 without an end");
		assert_int_equal(chmod(IN_ETC, modes[i]), 0);
		before = draw();
		for (int login = 0; login < 3; login++) {
			(void)ensure();
			adjust(&mutual);
		}
		drop();
		assert_as_drawn(before);
		tree_remove("etc/nodes");
	}
}

static void
a_record_keeps_the_bytes_that_no_text_has(void **state)
{
	static const char bytes[] = WITH_CHAP "\0behind a NUL\0\n\n";
	char text[TEXT_MAX];

	tree_write_bytes(IN_VAR, bytes, sizeof(bytes));
	(void)ensure();
	adjust(&mutual);
	drop();
	assert_int_equal(tree_read(IN_VAR, text, sizeof(text)), sizeof(bytes));
	assert_memory_equal(text, bytes, sizeof(bytes));
}

/* As far as a test may give files away. */
static void
a_record_keeps_its_owner(void **state)
{
	struct stat stat;

	if (geteuid() != 0)
		skip();
	tree_write(IN_VAR, WITH_CHAP);
	assert_int_equal(chown(IN_VAR, 7, 8), 0);
	(void)ensure();
	adjust(&mutual);
	assert_int_equal(lstat(IN_VAR, &stat), 0);
	assert_int_equal(stat.st_uid, 0);
	drop();
	assert_int_equal(lstat(IN_VAR, &stat), 0);
	assert_int_equal(stat.st_uid, 7);
	assert_int_equal(stat.st_gid, 8);
}

static void
the_sidecar_is_on_disk_before_a_record_is_made(void **state)
{
	(void)ensure();
	assert_string_equal(steps.log,
		" sync rename-sidecar sync-dir iscsiadm iscsiadm-half");
	assert_int_equal(tree_mode(beside("var", "")), 0600);
}

static void
the_sidecar_is_on_disk_before_a_record_is_changed(void **state)
{
	mode_t mask = umask(0);

	tree_write(IN_VAR, WITH_CHAP);
	(void)ensure();
	adjust(&mutual);
	assert_string_equal(steps.log, " sync rename-sidecar sync-dir"
				       " sync rename-record sync-dir");
	assert_int_equal(tree_mode(beside("var", "")), 0600);
	(void)umask(mask);
}

static void
the_sidecar_goes_when_the_record_is_back_on_disk(void **state)
{
	tree_write(IN_VAR, WITH_CHAP);
	(void)ensure();
	steps.log[0] = '\0';
	drop();
	assert_non_null(strstr(steps.log, " sync rename-record sync-dir"));
	assert_string_equal(strstr(steps.log, " unlink-sidecar"),
		" unlink-sidecar sync-dir");
	(void)ensure();
	assert_int_equal(unlinkat(AT_FDCWD, IN_VAR, 0), 0);
	drop();
	(void)ensure(); /* there is none now */
	steps.log[0] = '\0';
	drop();
	assert_string_equal(steps.log, " unlink-record sync-dir rmdir rmdir"
				       " rmdir rmdir unlink-sidecar sync-dir");
}

/* Whether it came to its end before it was killed. */
static bool
live_until(int countdown, void (*function)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		steps.countdown = countdown;
		function();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFEXITED(status);
}

static void
log_in_once(void)
{
	struct iscsi_auth auth;
	struct err err = {0};

	if (iscsi_record_ensure(&node, OWNER, &auth, &err) != 0 ||
		iscsi_record_adjust(&node, &mutual, 7, &err) != 0)
		_exit(1);
}

static void
log_in_twice_and_drop(void)
{
	log_in_once();
	log_in_once();
	drop();
}

/* Killed at each step; what it left is dropped, or used once more and then
 * dropped. Either way all is as before. */
static void
check_crashes(const char *text)
{
	int count = 0;

	for (int again = 0; again < 2; again++) {
		bool is_done = false;

		for (int at = 0; !is_done; at++) {
			cleanup_free char *before = NULL;

			tree_remove("var");
			tree_make_parents("var/nodes/x");
			if (text)
				tree_write(IN_VAR, text);
			before = draw();
			is_done = live_until(at, log_in_twice_and_drop);
			if (again) {
				(void)ensure();
				adjust(&one_way);
				assert_has_line(IN_VAR,
					"node.session.auth.username = joe");
			}
			drop();
			assert_as_drawn(before);
			count++;
		}
	}
	assert_true(count > 30);
}

static void
a_record_of_ours_goes_wherever_an_attempt_is_killed(void **state)
{
	check_crashes(NULL);
}

static void
the_administrator_s_record_comes_back_wherever_an_attempt_is_killed(
	void **state)
{
	check_crashes(WITH_CHAP);
}

static void
a_record_that_was_half_made_is_made_whole(void **state)
{
	/* sync, rename, sync-dir, iscsiadm: then half of it is there */
	assert_false(live_until(4, log_in_once));
	assert_string_not_equal(text_of(IN_VAR), WITHOUT_CHAP);
	(void)ensure();
	assert_string_equal(text_of(IN_VAR), WITHOUT_CHAP);
}

/* As `iscsiadm -o update` does: anew, sorted by itself, without comments. */
static void
a_record_that_iscsiadm_wrote_anew_is_still_ours(void **state)
{
	(void)ensure();
	adjust(&mutual);
	tree_write(IN_VAR, WITH_CHAP);
	drop();
	assert_false(tree_has("var/nodes/" TARGET));
}

static void
what_an_administrator_changes_meanwhile_is_lost(void **state)
{
	tree_write(IN_VAR, WITH_CHAP);
	(void)ensure();
	adjust(&mutual);
	tree_write(IN_VAR, HEAD "node.session.auth.password = x\n" TAIL);
	assert_string_equal(ensure().password, "of the admin");
	tree_write(IN_VAR, HEAD "node.session.auth.password = x\n" TAIL);
	drop();
	assert_string_equal(text_of(IN_VAR), WITH_CHAP);
}

static void
a_record_that_an_administrator_removed_stays_away(void **state)
{
	tree_write(IN_VAR, WITH_CHAP);
	(void)ensure();
	adjust(&mutual);
	tree_remove("var/nodes/" TARGET);
	drop();
	assert_false(tree_has("var/nodes/" TARGET));
	assert_false(tree_has(beside("var", "")));
}

static void
one_that_is_needed_once_more_comes_back(void **state)
{
	tree_write(IN_VAR, WITH_CHAP);
	(void)ensure();
	tree_remove("var/nodes");
	assert_string_equal(ensure().username, "admin");
	assert_int_equal(iscsiadm.runs, 0);
	assert_string_equal(text_of(IN_VAR), WITH_CHAP);
}

static void
a_second_owner_takes_the_record_as_it_is(void **state)
{
	tree_write(IN_VAR, WITH_CHAP);
	(void)ensure();
	adjust(&one_way);
	assert_string_equal(ensure_for(OTHER).username, "joe");
	adjust(&mutual);
	assert_has_line(IN_VAR, "node.session.auth.username_in = target");
	iscsi_record_drop_all(TARGET, OTHER);
	assert_has_line(IN_VAR, "node.session.auth.username_in = target");
	drop();
	assert_string_equal(text_of(IN_VAR), WITH_CHAP);
	assert_false(tree_has(beside("var", "")));
}

static void
a_second_owner_makes_what_the_first_did_not_get_to(void **state)
{
	assert_false(live_until(3, log_in_once)); /* before iscsiadm */
	assert_false(tree_has(IN_VAR));
	(void)ensure_for(OTHER);
	adjust(&one_way);
	iscsi_record_drop_all(TARGET, OTHER);
	assert_true(tree_has(IN_VAR));
	drop();
	assert_false(tree_has("var/nodes/" TARGET));
}

static void
a_second_owner_is_the_first_once_that_has_gone(void **state)
{
	struct err err = {0};

	tree_write(IN_VAR, WITH_CHAP);
	(void)ensure();
	(void)ensure_for(OTHER);
	drop();
	assert_int_equal(iscsi_record_adjust(&node, &mutual, 7, &err), -ENOENT);
	assert_string_equal(text_of(IN_VAR), WITH_CHAP);
	(void)ensure_for(OTHER);
	adjust(&mutual);
	drop();
	assert_has_line(IN_VAR, "node.session.auth.username = joe");
	iscsi_record_drop_all(TARGET, OTHER);
	assert_string_equal(text_of(IN_VAR), WITH_CHAP);
}

/* What a name led to in the course of time: no iscsiadm for those. */
static void
all_addresses_are_dropped_and_other_portals_stay(void **state)
{
	static const char *const addresses[] = {
		"192.0.2.8", "2001:db8::1", "192.0.2.9"};
	static char path[3][256];
	struct iscsi_auth auth;
	struct err err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct iscsi_node at = node;

		at.address = addresses[i];
		(void)snprintf(path[i], sizeof(path[i]),
			"var/nodes/" TARGET "/%s,3260,1/default", addresses[i]);
		tree_write(path[i], WITH_CHAP);
		assert_int_equal(iscsi_record_ensure(&at, i < 2 ? OWNER : OTHER,
					 &auth, &err),
			0);
		assert_int_equal(iscsi_record_adjust(&at, &mutual, 7, &err), 0);
	}
	(void)ensure();
	adjust(&mutual);
	drop();
	assert_string_equal(text_of(path[0]), WITH_CHAP);
	assert_string_equal(text_of(path[1]), WITH_CHAP);
	assert_has_line(path[2], "node.session.auth.username = joe");
	assert_false(tree_has(IN_VAR));
}

static void
another_target_of_the_owner_stays(void **state)
{
	(void)ensure();
	iscsi_record_drop_all("iqn.2024-01.com.example:d", OWNER);
	iscsi_record_drop_all("iqn.2024-01.com.example:dx", OWNER);
	iscsi_record_drop_all(TARGET "2", OWNER);
	assert_true(tree_has(IN_VAR));
	assert_true(tree_has(beside("var", "")));
}

static int
look_for_any_canary(
	const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	static char text[TEXT_MAX];

	if (type == FTW_F && tree_read(path, text, sizeof(text)) >= 0 &&
		memmem(text, sizeof(text), "canary", 6))
		fail_msg("%s holds a secret", path);
	memset(text, 0, sizeof(text));
	return 0;
}

static void
no_secret_and_no_file_of_ours_is_left(void **state)
{
	cleanup_free char *before = draw();

	(void)ensure();
	adjust(&mutual);
	tree_write(beside("var", ".record"), "half a record with a canary");
	tree_write(beside("etc", ".record"), "half a record with a canary");
	tree_write("var/.holdfast-0123456789abcdef.new", "canary");
	drop();
	assert_int_equal(nftw(".", look_for_any_canary, 16, FTW_PHYS), 0);
	tree_remove("var/nodes");
	assert_as_drawn(before);
}

/* In the place of ours, and elsewhere. */
static void
foreign_files_are_left_alone(void **state)
{
	static const char *const names[] = {"var/.holdfast-",
		"var/.holdfast-0123456789abcdef",
		"var/.holdfast-0123456789abcdef.old",
		"var/.holdfast-0123456789abcde.new",
		"var/.holdfast-0123456789abcdefa.new",
		"var/.holdfast-0123456789ABCDEF.new",
		"var/a.holdfast-0123456789abcdef.new", "var/.holdfast-lock",
		"etc/.holdfast-0123456789abcdef"};
	static char text[TEXT_MAX];

	(void)ensure();
	assert_true(tree_read(beside("var", ""), text, sizeof(text)) > 0);
	/* Read as ours, but their names are not those of their records. */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		tree_write(names[i], text);
	drop();
	assert_false(tree_has(beside("var", "")));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!tree_has(names[i]))
			fail_msg("%s is gone", names[i]);
}

static void
what_is_no_sidecar_is_neither_used_nor_removed(void **state)
{
#define IS_OURS "holdfast record 1\nowner " OWNER "\nrecord "
	static const char *const texts[] = {
		"",
		"a note of mine",
		IS_OURS "nodes/" TARGET "/192.0.2.7,3260,1/default\n",
		IS_OURS "nodes/" TARGET "/192.0.2.7,3260,1/default\noriginal "
			"none",
		IS_OURS "nodes/" TARGET "/192.0.2.7,3260,1/default\noriginal "
			"600 0 0 elsewhere\n",
		IS_OURS "nodes/" TARGET "/192.0.2.7,3260,1/default\noriginal "
			"600 0\n",
		IS_OURS "nodes/" TARGET "/192.0.2.8,3260,1/default\noriginal "
			"none\n",
		IS_OURS "nodes/" TARGET "/../x\noriginal none\n",
		"holdfast record 2\nowner " OWNER "\nrecord nodes/" TARGET
		"/192.0.2.7,3260,1/default\noriginal none\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct iscsi_auth auth;
		struct err err = {0};

		tree_write(IN_VAR, WITH_CHAP);
		tree_write(beside("var", ""), texts[i]);
		assert_int_equal(iscsi_record_ensure(&node, OWNER, &auth, &err),
			-EEXIST);
		assert_non_null(strstr(err.text, beside("var", "")));
		drop();
		assert_string_equal(text_of(beside("var", "")), texts[i]);
		assert_string_equal(text_of(IN_VAR), WITH_CHAP);
	}
}

static void
a_sidecar_leads_to_nothing_but_records(void **state)
{
	static const char *const places[] = {
		"nodes/" TARGET "/../../precious",
		"nodes/" TARGET "/../precious",
		"nodes/" TARGET "/precious",
		"nodes/" TARGET "//precious",
		"nodes/" TARGET "/a/",
		"nodes/" TARGET "/a/b/precious",
	};

	tree_write("var/precious", "");
	tree_write("var/nodes/precious", "");
	tree_write("var/nodes/" TARGET "/precious", "");
	tree_write("var/nodes/" TARGET "/a/b/precious", "");
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char path[96];
		char text[512];
		cleanup_free char *before = NULL;

		(void)snprintf(path, sizeof(path), "var/.holdfast-%016llx",
			(unsigned long long)hash_text(places[i]));
		(void)snprintf(text, sizeof(text),
			IS_OURS "%s\noriginal none\n", places[i]);
		tree_write(path, text);
		before = draw();
		drop();
		assert_as_drawn(before);
	}
}

/* Of a distribution that moved it, say. */
static void
a_record_in_the_other_base_is_not_taken_for_it(void **state)
{
	tree_write(IN_ETC, WITH_CHAP);
	(void)ensure();
	tree_write(IN_VAR, WITHOUT_CHAP);
	adjust(&mutual);
	assert_string_equal(text_of(IN_VAR), WITHOUT_CHAP);
	assert_string_equal(ensure().username, "admin");
	drop();
	assert_string_equal(text_of(IN_VAR), WITHOUT_CHAP);
	assert_string_equal(text_of(IN_ETC), WITH_CHAP);
}

static void
a_symlink_in_place_of_the_sidecar_is_refused(void **state)
{
	struct iscsi_auth auth;
	struct err err = {0};

	(void)ensure();
	assert_int_equal(
		renameat(AT_FDCWD, beside("var", ""), AT_FDCWD, "copy"), 0);
	assert_int_equal(symlink("../copy", beside("var", "")), 0);
	assert_int_equal(
		iscsi_record_ensure(&node, OWNER, &auth, &err), -EEXIST);
	drop();
	assert_true(tree_has(IN_VAR));
	assert_true(tree_has(beside("var", "")));
}

static void
symlinks_in_place_of_what_is_written_lead_nowhere(void **state)
{
	tree_write("precious", WITH_CHAP);
	assert_int_equal(symlink("../precious", beside("var", ".new")), 0);
	assert_int_equal(symlink("../precious", beside("var", ".record")), 0);
	tree_write(IN_VAR, WITHOUT_CHAP);
	(void)ensure();
	adjust(&mutual);
	tree_remove(IN_VAR);
	assert_int_equal(symlink("../../../../precious", IN_VAR), 0);
	drop();
	assert_string_equal(text_of("precious"), WITH_CHAP);
	assert_string_equal(text_of(IN_VAR), WITHOUT_CHAP);
}

static void
a_symlink_in_place_of_the_lock_is_refused(void **state)
{
	struct iscsi_auth auth;
	struct err err = {0};

	assert_int_equal(symlink("../precious", "var/.holdfast-lock"), 0);
	assert_int_equal(
		iscsi_record_ensure(&node, OWNER, &auth, &err), -ELOOP);
	assert_false(tree_has("precious"));
}

/* On a distribution that has it elsewhere. */
static void
the_second_base_does_when_there_is_no_first(void **state)
{
	tree_remove("var");
	iscsiadm.path = IN_ETC;
	(void)ensure();
	adjust(&mutual);
	assert_true(tree_has(beside("etc", "")));
	drop();
	assert_false(tree_has(beside("etc", "")));
	assert_false(tree_has("etc/nodes/" TARGET));
	assert_false(tree_has("var"));
}

static void
without_a_database_there_is_no_record(void **state)
{
	struct iscsi_auth auth;
	struct err err = {0};

	tree_remove("var");
	tree_remove("etc");
	assert_int_equal(
		iscsi_record_ensure(&node, OWNER, &auth, &err), -ENOENT);
	drop();
	assert_int_equal(iscsiadm.runs, 0);
}

/* Each waits for the other: what one reads is what the other has finished. */
static void
two_at_once_lose_nothing(void **state)
{
	cleanup_free char *before = NULL;
	pid_t pids[8];

	tree_write(IN_VAR, WITH_CHAP);
	before = draw();
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			for (int round = 0; round < 20; round++)
				log_in_once();
			_exit(0);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_has_line(IN_VAR, "node.session.auth.username = joe");
	drop();
	assert_as_drawn(before);
}

static void
what_is_not_there_is_dropped_already(void **state)
{
	tree_write("var/nodes/" TARGET "/x", "");
	drop();
	assert_true(tree_has("var/nodes/" TARGET "/x"));
}

#define IN_TREE(test)                                                          \
	cmocka_unit_test_setup_teardown(test, set_up, tree_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_portal_is_written_as_iscsiadm_takes_it),
		IN_TREE(a_record_that_is_missing_is_made),
		IN_TREE(a_record_is_found_in_either_place),
		IN_TREE(a_record_of_ours_is_made_anew),
		IN_TREE(a_record_of_the_administrator_is_left_as_it_is),
		IN_TREE(the_credentials_of_a_record_are_read),
		IN_TREE(credentials_for_all_targets_come_with_a_new_record),
		IN_TREE(without_chap_the_credentials_of_a_record_mean_nothing),
		IN_TREE(a_value_is_read_however_it_is_spaced),
		IN_TREE(a_record_is_made_one_that_logs_in_when_told_alone),
		IN_TREE(what_we_set_stands_there_once_however_often_it_is_set),
		IN_TREE(what_we_do_not_know_stays),
		IN_TREE(a_record_ends_as_records_do),
		IN_TREE(credentials_that_are_given_go_into_the_record),
		IN_TREE(the_target_proves_nothing_any_more_when_it_need_not),
		IN_TREE(a_record_of_the_administrator_keeps_its_credentials),
		IN_TREE(a_record_that_was_written_is_for_root_alone),
		IN_TREE(a_secret_is_in_the_record_and_nowhere_else),
		IN_TREE(what_a_killed_attempt_left_behind_is_in_nobody_s_way),
		IN_TREE(a_record_that_is_too_large_is_refused),
		IN_TREE(a_record_that_grows_too_large_is_left_as_it_was),
		IN_TREE(a_symlink_in_place_of_the_record_is_refused),
		IN_TREE(a_directory_in_place_of_the_record_is_refused),
		IN_TREE(a_record_that_iscsiadm_did_not_make_is_an_error),
		IN_TREE(a_record_to_be_adjusted_has_to_be_there),
		IN_TREE(what_iscsiadm_cannot_make_is_told_in_its_words),
		IN_TREE(a_record_of_ours_goes_with_the_directories_that_are_empty_then),
		IN_TREE(what_else_is_in_those_directories_stays),
		IN_TREE(a_record_of_the_administrator_becomes_what_it_was),
		IN_TREE(a_record_keeps_the_bytes_that_no_text_has),
		IN_TREE(a_record_keeps_its_owner),
		IN_TREE(the_sidecar_is_on_disk_before_a_record_is_made),
		IN_TREE(the_sidecar_is_on_disk_before_a_record_is_changed),
		IN_TREE(the_sidecar_goes_when_the_record_is_back_on_disk),
		IN_TREE(a_record_of_ours_goes_wherever_an_attempt_is_killed),
		IN_TREE(the_administrator_s_record_comes_back_wherever_an_attempt_is_killed),
		IN_TREE(a_record_that_was_half_made_is_made_whole),
		IN_TREE(a_record_that_iscsiadm_wrote_anew_is_still_ours),
		IN_TREE(what_an_administrator_changes_meanwhile_is_lost),
		IN_TREE(a_record_that_an_administrator_removed_stays_away),
		IN_TREE(one_that_is_needed_once_more_comes_back),
		IN_TREE(a_second_owner_takes_the_record_as_it_is),
		IN_TREE(a_second_owner_makes_what_the_first_did_not_get_to),
		IN_TREE(a_second_owner_is_the_first_once_that_has_gone),
		IN_TREE(all_addresses_are_dropped_and_other_portals_stay),
		IN_TREE(another_target_of_the_owner_stays),
		IN_TREE(no_secret_and_no_file_of_ours_is_left),
		IN_TREE(foreign_files_are_left_alone),
		IN_TREE(what_is_no_sidecar_is_neither_used_nor_removed),
		IN_TREE(a_sidecar_leads_to_nothing_but_records),
		IN_TREE(a_record_in_the_other_base_is_not_taken_for_it),
		IN_TREE(a_symlink_in_place_of_the_sidecar_is_refused),
		IN_TREE(symlinks_in_place_of_what_is_written_lead_nowhere),
		IN_TREE(a_symlink_in_place_of_the_lock_is_refused),
		IN_TREE(the_second_base_does_when_there_is_no_first),
		IN_TREE(without_a_database_there_is_no_record),
		IN_TREE(two_at_once_lose_nothing),
		IN_TREE(what_is_not_there_is_dropped_already),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
