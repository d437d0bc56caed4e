/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * origin.h - who made the session: only what is ours is ever taken down.
 *
 * Runs in: worker.
 * Invariant: pure bookkeeping on the status message. In doubt a session is
 *            somebody else's; only an attempt of ours that was cut short makes
 *            what turns up afterwards ours.
 */
#ifndef WORKER_ORIGIN_H
#define WORKER_ORIGIN_H

#include "proto/message.h"
#include "worker/backend.h"

/* The kernel has been looked at: session is 1 + its number, 0 for none. */
void origin_see(struct status_message *status, uint32_t session);
/* An attempt begins. Returns what has to be given to origin_end(). */
enum origin origin_begin(struct status_message *status);
/* It succeeded: value as of connect(). Only for backends with sessions. */
void origin_end(
	struct status_message *status, enum origin before, uint32_t value);
/* It failed, and its own program said so: nothing can come of it any more. */
void origin_give_up(struct status_message *status);
/* Whether it stays when the last claim goes. */
bool origin_stays(const struct status_message *status);

#endif
