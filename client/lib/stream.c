/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stream.c - a connection to the daemon: bytes out, whole messages in.
 *
 * Runs in: command, and whoever links libholdfast.
 * Trusts: nobody: a message is scanned before it is unpacked.
 * Invariant: see stream.h.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "client/lib/stream.h"
#include "common/clock.h"
#include "common/guard.h"

enum {
	CONNECT_TIMEOUT_MS = 10000,
	READ_STEP = 16384,
};

struct deadline
deadline_in(int64_t timeout_ms)
{
	return (struct deadline){
		.at_us = clock_boot_us() + (uint64_t)timeout_ms * US_PER_MS,
		.timeout_ms = timeout_ms,
	};
}

void
stream_init(struct stream *stream, const char *path)
{
	*stream = (struct stream){.path = path, .socketfd = -1};
}

void
stream_close(struct stream *stream)
{
	guard_close(&stream->socketfd);
	free(take_ptr(stream->buffer));
	stream->socketfd = -1;
	stream->len = 0;
	stream->room = 0;
	stream->scan = (struct wire_scan){0};
}

void
stream_message_done(struct stream_message *message)
{
	if (!message->bytes)
		return;
	wire_release(&message->wire);
	free(take_ptr(message->bytes));
}

static int
refuse_connect(const struct stream *stream, int errnum, struct failure *failure)
{
	if (errnum == EAGAIN || errnum == EINTR)
		return failure_set(failure, ERR_TIMEOUT,
			"the daemon at %s took no connection in time",
			stream->path);
	if (errnum != EACCES && errnum != EPERM)
		return failure_no_daemon(failure, "no daemon at %s: %s",
			stream->path, strerror(errnum));
	return failure_set(failure, ERR_DENIED,
		"no access to %s: not in the group holdfast, or SELinux "
		"refuses it",
		stream->path);
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

/* Also when it left something that is not read yet. */
bool
stream_has_hung_up(const struct stream *stream)
{
	struct pollfd poller = {.fd = stream->socketfd, .events = POLLRDHUP};

	return poll(&poller, 1, 0) > 0;
}

int
stream_connect(struct stream *stream, const struct deadline *deadline,
	struct failure *failure)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int socketfd = -1;
	int result;

	if (strlen(stream->path) >= sizeof(address.sun_path))
		return failure_set(failure, ERR_BAD_ARGUMENTS,
			"socket path longer than %zu bytes: %s",
			sizeof(address.sun_path) - 1, stream->path);
	(void)strcpy(address.sun_path, stream->path);
	socketfd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (socketfd < 0)
		return refuse_connect(stream, errno, failure);
	do {
		bound_connect(socketfd, deadline);
		result = connect(socketfd, (const struct sockaddr *)&address,
			sizeof(address));
	} while (result < 0 && errno == EINTR &&
		 clock_wait_ms(deadline->at_us) > 0);
	if (result < 0)
		return refuse_connect(stream, errno, failure);
	stream->connections++;
	stream->socketfd = take_fd(&socketfd);
	return 0;
}

int
stream_poll(const struct stream *stream, short events, int timeout_ms,
	struct failure *failure)
{
	struct pollfd poller = {.fd = stream->socketfd, .events = events};
	int ready = poll(&poller, 1, timeout_ms);

	if (ready < 0 && errno != EINTR) {
		(void)failure_set(
			failure, ERR_INTERNAL, "poll: %s", strerror(errno));
		return -1;
	}
	return ready > 0;
}

/* Waits for events until the deadline: not longer, whatever comes by then. */
static int
wait_for(const struct stream *stream, short events,
	const struct deadline *deadline, struct failure *failure)
{
	int left;

	do {
		int ready;

		left = clock_wait_ms(deadline->at_us);
		ready = stream_poll(stream, events, left, failure);
		if (ready < 0)
			return -1;
		if (ready > 0 && left > 0)
			return 0;
	} while (left > 0);
	return failure_set(failure, ERR_TIMEOUT,
		"the daemon at %s did not answer in %gs", stream->path,
		(double)deadline->timeout_ms / 1000);
}

int
stream_send(struct stream *stream, const struct wire_writer *request,
	const struct deadline *deadline, struct failure *failure)
{
	size_t sent = 0;

	while (sent < request->len) {
		ssize_t len = send(stream->socketfd, request->data + sent,
			request->len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		int result = 0;

		if (len > 0)
			sent += (size_t)len;
		else if (errno == EAGAIN)
			result = wait_for(stream, POLLOUT, deadline, failure);
		else if (errno != EINTR)
			return 0; /* why it hung up can still be read */
		if (result)
			return result;
	}
	return 0;
}

static int
make_room(struct stream *stream, struct failure *failure)
{
	size_t room = stream->room ? stream->room : READ_STEP;
	uint8_t *buffer;

	if (stream->room - stream->len >= READ_STEP / 2)
		return 0;
	while (room - stream->len < READ_STEP / 2)
		room *= 2;
	buffer = realloc(stream->buffer, room);
	if (!buffer)
		return failure_set(failure, ERR_INTERNAL, "no memory");
	stream->buffer = buffer;
	stream->room = room;
	return 0;
}

int
stream_read(struct stream *stream, struct failure *failure)
{
	ssize_t len;
	int result = make_room(stream, failure);

	if (result)
		return result;
	/* One byte stays: see struct stream_message. */
	len = recv(stream->socketfd, stream->buffer + stream->len,
		stream->room - stream->len - 1, MSG_DONTWAIT);
	if (len > 0) {
		stream->len += (size_t)len;
		return 0;
	}
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (len == 0 || errno == ECONNRESET)
		return failure_no_daemon(failure,
			"the daemon at %s closed the connection without an "
			"answer",
			stream->path);
	return failure_no_daemon(
		failure, "reading from %s: %s", stream->path, strerror(errno));
}

/* Takes the message of len bytes off the buffer. */
static int
take_message(struct stream *stream, size_t len,
	struct stream_message *ret_message, struct failure *failure)
{
	struct err err;
	uint8_t *bytes = stream->buffer;
	size_t rest = stream->len - len;
	uint8_t *buffer = malloc(rest + READ_STEP);

	if (!buffer)
		return failure_set(failure, ERR_INTERNAL, "no memory");
	memcpy(buffer, stream->buffer + len, rest);
	stream->buffer = buffer;
	stream->len = rest;
	stream->room = rest + READ_STEP;
	if (wire_unpack(&ret_message->wire, bytes, len, &err) < 0) {
		free(bytes);
		return failure_set(failure, err.code,
			"the daemon's answer is malformed: %s", err.text);
	}
	ret_message->bytes = bytes; /* from here on it is to be released */
	ret_message->len = len;
	return 0;
}

int
stream_next(struct stream *stream, struct stream_message *ret_message,
	struct failure *failure)
{
	struct err err;
	ssize_t len = 0;

	if (stream->len > 0)
		len = wire_scan(&stream->scan, &wire_reply_limits,
			stream->buffer, stream->len, &err);
	if (len == 0)
		return 0;
	if (len > 0)
		return take_message(stream, (size_t)len, ret_message, failure)
			       ? -1
			       : 1;
	(void)failure_set(failure, ERR_BAD_MESSAGE,
		"the daemon's answer is malformed: %s", err.text);
	return -1;
}

int
stream_receive(struct stream *stream, const struct deadline *deadline,
	struct stream_message *ret_message, struct failure *failure)
{
	for (;;) {
		int got = stream_next(stream, ret_message, failure);
		int result;

		if (got < 0)
			return -1;
		if (got > 0)
			return 0;
		result = wait_for(stream, POLLIN, deadline, failure);
		if (result == 0)
			result = stream_read(stream, failure);
		if (result)
			return result;
	}
}
