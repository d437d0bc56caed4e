/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * preflight_mountd.h - the NFS version 3 half of the pre-flight: mountd.
 *
 * Runs in: operation children of the NFS worker, before mount(2).
 * Trusts: nobody: every byte received is a server's.
 */
#ifndef WORKER_PREFLIGHT_MOUNTD_H
#define WORKER_PREFLIGHT_MOUNTD_H

#include <stdint.h>
#include <sys/socket.h>

#include "common/err.h"
#include "worker/sunrpc.h"

/*
 * Makes sure that mountd version 3 answers over TCP at that address (whose
 * port is not looked at). port 0: asks rpcbind for it. Uses rpc for
 * connections of its own, with the deadline that it has, and leaves none.
 * Errors as of sunrpc_connect() and sunrpc_call(); ERR_UNREACHABLE when
 * rpcbind knows no mountd, ERR_UNSUPPORTED when mountd lacks version 3.
 */
int preflight_mountd(struct sunrpc *rpc, const struct sockaddr *address,
	socklen_t address_len, uint16_t port, struct err *err);

/*
 * The port of a universal address ("192.0.2.1.8.1" is 2049; RFC 5665, section
 * 5.2.3) that is not NUL-terminated. 0 when it is none.
 */
uint16_t preflight_universal_port(const char *text, size_t len);

#endif
