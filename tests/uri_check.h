/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uri_check.h - what the tests of the URI code share.
 */
#ifndef TESTS_URI_CHECK_H
#define TESTS_URI_CHECK_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "common/guard.h"
#include "proto/uri.h"

/* Parses a copy that ends where its allocation ends: ASan sees an overrun. */
static inline int
parse_bytes(const char *text, size_t len, struct uri *uri, struct err *err)
{
	cleanup_free char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	*err = (struct err){0};
	return uri_parse(copy, len, uri, err);
}

static inline void
parse(const char *text, struct uri *uri)
{
	struct err err;

	if (parse_bytes(text, strlen(text), uri, &err) != 0)
		fail_msg("%s: refused: %s", text, err.text);
}

static inline void
assert_refused(const char *text, size_t len, const char *reason)
{
	struct uri uri;
	struct uri before;
	struct err err;

	memset(&uri, 0x5a, sizeof(uri));
	memset(&before, 0x5a, sizeof(before));
	if (parse_bytes(text, len, &uri, &err) != -EINVAL)
		fail_msg("%s: accepted as %s", text, uri.canonical);
	assert_int_equal(err.code, ERR_BAD_URI);
	if (!strstr(err.text, reason))
		fail_msg("%s: \"%s\" lacks \"%s\"", text, err.text, reason);
	/* A text that was cut has lost its advice. */
	assert_true(strlen(err.text) < ERR_TEXT_MAX - 1);
	assert_memory_equal(&uri, &before, sizeof(uri));
	assert_int_equal(uri_parse(text, len, &uri, NULL), -EINVAL);
}

/* What mount(2) is told of what it mounts. */
static inline void
assert_mountable(const struct uri *uri)
{
	const char *vers = uri_param(uri, "vers");

	assert_int_equal(uri_mount_flags(uri) & (MS_NOSUID | MS_NODEV),
		MS_NOSUID | MS_NODEV);
	for (int major = 3; major <= 4; major++) {
		char options[URI_OPTIONS_MAX];
		int r = uri_mount_options(uri, major, options, sizeof(options));

		assert_int_equal(
			r, vers && vers[0] != '0' + major ? -EINVAL : 0);
		assert_true(r < 0 || !strpbrk(options, "\n\\ \""));
	}
}

/* The LUN is in the claim, and nothing else is. */
static inline void
assert_claim_sound(const struct uri *uri)
{
	struct uri again;

	parse(uri->claim, &again);
	assert_string_equal(again.claim, uri->claim);
	assert_string_equal(again.canonical, uri->canonical);
	assert_int_equal(again.lun, uri->lun);
	parse(uri->canonical, &again);
	assert_string_equal(again.claim, uri->canonical);
	assert_int_equal(again.lun, -1);
	if (uri->scheme != URI_ISCSI)
		assert_int_equal(uri->lun, -1);
	if (uri->lun < 0)
		assert_string_equal(uri->claim, uri->canonical);
	else
		assert_string_not_equal(uri->claim, uri->canonical);
}

/* What holds for every URI that is accepted. */
static inline void
assert_sound(const struct uri *uri)
{
	struct uri again;
	char buffer[URI_SOURCE_MAX];

	parse(uri->canonical, &again);
	assert_string_equal(again.canonical, uri->canonical);
	assert_string_equal(again.mount_name, uri->mount_name);
	assert_string_equal(again.host, uri->host);
	assert_string_equal(again.path, uri->path);
	assert_int_equal(again.port, uri->port);
	assert_int_equal(again.scheme, uri->scheme);
	assert_int_equal(again.param_count, uri->param_count);
	assert_true(
		mount_name_is_valid(uri->mount_name, strlen(uri->mount_name)));
	assert_int_equal(uri_mount_source(uri, buffer, sizeof(buffer)), 0);
	assert_claim_sound(uri);
	if (uri->scheme != URI_ISCSI)
		assert_mountable(uri);
}

/* What is written, what comes of it. */
struct text_case {
	const char *text;
	const char *result;
};

#endif
