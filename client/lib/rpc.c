/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rpc.c - one call at a time to the daemon: msgpack-RPC, blocking.
 *
 * Runs in: command, and whoever links libholdfast.
 * Trusts: nobody: a reply is scanned, unpacked and checked for its shape.
 * Invariant: see rpc.h.
 */
#include <poll.h>

#include "client/lib/rpc.h"
#include "common/clock.h"
#include "common/guard.h"

enum {
	MESSAGE_RESPONSE = 1, /* msgpack-RPC's types */
	MESSAGE_NOTIFICATION = 2,
};

void
rpc_init(struct rpc *rpc, const char *path)
{
	*rpc = (struct rpc){0};
	stream_init(&rpc->stream, path);
}

void
rpc_done(struct rpc *rpc)
{
	stream_close(&rpc->stream);
	rpc->owed = 0;
}

void
rpc_reply_done(struct rpc_reply *reply)
{
	stream_message_done(&reply->message);
}

static bool
is_notification(const msgpack_object *root)
{
	uint32_t count;
	uint64_t type;

	return wire_is_array(root, &count) && count == 3 &&
	       wire_get_uint(wire_at(root, 0), &type) &&
	       type == MESSAGE_NOTIFICATION;
}

/* Whether it is a response of the right shape, to our request. */
static int
check_response(
	uint32_t expected, const msgpack_object *root, struct failure *failure)
{
	const char *text;
	uint64_t type, id;
	uint32_t count;
	size_t len;

	if (!wire_is_array(root, &count) || count != 4 ||
		!wire_get_uint(wire_at(root, 0), &type) ||
		type != MESSAGE_RESPONSE ||
		!wire_get_uint(wire_at(root, 1), &id))
		return failure_set(failure, ERR_BAD_MESSAGE,
			"the daemon's answer is malformed: no response");
	if (id != expected)
		return failure_set(failure, ERR_BAD_MESSAGE,
			"the daemon's answer is malformed: it is to another "
			"request");
	if (!wire_is_nil(wire_at(root, 2)) &&
		!wire_get_bytes(wire_at(root, 2), &text, &len))
		return failure_set(failure, ERR_BAD_MESSAGE,
			"the daemon's answer is malformed: its error is no "
			"string");
	return 0;
}

/* Its result is found, or its error told. */
static int
read_response(struct rpc_reply *reply, struct failure *failure)
{
	const msgpack_object *root = reply->message.wire.root;
	const char *text;
	size_t len;

	if (!wire_get_bytes(wire_at(root, 2), &text, &len)) {
		reply->result = wire_at(root, 3);
		return 0;
	}
	(void)failure_from_server(failure, text, len);
	rpc_reply_done(reply);
	return -1;
}

static void
tell_note(struct rpc *rpc, struct stream_message *note)
{
	if (rpc->on_note)
		rpc->on_note(rpc->data, note);
	stream_message_done(note);
}

/* Tells what lies in the buffer, where only notifications may. */
static int
tell_notes(struct rpc *rpc, unsigned *count, struct failure *failure)
{
	struct stream_message note = {0};
	int got;

	while ((got = stream_next(&rpc->stream, &note, failure)) > 0) {
		if (!is_notification(note.wire.root)) {
			stream_message_done(&note);
			return failure_set(failure, ERR_BAD_MESSAGE,
				"the daemon's message is malformed: it answers "
				"no request");
		}
		tell_note(rpc, &note);
		(*count)++;
	}
	return got < 0 ? -1 : 0;
}

/*
 * A poll of the descriptor does not tell what lies in the buffer already. The
 * answer is good whatever stands after it.
 */
static void
tell_notes_after(struct rpc *rpc)
{
	struct failure ignored;
	unsigned count = 0;

	if (rpc->on_note && rpc->owed == 0 && tell_notes(rpc, &count, &ignored))
		rpc_done(rpc);
}

/* The response itself may be an error: then there is a connection still. */
static int
await_response(struct rpc *rpc, uint32_t id, const struct deadline *deadline,
	struct stream_message *ret_message, struct failure *failure)
{
	for (;;) {
		int result = stream_receive(
			&rpc->stream, deadline, ret_message, failure);

		if (result)
			return result;
		if (!is_notification(ret_message->wire.root))
			break;
		tell_note(rpc, ret_message);
	}
	if (check_response(id, ret_message->wire.root, failure) == 0)
		return 0;
	stream_message_done(ret_message);
	return -1;
}

/* The daemon closes the connection on what is beyond its limits: not sent. */
static int
check_request(const struct wire_writer *request, struct failure *failure)
{
	struct wire_scan scan = {0};
	struct err err;

	if (request->has_failed)
		return failure_set(failure, ERR_BAD_ARGUMENTS,
			"the request is longer than %d bytes",
			WIRE_REQUEST_MAX);
	if (wire_scan(&scan, &wire_request_limits, request->data, request->len,
		    &err) < 0)
		return failure_set(failure, ERR_BAD_ARGUMENTS,
			"the request is beyond the daemon's limits: %s",
			err.text);
	return 0;
}

static int
write_request(struct wire_writer *request, uint32_t id, const char *method,
	const struct wire_writer *params, struct failure *failure)
{
	wire_writer_init(request, WIRE_REQUEST_MAX);
	request->is_secret = true; /* manage may hold a password */
	wire_array(request, 4);
	wire_uint(request, 0);
	wire_uint(request, id);
	wire_text(request, method);
	wire_raw(request, params->data, params->len);
	request->has_failed |= params->has_failed;
	return check_request(request, failure);
}

/* A daemon that was started anew since the last call has hung up. */
static int
connect_until(struct rpc *rpc, const struct deadline *deadline,
	struct failure *failure)
{
	struct stream *stream = &rpc->stream;

	if (stream->socketfd >= 0 && rpc->owed == 0 &&
		stream_has_hung_up(stream))
		rpc_done(rpc);
	if (stream->socketfd >= 0)
		return 0;
	return stream_connect(stream, deadline, failure);
}

static int
send_until(struct rpc *rpc, const char *method,
	const struct wire_writer *params, const struct deadline *deadline,
	uint32_t *ret_id, struct failure *failure)
{
	cleanup(wire_writer_done) struct wire_writer request;
	int result = write_request(
		&request, ++rpc->last_id, method, params, failure);

	if (result)
		return result;
	result = connect_until(rpc, deadline, failure);
	if (result == 0)
		result = stream_send(&rpc->stream, &request, deadline, failure);
	if (result) {
		rpc_done(rpc);
		return result;
	}
	rpc->owed++;
	*ret_id = rpc->last_id;
	return 0;
}

static int
receive_until(struct rpc *rpc, uint32_t id, const struct deadline *deadline,
	struct rpc_reply *ret_reply, struct failure *failure)
{
	int result;

	/* Nothing can come, and poll(2) would wait for it all the same. */
	if (rpc->owed == 0)
		return failure_no_daemon(failure,
			"the connection to %s was lost", rpc->stream.path);
	result =
		await_response(rpc, id, deadline, &ret_reply->message, failure);
	if (result) {
		rpc_done(rpc); /* an answer that comes late is to no one */
		return result;
	}
	rpc->owed--;
	result = read_response(ret_reply, failure);
	tell_notes_after(rpc);
	return result;
}

int
rpc_connect(struct rpc *rpc, int64_t timeout_ms, struct failure *failure)
{
	struct deadline deadline = deadline_in(timeout_ms);

	return connect_until(rpc, &deadline, failure);
}

int
rpc_send(struct rpc *rpc, const char *method, const struct wire_writer *params,
	int64_t timeout_ms, uint32_t *ret_id, struct failure *failure)
{
	struct deadline deadline = deadline_in(timeout_ms);

	return send_until(rpc, method, params, &deadline, ret_id, failure);
}

int
rpc_receive(struct rpc *rpc, uint32_t id, int64_t timeout_ms,
	struct rpc_reply *ret_reply, struct failure *failure)
{
	struct deadline deadline = deadline_in(timeout_ms);

	return receive_until(rpc, id, &deadline, ret_reply, failure);
}

int
rpc_call(struct rpc *rpc, const char *method, const struct wire_writer *params,
	int64_t timeout_ms, struct rpc_reply *ret_reply,
	struct failure *failure)
{
	struct deadline deadline = deadline_in(timeout_ms);
	uint32_t id;
	int result = send_until(rpc, method, params, &deadline, &id, failure);

	return result ? result
		      : receive_until(rpc, id, &deadline, ret_reply, failure);
}

static int
read_notes(struct rpc *rpc, const struct deadline *deadline,
	unsigned *ret_count, struct failure *failure)
{
	bool is_last = false;

	*ret_count = 0;
	for (;;) {
		int result = tell_notes(rpc, ret_count, failure);
		int left, ready;

		if (result || *ret_count > 0 || is_last)
			return result;
		left = clock_wait_ms(deadline->at_us);
		is_last = left == 0;
		ready = stream_poll(&rpc->stream, POLLIN, left, failure);
		if (ready < 0)
			return -1;
		result = ready > 0 ? stream_read(&rpc->stream, failure) : 0;
		if (result)
			return result;
	}
}

int
rpc_read_notes(struct rpc *rpc, int64_t timeout_ms, unsigned *ret_count,
	struct failure *failure)
{
	struct deadline deadline = deadline_in(timeout_ms);
	int result = read_notes(rpc, &deadline, ret_count, failure);

	if (result)
		rpc_done(rpc);
	return result;
}
