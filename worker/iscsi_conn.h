/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_conn.h - a connection in the security stage of iSCSI's login phase.
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: nobody: every byte received is a target's.
 * Invariant: every request is for the security stage of a new session; the
 *            one transit ever asked for, or taken, is to the operational
 *            stage, so no session comes to be. Memory, the number of
 *            exchanges and, by tcp.h, the time are bounded.
 *
 * System calls: those of tcp.c, and getrandom.
 */
#ifndef WORKER_ISCSI_CONN_H
#define WORKER_ISCSI_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/iscsi_text.h"
#include "worker/tcp.h"

enum {
	ISCSI_CONN_ISID_SIZE = 6,
	ISCSI_CONN_EXCHANGES_MAX = 32,
};

struct iscsi_conn {
	struct tcp tcp;
	unsigned char isid[ISCSI_CONN_ISID_SIZE];
	uint32_t task;	 /* the initiator task tag */
	uint32_t statsn; /* the one expected next */
	unsigned exchanges;
};

/* What a target says to one request. */
struct iscsi_answer {
	unsigned status; /* class << 8 | detail; the rest counts if 0 */
	bool has_transit;
	struct iscsi_text text;
};

/* Nothing is connected yet. 0, or -errno when there is no randomness. */
int iscsi_conn_init(struct iscsi_conn *conn, int timeout_ms);
/* As tcp_connect(). */
int iscsi_conn_connect(struct iscsi_conn *conn, const struct sockaddr *address,
	socklen_t address_len, uint16_t port);
/* Closes the connection if there is one. */
void iscsi_conn_done(struct iscsi_conn *conn);
/*
 * Sends a login request and collects the answer, which may come in pieces. 0,
 * or -errno: EPROTO when it makes no sense, EMSGSIZE when text is full, or
 * what tcp.h says.
 */
int iscsi_conn_exchange(struct iscsi_conn *conn, const struct iscsi_text *text,
	bool wants_transit, struct iscsi_answer *ret_answer);

#endif
