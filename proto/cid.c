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

int
cid_check(const char *cid, size_t len, struct err *err)
{
	const char *reason = NULL;

	if (len == 0)
		reason = "it is empty";
	else if (len > CID_MAX)
		reason = "it is longer than 255 bytes";
	else if (!utf8_is_valid(cid, len))
		reason = "it is not valid UTF-8";
	else if (memchr(cid, '/', len))
		reason = "it holds a \"/\", which marks IDs of connections "
			 "without a claim";
	else if (utf8_has_control(cid, len))
		reason = "it holds a control character";
	else if (cid[0] == '.' && (len == 1 || (len == 2 && cid[1] == '.')))
		reason = "it is \".\" or \"..\"";
	if (reason)
		return err_set(err, ERR_BAD_CID, EINVAL,
			"this connection ID cannot be used: %s", reason);
	return 0;
}
