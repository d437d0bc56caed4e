/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * target_private.h - what the files of struct target have of each other.
 *
 * Runs in: supervisor.
 */
#ifndef SUPERVISOR_TARGET_PRIVATE_H
#define SUPERVISOR_TARGET_PRIVATE_H

#include "supervisor/target.h"

/* The link's callbacks, the timer's. */
void target_life_init(struct target *target);
/* The link's other callbacks, the other timer's: target_talk.c. */
void target_talk_init(struct target *target);
/* What the claims ask for. */
enum wanted target_wanted(const struct target *target);
/* It is held: it may begin one operation. */
void target_give_turn(struct target *target);
/* A worker has just been started: tells it what it is for. */
void target_begin_orders(struct target *target);
/* Tells the worker what it has not been told. At the turn's end alone: what is
 * wanted is on disk then. */
void target_give_orders(struct target *target);
/* The worker owes us something, and is killed if that does not come. */
void target_lose_patience(struct target *target);
/* Tells the worker that its mount or session came or went, or a disk. */
void target_look(struct target *target);
/* The one setter of target->status. */
void target_set_status(
	struct target *target, const struct status_message *next);
/* Where the worker's report has another session, or another maker of it: on
 * file, and back from there. */
void target_session_note(
	struct target *target, const struct status_message *next);
void target_session_load(struct target *target);
void target_session_remove(const struct target *target);
/* The worker has reported: has the table of sessions read where it is behind,
 * before anybody is told that the session is there. */
void target_session_compare(struct target *target);
/* Tells the worker what to log in with. */
void target_give_credential(struct target *target);
/* A report says that the credentials were not taken. */
void target_doubt_credential(struct target *target);
/* Of a worker that is gone: they are the ledger's now. */
void target_forget_processes(struct target *target);
/* The supervisor's own word on a target that has no worker to speak for it. */
void target_set_error(
	struct target *target, enum target_state state, const struct err *err);

#endif
