/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keeper_bench.h - a keeper on the bench: operations, clock and storage are the
 * test's.
 *
 * Runs in: the tests that include this. Operations are begun here, and end when
 *          the test says so.
 */
#ifndef TESTS_KEEPER_BENCH_H
#define TESTS_KEEPER_BENCH_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/guard.h"
#include "worker/keeper.h"
#include "worker/operation.h"

#define ISCSI_URI "iscsi://192.0.2.7/iqn.2024-01.com.example:db"
#define NFS_URI	  "nfs://nas1/vms"

#define UNIX_AHEAD_US (UINT64_C(1700000000) * US_PER_SEC)

enum {
	FORCE_AFTER_S = 600
};

static uint64_t now_us;
static struct loop *loop;
static struct operations *operations;
static struct object there;	     /* what the kernel shows */
static enum err_code probe_error;    /* what a probe finds */
static int started[OPERATION_COUNT]; /* how often */
static int cancelled[OPERATION_COUNT];
static unsigned stuck_now; /* 1u << each */
static uint64_t force_after_s;
/* What was begun last. */
static enum operation started_kind;
static int (*run_in_child)(void *data, uint64_t deadline_us, struct err *err);

uint64_t
clock_boot_us(void)
{
	return now_us;
}

uint64_t
clock_unix_us(void)
{
	return now_us + UNIX_AHEAD_US;
}

/* In place of operation.c. */

void
operations_init(struct operations *fresh, struct loop *its_loop)
{
	operations = fresh;
}

int
operation_start(struct operations *ignored, enum operation kind,
	const struct operation_task *task)
{
	started[kind]++;
	started_kind = kind;
	run_in_child = task->run;
	operations->slots[kind].phase = OPERATION_RUNNING;
	return 0;
}

void
operation_cancel(struct operations *ignored, enum operation kind)
{
	cancelled[kind]++;
}

enum operation
operations_running(const struct operations *ignored)
{
	for (unsigned kind = 0; kind < OPERATION_COUNT; kind++)
		if (kind != OPERATION_TRIAL &&
			operations->slots[kind].phase == OPERATION_RUNNING)
			return (enum operation)kind;
	return OPERATION_NONE;
}

unsigned
operations_stuck(const struct operations *ignored)
{
	return stuck_now;
}

void
operations_kill_all(struct operations *ignored)
{
}

/* The kind of storage. */

static int
aim(struct backend_target *target, struct err *err)
{
	return 0;
}

static int
look(const struct backend_target *target, struct object *ret_object)
{
	*ret_object = there;
	return 0;
}

static int
probe(const struct backend_target *target, struct err *err)
{
	return probe_error ? err_set(err, probe_error, EIO, "no") : 0;
}

/* What the test does. */

static struct target_message
order_for(uint64_t session, enum origin origin)
{
	struct target_message order = {
		.probe_interval_ms = 10000,
		.probe_deadline_ms = 5000,
		.connect_deadline_ms = 30000,
		.mount_deadline_ms = 10000,
		.force_after_ms = force_after_s * 1000,
		.disconnect_deadline_ms = 30000,
		.retry_min_ms = 500,
		.retry_max_ms = 30000,
		.blocked_ms = 300000,
		.session = session,
		.origin = origin,
	};

	return order;
}

static void
begin(const struct backend *backend, uint64_t session, enum origin origin)
{
	struct target_message order = order_for(session, origin);
	struct err err = {0};

	(void)strcpy(
		order.uri, backend->scheme == URI_NFS ? NFS_URI : ISCSI_URI);

	assert_int_equal(keeper_init(backend, loop), 0);
	if (keeper_aim(&order, &err) < 0)
		fail_msg("%s", err.text);
}

static int
set_up(void **state)
{
	now_us = 1000 * US_PER_SEC;
	there = (struct object){0};
	probe_error = ERR_NONE;
	memset(started, 0, sizeof(started));
	memset(cancelled, 0, sizeof(cancelled));
	stuck_now = 0;
	force_after_s = FORCE_AFTER_S;
	return loop_new(&loop);
}

static int
tear_down(void **state)
{
	loop_free(loop);
	return 0;
}

static void
end_with(struct operation_outcome *outcome, enum err_code error)
{
	if (error != ERR_NONE)
		(void)err_set(&outcome->error, error, EIO, "it failed");
	operations->slots[outcome->operation].phase = OPERATION_IDLE;
	operations->on_outcome(operations, outcome);
}

static inline void
end_as(enum operation kind, enum err_code error, uint32_t value,
	bool is_overdue)
{
	struct operation_outcome outcome = {
		.operation = kind, .value = value, .is_overdue = is_overdue};

	end_with(&outcome, error);
}

/* Killed in that step. */
static inline void
end_in(enum operation kind, enum operation_step step)
{
	struct operation_outcome outcome = {
		.operation = kind, .is_overdue = true, .step = step};

	end_with(&outcome, ERR_TIMED_OUT);
}

static void
end(enum operation kind, enum err_code error, uint32_t value)
{
	struct operation_outcome outcome = {.operation = kind, .value = value};

	end_with(&outcome, error);
}

/* What the child of the one begun last would do. */
static inline void
run_started(void)
{
	struct err err = {0};

	(void)run_in_child(&started_kind, 0, &err);
}

static void
pass(uint64_t seconds)
{
	now_us += seconds * US_PER_SEC;
	keeper_look();
}

#endif
