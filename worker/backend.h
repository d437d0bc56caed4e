/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend.h - what a kind of storage has to do, and nothing else.
 *
 * Runs in: worker. All functions but an instant probe run in an operation
 *          child: they may block, allocate and leave a mess behind.
 *
 * A new kind of storage is one file with one of these, one line in
 * backends[] of main.c and one in supervisor/backend.def.
 */
#ifndef WORKER_BACKEND_H
#define WORKER_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/uri.h"
#include "worker/mount.h"

/* What a backend is told of its target. */
struct backend_target {
	const struct uri *uri;
	const char *source; /* "nas1:/vms": the subject of error texts */
	struct mount_point point;
};

struct backend {
	const char *name;
	enum uri_scheme scheme;
	bool has_instant_probe; /* probe() cannot block: no child for it */
	/*
	 * From nothing to an object that answers, by deadline_us
	 * (CLOCK_BOOTTIME) at the latest. 0 or -errno with err; leaves nothing
	 * mounted when it fails.
	 */
	int (*connect)(const struct backend_target *target,
		uint64_t deadline_us, struct err *err);
	/* Asks the server through the object. 0 or -errno with err: ERR_STALE
	 * when the object is good for nothing any more. */
	int (*probe)(const struct backend_target *target, struct err *err);
	/* Takes the object away from under its users. */
	int (*detach)(const struct backend_target *target, struct err *err);
	/* Takes the object down. ERR_BUSY when it is in use. */
	int (*disconnect)(const struct backend_target *target, struct err *err);
};

extern const struct backend backend_nfs;
extern const struct backend backend_tmpfs;

/* Parts that file systems share: mounted.c. */
int mounted_probe(
	const struct backend_target *target, long magic, struct err *err);
int mounted_detach(const struct backend_target *target, struct err *err);
int mounted_disconnect(const struct backend_target *target, struct err *err);
/* After mount(2): asks, and takes the mount away again if that fails. */
int mounted_check(
	const struct backend_target *target, long magic, struct err *err);
/* What mount(2) said, in words. Returns -errnum. */
int mounted_fail(
	const struct backend_target *target, int errnum, struct err *err);

#endif
