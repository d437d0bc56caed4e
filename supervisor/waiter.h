/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * waiter.h - requests that are answered once something has happened.
 *
 * Runs in: supervisor.
 * Invariant: a waiter is answered exactly once, or its client has left.
 */
#ifndef SUPERVISOR_WAITER_H
#define SUPERVISOR_WAITER_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct client;
struct supervisor;
struct target;

enum wait_for {
	WAIT_CONNECTED,
	WAIT_SETTLED,
	WAIT_GONE
};

/*
 * since_us: for WAIT_SETTLED, boot time from which on attempts count. Answers at
 * once when that can be done. 0, or -ENOMEM, -ENOSPC (too many).
 */
int waiter_new(struct client *client, uint64_t message_id,
	struct target *target, const char *cid, size_t cid_len,
	enum wait_for what, uint64_t since_us, uint64_t timeout_ms,
	struct err *err);
/* Something about the target has changed. */
void waiter_wake(struct target *target);
/* The claim has gone: what waits for its connection gets an error. */
void waiter_end_claim(struct target *target, const char *cid);
/* A claim takes the connection back: what waits for its end is told that its
 * own claim is gone, as a call from now on would be. */
void waiter_end_departed(struct target *target);
/* The target is about to be freed. */
void waiter_end_target(struct target *target);
void waiter_forget_client(struct supervisor *supervisor, struct client *client);

#endif
