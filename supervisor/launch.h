/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * launch.h - supervisor: asks the launcher, and hands its answers on.
 *
 * Runs in: supervisor.
 * Invariant: never waits. Requests are answered in the order in which they
 *            were made; the launcher's end ends the supervisor.
 */
#ifndef SUPERVISOR_LAUNCH_H
#define SUPERVISOR_LAUNCH_H

#include "common/loop.h"
#include "supervisor/launcher.h"

struct launch_queued;

struct launch {
	struct loop *loop;
	struct loop_source source;
	struct loop_timer again;     /* the kernel was short of something */
	struct launch_queued *first; /* not sent yet: the socket is full */
	struct launch_queued *last;
	/* pidfd: -1, or the caller's to close. */
	void (*on_reply)(
		const struct launch_reply *reply, int pidfd, void *data);
	void (*on_end)(void *data);
	void *data;
};

/* Takes socketfd. 0 or -errno. */
int launch_init(struct launch *launch, struct loop *loop, int socketfd);
void launch_done(struct launch *launch);

/*
 * All return 0 or -ENOMEM. launch_start() takes both descriptors; -EOPNOTSUPP
 * for BACKEND_COUNT, which the launcher would take for an attack.
 */
int launch_prepare(struct launch *launch, uint32_t slot, uint64_t key);
int launch_start(struct launch *launch, uint32_t slot, enum backend backend,
	int orderfd, int reportfd);
int launch_kill(struct launch *launch, uint32_t slot);
int launch_remove(struct launch *launch, uint32_t slot);
/* The reply carries the file instead of a pidfd; its slot means nothing. */
int launch_credential(struct launch *launch, const char *name);

#endif
