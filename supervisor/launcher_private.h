/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * launcher_private.h - what the launcher has, between its two files.
 *
 * Runs in: launcher.
 */
#ifndef SUPERVISOR_LAUNCHER_PRIVATE_H
#define SUPERVISOR_LAUNCHER_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/launcher.h"
#include "supervisor/rate.h"
#include "supervisor/spawn.h"

struct slot {
	bool is_prepared;
	uint64_t key;
	int targetfd; /* root of the bind mount */
	int pidfd;    /* of the last worker, -1 if none or reaped */
};

/* All that the process has; static, so that it lies in no heap. */
struct launcher {
	int socketfd;
	int mountrootfd;
	int baserootfd;
	int workerfd;
	int nullfd;
	int cgroupfd; /* or CGROUP_NONE */
	const char *credential_dirs[LAUNCH_CREDENTIAL_DIRS];
	struct jail_template jails[JAIL_COUNT];
	struct spawn_profile profiles[BACKEND_COUNT];
	struct slot slots[LAUNCH_SLOTS];
	struct rate starts; /* of workers */
};

extern struct launcher launcher;

/* A row of backend.def. */
struct backend_row {
	const char *word;
	const char *user;
	const char *domain; /* its SELinux type */
	const char *title;  /* padded: the worker writes its target in there */
	uint64_t capabilities;
	bool needs_target;
	enum jail jail;
};

extern const struct backend_row launcher_backends[BACKEND_COUNT];

/* Answers requests until the supervisor has gone. */
void launcher_run(void) __attribute__((noreturn));

#endif
