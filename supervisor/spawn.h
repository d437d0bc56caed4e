/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * spawn.h - launcher: jails for workers, and starting one in its jail.
 *
 * Runs in: launcher.
 */
#ifndef SUPERVISOR_SPAWN_H
#define SUPERVISOR_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "supervisor/domain.h"
#include "supervisor/launcher.h"

/* Signals that mean nothing to the launcher: it ends with its socket, and a
 * terminal's ^C is not for it. Workers get them back. */
extern const int launcher_ignores[3];

/* What a kind of worker sees. */
enum jail {
	JAIL_TARGET,   /* its target's directory, files for name lookup */
	JAIL_PROC,     /* /proc and /sys */
	JAIL_PROGRAMS, /* as the first, and what its programs need */
	JAIL_COUNT
};

/* A prepared mount namespace, copied for each worker. */
struct jail_template {
	int nsfd;
	int treefd; /* its root, writable, seen by no worker */
};

/* Who a worker runs as. Root gets namespaces of its own for processes and IPC:
 * whoever it may signal is its own child then. */
struct spawn_profile {
	uid_t uid;
	gid_t gid;
	uint64_t capabilities;
	char context[DOMAIN_CONTEXT_MAX]; /* SELinux's, or empty */
};

struct spawn_request {
	const struct spawn_profile *profile;
	const struct jail_template *jail;
	bool has_programs;
	int workerfd; /* the binary, O_PATH */
	int nullfd;   /* /dev/null */
	int cgroupfd; /* of cgroup_prepare(), or CGROUP_NONE */
	int targetfd; /* root of the target's bind mount, or -1 */
	int orderfd;
	int reportfd;
	const char *title; /* argv[0], with room for the worker to write in */
};

/* Makes the namespaces. Root in the host's namespace; 0 or -errno. */
int jail_build(enum jail jail, const char *scratch_dir,
	struct jail_template *ret_template, struct err *err);
/* Copies the host's name lookup files anew where they changed. No heap. */
void jail_refresh(enum jail jail, const struct jail_template *jail_template);
/*
 * What of the host a worker that runs programs sees beside its target: clones
 * the trees (in the host's namespace), and puts them into its jail (inside).
 * What the host has not is left out. 0 or -errno.
 */
int jail_clone_programs(void);
int jail_attach_programs(void);

/*
 * Starts the worker as a child of our parent. Returns its pid and its pidfd,
 * or -errno. What fails in the child ends it with status SPAWN_STEP_FAILED +
 * the number of the step.
 */
pid_t spawn_worker(const struct spawn_request *request, int *ret_pidfd);

enum {
	SPAWN_STEP_FAILED = 100
};
/* What such a status means: "enter the jail". NULL when it is none. */
const char *spawn_step_name(int status);

#endif
