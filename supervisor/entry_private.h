/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * entry_private.h - what the files of entries have of each other.
 *
 * Runs in: supervisor.
 */
#ifndef SUPERVISOR_ENTRY_PRIVATE_H
#define SUPERVISOR_ENTRY_PRIVATE_H

#include "supervisor/entry.h"

struct session_entry;

/* A pair whose text comes from outside. */
void entry_pair_clean(
	struct wire_writer *out, const char *key, const char *text);

enum {
	ENTRY_ISCSI_PAIRS = 6
};
/* What of connectionInfo the kernel says of a session: ENTRY_ISCSI_PAIRS pairs;
 * entry is NULL while there is none. */
void entry_write_session(struct wire_writer *out,
	const struct session_entry *entry, int32_t lun, bool is_adopted);
/* The whole connectionInfo of a session that is nobody's. */
void entry_write_session_info(
	struct wire_writer *out, const struct session_entry *entry);

#endif
