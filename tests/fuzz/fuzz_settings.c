/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_settings.c - a node record of open-iscsi, read and written anew.
 *
 * Input: user, password, user and password of the target, each up to a newline;
 * then the record, up to a NUL.
 * Covers: worker/iscsi_settings.c
 */
#include <errno.h>

#include "common/guard.h"
#include "tests/fuzz/fuzz.h"
#include "worker/iscsi_settings.h"

enum {
	SIZE = 65536
};

static char text[SIZE], again[SIZE];
static struct iscsi_auth auth;
static const struct iscsi_setting settings[] = {
	{"node.startup", "manual"},
	{"node.session.auth.authmethod", "CHAP"},
	{"node.session.auth.username", auth.username},
	{"node.session.auth.password", auth.password},
	{"node.session.auth.username_in", auth.username_in},
	{"node.session.auth.password_in", auth.password_in},
};

static bool
is_ours(const char *line)
{
	if (strncmp(line, "# END RECORD", 12) == 0)
		return true;
	line += strspn(line, " \t");
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		size_t len = strlen(settings[i].name);

		if (strncmp(line, settings[i].name, len) == 0 &&
			line[len + strspn(line + len, " \t")] == '=')
			return true;
	}
	return false;
}

/* Every line that is not set stands in the result, in its order. */
static void
check_lines(const char *record)
{
	const char *at = text;

	while (*record) {
		size_t len = strcspn(record, "\n");
		char *line = fuzz_text(record, len);

		if (!is_ours(line)) {
			CHECK(strncmp(at, line, len) == 0 && at[len] == '\n');
			at += len + 1;
		}
		free(line);
		record += len + (record[len] != '\0');
	}
	CHECK(strncmp(at, "node.startup = manual\n", 22) == 0);
}

static void
take_value(struct fuzz_input *input, char *value)
{
	char *taken = fuzz_text_to(input, '\n');
	size_t len = strnlen(taken, ISCSI_AUTH_SIZE - 1);

	/* As credential_check_auth() has it. */
	while (len > 0 && (taken[len - 1] == ' ' || !fuzz_is_line(taken, len)))
		len--;
	(void)snprintf(value, ISCSI_AUTH_SIZE, "%.*s", (int)len,
		*taken == ' ' ? "" : taken);
	free(taken);
}

static void
check_read(const char *record)
{
	struct iscsi_auth read;
	char digests[ISCSI_SETTING_SIZE];

	iscsi_settings_read_auth(record, &read);
	CHECK(strnlen(read.username, ISCSI_AUTH_SIZE) < ISCSI_AUTH_SIZE);
	CHECK(strnlen(read.password, ISCSI_AUTH_SIZE) < ISCSI_AUTH_SIZE);
	CHECK(!strchr(read.username, '\n') && !strchr(read.password, '\n'));
	iscsi_settings_choose_digests(record, digests);
	CHECK(*digests && strlen(digests) < sizeof(digests));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct iscsi_auth read;
	size_t len = 0, again_len = 0;
	char *record;
	int result;

	take_value(&input, auth.username);
	take_value(&input, auth.password);
	take_value(&input, auth.username_in);
	take_value(&input, auth.password_in);
	record = fuzz_text(input.at, input.left);
	check_read(record);
	result = iscsi_settings_write(
		record, settings, ARRAY_SIZE(settings), text, SIZE, &len);
	CHECK(result == 0 || result == -EFBIG);
	if (result == 0) {
		CHECK(len < SIZE && strlen(text) == len);
		check_lines(record);
		iscsi_settings_read_auth(text, &read);
		CHECK(strcmp(read.username, auth.username) == 0 &&
			strcmp(read.password, auth.password) == 0 &&
			strcmp(read.username_in, auth.username_in) == 0 &&
			strcmp(read.password_in, auth.password_in) == 0);
		CHECK(iscsi_settings_write(text, settings, ARRAY_SIZE(settings),
			      again, SIZE, &again_len) == 0);
		CHECK(strcmp(text, again) == 0);
	}
	free(record);
	return 0;
}
