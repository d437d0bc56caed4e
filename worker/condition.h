/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * condition.h - what is said of the target: the status message's bookkeeping.
 *
 * Runs in: worker.
 * Invariant: the state is set here alone, and only along target_may_become().
 *            Times are those of the wall clock, to be shown.
 */
#ifndef WORKER_CONDITION_H
#define WORKER_CONDITION_H

#include <stdbool.h>

#include "proto/message.h"
#include "worker/operation.h"

/* Must not be the state that it has. */
void condition_set_state(
	struct status_message *status, enum target_state state);
/* An error that stands already, and is only met again, keeps its time. attempt
 * is 0 for one that belongs to none. */
void condition_note_error(
	struct status_message *status, const struct err *err, uint64_t attempt);
void condition_clear_error(struct status_message *status);
void condition_note_attempt(struct status_message *status);
/* A probe, or an attempt, which ends in one: no error stands any more. */
void condition_note_success(struct status_message *status, uint64_t latency_us);
/* What runs, and what is stuck. The usual probe of a connection that is well is
 * not worth a word. */
void condition_note_operations(
	struct status_message *status, const struct operations *operations);
/* Whether it was up, as far as anybody knew: that it is gone is news. */
bool condition_is_up(const struct status_message *status);

#endif
