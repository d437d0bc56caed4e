/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fake_nfs_server.h - NFS server, mountd and rpcbind that play a script.
 *
 * Runs in: a forked child of the test that includes this: see fake_server.h.
 */
#ifndef TESTS_FAKE_NFS_SERVER_H
#define TESTS_FAKE_NFS_SERVER_H

#include <poll.h>
#include <stdbool.h>
#include <string.h>

#include "tests/fake_server.h"
#include "worker/xdr.h"

enum {
	DRIP_MS = 20,
	OP_EXCHANGE_ID = 42,
	OP_DESTROY_CLIENTID = 57,
	STATUS_SERVERFAULT = 10006,
	STATUS_DELAY = 10008,
	STATUS_MINOR_VERS_MISMATCH = 10021,
};

enum fault {
	FAULT_NONE,
	CLOSES_AT_ONCE,
	CLOSES_ON_A_CALL,
	CLOSES_IN_A_REPLY,
	IS_SILENT,
	IS_SILENT_AFTER_NULL,
	IS_SILENT_ON_DESTROY,
	SENDS_WRONG_XID,
	SENDS_A_CALL,
	SENDS_LONG_RECORD,
	SENDS_EMPTY_FRAGMENTS,
	SENDS_SMALL_FRAGMENTS,
	SENDS_MORE_THAN_THE_REPLY,
	SENDS_MORE_AFTER_NULL,
	DRIPS,
	DENIES,
	DENIES_AFTER_NULL,
	KNOWS_OTHER_RPC_ONLY,
	HAS_SYSTEM_ERROR,
	DELAYS_TWICE,
	DELAYS_ALWAYS,
	HAS_SERVERFAULT,
	SENDS_GARBAGE,
	MUTATES_REPLIES,
};

struct script {
	bool has_v3;
	bool has_v4;
	unsigned minors; /* bit N: 4.N */
	enum fault fault;
	uint16_t mountd_port; /* what its rpcbind says */
};

struct seen {
	unsigned exchanges;
	unsigned destroys;
	unsigned delays;
	unsigned owners; /* different client owners */
	unsigned char owner[128];
	size_t owner_len;
};

struct call {
	uint32_t xid;
	uint32_t program;
	uint32_t version;
	uint32_t procedure;
	bool has_auth_sys; /* and it is well-formed */
	uint32_t minor;
	uint32_t op;
	struct xdr_in args;
};

static void
read_credentials(struct xdr_in *in, struct call *call)
{
	bool is_sys = xdr_get_u32(in) == 1;
	size_t len;
	const void *body = xdr_get_opaque(in, 400, &len);
	struct xdr_in fields;

	xdr_in_init(&fields, body, len);
	(void)xdr_get_u32(&fields); /* stamp */
	(void)xdr_get_opaque(&fields, 255, &len);
	(void)xdr_get_u64(&fields); /* uid, gid */
	(void)xdr_get_u32(&fields); /* number of groups: none */
	call->has_auth_sys = is_sys && xdr_in_is_done(&fields);
}

static bool
read_call(int fd, unsigned char *buffer, size_t size, struct call *call)
{
	struct xdr_in in;
	uint32_t len;
	size_t ignored;

	if (!read_all(fd, buffer, 4))
		return false;
	xdr_in_init(&in, buffer, 4);
	len = xdr_get_u32(&in) & 0x7fffffff;
	if (len > size || !read_all(fd, buffer, len))
		return false;
	xdr_in_init(&in, buffer, len);
	call->xid = xdr_get_u32(&in);
	(void)xdr_get_u64(&in); /* CALL, RPC version */
	call->program = xdr_get_u32(&in);
	call->version = xdr_get_u32(&in);
	call->procedure = xdr_get_u32(&in);
	read_credentials(&in, call);
	(void)xdr_get_u32(&in); /* the verifier */
	(void)xdr_get_opaque(&in, 400, &ignored);
	call->op = 0;
	if (call->program == 100003 && call->procedure != 0) {
		(void)xdr_get_opaque(&in, 0, &ignored);
		call->minor = xdr_get_u32(&in);
		(void)xdr_get_u32(&in);
		call->op = xdr_get_u32(&in);
	}
	call->args = in;
	return !in.is_bad;
}

static void
note_owner(struct seen *seen, struct xdr_in *args)
{
	size_t len;
	const void *owner;

	(void)xdr_get_u64(args);
	owner = xdr_get_opaque(args, sizeof(seen->owner), &len);
	seen->exchanges++;
	if (len != seen->owner_len || memcmp(owner, seen->owner, len) != 0)
		seen->owners++;
	memcpy(seen->owner, owner, len);
	seen->owner_len = len;
}

static void
put_exchange_reply(struct xdr_out *out)
{
	xdr_put_u64(out, 0x1122334455667788);
	xdr_put_u32(out, 1);
	xdr_put_u32(out, 0x10000);
	xdr_put_u32(out, 0);
	xdr_put_u64(out, 0);
	xdr_put_opaque(out, "major", 5);
	xdr_put_opaque(out, "scope", 5);
	xdr_put_u32(out, 1);
	xdr_put_opaque(out, "example.org", 11);
	xdr_put_opaque(out, "fake", 4);
	xdr_put_u64(out, 0);
	xdr_put_u32(out, 0);
}

static uint32_t
choose_status(const struct script *script, struct seen *seen, uint32_t minor)
{
	if (minor > 2 || !(script->minors & 1u << minor))
		return STATUS_MINOR_VERS_MISMATCH;
	if (script->fault == HAS_SERVERFAULT)
		return STATUS_SERVERFAULT;
	if (script->fault == DELAYS_ALWAYS ||
		(script->fault == DELAYS_TWICE && seen->delays < 2)) {
		seen->delays++;
		return STATUS_DELAY;
	}
	return 0;
}

static void
put_compound_reply(const struct script *script, struct seen *seen,
	struct call *call, struct xdr_out *out)
{
	uint32_t status = choose_status(script, seen, call->minor);

	if (call->op == OP_DESTROY_CLIENTID)
		seen->destroys++;
	xdr_put_u32(out, status);
	xdr_put_opaque(out, "", 0);
	xdr_put_u32(out, status == STATUS_MINOR_VERS_MISMATCH ? 0 : 1);
	if (status == STATUS_MINOR_VERS_MISMATCH)
		return;
	xdr_put_u32(out, call->op);
	xdr_put_u32(out, status);
	if (status == 0 && call->op == OP_EXCHANGE_ID) {
		note_owner(seen, &call->args);
		put_exchange_reply(out);
	}
}

static void
put_reply(const struct script *script, struct seen *seen, struct call *call,
	struct xdr_out *out)
{
	bool is_nfs = call->program == 100003;
	bool is_offered = !is_nfs || (call->version == 3 && script->has_v3) ||
			  (call->version == 4 && script->has_v4);
	bool is_denied =
		script->fault == DENIES ||
		(script->fault == DENIES_AFTER_NULL && call->op != 0) ||
		(call->op != 0 && !call->has_auth_sys);

	xdr_put_u32(out, call->xid + (script->fault == SENDS_WRONG_XID));
	xdr_put_u32(out, script->fault == SENDS_A_CALL ? 0 : 1);
	if (is_denied || script->fault == KNOWS_OTHER_RPC_ONLY) {
		xdr_put_u32(out, 1);
		xdr_put_u32(out, is_denied); /* 1: AUTH_ERROR */
		xdr_put_u32(out, is_denied ? 5 : 3);
		if (!is_denied)
			xdr_put_u32(out, 3);
		return;
	}
	xdr_put_u32(out, 0);
	xdr_put_u64(out, 0);
	xdr_put_u32(out, script->fault == HAS_SYSTEM_ERROR ? 5
			 : is_offered			   ? 0
							   : 2);
	if (!is_offered)
		xdr_put_u64(out, UINT64_C(3) << 32 | 3);
	else if (call->op != 0)
		put_compound_reply(script, seen, call, out);
	else if (call->program == 100000)
		xdr_put_u32(out, script->mountd_port);
	if (script->fault == SENDS_MORE_THAN_THE_REPLY ||
		(script->fault == SENDS_MORE_AFTER_NULL && call->op != 0))
		xdr_put_u32(out, 0);
}

static bool
send_mark(int fd, uint32_t mark)
{
	unsigned char buffer[4];
	struct xdr_out out;

	xdr_out_init(&out, buffer, sizeof(buffer));
	xdr_put_u32(&out, mark);
	return write_all(fd, buffer, sizeof(buffer));
}

static bool
send_in_pieces(int fd, const unsigned char *data, size_t len, bool is_drip)
{
	if (is_drip && !send_mark(fd, 0x80000000 | (uint32_t)len))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_drip && !send_mark(fd, i + 1 == len ? 0x80000001 : 1))
			return false;
		if (!write_all(fd, data + i, 1))
			return false;
		if (is_drip)
			(void)poll(NULL, 0, DRIP_MS);
	}
	return true;
}

static bool
send_reply(const struct script *script, int fd, struct xdr_out *out)
{
	switch ((int)script->fault) {
	case SENDS_LONG_RECORD:
		return send_mark(fd, 0x80000000 | (64 * 1024 + 1));
	case CLOSES_IN_A_REPLY:
		(void)send_mark(fd, 0x80000000 | (uint32_t)out->len);
		(void)write_all(fd, out->start, out->len - 1);
		return false;
	case SENDS_EMPTY_FRAGMENTS:
		while (send_mark(fd, 0))
			;
		return false;
	case SENDS_SMALL_FRAGMENTS:
	case DRIPS:
		return send_in_pieces(
			fd, out->start, out->len, script->fault == DRIPS);
	case MUTATES_REPLIES:
		for (uint32_t n = next_random() % 4; n > 0; n--)
			out->start[next_random() % out->len] ^=
				(unsigned char)(1u << next_random() % 8);
		out->len -= next_random() % 8 == 0 ? next_random() % 12 : 0;
		break;
	}
	return send_mark(fd, 0x80000000 | (uint32_t)out->len) &&
	       write_all(fd, out->start, out->len);
}

/* Half of the rounds look like the start of a reply, to get further in. */
static void
send_garbage(int fd, uint32_t xid)
{
	unsigned char buffer[256];
	struct xdr_out out;
	size_t len = 24 + next_random() % 200;

	for (size_t i = 0; i < len; i++)
		buffer[i] = (unsigned char)next_random();
	xdr_out_init(&out, buffer, len);
	if (next_random() % 2 == 0) {
		xdr_put_u32(&out, 0x80000000 | (uint32_t)(len - 4));
		xdr_put_u32(&out, xid);
		xdr_put_u32(&out, 1);
		xdr_put_u32(&out, next_random() % 3);
	}
	(void)write_all(fd, buffer, len);
}

static bool
is_silent(const struct script *script, const struct call *call)
{
	return script->fault == IS_SILENT ||
	       (script->fault == IS_SILENT_AFTER_NULL && call->op != 0) ||
	       (script->fault == IS_SILENT_ON_DESTROY &&
		       call->op == OP_DESTROY_CLIENTID);
}

static void
serve_connection(const struct script *script, struct seen *seen, int fd)
{
	unsigned char request[2048];
	unsigned char reply[2048];
	struct call call;
	struct xdr_out out;

	if (script->fault == CLOSES_AT_ONCE)
		return;
	while (read_call(fd, request, sizeof(request), &call)) {
		if (is_silent(script, &call))
			continue;
		if (script->fault == CLOSES_ON_A_CALL)
			return;
		if (script->fault == SENDS_GARBAGE) {
			send_garbage(fd, call.xid);
			return;
		}
		xdr_out_init(&out, reply, sizeof(reply));
		put_reply(script, seen, &call, &out);
		if (!send_reply(script, fd, &out))
			return;
	}
}

#endif
