/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * credential.c - what a connection logs in with: checked, and read from text.
 *
 * Runs in: supervisor.
 * Trusts: see credential.h.
 * Invariant: no error text holds a secret.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/guard.h"
#include "supervisor/credential.h"
#include "supervisor/credential_text.h"

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

int
credential_check_name(const char *name, size_t len, struct err *err)
{
	bool is_good = len > 0 && len < CREDENTIAL_NAME_SIZE && name[0] != '.';

	for (size_t i = 0; is_good && i < len; i++)
		is_good = is_name_char(name[i]);
	if (is_good)
		return 0;
	return err_set(err, ERR_BAD_OPTION, EINVAL,
		"manage: option auth is the name of a file in credentials.d: 1 "
		"to %d letters, digits, \".\", \"_\" or \"-\", no \".\" in "
		"front",
		CREDENTIAL_NAME_SIZE - 1);
}

/* What open-iscsi's files can hold: see usr/idbm.c there. */
static bool
is_storable(const char *text)
{
	size_t len = strlen(text);

	return len == 0 || (text[0] != ' ' && text[len - 1] != ' ');
}

int
credential_check_auth(const struct iscsi_auth *auth, struct err *err)
{
	if (!*auth->username || !*auth->password)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"username and password belong together: give both");
	if (!*auth->username_in != !*auth->password_in)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"username_in and password_in belong together: give "
			"both, or none");
	if (!is_storable(auth->username) || !is_storable(auth->password) ||
		!is_storable(auth->username_in) ||
		!is_storable(auth->password_in))
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"credentials do not begin or end with a blank: "
			"open-iscsi cannot keep such");
	if (*auth->password_in &&
		strcmp(auth->password, auth->password_in) == 0)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"password and password_in are the same: with mutual "
			"CHAP each side has a secret of its own (RFC 7143, "
			"9.2.1)");
	return 0;
}

static bool
has_word(const char *words, const char *word)
{
	static const char blanks[] = " \t,";

	while (*words) {
		size_t len = strcspn(words, blanks);

		if (len > 0 && len == strlen(word) &&
			memcmp(words, word, len) == 0)
			return true;
		words += len;
		words += strspn(words, blanks);
	}
	return false;
}

/* By number, or by a name of /etc/passwd: a name service might block. */
static bool
names_user(const char *users, uid_t uid)
{
	cleanup_fclose FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *user;
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", (unsigned)uid);
	if (has_word(users, number))
		return true;
	while (file && (user = fgetpwent(file)))
		if (user->pw_uid == uid && has_word(users, user->pw_name))
			return true;
	return false;
}

static int
read_named(const char *text, const char *name, uid_t uid,
	struct iscsi_auth *auth, struct err *err)
{
	char users[1024] = "";
	const struct credential_field fields[] = {
		{"username", auth->username, sizeof(auth->username)},
		{"password", auth->password, sizeof(auth->password)},
		{"username_in", auth->username_in, sizeof(auth->username_in)},
		{"password_in", auth->password_in, sizeof(auth->password_in)},
		{"users", users, sizeof(users)},
	};
	int line = credential_text_read(text, fields, ARRAY_SIZE(fields));
	struct err why;

	/* First: what is wrong with it is not for everybody to know. */
	if (uid != 0 && !names_user(users, uid))
		return err_set(err, ERR_DENIED, EACCES,
			"uid %u may not use the credential \"%s\": a line "
			"\"users = ...\" in its file says who may",
			(unsigned)uid, name);
	if (line != 0)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"line %d of the credential \"%s\" is not one of "
			"username, password, username_in, password_in, users, "
			"then \"=\" and a value of 1 to 255 bytes",
			line, name);
	if (credential_check_auth(auth, &why) < 0)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"the credential \"%s\": %s", name, why.text);
	return 0;
}

int
credential_read_named(int fd, const char *name, uid_t uid,
	struct iscsi_auth *ret_auth, struct err *err)
{
	struct iscsi_auth auth = {0};
	char text[CREDENTIAL_TEXT_SIZE];
	ssize_t len = read(fd, text, sizeof(text));
	int result;

	if (len < 0 || len == (ssize_t)sizeof(text))
		return err_set(err, ERR_BAD_OPTION, len < 0 ? errno : EFBIG,
			"the credential \"%s\" cannot be read: %s", name,
			len < 0 ? strerror(errno) : "it is too long");
	text[len] = '\0';
	result = strlen(text) == (size_t)len
			 ? read_named(text, name, uid, &auth, err)
			 : err_set(err, ERR_BAD_OPTION, EINVAL,
				   "the credential \"%s\" holds a NUL", name);
	if (result == 0)
		*ret_auth = auth;
	explicit_bzero(text, sizeof(text));
	explicit_bzero(&auth, sizeof(auth));
	return result;
}

void
credential_free(struct credential *credential)
{
	if (!credential)
		return;
	explicit_bzero(credential, sizeof(*credential));
	free(credential);
}

bool
credential_is_usable(const struct credential *credential)
{
	return *credential->auth.username != '\0';
}

bool
credential_is_same(const struct credential *a, const struct credential *b)
{
	return strcmp(a->name, b->name) == 0 &&
	       strcmp(a->auth.username, b->auth.username) == 0 &&
	       strcmp(a->auth.password, b->auth.password) == 0 &&
	       strcmp(a->auth.username_in, b->auth.username_in) == 0 &&
	       strcmp(a->auth.password_in, b->auth.password_in) == 0;
}
