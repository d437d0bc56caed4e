/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cid.h - what a connection ID may be.
 *
 * Runs in: supervisor, command.
 */
#ifndef PROTO_CID_H
#define PROTO_CID_H

#include <stddef.h>

#include "common/err.h"

enum {
	CID_MAX = 255
}; /* bytes; a CID is also a file name below by-id/ */

/*
 * 1-255 bytes of valid UTF-8, no "/", no control characters (C0, DEL, C1), and
 * not "." or "..". 0, or -EINVAL with ERR_BAD_CID and the reason.
 */
int cid_check(const char *cid, size_t len, struct err *err);
/* The same of what some connection IDs may begin with; "." is fine. */
int cid_check_prefix(const char *prefix, size_t len, struct err *err);

#endif
