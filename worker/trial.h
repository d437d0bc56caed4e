/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trial.h - tries new credentials beside the connection, which stays as it is.
 *
 * Runs in: worker; the trial itself in an operation child.
 * Invariant: one trial at a time. One that comes while another is under way is
 *            answered at once: it is refused.
 */
#ifndef WORKER_TRIAL_H
#define WORKER_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"
#include "worker/backend.h"
#include "worker/operation.h"

/* target is copied; what it points to must stay. */
void trial_begin(const struct trial_message *order,
	const struct backend *backend, const struct backend_target *target,
	struct operations *operations, uint64_t deadline_ms);
/* There is one of an earlier worker that does not end. */
void trial_refuse(uint64_t number, const char *source);
/* Has target->auth written to where logins take it from, beside all else, when
 * no trial is under way: the next login writes it in any case. */
void trial_keep(const struct backend *backend,
	const struct backend_target *target, struct operations *operations,
	uint64_t deadline_ms);
/* The operation of that kind has ended. */
void trial_end(const struct operation_outcome *outcome);
/* True once for each trial: what came of it. */
bool trial_take_result(struct tried_message *ret_tried);

#endif
