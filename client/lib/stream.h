/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stream.h - a connection to the daemon: bytes out, whole messages in.
 *
 * Runs in: command, and whoever links libholdfast.
 * Trusts: nobody: a message is scanned before it is unpacked.
 * Invariant: the descriptor is never waited on without a deadline. Whoever gets
 *            a failure closes the stream: what was read by half is of no use.
 */
#ifndef CLIENT_LIB_STREAM_H
#define CLIENT_LIB_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/failure.h"
#include "proto/wire.h"

struct deadline {
	uint64_t at_us;	    /* boot time */
	int64_t timeout_ms; /* that it was made of */
};

/* What is unpacked points into itself: must not be copied or moved. */
struct stream_message {
	uint8_t *bytes; /* NULL while there is none; one more than its length */
	size_t len;
	struct wire_message wire;
};

struct stream {
	const char *path;
	int socketfd;	      /* -1 while not connected */
	unsigned connections; /* made so far */
	uint8_t *buffer;      /* what came and is not consumed */
	size_t len;
	size_t room;
	struct wire_scan scan;
};

struct deadline deadline_in(int64_t timeout_ms);

/* The path is not copied. Nothing is connected yet. */
void stream_init(struct stream *stream, const char *path);
/* What came and was not consumed is forgotten. */
void stream_close(struct stream *stream);

/*
 * Connects what is closed. 0, or -1: no daemon, no access, or none that took the
 * connection by the deadline, 10 s at most.
 */
int stream_connect(struct stream *stream, const struct deadline *deadline,
	struct failure *failure);
/* Whether nothing can come any more: a daemon that was started anew. */
bool stream_has_hung_up(const struct stream *stream);

/* 0, also when the daemon has hung up: why can still be read; or -1. */
int stream_send(struct stream *stream, const struct wire_writer *request,
	const struct deadline *deadline, struct failure *failure);

/*
 * Waits for the next message, which is the caller's to release. 0, or -1: no
 * daemon any more, nothing whole by the deadline, malformed bytes.
 */
int stream_receive(struct stream *stream, const struct deadline *deadline,
	struct stream_message *ret_message, struct failure *failure);
void stream_message_done(struct stream_message *message);

/*
 * The steps of it, for those who wait otherwise: 1 with a message that is whole
 * already, 0 if bytes are missing; 1 once one of poll(2)'s events is there, 0
 * after timeout_ms or a signal; then what is there is read: 0, which may be
 * nothing. All -1 with a failure.
 */
int stream_next(struct stream *stream, struct stream_message *ret_message,
	struct failure *failure);
int stream_poll(const struct stream *stream, short events, int timeout_ms,
	struct failure *failure);
int stream_read(struct stream *stream, struct failure *failure);

#endif
