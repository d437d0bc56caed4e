/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uri_nfs.c - nfs://HOST[:PORT]/EXPORT, and the two older forms.
 *
 * Runs in: as uri.h.
 * Trusts: nobody.
 * Invariant: the export begins with "/", has no empty, "." or ".." segment and
 *            no control character.
 */
#include <string.h>

#include "proto/uri_parts.h"

enum {
	NFS_PORT = 2049,
	NFS_RDMA_PORT = 20049
};

static int
segment_add(struct uri_span segment, struct uri_text *path, struct err *err)
{
	if (segment.len == 0)
		return 0;
	if (segment.at[0] == '.' &&
		(segment.len == 1 ||
			(segment.len == 2 && segment.at[1] == '.')))
		return uri_refuse(err,
			"\"%.*s\" in the export: write the path without it",
			URI_SHOW(segment));
	uri_text_add(path, (struct uri_span){"/", 1});
	uri_text_add(path, segment);
	return 0;
}

static int
export_parse(struct uri_span export, struct uri *uri, struct err *err)
{
	char decoded[URI_MAX];
	struct uri_span rest = {decoded, 0};
	struct uri_text path;
	bool more = true;
	int r;

	if (export.len == 0)
		return uri_refuse(err,
			"no export: write nfs://HOST/EXPORT, or nfs://HOST/ "
			"for the server's root");
	r = uri_span_decode(export, decoded, sizeof(decoded), &rest.len, err);
	if (r < 0)
		return r;
	uri_text_init(&path, uri->path, sizeof(uri->path));
	while (more) {
		struct uri_span segment = rest;

		more = uri_span_cut(&segment, '/', &rest);
		r = segment_add(segment, &path, err);
		if (r < 0)
			return r;
	}
	if (path.full)
		return uri_refuse(err,
			"an export of more than %d bytes: shorten it",
			URI_PATH_MAX - 1);
	if (path.len == 0)
		uri_text_add(&path, (struct uri_span){"/", 1});
	return 0;
}

/* all is PORT and "/EXPORT", or an export in an older form; ":" is gone. */
static int
tail_parse(struct uri_span all, struct uri_span port, struct uri *uri,
	struct err *err)
{
	int r;

	if (uri_span_is_number(port)) {
		r = uri_port_parse(port, uri, err);
		if (r < 0)
			return r;
		all.at += port.len;
		all.len -= port.len;
	} else if (port.len > 0 && uri_span_has(all, '@')) {
		/* "user:pass/word@host" is no export "pass/..." of "user". */
		return uri_refuse_userinfo(err);
	}
	return export_parse(all, uri, err);
}

int
uri_nfs_parse(struct uri_span body, struct uri *uri, struct err *err)
{
	struct uri_span authority = body;
	struct uri_span tail;
	struct uri_span all;
	int r;

	(void)uri_span_cut(&authority, '/', &all);
	r = uri_authority_parse(authority, uri, &tail, err);
	if (r < 0)
		return r;
	all.at = tail.at;
	all.len = (size_t)(body.at + body.len - tail.at);
	return tail_parse(all, tail, uri, err);
}

/* The kernel's `proto` and `mountproto` fix the address family as well. */
static int
check_family(const struct uri *uri, const char *name, struct err *err)
{
	const char *value = uri_param(uri, name);
	bool wants_ipv6;

	if (!value || (!uri->host_is_ipv4 && !uri->host_is_ipv6))
		return 0;
	wants_ipv6 = value[strlen(value) - 1] == '6';
	if (wants_ipv6 == uri->host_is_ipv6)
		return 0;
	return uri_refuse(err,
		"%s=%s is for IPv%d but the host is an IPv%d address: write "
		"%s=%.*s%s, or leave it out",
		name, value, wants_ipv6 ? 6 : 4, wants_ipv6 ? 4 : 6, name,
		(int)strcspn(value, "6"), value, wants_ipv6 ? "" : "6");
}

int
uri_nfs_settle(struct uri *uri, struct err *err)
{
	const char *proto = uri_param(uri, "proto");
	int r;

	uri->default_port = proto && strncmp(proto, "rdma", 4) == 0
				    ? NFS_RDMA_PORT
				    : NFS_PORT;
	if (uri->port == 0)
		uri->port = uri->default_port;
	r = check_family(uri, "proto", err);
	if (r < 0)
		return r;
	return check_family(uri, "mountproto", err);
}

void
uri_nfs_print(const struct uri *uri, struct uri_text *text)
{
	uri_host_print(uri, text);
	uri_port_print(uri, text);
	uri_text_escape(text, uri->path);
}
