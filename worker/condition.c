/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * condition.c - what is said of the target: the status message's bookkeeping.
 *
 * Runs in: worker.
 * Invariant: see condition.h.
 */
#include <assert.h>
#include <string.h>

#include "common/clock.h"
#include "worker/condition.h"

void
condition_set_state(struct status_message *status, enum target_state state)
{
	assert(target_may_become(status->state, state));
	status->state = state;
	status->next_retry_us = 0;
}

void
condition_note_error(
	struct status_message *status, const struct err *err, uint64_t attempt)
{
	if (status->error == err->code && status->error_attempt == attempt &&
		strcmp(status->error_text, err->text) == 0)
		return;
	status->error = err->code;
	status->error_errno = (uint64_t)err->errnum;
	status->error_attempt = attempt;
	status->error_at_us = clock_unix_us();
	memcpy(status->error_text, err->text, sizeof(status->error_text));
	status->error_text[sizeof(status->error_text) - 1] = '\0';
}

void
condition_clear_error(struct status_message *status)
{
	status->error = ERR_NONE;
	status->error_errno = 0;
	status->error_attempt = 0;
	status->error_at_us = 0;
	status->error_text[0] = '\0';
}

void
condition_note_attempt(struct status_message *status)
{
	status->attempt++;
	status->attempt_at_us = clock_unix_us();
}

void
condition_note_success(struct status_message *status, uint64_t latency_us)
{
	status->probe_at_us = clock_unix_us();
	status->probe_latency_us = latency_us;
	condition_clear_error(status);
}

static uint64_t
stuck_pid(const struct operations *operations, enum operation kind)
{
	const struct operation_slot *slot = &operations->slots[kind];

	return slot->phase == OPERATION_STUCK ? (uint64_t)slot->pid : 0;
}

void
condition_note_operations(
	struct status_message *status, const struct operations *operations)
{
	enum operation running = operations_running(operations);

	/* Else each of them would wake the supervisor twice. */
	if (running == OPERATION_PROBE && status->state == TARGET_CONNECTED)
		running = OPERATION_NONE;
	status->operation = running;
	status->operation_pid =
		running == OPERATION_NONE
			? 0
			: (uint64_t)operations->slots[running].pid;
	status->stuck_connect = stuck_pid(operations, OPERATION_CONNECT);
	status->stuck_probe = stuck_pid(operations, OPERATION_PROBE);
	status->stuck_detach = stuck_pid(operations, OPERATION_DETACH);
	status->stuck_disconnect = stuck_pid(operations, OPERATION_DISCONNECT);
	status->stuck_trial = stuck_pid(operations, OPERATION_TRIAL);
}

bool
condition_is_up(const struct status_message *status)
{
	return status->state == TARGET_CONNECTED ||
	       status->state == TARGET_UNRESPONSIVE;
}
