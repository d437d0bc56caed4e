/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * preflight_mountd.c - the NFS version 3 half of the pre-flight: mountd.
 *
 * Runs in: operation children of the NFS worker, before mount(2).
 * Trusts: nobody: every byte received is a server's.
 * Invariant: all waiting is done by tcp.c, up to the caller's deadline.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "worker/preflight_mountd.h"

enum {
	RPCBIND_PROGRAM = 100000,
	RPCBIND_PORT = 111,
	PORTMAP_VERSION = 2, /* knows IPv4 only */
	RPCBIND_VERSION = 4,
	PROC_GETPORT = 3, /* named GETADDR from version 3 on */

	MOUNT_PROGRAM = 100005,
	MOUNT_VERSION = 3,
	PROC_NULL = 0,

	ARGS_MAX = 64,
	UNIVERSAL_ADDRESS_MAX = 128,
	PEER_TEXT_MAX = 64,
};

/* Reads decimal digits backwards from *len on; -1 unless it is a byte. */
static int
take_last_byte(const char *text, size_t *len)
{
	int value = 0;
	int scale = 1;
	size_t digits = 0;

	while (*len > 0 && digits < 3 && text[*len - 1] >= '0' &&
		text[*len - 1] <= '9') {
		value += scale * (text[--*len] - '0');
		scale *= 10;
		digits++;
	}
	return digits > 0 && value <= 255 ? value : -1;
}

uint16_t
preflight_universal_port(const char *text, size_t len)
{
	int low = take_last_byte(text, &len);
	int high;

	if (low < 0 || len == 0 || text[--len] != '.')
		return 0;
	high = take_last_byte(text, &len);
	if (high < 0 || len == 0 || text[--len] != '.')
		return 0;
	return (uint16_t)(high << 8 | low);
}

/* Reads a port, 0 for none, from what GETPORT or GETADDR returned. */
static uint16_t
get_port(struct xdr_in *in, bool is_portmap)
{
	const char *text;
	uint32_t port;
	size_t len;

	if (is_portmap) {
		port = xdr_get_u32(in);
		if (port > UINT16_MAX)
			in->is_bad = true;
		return (uint16_t)port;
	}
	text = xdr_get_opaque(in, UNIVERSAL_ADDRESS_MAX, &len);
	if (!text || len == 0)
		return 0;
	port = preflight_universal_port(text, len);
	if (port == 0)
		in->is_bad = true;
	return (uint16_t)port;
}

static void
put_question(struct xdr_out *args, bool is_portmap)
{
	xdr_put_u32(args, MOUNT_PROGRAM);
	xdr_put_u32(args, MOUNT_VERSION);
	if (is_portmap) {
		xdr_put_u32(args, IPPROTO_TCP);
		xdr_put_u32(args, 0); /* port: not part of the question */
		return;
	}
	xdr_put_opaque(args, "tcp6", strlen("tcp6"));
	xdr_put_opaque(args, "", 0); /* address: the one we called */
	xdr_put_opaque(args, "", 0); /* owner */
}

static int
ask_rpcbind(struct sunrpc *rpc, bool is_portmap, uint16_t *ret_port,
	struct err *err)
{
	unsigned char buffer[ARGS_MAX];
	struct xdr_out args;
	const struct sunrpc_call call = {
		.name = is_portmap ? "GETPORT" : "GETADDR",
		.program = RPCBIND_PROGRAM,
		.version = is_portmap ? PORTMAP_VERSION : RPCBIND_VERSION,
		.procedure = PROC_GETPORT,
		.args = &args,
	};
	struct xdr_in results;
	uint16_t port;
	int rc;

	xdr_out_init(&args, buffer, sizeof(buffer));
	put_question(&args, is_portmap);
	rc = sunrpc_call(rpc, &call, &results, err);
	if (rc < 0)
		return rc;
	if (rc == SUNRPC_NOT_OFFERED)
		return err_set(err, ERR_UNSUPPORTED, EPROTONOSUPPORT,
			"%s does not speak version %u", rpc->peer,
			call.version);
	port = get_port(&results, is_portmap);
	if (!xdr_in_is_done(&results))
		return sunrpc_fail(rpc, call.name, EPROTO, err);
	if (port == 0)
		return err_set(err, ERR_UNREACHABLE, ECONNREFUSED,
			"%s knows of no mountd version 3 over TCP", rpc->peer);
	*ret_port = port;
	return 0;
}

static int
mountd_null(struct sunrpc *rpc, struct err *err)
{
	const struct sunrpc_call call = {
		.name = "NULL",
		.program = MOUNT_PROGRAM,
		.version = MOUNT_VERSION,
		.procedure = PROC_NULL,
	};
	struct xdr_in results;
	int rc = sunrpc_call(rpc, &call, &results, err);

	if (rc < 0)
		return rc;
	if (rc == SUNRPC_NOT_OFFERED)
		return err_set(err, ERR_UNSUPPORTED, EPROTONOSUPPORT,
			"%s does not speak the MOUNT protocol, version 3",
			rpc->peer);
	if (!xdr_in_is_done(&results))
		return sunrpc_fail(rpc, call.name, EPROTO, err);
	return 0;
}

int
preflight_mountd(struct sunrpc *rpc, const struct sockaddr *address,
	socklen_t address_len, uint16_t port, struct err *err)
{
	char peer[PEER_TEXT_MAX];
	int rc;

	if (port == 0) {
		rc = sunrpc_connect(rpc, "the server's rpcbind (port 111)",
			address, address_len, RPCBIND_PORT, err);
		if (rc == 0)
			rc = ask_rpcbind(
				rpc, address->sa_family == AF_INET, &port, err);
		if (rc < 0)
			return rc;
	}
	(void)snprintf(peer, sizeof(peer), "the server's mountd (port %u)",
		(unsigned)port);
	rc = sunrpc_connect(rpc, peer, address, address_len, port, err);
	if (rc == 0)
		rc = mountd_null(rpc, err);
	sunrpc_done(rpc);
	rpc->peer = "the server"; /* ours goes away */
	return rc;
}
