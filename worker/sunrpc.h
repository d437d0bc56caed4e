/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sunrpc.h - ONC RPC calls (RFC 5531) over TCP, one at a time, with a deadline.
 *
 * Runs in: operation children of the NFS worker.
 * Trusts: nobody: every byte received is a server's.
 * Invariant: no function here returns later than the deadline, however the
 *            server behaves: it is one point in time for all calls, never
 *            moved by bytes that arrive. Memory is bounded by the struct.
 *
 * System calls: those of tcp.c, and uname.
 */
#ifndef WORKER_SUNRPC_H
#define WORKER_SUNRPC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/err.h"
#include "worker/tcp.h"
#include "worker/xdr.h"

enum {
	SUNRPC_REPLY_MAX = 64 * 1024,
	SUNRPC_CALL_MAX = 1024,
	SUNRPC_HOSTNAME_MAX = 64 + 1, /* with its NUL */
};

struct sunrpc {
	struct tcp tcp;
	const char *peer; /* subject of every error text */
	uint32_t xid;
	unsigned char reply[SUNRPC_REPLY_MAX];
};

struct sunrpc_call {
	const char *name; /* for error texts: "EXCHANGE_ID" */
	uint32_t program;
	uint32_t version;
	uint32_t procedure;
	bool has_auth_sys;	    /* as nobody; else AUTH_NONE */
	const struct xdr_out *args; /* NULL: none */
};

/* What sunrpc_call() returns when the program or its version is not there. */
enum {
	SUNRPC_NOT_OFFERED = 1
};

/* The deadline is timeout_ms from now. Nothing is connected yet. */
void sunrpc_init(struct sunrpc *rpc, int timeout_ms);
/* Closes the connection if there is one. */
void sunrpc_done(struct sunrpc *rpc);

/*
 * Connects to that port of an IPv4 or IPv6 address (the port in the address is
 * not looked at), in place of an earlier connection. address_len is that of
 * the family; peer must live as long as the connection. Errors: ERR_UNREACHABLE, ERR_TIMED_OUT; ERR_INTERNAL when there
 * is no socket to be had.
 */
int sunrpc_connect(struct sunrpc *rpc, const char *peer,
	const struct sockaddr *address, socklen_t address_len, uint16_t port,
	struct err *err);

/*
 * Calls and waits for the reply. 0: *ret_results (inside rpc->reply, valid
 * until the next call) stands at the results of the procedure.
 * SUNRPC_NOT_OFFERED: the server lacks the program or the version.
 * Errors: ERR_UNREACHABLE (connection lost), ERR_TIMED_OUT, ERR_ACCESS_DENIED
 * (credentials rejected), ERR_UNSUPPORTED (not RPC version 2), ERR_IO.
 */
int sunrpc_call(struct sunrpc *rpc, const struct sunrpc_call *call,
	struct xdr_in *ret_results, struct err *err);

/*
 * Fills in err for a step that failed with errnum: ETIMEDOUT, EPROTO (reply
 * that makes no sense) or what a socket call said. Returns -errnum.
 */
int sunrpc_fail(const struct sunrpc *rpc, const char *step, int errnum,
	struct err *err);
/* This host's name; "localhost" when it has none. */
void sunrpc_hostname(char name[SUNRPC_HOSTNAME_MAX]);

#endif
