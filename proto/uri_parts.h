/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uri_parts.h - what the files of the URI code share. Nobody else includes it.
 *
 * Runs in: as uri.h.
 * Invariant: a span is not NUL-terminated; a text always is.
 */
#ifndef PROTO_URI_PARTS_H
#define PROTO_URI_PARTS_H

#include <errno.h>

#include "proto/uri.h"

/* Bytes of someone else. */
struct uri_span {
	const char *at;
	size_t len;
};

/* A bounded buffer being written; `full` once something did not fit. */
struct uri_text {
	char *at;
	size_t size;
	size_t len;
	bool full;
};

/* A refusal. Its value stands here for the compiler to see it is negative. */
#define uri_refuse(err, ...)                                                   \
	((void)err_set(err, ERR_BAD_URI, EINVAL, __VA_ARGS__), -EINVAL)

/* Refuses "user:password@" without a word of what was written. */
int uri_refuse_userinfo(struct err *err);

/* Two arguments for "%.*s": the start of what the caller wrote. */
#define URI_SHOW(span) (int)((span).len < 48 ? (span).len : 48), (span).at

/*
 * Cuts *span before the first separator and sets *ret_rest to what is behind
 * that; without one, *span stays and *ret_rest is empty. Whether there was one.
 */
bool uri_span_cut(
	struct uri_span *span, char separator, struct uri_span *ret_rest);
bool uri_span_has(struct uri_span span, char wanted);
/* Whether there is at least one byte and all of them are ASCII digits. */
bool uri_span_is_number(struct uri_span span);
/*
 * Resolves percent escapes into size bytes; NUL-terminated, and *ret_len does
 * not count that. Refuses what is no escape, "%2F", and any result that is not
 * text: invalid UTF-8, control characters.
 */
int uri_span_decode(struct uri_span span, char *ret_decoded, size_t size,
	size_t *ret_len, struct err *err);
/* Refuses invalid UTF-8 and control characters (C0, DEL, C1). */
int uri_span_check_text(struct uri_span span, struct err *err);

/* size is at least 1. */
void uri_text_init(struct uri_text *text, char *buffer, size_t size);
void uri_text_add(struct uri_text *text, struct uri_span span);
void uri_text_print(struct uri_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Adds string with all but unreserved characters and "/" escaped. */
void uri_text_escape(struct uri_text *text, const char *string);

/* What a URI of the scheme looks like, for a text that says what to write. */
const char *uri_scheme_form(enum uri_scheme scheme);

/*
 * What is before the first "/", HOST or HOST:TAIL, HOST being NAME, IPv4 or
 * [IPv6]: sets host, host_is_ipv4, host_is_ipv6. Without ":" the tail is empty,
 * and begins where authority ends.
 */
int uri_authority_parse(struct uri_span authority, struct uri *uri,
	struct uri_span *ret_tail, struct err *err);
int uri_port_parse(struct uri_span port, struct uri *uri, struct err *err);
/* The host as it stands in a URI. */
void uri_host_print(const struct uri *uri, struct uri_text *text);
/* ":PORT", or nothing for the default. */
void uri_port_print(const struct uri *uri, struct uri_text *text);

/* Between "nfs://" and "?": sets host, port (0 when not given) and path. */
int uri_nfs_parse(struct uri_span body, struct uri *uri, struct err *err);
/* With the parameters known: fills in the port, refuses contradictions. */
int uri_nfs_settle(struct uri *uri, struct err *err);
void uri_nfs_print(const struct uri *uri, struct uri_text *text);

/* Between "iscsi://" and "?": sets host, port (0 when not given), path, lun. */
int uri_iscsi_parse(struct uri_span body, struct uri *uri, struct err *err);
int uri_iscsi_settle(struct uri *uri, struct err *err);
void uri_iscsi_print(const struct uri *uri, struct uri_text *text);

/* Before uri_params_parse(): a parameter that is written in another place. */
int uri_params_add(struct uri *uri, const char *name, struct uri_span value,
	struct err *err);
/* What is behind "?": sets params and param_count, canonical. */
int uri_params_parse(struct uri_span query, struct uri *uri, struct err *err);
void uri_params_print(const struct uri *uri, struct uri_text *text);

/* Sets mount_name; canonical is set already. */
void uri_mount_name(struct uri *uri);

#endif
