/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * preflight.c - asks an NFS server, from user space, whether mount(2) is safe.
 *
 * Runs in: operation children of the NFS worker, before mount(2).
 * Trusts: nobody: every byte received is a server's.
 * Invariant: see preflight.h. All waiting is done by tcp.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/guard.h"
#include "worker/preflight.h"
#include "worker/preflight_mountd.h"
#include "worker/sunrpc.h"

enum {
	NFS_PROGRAM = 100003,
	NFS_PORT = 2049,
	PROC_NULL = 0,
	PROC_COMPOUND = 1,

	OP_PUTROOTFH = 24,
	OP_EXCHANGE_ID = 42,
	OP_DESTROY_CLIENTID = 57,

	NFS4_OK = 0,
	NFS4ERR_NOTSUPP = 10004,
	NFS4ERR_DELAY = 10008,
	NFS4ERR_MINOR_VERS_MISMATCH = 10021,
	NFS4ERR_OP_ILLEGAL = 10044,

	NFS4_OPAQUE_LIMIT = 1024,
	SP4_NONE = 0,

	ARGS_MAX = 512,
	DELAY_PAUSE_MS = 100,
	DESTROY_TIMEOUT_MS = 1000,
	OFFERS_TEXT_MAX = 32,
};

static const struct version {
	const char *name;
	int major;
	int minor;
} versions[] = {
	{"4.2", 4, 2},
	{"4.1", 4, 1},
	{"4.0", 4, 0},
	{"3", 3, 0},
};

struct probe {
	struct sunrpc rpc;
	uint64_t started_us;
	unsigned latency_us; /* 0 until the first NULL is answered */
	bool has_v4_answer;
	int v4_answer; /* what NULL of version 4 returned */
};

/* One COMPOUND of one operation. */
struct compound {
	const char *name;
	uint32_t op;
	uint32_t minor;
	unsigned char buffer[ARGS_MAX];
	struct xdr_out args;
};

static int
nfs_null(struct probe *probe, uint32_t version, struct err *err)
{
	const struct sunrpc_call call = {
		.name = "NULL",
		.program = NFS_PROGRAM,
		.version = version,
		.procedure = PROC_NULL,
	};
	struct xdr_in results;
	int rc = sunrpc_call(&probe->rpc, &call, &results, err);

	if (rc < 0)
		return rc;
	if (rc == 0 && !xdr_in_is_done(&results))
		return sunrpc_fail(&probe->rpc, call.name, EPROTO, err);
	if (probe->latency_us == 0)
		probe->latency_us =
			(unsigned)(clock_boot_us() - probe->started_us);
	return rc;
}

static void
compound_init(struct compound *compound, const char *name, uint32_t op,
	uint32_t minor)
{
	compound->name = name;
	compound->op = op;
	compound->minor = minor;
	xdr_out_init(&compound->args, compound->buffer, ARGS_MAX);
	xdr_put_opaque(&compound->args, "", 0); /* the tag */
	xdr_put_u32(&compound->args, minor);
	xdr_put_u32(&compound->args, 1); /* one operation */
	xdr_put_u32(&compound->args, op);
}

/*
 * Steps over the head of a reply and returns the status. When that is NFS4_OK
 * the head has to name our operation; *in then stands at its results. Of a
 * failed one the status is all that counts.
 */
static uint32_t
get_compound_head(const struct compound *compound, struct xdr_in *in)
{
	uint32_t status = xdr_get_u32(in);
	size_t tag_len;

	(void)xdr_get_opaque(in, NFS4_OPAQUE_LIMIT, &tag_len);
	if (status != NFS4_OK) {
		(void)xdr_get_u32(in);
		return status;
	}
	if (xdr_get_u32(in) != 1 || xdr_get_u32(in) != compound->op ||
		xdr_get_u32(in) != NFS4_OK)
		in->is_bad = true;
	return status;
}

static int
call_compound(struct probe *probe, const struct compound *compound,
	struct xdr_in *ret_results, uint32_t *ret_status, struct err *err)
{
	const struct sunrpc_call call = {
		.name = compound->name,
		.program = NFS_PROGRAM,
		.version = 4,
		.procedure = PROC_COMPOUND,
		.has_auth_sys = true,
		.args = &compound->args,
	};
	struct xdr_in results;
	uint32_t status;
	int rc = sunrpc_call(&probe->rpc, &call, &results, err);

	if (rc != 0)
		return rc;
	status = get_compound_head(compound, &results);
	if (results.is_bad)
		return sunrpc_fail(&probe->rpc, compound->name, EPROTO, err);
	*ret_results = results;
	*ret_status = status;
	return 0;
}

/*
 * Repeats while the server asks for patience. 0: any other status;
 * SUNRPC_NOT_OFFERED: the status says that this minor version is none.
 */
static int
insist_on_compound(struct probe *probe, const struct compound *compound,
	struct xdr_in *ret_results, uint32_t *ret_status, struct err *err)
{
	for (;;) {
		int rc = call_compound(
			probe, compound, ret_results, ret_status, err);

		if (rc != 0)
			return rc;
		if (*ret_status == NFS4ERR_MINOR_VERS_MISMATCH ||
			*ret_status == NFS4ERR_OP_ILLEGAL ||
			*ret_status == NFS4ERR_NOTSUPP)
			return SUNRPC_NOT_OFFERED;
		if (*ret_status != NFS4ERR_DELAY)
			return 0;
		if (tcp_pause(&probe->rpc.tcp, DELAY_PAUSE_MS) < 0)
			return err_set(err, ERR_TIMED_OUT, ETIMEDOUT,
				"%s answers %s with NFS4ERR_DELAY only",
				probe->rpc.peer, compound->name);
	}
}

/* A server would otherwise keep the client ID for a lease's time. */
static void
destroy_clientid(struct probe *probe, uint32_t minor, uint64_t clientid)
{
	const uint64_t deadline_us = probe->rpc.tcp.deadline_us;
	const uint64_t own_us =
		clock_boot_us() + DESTROY_TIMEOUT_MS * US_PER_MS;
	struct compound compound;
	struct xdr_in results;
	uint32_t status;

	compound_init(
		&compound, "DESTROY_CLIENTID", OP_DESTROY_CLIENTID, minor);
	xdr_put_u64(&compound.args, clientid);
	if (own_us < deadline_us)
		probe->rpc.tcp.deadline_us = own_us;
	/* Whatever comes of it, the server has shown that it answers. */
	(void)call_compound(probe, &compound, &results, &status, NULL);
	probe->rpc.tcp.deadline_us = deadline_us;
}

/*
 * The owner is the same each time, and so is the verifier: to the server a
 * repeated pre-flight is the same client again, not one more.
 */
static void
put_exchange_id(struct xdr_out *args)
{
	static const char verifier[8] = "preflght";
	char owner[sizeof("holdfast-preflight ") + SUNRPC_HOSTNAME_MAX];
	char hostname[SUNRPC_HOSTNAME_MAX];

	sunrpc_hostname(hostname);
	(void)snprintf(owner, sizeof(owner), "holdfast-preflight %s", hostname);
	xdr_put_fixed(args, verifier, sizeof(verifier));
	xdr_put_opaque(args, owner, strlen(owner));
	xdr_put_u32(args, 0); /* flags */
	xdr_put_u32(args, SP4_NONE);
	xdr_put_u32(args, 0); /* no implementation id */
}

/* EXCHANGE_ID4resok, RFC 8881, section 18.35.2; only the client ID is used. */
static uint64_t
get_exchange_id(struct xdr_in *in)
{
	uint64_t clientid = xdr_get_u64(in);
	size_t len;
	uint32_t count;

	(void)xdr_get_u32(in); /* sequence id */
	(void)xdr_get_u32(in); /* flags */
	if (xdr_get_u32(in) != SP4_NONE)
		in->is_bad = true;
	(void)xdr_get_u64(in); /* server owner, minor id */
	(void)xdr_get_opaque(in, NFS4_OPAQUE_LIMIT, &len); /* major id */
	(void)xdr_get_opaque(in, NFS4_OPAQUE_LIMIT, &len); /* scope */
	count = xdr_get_u32(in);
	if (count > 1)
		in->is_bad = true;
	if (count == 1) {
		(void)xdr_get_opaque(in, SUNRPC_REPLY_MAX, &len); /* domain */
		(void)xdr_get_opaque(in, SUNRPC_REPLY_MAX, &len); /* name */
		(void)xdr_get_u64(in); /* date: seconds */
		(void)xdr_get_u32(in); /* date: nanoseconds */
	}
	if (!xdr_in_is_done(in))
		in->is_bad = true;
	return clientid;
}

static int
exchange_id(struct probe *probe, uint32_t minor, struct err *err)
{
	struct compound compound;
	struct xdr_in results;
	uint32_t status;
	uint64_t clientid;
	int rc;

	compound_init(&compound, "EXCHANGE_ID", OP_EXCHANGE_ID, minor);
	put_exchange_id(&compound.args);
	rc = insist_on_compound(probe, &compound, &results, &status, err);
	if (rc != 0 || status != NFS4_OK)
		return rc;
	clientid = get_exchange_id(&results);
	if (results.is_bad)
		return sunrpc_fail(&probe->rpc, compound.name, EPROTO, err);
	destroy_clientid(probe, minor, clientid);
	return 0;
}

static int
putrootfh(struct probe *probe, struct err *err)
{
	struct compound compound;
	struct xdr_in results;
	uint32_t status;
	int rc;

	compound_init(&compound, "PUTROOTFH", OP_PUTROOTFH, 0);
	rc = insist_on_compound(probe, &compound, &results, &status, err);
	if (rc == 0 && status == NFS4_OK && !xdr_in_is_done(&results))
		return sunrpc_fail(&probe->rpc, compound.name, EPROTO, err);
	return rc;
}

/* 0, SUNRPC_NOT_OFFERED or negative errno; does not look at mountd. */
static int
try_version(struct probe *probe, const struct version *version, struct err *err)
{
	if (version->major == 3)
		return nfs_null(probe, 3, err);
	if (!probe->has_v4_answer) {
		int rc = nfs_null(probe, 4, err);

		if (rc < 0)
			return rc;
		probe->v4_answer = rc;
		probe->has_v4_answer = true;
	}
	if (probe->v4_answer != 0)
		return probe->v4_answer;
	if (version->minor == 0)
		return putrootfh(probe, err);
	return exchange_id(probe, (uint32_t)version->minor, err);
}

static bool
is_wanted(const struct version *version, const char *wanted)
{
	if (!wanted)
		return true;
	if (strcmp(wanted, "4") == 0)
		return version->major == 4;
	return strcmp(wanted, version->name) == 0;
}

/* None of the wanted versions is there: says which others are. */
static int
fail_unsupported(struct probe *probe, const char *wanted, struct err *err)
{
	char offers[OFFERS_TEXT_MAX] = "";

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		size_t len = strlen(offers);

		if (is_wanted(&versions[i], wanted))
			continue;
		if (try_version(probe, &versions[i], NULL) != 0)
			continue;
		(void)snprintf(offers + len, sizeof(offers) - len, "%s%s",
			len > 0 ? ", " : "", versions[i].name);
	}
	if (!wanted)
		return err_set(err, ERR_UNSUPPORTED, EPROTONOSUPPORT,
			"%s offers none of NFS 4.2, 4.1, 4.0 and 3",
			probe->rpc.peer);
	return err_set(err, ERR_UNSUPPORTED, EPROTONOSUPPORT,
		"%s does not offer NFS %s; it offers %s", probe->rpc.peer,
		wanted, offers[0] ? offers : "no version that holdfast knows");
}

static int
find_version(struct probe *probe, const char *wanted,
	const struct version **ret_version, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		int rc;

		if (!is_wanted(&versions[i], wanted))
			continue;
		rc = try_version(probe, &versions[i], err);
		if (rc == 0)
			*ret_version = &versions[i];
		if (rc != SUNRPC_NOT_OFFERED)
			return rc;
	}
	return fail_unsupported(probe, wanted, err);
}

static int
check_arguments(const struct sockaddr *address, socklen_t address_len,
	const char *wanted, struct err *err)
{
	socklen_t needed = address->sa_family == AF_INET
				   ? sizeof(struct sockaddr_in)
				   : sizeof(struct sockaddr_in6);

	if ((address->sa_family != AF_INET && address->sa_family != AF_INET6) ||
		address_len != needed)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"NFS needs an IPv4 or IPv6 address");
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		if (is_wanted(&versions[i], wanted))
			return 0;
	return err_set(err, ERR_BAD_OPTION, EINVAL,
		"no such NFS version: \"%s\"", wanted);
}

/* The port stands at the same place in both families. */
static uint16_t
get_port(const struct sockaddr *address)
{
	uint16_t port = ntohs(((const struct sockaddr_in *)address)->sin_port);

	return port != 0 ? port : NFS_PORT;
}

static void
probe_init(struct probe *probe, int timeout_ms)
{
	sunrpc_init(&probe->rpc, timeout_ms);
	probe->started_us = clock_boot_us();
	probe->latency_us = 0;
	probe->has_v4_answer = false;
}

static void
guard_probe(struct probe *probe)
{
	sunrpc_done(&probe->rpc);
}

static int
ask_nfsd(struct probe *probe, const struct sockaddr *address,
	socklen_t address_len, const char *wanted_version,
	const struct version **ret_version, struct err *err)
{
	int rc = check_arguments(address, address_len, wanted_version, err);

	if (rc == 0)
		rc = sunrpc_connect(&probe->rpc, "the NFS server", address,
			address_len, get_port(address), err);
	return rc < 0 ? rc
		      : find_version(probe, wanted_version, ret_version, err);
}

int
preflight_nfs(const struct sockaddr *address, socklen_t address_len,
	const char *wanted_version, uint16_t mountport, int timeout_ms,
	struct preflight_result *ret_result, struct err *err)
{
	cleanup(guard_probe) struct probe probe;
	const struct version *version = NULL;
	int rc;

	probe_init(&probe, timeout_ms);
	rc = ask_nfsd(
		&probe, address, address_len, wanted_version, &version, err);
	if (rc == 0 && version->major == 3)
		rc = preflight_mountd(
			&probe.rpc, address, address_len, mountport, err);
	if (rc < 0)
		return rc;
	*ret_result = (struct preflight_result){
		.major = version->major,
		.minor = version->minor,
		.latency_us = probe.latency_us,
	};
	return 0;
}

int
preflight_mounted(const struct sockaddr *address, socklen_t address_len,
	const char *wanted_version, int timeout_ms, struct err *err)
{
	cleanup(guard_probe) struct probe probe;
	const struct version *version;

	probe_init(&probe, timeout_ms);
	return ask_nfsd(
		&probe, address, address_len, wanted_version, &version, err);
}
