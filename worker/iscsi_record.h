/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_record.h - the node record that iscsiadm logs in by: a file of
 * open-iscsi's database.
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: the administrator, whose files these are.
 * Invariant: a record is replaced by one rename, so that nobody reads half of
 *            it; it has mode 0600; it never makes iscsid log in by itself. It
 *            goes with the connection, or becomes again what it was before.
 *
 * Before a record is made or changed for the first time, a sidecar says whose it
 * is and holds what was there, see iscsi_sidecar.h. A mark in the record itself
 * would not do: `iscsiadm -o update` writes it anew, without comments.
 * - What an administrator changes in a record while a connection has it is lost
 *   with the next login or at the end, whichever comes first. One that he
 *   removes is not put back at the end.
 * - Two connections can lead to one portal, and so to one record: by name and
 *   by address. It is the first one's; the second logs in by it, whatever it
 *   says, and with its own credentials if it has some. They stay in there until
 *   the first one makes the record anew or ends. When that comes before the
 *   second one's end, the second one's next login makes it the owner. It has
 *   the original then, since the first has put it back.
 * - Whatever is done here is done under a lock of all workers, which a killed
 *   one does not keep.
 *
 * open-iscsi guards its database by a lock file which outlives whoever holds
 * it when killed, and then costs everybody 30 s. So we never write through it:
 * iscsiadm runs with a lock directory of its own, see supervisor/spawn.c.
 */
#ifndef WORKER_ISCSI_RECORD_H
#define WORKER_ISCSI_RECORD_H

#include <stdint.h>

#include "common/err.h"
#include "worker/iscsi_login.h"

enum {
	ISCSI_PORTAL_SIZE = 288 /* "[ADDRESS]:PORT,TPGT" */
};

/* What identifies a record. Texts are not copied. */
struct iscsi_node {
	const char *target;  /* IQN */
	const char *address; /* in digits */
	uint16_t port;
	uint16_t tpgt;
	const char *iface;
};

/* As iscsiadm takes it behind -p. */
void iscsi_node_write_portal(
	const struct iscsi_node *node, char ret_portal[ISCSI_PORTAL_SIZE]);

/*
 * Sees to it that there is one, ours or another's, and reads what it logs in
 * with: what an administrator wrote there, or for all targets in iscsid.conf;
 * "" for nothing. One of owner_uri's, the canonical URI of a connection, is
 * made anew from what was there before, so that neither earlier attempts nor
 * an iscsid.conf of other days show. 0, or -errno with err.
 */
int iscsi_record_ensure(const struct iscsi_node *node, const char *owner_uri,
	struct iscsi_auth *ret_auth, struct err *err);
/*
 * Makes it one that logs in when told alone, with one attempt of that many
 * seconds at a time, and, unless the user name is "", with these credentials.
 * 0, or -errno with err: -ENOENT when it was not ensured, or has been dropped
 * since by whom it belonged to.
 */
int iscsi_record_adjust(const struct iscsi_node *node,
	const struct iscsi_auth *auth, unsigned login_timeout_s,
	struct err *err);
/*
 * Puts each record of the target that is owner_uri's back as it was before, or
 * removes it when there was none, with directories that are empty then. Any
 * address: a name may have had several. What cannot be put back keeps its
 * sidecar, for the next time.
 */
void iscsi_record_drop_all(const char *target_iqn, const char *owner_uri);

#endif
