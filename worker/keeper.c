/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keeper.c - keeps one target up, or takes it down: the worker's main part.
 *
 * Runs in: worker; run_operation() in its children.
 * Trusts: the URI of an order only after it was parsed again.
 * Invariant: what to do is decided in decide.c, what is said of it is kept by
 *            condition.c; here it is done. Every event ends in act().
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "common/title.h"
#include "worker/backoff.h"
#include "worker/condition.h"
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
	struct status_message status;
	unsigned failures;     /* attempts in a row */
	unsigned linger_tries; /* unmounts in a row */
	uint64_t due_us;       /* CLOCK_BOOTTIME; 0: at once */
	uint64_t random;
};

static const char vanished_text[] = "%.100s: somebody else unmounted it";

/* One a process: children find it here after the fork. */
static struct keeper keeper;

/* A schedule belongs to a state. */
static void
set_state(enum target_state state)
{
	if (keeper.status.state == state)
		return;
	condition_set_state(&keeper.status, state);
	keeper.due_us = 0;
}

static void
note_vanished(void)
{
	struct err err;

	(void)err_set(
		&err, ERR_VANISHED, ENOTCONN, vanished_text, keeper.source);
	condition_note_error(&keeper.status, &err, 0);
}

/* What cannot be seen is taken to be as it was. */
static void
look(void)
{
	bool is_mounted = keeper.status.is_mounted;
	bool was_mounted = is_mounted;

	(void)mount_look(&keeper.target.point, &is_mounted);
	keeper.status.is_mounted = is_mounted;
	if (was_mounted && !is_mounted && condition_is_up(&keeper.status) &&
		keeper.status.wanted == WANTED_UP)
		note_vanished();
}

static void
apply(const struct verdict *verdict)
{
	uint32_t random = backoff_random(&keeper.random);
	unsigned tries = keeper.failures;
	uint64_t after_us;

	set_state(verdict->state);
	if (verdict->pace == PACE_LINGER)
		tries = ++keeper.linger_tries;
	after_us = pace_delay_us(verdict->pace, &keeper.limits, tries, random);
	keeper.due_us = after_us ? clock_boot_us() + after_us : 0;
	keeper.status.next_retry_us = 0;
	if (pace_is_retry(verdict->pace))
		keeper.status.next_retry_us = clock_unix_us() + after_us;
}

static struct situation
situation_now(void)
{
	return (struct situation){
		.wanted = keeper.status.wanted,
		.state = keeper.status.state,
		.is_mounted = keeper.status.is_mounted,
		.running = operations_running(&keeper.operations),
		.stuck = operations_stuck(&keeper.operations),
		.is_due = keeper.due_us <= clock_boot_us(),
	};
}

static void
note_failure(const struct operation_outcome *outcome)
{
	bool is_attempt = outcome->operation == OPERATION_CONNECT;

	if (is_attempt) {
		keeper.status.failed_attempt = keeper.status.attempt;
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
	case OPERATION_NONE:
	case OPERATION_COUNT:
		break;
	}
	return false;
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

/* Connected, and unmounted by somebody before we looked: it has failed. */
static void
doubt_success(struct operation_outcome *outcome)
{
	bool is_asking = outcome->operation == OPERATION_CONNECT ||
			 outcome->operation == OPERATION_PROBE;

	if (is_asking && outcome->error.code == ERR_NONE &&
		!outcome->is_cancelled && !keeper.status.is_mounted)
		(void)err_set(&outcome->error, ERR_VANISHED, ENOTCONN,
			vanished_text, keeper.source);
}

/* An operation has ended: what that means, not yet what comes next. */
static void
settle(const struct operation_outcome *told)
{
	struct operation_outcome outcome = *told;
	struct situation situation;
	struct verdict verdict;
	struct ending ending;

	look();
	doubt_success(&outcome);
	note_outcome(&outcome);
	ending = (struct ending){
		.operation = outcome.operation,
		.error = outcome.error.code,
		.is_cancelled = outcome.is_cancelled,
	};
	situation = situation_now();
	verdict = decide_after(&situation, &ending);
	apply(&verdict);
}

/* In the child. */
static int
run_operation(void *data, uint64_t deadline_us, struct err *err)
{
	enum operation kind = *(const enum operation *)data;
	const struct backend *backend = keeper.backend;

	title_set("holdfast-worker: %s %s (%s)", backend->name, keeper.source,
		operation_word(kind));
	switch (kind) {
	case OPERATION_CONNECT:
		return backend->connect(&keeper.target, deadline_us, err);
	case OPERATION_PROBE:
		return backend->probe(&keeper.target, err);
	case OPERATION_DETACH:
		return backend->detach(&keeper.target, err);
	case OPERATION_DISCONNECT:
		return backend->disconnect(&keeper.target, err);
	case OPERATION_NONE:
	case OPERATION_COUNT:
		break;
	}
	return err_set(err, ERR_INTERNAL, EINVAL, "no such operation");
}

static uint64_t
deadline_ms(enum operation kind)
{
	if (kind == OPERATION_CONNECT)
		return keeper.limits.connect_deadline_ms;
	if (kind == OPERATION_PROBE)
		return keeper.limits.probe_deadline_ms;
	return keeper.limits.disconnect_deadline_ms;
}

static void
probe_inline(void)
{
	struct operation_outcome outcome = {.operation = OPERATION_PROBE};
	uint64_t began_us = clock_boot_us();

	(void)keeper.backend->probe(&keeper.target, &outcome.error);
	outcome.latency_us = clock_boot_us() - began_us;
	settle(&outcome);
}

/* Whether it has ended already. */
static bool
start(enum operation kind)
{
	struct operation_task task = {
		.run = run_operation,
		.data = &kind,
		.keepfd = keeper.target.point.dirfd,
		.deadline_ms = deadline_ms(kind),
	};
	struct operation_outcome outcome = {.operation = kind};
	int result;

	keeper.status.next_retry_us = 0;
	if (kind == OPERATION_PROBE && keeper.backend->has_instant_probe) {
		probe_inline();
		return true;
	}
	if (kind == OPERATION_CONNECT)
		condition_note_attempt(&keeper.status);
	result = operation_start(&keeper.operations, kind, &task);
	if (result == 0)
		return false;
	(void)err_set(&outcome.error, ERR_INTERNAL, -result,
		"%.100s: no process for %s: %s", keeper.source,
		operation_word(kind), strerror(-result));
	settle(&outcome);
	return true;
}

static void
note_stuck(void)
{
	struct err err;

	(void)err_set(&err, ERR_STUCK, ETIMEDOUT,
		"%.100s: process %u (%s) does not end, though it was killed",
		keeper.source, (unsigned)keeper.status.stuck_pid,
		operation_word(keeper.status.stuck_operation));
	condition_note_error(&keeper.status, &err, 0);
}

static void
enter(enum target_state state)
{
	if (keeper.status.state == state)
		return;
	set_state(state);
	if (state == TARGET_STUCK) {
		condition_note_operations(&keeper.status, &keeper.operations);
		note_stuck();
	}
	/* Nothing is left to be wrong. */
	if (state == TARGET_REGISTERED) {
		keeper.failures = 0;
		condition_clear_error(&keeper.status);
	}
	if (state != TARGET_LINGERING)
		keeper.linger_tries = 0;
}

/* Wakes up when something is due; else now and then, to look. */
static void
schedule(void)
{
	uint64_t now_us = clock_boot_us();
	int result;

	if (keeper.due_us <= now_us)
		keeper.due_us =
			now_us + keeper.limits.probe_interval_ms * US_PER_MS;
	result = loop_arm(keeper.loop, &keeper.timer, keeper.due_us);
	assert(result == 0); /* its place in the heap was taken at the start */
}

static void
act(void)
{
	bool is_settled = true;

	if (!keeper.has_wish)
		return;
	while (is_settled) {
		struct situation situation = situation_now();
		struct decision decision = decide(&situation);

		enter(decision.state);
		if (decision.is_kill)
			operation_cancel(&keeper.operations, situation.running);
		is_settled = decision.start != OPERATION_NONE &&
			     start(decision.start);
	}
	schedule();
}

static void
on_due(struct loop_timer *timer)
{
	look();
	act();
}

static void
on_outcome(
	struct operations *operations, const struct operation_outcome *outcome)
{
	settle(outcome);
	act();
}

static void
on_freed(struct operations *operations, enum operation kind)
{
	keeper.due_us = 0;
	look();
	act();
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
	result = mount_point_open(
		&keeper.target.point, "/target", keeper.uri.mount_name, err);
	if (result < 0)
		return result;
	keeper.limits = *order;
	keeper.target.uri = &keeper.uri;
	keeper.target.source = keeper.source;
	keeper.operations.subject = keeper.source;
	keeper.status.attempt = order->attempt;
	keeper.has_target = true;
	title_set(
		"holdfast-worker: %s %s", keeper.backend->name, keeper.source);
	look();
	return 0;
}

void
keeper_want(enum wanted wanted)
{
	keeper.has_wish = true;
	if (keeper.status.wanted != wanted)
		keeper.due_us = 0;
	keeper.status.wanted = wanted;
	look();
	act();
}

void
keeper_retry(void)
{
	keeper.due_us = 0;
	look();
	act();
}

void
keeper_look(void)
{
	look();
	act();
}

const struct status_message *
keeper_status(void)
{
	if (!keeper.has_target)
		return NULL;
	condition_note_operations(&keeper.status, &keeper.operations);
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

	keeper.backend = backend;
	keeper.loop = loop;
	keeper.timer.on_due = on_due;
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
