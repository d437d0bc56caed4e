/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keeper_private.h - what the keeper has, between its files.
 *
 * Runs in: worker.
 */
#ifndef WORKER_KEEPER_PRIVATE_H
#define WORKER_KEEPER_PRIVATE_H

#include "proto/uri.h"
#include "worker/decide.h"
#include "worker/keeper.h"
#include "worker/operation.h"
#include "worker/pace.h"

struct keeper {
	const struct backend *backend;
	struct loop *loop;
	struct operations operations;
	struct loop_timer timer;
	bool has_target;
	bool has_wish;
	struct target_message limits; /* its URI is spent: see uri */
	struct uri uri;
	char source[URI_SOURCE_MAX];
	struct backend_target target;
	struct iscsi_auth auth;
	struct status_message status;
	enum origin origin_before; /* of the attempt under way */
	bool is_cleared;	   /* nobody uses it, as of just now */
	bool is_tidy;		   /* no attempt has left anything behind */
	unsigned failures;	   /* attempts in a row */
	unsigned linger_tries;	   /* disconnects in a row */
	uint64_t due_us;	   /* CLOCK_BOOTTIME; 0: at once */
	uint64_t retry_unix_us;	   /* the same, if an attempt is due then */
	uint64_t attempt_began_us; /* CLOCK_BOOTTIME */
	bool has_turn;		   /* which is not over yet */
	uint64_t turn;		   /* its number */
	uint64_t object_id;	   /* which object it is that is there */
	uint64_t object_before;	   /* which it was when the operation began */
	bool is_forcing;	   /* the disconnect under way does */
	uint64_t force_unix_us;	   /* when that will be; 0: not */
	uint64_t dead_since_us; /* its server, CLOCK_BOOTTIME; 0: it is not */
	char warning[ERR_TEXT_MAX];
	uint64_t random;
};

/* One a process: children find it here after the fork. */
extern struct keeper keeper;

/* The one setter of the state. What was scheduled for the one before is not. */
void keeper_set_state(enum target_state state);
/* Looks at the object, and does nothing about it yet. */
void keeper_see(void);
/* Whether the object is not ours, and nobody claims it any more. */
bool keeper_is_left_alone(void);
void keeper_say_vanished(struct err *err);
struct situation keeper_situation(void);

/* Every event ends in it: does what is to be done now. */
void keeper_act(void);

/* keeper_hold.c */

/* What is scheduled is due; but what may not be asked is not doubted yet. */
void keeper_hurry(void);
/* Says so of one that has just been kept from something. */
void keeper_note_waiting(void);
void keeper_end_turn(void);

/* keeper_force.c */

/* Whether the next disconnect is to be forced. */
bool keeper_is_force_due(void);
/* What a disconnect's end says of the server. */
void keeper_note_server(const struct operation_outcome *outcome);
void keeper_forget_death(void);

/* Starts an operation. Whether it has ended, and been settled, already. */
bool keeper_start(enum operation kind);
/* One has ended: looks, says so, and schedules what follows. */
void keeper_settle(const struct operation_outcome *outcome);

#endif
