/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_uri.c - a client's URI: refused in words, or in its one form.
 *
 * Input: the URI.
 * Covers: proto/uri.c proto/uri_host.c proto/uri_iscsi.c proto/uri_nfs.c
 * Covers: proto/uri_params.c proto/uri_rule.c proto/uri_form.c
 * Covers: proto/uri_text.c proto/uri_mount.c
 */
#include "tests/uri_check.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failed assertion */
}

/* A text that is not ASCII, or has a blank, would need quoting somewhere. */
static void
check_form(const struct uri *uri)
{
	size_t len = strlen(uri->canonical);

	CHECK(len > 0 && len < URI_MAX && strlen(uri->claim) < URI_MAX);
	/* What runs over one of them would end in the next. */
	CHECK(memchr(uri->host, '\0', sizeof(uri->host)));
	CHECK(memchr(uri->path, '\0', sizeof(uri->path)));
	CHECK(memchr(uri->mount_name, '\0', sizeof(uri->mount_name)));
	for (size_t i = 0; i < uri->param_count; i++)
		CHECK(memchr(uri->params[i].value, '\0', URI_VALUE_MAX));
	for (size_t i = 0; i < len; i++)
		CHECK(uri->canonical[i] > ' ' && uri->canonical[i] < 0x7f);
	CHECK(!strchr(uri->canonical, '@') && !strchr(uri->canonical, '#'));
	for (size_t i = 1; i < uri->param_count; i++)
		CHECK(strcmp(uri->params[i - 1].name, uri->params[i].name) < 0);
	for (size_t i = 0; i < uri->param_count; i++)
		CHECK(uri_param(uri, uri->params[i].name) ==
			uri->params[i].value);
}

/* "SCHEME://USER:SECRET@": no text repeats the secret. */
static void
check_says_no_secret(const char *text, const struct err *err)
{
	const char *authority = strstr(text, "://");
	const char *at = authority ? strchr(authority, '@') : NULL;
	const char *colon =
		at ? memrchr(authority + 3, ':', (size_t)(at - authority) - 3)
		   : NULL;
	char *secret;

	/* One that is short may stand in a text by chance. */
	if (!colon || at - colon < 9 ||
		memchr(authority + 3, '/', (size_t)(at - authority) - 3))
		return;
	secret = fuzz_text(colon + 1, (size_t)(at - colon) - 1);
	/* Nor is one that the scheme repeats, which an error names. */
	if (!memmem(text, (size_t)(authority - text), secret, strlen(secret)))
		CHECK(!strstr(err->text, secret));
	free(secret);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uri uri;
	struct err err = {0};
	int result = parse_bytes((const char *)data, size, &uri, &err);

	if (result < 0) {
		char *text = fuzz_text(data, size);

		fuzz_check_refusal(result, &err);
		CHECK(err.code == ERR_BAD_URI);
		check_says_no_secret(text, &err);
		free(text);
		return 0;
	}
	check_form(&uri);
	assert_sound(&uri);
	return 0;
}
