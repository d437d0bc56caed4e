/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rpc.c - one call at a time to the daemon: msgpack-RPC, blocking.
 *
 * Runs in: command.
 * Trusts: nobody: a reply is scanned, unpacked and checked for its shape.
 * Invariant: see rpc.h.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "client/duration.h"
#include "client/rpc.h"
#include "common/clock.h"
#include "common/guard.h"

enum {
	CONNECT_TIMEOUT_S = 10,
	READ_STEP = 16384,
	MESSAGE_RESPONSE = 1, /* msgpack-RPC's types */
	MESSAGE_NOTIFICATION = 2,
};

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

	if (errnum == EAGAIN)
		return failure_set(failure, ERR_TIMEOUT,
			"the daemon at %s took no connection in %d s",
			rpc->path, CONNECT_TIMEOUT_S);
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

static int
connect_to_daemon(struct rpc *rpc, struct failure *failure)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = CONNECT_TIMEOUT_S};
	cleanup_close int socketfd = -1;

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
	/* Bounds connect(2), which waits while the backlog is full. */
	(void)setsockopt(
		socketfd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(socketfd, (const struct sockaddr *)&address,
		    sizeof(address)) < 0)
		return refuse_connect(rpc, errno, failure);
	rpc->socketfd = take_fd(&socketfd);
	return 0;
}

/* Waits for events until the deadline. */
static int
wait_for(const struct rpc *rpc, short events, uint64_t deadline_us,
	int64_t timeout_ms, struct failure *failure)
{
	struct pollfd poller = {.fd = rpc->socketfd, .events = events};
	char duration[DURATION_TEXT_MAX];

	for (;;) {
		uint64_t now = clock_boot_us();
		uint64_t left = now < deadline_us ? deadline_us - now : 0;
		int ready = poll(&poller, 1, (int)((left + 999) / US_PER_MS));

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return failure_set(failure, ERR_INTERNAL, "poll: %s",
				strerror(errno));
		if (ready == 0 && left == 0)
			break;
	}
	duration_print((uint64_t)timeout_ms * US_PER_MS, duration);
	return failure_set(failure, ERR_TIMEOUT,
		"the daemon at %s did not answer in %s", rpc->path, duration);
}

static int
send_request(struct rpc *rpc, const struct wire_writer *request,
	uint64_t deadline_us, int64_t timeout_ms, struct failure *failure)
{
	size_t sent = 0;

	while (sent < request->len) {
		ssize_t len = send(rpc->socketfd, request->data + sent,
			request->len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		int result = 0;

		if (len > 0)
			sent += (size_t)len;
		else if (errno == EAGAIN)
			result = wait_for(
				rpc, POLLOUT, deadline_us, timeout_ms, failure);
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
	len = recv(rpc->socketfd, rpc->buffer + rpc->len, rpc->room - rpc->len,
		MSG_DONTWAIT);
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
	return 0;
}

static int
read_message(struct rpc *rpc, uint64_t deadline_us, int64_t timeout_ms,
	struct rpc_reply *ret_reply, struct failure *failure)
{
	struct err err;
	ssize_t len = 0;

	for (;;) {
		int result;

		if (rpc->len > 0)
			len = wire_scan(&rpc->scan, &wire_reply_limits,
				rpc->buffer, rpc->len, &err);
		if (len < 0)
			return failure_set(failure, ERR_BAD_MESSAGE,
				"the daemon's answer is malformed: %s",
				err.text);
		if (len > 0)
			return take_message(
				rpc, (size_t)len, ret_reply, failure);
		result =
			wait_for(rpc, POLLIN, deadline_us, timeout_ms, failure);
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

/* A response to our request: its result is found, or its error told. */
static int
read_response(
	uint32_t expected, struct rpc_reply *reply, struct failure *failure)
{
	const msgpack_object *root = reply->message.root;
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
	if (wire_is_nil(wire_at(root, 2))) {
		reply->result = wire_at(root, 3);
		return 0;
	}
	if (!wire_get_bytes(wire_at(root, 2), &text, &len))
		return failure_set(failure, ERR_BAD_MESSAGE,
			"the daemon's answer is malformed: its error is no "
			"string");
	return failure_from_server(failure, text, len);
}

static int
await_response(struct rpc *rpc, uint32_t id, uint64_t deadline_us,
	int64_t timeout_ms, struct rpc_reply *ret_reply,
	struct failure *failure)
{
	for (;;) {
		int result = read_message(
			rpc, deadline_us, timeout_ms, ret_reply, failure);

		if (result)
			return result;
		if (is_notification(ret_reply->message.root)) {
			rpc_reply_done(ret_reply);
			continue;
		}
		result = read_response(id, ret_reply, failure);
		if (result)
			rpc_reply_done(ret_reply);
		return result;
	}
}

static int
write_request(struct wire_writer *request, uint32_t id, const char *method,
	const struct wire_writer *params, struct failure *failure)
{
	wire_writer_init(request, WIRE_REQUEST_MAX);
	wire_array(request, 4);
	wire_uint(request, 0);
	wire_uint(request, id);
	wire_text(request, method);
	wire_raw(request, params->data, params->len);
	if (request->has_failed || params->has_failed)
		return failure_set(failure, ERR_BAD_ARGUMENTS,
			"the request is longer than %d bytes",
			WIRE_REQUEST_MAX);
	return 0;
}

int
rpc_send(struct rpc *rpc, const char *method, const struct wire_writer *params,
	int64_t timeout_ms, uint32_t *ret_id, struct failure *failure)
{
	cleanup(wire_writer_done) struct wire_writer request;
	int result = write_request(
		&request, ++rpc->last_id, method, params, failure);

	if (result == 0)
		result = connect_to_daemon(rpc, failure);
	if (result == 0)
		result = send_request(rpc, &request,
			clock_boot_us() + (uint64_t)timeout_ms * US_PER_MS,
			timeout_ms, failure);
	if (result)
		rpc_done(rpc);
	else
		*ret_id = rpc->last_id;
	return result;
}

int
rpc_receive(struct rpc *rpc, uint32_t id, int64_t timeout_ms,
	struct rpc_reply *ret_reply, struct failure *failure)
{
	int result = await_response(rpc, id,
		clock_boot_us() + (uint64_t)timeout_ms * US_PER_MS, timeout_ms,
		ret_reply, failure);

	if (result)
		rpc_done(rpc); /* an answer that comes late is to no one */
	return result;
}

int
rpc_call(struct rpc *rpc, const char *method, const struct wire_writer *params,
	int64_t timeout_ms, struct rpc_reply *ret_reply,
	struct failure *failure)
{
	uint32_t id;
	int result = rpc_send(rpc, method, params, timeout_ms, &id, failure);

	return result ? result
		      : rpc_receive(rpc, id, timeout_ms, ret_reply, failure);
}
