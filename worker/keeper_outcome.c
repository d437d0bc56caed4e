/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keeper_outcome.c - keeper: an operation has ended, and what that means.
 *
 * Runs in: worker.
 * Trusts: an outcome's success only as far as the kernel shows it, too.
 * Invariant: what comes next is decide_after()'s; nothing is started here.
 */
#include <errno.h>

#include "common/clock.h"
#include "worker/backoff.h"
#include "worker/condition.h"
#include "worker/keeper_private.h"
#include "worker/origin.h"

static void
apply(const struct verdict *verdict)
{
	uint32_t random = backoff_random(&keeper.random);
	unsigned tries = keeper.failures;
	uint64_t after_us;

	keeper_set_state(verdict->state);
	if (verdict->pace == PACE_LINGER)
		tries = ++keeper.linger_tries;
	after_us = pace_delay_us(verdict->pace, &keeper.limits, tries, random);
	keeper.due_us = after_us ? clock_boot_us() + after_us : 0;
	keeper.retry_unix_us =
		pace_is_retry(verdict->pace) ? clock_unix_us() + after_us : 0;
}

static void
note_failure(const struct operation_outcome *outcome)
{
	bool is_attempt = outcome->operation == OPERATION_CONNECT;

	if (is_attempt) {
		keeper.status.failed_attempt = keeper.status.attempt;
		keeper.status.failed_began_us = keeper.attempt_began_us;
		keeper.failures++;
	}
	condition_note_error(&keeper.status, &outcome->error,
		is_attempt ? keeper.status.attempt : 0);
}

static void
note_success(uint64_t latency_us)
{
	keeper.failures = 0;
	condition_note_success(&keeper.status, latency_us);
}

/* What was asked for an earlier wish says nothing about this one. */
static bool
is_relevant(const struct operation_outcome *outcome)
{
	bool is_up = keeper.status.wanted == WANTED_UP;

	if (outcome->is_cancelled)
		return false;
	switch (outcome->operation) {
	case OPERATION_CONNECT:
	case OPERATION_PROBE:
		return is_up;
	case OPERATION_DISCONNECT:
		return !is_up;
	case OPERATION_DETACH:
		return true;
	case OPERATION_TRIAL:
	case OPERATION_NONE:
	case OPERATION_COUNT:
		break;
	}
	return false;
}

/* Nothing has come of this attempt; but of an earlier one, cut short, it may. */
static bool
may_be_of_earlier(void)
{
	return keeper.origin_before == ORIGIN_TRYING &&
	       keeper.status.session != 0;
}

/* One that was killed may yet succeed: iscsid goes on with a login. */
static void
note_origin(const struct operation_outcome *outcome)
{
	if (outcome->operation != OPERATION_CONNECT || outcome->is_cancelled)
		return;
	if (outcome->error.code == ERR_NONE &&
		connected_session(outcome->value))
		origin_end(
			&keeper.status, keeper.origin_before, outcome->value);
	else if (!outcome->is_overdue && outcome->error.code != ERR_INTERNAL &&
		 !may_be_of_earlier())
		origin_give_up(&keeper.status);
	if (keeper.status.session != 0)
		keeper.target.session = (uint32_t)keeper.status.session;
}

static void
note_outcome(const struct operation_outcome *outcome)
{
	if (!is_relevant(outcome))
		return;
	if (outcome->error.code != ERR_NONE)
		note_failure(outcome);
	else if (outcome->operation == OPERATION_CONNECT ||
		 outcome->operation == OPERATION_PROBE)
		note_success(outcome->latency_us);
}

/* Said to be taken away, and there all the same. What lay below it is another,
 * and that the first has gone is true. */
static void
doubt_removal(struct operation_outcome *outcome)
{
	bool is_removal = outcome->operation == OPERATION_DETACH ||
			  outcome->operation == OPERATION_DISCONNECT;

	if (is_removal && outcome->error.code == ERR_NONE &&
		!outcome->is_cancelled && keeper.status.has_object &&
		keeper.object_id == keeper.object_before)
		(void)err_set(&outcome->error, ERR_MOUNT_FAILED, EBUSY,
			"%.100s: it was taken down without an error, and is "
			"still there",
			keeper.source);
}

/* Connected, and taken away by somebody before we looked: it has failed. And
 * what was found there need not be well. */
static void
doubt_success(struct operation_outcome *outcome)
{
	bool is_attempt = outcome->operation == OPERATION_CONNECT;
	bool is_asking = is_attempt || outcome->operation == OPERATION_PROBE;

	if (!is_asking || outcome->error.code != ERR_NONE ||
		outcome->is_cancelled)
		return;
	if (!keeper.status.has_object)
		keeper_say_vanished(&outcome->error);
	else if (is_attempt && keeper.backend->has_instant_probe)
		(void)keeper.backend->probe(&keeper.target, &outcome->error);
}

/* An operation has ended: what that means, not yet what comes next. */
void
keeper_settle(const struct operation_outcome *told)
{
	struct operation_outcome outcome = *told;
	struct situation situation;
	struct verdict verdict;
	struct ending ending;

	note_origin(&outcome);
	/* What could not be removed is no reason to stay. */
	if (outcome.operation == OPERATION_DISCONNECT)
		keeper.is_tidy = true;
	keeper_see();
	doubt_success(&outcome);
	doubt_removal(&outcome);
	keeper_note_server(&outcome);
	keeper_end_turn();
	note_outcome(&outcome);
	ending = (struct ending){
		.operation = outcome.operation,
		.error = outcome.error.code,
		.is_cancelled = outcome.is_cancelled,
	};
	situation = keeper_situation();
	verdict = decide_after(&situation, &ending);
	apply(&verdict);
}
