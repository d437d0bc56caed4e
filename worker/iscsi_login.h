/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_login.h - asks an iSCSI portal whether a login would be let in.
 *
 * Runs in: operation children of the iSCSI worker, before iscsiadm logs in.
 * Trusts: nobody: every byte received is a target's.
 * Invariant: returns by the deadline, whatever the target does; needs no
 *            privilege; makes no session and ends none. No word of a target's
 *            stands in an error text.
 *
 * Why: iscsiadm says little of why a login failed and may take minutes to do
 * so; and new credentials have to be tried before those of a live session are
 * given up, which open-iscsi cannot do.
 *
 * The connection is closed after the security stage, where a target decides on
 * all of this. What comes after (the operational parameters, the number of
 * sessions that a target has room for) is not tried.
 */
#ifndef WORKER_ISCSI_LOGIN_H
#define WORKER_ISCSI_LOGIN_H

#include <stdint.h>
#include <sys/socket.h>

#include "common/err.h"
#include "proto/iscsi_auth.h"

struct iscsi_trial {
	const struct sockaddr *address; /* IPv4 or IPv6; its port is ignored */
	socklen_t address_len;
	uint16_t port;
	const char *target;	       /* its IQN */
	const char *initiator;	       /* this host's */
	unsigned tpgt;		       /* the portal group expected */
	const struct iscsi_auth *auth; /* NULL, no username: no CHAP */
	int timeout_ms;		       /* for all of it */
};

/*
 * With credentials, CHAP and no authentication are offered, as iscsid does;
 * with those of the target too, CHAP alone. Blocks, for timeout_ms in all.
 *
 * Returns 0, or negative errno and in err:
 *	ERR_BAD_OPTION     the address, a name or the credentials are unusable
 *	ERR_UNREACHABLE    refused, no route, closed or reset; the target says
 *	                   that it cannot serve now
 *	ERR_TIMED_OUT      the text names the step that got no answer
 *	ERR_AUTH_FAILED    credentials are missing or wrong, or the target does
 *	                   not prove who it is
 *	ERR_ACCESS_DENIED  the target does not let this initiator in
 *	ERR_NOT_FOUND      the portal has no such target
 *	ERR_LOGIN_FAILED   another portal group; another refusal; EPROTO: an
 *	                   answer that makes no sense
 *	ERR_INTERNAL       no socket or no random bytes to be had
 * A target that sends the initiator to another portal has let it in so far: 0.
 */
int iscsi_login_try(const struct iscsi_trial *trial, struct err *err);

#endif
