/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keeper_operation.c - keeper: starts an operation, and runs it in its child.
 *
 * Runs in: worker; run_operation() in its children.
 * Trusts: the backend to keep an instant probe instant.
 * Invariant: each that is started is settled once: here, if it has ended at
 *            once, else by on_outcome() of keeper.c.
 */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/title.h"
#include "worker/condition.h"
#include "worker/keeper_private.h"
#include "worker/origin.h"

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
		/* What is not ours stays; only what we left behind goes. */
		if (keeper_is_left_alone())
			keeper.target.session = 0;
		return (keeper.is_forcing ? backend->force
					  : backend->disconnect)(
			&keeper.target, deadline_us, err);
	case OPERATION_TRIAL: /* see trial.c */
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
	keeper_settle(&outcome);
}

bool
keeper_start(enum operation kind)
{
	struct operation_task task = {
		.run = run_operation,
		.data = &kind,
		.keepfd = keeper.target.point.dirfd,
		.deadline_ms = deadline_ms(kind),
	};
	struct operation_outcome outcome = {.operation = kind};
	int result;

	keeper.retry_unix_us = 0;
	keeper.object_before = keeper.object_id;
	keeper.is_forcing =
		kind == OPERATION_DISCONNECT && keeper_is_force_due();
	if (kind == OPERATION_PROBE && keeper.backend->has_instant_probe) {
		probe_inline();
		return true;
	}
	if (kind == OPERATION_CONNECT) {
		keeper.is_tidy = false;
		condition_note_attempt(&keeper.status);
		keeper.attempt_began_us = clock_boot_us();
		keeper.origin_before = origin_begin(&keeper.status);
	}
	/* It was so when it was said, and is to be said again. */
	keeper.is_cleared = false;
	result = operation_start(&keeper.operations, kind, &task);
	if (result == 0)
		return false;
	(void)err_set(&outcome.error, ERR_INTERNAL, -result,
		"%.100s: no process for %s: %s", keeper.source,
		operation_word(kind), strerror(-result));
	keeper_settle(&outcome);
	return true;
}
