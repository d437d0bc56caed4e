/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_credential.c - a file of credentials.d, typed in by hand.
 *
 * Input: byte, 1: it is not root who asks; then the file.
 * Covers: supervisor/credential.c supervisor/credential_text.c
 */
#include "supervisor/credential.h"
#include "supervisor/credential_text.h"
#include "tests/fuzz/fuzz.h"

enum {
	SOMEBODY = 4242424,
};

static int
read_text(const void *data, size_t len, uid_t uid, struct iscsi_auth *auth,
	struct err *err)
{
	return credential_read_named(
		fuzz_memfd(data, len), "name", uid, auth, err);
}

static void
check_field(const char *value, size_t size)
{
	size_t len = strnlen(value, size);

	CHECK(len < size && utf8_is_valid(value, len));
	CHECK(len == 0 || (value[0] != ' ' && value[len - 1] != ' '));
	for (size_t i = 0; i < len; i++)
		CHECK((unsigned char)value[i] >= 0x20 && value[i] != 0x7f);
}

/* What was understood, written down, is understood in the same way. */
static void
check_again(const struct iscsi_auth *auth)
{
	static char text[CREDENTIAL_TEXT_SIZE];
	struct iscsi_auth again = {0};
	struct err err = {0};
	int len = snprintf(text, sizeof(text),
		"# a comment\n\nusername=%s\n\tpassword\t=\t%s\r\n%s%s%s%s",
		auth->username, auth->password,
		*auth->username_in ? "username_in = " : "", auth->username_in,
		*auth->username_in ? "\npassword_in = " : "",
		auth->password_in);

	CHECK(read_text(text, (size_t)len, 0, &again, &err) == 0);
	CHECK(memcmp(auth, &again, sizeof(again)) == 0);
}

/* Of "password = SECRET" no refusal repeats the secret. */
static void
check_says_no_secret(const uint8_t *data, size_t size, const struct err *err)
{
	static const char mark[] = "password = ";
	char *text = fuzz_text(data, size);
	char *secret = strstr(text, mark);

	if (secret) {
		secret += strlen(mark);
		secret[strcspn(secret, "\n")] = '\0';
		/* One that is short may stand there by chance. */
		CHECK(strlen(secret) < 10 || !strstr(err->text, secret));
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uid_t uid = fuzz_u8(&input) & 1 ? SOMEBODY : 0;
	struct iscsi_auth auth, before;
	struct err err = {0};
	int result;

	memset(&auth, 0x5a, sizeof(auth));
	before = auth;
	result = read_text(input.at, input.left, uid, &auth, &err);
	if (result < 0) {
		fuzz_check_refusal(result, &err);
		CHECK(memcmp(&auth, &before, sizeof(auth)) == 0);
		check_says_no_secret(input.at, input.left, &err);
		return 0;
	}
	/* Whom no line names may not. */
	CHECK(uid == 0 || memmem(input.at, input.left, "4242424", 7));
	CHECK(*auth.username && *auth.password);
	CHECK(credential_check_auth(&auth, &err) == 0);
	check_field(auth.username, sizeof(auth.username));
	check_field(auth.password, sizeof(auth.password));
	check_field(auth.username_in, sizeof(auth.username_in));
	check_field(auth.password_in, sizeof(auth.password_in));
	check_again(&auth);
	return 0;
}
