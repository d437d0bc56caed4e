/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keeper.h - keeps one target up, or takes it down: the worker's main part.
 *
 * Runs in: worker.
 * Trusts: its caller for the order of calls: see order_rules[] of serve.c.
 * Invariant: one keeper a process; it never blocks: what could is in children.
 */
#ifndef WORKER_KEEPER_H
#define WORKER_KEEPER_H

#include "common/loop.h"
#include "proto/message.h"
#include "worker/backend.h"

/* 0 or -errno. */
int keeper_init(const struct backend *backend, struct loop *loop);
/*
 * Says what to keep. Once, before the calls below. 0, or -errno with err: the
 * URI is not canonical or of another scheme, a time is 0, or the target's
 * directory is not there.
 */
int keeper_aim(const struct target_message *order, struct err *err);
/* Behind it, and before anything else: gives up what of the network this target
 * does not need. 0 or -errno with err. */
int keeper_limit_network(struct err *err);
/* What to log in with from now on. 0, or -errno with err: this backend takes
 * none. */
int keeper_credentials(
	const struct credentials_message *order, struct err *err);
/* Tries such; see trial.h for the answer. Errors as above. */
int keeper_try(const struct trial_message *order, struct err *err);
/* What was found out about its users, for a backend with needs_clearance. */
void keeper_holders(const struct holders_message *order);
/* Before the first of these the keeper only looks. */
void keeper_want(enum wanted wanted);
/* What is scheduled is done now, unless it is held. */
void keeper_retry(void);
/* What may be begun from now on. */
void keeper_limit(const struct limit_message *order);
/* To one that is held: one operation may be begun. */
void keeper_turn(const struct turn_message *order);
/* The table of mounts or of sessions has changed. */
void keeper_look(void);
/* Its number is said with the next status. */
void keeper_ping(uint32_t number);
/* What there is to say. NULL before keeper_aim(). */
const struct status_message *keeper_status(void);
/* A text for the log, once, or NULL. Good until the next call. */
const char *keeper_take_warning(void);
/* Before the worker ends: children die, what is connected stays. */
void keeper_done(void);

#endif
