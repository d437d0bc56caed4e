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

/* Starts an operation. Whether it has ended, and been settled, already. */
bool keeper_start(enum operation kind);
/* One has ended: looks, says so, and schedules what follows. */
void keeper_settle(const struct operation_outcome *outcome);

#endif
