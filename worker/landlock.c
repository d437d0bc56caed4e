/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * landlock.c - a worker gives up what of the network it does not need. Owner
 * file of landlock(7).
 *
 * Runs in: worker, once.
 * Invariant: see landlock.h. Names and layout are the kernel's
 *            include/uapi/linux/landlock.h, newer than the C library's.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/guard.h"
#include "worker/landlock.h"

enum {
	CREATE_VERSION = 1 << 0, /* LANDLOCK_CREATE_RULESET_VERSION */
	RULE_NET_PORT = 2,
	ABI_NET = 4,
	ABI_SCOPES = 6,
};

#define NET_BIND_TCP	(UINT64_C(1) << 0)
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT	(UINT64_C(1) << 0)
#define SCOPE_SIGNAL	(UINT64_C(1) << 1)

struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

struct net_port_attr {
	uint64_t allowed_access;
	uint64_t port;
};

static int
allow_port(int rulesetfd, uint16_t port)
{
	const struct net_port_attr attr = {
		.allowed_access = NET_CONNECT_TCP, .port = port};

	return syscall(SYS_landlock_add_rule, rulesetfd, RULE_NET_PORT, &attr,
		       0) < 0
		       ? -errno
		       : 0;
}

int
landlock_limit(const struct landlock_limits *limits)
{
	struct ruleset_attr attr = {.handled_access_net = NET_BIND_TCP};
	cleanup_close int rulesetfd = -1;
	long abi =
		syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
	/* An older kernel refuses a longer structure than its own. */
	size_t size = abi >= ABI_SCOPES ? sizeof(attr)
					: offsetof(struct ruleset_attr, scoped);

	if (abi < ABI_NET)
		return -EOPNOTSUPP;
	if (!limits->any_port)
		attr.handled_access_net |= NET_CONNECT_TCP;
	if (abi >= ABI_SCOPES)
		attr.scoped = SCOPE_SIGNAL |
			      (limits->has_daemon ? 0 : SCOPE_ABSTRACT);
	rulesetfd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (rulesetfd < 0)
		return -errno;
	for (size_t i = 0; !limits->any_port && i < limits->count; i++) {
		int result = allow_port(rulesetfd, limits->ports[i]);

		if (result < 0)
			return result;
	}
	return syscall(SYS_landlock_restrict_self, rulesetfd, 0) < 0 ? -errno
								     : 0;
}
