/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * entry.h - entries of list and status, as proto/api.def has them.
 *
 * Runs in: supervisor.
 */
#ifndef SUPERVISOR_ENTRY_H
#define SUPERVISOR_ENTRY_H

#include <stdbool.h>

#include "proto/uri.h"
#include "proto/wire.h"

struct claim;
struct ledger_entry;
struct mount_entry;
struct session_entry;
struct target;

enum {
	ENTRY_ID_MAX = 320
};

/* with_status: and the keys of STATUS. */
void entry_write_claim(
	struct wire_writer *out, const struct claim *claim, bool with_status);
/* A connection without a claim that is still there. */
void entry_write_lingering(
	struct wire_writer *out, const struct target *target, bool with_status);
/* One that has just gone: state "gone". */
void entry_write_gone(struct wire_writer *out, const struct target *target);
/* A claim that never was, or is long gone, for `wait` for gone. */
void entry_write_nothing(struct wire_writer *out);
/* What somebody else mounted. */
void entry_write_unmanaged(
	struct wire_writer *out, const struct mount_entry *mount);

/* A session that somebody else logged in to. */
void entry_write_unmanaged_session(
	struct wire_writer *out, const struct session_entry *session);

/* A process that is stuck, of a connection that is no more. */
void entry_write_stuck(
	struct wire_writer *out, const struct ledger_entry *stuck);

/* "stuck/PID", "lingering/NAME", "unmanaged/nfs_ID", "unmanaged/iscsi_session_NUMBER"; id
 * has ENTRY_ID_MAX bytes. */
void entry_unmanaged_session_id(const struct session_entry *session, char *id);
void entry_stuck_id(const struct ledger_entry *stuck, char *id);
void entry_lingering_id(const struct target *target, char *id);
void entry_unmanaged_id(const struct mount_entry *mount, char *id);

/* Encodes what of connectionInfo never changes into target->info. */
void entry_make_info(struct target *target, const struct uri *uri);

#endif
