/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * client.h - what the commands share: options, connection, output.
 *
 * Runs in: command.
 * Invariant: with --json, standard output is exactly one JSON object, whatever
 *            happens; of `events` one a line. Standard error is for people.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdbool.h>

#include "client/exit_code.h"
#include "client/lib/failure.h"
#include "client/lib/rpc.h"
#include "client/options.h"

enum {
	CALL_TIMEOUT_MS = 30000,
	/* How much later than the daemon the command gives up a wait. */
	WAIT_GRACE_MS = 5000,
};

struct client {
	struct options options;
	struct rpc rpc;
	bool is_json_open;
};

/* Each command: its exit code. Failures have been reported by then. */
#define COMMAND(name, least, most, usage, meaning)                             \
	int run_##name(struct client *client);
#include "client/command.def"
#undef COMMAND

/* Calls a method; params holds one array. 0, or -1 with failure. */
int client_call(struct client *client, const char *method,
	const struct wire_writer *params, struct rpc_reply *ret_reply,
	struct failure *failure);
/* method(cid) */
int client_call_cid(struct client *client, const char *method, const char *cid,
	struct rpc_reply *ret_reply, struct failure *failure);
/* wait(cid, {for, timeout_ms}): its two halves, see rpc_send(). */
int client_send_wait(struct client *client, const char *cid,
	const char *wait_for, int64_t timeout_ms, uint32_t *ret_id,
	struct failure *failure);
int client_receive_wait(struct client *client, uint32_t id, int64_t timeout_ms,
	struct rpc_reply *ret_reply, struct failure *failure);

/* Tells a failure; subject (a CID) may be NULL. Returns its exit code. */
int report_failure(struct client *client, const char *subject,
	const struct failure *failure);
/* A member of the object that --json prints; nothing without --json. */
void report_member(
	struct client *client, const char *name, const msgpack_object *object);
/* Members that commands write themselves go to stdout after this. */
void report_member_begin(struct client *client, const char *name);
void report_failure_json(const struct failure *failure);
/* Closes the object and flushes: exit_code, or 1 when that fails. */
int report_end(struct client *client, int exit_code);

/* wait.c: tells about the entry a wait ended with: 0, or 8 if unhealthy. */
int wait_report(
	struct client *client, const char *cid, const msgpack_object *entry);

#endif
