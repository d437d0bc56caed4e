/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tmpfs.c - backend for tmpfs://NAME: a mount that needs no server.
 *
 * Runs in: worker (probe), operation children (the rest).
 * Invariant: nothing here can block: statfs(2) of a tmpfs reads counters.
 */
#include <errno.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdio.h>

#include "worker/backend.h"

static int
tmpfs_connect(const struct backend_target *target, uint64_t deadline_us,
	struct err *err)
{
	char options[URI_OPTIONS_MAX];
	struct mount_request request = {
		.type = "tmpfs",
		.source = target->source,
		.flags = uri_mount_flags(target->uri),
		.options = options,
	};
	/* Root's, as mount(8) makes it, and not this worker's user's. */
	int len = snprintf(options, sizeof(options), "uid=0,gid=0,");
	int result = uri_mount_options(
		target->uri, 0, options + len, sizeof(options) - (size_t)len);

	if (result == 0)
		result = mounted_make(target, &request);
	if (result < 0)
		return mounted_fail(target, -result, err);
	return mounted_check(target, TMPFS_MAGIC, err);
}

static int
tmpfs_probe(const struct backend_target *target, struct err *err)
{
	return mounted_probe(target, TMPFS_MAGIC, err);
}

const struct backend backend_tmpfs = {
	.name = "tmpfs",
	.scheme = URI_TMPFS,
	.undone = "unmounted it",
	.has_instant_probe = true,
	.aim = mounted_aim,
	.look = mounted_look,
	.connect = tmpfs_connect,
	.probe = tmpfs_probe,
	.detach = mounted_detach,
	.disconnect = mounted_disconnect,
};
