/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * target_private.h - what target.c and target_life.c have of each other.
 *
 * Runs in: supervisor.
 */
#ifndef SUPERVISOR_TARGET_PRIVATE_H
#define SUPERVISOR_TARGET_PRIVATE_H

#include "supervisor/target.h"

/* The link's callbacks, the timer's. */
void target_life_init(struct target *target);
/* Tells the worker that its mount came or went. */
void target_look(struct target *target);
/* The one setter of target->status. */
void target_set_status(
	struct target *target, const struct status_message *next);
/* The supervisor's own word on a target that has no worker to speak for it. */
void target_set_error(
	struct target *target, enum target_state state, const struct err *err);

#endif
