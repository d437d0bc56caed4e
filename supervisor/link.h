/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * link.h - the two pipes to one worker, and its end.
 *
 * Runs in: supervisor.
 * Trusts: nobody: a worker may say anything, or nothing. A message that is not
 *         as worker.def has it makes the link bad, and its owner ends it.
 * Invariant: never waits. A link is closed, or all its descriptors are open;
 *            pidfd comes last, with the launcher's answer.
 */
#ifndef SUPERVISOR_LINK_H
#define SUPERVISOR_LINK_H

#include <sys/types.h>

#include "common/log.h"
#include "common/loop.h"
#include "proto/message.h"

struct link {
	struct loop *loop;
	struct loop_source orders;
	struct loop_source reports;
	struct loop_source process; /* pidfd */
	pid_t pid;		    /* 0 while there is none */
	/* The pipe has room again. */
	void (*on_writable)(struct link *link);
	/* False: this worker may not say that. */
	bool (*on_report)(struct link *link, const struct message *message);
	/* The worker said something that it may not. Called once. */
	void (*on_bad_report)(struct link *link, const struct err *err);
	/* The worker has closed one of its pipes, but has not ended yet. */
	void (*on_pipe_end)(struct link *link);
	/* The worker has ended; status as of waitid(2): code and status. */
	void (*on_exit)(struct link *link, pid_t pid, int code, int status);
};

/* All closed; callbacks are set by the caller. */
void link_init(struct link *link, struct loop *loop);
/*
 * Makes the pipes, watches our ends, and returns the worker's: the reading end
 * of the orders and the writing end of the reports, the caller's to give away.
 * 0 or -errno.
 */
int link_open(struct link *link, int *ret_orderfd, int *ret_reportfd);
/* The worker runs. Takes pidfd. 0 or -errno. */
int link_attach(struct link *link, pid_t pid, int pidfd);
/* Closes the orders: the worker will see that and end. */
void link_hang_up(struct link *link);
/* Whether both pipes are open on both ends, as far as is known. */
bool link_is_open(const struct link *link);
/* The severity of a worker's line: 0 to 2 would be shown on every terminal. */
enum log_level link_log_level(uint64_t level);
/* Closes everything. */
void link_close(struct link *link);
/* 0, -EAGAIN while the pipe is full (on_writable follows), -EPIPE when the
 * worker has gone. */
int link_send(struct link *link, const struct message *message);

#endif
