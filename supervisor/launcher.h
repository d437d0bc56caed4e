/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * launcher.h - what the supervisor may ask of the launcher, and the launcher.
 *
 * Runs in: launcher (launcher*.c, spawn.c, jail.c); supervisor (launch.c).
 * Trusts: the launcher trusts nobody. A request is numbers and descriptors,
 *         of fixed size, without strings; one that it does not know ends it.
 *
 * Why each request is safe when the supervisor has been taken over:
 *   PREPARE  binds /run/holdfast/base/KEY on /run/holdfast/mnt/KEY, KEY being
 *            16 hex digits made here from a number: read-only, nosuid, nodev,
 *            noexec, without following a link.
 *   START    executes the one worker binary, opened at start-up, as the user
 *            and in the jail of a row of backend.def. The jail shows the slot's
 *            directory and, of the host, no more than that kind needs: the
 *            scanner's /proc and /sys, the iSCSI worker's program_trees[] of
 *            jail.c. The latter's root has no capability and signals nobody
 *            but its own children.
 *   KILL     sends SIGKILL to a worker that was started here (by pidfd).
 *   REMOVE   takes PREPARE's bind away, when nothing is mounted in it.
 *   CREDENTIAL  opens, for reading, a file of the directories that root has
 *            set aside for credentials, found by a hash of its name: none that
 *            is not root's alone, and none elsewhere.
 */
#ifndef SUPERVISOR_LAUNCHER_H
#define SUPERVISOR_LAUNCHER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

enum backend {
#define BACKEND(name, word, user, capabilities, needs_target, jail)            \
	BACKEND_##name,
#include "supervisor/backend.def"
#undef BACKEND
	BACKEND_COUNT,
};

enum launch_op {
	LAUNCH_PREPARE,
	LAUNCH_START,
	LAUNCH_KILL,
	LAUNCH_REMOVE,
	LAUNCH_CREDENTIAL,
	LAUNCH_OP_COUNT,
};

/* The last slot is the scanner's. */
enum {
	LAUNCH_SLOTS = 4097,
	LAUNCH_SLOT_SCANNER = LAUNCH_SLOTS - 1
};

struct launch_request {
	uint32_t op;
	uint32_t slot;
	uint32_t backend;  /* START alone, else 0 */
	uint32_t reserved; /* 0 */
	uint64_t key;	   /* PREPARE and CREDENTIAL alone, else 0 */
};

/* START takes two descriptors: the orders' reading end, the reports' writing
 * end. Its reply carries the worker's pidfd, CREDENTIAL's the file. */
struct launch_reply {
	uint32_t op;
	uint32_t slot;
	int32_t result; /* 0 or -errno */
	int32_t pid;	/* START alone, else 0 */
};

enum {
	LAUNCH_CREDENTIAL_DIRS = 2
};

/* Made as root before the split, inherited by the launcher. */
struct launcher_setup {
	const char *mount_root; /* /run/holdfast/mnt */
	const char *base_root;	/* /run/holdfast/base */
	const char *worker_path;
	/* The first that has the file serves; NULL: no such directory. They
	 * have to stay valid. */
	const char *credential_dirs[LAUNCH_CREDENTIAL_DIRS];
	int cgroupfd; /* of cgroup_open(); it is the launcher's from then on */
};

/*
 * Opens what the launcher needs, forks it, and returns the supervisor's end
 * of its socket (non-blocking) and its pid. 0 or -errno with err. The forked
 * side never returns.
 */
int launcher_fork(const struct launcher_setup *setup, int *ret_socketfd,
	pid_t *ret_pid, struct err *err);

#endif
