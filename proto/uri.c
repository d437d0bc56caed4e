/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uri.c - the schemes, and how a URI becomes a struct uri.
 *
 * Runs in: supervisor, worker, command.
 * Trusts: nobody; see uri.h.
 * Invariant: the canonical text is printed from the parsed values alone, never
 *            copied from the input: one value has one spelling.
 *
 * A new scheme is a row of schemes[] and rows in uri_param.def.
 */
#include <string.h>
#include <strings.h>

#include "common/guard.h"
#include "proto/uri_parts.h"

static const char tmpfs_name_chars[] = "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789._-";

static int
tmpfs_parse(struct uri_span body, struct uri *uri, struct err *err)
{
	if (body.len == 0)
		return uri_refuse(err, "no name: write tmpfs://NAME");
	memcpy(uri->host, body.at, body.len < 64 ? body.len : 64);
	if (body.len > 64 || strspn(uri->host, tmpfs_name_chars) != body.len ||
		strcmp(uri->host, ".") == 0 || strcmp(uri->host, "..") == 0)
		return uri_refuse(err,
			"tmpfs://NAME takes 1 to 64 letters, digits, \".\", "
			"\"_\" or \"-\" as NAME, not \"%.*s\"",
			URI_SHOW(body));
	for (char *at = uri->host; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at += 'a' - 'A';
	return 0;
}

static int
tmpfs_settle(struct uri *uri, struct err *err)
{
	return 0;
}

static void
tmpfs_print(const struct uri *uri, struct uri_text *text)
{
	uri_text_print(text, "%s", uri->host);
}

static const struct {
	const char *name;
	const char *form;
	bool may_hold_at; /* "@" behind the first "/" is no one's password */
	/* What is between "://" and "?". */
	int (*parse)(struct uri_span body, struct uri *uri, struct err *err);
	/* What the parameters decide or contradict. */
	int (*settle)(struct uri *uri, struct err *err);
	/* The canonical form of what parse read. */
	void (*print)(const struct uri *uri, struct uri_text *text);
} schemes[URI_SCHEME_COUNT] = {
	[URI_NFS] = {"nfs", "nfs://HOST/EXPORT", true, uri_nfs_parse,
		uri_nfs_settle, uri_nfs_print},
	[URI_TMPFS] = {"tmpfs", "tmpfs://NAME", false, tmpfs_parse,
		tmpfs_settle, tmpfs_print},
	[URI_ISCSI] = {"iscsi", "iscsi://HOST/IQN", false, uri_iscsi_parse,
		uri_iscsi_settle, uri_iscsi_print},
};

const char *
uri_scheme_name(enum uri_scheme scheme)
{
	return schemes[scheme].name;
}

const char *
uri_scheme_form(enum uri_scheme scheme)
{
	return schemes[scheme].form;
}

static void
list_forms(struct uri_text *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		uri_text_print(text, "%s%s", i ? " or " : "", schemes[i].form);
}

/* Only what looks like a scheme is repeated: the rest may be a password. */
static bool
looks_like_scheme(struct uri_span span)
{
	for (size_t i = 0; i < span.len; i++)
		if (!memchr("+-.", span.at[i], 3) &&
			!((span.at[i] | 0x20) >= 'a' &&
				(span.at[i] | 0x20) <= 'z') &&
			!(span.at[i] >= '0' && span.at[i] <= '9'))
			return false;
	return span.len > 0 && span.len <= 16;
}

/* Takes "SCHEME://" off the front. */
static int
take_scheme(struct uri_span *text, enum uri_scheme *ret_scheme, struct err *err)
{
	char buffer[128];
	struct uri_text forms;
	struct uri_span scheme = *text;
	struct uri_span rest;

	uri_text_init(&forms, buffer, sizeof(buffer));
	list_forms(&forms);
	if (!uri_span_cut(&scheme, ':', &rest) || rest.len < 2 ||
		memcmp(rest.at, "//", 2) != 0 || !looks_like_scheme(scheme))
		return uri_refuse(err, "no scheme: write %s", buffer);
	*text = (struct uri_span){rest.at + 2, rest.len - 2};
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		const char *name = schemes[i].name;

		if (strlen(name) == scheme.len &&
			strncasecmp(name, scheme.at, scheme.len) == 0) {
			*ret_scheme = (enum uri_scheme)i;
			return 0;
		}
	}
	return uri_refuse(err, "unknown scheme \"%.*s\": write %s",
		URI_SHOW(scheme), buffer);
}

static int
check_whole(struct uri_span text, struct err *err)
{
	if (text.len >= URI_MAX)
		return uri_refuse(err,
			"longer than the %d bytes a URI may have: shorten it",
			URI_MAX - 1);
	if (uri_span_has(text, '#'))
		return uri_refuse(err,
			"a URI of a connection has no fragment: write \"#\" in "
			"an export as %%23");
	return uri_span_check_text(text, err);
}

int
uri_refuse_userinfo(struct err *err)
{
	return uri_refuse(err,
		"credentials do not belong in a URI: leave out what is before "
		"\"@\"");
}

/*
 * Looked for before anything is read, and behind a "?" too: a password may hold
 * one, and no other text may repeat what stands before an "@".
 */
static bool
has_userinfo(enum uri_scheme scheme, struct uri_span body)
{
	struct uri_span rest;

	if (schemes[scheme].may_hold_at)
		(void)uri_span_cut(&body, '/', &rest);
	return uri_span_has(body, '@');
}

/* Into URI_MAX bytes. A lun of -1 is left out. */
static int
print_whole(const struct uri *uri, int32_t lun, char *ret_text, struct err *err)
{
	struct uri_text text;

	uri_text_init(&text, ret_text, URI_MAX);
	uri_text_print(&text, "%s://", schemes[uri->scheme].name);
	schemes[uri->scheme].print(uri, &text);
	if (lun >= 0)
		uri_text_print(&text, "/%d", (int)lun);
	uri_params_print(uri, &text);
	if (text.full)
		return uri_refuse(err,
			"longer than the %d bytes a URI may have once its "
			"special characters are escaped: shorten it",
			URI_MAX - 1);
	return 0;
}

int
uri_parse(const char *text, size_t len, struct uri *ret_uri, struct err *err)
{
	struct uri uri = {.lun = -1};
	struct uri_span body = {text, len};
	struct uri_span query;
	int r;

	r = check_whole(body, err);
	if (r < 0)
		return r;
	r = take_scheme(&body, &uri.scheme, err);
	if (r < 0)
		return r;
	if (has_userinfo(uri.scheme, body))
		return uri_refuse_userinfo(err);
	(void)uri_span_cut(&body, '?', &query); /* no query is an empty one */
	r = schemes[uri.scheme].parse(body, &uri, err);
	if (r < 0)
		return r;
	r = uri_params_parse(query, &uri, err);
	if (r < 0)
		return r;
	r = schemes[uri.scheme].settle(&uri, err);
	if (r < 0)
		return r;
	r = print_whole(&uri, -1, uri.canonical, err);
	if (r < 0)
		return r;
	r = print_whole(&uri, uri.lun, uri.claim, err);
	if (r < 0)
		return r;
	uri_mount_name(&uri);
	*ret_uri = uri;
	return 0;
}

const char *
uri_param(const struct uri *uri, const char *name)
{
	for (size_t i = 0; i < uri->param_count; i++)
		if (strcmp(uri->params[i].name, name) == 0)
			return uri->params[i].value;
	return NULL;
}
