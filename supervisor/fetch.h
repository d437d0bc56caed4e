/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fetch.h - gets named credentials, which only root can open, by the launcher.
 *
 * Runs in: supervisor.
 * Invariant: answers come in the order of the questions; a question that was
 *            cancelled is forgotten, its answer closed.
 */
#ifndef SUPERVISOR_FETCH_H
#define SUPERVISOR_FETCH_H

#include <sys/queue.h>
#include <sys/types.h>

#include "common/err.h"
#include "supervisor/credential.h"
#include "supervisor/launcher.h"

struct fetch;
struct supervisor;

TAILQ_HEAD(fetch_list, fetch);

/* auth is NULL with an error in err, which is valid during the call. */
typedef void fetch_done(
	void *data, const struct iscsi_auth *auth, const struct err *err);

/* Asks for that credential, for use by that uid. NULL without memory; else
 * done() is called once, unless it is cancelled. */
struct fetch *fetch_start(struct supervisor *supervisor, const char *name,
	uid_t uid, fetch_done *done, void *data);
/* NULL is fine. */
void fetch_cancel(struct fetch *fetch);
/* The launcher has answered the oldest question. Takes fd. */
void fetch_on_launch_reply(struct supervisor *supervisor,
	const struct launch_reply *reply, int fd);
void fetch_end_all(struct supervisor *supervisor);

#endif
