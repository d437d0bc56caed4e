/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * preflight.h - asks an NFS server, from user space, whether mount(2) is safe.
 *
 * Runs in: operation children of the NFS worker, before mount(2).
 * Trusts: nobody: every byte received is a server's.
 * Invariant: returns by the deadline, whatever the server does; needs no
 *            privilege and no reserved port; leaves no state on the server.
 *
 * Why: a server that accepts TCP and answers NULL but hangs EXCHANGE_ID holds
 * up, inside the kernel, every first NFS mount of the whole machine. So the
 * very call that would hang there is made here first.
 */
#ifndef WORKER_PREFLIGHT_H
#define WORKER_PREFLIGHT_H

#include <stdint.h>
#include <sys/socket.h>

#include "common/err.h"

struct preflight_result {
	int major;	     /* 3 or 4 */
	int minor;	     /* of version 4: 0, 1 or 2; else 0 */
	unsigned latency_us; /* connect and the first NULL */
};

/*
 * Finds the NFS version to pass as vers= and makes sure that the server
 * answers it:
 *	4.2, 4.1  NULL, EXCHANGE_ID, then DESTROY_CLIENTID at best effort
 *	4.0       NULL, PUTROOTFH
 *	3         NULL; rpcbind for mountd's port; NULL to mountd
 *
 * address: AF_INET or AF_INET6; port 0 means 2049. wanted_version: NULL takes
 * the first of 4.2, 4.1, 4.0 and 3 that is offered, "4" the first of 4.x;
 * else one of "4.2", "4.1", "4.0", "3". mountport: mountd's TCP port, for
 * version 3; 0 asks rpcbind, at port 111 of the same address. Blocks, for
 * timeout_ms in all.
 *
 * Any NFS status is an answer, with two exceptions. NFS4ERR_DELAY is asked
 * again until the deadline: the kernel would repeat it without end, holding
 * the same lock. MINOR_VERS_MISMATCH, OP_ILLEGAL and NOTSUPP mean that this
 * version is not offered.
 *
 * Returns 0, or negative errno and in err:
 *	ERR_BAD_OPTION     wanted_version or the address is none of the above
 *	ERR_UNREACHABLE    refused, no route, closed or reset; no mountd
 *	ERR_TIMED_OUT      the text names the step that got no answer
 *	ERR_UNSUPPORTED    version not offered: the text says which are
 *	ERR_ACCESS_DENIED  the server rejects this host's credentials
 *	ERR_IO             garbage, or an RPC error
 *	ERR_INTERNAL       no socket to be had
 * *ret_result is written on success only.
 */
int preflight_nfs(const struct sockaddr *address, socklen_t address_len,
	const char *wanted_version, uint16_t mountport, int timeout_ms,
	struct preflight_result *ret_result, struct err *err);
/*
 * The same of a server that is mounted already: mountd, which only a new mount
 * needs, is not asked. 0, or negative errno and in err one of the above; all
 * but ERR_UNREACHABLE, ERR_TIMED_OUT and ERR_INTERNAL were answers.
 */
int preflight_mounted(const struct sockaddr *address, socklen_t address_len,
	const char *wanted_version, int timeout_ms, struct err *err);

#endif
