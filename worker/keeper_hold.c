/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keeper_hold.c - keeper: what may be begun, if the supervisor limits that.
 *
 * Runs in: worker.
 * Invariant: a turn is over once: when an operation has ended, or at once when
 *            there is none to begin. What was due when the hold came is due
 *            when it ends.
 */
#include <errno.h>

#include "worker/condition.h"
#include "worker/keeper_private.h"

void
keeper_hurry(void)
{
	if (keeper.status.hold == HOLD_NONE ||
		keeper.status.state != TARGET_CONNECTED)
		keeper.due_us = 0;
}

void
keeper_note_waiting(void)
{
	enum target_state state = keeper.status.state;
	struct err err;

	if (keeper.status.hold != HOLD_SERVER)
		return;
	/* What is known to be wrong with it says more. */
	if (state != TARGET_UNRESPONSIVE &&
		(state != TARGET_BACKOFF || keeper.status.error != ERR_NONE))
		return;
	(void)err_set(&err, ERR_STUCK, EBUSY,
		"%.100s: several operations to its server are stuck; it waits "
		"for its turn",
		keeper.source);
	condition_note_error(&keeper.status, &err, 0);
}

void
keeper_end_turn(void)
{
	if (!keeper.has_turn)
		return;
	keeper.has_turn = false;
	keeper.status.turn = keeper.turn;
}

void
keeper_limit(const struct limit_message *order)
{
	bool is_freed = keeper.status.earlier_stuck & ~order->earlier_stuck;

	keeper.status.hold = order->hold;
	keeper.status.earlier_stuck = order->earlier_stuck;
	if (is_freed)
		keeper_hurry();
	keeper_see();
	keeper_act();
}

void
keeper_turn(const struct turn_message *order)
{
	keeper.has_turn = true;
	keeper.turn = order->number;
	keeper_see();
	if (keeper.status.hold != HOLD_SERVER)
		keeper_end_turn();
	keeper_act();
}
