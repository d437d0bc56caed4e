/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * client.h - clients of the API socket: their bytes in, their answers out.
 *
 * Runs in: supervisor.
 * Trusts: nobody. Who the peer is says the kernel (SO_PEERCRED).
 * Invariant: a client is freed at the end of a turn alone; one that breaks the
 *            protocol, stalls in a message, or does not read, is closed, and
 *            no other notices.
 */
#ifndef SUPERVISOR_CLIENT_H
#define SUPERVISOR_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "common/loop.h"
#include "proto/wire.h"
#include "supervisor/batch.h"

struct supervisor;
struct target;

struct client {
	TAILQ_ENTRY(client) entry;
	struct supervisor *supervisor;
	struct loop_source source;
	struct loop_timer deadline; /* for the rest of a message, or reading */
	uid_t uid;
	struct wire_scan scan;
	uint8_t *in;
	size_t in_len;
	struct wire_writer out;
	size_t out_sent;
	bool is_held;	 /* what is in `in` is to be handled */
	bool is_waiting; /* held until the open batch is committed */
	bool has_ended;	 /* sends no more, but may still read answers */
	bool has_left;	 /* reads no more: what it has sent in whole counts */
	bool is_closing;
	size_t waiter_count;
	size_t poll_count;
	bool is_starved;    /* an answer to a poll waits for room */
	bool is_subscribed; /* to events: is told those after `told` */
	uint64_t told;
	/* A call of manage waits for its credentials; what came after it waits
	 * too, since it may be about that claim. */
	bool is_claiming;
};

TAILQ_HEAD(client_list, client);

/* Whether one more of its requests may wait; else ERR_TOO_MANY. */
int client_check_waiting(const struct client *client, struct err *err);
/* Whether so little is unsent that it may be answered more. */
bool client_has_room(const struct client *client);
/* Accepts those that wait on the listener, some in a turn; none for a while once
 * there is no place or no descriptor left. */
void client_accept(struct supervisor *supervisor);
/* That while is over, or a place has become free. */
void client_accept_again(struct supervisor *supervisor);
/* What is handled from now on is one turn's. */
void client_begin_turn(struct supervisor *supervisor);
/* Handles the requests that are there, of each client some, while the turn's time
 * lasts: those that come off worst are the first in the next one. */
void client_handle_all(struct supervisor *supervisor);
/* Sends answers, and frees clients that are done with. */
void client_flush_all(struct supervisor *supervisor);
void client_close_all(struct supervisor *supervisor);

/* The call of manage that others wait behind begins, or has been answered. */
void client_begin_claiming(struct client *client);
void client_end_claiming(struct client *client);

/* Answers to what batch.c has committed; nothing for a client that left. */
void client_answer_manage(
	const struct asker *asker, const struct target *target, bool created);
void client_answer_unmanage(const struct asker *asker, bool is_last);
void client_answer_error(const struct asker *asker, const struct err *err);

#endif
