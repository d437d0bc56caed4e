/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trial.c - tries new credentials beside the connection, which stays as it is.
 *
 * Runs in: worker; run_trial() in an operation child.
 * Invariant: see trial.h. The secrets of a trial are wiped when it ends.
 */
#include <errno.h>
#include <string.h>

#include "common/title.h"
#include "worker/iscsi_login.h"
#include "worker/trial.h"

/* One a process: the child finds it here after the fork. */
static struct {
	const struct backend *backend;
	struct backend_target target;
	struct iscsi_auth auth;
	bool is_keeping; /* no trial: nobody waits for a result */
	uint64_t number;
	/* One that came while credentials were being kept. */
	bool is_waiting;
	uint64_t next_number;
	uint64_t next_deadline_ms;
	struct backend_target next_target;
	struct operations *operations;
	bool has_result;
	struct tried_message result;
} trial;

static void
answer(uint64_t number, const struct err *err)
{
	trial.has_result = true;
	trial.result = (struct tried_message){
		.number = number,
		.error = err->code,
		.error_errno = (uint64_t)err->errnum,
	};
	memcpy(trial.result.error_text, err->text,
		sizeof(trial.result.error_text));
	trial.result.error_text[sizeof(trial.result.error_text) - 1] = '\0';
}

/* In the child. */
static int
run_trial(void *data, uint64_t deadline_us, struct err *err)
{
	title_set("holdfast-worker: %s %s (%s)", trial.backend->name,
		trial.target.source, operation_word(OPERATION_TRIAL));
	return trial.backend->try_credentials(&trial.target, deadline_us, err);
}

/* In the child. */
static int
run_keep(void *data, uint64_t deadline_us, struct err *err)
{
	return trial.backend->keep_credentials(&trial.target, err);
}

static int
begin(uint64_t number, struct operations *operations, uint64_t deadline_ms)
{
	struct operation_task task = {
		.run = run_trial, .keepfd = -1, .deadline_ms = deadline_ms};

	trial.is_keeping = false;
	trial.number = number;
	trial.target = trial.next_target;
	trial.target.auth = &trial.auth;
	return operation_start(operations, OPERATION_TRIAL, &task);
}

static void
refuse(const char *source, uint64_t number, int errnum)
{
	struct err err;

	explicit_bzero(&trial.auth, sizeof(trial.auth));
	(void)err_set(&err, ERR_INTERNAL, errnum,
		"%.100s: the credentials cannot be tried now: %s", source,
		strerror(errnum));
	answer(number, &err);
}

void
trial_refuse(uint64_t number, const char *source)
{
	struct err err;

	(void)err_set(&err, ERR_STUCK, EBUSY,
		"%.100s: an earlier trial does not end, though it was killed",
		source);
	answer(number, &err);
}

void
trial_begin(const struct trial_message *order, const struct backend *backend,
	const struct backend_target *target, struct operations *operations,
	uint64_t deadline_ms)
{
	bool is_idle =
		operations->slots[OPERATION_TRIAL].phase == OPERATION_IDLE;
	int result = 0;

	if (trial.is_waiting || (!is_idle && !trial.is_keeping)) {
		struct err err;

		(void)err_set(&err, ERR_INTERNAL, EBUSY,
			"%.100s: other credentials are being tried",
			target->source);
		answer(order->number, &err);
		return;
	}
	trial.backend = backend;
	trial.next_target = *target;
	iscsi_auth_copy(&trial.auth, order);
	/* What is being kept, and soon done, comes first. */
	trial.is_waiting = !is_idle;
	trial.next_number = order->number;
	trial.next_deadline_ms = deadline_ms;
	trial.operations = operations;
	if (is_idle)
		result = begin(order->number, operations, deadline_ms);
	if (result < 0)
		refuse(target->source, order->number, -result);
}

void
trial_keep(const struct backend *backend, const struct backend_target *target,
	struct operations *operations, uint64_t deadline_ms)
{
	struct operation_task task = {
		.run = run_keep, .keepfd = -1, .deadline_ms = deadline_ms};

	if (!backend->keep_credentials ||
		operations->slots[OPERATION_TRIAL].phase != OPERATION_IDLE)
		return;
	trial.is_keeping = true;
	trial.backend = backend;
	trial.target = *target;
	(void)operation_start(operations, OPERATION_TRIAL, &task);
}

static void
begin_waiting(void)
{
	int result = begin(
		trial.next_number, trial.operations, trial.next_deadline_ms);

	trial.is_waiting = false;
	if (result < 0)
		refuse(trial.target.source, trial.next_number, -result);
}

void
trial_end(const struct operation_outcome *outcome)
{
	if (!trial.is_keeping) {
		explicit_bzero(&trial.auth, sizeof(trial.auth));
		answer(trial.number, &outcome->error);
	}
	if (trial.is_waiting && !outcome->is_stuck)
		begin_waiting();
}

bool
trial_take_result(struct tried_message *ret_tried)
{
	if (!trial.has_result)
		return false;
	*ret_tried = trial.result;
	trial.has_result = false;
	return true;
}
