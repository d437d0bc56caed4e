/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * decide.h - what a worker does next: situation in, decision out.
 *
 * Runs in: worker.
 * Invariant: pure: no clock, no system call, no memory of earlier calls. No
 *            state is ever given up because a check could not be made, and no
 *            operation begins while one that could undo it may still be at
 *            work.
 */
#ifndef WORKER_DECIDE_H
#define WORKER_DECIDE_H

#include <stdbool.h>

#include "common/err.h"
#include "proto/state.h"
#include "worker/pace.h"

struct situation {
	enum wanted wanted;
	enum target_state state;
	bool has_object;	/* the mount or session exists */
	enum operation running; /* OPERATION_NONE, or the one under way */
	unsigned stuck;		/* 1u << each that does not end when killed, an
				   earlier worker's as well */
	bool is_due;		/* what was scheduled is due, or nothing was */
	bool awaits_clearance;	/* its users have to be looked for first: the
				   kernel would take it away from them */
	bool hands_over; /* an attempt that is killed goes on without us */
	bool has_traces; /* it may have left something behind */
	enum hold hold;	 /* why nothing may be begun, if so */
	bool has_turn;	 /* but one operation, of one that its server holds */
	bool has_instant_probe; /* which asks no server */
	bool is_breakable; /* the disconnect that runs, if it is not wanted any
			      more: it only asks, or takes it from users */
};

struct decision {
	enum target_state state; /* to be entered now; mostly the same */
	enum operation start;	 /* OPERATION_NONE: none */
	bool is_kill;		 /* end what is under way, whatever it does */
};

struct decision decide(const struct situation *situation);

/* How an operation ended, or failed to end. */
struct ending {
	enum operation operation;
	enum err_code error; /* ERR_NONE: it succeeded */
	bool is_cancelled;   /* killed for a change of mind: no failure */
};

struct verdict {
	enum target_state state;
	enum pace pace;
};

/* The situation is that after the end: nothing running, freshly looked at. */
struct verdict decide_after(
	const struct situation *situation, const struct ending *ending);

/* Whether the error is one that soon trying again will not cure. */
bool decide_is_blocking(enum err_code error);

#endif
