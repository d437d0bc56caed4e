/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend.h - what a kind of storage has to do, and nothing else.
 *
 * Runs in: worker. All functions but aim(), look() and an instant probe run in
 *          an operation child: they may block, allocate and leave a mess
 *          behind.
 *
 * A new kind of storage is one file with one of these, one line in
 * backends[] of main.c, one in supervisor/backend.def, and a scheme of proto/.
 */
#ifndef WORKER_BACKEND_H
#define WORKER_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/iscsi_auth.h"
#include "proto/uri.h"
#include "worker/landlock.h"
#include "worker/mount.h"

/* What a backend is told of its target. */
struct backend_target {
	const struct uri *uri;
	const char *source; /* "nas1:/vms": the subject of error texts */
	struct mount_point point;
	const struct iscsi_auth *auth;
	bool lacks_auth;  /* there are credentials, but they cannot be had */
	uint32_t session; /* iSCSI: 1 + number of the one last seen, or 0 */
	uint64_t mount_deadline_ms; /* for mount(2) itself */
	uint64_t force_after_ms;    /* of a dead server; 0: never */
};

/* The mount or session, as the kernel shows it. */
struct object {
	bool exists;
	uint32_t session;  /* iSCSI: 1 + its number, 0 without one */
	uint64_t mount_id; /* that of a mount, the topmost; else 0 */
};

/* What connect() returns: one int, because it comes from another process. */
static inline int
connected_pack(uint32_t session, bool was_there)
{
	return (int)(session << 1 | (was_there ? 1 : 0));
}

static inline uint32_t
connected_session(uint32_t value)
{
	return value >> 1;
}

static inline bool
connected_was_there(uint32_t value)
{
	return value & 1;
}

struct backend {
	const char *name;
	enum uri_scheme scheme;
	const char *undone;	/* what somebody else did when it vanished */
	bool has_instant_probe; /* probe() cannot block: no child for it */
	/* The kernel would let it go under its users: wait for `holders`. */
	bool needs_clearance;
	/* An attempt goes on in a daemon when its child is killed, so it is left
	 * to its end; and it leaves records behind, which disconnect() removes
	 * also when nothing else is there. */
	bool hands_over;
	bool runs_programs; /* its children execute some, and write files */
	/* Opens what look() needs, once. 0 or -errno with err. */
	int (*aim)(struct backend_target *target, struct err *err);
	/* What of the network its operations need; NULL: nothing. */
	void (*reach)(const struct uri *uri, struct landlock_limits *limits);
	/* Cannot block. 0 or -errno; *ret_object is untouched then. */
	int (*look)(
		const struct backend_target *target, struct object *ret_object);
	/*
	 * From nothing to an object that answers, by deadline_us
	 * (CLOCK_BOOTTIME) at the latest. A value of connected_pack(), which 0
	 * is one of, or -errno with err; leaves no object when it fails.
	 */
	int (*connect)(const struct backend_target *target,
		uint64_t deadline_us, struct err *err);
	/* Asks the server through the object. 0 or -errno with err: ERR_STALE
	 * when the object is good for nothing any more. */
	int (*probe)(const struct backend_target *target, struct err *err);
	/* Takes the object away from under its users. */
	int (*detach)(const struct backend_target *target, struct err *err);
	/*
	 * Takes the object down. ERR_BUSY when it is in use. With force():
	 * ERR_BUSY when the server answers, too, ERR_UNREACHABLE or
	 * ERR_TIMED_OUT when it does not, and another code when that cannot be
	 * told. It is asked beside the object, which may hang.
	 */
	int (*disconnect)(const struct backend_target *target,
		uint64_t deadline_us, struct err *err);
	/* The same once the server has been dead for long, whatever users lose
	 * by that. 1; or 0 when no force was used, because it answers. NULL:
	 * nothing is ever forced. */
	int (*force)(const struct backend_target *target, uint64_t deadline_us,
		struct err *err);
	/* Whether the server takes target->auth; changes nothing. 0 or -errno
	 * with err. NULL: it takes no credentials. */
	int (*try_credentials)(const struct backend_target *target,
		uint64_t deadline_us, struct err *err);
	/* Writes target->auth to where the object's next login, whoever's it
	 * is, takes it from. 0 or -errno with err. NULL: as above. */
	int (*keep_credentials)(
		const struct backend_target *target, struct err *err);
};

extern const struct backend backend_iscsi;
extern const struct backend backend_nfs;
extern const struct backend backend_tmpfs;

/* Parts that file systems share: mounted.c. */
int mounted_aim(struct backend_target *target, struct err *err);
int mounted_look(
	const struct backend_target *target, struct object *ret_object);
int mounted_probe(
	const struct backend_target *target, long magic, struct err *err);
int mounted_detach(const struct backend_target *target, struct err *err);
int mounted_disconnect(const struct backend_target *target,
	uint64_t deadline_us, struct err *err);
/* Of a server that is known to be dead. 1 or -errno with err. */
int mounted_force(const struct backend_target *target, struct err *err);
/* mount(2), by its own deadline. 0 or -errno. */
int mounted_make(const struct backend_target *target,
	const struct mount_request *request);
/* After mount(2): asks, and takes the mount away again if that fails. */
int mounted_check(
	const struct backend_target *target, long magic, struct err *err);
/* What mount(2) said, in words. Returns -errnum. */
int mounted_fail(
	const struct backend_target *target, int errnum, struct err *err);

#endif
