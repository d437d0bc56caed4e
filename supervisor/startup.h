/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * startup.h - what has to be true, and be there, before anything is served.
 *
 * Runs in: supervisor, as root, before the split.
 */
#ifndef SUPERVISOR_STARTUP_H
#define SUPERVISOR_STARTUP_H

#include "supervisor/supervisor.h"

struct startup {
	uid_t uid; /* the supervisor's */
	gid_t gid;
	gid_t socket_gid;
	int lockfd; /* kept open as long as the process lives */
	struct inheritance inheritance;
};

/* Before the environment is cleared: where a unit's credentials are. */
void startup_note_environment(void);
/*
 * Checks user, mount namespace and paths, makes directories, takes the lock,
 * opens socket and mount table, and forks the launcher. 0 or -errno with what
 * to do in err.
 */
int startup_run(
	const struct conf *conf, struct startup *ret_startup, struct err *err);

#endif
