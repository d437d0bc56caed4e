/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * server.h - servers: what their connections fail by, and come back by.
 *
 * Runs in: supervisor.
 * Trusts: nobody: a name is text of a URI; no name is looked up, so that two
 *         names of one machine are two servers.
 * Invariant: while several operations to a server are stuck its connections are
 *            held: none begins anything, but one of them at a time, by turns.
 *            When it is back they are let go one by one, each at a time of its
 *            own. No connection of another server notices either.
 */
#ifndef SUPERVISOR_SERVER_H
#define SUPERVISOR_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>

#include "common/loop.h"
#include "proto/message.h"

struct supervisor;
struct target;
struct uri;

TAILQ_HEAD(server_targets, target);

struct server {
	UT_hash_handle hh;
	struct supervisor *supervisor;
	char *name;
	struct server_targets targets; /* whose turn was last comes last */
	size_t target_count;
	bool is_held;
	uint64_t held_since_us; /* Unix time */
	size_t stuck;		/* operations, by the ledger */
	size_t tolerated; /* so many were when it last answered all the same */
	struct target *turn_of; /* whose turn it is, or NULL */
	uint64_t turn_until_us; /* boot time */
	struct loop_timer next_turn;
	uint64_t no_wave_before_us; /* boot time */
};

/* "nfs nas1:2049", to be freed; "" for what needs none; NULL without memory. */
char *server_name(const struct uri *uri);
/* The same of a canonical URI. */
char *server_name_of(const char *uri);

/* A new target joins its server, if it has one. 0 or -ENOMEM. */
int server_join(struct target *target, const struct uri *uri);
/* Before it is freed. */
void server_leave(struct target *target);

/* What is stuck there has changed. */
void server_look(struct supervisor *supervisor, const char *name);
/* The worker has reported; before: what was known until then. */
void server_note_report(
	struct target *target, const struct status_message *before);
/* The worker has ended: its turn is over. */
void server_note_exit(struct target *target);

/* Why it may begin nothing. */
enum hold server_hold(const struct target *target);
/* Holds all connections of the host, or lets them go. */
void server_pause_all(struct supervisor *supervisor);
void server_resume_all(struct supervisor *supervisor);

#endif
