/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_settings.c - what a node record of open-iscsi says.
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: see iscsi_settings.h.
 * Invariant: see iscsi_settings.h.
 *
 * Source: usr/idbm.c of open-iscsi: lines "name = value"; what is missing takes
 * a default, "#" begins a comment.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/guard.h"
#include "worker/iscsi_settings.h"

/* Of a record's last line. */
#define END "# END RECORD"

/* Whether the line sets that name. */
static bool
line_sets(const char *line, const char *name)
{
	size_t len = strlen(name);

	line += strspn(line, " \t");
	return strncmp(line, name, len) == 0 &&
	       line[len + strspn(line + len, " \t")] == '=';
}

/* The value of a name, "" for none; the last line counts. */
static void
read_value(const char *text, const char *name, char *ret_value)
{
	const char *line = text;

	ret_value[0] = '\0';
	while (*line) {
		size_t len = strcspn(line, "\n");

		if (line_sets(line, name)) {
			const char *value = strchr(line, '=') + 1;
			const char *end = line + len;

			while (value < end && (*value == ' ' || *value == '\t'))
				value++;
			while (end > value &&
				(end[-1] == ' ' || end[-1] == '\t' ||
					end[-1] == '\r'))
				end--;
			(void)snprintf(ret_value, ISCSI_SETTING_SIZE, "%.*s",
				(int)(end - value), value);
		}
		line += len + (line[len] != '\0');
	}
}

void
iscsi_settings_choose_digests(
	const char *text, char ret_digests[ISCSI_SETTING_SIZE])
{
	read_value(text, "node.session.auth.chap_algs", ret_digests);
	/* open-iscsi's default is MD5 alone, which some targets refuse. */
	if (!*ret_digests || strcmp(ret_digests, "MD5") == 0)
		(void)snprintf(
			ret_digests, ISCSI_SETTING_SIZE, "MD5,SHA1,SHA256");
}

void
iscsi_settings_read_auth(const char *text, struct iscsi_auth *ret_auth)
{
	char method[ISCSI_SETTING_SIZE];

	*ret_auth = (struct iscsi_auth){0};
	read_value(text, "node.session.auth.authmethod", method);
	if (strcmp(method, "CHAP") != 0)
		return;
	read_value(text, "node.session.auth.username", ret_auth->username);
	read_value(text, "node.session.auth.password", ret_auth->password);
	read_value(
		text, "node.session.auth.username_in", ret_auth->username_in);
	read_value(
		text, "node.session.auth.password_in", ret_auth->password_in);
}

static bool
is_set_by(const char *line, const struct iscsi_setting *settings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (line_sets(line, settings[i].name))
			return true;
	return false;
}

int
iscsi_settings_write(const char *text, const struct iscsi_setting *settings,
	size_t count, char *ret_text, size_t size, size_t *ret_len)
{
	cleanup_fclose FILE *out = fmemopen(ret_text, size, "w");
	const char *line = text;
	long len;

	if (!out)
		return -ENOMEM;
	while (*line) {
		size_t line_len = strcspn(line, "\n");

		/* Ours come before it, so it is written last. */
		if (strncmp(line, END, strlen(END)) != 0 &&
			!is_set_by(line, settings, count))
			(void)fprintf(out, "%.*s\n", (int)line_len, line);
		line += line_len + (line[line_len] != '\0');
	}
	for (size_t i = 0; i < count; i++)
		if (*settings[i].value)
			(void)fprintf(out, "%s = %s\n", settings[i].name,
				settings[i].value);
	(void)fputs(END "\n", out);
	len = fflush(out) == 0 ? ftell(out) : -1;
	if (len < 0 || (size_t)len >= size - 1)
		return -EFBIG;
	*ret_len = (size_t)len;
	return 0;
}
