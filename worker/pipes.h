/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pipes.h - the worker's two pipes: orders in, reports out.
 *
 * Runs in: worker.
 * Trusts: nobody: an order is decoded strictly, a bad one ends the worker.
 * Invariant: never waits. A status that does not fit into a full pipe is
 *            replaced by the next one, and sent when there is room: the
 *            supervisor always gets the latest.
 */
#ifndef WORKER_PIPES_H
#define WORKER_PIPES_H

#include <stdbool.h>

#include "common/loop.h"
#include "proto/message.h"

enum {
	PIPES_ORDER_FD = 3,
	PIPES_REPORT_FD = 4
};

struct pipes {
	struct loop *loop;
	struct loop_source orders;
	struct loop_source reports;
	void (*on_order)(struct pipes *pipes, const struct message *order);
	/* The supervisor is gone. */
	void (*on_end)(struct pipes *pipes);
	/* It sent what it may not send. */
	void (*on_bad_order)(struct pipes *pipes, const struct err *err);
	bool is_dirty; /* last was not written yet */
	size_t last_len;
	uint8_t last[MESSAGE_MAX]; /* the latest status */
};

/* The callbacks are set by the caller before. 0 or -errno. */
int pipes_init(
	struct pipes *pipes, struct loop *loop, int orderfd, int reportfd);
/* Sends the status unless it is the one that was sent last. */
void pipes_report_status(
	struct pipes *pipes, const struct status_message *status);
/* What came of a trial; dropped when the pipe is full: who asked has a deadline
 * of its own. */
void pipes_report_tried(struct pipes *pipes, const struct tried_message *tried);
/* A log line; dropped when the pipe is full. */
void pipes_log(struct pipes *pipes, unsigned level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * For a process that does nothing else: waits for one order, or sends one
 * message, until deadline_us. 0 or -errno: -ETIMEDOUT, -EPIPE at the end,
 * -EBADMSG with err.
 */
int pipes_wait_order(int orderfd, uint64_t deadline_us,
	struct message *ret_order, struct err *err);
int pipes_send(
	int reportfd, uint64_t deadline_us, const struct message *report);

#endif
