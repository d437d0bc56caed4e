/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rpc.c - one call at a time to the daemon: msgpack-RPC, blocking.
 *
 * Runs in: command, and whoever links libholdfast.
 * Trusts: nobody: a reply is scanned, unpacked and checked for its shape.
 * Invariant: see rpc.h.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "client/lib/rpc.h"
#include "common/clock.h"
#include "common/guard.h"

enum {
	CONNECT_TIMEOUT_MS = 10000,
	READ_STEP = 16384,
	MESSAGE_RESPONSE = 1, /* msgpack-RPC's types */
	MESSAGE_NOTIFICATION = 2,
};

struct deadline {
	uint64_t at_us;	    /* boot time */
	int64_t timeout_ms; /* that it was made of */
};

static struct deadline
deadline_in(int64_t timeout_ms)
{
	return (struct deadline){
		.at_us = clock_boot_us() + (uint64_t)timeout_ms * US_PER_MS,
		.timeout_ms = timeout_ms,
	};
}

void
rpc_init(struct rpc *rpc, const char *path)
{
	*rpc = (struct rpc){.path = path, .socketfd = -1};
}

void
rpc_done(struct rpc *rpc)
{
	guard_close(&rpc->socketfd);
	free(take_ptr(rpc->buffer));
	rpc->socketfd = -1;
	rpc->owed = 0;
	rpc->len = 0;
	rpc->room = 0;
	rpc->scan = (struct wire_scan){0};
}

void
rpc_reply_done(struct rpc_reply *reply)
{
	if (!reply->bytes)
		return;
	wire_release(&reply->message);
	free(take_ptr(reply->bytes));
}

static int
refuse_connect(const struct rpc *rpc, int errnum, struct failure *failure)
{
	int result;

	if (errnum == EAGAIN || errnum == EINTR)
		return failure_set(failure, ERR_TIMEOUT,
			"the daemon at %s took no connection in time",
			rpc->path);
	if (errnum != EACCES && errnum != EPERM)
		return failure_no_daemon(failure, "no daemon at %s: %s",
			rpc->path, strerror(errnum));
	result = failure_set(failure, ERR_DENIED,
		"no access to %s: not in the group holdfast, or SELinux "
		"refuses it",
		rpc->path);
	failure->hint = "be root, or a member of that group: usermod -aG "
			"holdfast USER, then log in anew";
	return result;
}

/* Bounds connect(2), which waits while the backlog is full. */
static void
bound_connect(int socketfd, const struct deadline *deadline)
{
	int ms = clock_wait_ms(deadline->at_us);
	struct timeval patience = {0};

	if (ms > CONNECT_TIMEOUT_MS)
		ms = CONNECT_TIMEOUT_MS;
	if (ms < 1)
		ms = 1; /* 0 would be for ever */
	patience.tv_sec = ms / 1000;
	patience.tv_usec = ms % 1000 * 1000;
	(void)setsockopt(
		socketfd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

/* A daemon that was restarted since the last call has hung up. */
static bool
has_hung_up(const struct rpc *rpc)
{
	char byte;
	ssize_t len = recv(rpc->socketfd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR);
}

static int
connect_to_daemon(struct rpc *rpc, const struct deadline *deadline,
	struct failure *failure)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int socketfd = -1;
	int result;

	if (rpc->socketfd >= 0 && rpc->owed == 0 && has_hung_up(rpc))
		rpc_done(rpc);
	if (rpc->socketfd >= 0)
		return 0;
	if (strlen(rpc->path) >= sizeof(address.sun_path))
		return failure_set(failure, ERR_BAD_ARGUMENTS,
			"socket path longer than %zu bytes: %s",
			sizeof(address.sun_path) - 1, rpc->path);
	(void)strcpy(address.sun_path, rpc->path);
	socketfd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (socketfd < 0)
		return refuse_connect(rpc, errno, failure);
	do {
		bound_connect(socketfd, deadline);
		result = connect(socketfd, (const struct sockaddr *)&address,
			sizeof(address));
	} while (result < 0 && errno == EINTR &&
		 clock_wait_ms(deadline->at_us) > 0);
	if (result < 0)
		return refuse_connect(rpc, errno, failure);
	rpc->connections++;
	rpc->socketfd = take_fd(&socketfd);
	return 0;
}

/* Waits for events until the deadline: not longer, whatever comes by then. */
static int
wait_for(const struct rpc *rpc, short events, const struct deadline *deadline,
	struct failure *failure)
{
	struct pollfd poller = {.fd = rpc->socketfd, .events = events};
	int left;

	do {
		int ready;

		left = clock_wait_ms(deadline->at_us);
		ready = poll(&poller, 1, left);
		if (ready > 0 && left > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return failure_set(failure, ERR_INTERNAL, "poll: %s",
				strerror(errno));
	} while (left > 0);
	return failure_set(failure, ERR_TIMEOUT,
		"the daemon at %s did not answer in %gs", rpc->path,
		(double)deadline->timeout_ms / 1000);
}

static int
send_request(struct rpc *rpc, const struct wire_writer *request,
	const struct deadline *deadline, struct failure *failure)
{
	size_t sent = 0;

	while (sent < request->len) {
		ssize_t len = send(rpc->socketfd, request->data + sent,
			request->len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		int result = 0;

		if (len > 0)
			sent += (size_t)len;
		else if (errno == EAGAIN)
			result = wait_for(rpc, POLLOUT, deadline, failure);
		else if (errno != EINTR)
			return 0; /* why it hung up can still be read */
		if (result)
			return result;
	}
	return 0;
}

static int
make_room(struct rpc *rpc, struct failure *failure)
{
	size_t room = rpc->room ? rpc->room : READ_STEP;
	uint8_t *buffer;

	if (rpc->room - rpc->len >= READ_STEP / 2)
		return 0;
	while (room - rpc->len < READ_STEP / 2)
		room *= 2;
	buffer = realloc(rpc->buffer, room);
	if (!buffer)
		return failure_set(failure, ERR_INTERNAL, "no memory");
	rpc->buffer = buffer;
	rpc->room = room;
	return 0;
}

static int
read_more(struct rpc *rpc, struct failure *failure)
{
	ssize_t len;
	int result = make_room(rpc, failure);

	if (result)
		return result;
	/* One byte stays: see struct rpc_reply. */
	len = recv(rpc->socketfd, rpc->buffer + rpc->len,
		rpc->room - rpc->len - 1, MSG_DONTWAIT);
	if (len > 0) {
		rpc->len += (size_t)len;
		return 0;
	}
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (len == 0 || errno == ECONNRESET)
		return failure_no_daemon(failure,
			"the daemon at %s closed the connection without an "
			"answer",
			rpc->path);
	return failure_no_daemon(
		failure, "reading from %s: %s", rpc->path, strerror(errno));
}

/* Takes the message of len bytes off the buffer. */
static int
take_message(struct rpc *rpc, size_t len, struct rpc_reply *ret_reply,
	struct failure *failure)
{
	struct err err;
	uint8_t *bytes = rpc->buffer;
	size_t rest = rpc->len - len;
	uint8_t *buffer = malloc(rest + READ_STEP);

	if (!buffer)
		return failure_set(failure, ERR_INTERNAL, "no memory");
	memcpy(buffer, rpc->buffer + len, rest);
	rpc->buffer = buffer;
	rpc->len = rest;
	rpc->room = rest + READ_STEP;
	if (wire_unpack(&ret_reply->message, bytes, len, &err) < 0) {
		free(bytes);
		return failure_set(failure, err.code,
			"the daemon's answer is malformed: %s", err.text);
	}
	ret_reply->bytes = bytes; /* from here on it is to be released */
	ret_reply->len = len;
	return 0;
}

/* 1 with the next message if it is whole, 0 if bytes are missing, -1. */
static int
next_message(
	struct rpc *rpc, struct rpc_reply *ret_reply, struct failure *failure)
{
	struct err err;
	ssize_t len = 0;

	if (rpc->len > 0)
		len = wire_scan(&rpc->scan, &wire_reply_limits, rpc->buffer,
			rpc->len, &err);
	if (len == 0)
		return 0;
	if (len > 0)
		return take_message(rpc, (size_t)len, ret_reply, failure) ? -1
									  : 1;
	(void)failure_set(failure, ERR_BAD_MESSAGE,
		"the daemon's answer is malformed: %s", err.text);
	return -1;
}

static int
read_message(struct rpc *rpc, const struct deadline *deadline,
	struct rpc_reply *ret_reply, struct failure *failure)
{
	for (;;) {
		int got = next_message(rpc, ret_reply, failure);
		int result;

		if (got < 0)
			return failure->exit_code;
		if (got > 0)
			return 0;
		result = wait_for(rpc, POLLIN, deadline, failure);
		if (result == 0)
			result = read_more(rpc, failure);
		if (result)
			return result;
	}
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
	const msgpack_object *root = reply->message.root;
	const char *text;
	size_t len;

	if (!wire_get_bytes(wire_at(root, 2), &text, &len)) {
		reply->result = wire_at(root, 3);
		return 0;
	}
	(void)failure_from_server(failure, text, len);
	rpc_reply_done(reply);
	return failure->exit_code;
}

static void
tell_note(struct rpc *rpc, struct rpc_reply *note)
{
	if (rpc->on_note)
		rpc->on_note(rpc->data, note);
	rpc_reply_done(note);
}

/* Tells what lies in the buffer, where only notifications may. */
static int
tell_notes(struct rpc *rpc, unsigned *count, struct failure *failure)
{
	struct rpc_reply note = {0};
	int got;

	while ((got = next_message(rpc, &note, failure)) > 0) {
		if (!is_notification(note.message.root)) {
			rpc_reply_done(&note);
			return failure_set(failure, ERR_BAD_MESSAGE,
				"the daemon's message is malformed: it answers "
				"no request");
		}
		tell_note(rpc, &note);
		(*count)++;
	}
	return got < 0 ? failure->exit_code : 0;
}

/*
 * Who polls the descriptor is not told of what lies in the buffer already. The
 * answer is good whatever stands behind it.
 */
static void
tell_notes_behind(struct rpc *rpc)
{
	struct failure ignored;
	unsigned count = 0;

	if (rpc->on_note && rpc->owed == 0 && tell_notes(rpc, &count, &ignored))
		rpc_done(rpc);
}

/* The response itself may be an error: then there is a connection still. */
static int
await_response(struct rpc *rpc, uint32_t id, const struct deadline *deadline,
	struct rpc_reply *ret_reply, struct failure *failure)
{
	for (;;) {
		int result = read_message(rpc, deadline, ret_reply, failure);

		if (result)
			return result;
		if (!is_notification(ret_reply->message.root))
			break;
		tell_note(rpc, ret_reply);
	}
	if (check_response(id, ret_reply->message.root, failure) == 0)
		return 0;
	rpc_reply_done(ret_reply);
	return failure->exit_code;
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
	result = connect_to_daemon(rpc, deadline, failure);
	if (result == 0)
		result = send_request(rpc, &request, deadline, failure);
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
	int result = await_response(rpc, id, deadline, ret_reply, failure);

	if (result) {
		rpc_done(rpc); /* an answer that comes late is to no one */
		return result;
	}
	rpc->owed--;
	result = read_response(ret_reply, failure);
	tell_notes_behind(rpc);
	return result;
}

int
rpc_connect(struct rpc *rpc, int64_t timeout_ms, struct failure *failure)
{
	struct deadline deadline = deadline_in(timeout_ms);

	return connect_to_daemon(rpc, &deadline, failure);
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
	struct pollfd poller = {.fd = rpc->socketfd, .events = POLLIN};
	bool is_last = false;

	*ret_count = 0;
	for (;;) {
		int result = tell_notes(rpc, ret_count, failure);
		int left, ready;

		if (result || *ret_count > 0 || is_last)
			return result;
		left = clock_wait_ms(deadline->at_us);
		is_last = left == 0;
		ready = poll(&poller, 1, left);
		if (ready < 0 && errno != EINTR)
			return failure_set(failure, ERR_INTERNAL, "poll: %s",
				strerror(errno));
		result = ready > 0 ? read_more(rpc, failure) : 0;
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
