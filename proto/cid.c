/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cid.c - what a connection ID may be.
 *
 * Runs in: supervisor, command.
 * Trusts: nobody.
 */
#include <errno.h>
#include <string.h>

#include "proto/cid.h"

/* What no connection ID can begin with, and why; NULL if one can. */
static const char *
reason_against(const char *text, size_t len)
{
	if (len == 0)
		return "it is empty";
	if (len > CID_MAX)
		return "it is longer than 255 bytes";
	if (!utf8_is_valid(text, len))
		return "it is not valid UTF-8";
	if (memchr(text, '/', len))
		return "it holds a \"/\", which marks IDs of connections "
		       "without a claim";
	if (utf8_has_control(text, len))
		return "it holds a control character";
	return NULL;
}

int
cid_check_prefix(const char *prefix, size_t len, struct err *err)
{
	const char *reason = reason_against(prefix, len);

	if (reason)
		return err_set(err, ERR_BAD_CID, EINVAL,
			"this prefix cannot be used: %s", reason);
	return 0;
}

int
cid_check(const char *cid, size_t len, struct err *err)
{
	const char *reason = reason_against(cid, len);

	if (!reason && cid[0] == '.' &&
		(len == 1 || (len == 2 && cid[1] == '.')))
		reason = "it is \".\" or \"..\"";
	if (reason)
		return err_set(err, ERR_BAD_CID, EINVAL,
			"this connection ID cannot be used: %s", reason);
	return 0;
}
