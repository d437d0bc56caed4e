/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uri_iscsi.c - iscsi://HOST[:PORT]/IQN[/LUN], and the form of 2012.
 *
 * Runs in: as uri.h.
 * Trusts: nobody: the name becomes that of a directory of open-iscsi's.
 * Invariant: the name is an iqn., eui. or naa. name of lower-case letters,
 *            digits, "-", "." and ":".
 *
 * An iSCSI name is what RFC 3722 leaves of ASCII, in the forms of RFC 7143,
 * section 4.2.7. What it leaves beyond ASCII is refused: one spelling of that
 * takes its tables.
 */
#include <string.h>

#include "proto/uri_parts.h"

enum {
	ISCSI_PORT = 3260,
	ISCSI_NAME_LEN = 223,
	LUN_MOST = 16383, /* flat space addressing: 14 bits */
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* rest is what is behind "iqn.": YYYY-MM.DOMAIN and whatever its owner likes. */
static bool
is_iqn(const char *rest)
{
	static const char date[] = "0000-00.";
	size_t at;
	int month;

	for (at = 0; date[at]; at++)
		if (date[at] == '0' ? !is_digit(rest[at])
				    : rest[at] != date[at])
			return false;
	month = (rest[5] - '0') * 10 + rest[6] - '0';
	/* strchr() finds the NUL as well. */
	return month >= 1 && month <= 12 && !strchr("-.:", rest[at]);
}

static bool
is_hex(const char *text, size_t digits)
{
	return strspn(text, "0123456789abcdef") == digits &&
	       text[digits] == '\0';
}

static bool
is_iscsi_name(const char *name)
{
	const char *rest = name + 4;

	if (strncmp(name, "iqn.", 4) == 0)
		return is_iqn(rest);
	if (strncmp(name, "eui.", 4) == 0)
		return is_hex(rest, 16);
	if (strncmp(name, "naa.", 4) == 0)
		return is_hex(rest, 16) || is_hex(rest, 32);
	return false;
}

/* Lower case is what RFC 3722 maps a name to before it is compared. */
static int
name_parse(struct uri_span span, struct uri *uri, struct err *err)
{
	char name[URI_MAX];
	size_t len;
	int r;

	if (span.len == 0)
		return uri_refuse(
			err, "no name of a target: write iscsi://HOST/IQN");
	r = uri_span_decode(span, name, sizeof(name), &len, err);
	if (r < 0)
		return r;
	if (len > ISCSI_NAME_LEN)
		return uri_refuse(err,
			"an iSCSI name has at most %d bytes: write that of a "
			"target",
			ISCSI_NAME_LEN);
	for (char *at = name; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at |= 0x20;
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.:") != len)
		return uri_refuse(err,
			"\"%.*s\" is no iSCSI name: write letters and digits "
			"of ASCII, \"-\", \".\" and \":\" only, no \"_\"",
			URI_SHOW(span));
	if (!is_iscsi_name(name))
		return uri_refuse(err,
			"\"%.*s\" is no iSCSI name: write "
			"iqn.YYYY-MM.DOMAIN:ANY, eui. with 16 hex digits, or "
			"naa. with 16 or 32",
			URI_SHOW(span));
	memcpy(uri->path, name, len + 1);
	return 0;
}

/*
 * A "/" with nothing behind it is refused: whoever meant to fill in a LUN would
 * get whichever is the lowest.
 */
static int
lun_parse(struct uri_span span, struct uri *uri, struct err *err)
{
	int32_t lun = 0;

	if (uri_span_is_number(span) && (span.at[0] != '0' || span.len == 1))
		for (size_t i = 0; i < span.len && lun <= LUN_MOST; i++)
			lun = lun * 10 + (span.at[i] - '0');
	else
		lun = LUN_MOST + 1;
	if (lun > LUN_MOST)
		return uri_refuse(err,
			"\"%.*s\" is no LUN: write a number from 0 to %d "
			"without leading zeros, or nothing behind the IQN, "
			"its \"/\" neither",
			URI_SHOW(span), LUN_MOST);
	uri->lun = lun;
	return 0;
}

/* span is what stands behind ";": the portal group tag of 2012. */
static int
portal_parse(struct uri_span span, struct uri *uri, struct err *err)
{
	static const char wanted[] = "portal=";
	size_t len = strlen(wanted);

	if (span.len < len || memcmp(span.at, wanted, len) != 0 ||
		uri_span_has(span, ';'))
		return uri_refuse(err,
			"only \"portal=TAG\" can stand behind \";\": write "
			"parameters behind \"?\", joined by \"&\"");
	span = (struct uri_span){span.at + len, span.len - len};
	return uri_params_add(uri, "tpgt", span, err);
}

static int
target_parse(struct uri_span name, struct uri *uri, struct err *err)
{
	struct uri_span portal;
	struct uri_span lun;
	bool has_portal;
	bool has_lun;
	int r;

	if (uri_span_has(name, ';') && uri_span_has(name, '/'))
		return uri_refuse(err, "\";\" and a LUN: write "
				       "iscsi://HOST/IQN/LUN?tpgt=TAG");
	has_portal = uri_span_cut(&name, ';', &portal);
	has_lun = uri_span_cut(&name, '/', &lun);
	r = name_parse(name, uri, err);
	if (r < 0)
		return r;
	if (has_lun) {
		r = lun_parse(lun, uri, err);
		if (r < 0)
			return r;
	}
	return has_portal ? portal_parse(portal, uri, err) : 0;
}

int
uri_iscsi_parse(struct uri_span body, struct uri *uri, struct err *err)
{
	struct uri_span authority = body;
	struct uri_span name;
	struct uri_span port;
	int r;

	(void)uri_span_cut(
		&authority, '/', &name); /* no name is an empty one */
	r = uri_authority_parse(authority, uri, &port, err);
	if (r < 0)
		return r;
	if (port.len > 0) {
		r = uri_port_parse(port, uri, err);
		if (r < 0)
			return r;
	}
	return target_parse(name, uri, err);
}

int
uri_iscsi_settle(struct uri *uri, struct err *err)
{
	uri->default_port = ISCSI_PORT;
	if (uri->port == 0)
		uri->port = ISCSI_PORT;
	return 0;
}

void
uri_iscsi_print(const struct uri *uri, struct uri_text *text)
{
	uri_host_print(uri, text);
	uri_port_print(uri, text);
	uri_text_print(text, "/%s", uri->path);
}
