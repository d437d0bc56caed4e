/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sunrpc.c - ONC RPC calls (RFC 5531) over TCP, one at a time, with a deadline.
 *
 * Runs in: operation children of the NFS worker.
 * Trusts: nobody: every byte received is a server's.
 * Invariant: see sunrpc.h. All waiting is done by tcp.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/sunrpc.h"

enum {
	RPC_VERSION = 2,
	MSG_CALL = 0,
	MSG_REPLY = 1,

	REPLY_ACCEPTED = 0,
	REPLY_DENIED = 1,

	ACCEPT_SUCCESS = 0,
	ACCEPT_PROG_UNAVAIL = 1,
	ACCEPT_PROG_MISMATCH = 2,
	ACCEPT_PROC_UNAVAIL = 3,
	ACCEPT_GARBAGE_ARGS = 4,
	ACCEPT_SYSTEM_ERR = 5,

	DENY_RPC_MISMATCH = 0,
	DENY_AUTH_ERROR = 1,

	AUTH_FLAVOR_NONE = 0,
	AUTH_FLAVOR_SYS = 1,
	AUTH_BODY_MAX = 400,
	NOBODY = 65534,

	FRAGMENTS_MAX = 64,
	MARK_SIZE = 4,
};

static const uint32_t last_fragment = 0x80000000;

void
sunrpc_init(struct sunrpc *rpc, int timeout_ms)
{
	tcp_init(&rpc->tcp, timeout_ms);
	rpc->peer = "the server";
	/* tells replies apart, keeps no secret */
	rpc->xid = (uint32_t)clock_boot_us();
}

void
sunrpc_done(struct sunrpc *rpc)
{
	tcp_done(&rpc->tcp);
}

void
sunrpc_hostname(char name[SUNRPC_HOSTNAME_MAX])
{
	if (gethostname(name, SUNRPC_HOSTNAME_MAX) < 0 || name[0] == '\0')
		(void)snprintf(name, SUNRPC_HOSTNAME_MAX, "localhost");
	name[SUNRPC_HOSTNAME_MAX - 1] = '\0';
}

int
sunrpc_fail(
	const struct sunrpc *rpc, const char *step, int errnum, struct err *err)
{
	char timeout[TCP_TIMEOUT_TEXT_MAX];

	tcp_timeout_text(&rpc->tcp, timeout);
	if (errnum == ETIMEDOUT)
		return err_set(err, ERR_TIMED_OUT, errnum,
			"%s accepted the connection but did not answer %s "
			"within %s",
			rpc->peer, step, timeout);
	if (errnum == EPROTO)
		return err_set(err, ERR_IO, errnum,
			"%s answered %s with what is no valid reply", rpc->peer,
			step);
	if (errnum == ECONNRESET || errnum == EPIPE)
		return err_set(err, ERR_UNREACHABLE, errnum,
			"%s closed the connection instead of answering %s",
			rpc->peer, step);
	return err_set(err, ERR_UNREACHABLE, errnum,
		"%s was lost before it answered %s: %s", rpc->peer, step,
		strerror(errnum));
}

static int
fail_connect(const struct sunrpc *rpc, int errnum, struct err *err)
{
	char timeout[TCP_TIMEOUT_TEXT_MAX];

	tcp_timeout_text(&rpc->tcp, timeout);
	if (errnum == ETIMEDOUT)
		return err_set(err, ERR_TIMED_OUT, errnum,
			"%s did not accept a connection within %s", rpc->peer,
			timeout);
	return err_set(err, ERR_UNREACHABLE, errnum, "%s cannot be reached: %s",
		rpc->peer, strerror(errnum));
}

int
sunrpc_connect(struct sunrpc *rpc, const char *peer,
	const struct sockaddr *address, socklen_t address_len, uint16_t port,
	struct err *err)
{
	int rc;

	rpc->peer = peer;
	rc = tcp_connect(&rpc->tcp, address, address_len, port);
	if (rc < 0 && rpc->tcp.fd < 0 && rc != -EAFNOSUPPORT)
		return err_set(err, ERR_INTERNAL, -rc,
			"cannot make a socket: %s", strerror(-rc));
	return rc < 0 ? fail_connect(rpc, -rc, err) : 0;
}

/* One record, its fragments put together in rpc->reply (RFC 5531, sect. 11) */
static int
receive_record(struct sunrpc *rpc, size_t *ret_len)
{
	size_t len = 0;

	for (int i = 0; i < FRAGMENTS_MAX; i++) {
		unsigned char bytes[MARK_SIZE];
		struct xdr_in in;
		uint32_t mark;
		size_t size;
		int rc = tcp_receive(&rpc->tcp, bytes, sizeof(bytes));

		if (rc < 0)
			return rc;
		xdr_in_init(&in, bytes, sizeof(bytes));
		mark = xdr_get_u32(&in);
		size = mark & ~last_fragment;
		if (size > sizeof(rpc->reply) - len)
			return -EPROTO;
		rc = tcp_receive(&rpc->tcp, rpc->reply + len, size);
		if (rc < 0)
			return rc;
		len += size;
		if (mark & last_fragment) {
			*ret_len = len;
			return 0;
		}
	}
	return -EPROTO;
}

/*
 * Nobody, not root: the pre-flight touches no file, and its source port is
 * not a reserved one, which a uid 0 might be asked for.
 */
static void
put_auth_sys(struct xdr_out *out)
{
	unsigned char buffer[AUTH_BODY_MAX];
	char hostname[SUNRPC_HOSTNAME_MAX];
	struct xdr_out body;

	sunrpc_hostname(hostname);
	xdr_out_init(&body, buffer, sizeof(buffer));
	xdr_put_u32(&body, 0); /* stamp */
	xdr_put_opaque(&body, hostname, strlen(hostname));
	xdr_put_u32(&body, NOBODY);
	xdr_put_u32(&body, NOBODY);
	xdr_put_u32(&body, 0); /* further groups */
	xdr_put_u32(out, AUTH_FLAVOR_SYS);
	xdr_put_opaque(out, body.start, body.len);
}

static int
send_call(struct sunrpc *rpc, const struct sunrpc_call *call)
{
	unsigned char buffer[MARK_SIZE + SUNRPC_CALL_MAX];
	struct xdr_out mark;
	struct xdr_out out;

	xdr_out_init(&out, buffer + MARK_SIZE, SUNRPC_CALL_MAX);
	xdr_put_u32(&out, ++rpc->xid);
	xdr_put_u32(&out, MSG_CALL);
	xdr_put_u32(&out, RPC_VERSION);
	xdr_put_u32(&out, call->program);
	xdr_put_u32(&out, call->version);
	xdr_put_u32(&out, call->procedure);
	if (call->has_auth_sys) {
		put_auth_sys(&out);
	} else {
		xdr_put_u32(&out, AUTH_FLAVOR_NONE);
		xdr_put_u32(&out, 0);
	}
	xdr_put_u32(&out, AUTH_FLAVOR_NONE); /* the verifier */
	xdr_put_u32(&out, 0);
	if (call->args)
		xdr_put_fixed(&out, call->args->start, call->args->len);
	if (out.is_full || (call->args && call->args->is_full))
		return -EMSGSIZE;
	xdr_out_init(&mark, buffer, MARK_SIZE);
	xdr_put_u32(&mark, last_fragment | (uint32_t)out.len);
	return tcp_send(&rpc->tcp, buffer, MARK_SIZE + out.len);
}

static int
on_denied(const struct sunrpc *rpc, const char *step, struct xdr_in *in,
	struct err *err)
{
	uint32_t reason = xdr_get_u32(in);
	uint32_t detail = xdr_get_u32(in); /* auth_stat, or lowest version */

	if (in->is_bad || reason > DENY_AUTH_ERROR)
		return sunrpc_fail(rpc, step, EPROTO, err);
	if (reason == DENY_RPC_MISMATCH)
		return err_set(err, ERR_UNSUPPORTED, EPROTONOSUPPORT,
			"%s does not speak RPC version 2", rpc->peer);
	return err_set(err, ERR_ACCESS_DENIED, EACCES,
		"%s rejected the credentials of %s (RPC auth_stat %u); is this "
		"host among its clients?",
		rpc->peer, step, detail);
}

static const char *const accept_texts[] = {
	[ACCEPT_PROC_UNAVAIL] = "no such procedure",
	[ACCEPT_GARBAGE_ARGS] = "garbage arguments",
	[ACCEPT_SYSTEM_ERR] = "system error",
};

static int
on_accepted(const struct sunrpc *rpc, const char *step, struct xdr_in *in,
	struct err *err)
{
	size_t verifier_len;
	uint32_t status;

	(void)xdr_get_u32(in); /* flavour of the verifier: nothing to check */
	(void)xdr_get_opaque(in, AUTH_BODY_MAX, &verifier_len);
	status = xdr_get_u32(in);
	if (in->is_bad || status > ACCEPT_SYSTEM_ERR)
		return sunrpc_fail(rpc, step, EPROTO, err);
	if (status == ACCEPT_SUCCESS)
		return 0;
	if (status == ACCEPT_PROG_UNAVAIL || status == ACCEPT_PROG_MISMATCH)
		return SUNRPC_NOT_OFFERED;
	return err_set(err, ERR_IO, EREMOTEIO, "%s answered %s with: %s",
		rpc->peer, step, accept_texts[status]);
}

int
sunrpc_call(struct sunrpc *rpc, const struct sunrpc_call *call,
	struct xdr_in *ret_results, struct err *err)
{
	struct xdr_in in;
	uint32_t xid;
	uint32_t direction;
	uint32_t verdict;
	size_t len = 0;
	int rc = send_call(rpc, call);

	if (rc == 0)
		rc = receive_record(rpc, &len);
	if (rc < 0)
		return sunrpc_fail(rpc, call->name, -rc, err);
	xdr_in_init(&in, rpc->reply, len);
	xid = xdr_get_u32(&in);
	direction = xdr_get_u32(&in);
	verdict = xdr_get_u32(&in);
	if (in.is_bad || xid != rpc->xid || direction != MSG_REPLY ||
		verdict > REPLY_DENIED)
		return sunrpc_fail(rpc, call->name, EPROTO, err);
	if (verdict == REPLY_DENIED)
		return on_denied(rpc, call->name, &in, err);
	rc = on_accepted(rpc, call->name, &in, err);
	if (rc == 0)
		*ret_results = in;
	return rc;
}
