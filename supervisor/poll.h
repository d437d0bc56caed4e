/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * poll.h - those who follow events: calls that wait, and subscriptions.
 *
 * Runs in: supervisor.
 * Invariant: a follower costs no memory beyond its client's output, which is
 *            bounded: it is fed from the journal as far as it reads.
 */
#ifndef SUPERVISOR_POLL_H
#define SUPERVISOR_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/err.h"

struct client;
struct poll;
struct supervisor;

TAILQ_HEAD(poll_list, poll);

/* Answers events(since) once there is one, or with none when the time is over.
 * 0, or -ENOSPC (ERR_TOO_MANY), -ENOMEM. */
int poll_new(struct client *client, uint64_t message_id, uint64_t since,
	uint64_t most, uint64_t timeout_ms, struct err *err);
/* At the turn's end. */
void poll_wake_all(struct supervisor *supervisor);
void poll_forget_client(struct client *client);

/* Answers events(since) now. */
void poll_answer(struct client *client, uint64_t message_id, uint64_t since,
	uint64_t most);
/* Whether it has subscribed, and not been told all. */
bool poll_is_behind(const struct client *client);
/* Tells a client that has subscribed what there is, as far as there is room for
 * room bytes more. */
void poll_feed(struct client *client, size_t room);

#endif
