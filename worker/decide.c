/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * decide.c - what a worker does next: situation in, decision out.
 *
 * Runs in: worker.
 * Invariant: see decide.h. Every state that comes out of here may follow the
 *            one that went in (target_may_become()), or is the same.
 */
#include "worker/decide.h"

#define STUCK_BIT(name) (1u << OPERATION_##name)

/* These make or take away the object: never two of them at a time. */
static const unsigned object_changing =
	STUCK_BIT(CONNECT) | STUCK_BIT(DETACH) | STUCK_BIT(DISCONNECT);

static struct decision
stay(const struct situation *situation)
{
	return (struct decision){.state = situation->state};
}

static struct decision
enter(enum target_state state)
{
	return (struct decision){.state = state};
}

static struct decision
start(enum target_state state, enum operation operation)
{
	return (struct decision){.state = state, .start = operation};
}

static struct decision
kill_running(const struct situation *situation)
{
	return (struct decision){.state = situation->state, .is_kill = true};
}

static struct decision
watch(const struct situation *situation)
{
	bool is_watched = situation->state == TARGET_CONNECTED ||
			  situation->state == TARGET_UNRESPONSIVE;

	if (situation->state == TARGET_STALE)
		return situation->is_due ? start(TARGET_STALE, OPERATION_DETACH)
					 : stay(situation);
	/* Any other state has just found the object: no waiting. */
	if (is_watched && !situation->is_due)
		return stay(situation);
	if (situation->stuck & STUCK_BIT(PROBE))
		return enter(TARGET_UNRESPONSIVE);
	return start(situation->state, OPERATION_PROBE);
}

static struct decision
decide_up(const struct situation *situation)
{
	bool is_scheduled = situation->state == TARGET_BACKOFF ||
			    situation->state == TARGET_BLOCKED;

	switch (situation->running) {
	case OPERATION_NONE:
		break;
	case OPERATION_PROBE:
		/* What it asks about is gone: it would only cost time. */
		return situation->has_object ? stay(situation)
					     : kill_running(situation);
	case OPERATION_DISCONNECT:
		return situation->is_breakable ? kill_running(situation)
					       : stay(situation);
	case OPERATION_CONNECT:
	case OPERATION_DETACH:
	case OPERATION_TRIAL:
	case OPERATION_COUNT:
		return stay(situation);
	}
	if (situation->stuck & object_changing)
		return enter(TARGET_STUCK);
	if (situation->has_object)
		return watch(situation);
	if (is_scheduled && !situation->is_due)
		return stay(situation);
	return start(TARGET_CONNECTING, OPERATION_CONNECT);
}

/* What lingers, does so until it is gone. */
static enum target_state
down_state(const struct situation *situation)
{
	return situation->state == TARGET_LINGERING ? TARGET_LINGERING
						    : TARGET_DISCONNECTING;
}

static struct decision
decide_down(const struct situation *situation)
{
	switch (situation->running) {
	case OPERATION_NONE:
		break;
	case OPERATION_CONNECT:
		return situation->hands_over ? stay(situation)
					     : kill_running(situation);
	case OPERATION_PROBE: /* it holds the mount: umount says EBUSY */
		return kill_running(situation);
	case OPERATION_DETACH:
	case OPERATION_DISCONNECT:
	case OPERATION_TRIAL:
	case OPERATION_COUNT:
		return stay(situation);
	}
	/* Also when there is no object: there may be one yet. */
	if (situation->stuck & object_changing)
		return enter(TARGET_STUCK);
	if (!situation->has_object)
		return situation->has_traces ? start(down_state(situation),
						       OPERATION_DISCONNECT)
					     : enter(TARGET_REGISTERED);
	if (situation->state != TARGET_LINGERING)
		return situation->awaits_clearance
			       ? enter(TARGET_DISCONNECTING)
			       : start(TARGET_DISCONNECTING,
					 OPERATION_DISCONNECT);
	return situation->is_due && !situation->awaits_clearance
		       ? start(TARGET_LINGERING, OPERATION_DISCONNECT)
		       : stay(situation);
}

static struct decision
decide_free(const struct situation *situation)
{
	return situation->wanted == WANTED_UP ? decide_up(situation)
					      : decide_down(situation);
}

/* A probe is due that may not be: of its server nothing is known any more. A
 * pause is no reason to doubt, and ends. */
static struct decision
withhold_probe(const struct situation *situation, struct decision decision)
{
	if (situation->hold == HOLD_SERVER && situation->has_instant_probe)
		return decision;
	if (situation->hold == HOLD_PAUSED &&
		situation->state == TARGET_CONNECTED)
		return stay(situation);
	return enter(TARGET_UNRESPONSIVE);
}

/* What is true of one that may not do what it would. */
static struct decision
withhold(const struct situation *situation, struct decision decision)
{
	bool is_down = situation->state == TARGET_BACKOFF ||
		       situation->state == TARGET_BLOCKED;

	switch (decision.start) {
	case OPERATION_PROBE:
		return withhold_probe(situation, decision);
	case OPERATION_CONNECT:
		return is_down ? stay(situation) : enter(TARGET_BACKOFF);
	case OPERATION_DETACH:
	case OPERATION_DISCONNECT:
		return enter(decision.state);
	case OPERATION_NONE:
	case OPERATION_TRIAL:
	case OPERATION_COUNT:
		break;
	}
	return decision;
}

struct decision
decide(const struct situation *situation)
{
	bool is_held = situation->hold != HOLD_NONE;
	struct situation as_if = *situation;

	if (situation->hold == HOLD_SERVER && situation->has_turn) {
		as_if.is_due = true;
		is_held = false;
	}
	return is_held ? withhold(situation, decide_free(situation))
		       : decide_free(&as_if);
}

bool
decide_is_blocking(enum err_code error)
{
	return error == ERR_ACCESS_DENIED || error == ERR_NOT_FOUND ||
	       error == ERR_UNSUPPORTED || error == ERR_AUTH_FAILED ||
	       error == ERR_MOUNT_FAILED || error == ERR_LOGIN_FAILED;
}

static struct verdict
unchanged(const struct situation *situation)
{
	return (struct verdict){situation->state, PACE_NOW};
}

static struct verdict
connected(const struct situation *situation)
{
	bool was_before = situation->state == TARGET_CONNECTED;

	return (struct verdict){
		TARGET_CONNECTED, was_before ? PACE_PROBE : PACE_FIRST_PROBE};
}

static struct verdict
after_connect(const struct situation *situation, const struct ending *ending)
{
	if (situation->wanted == WANTED_DOWN)
		return unchanged(situation);
	/* Killed for a wish that has passed: what is there is to be seen. */
	if (ending->is_cancelled)
		return (struct verdict){TARGET_BACKOFF, PACE_NOW};
	if (situation->has_object)
		return ending->error == ERR_NONE
			       ? connected(situation)
			       : (struct verdict){TARGET_BACKOFF, PACE_NOW};
	if (decide_is_blocking(ending->error))
		return (struct verdict){TARGET_BLOCKED, PACE_BLOCKED};
	return (struct verdict){TARGET_BACKOFF, PACE_BACKOFF};
}

static struct verdict
after_probe(const struct situation *situation, const struct ending *ending)
{
	if (situation->wanted == WANTED_DOWN || !situation->has_object ||
		ending->is_cancelled)
		return unchanged(situation);
	if (ending->error == ERR_NONE)
		return connected(situation);
	if (ending->error == ERR_STALE)
		return (struct verdict){TARGET_STALE, PACE_NOW};
	/* No process to be had says nothing about the server. */
	if (ending->error == ERR_INTERNAL &&
		situation->state == TARGET_CONNECTED)
		return (struct verdict){TARGET_CONNECTED, PACE_PROBE_SOON};
	return (struct verdict){TARGET_UNRESPONSIVE, PACE_PROBE_SOON};
}

static struct verdict
after_detach(const struct situation *situation, const struct ending *ending)
{
	if (!situation->has_object || ending->is_cancelled)
		return unchanged(situation);
	if (ending->error != ERR_NONE)
		return (struct verdict){situation->state, PACE_DETACH};
	/* What lay below need not be stale, too. */
	return situation->wanted == WANTED_UP
		       ? (struct verdict){TARGET_UNRESPONSIVE, PACE_NOW}
		       : unchanged(situation);
}

static struct verdict
after_disconnect(const struct situation *situation, const struct ending *ending)
{
	if (situation->wanted == WANTED_UP || !situation->has_object ||
		ending->error == ERR_NONE)
		return unchanged(situation); /* or there is one more below */
	return (struct verdict){TARGET_LINGERING, PACE_LINGER};
}

struct verdict
decide_after(const struct situation *situation, const struct ending *ending)
{
	switch (ending->operation) {
	case OPERATION_CONNECT:
		return after_connect(situation, ending);
	case OPERATION_PROBE:
		return after_probe(situation, ending);
	case OPERATION_DETACH:
		return after_detach(situation, ending);
	case OPERATION_DISCONNECT:
		return after_disconnect(situation, ending);
	case OPERATION_TRIAL:
	case OPERATION_NONE:
	case OPERATION_COUNT:
		break;
	}
	return unchanged(situation);
}
