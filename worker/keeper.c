/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keeper.c - keeps one target up, or takes it down: the worker's main part.
 *
 * Runs in: worker.
 * Trusts: the URI of an order only after it was parsed again.
 * Invariant: what to do is decided in decide.c, what is said of it is kept by
 *            condition.c; here it is done. Every event ends in keeper_act().
 *
 * keeper_operation.c starts an operation, keeper_outcome.c says what its end
 * means, keeper_hold.c what may not begin, keeper_force.c what may be forced.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "common/title.h"
#include "worker/condition.h"
#include "worker/keeper_private.h"
#include "worker/origin.h"
#include "worker/trial.h"

/* One a process: children find it here after the fork. */
struct keeper keeper;

/* A schedule belongs to a state. */
void
keeper_set_state(enum target_state state)
{
	if (keeper.status.state == state)
		return;
	condition_set_state(&keeper.status, state);
	keeper.due_us = 0;
	keeper.retry_unix_us = 0;
}

void
keeper_say_vanished(struct err *err)
{
	(void)err_set(err, ERR_VANISHED, ENOTCONN, "%.100s: somebody else %s",
		keeper.source, keeper.backend->undone);
}

static void
note_vanished(void)
{
	struct err err;

	keeper_say_vanished(&err);
	condition_note_error(&keeper.status, &err, 0);
}

/* What is not ours is none of our business once no claim is left. */
bool
keeper_is_left_alone(void)
{
	return keeper.has_wish && keeper.status.wanted == WANTED_DOWN &&
	       origin_stays(&keeper.status);
}

/* Who made what turns up during an attempt, its end tells: it may be another's
 * login. */
static void
see_session(uint32_t session)
{
	if (keeper.status.origin == ORIGIN_TRYING &&
		operations_running(&keeper.operations) == OPERATION_CONNECT)
		keeper.status.session = session;
	else
		origin_see(&keeper.status, session);
}

/* What cannot be seen is taken to be as it was. */
void
keeper_see(void)
{
	bool had_object = keeper.status.has_object;
	bool has_object;
	struct object object = {
		.exists = had_object,
		.session = (uint32_t)keeper.status.session,
		.mount_id = keeper.object_id,
	};

	if (keeper.backend->look(&keeper.target, &object) == 0)
		see_session(object.session);
	if (object.session != 0)
		keeper.target.session = object.session;
	keeper.object_id = object.mount_id ? object.mount_id : object.session;
	has_object = object.exists && !keeper_is_left_alone();
	keeper.status.has_object = has_object;
	if (had_object && !has_object && condition_is_up(&keeper.status) &&
		keeper.status.wanted == WANTED_UP)
		note_vanished();
}

struct situation
keeper_situation(void)
{
	return (struct situation){
		.wanted = keeper.status.wanted,
		.state = keeper.status.state,
		.has_object = keeper.status.has_object,
		.running = operations_running(&keeper.operations),
		.stuck = operations_stuck(&keeper.operations) |
			 (unsigned)keeper.status.earlier_stuck,
		.is_due = keeper.due_us <= clock_boot_us(),
		.awaits_clearance =
			keeper.backend->needs_clearance && !keeper.is_cleared,
		.hands_over = keeper.backend->hands_over,
		/* A worker before may have begun, and not have come to an end. */
		.has_traces = keeper.backend->hands_over && !keeper.is_tidy,
		.hold = keeper.status.hold,
		.has_turn = keeper.has_turn,
		.has_instant_probe = keeper.backend->has_instant_probe,
		.is_breakable =
			keeper.is_forcing ||
			keeper.operations.slots[OPERATION_DISCONNECT].step ==
				OPERATION_STEP_ASK,
	};
}

static void
note_stuck(void)
{
	struct err err;

	(void)err_set(&err, ERR_STUCK, ETIMEDOUT,
		"%.100s: an operation does not end, though it was killed: see "
		"`stuck`",
		keeper.source);
	condition_note_error(&keeper.status, &err, 0);
}

static void
enter(enum target_state state)
{
	if (keeper.status.state == state)
		return;
	keeper_set_state(state);
	if (state == TARGET_STUCK || (state == TARGET_UNRESPONSIVE &&
					     keeper.status.hold == HOLD_NONE))
		note_stuck();
	keeper_note_waiting();
	/* Nothing is left to be wrong. */
	if (state == TARGET_REGISTERED) {
		keeper.failures = 0;
		condition_clear_error(&keeper.status);
	}
	if (state != TARGET_LINGERING)
		keeper.linger_tries = 0;
}

/* Wakes up when something is due; else now and then, to look. What is due and
 * may not begin stays due. */
static void
schedule(void)
{
	uint64_t now_us = clock_boot_us();
	uint64_t wake_us = keeper.due_us;
	int result;

	if (wake_us <= now_us)
		wake_us = now_us + keeper.limits.probe_interval_ms * US_PER_MS;
	result = loop_arm(keeper.loop, &keeper.timer, wake_us);
	assert(result == 0); /* its place in the heap was taken at the start */
}

void
keeper_act(void)
{
	bool is_settled = keeper.has_wish;

	while (is_settled) {
		struct situation situation = keeper_situation();
		struct decision decision = decide(&situation);

		enter(decision.state);
		if (decision.is_kill)
			operation_cancel(&keeper.operations, situation.running);
		is_settled = decision.start != OPERATION_NONE &&
			     keeper_start(decision.start);
	}
	if (operations_running(&keeper.operations) == OPERATION_NONE)
		keeper_end_turn(); /* there was nothing to begin */
	if (keeper.has_wish)
		schedule();
}

static void
on_due(struct loop_timer *timer)
{
	keeper_see();
	keeper_act();
}

static void
on_outcome(
	struct operations *operations, const struct operation_outcome *outcome)
{
	if (outcome->operation == OPERATION_TRIAL) {
		trial_end(outcome);
		return;
	}
	keeper_settle(outcome);
	keeper_act();
}

static void
on_freed(struct operations *operations, enum operation kind)
{
	keeper_hurry();
	keeper_see();
	keeper_act();
}

int
keeper_aim(const struct target_message *order, struct err *err)
{
	int result =
		uri_parse(order->uri, strlen(order->uri), &keeper.uri, err);

	if (result < 0)
		return result;
	if (strcmp(keeper.uri.canonical, order->uri) != 0 ||
		keeper.uri.scheme != keeper.backend->scheme ||
		!pace_is_sane(order))
		return err_set(err, ERR_BAD_MESSAGE, EBADMSG,
			"the target is not one for this worker");
	result = uri_mount_source(
		&keeper.uri, keeper.source, sizeof(keeper.source));
	assert(result == 0);
	keeper.target = (struct backend_target){
		.uri = &keeper.uri,
		.source = keeper.source,
		.point.dirfd = -1,
		.auth = &keeper.auth,
		.session = (uint32_t)order->session,
		.mount_deadline_ms = order->mount_deadline_ms,
		.force_after_ms = order->force_after_ms,
	};
	result = keeper.backend->aim(&keeper.target, err);
	if (result < 0)
		return result;
	keeper.limits = *order;
	keeper.operations.subject = keeper.source;
	keeper.status.attempt = order->attempt;
	keeper.status.session = order->session;
	keeper.status.origin = order->origin;
	keeper.has_target = true;
	title_set(
		"holdfast-worker: %s %s", keeper.backend->name, keeper.source);
	keeper_see();
	return 0;
}

/* Where the kernel has no such limits it goes on without: the filter of system
 * calls stands. */
int
keeper_limit_network(struct err *err)
{
	struct landlock_limits limits = {0};
	int result;

	if (keeper.backend->reach)
		keeper.backend->reach(&keeper.uri, &limits);
	result = landlock_limit(&limits);
	if (result < 0 && result != -EOPNOTSUPP)
		return err_set(err, ERR_INTERNAL, -result,
			"cannot limit what it may connect to");
	return 0;
}

int
keeper_credentials(const struct credentials_message *order, struct err *err)
{
	if (!keeper.backend->try_credentials)
		return err_set(err, ERR_BAD_MESSAGE, EBADMSG,
			"this kind of storage has no credentials");
	iscsi_auth_copy(&keeper.auth, order);
	keeper.target.lacks_auth = order->is_missing;
	if (keeper.status.origin == ORIGIN_OURS && *keeper.auth.username &&
		!(keeper.status.earlier_stuck & 1u << OPERATION_TRIAL))
		trial_keep(keeper.backend, &keeper.target, &keeper.operations,
			keeper.limits.connect_deadline_ms);
	return 0;
}

int
keeper_try(const struct trial_message *order, struct err *err)
{
	if (!keeper.backend->try_credentials)
		return err_set(err, ERR_BAD_MESSAGE, EBADMSG,
			"this kind of storage has no credentials");
	if (keeper.status.earlier_stuck & 1u << OPERATION_TRIAL) {
		trial_refuse(order->number, keeper.source);
		return 0;
	}
	trial_begin(order, keeper.backend, &keeper.target, &keeper.operations,
		keeper.limits.connect_deadline_ms);
	return 0;
}

/* In use: as if the kernel had said so to an unmount. */
static void
note_holders(uint64_t count)
{
	struct operation_outcome outcome = {.operation = OPERATION_DISCONNECT};

	(void)err_set(&outcome.error, ERR_BUSY, EBUSY,
		count ? "%.100s: its disks are still in use; it is logged out "
			"of as soon as nobody uses them"
		      : "%.100s: it cannot be seen who uses its disks; it is "
			"not logged out of before nobody does",
		keeper.source);
	keeper_settle(&outcome);
}

void
keeper_holders(const struct holders_message *order)
{
	bool is_asked =
		keeper.backend->needs_clearance &&
		keeper.status.wanted == WANTED_DOWN &&
		operations_running(&keeper.operations) == OPERATION_NONE;

	keeper_see();
	if (is_asked && keeper.status.has_object) {
		keeper.is_cleared = order->count == 0 && order->is_complete;
		if (keeper.is_cleared)
			keeper.due_us = 0;
		else
			note_holders(order->count);
	}
	keeper_act();
}

void
keeper_want(enum wanted wanted)
{
	keeper.has_wish = true;
	if (keeper.status.wanted != wanted) {
		keeper.due_us = 0;
		keeper.is_cleared = false;
		keeper_forget_death();
	}
	if (wanted == WANTED_UP)
		keeper.status.was_forced = 0;
	keeper.status.wanted = wanted;
	keeper_see();
	keeper_act();
}

void
keeper_retry(void)
{
	keeper_hurry();
	keeper_see();
	keeper_act();
}

void
keeper_look(void)
{
	keeper_see();
	keeper_act();
}

void
keeper_ping(uint32_t number)
{
	keeper.status.pong = number;
}

const struct status_message *
keeper_status(void)
{
	bool is_held = keeper.status.hold != HOLD_NONE;

	if (!keeper.has_target)
		return NULL;
	condition_note_operations(&keeper.status, &keeper.operations);
	keeper.status.next_retry_us = is_held ? 0 : keeper.retry_unix_us;
	/* A server that is held is dead: a turn may be what frees its users. */
	keeper.status.force_at_us =
		keeper.status.hold == HOLD_PAUSED ? 0 : keeper.force_unix_us;
	return &keeper.status;
}

void
keeper_done(void)
{
	operations_kill_all(&keeper.operations);
}

int
keeper_init(const struct backend *backend, struct loop *loop)
{
	int result;

	keeper = (struct keeper){
		.backend = backend, .loop = loop, .timer.on_due = on_due};
	keeper.operations.on_outcome = on_outcome;
	keeper.operations.on_freed = on_freed;
	operations_init(&keeper.operations, loop);
	do {
		if (getrandom(&keeper.random, sizeof(keeper.random), 0) < 0)
			return -errno;
	} while (keeper.random == 0);
	/* Takes the timer's place in the heap; nothing is due yet. */
	result = loop_arm(loop, &keeper.timer, UINT64_MAX);
	if (result == 0)
		loop_disarm(loop, &keeper.timer);
	return result;
}
