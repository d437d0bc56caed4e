/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nfs.c - backend for nfs://HOST/EXPORT: lookup, pre-flight, mount(2).
 *
 * Runs in: operation children of the NFS worker.
 * Trusts: nobody: name servers and NFS servers say what they like.
 * Invariant: mount(2) is called only for a server that has just answered the
 *            pre-flight, and with the version and the address that answered.
 */
#include <errno.h>
#include <linux/magic.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/guard.h"
#include "worker/backend.h"
#include "worker/lookup.h"
#include "worker/operation.h"
#include "worker/preflight.h"

enum {
	PREFLIGHT_MAX_MS = 5000, /* for one address */
	ASK_MAX_MS = 3000,	 /* the same, of a server that may be dead */
	ASK_MIN_MS = 100,	 /* less is no proof */
	DATA_MAX = URI_OPTIONS_MAX + 3 * NI_MAXHOST,
	TCP_PORT = 2049, /* beside an RDMA port of its own */
};

struct attempt {
	const struct backend_target *target;
	const struct addrinfo *address;
	uint64_t deadline_us;
	struct preflight_result version;
};

/* Our own address as that server sees it. 0 or -errno. Sends nothing. */
static int
find_own_address(const struct addrinfo *address, char *ret_text, size_t size)
{
	struct sockaddr_storage own = {0};
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof(own);
	cleanup_close int fd =
		socket(address->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	memcpy(&peer, address->ai_addr, address->ai_addrlen);
	/* Port 0 cannot be connected to; the port is the same place in both. */
	((struct sockaddr_in *)&peer)->sin_port = htons(TCP_PORT);
	if (connect(fd, (struct sockaddr *)&peer, address->ai_addrlen) < 0 ||
		getsockname(fd, (struct sockaddr *)&own, &len) < 0)
		return -errno;
	return lookup_write_address(
		(struct sockaddr *)&own, len, ret_text, size);
}

static int
write_data(const struct attempt *attempt, char *ret_data, size_t size)
{
	const struct uri *uri = attempt->target->uri;
	const struct addrinfo *address = attempt->address;
	bool is_v3 = attempt->version.major == 3;
	char options[URI_OPTIONS_MAX];
	char server[NI_MAXHOST];
	char own[NI_MAXHOST];
	char version[16];
	int len;
	int result = uri_mount_options(
		uri, attempt->version.major, options, sizeof(options));

	if (result == 0)
		result = lookup_write_address(address->ai_addr,
			address->ai_addrlen, server, sizeof(server));
	if (result == 0 && !is_v3)
		result = find_own_address(address, own, sizeof(own));
	if (result < 0)
		return result;
	(void)snprintf(version, sizeof(version), is_v3 ? "3" : "4.%d",
		attempt->version.minor);
	len = snprintf(ret_data, size, "vers=%s,addr=%s%s%s%s,%s", version,
		server, is_v3 ? "" : ",clientaddr=", is_v3 ? "" : own,
		is_v3 && !uri_param(uri, "mountproto") ? ",mountproto=tcp" : "",
		options);
	return len < 0 || (size_t)len >= size ? -ENOSPC : 0;
}

static bool
is_rdma(const struct uri *uri)
{
	const char *proto = uri_param(uri, "proto");

	return proto && strncmp(proto, "rdma", 4) == 0;
}

/* Where to ask: an address of the server, with its port. */
static struct sockaddr_storage
find_peer(const struct uri *uri, const struct addrinfo *address)
{
	struct sockaddr_storage peer = {0};

	memcpy(&peer, address->ai_addr, address->ai_addrlen);
	/* The port stands in the same place in both kinds of address. */
	((struct sockaddr_in *)&peer)->sin_port =
		htons(is_rdma(uri) ? TCP_PORT : uri->port);
	return peer;
}

static int
ask_first(struct attempt *attempt, const char *version, struct err *err)
{
	const struct uri *uri = attempt->target->uri;
	const char *mountport = uri_param(uri, "mountport");
	struct sockaddr_storage peer = find_peer(uri, attempt->address);
	int ms = clock_left_ms(attempt->deadline_us, PREFLIGHT_MAX_MS);

	if (ms == 0)
		return err_set(err, ERR_TIMED_OUT, ETIMEDOUT,
			"no time is left for this attempt");
	return preflight_nfs((struct sockaddr *)&peer,
		attempt->address->ai_addrlen, version,
		(uint16_t)(mountport ? atoi(mountport) : 0), ms,
		&attempt->version, err);
}

/* The pre-flight does not know what for it was made. */
static int
name_target(const struct backend_target *target, int result, struct err *err)
{
	struct err found = *err;

	return err_set(err, found.code, -result, "%.100s: %s", target->source,
		found.text);
}

static int
call_mount(const struct attempt *attempt, struct err *err)
{
	const struct backend_target *target = attempt->target;
	char data[DATA_MAX];
	struct mount_request request = {
		.type = attempt->version.major == 3 ? "nfs" : "nfs4",
		.source = target->source,
		.flags = uri_mount_flags(target->uri),
		.options = data,
	};
	int result = write_data(attempt, data, sizeof(data));

	if (result == 0)
		result = mounted_make(target, &request);
	return result < 0 ? mounted_fail(target, -result, err) : 0;
}

/* The version of v4 to try when the kernel does not have this one. */
static const char *
version_below(const struct preflight_result *version)
{
	if (version->major != 4 || version->minor == 0)
		return NULL;
	return version->minor == 2 ? "4.1" : "4.0";
}

static int
try_address(struct attempt *attempt, struct err *err)
{
	const char *asked = uri_param(attempt->target->uri, "vers");
	const char *version = asked;
	int result;

	do {
		result = ask_first(attempt, version, err);
		if (result < 0)
			return name_target(attempt->target, result, err);
		result = call_mount(attempt, err);
		version = version_below(&attempt->version);
	} while ((result == -EPROTONOSUPPORT || result == -EINVAL) && !asked &&
		 version);
	return result;
}

/* Whether another address of the server may do better. */
static bool
is_about_the_address(enum err_code code)
{
	return code == ERR_UNREACHABLE || code == ERR_TIMED_OUT;
}

/* proto=tcp6 and rdma6 want IPv6, tcp and rdma IPv4; without proto any. */
static bool
is_of_family(const struct uri *uri, int family)
{
	const char *proto = uri_param(uri, "proto");

	if (!proto)
		return family == AF_INET || family == AF_INET6;
	return family == (proto[strlen(proto) - 1] == '6' ? AF_INET6 : AF_INET);
}

static int
nfs_connect(const struct backend_target *target, uint64_t deadline_us,
	struct err *err)
{
	cleanup(guard_addrinfo) struct addrinfo *list = NULL;
	struct attempt attempt = {.target = target, .deadline_us = deadline_us};
	int tried = 0;
	int result = lookup_host(target->uri->host, &list, err);

	if (result < 0)
		return result;
	for (struct addrinfo *at = list; at && tried < LOOKUP_ADDRESSES_MAX;
		at = at->ai_next) {
		if (!is_of_family(target->uri, at->ai_family))
			continue;
		tried++;
		attempt.address = at;
		result = try_address(&attempt, err);
		if (result == 0)
			return mounted_check(target, NFS_SUPER_MAGIC, err);
		if (!is_about_the_address(err->code))
			return result;
	}
	if (tried == 0)
		return err_set(err, ERR_NAME_LOOKUP, EAFNOSUPPORT,
			"\"%s\" has no address of the kind that proto asks for",
			target->uri->host);
	return result;
}

static int
nfs_probe(const struct backend_target *target, struct err *err)
{
	return mounted_probe(target, NFS_SUPER_MAGIC, err);
}

enum server {
	SERVER_ALIVE,
	SERVER_DEAD,
	SERVER_UNKNOWN /* it could not be asked */
};

/* At one address. A dead server is one that gives no answer, whatever it is. */
static enum server
ask_mounted(const struct backend_target *target, const struct addrinfo *address,
	uint64_t deadline_us, struct err *err)
{
	struct sockaddr_storage peer = find_peer(target->uri, address);
	/* Half of what is left: what comes of it is to be told, too. */
	int ms = clock_left_ms(deadline_us, 2 * ASK_MAX_MS) / 2;
	int result;

	if (ms < ASK_MIN_MS) {
		(void)err_set(err, ERR_INTERNAL, ETIME, "no time is left");
		return SERVER_UNKNOWN;
	}
	result = preflight_mounted((struct sockaddr *)&peer,
		address->ai_addrlen, uri_param(target->uri, "vers"), ms, err);
	if (result == 0)
		return SERVER_ALIVE;
	if (is_about_the_address(err->code))
		return SERVER_DEAD;
	return err->code == ERR_INTERNAL ? SERVER_UNKNOWN : SERVER_ALIVE;
}

/* Asks beside the mount, which is not touched: dead is dead at each address.
 * err says why it is not alive. */
static enum server
find_server(const struct backend_target *target, uint64_t deadline_us,
	struct err *err)
{
	cleanup(guard_addrinfo) struct addrinfo *list = NULL;
	enum server found = SERVER_DEAD;
	int tried = 0;

	if (lookup_host(target->uri->host, &list, err) < 0)
		return SERVER_UNKNOWN;
	for (struct addrinfo *at = list;
		at && tried < LOOKUP_ADDRESSES_MAX && found == SERVER_DEAD;
		at = at->ai_next) {
		if (!is_of_family(target->uri, at->ai_family))
			continue;
		tried++;
		found = ask_mounted(target, at, deadline_us, err);
	}
	if (tried > 0)
		return found;
	(void)err_set(err, ERR_NAME_LOOKUP, EAFNOSUPPORT, "it has no address");
	return SERVER_UNKNOWN;
}

static int
say_dead(const struct backend_target *target, enum err_code code,
	struct err *err)
{
	uint64_t after_s = target->force_after_ms / 1000;
	int errnum = code == ERR_TIMED_OUT ? ETIMEDOUT : EHOSTUNREACH;

	if (target->force_after_ms == 0)
		return err_set(err, code, errnum,
			"%.100s: still in use, and its server does not answer",
			target->source);
	return err_set(err, code, errnum,
		"%.100s: still in use, and its server does not answer; after "
		"%llu s of that it is forced off, and what was not written may "
		"be lost",
		target->source, (unsigned long long)after_s);
}

static int
nfs_disconnect(const struct backend_target *target, uint64_t deadline_us,
	struct err *err)
{
	int result = mounted_disconnect(target, deadline_us, err);
	struct err why = {0};

	if (result != -EBUSY)
		return result;
	operation_step(OPERATION_STEP_ASK, 0);
	switch (find_server(target, deadline_us, &why)) {
	case SERVER_ALIVE:
		return result;
	case SERVER_DEAD:
		return say_dead(target, why.code, err);
	case SERVER_UNKNOWN:
		break;
	}
	return err_set(err, why.code, EBUSY,
		"%.100s: still in use, and its server cannot be asked: %.100s",
		target->source, why.text);
}

/* What is forced now was dead for long, but may be so no more. */
static int
nfs_force(const struct backend_target *target, uint64_t deadline_us,
	struct err *err)
{
	struct err why;

	return find_server(target, deadline_us, &why) == SERVER_DEAD
		       ? mounted_force(target, err)
		       : nfs_disconnect(target, deadline_us, err);
}

/* Where mountd of version 3 is, only rpcbind knows. */
static void
nfs_reach(const struct uri *uri, struct landlock_limits *limits)
{
	const char *version = uri_param(uri, "vers");

	*limits = (struct landlock_limits){
		.ports = {NAME_SERVER_PORT, uri->port},
		.count = 2,
		.any_port = !version || version[0] != '4',
	};
}

const struct backend backend_nfs = {
	.name = "nfs",
	.scheme = URI_NFS,
	.undone = "unmounted it",
	.aim = mounted_aim,
	.reach = nfs_reach,
	.look = mounted_look,
	.connect = nfs_connect,
	.probe = nfs_probe,
	.detach = mounted_detach,
	.disconnect = nfs_disconnect,
	.force = nfs_force,
};
