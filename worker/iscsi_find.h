/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_find.h - which of the kernel's sessions is that of a URI.
 *
 * Runs in: worker, operation children.
 * Invariant: cannot block. Two sessions that differ in any part of the URI but
 *            the host are never taken for each other; which addresses belong
 *            to the host is the caller's to know.
 */
#ifndef WORKER_ISCSI_FIND_H
#define WORKER_ISCSI_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "common/iscsi.h"
#include "proto/uri.h"

/* What holdfast tells open-iscsi when the URI says nothing. */
#define ISCSI_DEFAULT_IFACE "default"

const char *iscsi_iface(const struct uri *uri);
uint16_t iscsi_tpgt(const struct uri *uri);
/* All that the URI says, but for the host; and it was logged in to once. */
bool iscsi_is_like(const struct iscsi_session *session, const struct uri *uri);
/* 1 + the number of the session to that address; 0 for none. */
uint32_t iscsi_find_session(const struct uri *uri, const char *address);

/* The same, whatever the portal group is. ret_tpgt: the one that it is. */
uint32_t iscsi_find_other_group(
	const struct uri *uri, const char *address, uint16_t *ret_tpgt);

#endif
