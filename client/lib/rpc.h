/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rpc.h - one call at a time to the daemon: msgpack-RPC, blocking.
 *
 * Runs in: command, and whoever links libholdfast.
 * Trusts: nobody: a reply is scanned, unpacked and checked for its shape.
 * Invariant: no call takes longer than its deadline. After a failure that is not
 *            the daemon's answer there is no connection; the next call makes a
 *            new one. No request stays in memory that was freed.
 */
#ifndef CLIENT_LIB_RPC_H
#define CLIENT_LIB_RPC_H

#include <stdint.h>

#include "client/lib/stream.h"

/* Must not be copied or moved: see struct stream_message. */
struct rpc_reply {
	struct stream_message message;
	const msgpack_object *result; /* points into message */
};

struct rpc {
	struct stream stream;
	/* Is told each notification, which stays rpc's; NULL: none is wanted. */
	void (*on_note)(void *data, struct stream_message *note);
	void *data;
	uint32_t last_id;
	unsigned owed; /* requests without an answer */
};

/* The path is not copied. Nothing is connected yet. */
void rpc_init(struct rpc *rpc, const char *path);
/* Closes the connection; a call makes a new one. */
void rpc_done(struct rpc *rpc);

/* Connects, unless that is done. 0 or -1. */
int rpc_connect(struct rpc *rpc, int64_t timeout_ms, struct failure *failure);

/*
 * Calls a method, connecting first when need be; params holds one msgpack
 * array. 0, and ret_reply is the caller's to release; or -1: the
 * daemon's error, no daemon, no answer within timeout_ms, no proper answer.
 */
int rpc_call(struct rpc *rpc, const char *method,
	const struct wire_writer *params, int64_t timeout_ms,
	struct rpc_reply *ret_reply, struct failure *failure);
void rpc_reply_done(struct rpc_reply *reply);

/*
 * The two halves of rpc_call(), to send one request after another before the
 * answer to the first is there. For requests alone that the daemon answers in
 * their order, such as wait after manage: any other answer is refused. When
 * the connection was lost meanwhile the answer is at once that it was.
 */
int rpc_send(struct rpc *rpc, const char *method,
	const struct wire_writer *params, int64_t timeout_ms, uint32_t *ret_id,
	struct failure *failure);
int rpc_receive(struct rpc *rpc, uint32_t id, int64_t timeout_ms,
	struct rpc_reply *ret_reply, struct failure *failure);

/*
 * On a connection: has on_note() told what came, and waits for a notification
 * when none has; 0 looks once. 0 with their number, which may be none, or -1.
 */
int rpc_read_notes(struct rpc *rpc, int64_t timeout_ms, unsigned *ret_count,
	struct failure *failure);

#endif
